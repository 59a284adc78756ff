"""Whether chains agree, and what their mean is worth: R-hat, effective sample size, standard error.

References:
    Geyer (1992), Practical Markov chain Monte Carlo (initial monotone sequence); Vehtari et al. (2021), Rank-normalization, folding, and
    localization: an improved R-hat. Not rank-normalised here: what is estimated is the mean itself, and ArviZ does the rest on the trace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Summary:
    """Mean of a quantity over chains.

    Args:
        mean: Over all chains and draws.
        standard_error: Of the mean, from the variance within and between chains, autocorrelation included.
        rhat: Split R-hat; nan for fewer than four draws.
        ess: Effective number of independent draws.
    """

    mean: float
    standard_error: float
    rhat: float
    ess: float


def summarize(values: np.ndarray) -> Summary:
    """Mean, standard error, R-hat and effective sample size.

    Args:
        values: Draws of C chains, (C, N).

    Returns:
        The summary; the standard error is infinite where a single chain has fewer than four draws.

    Example:
        >>> draws = np.random.default_rng(0).normal(3.0, 1.0, (4, 1000))
        >>> found = summarize(draws)
        >>> abs(found.mean - 3) < 4 * found.standard_error, round(found.rhat, 2)
        (True, 1.0)
    """
    values = np.asarray(values, dtype=np.float64)
    mean = float(values.mean())
    if values.shape[1] < 4:
        if len(values) < 2:
            return Summary(mean, math.inf, math.nan, math.nan)
        return Summary(mean, float(values.mean(1).std(ddof=1)) / math.sqrt(len(values)), math.nan, float(len(values)))
    half = values.shape[1] // 2
    split = np.concatenate([values[:, :half], values[:, -half:]])
    within, between = float(split.var(1, ddof=1).mean()), float(split.mean(1).var(ddof=1))
    total = within * (half - 1) / half + between
    if total <= 0:
        return Summary(mean, 0.0, 1.0, float(values.size))
    rhat = math.sqrt(total / within) if within > 0 else math.inf
    ess = values.size / _autocorrelation_time(split, within, total)
    return Summary(mean, math.sqrt(total / ess), rhat, ess)


def _autocorrelation_time(split: np.ndarray, within: float, total: float) -> float:
    count = split.shape[1]
    centered = split - split.mean(1, keepdims=True)
    spectrum = np.fft.rfft(centered, 2 * count, axis=1)
    covariance = np.fft.irfft((spectrum * spectrum.conj()).mean(0), 2 * count)[:count] / count
    rho = 1 - (within - covariance) / total
    rho[0] = 1.0
    pairs = rho[: 2 * (count // 2)].reshape(-1, 2).sum(1)
    negative = np.flatnonzero(pairs < 0)
    pairs = np.minimum.accumulate(pairs[: negative[0]] if len(negative) else pairs)
    time = 2 * float(pairs.sum()) - 1
    return max(time, 1 / math.log10(max(10.0, split.size)))
