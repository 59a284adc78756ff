"""The exact engine beside Singular and Macaulay2 on the germs of the test suite: answered, right, seconds, certificate.

    python -m benchmarks.exact                    # the engine alone, with the checker
    python -m benchmarks.exact --peers            # and the peers that are installed, 20 s each at most
    python -m benchmarks.exact --write docs/data/exact.json

Peers give complex thresholds over all of affine space; "right" counts those that equal 2λ (λ for K itself), multiplicity not asked. Rows
with a domain, a prior, functions or a box are no questions for them.
"""

from __future__ import annotations

import argparse
import json
import time
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from germ import Exact, compute_rlct
from germ.algebra.peers import compute_complex_threshold, find_peer
from germ.checker.check import check_certificate
from germ.errors import GermError

GERMS = Path(__file__).parents[1] / "tests" / "data" / "germs.json"
LIMIT = 20.0


def ask_germ(row: dict[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    found = compute_rlct(
        row.get("polynomial") or row["ideal"], domain=row.get("domain"), prior=row.get("prior"), box=row.get("box"), budget=60
    )
    seconds = time.perf_counter() - start
    right = isinstance(found, Exact) and (found.learning_coefficient, found.multiplicity) == (Fraction(row["lambda"]), row["m"])
    answer: dict[str, Any] = {"answered": isinstance(found, Exact), "right": right, "seconds": seconds}
    if isinstance(found, Exact) and found.certificate is not None:
        start = time.perf_counter()
        try:
            verdict = check_certificate(json.loads(json.dumps(found.certificate)))
            answer["checked"] = (verdict.lower, verdict.multiplicity) == (found.learning_coefficient, found.multiplicity)
        except GermError as error:
            answer |= {"checked": False, "complaint": str(error)[:200]}
        answer |= {"check_seconds": time.perf_counter() - start, "nodes": len(found.certificate["nodes"])}
    return answer


def ask_peer(row: dict[str, Any], program: Any) -> dict[str, Any] | None:
    if row.get("domain") or row.get("prior") or row.get("box") or "sin" in str(row.get("polynomial")):
        return None
    start = time.perf_counter()
    try:
        found = compute_complex_threshold(row.get("polynomial") or row["ideal"], program, seconds=LIMIT)
    except GermError:
        return {"answered": False, "right": False, "seconds": time.perf_counter() - start}
    wanted = Fraction(row["lambda"]) * (1 if row.get("polynomial") else 2)
    return {"answered": True, "right": found == wanted, "seconds": time.perf_counter() - start}


def summarize(name: str, answers: list[dict[str, Any]]) -> str:
    seconds = sorted(a["seconds"] for a in answers)
    answered, right = (sum(a[key] for a in answers) for key in ("answered", "right"))
    line = f"{name:<22} asked {len(answers):>3}  answered {answered:>3}  right {right:>3}"
    line += f"  median {1e3 * median(seconds):>9.1f} ms  largest {seconds[-1]:>7.2f} s"
    if any("checked" in a for a in answers):
        line += f"  certificates accepted {sum(a.get('checked', False) for a in answers)}"
    return line


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exact", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    rows = json.loads(GERMS.read_text())["rows"]
    compute_rlct("x**2*y**2")  # imports
    table: dict[str, dict[str, Any]] = {"germ": {row["id"]: ask_germ(row) for row in rows}}
    for program in ("Singular", "Macaulay2") if options.peers else ():
        if find_peer(program) is None:  # type: ignore[arg-type]
            print(f"{program}: not installed")
            continue
        table[program] = {row["id"]: answer for row in rows if (answer := ask_peer(row, program)) is not None}
    for name, answers in table.items():
        print(summarize(name, list(answers.values())))
        common = [table["germ"][key] for key in answers]
        if name != "germ":
            print(summarize("  germ on those", common))
    slowest = sorted(table["germ"].items(), key=lambda item: -item[1]["seconds"])[:5]
    print("slowest for germ: " + ", ".join(f"{key} {a['seconds']:.2f} s" for key, a in slowest))
    for key, a in table["germ"].items():
        if not (a["right"] and a.get("checked")):
            print(f"not right or not checked: {key}: {a}")
    if options.write:
        options.write.write_text(
            json.dumps({"limit_seconds": LIMIT, "germs": {r["id"]: r for r in rows}, "answers": table}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
