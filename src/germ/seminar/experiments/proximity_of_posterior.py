"""How near to smaller networks the posterior lives: the least rank within ε of draws from prior and posterior of a tanh network.

The exactly reducible parameters have probability 0, yet the posterior prefers to be near them, since that is where K is flat in most
directions. Draws of a network with more units than the truth are examined for smaller networks within ε: the larger n, the nearer the
posterior lives to rank one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from germ.networks.proximity import bound_proximate_rank, compute_proximate_rank
from germ.networks.reduction import compute_rank
from germ.networks.tanh import TanhNetwork
from germ.problems.network import make_tanh_network
from germ.sampling.posterior import sample_posterior
from germ.seminar.claims import claim_between, claim_equal
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size

_UNITS, _RADIUS, _ISLANDS = 3, 0.1, 8


def _weigh(divergence: Callable[[Tensor], Tensor], n: float) -> Callable[[Tensor, tuple[Tensor, ...]], Tensor]:
    """−nK as the log-likelihood of one observation."""
    return lambda w, data: -n * divergence(w)[:, None] + 0 * data[0]


def run(size: Size, seed: int) -> Outcome:
    """Three units where the truth has one, posterior ∝ exp(−nK) φ.

    Args:
        size: How large n becomes.
        seed: Of the draws.

    Returns:
        The outcome.
    """
    problem = make_tanh_network(_UNITS, true_units=1)
    divergence = problem.divergence
    assert divergence is not None
    prior = problem.sample_prior(_ISLANDS * 64, torch.Generator().manual_seed(seed)).numpy()
    families = {"prior": prior.reshape(_ISLANDS, 64, -1)}
    for n in (1e2, 1e4) if size == "small" else (1e2, 1e4, 1e6):
        tempered = replace(problem, log_likelihood=_weigh(divergence, n))
        draws = sample_posterior(
            tempered, (torch.zeros(1, dtype=torch.float64),), seed=seed, islands=_ISLANDS, particles=64, draws=64
        ).draws
        families[f"n = {n:,.0f}"] = np.asarray(draws)[:, :: max(1, draws.shape[1] // 64)][:, :64]
    networks = {name: [TanhNetwork(w[:_UNITS], w[_UNITS:]) for w in draws.reshape(-1, 2 * _UNITS)] for name, draws in families.items()}
    ranks = {name: np.array([compute_proximate_rank(network, _RADIUS) for network in found]) for name, found in networks.items()}
    below = sum(
        bound_proximate_rank(net, _RADIUS) < rank for name, found in networks.items() for net, rank in zip(found, ranks[name], strict=True)
    )
    by_island = np.array([found.reshape(_ISLANDS, -1).mean(1) for found in ranks.values()])
    means, errors = by_island.mean(1), by_island.std(1, ddof=1) / np.sqrt(_ISLANDS)
    claims = [
        claim_equal("draws of a rank below the number of units", 0, sum(compute_rank(net) < _UNITS for f in networks.values() for net in f),
                    "reducible parameters have probability 0"),
        claim_equal("draws whose greedy bound is below the least rank within ε", 0, below, "it is an upper bound"),
    ]  # fmt: skip
    names = list(ranks)
    for i, j in ((0, 2), (1, 2)):
        difference = float((means[i] - means[j]) / np.hypot(errors[i], errors[j]))
        claims.append(
            claim_between(f"mean least rank, {names[i]} minus {names[j]}, in standard errors", difference,
                          "the posterior concentrates where the network is equivalent to one unit", lower=3)
        )  # fmt: skip
    share = float((ranks[names[-1]] <= 1).mean())
    claims.append(claim_between(f"share of draws at {names[-1]} within ε of the true rank", share, "more than half", lower=0.5))
    figure, axes = start_figure(f"least rank within ε = {_RADIUS}", "share of draws")
    width = 0.8 / len(ranks)
    for i, (name, found) in enumerate(ranks.items()):
        axes.bar(
            np.arange(_UNITS + 1) + (i - len(ranks) / 2 + 0.5) * width,
            np.bincount(found, minlength=_UNITS + 1) / len(found),
            width,
            label=name,
        )
    axes.set_xticks(range(_UNITS + 1))
    axes.legend(fontsize="small", frameon=False)
    caption = (
        "Least rank within ε of draws from the prior and from posteriors; the truth has rank 1. The larger n, the more draws are near it."
    )
    inputs = {"model": f"{_UNITS} tanh units, truth of one unit", "posterior": "∝ exp(−nK) φ", "ε": _RADIUS, "draws of each": len(prior)}
    return Outcome(tuple(claims), {"ranks": Illustration(figure, caption)}, inputs)
