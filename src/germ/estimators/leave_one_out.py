"""Leave-one-out cross-validation from one posterior: Pareto-smoothed importance sampling (ArviZ's), and plain importance sampling (ISCV).

The posterior without observation i has weights proportional to 1/p(x_i|w) on the draws of the whole posterior, so that the leave-one-out
loss −(1/n) Σ_i log p(x_i | x without i) equals (1/n) Σ_i log E[1/p(x_i|w)]: ISCV (Gelfand, Dey & Chang 1992). It is asymptotically equal
to WAIC (Watanabe 2010). Its weights may have no variance; smoothing the largest by a generalised Pareto distribution tames them,
and the fitted shape k says how well (Vehtari et al. 2024). The smoothing is ArviZ's code, not a copy of it.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from germ.claim import Estimate
from germ.errors import InputError, MissingDependencyError
from germ.estimators.log_likelihood import CHUNK_BYTES, Combine, LogLikelihood
from germ.estimators.monte_carlo import compute_effective_sample_size, compute_monte_carlo_error, compute_rhat
from germ.estimators.pointwise import PointwiseSummary, get_summary
from germ.estimators.waic import check_draws, check_temperature, get_ess, make_provenance

_FEWEST_DRAWS = 100  # below which a mean over weighted draws is not to be trusted
_COPIES = 8  # arrays of a slab's size that smoothing and its influence need at once


def estimate_iscv(
    idata: Any, *, variable: str | Sequence[str] | None = None, combine: Combine = "sum", chunk_bytes: int = CHUNK_BYTES
) -> Estimate:
    """Importance-sampling cross-validation loss (1/n) Σ_i log E[1/p(x_i|w)], nats per sample, of a posterior at β = 1.

    Fails where 1/p has no variance under the posterior; `smallest_weight_ess`, how many draws the weights of the worst observation are
    worth, shows it.

    Args:
        idata: See `read_log_likelihood`; or a summary.
        variable: Which observed variable(s).
        combine: "sum" or "concatenate" several variables.
        chunk_bytes: Memory in bytes that a slab of draws may take.

    Returns:
        The loss; its standard error holds sampling and Monte Carlo error. `pointwise` has `iscv` and `weight_ess`.

    References:
        Gelfand, Dey & Chang (1992), Bayesian Statistics 4; Watanabe (2010), JMLR 11.
    """
    started = time.monotonic()
    summary = get_summary(idata, variable, combine, chunk_bytes)
    check_temperature(summary, 1.0)
    loss, influence = summary.log_mean_inverse, summary.inverse_influence / summary.observations
    extra = {"smallest_weight_ess": float(summary.weight_ess.min())}
    found = _report("ISCV", "Gelfand, Dey & Chang (1992)", summary, loss, influence, started, extra)
    worth = extra["smallest_weight_ess"]
    few = worth < min(_FEWEST_DRAWS, summary.samples / 4)
    notes = (f"the weights of one observation are worth only {worth:.0f} draws: use PSIS (estimate_loo)",) if few else ()
    return Estimate(
        found.value, found.standard_error, found.provenance, found.symbol, found.diagnostics, (), (*found.warnings, *notes),
        pointwise=summary.label(iscv=loss, weight_ess=summary.weight_ess),
    )  # fmt: skip


def estimate_loo(
    idata: Any,
    *,
    variable: str | Sequence[str] | None = None,
    combine: Combine = "sum",
    relative_efficiency: float | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Estimate:
    """Leave-one-out loss by Pareto-smoothed importance sampling, nats per sample, of a posterior at β = 1.

    Needs ArviZ (0.17 to 1.x), whose smoothing it applies slab by slab. Fails for observations with Pareto k > 0.7, which are counted.

    Args:
        idata: See `read_log_likelihood`; or a summary.
        variable: Which observed variable(s).
        combine: "sum" or "concatenate" several variables.
        relative_efficiency: ESS / S of the draws, which sets how many weights are smoothed. By default as in ArviZ: the mean over all
            parameters in the posterior group, 1 for one chain; without such a group that of the total log-likelihood.
        chunk_bytes: Memory in bytes that a slab of draws and its copies may take.

    Returns:
        The loss = −elpd_loo / n. Diagnostics: `elpd_loo`, `elpd_loo_se` (observations only, as in ArviZ), `p_loo`, `deviance_loo`,
        `largest_pareto_k`, `pareto_k_above_0.7`. `pointwise` has `loo` (nats) and `pareto_k`.

    Raises:
        MissingDependencyError: If ArviZ is not installed.
        InputError: If the relative efficiency is not positive.

    References:
        Vehtari, Gelman & Gabry (2017), Statistics and Computing 27; Vehtari et al. (2024), JMLR 25(72).
    """
    started = time.monotonic()
    smooth, version = _load_smoothing()
    summary = get_summary(idata, variable, combine, chunk_bytes)
    check_temperature(summary, 1.0)
    efficiency = _compute_relative_efficiency(summary) if relative_efficiency is None else relative_efficiency
    if not (isinstance(efficiency, (int, float, np.number)) and math.isfinite(efficiency) and efficiency > 0):
        raise InputError(f"relative_efficiency = {relative_efficiency!r}", "ESS / draws, a positive number", "leave it out")
    loss, shape, influence = _smooth_all(summary.source, smooth, float(efficiency), chunk_bytes)
    bad = int((shape > 0.7).sum())
    extra = {
        "p_loo": float((summary.log_mean_density + loss).sum()), "largest_pareto_k": float(shape.max()), "pareto_k_above_0.7": bad,
        "relative_efficiency": float(efficiency), "arviz": version,
    }  # fmt: skip
    found = _report("LOO", "Vehtari et al. (2024), JMLR 25(72)", summary, loss, influence / summary.observations, started, extra)
    return Estimate(
        found.value, found.standard_error, found.provenance, found.symbol, found.diagnostics, (), (*found.warnings, *_check_shapes(shape)),
        pointwise=summary.label(loo=loss, pareto_k=shape),
    )  # fmt: skip


def _check_shapes(shape: np.ndarray) -> Iterator[str]:
    unknown, n = ~np.isfinite(shape), len(shape)
    bad = shape[~unknown & (shape > 0.7)]
    if len(bad):
        yield (
            f"{len(bad)} of {n} observations have Pareto k > 0.7 (largest {bad.max():.2f}): their losses are not to be relied on; fit the "
            "model again without each of them in turn, or without a fold that holds them"
        )
    if unknown.any():
        yield f"the Pareto shape of {int(unknown.sum())} of {n} observations is unknown: too few different draws in the tail of the weights"


def _report(
    name: str, source: str, summary: PointwiseSummary, loss: np.ndarray, influence: np.ndarray, started: float, extra: dict[str, Any]
) -> Estimate:
    n, key = summary.observations, name.lower()
    sampling, monte_carlo = float(loss.std() / math.sqrt(n)), compute_monte_carlo_error(influence)
    diagnostics = {
        "n": n, "draws": summary.samples, "chains": summary.total.shape[0],
        "ess": get_ess(summary, influence), "rhat": compute_rhat(influence),
        f"elpd_{key}": -float(loss.sum()), f"elpd_{key}_se": n * sampling, f"deviance_{key}": 2 * float(loss.sum()),
        "standard_error_observations": sampling, "standard_error_monte_carlo": monte_carlo,
    } | extra  # fmt: skip
    return Estimate(
        float(loss.mean()), math.hypot(sampling, monte_carlo), make_provenance(name, source, summary, started),
        f"{name} (nats per sample)", diagnostics, (), tuple(check_draws(diagnostics)),
    )  # fmt: skip


def _load_smoothing() -> tuple[Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]], str]:
    """ArviZ's smoothing as a function of log-likelihoods (observation, draw) and the relative efficiency, and its version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 0.23 announces 1.0 at import
        try:
            from arviz_stats import __version__
            from arviz_stats.base import array_stats

            return lambda values, r_eff: array_stats.psislw(values, r_eff=r_eff, axis=-1), f"arviz-stats {__version__}"
        except ImportError:
            pass
        try:
            import arviz

            return lambda values, r_eff: arviz.psislw(-values, reff=r_eff), f"arviz {arviz.__version__}"
        except (ImportError, AttributeError) as error:
            raise MissingDependencyError(
                "ArviZ is not installed",
                "ArviZ, for Pareto-smoothed importance sampling",
                "pip install 'germ[bayes]'; or use estimate_iscv",
            ) from error


def _compute_relative_efficiency(summary: PointwiseSummary) -> float:
    posterior = summary.source.posterior
    if posterior is None or not list(posterior.data_vars):
        return compute_effective_sample_size(summary.total) / summary.total.size
    if summary.source.chains == 1:
        return 1.0
    found = []
    for values in posterior.data_vars.values():
        if not {"chain", "draw"} <= set(values.dims) or values.dtype.kind not in "fiub":
            continue
        array = values.transpose("chain", "draw", ...).values
        array = array.reshape(*array.shape[:2], -1)
        found += [compute_effective_sample_size(array[:, :, k].astype(float)) for k in range(array.shape[2])]
    return float(np.mean(found) / (posterior.sizes["chain"] * posterior.sizes["draw"])) if found else 1.0


def _smooth_all(
    source: LogLikelihood, smooth: Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]], efficiency: float, chunk_bytes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Losses (n,), Pareto shapes (n,), and the influence of each draw on the sum of the losses (chain, draw)."""
    chains, draws = source.chains, source.draws
    loss, shape = np.empty(source.observations), np.empty(source.observations)
    views = source.make_views(loss), source.make_views(shape)
    influence = np.zeros(chains * draws)
    for slab in source.slabs(whole=chunk_bytes // _COPIES):
        values = slab.read().reshape(chains * draws, -1).T.astype(np.float64, order="C")
        with np.errstate(over="ignore"):  # ArviZ takes 1/exp of large differences: 0, as it should be
            log_weight, k = smooth(values, efficiency)
        log_weight = np.asarray(log_weight, dtype=np.float64)
        log_weight -= _logsumexp(log_weight)[:, None]
        elpd = _logsumexp(log_weight + values)
        for view, found in zip(views, (-elpd, np.asarray(k)), strict=True):
            target = view[slab.number][slab.index]
            target[...] = found.reshape(target.shape)
        log_weight += math.log(chains * draws)
        influence -= (np.exp(log_weight + values - elpd[:, None]) - np.exp(log_weight)).sum(0)
    return loss, shape, influence.reshape(chains, draws)


def _logsumexp(values: np.ndarray) -> np.ndarray:
    top = values.max(1)
    return top + np.log(np.exp(values - top[:, None]).sum(1))
