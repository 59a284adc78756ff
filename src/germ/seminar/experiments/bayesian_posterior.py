"""The posterior of one tanh unit: predictive and energies against quadrature, and λ as the slope of E[nL] over temperature.

Bayes' rule weighs each parameter by its likelihood. For one tanh unit and a truth of zero the posterior does not shrink to a point but to
the cross a = 0 or b = 0. The mean energy E[nL] of the posterior at inverse temperature β grows with temperature 1/β, and its slope is λ:
that is how a learning coefficient is read off samples, without knowing anything about the singularity.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from germ.atlas import compute_value
from germ.estimators.monte_carlo import compute_effective_sample_size
from germ.problems.network import make_tanh_network
from germ.sampling.posterior import sample_posterior
from germ.seminar.claims import claim_close, claim_equal, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """One unit, truth zero, 200 samples.

    Args:
        size: Length of the chains.
        seed: Of data and chains.

    Returns:
        The outcome.
    """
    draws = {"small": 1000, "full": 10_000}[size]
    problem = make_tanh_network(1)
    data = problem.simulate(200, torch.Generator().manual_seed(seed))
    assert problem.support is not None
    low, high = (float(v[0]) for v in problem.support)
    axis = torch.linspace(low, high, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    table = torch.cat([problem.log_likelihood(block, data).sum(1) for block in grid.split(4000)]).numpy()
    claims, energies = [], []
    temperatures = (1.0, 0.5, 1 / math.log(200))
    for beta in temperatures:
        weight = np.exp(beta * (table - table.max()))
        exact = -float((weight * table).sum() / weight.sum())
        posterior = sample_posterior(problem, data, beta=beta, seed=seed, draws=draws)
        energy = -posterior.log_likelihood
        error = float(energy.std() / math.sqrt(compute_effective_sample_size(energy)))
        claims.append(
            claim_within_errors(f"E[nL] at inverse temperature {beta:.3g}", exact, float(energy.mean()), error,
                                "quadrature on a grid of 401 × 401")
        )  # fmt: skip
        energies.append(exact)
    known = ("1/2", "2/3", "5/6", "1", "11/10", "6/5", "13/10", "7/5", "3/2")
    found = tuple(str(getattr(compute_value("tanh-zero", H=h), "learning_coefficient", None)) for h in range(1, 10))
    claims.append(claim_equal("λ of tanh networks with 1 to 9 units, truth zero", known, found, "Aoyagi's formula"))
    # Without data noise, nL = nβ K: the slope of its mean over temperature tends to λ, with −(m − 1)/log n on the way.
    a, b, n = grid[:, 0].numpy(), grid[:, 1].numpy(), 1e5
    fine = np.linspace(0, 1, 2001)[1:]
    k = 0.5 * (fine[:, None] * np.tanh(fine)[None]) ** 2 / 3
    means = [float((n * beta * k * np.exp(-n * beta * k)).sum() / np.exp(-n * beta * k).sum()) for beta in (1.0, 0.1)]
    expected = [0.5 - 1 / (math.log(n * beta / 6) + np.euler_gamma + 2 * math.log(2)) for beta in (1.0, 0.1)]
    claims += [
        claim_close(f"nβ E[K] at nβ = {n * beta:g} on one quadrant", e, m, "crossing: 1/2 − 1/(log nβ/6 + γ + 2 log 2)", tolerance=0.02,
                    reason="tanh b differs from b; grid")
        for beta, e, m in zip((1.0, 0.1), expected, means, strict=True)
    ]  # fmt: skip
    figure, axes = start_figure("a", "b", size=(4.2, 3.6))
    weight = np.exp(table - table.max()).reshape(401, 401)
    axes.contourf(axis.numpy(), axis.numpy(), np.log10(weight.T + 1e-6), levels=14)
    axes.set(xlim=(a.min(), a.max()), ylim=(b.min(), b.max()))
    caption = "log posterior density of one tanh unit when the truth is zero: it follows both axes, where the network is zero."
    return Outcome(tuple(claims), {"posterior": Illustration(figure, caption)}, {"n": 200, "model": "y = a tanh(bx) + N(0, 1)"})
