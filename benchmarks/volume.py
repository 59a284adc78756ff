"""Accuracy of `germ.estimate_volume_scaling`, everything on default, on problems whose λ and m are known.

    python -m benchmarks.volume --part 0/1        # the list, from the seed that is reported
    python -m benchmarks.volume --join            # writes docs/data/volume.json
    python -m benchmarks.volume --seed 7          # printed only
    python -m benchmarks.volume --fresh 12        # problems drawn at random instead of the list
    python -m benchmarks.volume --only tanh,rrr

The settings of the method were chosen on seeds 1 to 3 and never on the fresh problems.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import germ
from germ.atlas import compute_value
from germ.problems import make_problem
from germ.problems.problem import Problem

REPORTED_SEED = 2026
FILE = Path(__file__).parent.parent / "docs" / "data" / "volume.json"

# Family, options, and λ and m where neither the atlas nor the engine is asked.
SMALL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("normal-crossing", {"exponents": [1, 1]}),
    ("normal-crossing", {"exponents": [1, 2]}),
    ("normal-crossing", {"exponents": [1, 1, 1]}),
    ("normal-crossing", {"exponents": [2, 2], "prior_exponents": [1, 0]}),
    ("normal-crossing", {"exponents": [1, 2, 2], "prior_exponents": [0, 1, 1]}),
    ("two-component", {"line": 1, "point": 2}),
    ("two-component", {"line": 2, "point": 1}),
    ("cusp", {}),
    ("potential", {"generators": "x^2*y; x*y^2"}),
    ("potential", {"generators": "x*y; x*z; y*z"}),
    ("potential", {"generators": "x; y^2"}),
    ("potential", {"generators": "a*d-b*c"}),
    ("rrr", {"inputs": 2, "outputs": 2, "hidden": 1, "rank": 0}),
    ("rrr", {"inputs": 2, "outputs": 2, "hidden": 2, "rank": 0}),
    ("rrr", {"inputs": 2, "outputs": 2, "hidden": 2, "rank": 1}),
    ("rrr", {"inputs": 3, "outputs": 2, "hidden": 2, "rank": 1}),
    ("dln", {"widths": [1, 1, 1, 1], "rank": 0}),
    ("dln", {"widths": [1, 2, 2, 1], "rank": 0}),
    ("diagonal", {"dimension": 3, "nonzero": 1, "depth": 2}),
    ("diagonal", {"dimension": 4, "nonzero": 2, "depth": 2, "tied": True}),
    ("tanh", {"hidden": 1}),
    ("tanh", {"hidden": 2}),
    ("tanh", {"hidden": 3}),
    ("tanh", {"hidden": 2, "true_units": 1}),
    ("relu", {"hidden": 2, "outputs": 2}),
    ("gaussian-mixture", {"components": 2}),
    ("gaussian-mixture", {"components": 3}),
    ("poisson-mixture", {"components": 2}),
    ("binomial-mixture", {"components": 2}),
    ("latent-class", {"levels": [2, 2, 2]}),
    ("latent-class", {"levels": [2, 3]}),
    ("factor-analysis", {"variables": 4}),
    ("factor-analysis", {"variables": 5, "factors": 1}),
)
LARGE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("rrr", {"inputs": 5, "outputs": 5, "hidden": 5, "rank": 0}),
    ("rrr", {"inputs": 6, "outputs": 6, "hidden": 5, "rank": 2}),
    ("rrr", {"inputs": 7, "outputs": 7, "hidden": 7, "rank": 3}),
    ("dln", {"widths": [5, 5, 5, 5], "rank": 2}),
    ("dln", {"widths": [4, 5, 5, 4], "rank": 1}),
    ("rrr", {"inputs": 10, "outputs": 5, "hidden": 6, "rank": 3}),
    ("diagonal", {"dimension": 30, "nonzero": 10, "depth": 2}),
    ("rrr", {"inputs": 10, "outputs": 8, "hidden": 5, "rank": 5}),
)


def find_truth(problem: Problem) -> tuple[Fraction, int | None] | None:
    """λ and m from the atlas, else from the exact engine."""
    claims = [] if problem.atlas is None else [compute_value(problem.atlas[0], **problem.atlas[1])]
    if problem.exact is not None and not (claims and isinstance(claims[0], germ.Exact)):
        e = problem.exact
        claims.append(germ.compute_rlct(list(e.expression) if not isinstance(e.expression, str) else e.expression,
                                        domain=e.domain, prior=e.prior, at=e.at, box=e.box))  # fmt: skip
    for claim in claims:
        if isinstance(claim, germ.Exact):
            return claim.learning_coefficient, claim.multiplicity
    for claim in claims:
        if isinstance(claim, germ.Bound) and claim.learning_coefficient is not None:
            return claim.learning_coefficient, None
    return None


def draw_fresh(count: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Problems of dimension ≤ 10 that are on no list."""
    rng = random.Random(seed)
    seen = {repr(row) for row in SMALL}
    while count:
        kind = rng.randrange(8)
        size = rng.randint
        if kind == 0:
            d = size(2, 5)
            row = ("normal-crossing", {"exponents": [size(1, 3) for _ in range(d)], "prior_exponents": [size(0, 2) for _ in range(d)]})
        elif kind == 1:
            m, n, h = size(1, 4), size(1, 4), size(1, 3)
            row = ("rrr", {"inputs": m, "outputs": n, "hidden": h, "rank": size(0, min(m, n, h))})
        elif kind == 2:
            widths = [size(1, 3) for _ in range(size(3, 5))]
            row = ("dln", {"widths": widths, "rank": size(0, min(widths))})
        elif kind == 3:
            h = size(2, 5)
            row = ("tanh", {"hidden": h, "true_units": size(0, 1)})
        elif kind == 4:
            names = "abcde"[: size(2, 5)]
            monomials = ["*".join(f"{n}^{e}" for n in names if (e := size(0, 3))) or names[0] for _ in range(size(1, 4))]
            row = ("potential", {"generators": "; ".join(monomials)})
        elif kind == 5:
            row = ("latent-class", {"levels": [size(2, 3) for _ in range(size(1, 3))]})
        elif kind == 6:
            row = ("gaussian-mixture", {"components": size(2, 4), "dimension": size(1, 2), "alpha": rng.choice([0.5, 1.0, 2.0])})
        else:
            row = ("cusp", {"p": size(2, 5), "q": size(2, 6)})
        if repr(row) in seen or make_problem(row[0], **row[1]).dimension > 10:
            continue
        seen.add(repr(row))
        count -= 1
        yield row


def measure(family: str, options: dict[str, Any], seed: int) -> dict[str, Any] | None:
    """One row: the truth beside the estimate; None where no λ is known."""
    problem = make_problem(family, **options)
    truth = find_truth(replace(problem))
    if truth is None:
        return None
    start, began = time.perf_counter(), time.process_time()
    found = germ.estimate_volume_scaling(problem, seed=seed)
    seconds, cpu = time.perf_counter() - start, time.process_time() - began
    value, m = truth
    d = found.diagnostics
    return {
        "family": family, "options": options, "name": problem.name, "dimension": problem.dimension, "lambda": str(value), "m": m,
        "value": found.value, "standard_error": found.standard_error, "found_m": d["multiplicity"],
        "probabilities": [round(p, 3) for p in d["multiplicity_probabilities"]], "error": found.value / float(value) - 1,
        "z": (found.value - float(value)) / found.standard_error, "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1),
        "evaluations": d["evaluations"],
        "particles": d["particles"], "stopped": d["stopped"], "depth": d["log_epsilon"],
    }  # fmt: skip


def describe(row: dict[str, Any]) -> str:
    m = "–" if row["found_m"] is None else row["found_m"]
    wrong = "" if row["m"] is None or row["found_m"] == row["m"] else " m?"
    off = " OFF" if abs(row["error"]) > (0.03 if row["dimension"] <= 10 else 0.05) else ""
    return (
        f"{row['name'][:58]:<58} {row['dimension']:>3} {row['lambda']:>6} {row['m'] or '?'!s:>2} "
        f"{row['value']:9.4f} ± {row['standard_error']:.4f} {m!s:>2} {100 * row['error']:+6.2f} % {row['z']:+5.1f}σ "
        f"{row['cpu_seconds']:6.1f} s {row['evaluations'] / 1e6:6.1f} M {row['stopped']}{wrong}{off}"
    )


def main() -> None:
    """Run, print, and write the file for the reported seed and the whole list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=REPORTED_SEED)
    parser.add_argument("--fresh", type=int, default=0, help="so many problems drawn at random instead")
    parser.add_argument("--only", default="", help="families, separated by commas")
    parser.add_argument("--large", action="store_true", help="only the large ones")
    parser.add_argument("--small", action="store_true", help="only the small ones")
    parser.add_argument("--part", default="", help="i/n: every n-th problem from the i-th, recorded in build/ for --join")
    parser.add_argument("--join", action="store_true", help="write docs/data/volume.json from the recorded parts")
    chosen = parser.parse_args()
    folder = FILE.parent.parent.parent / "build" / "volume"
    if chosen.fresh:
        problems = list(draw_fresh(chosen.fresh, chosen.seed))
    else:
        problems = [*(() if chosen.large else SMALL), *(() if chosen.small else LARGE)]
    problems = [p for p in problems if not chosen.only or p[0] in chosen.only.split(",")]
    index, count = (int(v) for v in (chosen.part or "0/1").split("/"))
    rows = []
    if chosen.join:
        recorded = {(r["family"], repr(r["options"])): r for p in sorted(folder.glob("*.json")) for r in json.loads(p.read_text())}
        rows = [recorded[family, repr(options)] for family, options in problems if (family, repr(options)) in recorded]
        problems = []
    for family, options in problems[index::count]:
        row = measure(family, options, chosen.seed)
        if row is None:
            print(f"{family} {options}: λ not known, left out")
            continue
        rows.append(row)
        print(describe(row), flush=True)
        if chosen.part:
            folder.mkdir(parents=True, exist_ok=True)
            kind = "large" if chosen.large else "small" if chosen.small else "all"
            (folder / f"{kind}-{index}.json").write_text(json.dumps(rows, ensure_ascii=False))
    for label, group, limit in (
        ("≤ 10", [r for r in rows if r["dimension"] <= 10], 0.03),
        ("> 10", [r for r in rows if r["dimension"] > 10], 0.05),
    ):
        if group:
            right = sum(r["m"] is None or r["found_m"] == r["m"] for r in group)
            print(
                f"d {label}: {sum(abs(r['error']) <= limit for r in group)} of {len(group)} within {limit:.0%}, "
                f"m right on {right}, unresolved on {sum(r['found_m'] is None for r in group)}, "
                f"largest |z| {max(abs(r['z']) for r in group):.1f}, slowest {max(r['cpu_seconds'] for r in group):.0f} s of one core"
            )
    if chosen.join:
        FILE.parent.mkdir(exist_ok=True)
        cores = os.cpu_count()
        document = {"seed": chosen.seed, "cores": cores, "rows": rows}
        FILE.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
