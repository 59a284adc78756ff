"""`estimate_wbic`: Watanabe's widely applicable Bayesian information criterion, −E[log p(D|w)] at β = 1/log n.

WBIC = F + O_p(√log n) for singular and regular models alike, at the price of one temperature. Its Monte Carlo noise is intrinsic:
log p(D|w) has standard deviation √λ log n there, so that a plain mean of S independent draws is uncertain by √(λ/S) log n. Stein controls
take most of that away. The same draws give λ: from two temperatures, from the variance of log p(D|w), and from WBIC where the least loss
is known.

References:
    Watanabe (2013), A widely applicable Bayesian information criterion, JMLR 14, Theorems 4 and 5, Corollary 3.
"""

from __future__ import annotations

import math
import time

import numpy as np

from germ.claim import Correction, Estimate, Provenance, collect_versions
from germ.errors import DataError, InputError
from germ.estimators.control_variates import Mean, average_islands, compute_mean
from germ.estimators.evidence import compute_evidence
from germ.problems.problem import Data, Problem
from germ.rng import check_seed, spawn_seeds
from germ.sampling.density import check_data, is_same_data
from germ.sampling.diagnostics import summarize
from germ.sampling.posterior import Posterior, sample_posterior

_STREAM = 7
_MOST_CLIMBS = 64
DRAWS = 4096  # of each island at the last temperature: moves there cost little beside the climb
_LARGEST_RHAT = 1.1
_LONGEST_MEMORY = 0.5  # the sampler asks for 0.1
_EVEN = 0.8  # share of effective islands above which they count the same


def estimate_wbic(
    problem: Problem,
    data: Data,
    *,
    seed: int = 0,
    rng: np.random.Generator | None = None,
    precision: float = 0.1,
    budget: float = 20.0,
    particles: int = 32,
) -> Estimate:
    """WBIC = E_β[nL_n(w)] at β = 1/log n, nL_n = −log p(D|w).

    Args:
        problem: The model and its prior.
        data: Observations: tensors with first dimension n ≥ 3.
        seed: Seed of all randomness; the number of climbs also depends on the budget.
        rng: A NumPy generator that the seed is drawn from instead.
        precision: Monte Carlo standard error in nats at which sampling stops.
        budget: Seconds after which it stops in any case, at the end of a climb.
        particles: Of each of 8 islands. The posterior at β = 1/log n is wide, so that few are enough where it has one mode; far modes
            need more, which R-hat shows.

    Returns:
        WBIC in nats. The standard error is that of the mean over draws; WBIC itself differs from F by O_p(√log n), about which an error bar
        from one data set says nothing. Diagnostics: standard deviation of nL_n, and `draws_needed` (independent draws that the wanted
        precision needs without controls).

    Raises:
        InputError: For n < 3, or precision and budget that are not positive.

    References:
        Watanabe (2013), Theorem 4.
    """
    seed = check_seed(int(rng.integers(2**62)) if rng is not None else seed)
    for name, number in (("precision", precision), ("budget", budget)):
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not (math.isfinite(number) and number > 0):
            raise InputError(f"got {name}={number!r}", "a positive number", f"leave {name} out for the default")
    n = int(check_data(data)[0].shape[0])
    if n < 3:
        raise InputError(f"got {n} observations", "n >= 3, so that β = 1/log n is an inverse temperature below 1", "give more data")
    began = time.monotonic()
    found: list[Posterior] = []
    for climb_seed in spawn_seeds(seed, _MOST_CLIMBS, stream=_STREAM):
        start = time.monotonic()
        found.append(sample_posterior(problem, data, beta=1 / math.log(n), seed=climb_seed, particles=particles, draws=DRAWS))
        result = _combine(found, precision, seed, time.monotonic() - began)
        if result.standard_error <= precision or time.monotonic() - start > began + budget - time.monotonic():
            break
    return result


def compute_wbic(posterior: Posterior, *, precision: float = 0.1) -> Estimate:
    """E_β[nL_n] from a posterior sampled at any β; WBIC where β = 1/log n.

    Args:
        posterior: From `germ.sample_posterior`.
        precision: Standard error that `draws_needed` is counted for.

    Returns:
        The mean of −log p(D|w) in nats, with its Monte Carlo error.
    """
    return _combine([posterior], precision, posterior.seed, posterior.seconds)


def compute_wbic_from_draws(log_likelihood: np.ndarray, *, precision: float = 0.1) -> Estimate:
    """E[nL_n] from log-likelihoods recorded elsewhere, at whatever temperature they were drawn.

    Args:
        log_likelihood: log p(D|w), summed over observations, in nats, (chain, draw), drawn at β = 1/log n for WBIC.
        precision: Standard error that `draws_needed` is counted for.

    Returns:
        The mean of −log p(D|w); its error accounts for autocorrelation and for chains that disagree.

    Raises:
        DataError: For draws that are not finite, or not (chain, draw) with at least four draws.

    Example:
        >>> draws = -np.random.default_rng(0).gamma(2.0, 1.0, (4, 1000))
        >>> found = compute_wbic_from_draws(draws)
        >>> abs(found.value - 2) < 3 * found.standard_error < 0.1
        True
    """
    values = np.asarray(log_likelihood, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 4:
        raise DataError(f"got log-likelihoods of shape {values.shape}", "(chain, draw) with at least 4 draws", "record more draws")
    if not np.isfinite(values).all():
        raise DataError(
            f"{int((~np.isfinite(values)).sum())} of {values.size} log-likelihoods are not finite", "finite numbers", "drop them"
        )
    found = summarize(-values)
    variance = float(values.var())
    diagnostics = {"chains": values.shape[0], "rhat": found.rhat, "ess": found.ess} | _needed(variance, precision)
    provenance = Provenance("mean of recorded log-likelihoods", "Watanabe (2013), Theorem 4", "sampled", versions=collect_versions("numpy"))
    return Estimate(found.mean, found.standard_error, provenance, symbol="WBIC", diagnostics=diagnostics)


def compute_learning_coefficient_from_temperatures(first: Posterior, second: Posterior) -> Estimate:
    """λ from the mean losses at two temperatures, (E_1[nL] − E_2[nL])/(1/β_1 − 1/β_2).

    The least loss cancels. The difference to λ is O(1/log n); it is smallest for β_i = b_i/log n with b_i near 1.

    Args:
        first: The posterior at β_1.
        second: The posterior at β_2 ≠ β_1, of the same problem and data.

    Returns:
        λ̂, with its Monte Carlo error.

    Raises:
        InputError: If the temperatures are equal, or the data differ.

    References:
        Watanabe (2013), Corollary 3.
    """
    if first.beta == second.beta:
        raise InputError(f"got β = {first.beta:.4g} twice", "two inverse temperatures", "sample again, e.g. at 1.5/log(n)")
    if not is_same_data(first.data, second.data):
        raise InputError("the two posteriors have different data", "the same observations at two temperatures", "sample both again")
    a, b = compute_wbic(first), compute_wbic(second)
    span = 1 / first.beta - 1 / second.beta
    return _coefficient(
        (a.value - b.value) / span,
        math.hypot(a.standard_error, b.standard_error) / abs(span),
        "mean loss at two temperatures",
        "Watanabe (2013), Corollary 3",
        {"n": a.diagnostics["n"], "betas": [first.beta, second.beta]},
    )


def compute_learning_coefficient_from_variance(posterior: Posterior) -> Estimate:
    """λ from the variance of the loss, β² Var_β[nL]: the heat capacity of the posterior.

    Args:
        posterior: The posterior at any β; at β = 1/log n the difference to λ is O(1/log n).

    Returns:
        λ̂, with its Monte Carlo error.
    """
    squares = posterior.beta**2 * (posterior.log_likelihood - posterior.log_likelihood.mean()) ** 2
    value, error = average_islands(squares.mean(1), _island_weights([posterior])[0])
    n = int(posterior.data[0].shape[0])
    return _coefficient(value, error, "variance of the loss at one temperature", "dE[nL]/dβ = −Var[nL]", {"n": n, "beta": posterior.beta})


def compute_learning_coefficient_from_wbic(wbic: Estimate, least_loss: float, n: int) -> Estimate:
    """λ from WBIC and the loss at a true parameter, (WBIC − nL_n(w0))/log n.

    Args:
        wbic: From `estimate_wbic`.
        least_loss: nL_n(w0) = −log p(D|w0), in nats, summed over observations.
        n: Number of observations.

    Returns:
        λ̂; its error is that of WBIC, and the fluctuation O_p(1/√log n) of one data set comes on top.
    """
    return _coefficient(
        (wbic.value - least_loss) / math.log(n),
        wbic.standard_error / math.log(n),
        "WBIC and the loss at the truth",
        "Watanabe (2013), Theorem 4",
        {"n": n},
    )


def _island_weights(found: list[Posterior]) -> list[np.ndarray | None]:
    weights: list[np.ndarray | None] = []
    for posterior in found:
        evidence = compute_evidence(posterior.ladder)
        even = evidence.effective_islands > _EVEN * len(evidence.island_weights)
        weights.append(None if even else evidence.island_weights)
    return weights


def _combine(found: list[Posterior], precision: float, seed: int, seconds: float) -> Estimate:
    weights = _island_weights(found)
    means = [compute_mean(-p.log_likelihood, p.positions, p.scores, w) for p, w in zip(found, weights, strict=True)]
    values, errors = np.array([m.value for m in means]), np.array([m.standard_error for m in means])
    plain = summarize(np.concatenate([-p.log_likelihood for p in found]))
    first = found[0]
    n = int(first.data[0].shape[0])
    diagnostics = {
        "n": n,
        "nbeta": n * first.beta,
        "chains": len(first.draws) * len(found),
        "rhat": plain.rhat,
        "ess": plain.ess,
        "beta": first.beta,
        "climbs": len(found),
        "plain_mean": float(np.mean([m.plain for m in means])),
        "plain_error": plain.standard_error,
        "controls": means[0].controls,
    } | _needed(float(np.mean([p.log_likelihood.var() for p in found])), precision)
    error = float(np.sqrt((errors**2).sum())) / len(found)
    warnings = _warn(found, weights, plain.rhat, error, precision)
    correction = Correction(
        "Stein controls", float(values.mean()) - diagnostics["plain_mean"], 0.0, _describe(means[0], error, plain.standard_error)
    )
    provenance = Provenance(
        method=f"mean loss at β = {first.beta:.4g} ({first.method})",
        source="Watanabe (2013), Theorem 4",
        reliability="sampled",
        seed=seed,
        seconds=seconds,
        settings={"beta": first.beta, "precision": precision} | {k: v for k, v in first.settings.items() if k != "versions"},
        versions=collect_versions("torch", "numpy"),
    )
    corrections = (correction,) if means[0].controls else ()
    return Estimate(float(values.mean()), error, provenance, "WBIC", diagnostics, corrections, warnings)


def _describe(mean: Mean, error: float, plain_error: float) -> str:
    ratio = plain_error / error if error > 0 else math.inf
    return f"{mean.controls} functions of mean zero; the plain mean's error is {ratio:.1f} times as large"


def _warn(found: list[Posterior], weights: list[np.ndarray | None], rhat: float, error: float, precision: float) -> tuple[str, ...]:
    warnings = []
    memory = max(float(np.nanmax(p.ladder.memory)) for p in found)
    if any(w is not None for w in weights):
        warnings.append("some islands lost part of the posterior on their way; they count by the evidence that they climbed")
    if rhat > _LARGEST_RHAT or memory > _LONGEST_MEMORY:
        warnings.append(
            f"draws do not forget where they came from (R-hat {rhat:.2f}, correlation with the temperature before up to {memory:.2f}): the "
            "error bar may be too small. More particles would help"
        )
    if error > precision:
        warnings.append(f"the standard error {error:.3g} is above the wanted {precision:.3g}: raise budget=")
    return tuple(warnings)


def _needed(variance: float, precision: float) -> dict[str, float]:
    return {"standard_deviation": math.sqrt(variance), "draws_needed": math.ceil(variance / precision**2)}


def _coefficient(value: float, error: float, method: str, source: str, diagnostics: dict[str, object]) -> Estimate:
    provenance = Provenance(method, source, "sampled", versions=collect_versions("numpy"))
    return Estimate(value, error, provenance, diagnostics=diagnostics)
