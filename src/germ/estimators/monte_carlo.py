"""Monte Carlo standard errors of means over correlated draws.

The mean of S correlated draws is as uncertain as that of ESS independent ones, ESS = S / (1 + 2 Σ_t ρ_t). The sum is cut where the
autocorrelations of a reversible chain, summed in pairs, stop being positive and decreasing (Geyer 1992), and variance between chains counts
as correlation, so that chains which disagree lower the ESS (Vehtari et al. 2021).
"""

from __future__ import annotations

import math

import numpy as np


def split_chains(draws: np.ndarray) -> np.ndarray:
    """Each chain (chain, draw) cut into its two halves; the middle draw of an odd length is dropped."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, draws.shape[1] - half :]])


def compute_effective_sample_size(draws: np.ndarray) -> float:
    """Effective number of independent draws for the mean of a scalar.

    Args:
        draws: (chain, draw).

    Returns:
        ESS, at most S log10 S; S itself for constant draws or fewer than 16 in a chain (batch means, say, where
        correlation cannot be told from noise).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> noise = rng.normal(size=(4, 20_000))
        >>> slow = np.zeros_like(noise)
        >>> for t in range(1, noise.shape[1]):
        ...     slow[:, t] = 0.5 * slow[:, t - 1] + noise[:, t]
        >>> round(compute_effective_sample_size(slow) / slow.size, 1)  # (1 - 0.5) / (1 + 0.5)
        0.3

    References:
        Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16, section 3.2; Geyer (1992), Statistical Science 7.
    """
    total = draws.size
    if draws.shape[1] < 16 or np.ptp(draws) <= 1e-14 * np.abs(draws).max():
        return float(total)
    x = split_chains(np.asarray(draws, dtype=np.float64))
    chains, length = x.shape
    means = x.mean(1)
    covariance = _autocovariance(x - means[:, None]).mean(0)
    within = covariance[0] * length / (length - 1)
    pooled = covariance[0] + means.var(ddof=1)
    rho = 1 - (within - covariance * length / (length - 1)) / pooled
    rho[0] = 1.0
    pairs = rho[: 2 * (length // 2)].reshape(-1, 2).sum(1)
    stop = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    kept = np.minimum.accumulate(pairs[: max(stop, 1)])
    tau = -1 + 2 * float(kept.sum())
    if stop < len(pairs):  # the first even lag left over, where positive, makes antithetic chains stable
        tau += max(0.0, float(rho[2 * stop]))
    tau = max(tau, 1 / math.log10(total)) if total > 1 else 1.0
    return chains * length / tau


def compute_rhat(draws: np.ndarray) -> float:
    """Split R-hat of a scalar (chain, draw): 1 where the chains agree; nan for fewer than four draws in a chain."""
    if draws.shape[1] < 4:
        return math.nan
    x = split_chains(np.asarray(draws, dtype=np.float64))
    length = x.shape[1]
    within = x.var(1, ddof=1).mean()
    if within <= 0:
        return 1.0 if np.ptp(x) == 0 else math.inf
    return float(math.sqrt((length - 1) / length + x.mean(1).var(ddof=1) / within))


def compute_monte_carlo_error(draws: np.ndarray) -> float:
    """Standard error of the mean of correlated draws (chain, draw), in their unit."""
    return float(np.std(draws, ddof=1) / math.sqrt(compute_effective_sample_size(draws)))


def _autocovariance(centred: np.ndarray) -> np.ndarray:
    length = centred.shape[1]
    size = 1 << (2 * length - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    return np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[:, :length] / length
