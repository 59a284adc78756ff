"""−log Z from log-likelihoods recorded along a ladder of inverse temperatures: estimators that must agree.

With Z(β) = ∫ p(D|w)^β φ(w) dw, every step of the ladder gives log Z(β')/Z(β) from draws at its ends, δ = β' − β, ℓ = log p(D|w):

* forward: log mean_β exp(δℓ); the product over steps, islands weighted by the evidence they have climbed so far, is sequential Monte
  Carlo's unbiased estimate of Z; with equal weights it is the stepping-stone estimate;
* backward: −log mean_β' exp(−δℓ);
* bridge: the root r of Σ_β σ(δℓ − log r) = Σ_β' σ(log r − δℓ), of least variance (Bennett).

Draws that have not forgotten the temperature they came from push forward and backward apart (hysteresis); islands that lost a mode carry
less evidence than those that kept it, which pulls weighted and equal estimates apart. Both show in the error bar.

References:
    Del Moral, Doucet, Jasra (2006), eq. (14); Xie, Lewis, Fan, Kuo, Chen (2011), stepping-stone; Bennett (1976); Meng & Wong (1996), bridge
    sampling; Friel & Pettitt (2008), power posteriors; Vergé, Dubarry, Del Moral, Moulines (2015), weighted islands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp
from scipy.stats import t as student

from germ.errors import DataError, InputError
from germ.sampling.temperatures import TemperatureLadder


@dataclass(frozen=True)
class Evidence:
    """−log Z(β_K) by several estimators, in nats.

    Args:
        bridge: The estimate of least variance.
        standard_error: Of `bridge`: jackknife over islands, widened for their number, and by disagreement.
        forward: Sequential Monte Carlo.
        backward: The same from above.
        stepping_stone: Forward, islands weighted equally.
        hysteresis: backward − forward; its expectation is 0 in equilibrium.
        hysteresis_error: Its standard error.
        island_weights: Share of the evidence in each island at the top, summing to one, (islands,).
        steps: log Z(β_k+1)/Z(β_k) by bridge sampling, (K,).
        step_errors: Their standard errors, (K,).
    """

    bridge: float
    standard_error: float
    forward: float
    backward: float
    stepping_stone: float
    hysteresis: float
    hysteresis_error: float
    island_weights: np.ndarray
    steps: np.ndarray
    step_errors: np.ndarray

    @property
    def agree(self) -> bool:
        """Whether forward and backward agree within three standard errors, or 0.02 nats."""
        return abs(self.hysteresis) <= max(0.02, 3 * self.hysteresis_error)

    @property
    def effective_islands(self) -> float:
        """1/Σ weight²: how many islands the evidence rests on."""
        return float(1 / (self.island_weights**2).sum())


def compute_evidence(ladder: TemperatureLadder) -> Evidence:
    """All estimators of −log Z at the top of a ladder.

    Args:
        ladder: Record of at least two islands.

    Returns:
        The estimates, in nats, and their agreement.

    Raises:
        InputError: If the ladder has one island, or does not begin at the prior.
        DataError: If a log-likelihood is nan or +inf.

    Example:
        >>> rng = np.random.default_rng(0)  # ℓ = −w²/2 under w ~ N(0, 1): Z = 1/√2
        >>> def draw(beta): return -rng.normal(size=(16, 500)) ** 2 / 2 / (1 + beta)
        >>> betas = np.array([0.0, 0.3, 1.0])
        >>> found = compute_evidence(TemperatureLadder(betas, tuple(draw(b) for b in betas), betas * np.nan, betas * np.nan))
        >>> abs(found.bridge - np.log(2) / 2) < 3 * found.standard_error < 0.03
        True
    """
    check_ladder(ladder)
    levels = ladder.log_likelihoods
    scaled = [(d * low, d * high) for d, low, high in zip(np.diff(ladder.temperatures), levels[:-1], levels[1:], strict=True)]
    own = np.stack([_log_means(low) for low, _ in scaled])
    climbed = compute_climbed_evidence(ladder)
    equal = np.zeros_like(climbed[0])
    forward = np.stack([_average(own[k], climbed[k]) for k in range(len(scaled))])
    backward = np.stack([_backward(low, high, climbed[k], climbed[k + 1]) for k, (low, high) in enumerate(scaled)])
    bridge = np.stack([_bridge(low, high, climbed[k], climbed[k + 1]) for k, (low, high) in enumerate(scaled)])
    gap, gap_error = float((forward - backward)[:, 0].sum()), compute_jackknife_error((backward - forward)[:, 1:].sum(0))
    excess = max(0.0, abs(gap) - 2 * gap_error) / 2
    return Evidence(
        bridge=float(-bridge[:, 0].sum()),
        standard_error=float(np.hypot(compute_jackknife_error(bridge[:, 1:].sum(0)), excess)),
        forward=float(-forward[:, 0].sum()),
        backward=float(-backward[:, 0].sum()),
        stepping_stone=float(-sum(_average(row, equal)[0] for row in own)),
        hysteresis=gap,
        hysteresis_error=gap_error,
        island_weights=np.exp(climbed[-1] - logsumexp(climbed[-1])),
        steps=bridge[:, 0],
        step_errors=np.array([compute_jackknife_error(row[1:]) for row in bridge]),
    )


def compute_climbed_evidence(ladder: TemperatureLadder) -> np.ndarray:
    """Evidence log Z of each island up to each level by its own forward means, (K + 1, islands): the logarithms of the islands' weights.

    All zero where states were exchanged between levels: chains in equilibrium weigh the same.

    Args:
        ladder: The record.

    Returns:
        Logarithms of weights, not normalised.
    """
    islands = ladder.log_likelihoods[0].shape[0]
    if ladder.swaps is not None:
        return np.zeros((len(ladder.temperatures), islands))
    deltas = np.diff(ladder.temperatures)
    own = [_log_means(d * low) for d, low in zip(deltas, ladder.log_likelihoods[:-1], strict=True)]
    return np.concatenate([np.zeros((1, islands)), np.cumsum(own, 0)])


def integrate_temperatures(ladder: TemperatureLadder) -> float:
    """Thermodynamic integration by the trapezoid rule, −Σ δ (E_β[ℓ] + E_β'[ℓ])/2: for contrast only.

    Near β = 0 the integrand falls like a power of β, and the rule is off by nats on ladders where the other estimators are right.

    Args:
        ladder: The record.

    Returns:
        An approximation of −log Z, in nats.
    """
    means = ladder.means
    return float(-(np.diff(ladder.temperatures) * (means[1:] + means[:-1]) / 2).sum())


def check_ladder(ladder: TemperatureLadder) -> None:
    """Raise unless the ladder begins at the prior, has two islands, and holds log-likelihoods."""
    if len(ladder.temperatures) < 2 or ladder.temperatures[0] != 0:
        raise InputError(
            f"got a ladder of inverse temperatures {np.round(ladder.temperatures[:3], 4).tolist()}...",
            "at least two, the first 0: evidence is counted from the prior",
            "sample with germ.sample_posterior",
        )
    if ladder.log_likelihoods[0].ndim != 2 or ladder.log_likelihoods[0].shape[0] < 2:
        raise InputError(
            f"got log-likelihoods of shape {ladder.log_likelihoods[0].shape}",
            "(islands, draws) with at least two independent islands, from whose spread the error comes",
            "sample with islands=8",
        )
    for beta, values in zip(ladder.temperatures, ladder.log_likelihoods, strict=True):
        if np.isnan(values).any() or (values == np.inf).any():
            raise DataError(f"nan or +inf among the log-likelihoods at β = {beta:.3g}", "finite numbers or -inf", "check the model")


def compute_jackknife_error(left_out: np.ndarray) -> float:
    """Standard error from leave-one-island-out values, such that ± 2 of them cover as often as for a normal law.

    Args:
        left_out: The estimate without each of the I islands, (I,).

    Returns:
        √((I − 1) var), times the ratio of Student's quantile at I − 1 degrees of freedom to the normal one.
    """
    count = len(left_out)
    widen = float(student.ppf(0.97725, count - 1)) / 2
    return widen * float(np.sqrt((count - 1) * left_out.var()))


def _log_means(x: np.ndarray) -> np.ndarray:
    return logsumexp(x, axis=1) - np.log(x.shape[1])


def _average(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The logarithm of Σ e^(values + weights)/Σ e^weights over islands, then with each island left out, (1 + islands,)."""
    masks = np.concatenate([np.zeros((1, len(values))), np.where(np.eye(len(values)) > 0, -np.inf, 0.0)])
    return logsumexp(values + weights + masks, axis=1) - logsumexp(weights + masks, axis=1)


def _backward(low: np.ndarray, high: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    # Parameters that exclude the data never appear above: their share is known from below only.
    alive = np.log(np.maximum(np.isfinite(low).mean(1), 1e-300))
    return _average(alive, below) - _average(_log_means(-high), above)


def _bridge(low: np.ndarray, high: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """The bridge estimate from δℓ below and above, then with each island left out (one Newton step), (1 + islands,)."""
    shift = np.log(high.shape[1] / low.shape[1])
    p, q = (np.exp(w - logsumexp(w)) for w in (below, above))

    def sums(root: float) -> tuple[np.ndarray, ...]:
        a, b = expit(low - root + shift), expit(root - high - shift)
        return a.sum(1), b.sum(1), (a * (1 - a)).sum(1), (b * (1 - b)).sum(1)

    left = min(low[np.isfinite(low)].min(), high.min()) - abs(shift) - 1
    right = max(low.max(), high.max()) + abs(shift) + 1
    root = float(np.median(high))
    for _ in range(200):
        a, b, a_slope, b_slope = sums(root)
        value, slope = p @ a - q @ b, p @ a_slope + q @ b_slope
        left, right = (root, right) if value > 0 else (left, root)
        new = root + value / slope if slope > 0 else np.inf
        new = new if left < new < right else (left + right) / 2
        done, root = abs(new - root) < 1e-12 * max(1.0, abs(root)), new
        if done:
            break
    a, b, a_slope, b_slope = sums(root)
    rest_p, rest_q = np.maximum(1 - p, 1e-12), np.maximum(1 - q, 1e-12)
    values = (p @ a - p * a) / rest_p - (q @ b - q * b) / rest_q
    slopes = (p @ a_slope - p * a_slope) / rest_p + (q @ b_slope - q * b_slope) / rest_q
    return np.concatenate([[root], root + values / np.maximum(slopes, 1e-300)])
