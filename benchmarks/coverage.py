"""How often the truth lies within two stated standard errors: free energy, WBIC and singular fluctuation, over fresh data sets and seeds.

    python -m benchmarks coverage                       # 20 replications of each problem
    python -m benchmarks coverage --replications 200 --record build/coverage.jsonl --write docs/data/coverage.json

Every replication simulates its own data and computes the truth from them: F and WBIC by closed forms or quadrature on the same data, ν from
its limit law (`exact_fluctuation`). Replications are recorded line by line, and not repeated by the next run with the same record.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.special import digamma

import germ
from benchmarks import exact_evidence as exact
from benchmarks.exact_fluctuation import make_fluctuations
from germ.problems.problem import Data, Problem

LEAST = 0.90
DRAWS = 1000  # of ν's posteriors


@dataclass(frozen=True)
class Case:
    """A problem with its data, and what is true of them.

    Args:
        problem: The model.
        data: The observations.
        free_energy: F, in nats.
        mean_loss: β to E_β[−log p(D|w)], in nats.
    """

    problem: Problem
    data: Data
    free_energy: float
    mean_loss: Callable[[float], float]


def make_conjugate(seed: int) -> Case:
    """Four regression coefficients, 50 observations."""
    problem, data, free_energy = exact.linear_regression(4, 50, seed)
    x, y = data

    def mean_loss(beta: float) -> float:
        precision = beta * x.T @ x + torch.eye(4, dtype=torch.float64) / 9
        residual = y - x @ torch.linalg.solve(precision, beta * x.T @ y)
        return float(0.5 * (residual @ residual + (x @ torch.linalg.inv(precision) @ x.T).trace()) + len(y) / 2 * exact.LOG_2PI)

    return Case(problem, data, free_energy, mean_loss)


def make_multinomial(seed: int) -> Case:
    """Five cells of which two are empty, 30 observations, uniform prior on the simplex."""
    counts = np.random.default_rng(seed).multinomial(30, [0.5, 0.3, 0.2, 0, 0])
    problem, data, free_energy = exact.multinomial(counts)
    return Case(problem, data, free_energy, lambda beta: float(counts @ (digamma(beta * 30 + 5) - digamma(1 + beta * counts))))


def tabulate(problem: Problem, data: Data, nodes: torch.Tensor, log_weights: torch.Tensor, free_energy: float | None = None) -> Case:
    """F and mean losses by a quadrature of the parameters: nodes (Q, d), logarithms of weights times prior (Q,)."""
    table = torch.cat([problem.log_likelihood(w, data).sum(1) for w in nodes.split(5000)])
    found = -float(torch.logsumexp(table + log_weights, 0))
    if free_energy is not None and abs(found - free_energy) > 1e-3:
        raise AssertionError(f"two quadratures of {problem.name} give {found} and {free_energy}")
    return Case(problem, data, found, lambda beta: -float(torch.softmax(beta * table + log_weights, 0) @ table))


def make_crossing(seed: int) -> Case:
    """y ~ N(ab, 1) with true mean 0, 100 observations: λ = 1/2, m = 2."""
    problem, data, free_energy = exact.product(100, seed)
    line = np.linspace(-7, 7, 1401)
    # One observation of weight n says all: the sum of squares about the mean is constant.
    y, a = data[0], torch.cartesian_prod(torch.tensor(line), torch.tensor(line))
    table = -0.5 * (100 * a.prod(1) ** 2 - 2 * a.prod(1) * y.sum() + y @ y) - 50 * exact.LOG_2PI
    log_weights = problem.log_prior(a) + 2 * math.log(line[1] - line[0])
    found = -float(torch.logsumexp(table + log_weights, 0))
    if abs(found - free_energy) > 1e-3:
        raise AssertionError(f"two quadratures give {found} and {free_energy}")
    return Case(problem, data, free_energy, lambda beta: -float(torch.softmax(beta * table + log_weights, 0) @ table))


def make_triple(seed: int) -> Case:
    """y ~ N(abc, 1) with true mean 0, 100 observations: λ = 1/2, m = 3; c integrated in closed form."""
    y = torch.randn(100, generator=exact.generator(seed), dtype=torch.float64)
    problem = exact.make(
        "triple", 3, lambda w, data: exact.log_normal(data[0] - w.prod(1, keepdim=True)), exact.normal_prior(3, 1.0), simulate=None
    )
    n, total, square = 100, float(y.sum()), float(y @ y)
    # Symmetric in the signs of a and b (c takes them): the positive quadrant counts four times, and logarithmic nodes resolve the axes.
    u = np.linspace(-16, math.log(8), 1201)
    t = np.exp(u)
    log_line = u - t**2 / 2 - 0.5 * exact.LOG_2PI + math.log(u[1] - u[0])
    slope = np.outer(t, t)
    log_prior = log_line[:, None] + log_line + math.log(4)

    def integrate(beta: float) -> tuple[np.ndarray, np.ndarray]:
        precision = 1 + beta * n * slope**2
        mean = beta * total * slope / precision
        log_z = -0.5 * np.log(precision) + 0.5 * mean**2 * precision - beta * (square / 2 + n / 2 * exact.LOG_2PI)
        loss = 0.5 * (n * slope**2 * (mean**2 + 1 / precision) - 2 * slope * mean * total + square) + n / 2 * exact.LOG_2PI
        return log_z + log_prior, loss

    def mean_loss(beta: float) -> float:
        log_weights, loss = integrate(beta)
        weights = np.exp(log_weights - log_weights.max())
        return float((weights * loss).sum() / weights.sum())

    return Case(problem, (y,), -float(np.logaddexp.reduce(integrate(1.0)[0], axis=None)), mean_loss)


def make_two_means(seed: int) -> Case:
    """½N(a, 1) + ½N(b, 1), 60 observations: two copies of one mode."""
    problem, data, _ = exact.two_means(60, seed)
    line = torch.linspace(-5, 6, 276, dtype=torch.float64)
    nodes = torch.cartesian_prod(line, line)
    return tabulate(problem, data, nodes, problem.log_prior(nodes) + 2 * math.log(float(line[1] - line[0])))


def make_mixture_weight(seed: int) -> Case:
    """(1 − a)N(0, 1) + aN(b, 1) with truth N(0, 1), 100 observations: ridges that cross at the prior's edge."""
    problem, data, free_energy = exact.mixture_weight(100, seed)
    node, weight = np.polynomial.legendre.leggauss(120)
    nodes = torch.cartesian_prod(torch.tensor((node + 1) / 2), torch.tensor(2 * node))
    logs = torch.tensor(np.log(weight / 2))
    return tabulate(problem, data, nodes, torch.cartesian_prod(logs, logs).sum(1), free_energy)


def make_cauchy(seed: int) -> Case:
    """The centre of 20 Cauchy observations, one of them far away."""
    problem, data, free_energy = exact.cauchy_location(20, seed)
    nodes = torch.linspace(-80, 80, 80_001, dtype=torch.float64)[:, None]
    return tabulate(problem, data, nodes, problem.log_prior(nodes) + math.log(160 / 80_000), free_energy)


EVIDENCE: dict[str, Callable[[int], Case]] = {
    "regression, d = 4": make_conjugate,
    "crossing ab": make_crossing,
    "crossing abc": make_triple,
    "two equal components": make_two_means,
    "component of weight 0": make_mixture_weight,
    "multinomial, empty cells": make_multinomial,
    "Cauchy location": make_cauchy,
}
FLUCTUATIONS = make_fluctuations()


def replicate(quantity: str, name: str, number: int) -> dict[str, float]:
    """Estimate, its standard error, and the truth, of one replication."""
    start = time.process_time()
    if quantity == "nu":
        model, rng = FLUCTUATIONS[name], np.random.default_rng([number, 17])
        found, truth = germ.estimate_singular_fluctuation(model.draw(DRAWS, rng), seed=number), model.nu
    else:
        case = EVIDENCE[name](number)
        start = time.process_time()
        if quantity == "free energy":
            found, truth = germ.estimate_free_energy(case.problem, case.data, seed=number, budget=1e9), case.free_energy
        else:
            found = germ.estimate_wbic(case.problem, case.data, seed=number, budget=1e9)
            truth = case.mean_loss(1 / math.log(len(case.data[0])))
    return {"value": found.value, "standard_error": found.standard_error, "exact": truth, "seconds": time.process_time() - start}


def list_cases() -> Iterator[tuple[str, str]]:
    """Quantities and problems."""
    for quantity in ("free energy", "WBIC"):
        yield from ((quantity, name) for name in EVIDENCE)
    yield from (("nu", name) for name in FLUCTUATIONS)


def summarize(rows: list[dict[str, float]]) -> dict[str, float]:
    """Coverage of ± 2 standard errors and what the errors are like.

    An error below 1e-6 of the value is rounding, as for WBIC of a normal posterior: it counts as covered.
    """
    value, stated, truth = (np.array([row[key] for row in rows]) for key in ("value", "standard_error", "exact"))
    error = value - truth
    return {
        "replications": len(rows),
        "covered": float(np.mean(np.abs(error) <= 2 * stated + 1e-6 * np.abs(truth))),
        "bias": float(error.mean()),
        "spread": float(np.sqrt((error**2).mean())),
        "stated": float(np.sqrt((stated**2).mean())),
        "seconds": float(np.mean([row["seconds"] for row in rows])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=20)
    parser.add_argument("--record", type=Path, help="JSON lines, one for each replication; kept ones are not repeated")
    parser.add_argument("--only", help="free energy, WBIC or nu")
    parser.add_argument("--write", type=Path, help="write the summary as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[tuple[str, str, int], dict[str, float]] = {}
    if options.record and options.record.exists():
        for line in options.record.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[row["quantity"], row["problem"], row["replication"]] = row
    summary: dict[str, dict[str, dict[str, float]]] = {}
    for quantity, name in list_cases():
        if options.only not in (None, quantity):
            continue
        for number in range(options.replications):
            if (key := (quantity, name, number)) not in found:
                found[key] = replicate(*key)
                if options.record:
                    options.record.parent.mkdir(parents=True, exist_ok=True)
                    with options.record.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"quantity": quantity, "problem": name, "replication": number} | found[key]) + "\n")
        row = summarize([found[quantity, name, number] for number in range(options.replications)])
        summary.setdefault(quantity, {})[name] = row
        shown = f"{row['covered']:6.1%} of {row['replications']}   error {row['spread']:.4f}, stated {row['stated']:.4f}"
        print(f"{quantity:12} {name:26} {shown}   {row['seconds']:.2f} s CPU", flush=True)
    if options.write:
        options.write.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
