"""Chain-steps per second of SGLD beside a bare PyTorch loop of forward and backward passes (the floor), in the same run.

    python -m benchmarks speed                       # three networks
    python -m benchmarks speed --write docs/data/speed.json

A chain-step is one stochastic gradient of one chain at one batch, with noise, both identities and the record of the draw. Floor and sampler
take turns, and the medians of the rounds are compared, since a shared machine changes its speed; what is compiled is compiled before.
The floor is run with one thread and with one for each core, and the faster one counts; germ has one thread in each process. Run it on a
machine that does nothing else: threads of PyTorch wait for each other, and lose far more than their share to other programs.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from statistics import median

import torch

from benchmarks.networks import Problem, make_gpt, make_linear_network, make_mlp
from germ.sampling.binding import bind_model
from germ.sampling.engine import LocalEngine
from germ.sampling.planning import Rung
from germ.sampling.recipe import Recipe
from germ.sampling.vectorized import Vectorized
from germ.sampling.workers import ProcessPool
from germ.units import compute_default_nbeta

# name, network, batch, chains, wanted ratio with everything, wanted without compiling
CASES: dict[str, tuple[Callable[[], Problem], int, int, float, float]] = {
    "linear network 10-10-10-10": (make_linear_network, 500, 4, 4.0, 0.0),
    "digits MLP 64-128-128-10": (make_mlp, 256, 4, 2.0, 0.0),
    "GPT, context 64": (make_gpt, 16, 2, 1.15, 0.9),
}
ROADS = {
    "one after the other": (False, False, 1), "vectorised": (True, False, 1), "compiled": (True, True, 1),
    "vectorised, two processes": (True, False, 2), "compiled, two processes": (True, True, 2),
}  # fmt: skip


def run_floor(problem: Problem, batch: int) -> Callable[[int], None]:
    model, loss, data = problem
    g = torch.Generator().manual_seed(0)

    def run(count: int) -> None:
        for _ in range(count):
            chosen = torch.randint(len(data[0]), (batch,), generator=g)
            model.zero_grad()
            loss(model, (data[0][chosen], data[1][chosen])).mean().backward()

    return run


def pace(run: Callable[[int], object], seconds: float, count: int) -> tuple[float, int]:
    """Calls per second, and how many fill the time."""
    began = time.perf_counter()
    run(count)
    spent = time.perf_counter() - began
    return count / spent, max(1, round(count * seconds / spent))


def on_threads(run: Callable[[int], object], threads: int) -> Callable[[int], None]:
    def call(count: int) -> None:
        torch.set_num_threads(threads)
        run(count)
        torch.set_num_threads(1)

    return call


def measure(name: str, *, rounds: int, seconds: float) -> list[dict[str, object]]:
    make, batch, chains, *_ = CASES[name]
    problem = make()
    n = len(problem[2][0])
    rung = Rung("main", compute_default_nbeta(n), 10.0, 1e-7, 0, 1 << 30)
    floor = run_floor(problem, batch)
    runs: dict[str, tuple[Callable[[int], object], int]] = {
        f"floor, {t} thread{'s' * (t > 1)}": (on_threads(floor, t), 1) for t in sorted({1, os.cpu_count() or 1})
    }
    floors = list(runs)
    engines, compile_seconds = [], {}
    for road, (vectorized, compiled, processes) in ROADS.items():
        binding = bind_model(*problem, vectorized=vectorized)
        if isinstance(binding.evaluator, Vectorized):
            binding.evaluator.set_compiled(compiled)
        recipe = Recipe("sgld", 0, chains, 1, batch, (rung,), processes=processes)
        began = time.perf_counter()
        engine = (ProcessPool if processes > 1 else LocalEngine)(binding, recipe, slice(0, chains))
        engines.append(engine)
        engine.enter(rung)
        engine.advance(2, 0)
        compile_seconds[road] = time.perf_counter() - began
        runs[road] = ((lambda count, e=engine: e.advance(count, 0)), chains)
    counts = {road: pace(run, seconds, 2)[1] for road, (run, _) in runs.items()}
    paces: dict[str, list[float]] = {road: [] for road in runs}
    for _ in range(rounds):
        for road, (run, each) in runs.items():
            speed, counts[road] = pace(run, seconds, counts[road])
            paces[road].append(speed * each)
    for engine in engines:
        with suppress(OSError), closing(engine):
            pass
    best = max(floors, key=lambda road: median(paces[road]))
    ratio = {road: median(p / f for p, f in zip(values, paces[best], strict=True)) for road, values in paces.items()}
    parameters = sum(p.numel() for p in problem[0].parameters())
    return [
        {"network": name, "parameters": parameters, "batch": batch, "chains": chains, "road": road, "steps_per_second": median(values),
         "over_floor": ratio[road], "start_seconds": compile_seconds.get(road, 0.0), "floor": best}
        for road, values in paces.items()
    ]  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    rows = []
    torch.set_num_threads(1)
    print(f"medians of {options.rounds} rounds of {options.seconds:g} s; load before: {os.getloadavg()[0]:.1f}")
    for name, (_, batch, chains, wanted, plain) in CASES.items():
        found = measure(name, rounds=options.rounds, seconds=options.seconds)
        rows += found
        print(f"{name}: {found[0]['parameters']:,} parameters, batch {batch}, {chains} chains")
        for row in found:
            told = f"{row['steps_per_second']:>9.4g} /s   {row['over_floor']:>6.2f} × floor   ready in {row['start_seconds']:.1f} s"
            print(f"  {row['road']:<27} {told}")
        best = max(float(str(r["over_floor"])) for r in found if "floor" not in str(r["road"]))
        eager = max(float(str(r["over_floor"])) for r in found if "floor" not in str(r["road"]) and "compiled" not in str(r["road"]))
        print(f"  wanted {wanted:g} × with everything: {best:.2f}" + (f"; {plain:g} × uncompiled: {eager:.2f}" if plain else ""))
    if options.write:
        options.write.write_text(
            json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()[0], "torch": torch.__version__, "rows": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
