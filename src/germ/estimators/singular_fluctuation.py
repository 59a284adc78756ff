"""The singular fluctuation ν, the four losses, and Watanabe's equations of state between them.

At inverse temperature β the functional variance V has E[V] → 2ν/β: ν(β) is the second birational invariant beside λ. With Bayes and Gibbs
losses, of generalisation and of training, relative to the entropy,

    E[B_g] = ((λ − ν)/β + ν)/n,    E[B_t] = ((λ − ν)/β − ν)/n,    E[G_g] = (λ/β + ν)/n,    E[G_t] = (λ/β − ν)/n,

whence, whatever λ and ν are, the equations of state

    E[B_g] − E[B_t] = 2β (E[G_t] − E[B_t]),    E[G_g] − E[G_t] = 2β (E[G_t] − E[B_t]),

and 2β (G_t − B_t) and βV/n are the same to leading order (Watanabe 2009, chapter 6; 2010).

**What the error bar of ν covers.** In a regular model V is the same for almost all data sets, ν = d/2. In a singular model V of one data
set keeps fluctuating with the data for ever, by as much as its mean, since the posterior follows the data's random process ξ_n. One data
set's observations, taken as independent terms of V, do not see that (their 2σ intervals held for 11 to 38 % of data sets in
one-parameter singular models). Here the weights of the observations are perturbed at random, ± each time, the posterior with them (by
importance weights on the draws). The odd part of V's response to a perturbation, scaled back to unit size, is the infinitesimal
jackknife, and exact in regular models. The even part is what V does on the far side of a boundary against which this data set squeezes
the posterior; since the data say nothing about which side the next data set will be on, it counts in full: the error is the root mean
square of |odd| + |even|. Two sizes are tried and the larger answer is kept.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from germ.claim import Estimate
from germ.errors import DataError
from germ.estimators.log_likelihood import CHUNK_BYTES, Combine, Slab
from germ.estimators.monte_carlo import compute_effective_sample_size, compute_monte_carlo_error, compute_rhat
from germ.estimators.pointwise import PointwiseSummary, get_summary
from germ.estimators.waic import check_beta, check_draws, check_temperature, get_ess, make_provenance
from germ.rng import check_seed

_SIZES = (1.0, 2.0)  # of the perturbations: 1 is the bootstrap's; 2 crosses boundaries that 1 does not
_PAIRS = 32  # of perturbations of opposite sign; a standard deviation from 32 is known to an eighth
_NOISE = 1 / 1000  # most that importance weights may add to the variance of V, in units of one draw's: (exp(v) - 1)/ESS at log-variance v


@dataclass(frozen=True)
class EquationsOfState:
    """Bayes and Gibbs losses in nats per sample, and what is left of the equations of state.

    Args:
        beta: Inverse temperature of the draws.
        bayes_training: B_t.
        gibbs_training: G_t.
        fluctuation: βV/n, which 2β (G_t − B_t) equals to leading order.
        bayes_generalization: B_g from held-out data; None without.
        gibbs_generalization: G_g from held-out data; None without.
        bayes_residual: B_g − B_t − 2β (G_t − B_t): zero in expectation over data sets, to o(1/n).
        gibbs_residual: G_g − G_t − 2β (G_t − B_t).
        bayes_residual_error: Standard error of the residual: both data sets' sampling, and Monte Carlo.
        gibbs_residual_error: Likewise.
    """

    beta: float
    bayes_training: float
    gibbs_training: float
    fluctuation: float
    bayes_generalization: float | None = None
    gibbs_generalization: float | None = None
    bayes_residual: float | None = None
    gibbs_residual: float | None = None
    bayes_residual_error: float | None = None
    gibbs_residual_error: float | None = None


def estimate_singular_fluctuation(
    idata: Any,
    *,
    test: Any = None,
    variable: str | Sequence[str] | None = None,
    combine: Combine = "sum",
    beta: float = 1.0,
    seed: int = 0,
    chunk_bytes: int = CHUNK_BYTES,
) -> Estimate:
    """ν̂ = βV/2, with an error bar for the fluctuation over data sets, and the equations of state checked.

    The error bar rests on importance weights. With many effective parameters (V > 10) only small perturbations can be weighted, which
    linearises V: right for regular directions, too small by up to a third for singular ones. With few draws (ESS below some 1,000) the far
    side of a boundary is not reached. With 1,000 draws the 2σ intervals held for 99 to 100 % of 200 data sets where the truth is inside
    (regular, f(w) = w³, w⁵, products with a vector), and for 91 to 94 % where it is on the boundary of what the model can reach (w ≥ 0,
    w², w⁴). Inside, the bar is up to twice the true spread, and more where that is tiny, as in regular models of many observations: few
    draws cannot resolve it. `python -m benchmarks coverage` measures all this. Cost: three passes.

    Args:
        idata: See `read_log_likelihood`, or a summary.
        test: Log-likelihoods of held-out observations at the same draws, in any of these forms: then the generalisation losses and the
            equations of state are in the diagnostics.
        variable: Which observed variable(s).
        combine: "sum" or "concatenate" several variables.
        beta: Inverse temperature at which the draws were sampled.
        seed: Seed of the perturbations.
        chunk_bytes: Memory in bytes that a slab of draws may take.

    Returns:
        ν̂ (dimensionless), its standard error (over data sets, and Monte Carlo, both in the diagnostics), the losses in nats per sample.

    Raises:
        DataError: If there is no log-likelihood, it is not finite, or `test` has other draws.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> y = rng.normal(size=1000)  # N(w, 1) with a flat prior: a regular parameter, ν = 1/2
        >>> w = y.mean() + rng.normal(size=(4, 1000, 1)) / np.sqrt(1000)
        >>> nu = estimate_singular_fluctuation(-((y - w) ** 2) / 2)
        >>> abs(nu.value - 0.5) < 2 * nu.standard_error < 0.3
        True

    References:
        Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, chapter 6; Watanabe (2010), JMLR 11;
        Giordano & Broderick (2023), arXiv:2305.06466, on the infinitesimal jackknife of posteriors.
    """
    started = time.monotonic()
    check_beta(beta)
    check_seed(seed)
    summary = get_summary(idata, variable, combine, chunk_bytes)
    check_temperature(summary, beta)
    held_out = None if test is None else get_summary(test, variable, combine, chunk_bytes)
    if held_out is not None and (held_out.draws, held_out.source.chains) != (summary.draws, summary.source.chains):
        raise DataError(
            f"test has {held_out.source.chains} chains of {held_out.draws} draws",
            f"the draws of the training data: {summary.source.chains} chains of {summary.draws}",
            "evaluate the held-out log-likelihoods at the posterior's own draws",
        )
    state = compute_equations_of_state(summary, held_out, beta)
    size, sampling = _perturb(summary, beta, seed)
    influence = beta * summary.variance_influence / 2
    monte_carlo = compute_monte_carlo_error(influence)
    value, n = beta * float(summary.variance.sum()) / 2, summary.observations
    diagnostics = {
        "n": n, "beta": beta, "draws": summary.samples, "chains": summary.source.chains,
        "ess": get_ess(summary, influence), "rhat": compute_rhat(influence),
        "standard_error_observations": sampling, "standard_error_monte_carlo": monte_carlo, "perturbation": size,
        "nu_from_losses": n * beta * (state.gibbs_training - state.bayes_training),
        "functional_variance": float(summary.variance.sum()),
    } | {key: number for key, number in vars(state).items() if number is not None and key != "beta"}  # fmt: skip
    notes = check_draws(diagnostics)
    if size < 0.5:
        notes.append(f"the observations' weights could only be perturbed by {size:.2g}: the error bar is the linear one")
    return Estimate(
        value, math.hypot(sampling, monte_carlo),
        make_provenance("singular fluctuation", "Watanabe (2010), JMLR 11", summary, started, beta=beta, seed=seed),
        "ν̂", diagnostics, (), tuple(notes), pointwise=summary.label(variance=summary.variance),
    )  # fmt: skip


def compute_equations_of_state(summary: PointwiseSummary, held_out: PointwiseSummary | None = None, beta: float = 1.0) -> EquationsOfState:
    """Losses, and the residuals of the equations of state where there are held-out data.

    Args:
        summary: Of the training data.
        held_out: Of the held-out data, at the same draws.
        beta: Inverse temperature of the draws.

    Returns:
        Losses in nats per sample, residuals with standard errors.
    """
    n = summary.observations
    bayes, gibbs = -summary.log_mean_density, -summary.mean
    base = EquationsOfState(beta, float(bayes.mean()), float(gibbs.mean()), beta * float(summary.variance.sum()) / n)
    if held_out is None:
        return base
    test_bayes, test_gibbs = -held_out.log_mean_density, -held_out.mean
    gap, m = 2 * beta * (gibbs - bayes), held_out.observations
    gap_influence = 2 * beta * (_centre(summary.total) * -1 + summary.predictive_influence) / n
    numbers: list[tuple[float, float]] = []
    for training, test, series in (
        (bayes, test_bayes, -held_out.predictive_influence / m + summary.predictive_influence / n),
        (gibbs, test_gibbs, -_centre(held_out.total) / m + _centre(summary.total) / n),
    ):
        sampling = math.sqrt(test.var() / m + (training + gap).var() / n)
        error = math.hypot(sampling, compute_monte_carlo_error(series - gap_influence))
        numbers.append((float(test.mean() - (training + gap).mean()), error))
    return EquationsOfState(
        beta, base.bayes_training, base.gibbs_training, base.fluctuation, float(test_bayes.mean()), float(test_gibbs.mean()),
        numbers[0][0], numbers[1][0], numbers[0][1], numbers[1][1],
    )  # fmt: skip


def _centre(series: np.ndarray) -> np.ndarray:
    return series - series.mean()


def _perturb(summary: PointwiseSummary, beta: float, seed: int) -> tuple[float, float]:
    """Largest perturbation used, and the standard deviation of βV/2 over data sets that the perturbations show."""
    source = summary.source
    log_variance = beta**2 * float(summary.variance.sum())
    ess = compute_effective_sample_size(summary.variance_influence) * summary.samples / summary.variance_influence.size
    top = min(_SIZES[-1], math.sqrt(math.log1p(_NOISE * ess) / max(log_variance, 1e-300)))
    sizes = np.array(_SIZES) * (top / _SIZES[-1])
    signed = (sizes[:, None, None] * np.array([1.0, -1.0])[:, None] * np.ones(_PAIRS)).reshape(-1)  # (size, sign, pair), flat
    shift = np.zeros((source.chains, source.draws, _PAIRS))
    for _, chains, draws, values, noise in _read_centred(summary, seed, _PAIRS):
        shift[chains, draws] += beta * (values @ noise)
    weight = np.tile(shift, 2 * len(sizes)) * signed
    weight -= weight.max((0, 1))
    np.exp(weight, out=weight)
    weight /= weight.sum((0, 1))
    total = np.zeros(len(signed))
    for _, blocks in itertools.groupby(_read_centred(summary, seed, _PAIRS), key=lambda block: id(block[0])):
        first: Any = 0.0
        second: Any = 0.0
        factor: Any = 1.0
        for _, chains, draws, values, noise in blocks:
            w = weight[chains, draws].reshape(-1, len(signed))
            flat = values.reshape(len(w), -1)
            first = first + flat.T @ w
            second = second + np.square(flat, out=flat).T @ w
            factor = 1 + signed * np.tile(noise, 2 * len(sizes))
        total += (factor * (second - np.square(first))).sum(0)
    plus, minus = (beta / 2) * total.reshape(len(sizes), 2, _PAIRS).swapaxes(0, 1)
    odd, even = (plus - minus) / 2, (plus + minus) / 2 - beta * float(summary.variance.sum()) / 2
    spread = np.sqrt(((np.abs(odd) / sizes[:, None] + np.abs(even) / np.minimum(sizes, 1)[:, None]) ** 2).mean(1))
    return float(top), float(spread.max())


def _read_centred(summary: PointwiseSummary, seed: int, replicates: int) -> Iterator[tuple[Slab, slice, slice, np.ndarray, np.ndarray]]:
    """Blocks of log-likelihoods minus their posterior means, with the noise of their observations (width, replicates)."""
    source = summary.source
    means = source.make_views(summary.mean)
    for number, slab in enumerate(source.slabs()):
        mean = means[slab.number][slab.index].ravel()
        noise = np.random.default_rng([seed, number]).standard_normal((len(mean), replicates))
        rows = slab.block if slab.streamed else (source.chains, source.draws)
        for chain, draw in itertools.product(range(0, source.chains, rows[0]), range(0, source.draws, rows[1])):
            chains, draws = slice(chain, min(chain + rows[0], source.chains)), slice(draw, min(draw + rows[1], source.draws))
            yield slab, chains, draws, slab.read(chains, draws) - mean, noise
