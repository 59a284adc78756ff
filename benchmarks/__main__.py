"""`python -m benchmarks [name] [options]`: one benchmark, or all of them in their small size; `--help` after a name lists its options."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = {
    "exact": "the exact engine beside Singular and Macaulay2",
    "exact_evidence": "free energies beside exact values",
    "model_choice": "the rank of a reduced rank regression by free energy, WBIC, sBIC and BIC",
    "wbic": "WBIC of a reduced rank regression beside PyMC (nutpie) and NumPyro",
    "waic": "WAIC beside ArviZ: time and memory",
    "accuracy": "λ̂ of networks whose local λ is known, everything on default",
    "coverage": "how often the truth is within two stated standard errors",
    "speed": "chain-steps per second beside a bare PyTorch loop",
    "memory": "peak memory of sampling a network of 50 million parameters",
    "real": "λ̂ along training: digits MLP and CNN, a GPT on Python's source text",
}


def main(arguments: list[str]) -> int:
    if not arguments:
        for name in BENCHMARKS:
            print(f"== {name}: {BENCHMARKS[name]}", flush=True)
            run(name, [])
        return 0
    if arguments[0] not in BENCHMARKS:
        print("python -m benchmarks [name] [options]; the names are\n" + "\n".join(f"  {k:<14} {v}" for k, v in BENCHMARKS.items()))
        return 0 if arguments[0] in ("-h", "--help") else 2
    run(arguments[0], arguments[1:])
    return 0


def run(name: str, options: list[str]) -> None:
    kept, sys.argv = sys.argv, [f"python -m benchmarks {name}", *options]
    try:
        importlib.import_module(f"benchmarks.{name}").main()
    finally:
        sys.argv = kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
