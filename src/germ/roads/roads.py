"""The roads: functions of a problem that return a claim. `ROADS` names them; a road that does not apply says which hypothesis fails."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from germ.claim import Claim, NotApplicable, Provenance
from germ.problems.problem import Problem
from germ.roads.posterior import estimate_from_growth, estimate_from_network, estimate_from_wbic

_LARGEST_VOLUME = 100  # dimension
_LARGEST_POSTERIOR = 24  # dimension up to which particles from the prior find the posterior in seconds
_WORK = 0.35  # millions of evaluations for each second of the budget: a third of what a core does on small models
_EXACT_SHARE, _NETWORK_SHARE = 0.3, 0.5  # of the budget


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Args:
        seed: Seed of all randomness.
        budget: Seconds for all roads, about.
    """

    seed: int
    budget: float


Road = Callable[[Problem, Request], Claim]


def walk_exact(problem: Problem, request: Request) -> Claim:
    """Resolution of singularities of the exact K or ideal, with a certificate."""
    if problem.exact is None:
        return _refuse("exact", "K in exact form", "the problem gives no polynomial K or ideal")
    from germ.algebra.rlct import compute_rlct

    germ = problem.exact
    subject = germ.expression if isinstance(germ.expression, str) else list(germ.expression)
    budget = max(1.0, _EXACT_SHARE * request.budget)
    return compute_rlct(subject, at=germ.at, domain=germ.domain, prior=germ.prior, box=germ.box, budget=budget)


def walk_atlas(problem: Problem, request: Request) -> Claim:
    """The published value of the family that the problem is labelled with."""
    if problem.atlas is None:
        return _refuse("atlas", "a family of the atlas", "the problem is labelled with none")
    from germ.atlas import compute_value

    family, inputs = problem.atlas
    return compute_value(family, **inputs)


def walk_volume(problem: Problem, request: Request) -> Claim:
    """How fast the volume of {K < ε} falls, over the prior's support."""
    if problem.divergence is None and problem.residuals is None:
        return _refuse("volume", "K as a function", "the problem gives neither `divergence` nor `residuals`")
    if problem.dimension > _LARGEST_VOLUME:
        return _refuse("volume", f"dimension ≤ {_LARGEST_VOLUME}", f"the problem has dimension {problem.dimension}")
    from germ.thermo.volume import estimate_volume_scaling

    return estimate_volume_scaling(problem, seed=request.seed, work=_WORK * request.budget, budget=10 * request.budget)


def walk_network(problem: Problem, request: Request) -> Claim:
    """λ̂ at w0 from samples near it: the estimator for trained networks, on the problem's likelihood and simulated data."""
    return check_interior(problem, "llc") or estimate_from_network(problem, request.seed, _NETWORK_SHARE * request.budget)


def walk_wbic(problem: Problem, request: Request) -> Claim:
    """WBIC above the loss at the truth, over log n."""
    return _check_posterior(problem, "wbic") or estimate_from_wbic(problem, request.seed, request.budget)


def walk_growth(problem: Problem, request: Request) -> Claim:
    """How the free energy of K grows with log n."""
    if problem.divergence is None:
        return _refuse("free-energy", "K as a function", "the problem gives no `divergence`")
    return _check_posterior(problem, "free-energy") or estimate_from_growth(problem, request.seed, request.budget)


# Road -> function, and whose λ it finds: the least over the prior's support, or that of the truth's neighbourhood.
ROADS: dict[str, tuple[Road, str]] = {
    "exact": (walk_exact, "truth"),
    "atlas": (walk_atlas, "prior"),
    "volume": (walk_volume, "prior"),
    "llc": (walk_network, "truth"),
    "wbic": (walk_wbic, "prior"),
    "free-energy": (walk_growth, "prior"),
}


def check_interior(problem: Problem, road: str) -> NotApplicable | None:
    """Sampling near w0 needs a known w0 inside the support, and a prior that is positive and finite there."""
    if problem.truth is None:
        return _refuse(road, "a known true parameter", "the problem names none to sample around")
    w0 = problem.truth
    if problem.support is not None and bool(((w0 <= problem.support[0]) | (w0 >= problem.support[1])).any()):
        return _refuse(road, "w0 inside the prior's support", "w0 lies on its boundary, which samples around w0 would cross")
    if not math.isfinite(float(problem.log_prior(w0[None])[0])):
        return _refuse(road, "a positive prior density at w0", "the prior's zeros and poles count for λ, and samples around w0 ignore them")
    return None


def _check_posterior(problem: Problem, road: str) -> NotApplicable | None:
    if problem.dimension > _LARGEST_POSTERIOR:
        return _refuse(road, f"dimension ≤ {_LARGEST_POSTERIOR}", f"particles from a prior in dimension {problem.dimension} take too long")
    if problem.truth is None and problem.log_truth is None:
        return _refuse(road, "a known true distribution", "the loss at the truth has to be subtracted")
    data = problem.simulate(4, torch.Generator().manual_seed(0))
    if not bool(torch.isfinite(problem.log_likelihood(problem.sample_prior(2, torch.Generator().manual_seed(0)), data)).all()):
        return _refuse(road, "a finite likelihood under the prior", "log p(x|w) is not finite at draws of the prior")
    return None


def _refuse(road: str, hypothesis: str, explanation: str) -> NotApplicable:
    return NotApplicable(hypothesis, explanation, Provenance(road))
