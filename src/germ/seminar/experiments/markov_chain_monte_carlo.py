"""Sampling a singular posterior: two samplers against quadrature on K = x²y², with R-hat, effective sample sizes and swap rates.

The posterior of a singular model has no Gaussian shape: it follows W₀, here the two axes, which are narrow and meet at a corner. A chain
that moves well on one axis must find the other. Two samplers that go through hotter posteriors first are compared with quadrature by the
mean of nK, which tends to λ = 1/2 as n grows, but so slowly (like 1/log n, since m = 2) that the exact value at finite n is the fair
target.
"""

from __future__ import annotations

import math

import torch

from germ.estimators.monte_carlo import compute_effective_sample_size, compute_rhat
from germ.problems.priors import make_uniform_prior
from germ.problems.problem import Problem
from germ.sampling.posterior import Method, sample_posterior
from germ.seminar.claims import claim_between, claim_close, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.standard_form import make_standard_form


def _make_target(n: float) -> Problem:
    prior = make_uniform_prior([0.0, 0.0], [1.0, 1.0])
    return Problem(
        "crossing", 2, lambda w, data: -n * w.prod(1, keepdim=True) ** 2 + 0 * data[0], prior.log_density, prior.sample,
        lambda count, generator: (torch.zeros(count, dtype=torch.float64),), support=prior.support,
    )  # fmt: skip


def run(size: Size, seed: int) -> Outcome:
    """⟨nK⟩ and the heat capacity at two temperatures.

    Args:
        size: Length of the chains.
        seed: Of the chains.

    Returns:
        The outcome.
    """
    draws = {"small": 1000, "full": 20_000}[size]
    form = make_standard_form([1, 1])
    claims = [
        claim_close(f"⟨nK⟩ at n = {n:g} by quadrature", known, form.compute_energy(n), "independent computation", tolerance=6e-9,
                    reason="eight decimals printed")
        for n, known in ((1e3, 0.38727651), (1e6, 0.43662471))
    ]  # fmt: skip
    data = (torch.zeros(1, dtype=torch.float64),)
    figure, axes = start_figure("x", "y", size=(4.2, 3.6))
    methods: tuple[Method, ...] = ("particles", "parallel tempering")
    for method in methods:
        for n in (1e3, 1e6):
            posterior = sample_posterior(_make_target(n), data, seed=seed, method=method, draws=draws)
            energy = -posterior.log_likelihood
            error = float(energy.std() / math.sqrt(compute_effective_sample_size(energy)))
            claims.append(claim_within_errors(f"⟨nK⟩ at n = {n:g} by {method}", form.compute_energy(n), float(energy.mean()), error,
                                              "quadrature"))  # fmt: skip
            claims.append(claim_between(f"R-hat of {method} at n = {n:g}", compute_rhat(energy), "convergence", upper=1.05))
            if method == "particles" and n == 1e3:
                flat = posterior.draws.reshape(-1, 2)
                axes.plot(*flat[:2000].T, ".", markersize=1.5)
    caption = "Draws from exp(−nx²y²) at n = 1000: a cross along both axes, not an ellipse."
    return Outcome(tuple(claims), {"draws": Illustration(figure, caption)}, {"target": "exp(−n x²y²) on [0, 1]²", "draws per chain": draws})
