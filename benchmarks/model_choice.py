"""Rank of a reduced rank regression chosen by free energy, WBIC, sBIC and BIC: `python -m benchmarks model_choice weak --sets 50`.

y = C x + noise, M = N = 6, C of rank 3, n = 500, models H = 1..6. Two designs:

* "demo": Watanabe's own (program of the WBIC page): x ~ N(0, 3² I), noise 0.1, C = B0 A0 with entries N(0, 0.2²), prior N(0, 10²).
* "weak": x ~ N(0, I), noise 1, C = U diag(1, 1/2, 1/4) V' with random rotations, prior N(0, 1): the third direction has n s²/2 = 16 nats,
  between the 2 log n = 12 that the posterior charges for it and the 3.5 log n = 22 that BIC charges.

BIC is counted with the dimension H(M + N − H) of the model, and with the number of parameters H(M + N). One line of JSON a data set is
appended to the record; sets that are there already are not run again.
"""

import argparse
import json
import math
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import germ
from germ.estimators.singular_bic import compute_sbic
from germ.problems.linear import make_reduced_rank_regression
from germ.problems.priors import make_gaussian_prior

SIZE, RANK, N = 6, 3, 500
RANKS = range(1, SIZE + 1)
F64 = torch.float64
WEAK = (1.0, 0.5, 0.25)
DEMO = {"input": 3.0, "noise": 0.1, "prior": 10.0, "truth": 0.2}
CRITERIA = ("free energy", "WBIC", "sBIC", "BIC (dimension)", "BIC (parameters)")


def make_set(design, seed):
    """Problems by rank and the data of one set, in units of the noise."""
    g = torch.Generator().manual_seed(seed)
    problems = {f"H={h}": make_reduced_rank_regression(SIZE, SIZE, h, min(h, RANK)) for h in RANKS}
    x = torch.randn(N, SIZE, generator=g, dtype=F64)
    noise = torch.randn(N, SIZE, generator=g, dtype=F64)
    if design == "weak":
        u, v = (torch.linalg.qr(torch.randn(SIZE, SIZE, generator=g, dtype=F64))[0][:, :RANK] for _ in range(2))
        return problems, (x, x @ (u * torch.tensor(WEAK, dtype=F64) @ v.T).T + noise)
    a, b = (torch.randn(SIZE, RANK, generator=g, dtype=F64) * DEMO["truth"] for _ in range(2))
    x = DEMO["input"] * x
    # y/σ = (B/√σ)(A/√σ) x + N(0, I): both matrices, and their prior's scale, in units of √σ.
    for name, problem in problems.items():
        prior = make_gaussian_prior(problem.dimension, DEMO["prior"] / math.sqrt(DEMO["noise"]))
        problems[name] = replace(problem, log_prior=prior.log_density, sample_prior=prior.sample)
    return problems, (x, x @ (b @ a.T).T / DEMO["noise"] + noise)


def compare(design, seed, ranks=RANKS):
    """All criteria of one data set, nats, by rank; free energy and WBIC of the ranks asked for only, infinite for others."""
    problems, data = make_set(design, seed)
    start = time.process_time()
    chosen = {f"H={h}": problems[f"H={h}"] for h in ranks}
    asked = ("free energy", "WBIC", "BIC")
    found = germ.compare_models(chosen, data, seed=seed, precision=1.0, budget=60, criteria=asked, particles=64, draws=1024)
    row = compare_fits(design, seed)
    for name in ("free energy", "WBIC"):
        c = found.criteria[name]
        for key, values in ((name, c.values), (f"{name} error", c.standard_errors)):
            by_rank = dict(zip(ranks, values.tolist(), strict=True))
            row[key] = [by_rank.get(h, math.inf) for h in RANKS]
    return {"design": design, "seed": seed, **row, "warnings": list(found.warnings), "seconds": time.process_time() - start}


def compare_fits(design, seed):
    """The criteria that need no sampling, from the largest likelihoods in closed form: the best matrix of rank h in the fitted values."""
    _, (x, y) = make_set(design, seed)
    fitted = x @ torch.linalg.lstsq(x, y).solution
    squares = torch.linalg.svdvals(fitted).pow(2)
    lost = (y - fitted).pow(2).sum() + squares.sum() - squares.cumsum(0)
    heights = (-0.5 * lost - 0.5 * y.numel() * math.log(2 * math.pi)).tolist()
    solved = compute_sbic("rrr", dict(zip(RANKS, heights, strict=True)), n=N, inputs={"M": SIZE, "N": SIZE})
    row = {"sBIC": solved.values.tolist()}
    for name, count in (("BIC (dimension)", lambda h: h * (2 * SIZE - h)), ("BIC (parameters)", lambda h: 2 * h * SIZE)):
        row[name] = [-height + count(h) / 2 * math.log(N) for h, height in zip(RANKS, heights, strict=True)]
    return row


def tabulate(rows):
    """How often each criterion chose each rank, and its mean difference from the best."""
    table = {}
    for name in [c for c in CRITERIA if c in rows[0]]:
        values = np.array([row[name] for row in rows])
        picks = Counter(int(i) + 1 for i in values.argmin(1))
        means = (values - values[:, RANK - 1 : RANK]).mean(0)
        rounded = [round(float(v), 2) if math.isfinite(v) else None for v in means]
        table[name] = {"picks": [picks.get(h, 0) for h in RANKS], "mean": rounded}
    return table


def run_fits(design, seeds):
    """Rows of the sets, by closed forms."""
    return [compare_fits(design, seed) for seed in seeds]


def run_all(chosen, seeds):
    """Rows of the sets, those that were recorded before and new ones."""
    chosen.record.parent.mkdir(parents=True, exist_ok=True)
    lines = chosen.record.read_text().splitlines() if chosen.record.exists() else []
    rows = {row["seed"]: row for row in map(json.loads, lines) if row["design"] == chosen.design}
    began = time.monotonic()
    for seed in seeds:
        if seed not in rows and time.monotonic() - began < chosen.seconds:
            rows[seed] = compare(chosen.design, seed, chosen.ranks)
            with chosen.record.open("a") as file:
                file.write(json.dumps(rows[seed]) + "\n")
    return list(rows.values())


def main():
    """Run, record, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("design", nargs="?", default="weak", choices=("weak", "demo"))
    parser.add_argument("--sets", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="seed of the first set")
    parser.add_argument("--record", type=Path, default=Path("build/model_choice.jsonl"))
    parser.add_argument("--ranks", type=int, nargs="+", default=list(RANKS), help="models to sample; keep a record for each choice")
    parser.add_argument("--fits-only", action="store_true", help="sBIC and BIC alone, in no time")
    parser.add_argument("--save", type=Path, help="add the table to this file")
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop before the next set after so much time")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(chosen.first, chosen.first + chosen.sets)
    rows = run_fits(chosen.design, seeds) if chosen.fits_only else run_all(chosen, seeds)
    table = tabulate(rows)
    for name, row in table.items():
        print(f"{name:18s} picks of H=1..6 {row['picks']}  mean difference from H=3 {row['mean']}")
    if chosen.save:
        saved = json.loads(chosen.save.read_text()) if chosen.save.exists() else {}
        part = ", sampled for H = " + ", ".join(map(str, chosen.ranks)) if len(chosen.ranks) < SIZE else ""
        name = chosen.design + (", without sampling" if chosen.fits_only else part)
        saved[name] = {"sets": len(rows), "criteria": table}
        chosen.save.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
