"""The whole zoo by all roads: `germ.compare` on every problem of the list.

    python -m benchmarks.roads                      # prints the table, writes docs/data/roads.json (the page docs/roads.md is made from it)
    python -m benchmarks.roads --part 0/2           # a half of it, recorded in build/roads; --join writes the file from what is there
    python -m benchmarks.roads --only tanh,rrr      # some families, printed only
    python -m benchmarks.roads --roads exact,atlas  # some roads, printed only

Rows that disagree by more than three standard errors are marked and make the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import germ
from germ.problems import make_problem
from germ.roads.roads import ROADS

SEED = 2026
BUDGET = 40.0
FILE = Path(__file__).parent.parent / "docs" / "data" / "roads.json"

ZOO: tuple[tuple[str, dict[str, Any]], ...] = (
    ("normal-crossing", {"exponents": [1, 1]}),
    ("normal-crossing", {"exponents": [1, 2]}),
    ("normal-crossing", {"exponents": [1, 1, 1]}),
    ("normal-crossing", {"exponents": [2, 2], "prior_exponents": [1, 0]}),
    ("two-component", {"line": 1, "point": 2}),
    ("two-component", {"line": 2, "point": 1}),
    ("two-component", {"line": 2, "point": 1, "component": "point"}),
    ("cusp", {"p": 2, "q": 3}),
    ("cusp", {"p": 3, "q": 4}),
    ("potential", {"generators": "x; y^2"}),
    ("potential", {"generators": "x^2*y; x*y^2"}),
    ("potential", {"generators": "x*y; x*z; y*z"}),
    ("potential", {"generators": "a*d-b*c"}),
    ("rrr", {"inputs": 2, "outputs": 2, "hidden": 1, "rank": 0}),
    ("rrr", {"inputs": 2, "outputs": 2, "hidden": 2, "rank": 0}),
    ("rrr", {"inputs": 2, "outputs": 2, "hidden": 2, "rank": 1}),
    ("rrr", {"inputs": 2, "outputs": 2, "hidden": 2, "rank": 0, "layer_ranks": [2, 0]}),
    ("rrr", {"inputs": 3, "outputs": 2, "hidden": 2, "rank": 1}),
    ("rrr", {"inputs": 3, "outputs": 3, "hidden": 2, "rank": 1}),
    ("rrr", {"inputs": 6, "outputs": 6, "hidden": 3, "rank": 2}),
    ("dln", {"widths": [1, 1, 1, 1], "rank": 0}),
    ("dln", {"widths": [1, 2, 2, 1], "rank": 0}),
    ("dln", {"widths": [2, 2, 2, 2], "rank": 1}),
    ("diagonal", {"dimension": 3, "nonzero": 1, "depth": 2}),
    ("diagonal", {"dimension": 4, "nonzero": 2, "depth": 2, "tied": True}),
    ("tanh", {"hidden": 1}),
    ("tanh", {"hidden": 2}),
    ("tanh", {"hidden": 3}),
    ("tanh", {"hidden": 2, "true_units": 1}),
    ("tanh", {"hidden": 3, "true_units": 2}),
    ("tanh", {"hidden": 1, "inputs": 2, "outputs": 2}),
    ("relu", {"hidden": 1}),
    ("relu", {"hidden": 2, "outputs": 2}),
    ("gaussian-mixture", {"components": 2}),
    ("gaussian-mixture", {"components": 3}),
    ("gaussian-mixture", {"components": 2, "dimension": 2}),
    ("poisson-mixture", {"components": 2}),
    ("binomial-mixture", {"components": 2}),
    ("latent-class", {"levels": [2, 2]}),
    ("latent-class", {"levels": [2, 2, 2]}),
    ("factor-analysis", {"variables": 3}),
    ("factor-analysis", {"variables": 4}),
    ("transformer", {"vocabulary": 3, "width": 2, "context": 2, "hidden": 2}),
    ("cnn", {"channels": 1, "classes": 2}),
)


def compare_one(family: str, options: dict[str, Any], roads: list[str] | None, seed: int, budget: float) -> dict[str, Any]:
    """One problem by all roads, as JSON, printed in one line."""
    start = time.perf_counter()
    found = germ.compare(make_problem(family, **options), roads=roads, seed=seed, budget=budget)
    cells = [
        f"{row.road} {row.describe_value()}" + ("" if row.difference is None else f" ({row.describe_difference()})")
        for row in found.rows
        if row.value is not None
    ]
    print(f"{'  ' if found.agree else 'RED'} {found.problem}: {'; '.join(cells)} [{time.perf_counter() - start:.0f} s]", flush=True)
    for row in found.rows:
        if row.status == "disagrees":
            print(f"      {row.road}: {row.describe_verdict()}", flush=True)
    rows = [{key: value for key, value in row.items() if key != "claim"} for row in found.to_json()["rows"]]
    return {
        "family": family,
        "options": options,
        "problem": found.problem,
        "dimension": found.dimension,
        "agree": found.agree,
        "budget": budget,
        "rows": rows,
    }


def main() -> int:
    """Walk the list; write the file where the whole zoo was walked by all roads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="families, separated by commas")
    parser.add_argument("--roads", default="", help=f"of {', '.join(ROADS)}")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--budget", type=float, default=BUDGET)
    parser.add_argument("--part", default="", help="i/n: every n-th problem from the i-th, recorded in build/ for --join")
    parser.add_argument("--join", action="store_true", help="write the file from the recorded parts")
    chosen = parser.parse_args()
    folder = FILE.parent.parent.parent / "build" / "roads"
    if chosen.join:
        recorded = {(r["family"], repr(r["options"])): r for p in sorted(folder.glob("*.json")) for r in json.loads(p.read_text())}
        problems = [recorded[family, repr(options)] for family, options in ZOO if (family, repr(options)) in recorded]
        return _finish(problems, chosen.seed, write=True)
    names = [n for n in chosen.only.split(",") if n]
    index, count = (int(v) for v in (chosen.part or "0/1").split("/"))
    listed = [row for row in ZOO if not names or row[0] in names][index::count]
    roads = [r for r in chosen.roads.split(",") if r] or None
    problems = []
    for family, options in listed:
        problems.append(compare_one(family, options, roads, chosen.seed, chosen.budget))
        if chosen.part:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{index}.json").write_text(json.dumps(problems, ensure_ascii=False))
    return _finish(problems, chosen.seed, write=len(problems) == len(ZOO) and roads is None)


def _finish(problems: list[dict[str, Any]], seed: int, *, write: bool) -> int:
    if write:
        FILE.parent.mkdir(exist_ok=True)
        document = {"seed": seed, "problems": problems}
        FILE.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    compared = [row for p in problems for row in p["rows"] if row["difference"] is not None]
    largest = max((abs(row["difference"]) for row in compared), default=0.0)
    print(f"{sum(p['agree'] for p in problems)} of {len(problems)} problems agree; largest difference {largest:.1f} standard errors")
    return 0 if all(p["agree"] for p in problems) else 1


if __name__ == "__main__":
    sys.exit(main())
