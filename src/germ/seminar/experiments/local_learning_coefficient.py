"""The local learning coefficient tells degenerate minima apart: a line and a point of one potential, and a reduced-rank network.

A loss has many minima, and λ is a property of each: of two with the same loss the posterior comes to prefer the one of smaller λ. The
local learning coefficient confines the posterior to a neighbourhood and measures n E[K] there. On a potential with a line and a point of
zeros, and on a small linear network, it can be compared with what blowing up proves.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from germ.algebra.rlct import compute_rlct
from germ.atlas import compute_value
from germ.claim import Estimate
from germ.estimators.learning_coefficient import estimate_learning_coefficient
from germ.estimators.monte_carlo import compute_effective_sample_size
from germ.problems.potential import make_two_component_potential
from germ.sampling.posterior import sample_posterior
from germ.seminar.claims import CheckedClaim, claim_equal, claim_within_errors, exact_pair
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.volume import estimate_volume_scaling

_TEXT = "(x-1)*(x^2+y^2)^2"


def _loss(model: nn.Module, batch: Any) -> Tensor:
    return (model(batch[0]) - batch[1]).pow(2).sum(1) / 2


def run(size: Size, seed: int) -> Outcome:
    """λ by resolution and from samples at both components of f = (x − 1)(x² + y²)², and of a 3-3-3 linear network at zero.

    Args:
        size: How precise.
        seed: Of data and chains.

    Returns:
        The outcome.
    """
    # Sampling ends at a precision; the budget of seconds only guards, so that a busy machine gets the same numbers.
    precision, budget = {"small": (0.1, 600.0), "full": (0.01, 3600.0)}[size]
    claims, found = [], []
    for name, component, at, value in (
        ("line, at (1, 0)", "line", {"x": "1", "y": "0"}, Fraction(1, 2)),
        ("line, at (1, 1/2)", None, {"x": "1", "y": "1/2"}, Fraction(1, 2)),
        ("point (0, 0)", "point", {"x": "0", "y": "0"}, Fraction(1, 4)),
        ("box with both", "both", None, Fraction(1, 4)),
    ):
        answer = compute_rlct([_TEXT], at=at) if at else compute_rlct([_TEXT], box="-1:2,-1:1")
        claims.append(claim_equal(f"(λ, m), {name}", (value, 1), exact_pair(answer), "Lau et al. 2023; a box has its least λ"))
        if component:
            problem = make_two_component_potential(component=component)
            estimate = estimate_volume_scaling(problem, seed=seed, budget=budget, precision=precision / 5)
            claims.append(claim_within_errors(f"λ from the volume of K < ε, {name}", float(value), estimate.value,
                                              estimate.standard_error, "the exact value"))  # fmt: skip
            found.append((name, float(value), estimate))
    claims.append(_compare_energies(seed))
    rank_zero = compute_value("rrr", M=3, N=3, H=3, r=0)
    claims.append(claim_equal("(λ, m) of a 3-3-3 linear network, truth zero", (Fraction(7, 2), 2), exact_pair(rank_zero), "Aoyagi 2005"))
    network = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)).double()
    nn.utils.vector_to_parameters(torch.zeros(18, dtype=torch.float64), network.parameters())
    inputs = torch.randn(1000, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    data = (inputs, torch.zeros_like(inputs))
    sampled = estimate_learning_coefficient(network, _loss, data, seed=seed, budget=budget, precision=precision)
    assert isinstance(sampled, Estimate)  # the network is smooth
    claims.append(claim_within_errors("λ of that network from its posterior", 3.5, sampled.value, sampled.standard_error,
                                      "the exact value"))  # fmt: skip
    figure, axes = start_figure("", "λ", size=(6, 3.2))
    axes.plot(range(len(found)), [value for _, value, _ in found], "_", markersize=28, label="exact")
    axes.errorbar(range(len(found)), [e.value for *_, e in found], [2 * e.standard_error for *_, e in found], fmt="o", markersize=4,
                  label="from samples, 2σ")  # fmt: skip
    axes.set_xticks(range(len(found)), [name for name, *_ in found])
    axes.legend()
    caption = "Learning coefficients, exact and sampled: the point is twice as degenerate as the line, and it decides a box with both."
    return Outcome(tuple(claims), {"local": Illustration(figure, caption)}, {"potential": _TEXT, "network": "3-3-3, rank 0"})


def _compare_energies(seed: int) -> CheckedClaim:
    """The talk's estimator n⟨K⟩ on the line's neighbourhood, from draws, against quadrature."""
    n, problem = 1e4, make_two_component_potential(component="line")
    divergence = problem.divergence
    assert divergence is not None
    tempered = replace(problem, log_likelihood=lambda w, data: -n * divergence(w)[:, None] + 0 * data[0])
    energy = -sample_posterior(tempered, (torch.zeros(1, dtype=torch.float64),), seed=seed, draws=1000).log_likelihood
    error = float(energy.std() / math.sqrt(compute_effective_sample_size(energy)))
    x, y = torch.linspace(0.5, 1.5, 4001, dtype=torch.float64), torch.linspace(-0.5, 0.5, 401, dtype=torch.float64)
    grid = n * divergence(torch.cartesian_prod(x, y))
    exact = float((grid * (-grid).exp()).sum() / (-grid).exp().sum())
    return claim_within_errors("λ̂ = n⟨K⟩ on the line, n = 10⁴, from draws", exact, float(energy.mean()), error, "quadrature on a grid")
