"""WAIC beside ArviZ's: CPU time and peak memory, each in a process of its own; and a posterior on disk in bounded memory.

    python -m benchmarks waic                  # both, 4,000 draws × 5,000 observations
    python -m benchmarks waic --from-disk      # also 4,000 × 200,000 (6.4 GB) from a zarr store, memory bounded by the chunk
    python -m benchmarks waic --from-disk --write docs/data/waic.json

CPU time is user and system time of the call alone, the first and the
best of five (the first imports what is needed and touches fresh memory); memory is the peak of resident memory above that before the calls.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

CALLS = {
    "germ": "import germ; f = lambda x: germ.estimate_waic(x).diagnostics['elpd_waic']",
    "germ, all of `germ criteria` but LOO": (
        "import germ; from germ.estimators.pointwise import get_summary\n"
        "def f(x):\n    s = get_summary(x); germ.estimate_singular_fluctuation(s); germ.estimate_iscv(s)\n"
        "    return germ.estimate_waic(s).diagnostics['elpd_waic']"
    ),
    "ArviZ": "import arviz; f = lambda x: float(arviz.waic(x).elpd_waic)",
}
MEASURE = """
import json, re, time, warnings
warnings.simplefilter("ignore")
import numpy as np
{call}
{source}
read = lambda key: int(re.search(key + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
open("/proc/self/clear_refs", "w").write("5")  # the peak starts again from here
before, times = read("VmRSS"), []
for _ in range({repeats}):
    start = time.process_time(); wall = time.perf_counter(); value = f(x)
    times.append((time.process_time() - start, time.perf_counter() - wall))
print(json.dumps(dict(first=times[0][0], cpu=min(times)[0], wall=min(times)[1], before=before, memory=read("VmHWM") - before, value=value)))
"""
IN_MEMORY = """
import xarray as xr
rng = np.random.default_rng(0)
values = -((rng.normal(size={n}) - 0.05 * rng.normal(size=(4, 1000, 1)) * rng.normal(size={n})) ** 2) / 2
import arviz
x = arviz.from_dict(posterior=dict(w=values[:, :, 0]), log_likelihood=dict(y=values))
rng = values = None
"""


def measure(call: str, source: str, repeats: int = 5) -> dict[str, float]:
    code = MEASURE.format(call=CALLS[call], source=source, repeats=repeats)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def show(name: str, found: dict[str, float]) -> None:
    times = f"first {found['first']:7.3f} s CPU, best {found['cpu']:7.3f} ({found['wall']:.2f} s)"
    print(f"  {name:37} {times} {found['memory']:5.0f} MiB over {found['before']:.0f}   elpd {found['value']:.6f}")


def write_store(path: Path, chunks: tuple[int, int, int], draws: int = 1000, n: int = 200_000) -> None:
    import zarr

    rng = np.random.default_rng(0)
    y, slope = rng.normal(size=n), rng.normal(size=n)
    group = zarr.open_group(path, mode="w").create_group("log_likelihood")
    array = group.create_array(
        "y", shape=(4, draws, n), chunks=chunks, dtype="f8", compressors=None, dimension_names=("chain", "draw", "y_dim_0")
    )
    for chain in range(4):
        for draw in range(0, draws, chunks[1]):
            w = 0.01 * rng.normal(size=(chunks[1], 1))
            array[chain, draw : draw + chunks[1]] = -((y - w * slope) ** 2) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from-disk", action="store_true")
    parser.add_argument("--draws", type=int, default=1000, help="of each of the 4 chains on disk")
    parser.add_argument("--observations", type=int, default=200_000)
    parser.add_argument("--write", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    rows: dict[str, dict[str, float]] = {}
    print("4,000 draws × 5,000 observations in memory, one thread")
    found = {name: measure(name, IN_MEMORY.format(n=5000)) for name in CALLS}
    for name, row in found.items():
        show(name, row)
        rows[f"{name}, 4,000 × 5,000 in memory"] = row
    ratio = [found["germ"][key] / found["ArviZ"][key] for key in ("first", "cpu", "memory")]
    print(f"  germ / ArviZ: first call {ratio[0]:.2f}, best {ratio[1]:.2f}, memory {ratio[2]:.2f}")
    for chunks, words in (
        ()
        if not options.from_disk
        else (((1, 100, 5000), "chunks of 100 draws × 5,000"), ((1, 10, options.observations), "chunks of 10 whole draws"))
    ):
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "posterior.zarr"
            write_store(store, chunks, options.draws, options.observations)
            gigabytes = 4 * options.draws * options.observations * 8 / 1e9
            print(f"{4 * options.draws:,} × {options.observations:,} ({gigabytes:.1f} GB) from zarr, {words}")
            row = measure("germ", f"x = {str(store)!r}", repeats=1)
            show("germ", row)
            rows[f"germ, {4 * options.draws:,} × {options.observations:,} from zarr, {words}"] = row
    if options.write:
        options.write.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
