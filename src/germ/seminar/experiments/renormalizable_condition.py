"""The renormalisable condition: two optimal parameters with different distributions give the free energy a term of order √n.

If the truth is not in the model, two optimal parameters may give different distributions. The data then favour one of them by chance, by
an amount of order √n, and the free energy has no expansion in log n. The condition that excludes this bounds E[f²]/E[f] for the log
density ratio f; where it holds the theory is that of realisable truths.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from germ.estimators.relative_variance import estimate_relative_variance
from germ.problems.priors import make_uniform_prior
from germ.problems.problem import Problem
from germ.seminar.claims import claim_between, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def _make_problem(realisable: bool) -> Problem:
    """N(w, 1) with w = v + sign v, v in [−1, 1]; the truth is a mixture of N(±1, 1), or N(1, 1) itself."""
    prior = make_uniform_prior([-1.0], [1.0])

    def simulate(n: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        side = torch.ones(n, dtype=torch.float64)
        if not realisable:
            side = 1 - 2 * torch.randint(0, 2, (n,), generator=generator).double()
        return (side + torch.randn(n, generator=generator, dtype=torch.float64),)

    def log_likelihood(v: torch.Tensor, data: tuple[torch.Tensor, ...]) -> torch.Tensor:
        w = v + torch.sign(v)
        return -0.5 * (data[0] - w) ** 2 - 0.5 * math.log(2 * math.pi)

    truth = torch.tensor([1e-9], dtype=torch.float64)
    return Problem("two optima", 1, log_likelihood, prior.log_density, prior.sample, simulate, truth=truth, support=prior.support)


def run(size: Size, seed: int) -> Outcome:
    """E[min L_n] over data sets, and the ratio E[f²]/E[f] for both truths.

    Args:
        size: How many data sets.
        seed: Of the data.

    Returns:
        The outcome.
    """
    repetitions = {"small": 4000, "full": 50_000}[size]
    rng = np.random.default_rng(seed)
    claims, gaps = [], []
    sizes = (100, 1000)
    for n in sizes:
        # nL_n(±1) = const ∓ Σx, so the better of both beats their mean by |Σx|; Var Σx = 2n.
        totals = (rng.choice([-1.0, 1.0], (repetitions, n)) + rng.standard_normal((repetitions, n))).sum(1)
        values = -np.abs(totals)
        gaps.append(float(values.mean()))
        claims.append(
            claim_within_errors(f"E[min nL_n] − mean of both optima at n = {n}", -math.sqrt(4 * n / math.pi), gaps[-1],
                                float(values.std() / math.sqrt(repetitions)), "central limit theorem: −√(2n · 2/π)")
        )  # fmt: skip
    claims.append(claim_between("ratio of both: √10, not the ratio of logarithms 1.5", gaps[1] / gaps[0], "order √n", lower=2.8, upper=3.6))
    generator = torch.Generator().manual_seed(seed)
    points = torch.cat([torch.linspace(-0.9, -1e-6, 40), torch.linspace(1e-3, 0.9, 40)]).double()[:, None]
    growth = {}
    for realisable in (True, False):
        problem = _make_problem(realisable)
        ratios = [float(estimate_relative_variance(problem, points, problem.simulate(n, generator)).ratio.max()) for n in (2000, 200_000)]
        growth[realisable] = ratios[1] / ratios[0]
    bounded = "Watanabe 2010: bounded where the truth is realisable"
    claims.append(claim_between("growth of sup E[f²]/E[f] from n = 2,000 to 200,000, truth N(1, 1)", growth[True], bounded, upper=1.5))
    claims.append(
        claim_between("the same, truth a mixture: like √n", growth[False],
                      "E[f] = 0 and E[f²] > 0 at the other optimum: 10 (|Z₁| + 2)/(|Z₂| + 2) with Z₁, Z₂ ~ N(0, 1)", lower=3)
    )  # fmt: skip
    figure, axes = start_figure("n", "−(F_n − nL_n(w₀)), mean", xscale="log", yscale="log")
    grid = np.geomspace(10, 1e5, 30)
    axes.plot(grid, np.sqrt(4 * grid / math.pi), label="two optima: √(4n/π)")
    axes.plot(grid, 0.5 * np.log(grid), label="λ log n of a renormalisable model, λ = 1/2")
    axes.legend()
    caption = "Without relatively finite variance the data set's own fluctuation √n hides λ log n."
    return Outcome(tuple(claims), {"growth": Illustration(figure, caption)}, {"truth": "½N(−1, 1) + ½N(1, 1)", "model": "N(w, 1), |w| ≥ 1"})
