"""The widely applicable information criterion, WAIC (Watanabe 2010).

With E the mean over draws of the posterior at inverse temperature β,

    T = −(1/n) Σ_i log E[p(x_i|w)]                     the Bayes training loss,
    V = Σ_i (E[(log p(x_i|w))²] − E[log p(x_i|w)]²)    the functional variance,
    WAIC = T + (β/n) V,

in **nats per sample**: an estimate of the Bayes generalisation loss G = −E_x log E[p(x|w)], with E[WAIC] = E[G] + O(1/n²) whether or not
the model is regular or the truth realisable. Statistics packages print the same number on other scales: elpd_waic = −n · WAIC (nats of
the whole data set, larger is better) and the deviance −2 elpd_waic; p_waic is V at β = 1. All are in the diagnostics under these names.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from germ.claim import Estimate, Provenance, collect_versions
from germ.errors import InputError
from germ.estimators.log_likelihood import CHUNK_BYTES, Combine
from germ.estimators.monte_carlo import compute_effective_sample_size, compute_monte_carlo_error, compute_rhat
from germ.estimators.pointwise import PointwiseSummary, get_summary

_LARGEST_VARIANCE = 0.4  # Vehtari, Gelman & Gabry (2017), section 2.2
_ROUNDING = 1e-20  # nats²: a variance that rounding may leave where all draws are the same
_WORST_CORRECTION = 0.1  # share of V by which the cross-validation loss may differ before that is worth a warning


def estimate_waic(
    idata: Any,
    *,
    variable: str | Sequence[str] | None = None,
    combine: Combine = "sum",
    beta: float = 1.0,
    chunk_bytes: int = CHUNK_BYTES,
) -> Estimate:
    """WAIC = T + (β/n) V in nats per sample, with the pointwise values.

    Holds where the observations are independent given w and log p has relatively finite variance; fails where single observations dominate
    the posterior, which the reliability check reports. Cost: one pass over draws × observations, memory bounded by `chunk_bytes`
    or the stored chunk.

    Args:
        idata: DataTree, InferenceData, Dataset, array (chain, draw, observation) or path (see `read_log_likelihood`); or a summary.
        variable: Which observed variable(s), where there are several.
        combine: "sum" or "concatenate" several variables.
        beta: Inverse temperature at which the draws were sampled; 1 for the ordinary posterior.
        chunk_bytes: Memory in bytes that a slab of draws may take.

    Returns:
        WAIC in nats per sample. The standard error holds that of the sum over observations, and the Monte Carlo error, which allows for
        autocorrelation; both are in the diagnostics, with `elpd_waic` = −n·WAIC and its `elpd_waic_se` (observations only, as
        ArviZ defines it), `deviance_waic` = 2n·WAIC, `p_waic` = V, `training_loss` = T and `iscv`. `pointwise` has `waic`, `training_loss`,
        `variance` and `iscv` for each observation.

    Raises:
        DataError: If there is no log-likelihood, or it is not finite, or there are fewer than two draws or observations.
        InputError: If β is not positive.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(1)
        >>> y = rng.normal(size=200)  # model N(w, 1), flat prior: the posterior is N(mean, 1/n)
        >>> w = y.mean() + rng.normal(size=(4, 1000, 1)) / np.sqrt(200)
        >>> waic = estimate_waic(-((y - w) ** 2) / 2 - np.log(2 * np.pi) / 2)
        >>> round(waic.diagnostics["p_waic"], 1)  # nearly one parameter
        0.9

    References:
        Watanabe (2010), Asymptotic equivalence of Bayes cross validation and WAIC, JMLR 11; Vehtari, Gelman & Gabry (2017),
        Statistics and Computing 27, on the bound 0.4.
    """
    started = time.monotonic()
    check_beta(beta)
    summary = get_summary(idata, variable, combine, chunk_bytes)
    check_temperature(summary, beta)
    n = summary.observations
    training, iscv = -summary.log_mean_density, summary.log_mean_inverse
    waic = training + beta * summary.variance
    influence = (-summary.predictive_influence + beta * summary.variance_influence) / n
    difference = (iscv - waic).mean()
    difference_error = compute_monte_carlo_error(summary.inverse_influence / n - influence)
    sampling, monte_carlo = float(waic.std() / math.sqrt(n)), compute_monte_carlo_error(influence)
    diagnostics = {
        "n": n, "beta": beta, "draws": summary.samples, "chains": summary.total.shape[0],
        "ess": get_ess(summary, influence), "rhat": compute_rhat(influence),
        "training_loss": training.mean(), "functional_variance": summary.variance.sum(), "p_waic": summary.variance.sum(),
        "elpd_waic": -waic.sum(), "elpd_waic_se": n * sampling, "deviance_waic": 2 * waic.sum(),
        "standard_error_observations": sampling, "standard_error_monte_carlo": monte_carlo,
        "largest_variance": summary.variance.max(), "observations_above_0.4": int((summary.variance > _LARGEST_VARIANCE).sum()),
        "iscv": iscv.mean(), "iscv_minus_waic": difference, "iscv_minus_waic_error": difference_error,
        "smallest_weight_ess": summary.weight_ess.min(),
    }  # fmt: skip
    diagnostics = {key: float(value) if isinstance(value, np.floating) else value for key, value in diagnostics.items()}
    return Estimate(
        value=float(waic.mean()),
        standard_error=math.hypot(sampling, monte_carlo),
        provenance=make_provenance("WAIC", "Watanabe (2010), JMLR 11", summary, started, beta=beta),
        symbol="WAIC (nats per sample)",
        diagnostics=diagnostics,
        warnings=(*_check_reliability(summary, diagnostics), *check_draws(diagnostics)),
        pointwise=summary.label(waic=waic, training_loss=training, variance=summary.variance, iscv=iscv),
    )


def check_beta(beta: float) -> None:
    """Raise `InputError` unless β is a positive number."""
    if not (isinstance(beta, (int, float, np.number)) and math.isfinite(beta) and beta > 0):
        raise InputError(f"got beta={beta!r}", "a positive inverse temperature", "leave beta out for the ordinary posterior, β = 1")


def check_temperature(summary: PointwiseSummary, beta: float) -> None:
    """Raise `InputError` where the draws record that they were sampled at another inverse temperature."""
    recorded = summary.source.beta
    if recorded is not None and not math.isclose(recorded, beta, rel_tol=1e-6):
        raise InputError(
            f"the draws record β = {recorded:.6g}, the criterion is for β = {beta:.6g}",
            "draws and criterion at one inverse temperature",
            f"pass beta={recorded:.6g} to WAIC and ν; LOO, ISCV and DIC need draws at β = 1: germ.sample_posterior(..., beta=1)",
        )


def make_provenance(method: str, source: str, summary: PointwiseSummary, started: float, **settings: Any) -> Provenance:
    """Provenance of a criterion computed from a summary."""
    return Provenance(
        method=f"{method} from recorded draws",
        source=source,
        reliability="sampled",
        seconds=time.monotonic() - started,
        settings={"variable": summary.source.name, **settings},
        versions=collect_versions("numpy", "xarray"),
    )


def get_ess(summary: PointwiseSummary, influence: np.ndarray) -> float:
    """Effective number of draws for a criterion; nan where the draws were only recorded in groups."""
    return compute_effective_sample_size(influence) if influence.size == summary.samples else math.nan


def check_draws(diagnostics: dict[str, Any]) -> list[str]:
    """Warnings about too few, or disagreeing, draws.

    Args:
        diagnostics: With "ess", "rhat", "draws", "standard_error_observations" and "standard_error_monte_carlo".

    Returns:
        One line for each.
    """
    found = []
    if diagnostics["ess"] < 100:
        found.append(f"only {diagnostics['ess']:.0f} effective draws of {diagnostics['draws']}: sample longer")
    limit = 1.05 if diagnostics["ess"] > 0 else 1.4  # eight groups of a chain: 1.4 is exceeded by chance once in 600
    if diagnostics["rhat"] > limit:
        found.append(f"the chains disagree (R-hat {diagnostics['rhat']:.2f}): the draws are not yet from the posterior")
    monte_carlo, sampling = diagnostics["standard_error_monte_carlo"], diagnostics["standard_error_observations"]
    if monte_carlo > sampling:
        found.append(f"the Monte Carlo error {monte_carlo:.2g} exceeds the sampling error {sampling:.2g}: sample longer")
    return found


def _check_reliability(summary: PointwiseSummary, diagnostics: dict[str, Any]) -> list[str]:
    found, n = [], summary.observations
    if diagnostics["largest_variance"] < _ROUNDING:
        return ["every draw gives the same log-likelihoods: a model without parameters, or a sampler that did not move"]
    above = diagnostics["observations_above_0.4"]
    if above:
        found.append(
            f"{above} of {n} observations have variance Var[log p] > {_LARGEST_VARIANCE} (largest {diagnostics['largest_variance']:.2g}):"
            " WAIC may fail for them; compare with the leave-one-out loss"
        )
    difference, error = diagnostics["iscv_minus_waic"], diagnostics["iscv_minus_waic_error"]
    correction = diagnostics["beta"] * diagnostics["functional_variance"] / n
    if diagnostics["beta"] == 1 and abs(difference) > max(2 * error, _WORST_CORRECTION * correction):
        found.append(
            f"WAIC and the importance-sampling cross-validation loss differ by {difference:+.2g} ± {error:.1g} nats per sample, "
            f"{abs(difference) / correction:.0%} of the correction V/n: terms beyond the second order matter"
        )
    return found
