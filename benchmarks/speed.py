"""Chain-steps per second of SGLD beside a bare PyTorch loop of forward and backward passes (the floor), in the same run.

    python -m benchmarks speed                       # three networks
    python -m benchmarks speed --write docs/data/speed.json

A chain-step is one stochastic gradient of one chain at one batch, with noise, both identities and the record of the draw. Floor and sampler
take turns, and the medians of the rounds are compared, since a shared machine changes its speed; what is compiled is compiled before.
germ has one thread in each process. Two ratios are printed. By the clock, against the floor with one thread and with one for each core,
whichever is faster: on an idle machine that is what counts, on a busy one it is noise. By processor time, against the floor with one
thread, times the number of processes: what the clock would say with an idle core for each process.

`--peers` also times devinterp and canonical-interp where they can be imported: a long call less a short one, so without their compilation.
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
from benchmarks.peers import make_peers
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

PEER_DRAWS = 100


def run_floor(problem: Problem, batch: int) -> Callable[[int], None]:
    model, loss, data = problem
    g = torch.Generator().manual_seed(0)

    def run(count: int) -> None:
        for _ in range(count):
            chosen = torch.randint(len(data[0]), (batch,), generator=g)
            model.zero_grad()
            loss(model, (data[0][chosen], data[1][chosen])).mean().backward()

    return run


def read_processor_seconds() -> float:
    """Processor time of this process and of those that it started."""
    total = time.process_time()
    for file in Path("/proc/self/task").glob("*/children"):
        for child in file.read_text().split():
            ticks = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:13]
            total += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return total


def pace(run: Callable[[int], object], seconds: float, count: int) -> tuple[float, float, int]:
    """Calls per second, calls per second of processor time, and how many fill the time."""
    began, used = time.perf_counter(), read_processor_seconds()
    run(count)
    spent, used = time.perf_counter() - began, read_processor_seconds() - used
    return count / spent, count / max(used, 0.01), max(1, round(count * seconds / max(used, 1e-3)))


def on_threads(run: Callable[[int], object], threads: int) -> Callable[[int], None]:
    def call(count: int) -> None:
        torch.set_num_threads(threads)
        run(count)
        torch.set_num_threads(1)

    return call


def measure(name: str, *, rounds: int, seconds: float, peers: bool, plain: bool) -> list[dict[str, object]]:
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
        if compiled and plain:
            continue
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
    counts = {road: pace(run, seconds, 2)[2] for road, (run, _) in runs.items()}
    paces: dict[str, list[float]] = {road: [] for road in runs}
    costs: dict[str, list[float]] = {road: [] for road in runs}
    for _ in range(rounds):
        for road, (run, each) in runs.items():
            speed, cost, counts[road] = pace(run, seconds, counts[road])
            paces[road].append(speed * each)
            costs[road].append(cost * each)
    for engine in engines:
        with suppress(OSError), closing(engine):
            pass
    if peers:
        for peer, run in make_peers(problem, batch, chains, rung.nbeta).items():
            try:
                pairs = [(pace(run, seconds, 20)[:2], pace(run, seconds, 20 + PEER_DRAWS)[:2]) for _ in range(2)]
            except Exception as error:  # whatever another program does with a network is no reason to lose the table
                print(f"{peer} on {name}: {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}")
                continue
            paces[peer], costs[peer] = (
                [chains * PEER_DRAWS / ((20 + PEER_DRAWS) / long[i] - 20 / short[i]) for short, long in pairs] for i in (0, 1)
            )
    best = max(floors, key=lambda road: median(paces[road]))
    parameters = sum(p.numel() for p in problem[0].parameters())
    rows: list[dict[str, object]] = []
    for road in paces:
        processes = ROADS[road][2] if road in ROADS else 1
        cost = median(costs[road])
        rows.append(
            {"network": name, "parameters": parameters, "batch": batch, "chains": chains, "road": road, "floor": best,
             "steps_per_second": median(paces[road]), "over_floor": median(paces[road]) / median(paces[best]),
             "steps_per_processor_second": cost, "over_floor_on_idle_cores": processes * cost / median(costs[floors[0]]),
             "start_seconds": compile_seconds.get(road, 0.0)}
        )  # fmt: skip
    return rows


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--uncompiled", action="store_true", help="leave out what has to be compiled")
    parser.add_argument("--only", choices=list(CASES), nargs="*", default=list(CASES))
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    rows = []
    torch.set_num_threads(1)
    print(f"medians of {options.rounds} rounds of {options.seconds:g} s; load before: {os.getloadavg()[0]:.1f}")
    for name in options.only:
        _, batch, chains, wanted, plain = CASES[name]
        found = measure(name, rounds=options.rounds, seconds=options.seconds, peers=options.peers, plain=options.uncompiled)
        rows += found
        print(f"{name}: {found[0]['parameters']:,} parameters, batch {batch}, {chains} chains")
        for row in found:
            clock = f"{row['steps_per_second']:>9.4g} /s   {row['over_floor']:>6.2f} × floor"
            idle = f"on idle cores {row['over_floor_on_idle_cores']:>6.2f}   ready in {row['start_seconds']:.1f} s"
            print(f"  {row['road']:<27} {clock}   {idle}")
        own = [row for row in found if row["road"] in ROADS]
        for key, told in (("over_floor", "by the clock"), ("over_floor_on_idle_cores", "on idle cores")):
            fastest = max(float(str(row[key])) for row in own)
            eager = max(float(str(row[key])) for row in own if "compiled" not in str(row["road"]))
            print(f"  {told}: {fastest:.2f} (wanted {wanted:g})" + (f"; uncompiled {eager:.2f} (wanted {plain:g})" if plain else ""))
    if options.write:
        options.write.write_text(
            json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()[0], "torch": torch.__version__, "rows": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
