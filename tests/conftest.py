"""One thread for each test process: workers of pytest-xdist that all start a thread per core wait for each other most of the time."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
