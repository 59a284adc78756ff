"""Peak memory of sampling a network of 50 million parameters in place, above the activations of one training step.

    python -m benchmarks memory

One process trains a step (weights, gradient, activations), another samples two chains, one after the other: weights, gradient, position,
one block of noise, the same activations. Peaks are resident memory above that after the imports; activations are what the training step
needs above weights and gradient.

glibc's allocator can leave holes where tensors of 1 to 32 MB are freed and asked for again in every step (gradients of layers), and gives
them back at once only if MALLOC_MMAP_THRESHOLD_ is set. Both are measured: what germ asks for, and what the system lends by default.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

SETUP = """
import json, re, sys
import torch
from torch import nn
from germ.estimators.chains import estimate_by_chains
torch.set_num_threads(1)
read = lambda key: int(re.search(key + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
loss = lambda model, batch: (model(batch[0]) - batch[1]).square().mean(1)
tiny = nn.Linear(2, 1)
estimate_by_chains(tiny, loss, (torch.randn(64, 2), torch.randn(64, 1)), draws=4, burn_in=1, budget=5)  # imports and pools
before = read("VmRSS")
torch.manual_seed(0)
model = nn.Sequential(*[layer for _ in range({layers}) for layer in (nn.Linear({width}, {width}), nn.Tanh())])
x = torch.randn(256, {width})
data = (x, model(x).detach() + 0.1 * torch.randn(256, {width}))
parameters = sum(p.numel() for p in model.parameters())
"""
TRAIN = "loss(model, tuple(part[:{batch}] for part in data)).mean().backward()\n"
SAMPLE = (
    "found = estimate_by_chains(model, loss, data, chains=2, draws=4, burn_in=2, batch_size={batch}, step_size=1e-9, localization=1.0,"
    " budget=120)\nassert found.value == found.value\n"
)
REPORT = "print(json.dumps(dict(parameters=parameters, peak=read('VmHWM') - before)))\n"


ALLOCATORS = {"memory returned at once": {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}, "the system's default": {}}


def measure(body: str, allocator: dict[str, str], *, layers: int, width: int, batch: int) -> dict[str, int]:
    code = (SETUP + body + REPORT).format(layers=layers, width=width, batch=batch)
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | allocator
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, env=environment)
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--layers", type=int, default=13)
    parser.add_argument("--width", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    shape = {"layers": options.layers, "width": options.width, "batch": options.batch}
    rows = []
    for name, allocator in ALLOCATORS.items():
        step, chains = measure(TRAIN, allocator, **shape), measure(SAMPLE, allocator, **shape)
        weights = 4 * step["parameters"]
        activations = max(0, step["peak"] - 2 * weights)
        ratio = (chains["peak"] - activations) / weights
        print(f"{name}: {step['parameters']:,} parameters, {weights / 1e6:.0f} MB; a training step needs {step['peak'] / 1e6:.0f} MB")
        print(
            f"  sampling peaks at {chains['peak'] / 1e6:.0f} MB: {ratio:.2f} × the weights above activations of {activations / 1e6:.0f} MB"
        )
        rows.append({"allocator": name, "parameters": step["parameters"], "weights": weights, "activations": activations,
                     "peak": chains["peak"], "ratio": ratio})  # fmt: skip
        if options.write:
            options.write.write_text(json.dumps(rows, indent=1) + "\n")
    print("wanted: at most 4")


if __name__ == "__main__":
    main()
