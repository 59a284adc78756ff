"""`estimate_free_energy`: F = −log ∫ p(D|w) φ(w) dw, with an error bar, for posteriors that may be singular.

The evidence is carried from the prior, where it is 1, to the posterior along inverse temperatures; nothing is assumed about the posterior's
shape, so that ridges, crossings and copies of modes cost time and not correctness. Independent climbs are added until the error is small
enough. `germ.estimators.free_energy_growth` reads λ and m from F_n − nS_n = λ log n − (m − 1) log log n + O(1).
"""

from __future__ import annotations

import math
import time

import numpy as np

from germ.claim import Estimate, Provenance, collect_versions
from germ.errors import InputError
from germ.estimators.evidence import Evidence, compute_evidence
from germ.problems.problem import Data, Problem
from germ.rng import check_seed, spawn_seeds
from germ.sampling.density import Density
from germ.sampling.generators import make_generators
from germ.sampling.posterior import Method, Posterior, sample_posterior
from germ.sampling.prior import check_prior

_STREAM = 5  # of the seeds of repeated climbs
_LEAST_CLIMBS, _MOST_CLIMBS = 2, 64  # an error from eight islands that is small by luck must not end it
_PARTICLES = 128
_EFFECTIVE = 0.8  # share of islands that the evidence has to rest on


def estimate_free_energy(
    problem: Problem,
    data: Data,
    *,
    seed: int = 0,
    rng: np.random.Generator | None = None,
    precision: float = 0.04,
    budget: float = 20.0,
    method: Method = "particles",
) -> Estimate:
    """The free energy F = −log ∫ p(D|w) φ(w) dw, minus the logarithm of the marginal likelihood.

    Holds for every proper prior. Fails, and says so, where draws do not forget the temperature that they came from.

    Args:
        problem: The model and its prior, normalised.
        data: Observations: tensors with first dimension n.
        seed: Seed of all randomness; the number of climbs also depends on the budget.
        rng: A NumPy generator that the seed is drawn from instead.
        precision: Standard error in nats at which climbing stops.
        budget: Seconds after which it stops in any case, at the end of a climb.
        method: The sampler of the draws (`germ.sample_posterior`).

    Returns:
        F in nats. The standard error has the spread between independent islands and the disagreement of estimators in it; its diagnostics
        name each estimator's value.

    Raises:
        ProblemError: If the prior is improper or not normalised.

    Example:
        See `germ.sample_posterior`; `estimate_free_energy(mean, data)` is the exact value within its error there.

    References:
        Watanabe (2018), Mathematical Theory of Bayesian Statistics, ch. 1; Xie et al. (2011); Bennett (1976).
    """
    seed = check_seed(int(rng.integers(2**62)) if rng is not None else seed)
    for name, number in (("precision", precision), ("budget", budget)):
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not (math.isfinite(number) and number > 0):
            raise InputError(f"got {name}={number!r}", "a positive number", f"leave {name} out for the default")
    began = time.monotonic()
    check_prior(Density(problem, data), make_generators(seed, 1, stream=_STREAM)[0])
    found: list[Evidence] = []
    particles = _PARTICLES
    for climb_seed in spawn_seeds(seed, _MOST_CLIMBS, stream=_STREAM + 1):
        start = time.monotonic()
        posterior = sample_posterior(problem, data, seed=climb_seed, method=method, particles=particles)
        found.append(compute_evidence(posterior.ladder))
        left, lasted = began + budget - time.monotonic(), time.monotonic() - start
        if found[-1].effective_islands < _EFFECTIVE * len(found[-1].island_weights) and 2 * lasted < left:
            # Islands of this size lose parts of the posterior: their evidence is heavy-tailed, and more of them would not help.
            particles, found = 2 * particles, []
        elif (len(found) >= _LEAST_CLIMBS and _combine(found)[1] <= precision) or lasted > left:
            break
    return _report(posterior, found, precision, seed, time.monotonic() - began)


def compute_free_energy(posterior: Posterior) -> Estimate:
    """The free energy from one sampled posterior's record.

    Args:
        posterior: From `germ.sample_posterior`; at β ≠ 1 the result is −log ∫ p(D|w)^β φ(w) dw.

    Returns:
        As `estimate_free_energy`, without its check of the prior.
    """
    return _report(posterior, [compute_evidence(posterior.ladder)], math.inf, posterior.seed, posterior.seconds)


def _combine(found: list[Evidence]) -> tuple[float, float]:
    values, errors = np.array([e.bridge for e in found]), np.array([e.standard_error for e in found])
    count = len(found)
    own = float(np.sqrt((errors**2).sum())) / count
    between = float(values.std(ddof=1)) / math.sqrt(count) if count >= 4 else 0.0
    return float(values.mean()), max(own, between)


def _report(posterior: Posterior, found: list[Evidence], precision: float, seed: int, seconds: float) -> Estimate:
    value, error = _combine(found)
    average = {name: float(np.mean([getattr(e, name) for e in found])) for name in ("bridge", "forward", "backward", "stepping_stone")}
    gap = average["backward"] - average["forward"]
    gap_error = float(np.sqrt(np.sum([e.hysteresis_error**2 for e in found]))) / len(found)
    ladder = posterior.ladder
    warnings = []
    if abs(gap) > max(0.02, 3 * gap_error):
        warnings.append(
            f"estimates from above and below differ by {gap:+.2f} ± {gap_error:.2f} nats: draws had not forgotten the temperature before "
            f"(correlation up to {np.nanmax(ladder.memory):.2f}); the disagreement is in the error bar. More particles or draws would help"
        )
    effective = float(np.mean([e.effective_islands for e in found]))
    if effective < _EFFECTIVE * len(found[0].island_weights):
        warnings.append(
            f"the evidence rests on {effective:.1f} of {len(found[0].island_weights)} islands: others lost part of the posterior on their "
            "way. More particles in each would help"
        )
    if error > precision:
        warnings.append(f"the standard error {error:.3g} is above the wanted {precision:.3g}: raise budget=")
    diagnostics = {
        "n": int(posterior.data[0].shape[0]),
        "chains": int(posterior.draws.shape[0]) * len(found),
        "climbs": len(found),
        "bridge": average["bridge"],
        "sequential_monte_carlo": average["forward"],
        "stepping_stone": average["stepping_stone"],
        "stepping_stone_from_above": average["backward"],
        "effective_islands": effective,
        "temperatures": len(ladder.temperatures),
        "acceptance": float(np.nanmin(ladder.acceptance)),
        "memory": float(np.nanmax(ladder.memory)),
    }
    provenance = Provenance(
        method=f"bridge sampling along inverse temperatures ({posterior.method})",
        source="Bennett (1976); Xie et al. (2011); Dau & Chopin (2022)",
        reliability="sampled",
        seed=seed,
        seconds=seconds,
        settings={"beta": posterior.beta, "precision": precision} | {k: v for k, v in posterior.settings.items() if k != "versions"},
        versions=collect_versions("torch", "numpy"),
    )
    return Estimate(value, error, provenance, symbol="F̂", diagnostics=diagnostics, warnings=tuple(warnings))
