"""One thread for each test process, and the same examples of hypothesis in every run.

Workers of pytest-xdist that all start a thread per core wait for each other most of the time.
"""

import os

from hypothesis import settings

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
