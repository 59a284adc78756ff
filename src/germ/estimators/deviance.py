"""DIC and BIC, for contrast: criteria whose penalty presupposes a regular model.

At a singular truth the posterior mean is not near the truth (mixtures: it lies between the modes), so that DIC's plug-in can make the
effective number of parameters negative; and BIC charges (d/2) log n where λ log n is right. Both are given in nats, DIC per sample like
WAIC, BIC of the whole data set like the free energy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from germ.claim import Estimate, Provenance
from germ.errors import InputError
from germ.estimators.log_likelihood import CHUNK_BYTES, Combine
from germ.estimators.monte_carlo import compute_monte_carlo_error, compute_rhat
from germ.estimators.pointwise import get_summary
from germ.estimators.waic import check_temperature, get_ess, make_provenance


def estimate_dic(
    idata: Any,
    *,
    at_mean: float | None = None,
    variable: str | Sequence[str] | None = None,
    combine: Combine = "sum",
    chunk_bytes: int = CHUNK_BYTES,
) -> Estimate:
    """The deviance information criterion on WAIC's scale: DIC/(2n), in nats per sample.

    With L(w) = Σ_i log p(x_i|w): DIC = −2 E[L] + p_D, where p_D = 2 (L(E[w]) − E[L]) if `at_mean` is given and otherwise the form that
    needs draws only, p_D = 2 Var[L]. Holds for regular models; a negative p_D, which singular ones can have, is reported as a warning.

    Args:
        idata: See `read_log_likelihood`, or a summary.
        at_mean: L at the posterior mean of the parameters, nats of the whole data set.
        variable: Which observed variable(s).
        combine: "sum" or "concatenate" several variables.
        chunk_bytes: Memory in bytes that a slab of draws may take.

    Returns:
        (−E[L] + p_D/2)/n with its Monte Carlo error alone; `deviance_dic` is DIC itself, `p_dic` is p_D.

    Raises:
        InputError: If `at_mean` is not finite.

    References:
        Spiegelhalter et al. (2002), JRSS B 64; Gelman et al. (2014), Statistics and Computing 24, section 3.3.
    """
    started = time.monotonic()
    if at_mean is not None and not math.isfinite(at_mean):
        raise InputError(f"at_mean = {at_mean!r}", "the log-likelihood at the posterior mean, nats of the whole data set", "leave it out")
    summary = get_summary(idata, variable, combine, chunk_bytes)
    check_temperature(summary, 1.0)
    if at_mean is None and summary.total.size != summary.samples:
        raise InputError(
            "draws that were only recorded in groups",
            "each draw's log-likelihood, whose variance is wanted",
            "give at_mean or more chunk_bytes",
        )
    n, total = summary.observations, summary.total
    mean = float(total.mean())
    if at_mean is None:
        penalty = 2 * float(total.var())
        influence = (-(total - mean) + (total - mean) ** 2 - total.var()) / n
    else:
        penalty = 2 * (at_mean - mean)
        influence = -2 * (total - mean) / n
    diagnostics = {
        "n": n, "draws": summary.samples, "chains": summary.source.chains,
        "ess": get_ess(summary, influence), "rhat": compute_rhat(influence),
        "p_dic": penalty, "deviance_dic": penalty - 2 * mean, "form": "variance" if at_mean is None else "posterior mean",
    }  # fmt: skip
    notes = (
        (f"p_D = {penalty:.3g} is negative: the posterior mean is not a typical parameter, as in singular models",) if penalty < 0 else ()
    )
    return Estimate(
        (penalty / 2 - mean) / n, compute_monte_carlo_error(influence),
        make_provenance("DIC", "Spiegelhalter et al. (2002)", summary, started), "DIC (nats per sample)", diagnostics, (), notes,
    )  # fmt: skip


def compute_bic(log_likelihood: float, dimension: int, n: int) -> Estimate:
    """Schwarz's criterion −L(ŵ) + (d/2) log n, in nats of the whole data set: the free energy of a regular model to O_p(1).

    Args:
        log_likelihood: Largest log-likelihood L(ŵ), nats of the whole data set. The largest among recorded draws is not it.
        dimension: d, the number of parameters.
        n: Size of the data set.

    Returns:
        The criterion; half of what is often printed. The error is nan: the O_p(1) is not estimated.

    Raises:
        InputError: If an argument is out of range.

    Example:
        >>> round(compute_bic(-100.0, 3, 1000).value, 3)
        110.362
    """
    if not math.isfinite(log_likelihood) or dimension < 0 or n < 1:
        raise InputError(f"got log_likelihood={log_likelihood!r}, dimension={dimension!r}, n={n!r}", "a finite number, d >= 0, n >= 1")
    value = -log_likelihood + dimension / 2 * math.log(n)
    provenance = Provenance("BIC", "Schwarz (1978), Annals of Statistics 6", settings={"dimension": dimension})
    return Estimate(value, math.nan, provenance, "BIC (nats)", {"n": n, "deviance_bic": 2 * value})
