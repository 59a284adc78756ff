"""Main Theorem 2: over data sets, F_n − nS_n − λ log n + (m − 1) log log n converges in law; three models.

F_n − nS_n − λ log n + (m − 1) log log n converges in law: what is left of the free energy fluctuates with the data set, but neither grows
nor shrinks. Three models with the same data and different geometry are compared over many data sets; then one evidence is estimated by
sampling and checked by quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from germ.estimators.free_energy import estimate_free_energy
from germ.problems.potential import make_normal_crossing
from germ.seminar.claims import claim_between, claim_close, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def _free_energies(density: Callable[[np.ndarray], np.ndarray], n: float, repetitions: int, rng: np.random.Generator) -> np.ndarray:
    """F_n − nS_n of y = cx + N(0, 1), truth c = 0, for a prior density of c on [−1, 1], by quadrature over log |c|."""
    c = np.exp(np.linspace(math.log(1e-12), 0, 6000))
    step = math.log(1e12) / 5999
    squares = n + math.sqrt(2 * n) * rng.standard_normal(repetitions)  # Σ x², up to 1/√n
    cross = np.sqrt(squares) * rng.standard_normal(repetitions)  # Σ xy given the x
    exponent = -0.5 * c**2 * squares[:, None]
    total = (np.exp(exponent + c * cross[:, None]) + np.exp(exponent - c * cross[:, None])) @ (density(c) * c) * step
    return -np.log(total)


def run(size: Size, seed: int) -> Outcome:
    """A regular parameter, a crossing c = ab, and a quartic c = w².

    Args:
        size: How many data sets.
        seed: Of the data.

    Returns:
        The outcome.
    """
    repetitions = {"small": 1500, "full": 20_000}[size]
    rng = np.random.default_rng(seed)
    models: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float, int]] = {
        "c = w, regular": (lambda c: np.full_like(c, 0.5), 0.5, 1),
        "c = ab, a crossing": (lambda c: -0.5 * np.log(c), 0.5, 2),
        "c = w³": (lambda c: c ** (-2 / 3) / 6, 1 / 6, 1),
    }
    claims = []
    figure, axes = start_figure("n", "mean of F − nS − λ log n + (m − 1) log log n", xscale="log")
    sizes = np.geomspace(1e2, 1e9, 8)
    for name, (density, lead, m) in models.items():
        runs = [_free_energies(density, n, repetitions, rng) for n in sizes]
        rest = np.array([r.mean() - lead * math.log(n) + (m - 1) * math.log(math.log(n)) for r, n in zip(runs, sizes, strict=True)])
        axes.plot(sizes, rest, "o-", markersize=3, label=name)
        growth = (runs[-1].mean() - runs[-3].mean()) / math.log(sizes[-1] / sizes[-3])
        error = math.hypot(runs[-1].std(), runs[-3].std()) / math.sqrt(repetitions) / math.log(sizes[-1] / sizes[-3])
        between = (m - 1) * math.log(math.log(sizes[-1]) / math.log(sizes[-3])) / math.log(sizes[-1] / sizes[-3])
        # next order of the logarithm, 1/log² n, where m = 2
        claims.append(claim_within_errors(f"growth of E[F_n − nS_n] per e-fold for {name}", lead - between, float(growth),
                                          math.hypot(error, 0.01 * (m - 1)), "λ − (m − 1) Δlog log n/Δlog n"))  # fmt: skip
        drift = abs(runs[-1].std() / runs[-4].std() - 1)
        claims.append(claim_between(f"change of the spread over the last three decades for {name}", float(drift), "convergence in law",
                                    upper=0.15))  # fmt: skip
    axes.legend()
    problem = make_normal_crossing((1, 1))
    data = problem.simulate(300, torch.Generator().manual_seed(seed))
    found = estimate_free_energy(problem, data, seed=seed, budget=10)
    axis = torch.linspace(-1, 1, 801, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    table = torch.cat([problem.log_likelihood(block, data).sum(1) for block in grid.split(5000)]).numpy().reshape(801, 801)
    ends = np.full(801, 1.0)
    ends[[0, -1]] = 0.5
    exact = -(table.max() + math.log(float((np.exp(table - table.max()) * ends[:, None] * ends).sum()) / (800 * 800)))
    claims.append(claim_within_errors("free energy of one data set of the crossing, by sampling", exact, found.value,
                                      found.standard_error, "trapezoidal rule on 801 × 801 points"))  # fmt: skip
    claims.append(claim_close("its error bar, in nats", 0.0, found.standard_error, "asked precision", tolerance=0.1, reason="precision"))
    caption = "What is left of the mean free energy after its leading terms is constant (regular, w³) or converges like 1/log n (crossing)."
    return Outcome(tuple(claims), {"constant": Illustration(figure, caption)}, {"data sets": repetitions})
