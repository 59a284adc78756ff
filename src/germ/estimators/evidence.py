"""−log Z from log-likelihoods recorded along a ladder of inverse temperatures: four estimators that must agree.

With Z(β) = ∫ p(D|w)^β φ(w) dw, every step of the ladder gives log Z(β')/Z(β) from draws at its ends, δ = β' − β:

* forward (stepping-stone): log mean_β exp(δ ℓ), ℓ = log p(D|w);
* backward: −log mean_β' exp(−δ ℓ);
* bridge: the root r of Σ_β σ(δℓ − log r) = Σ_β' σ(log r − δℓ), of least variance (Bennett);
* product of each island's own forward means, averaged over islands: sequential Monte Carlo's unbiased estimate of Z.

Draws that have not forgotten the temperature they came from push forward and backward apart: hysteresis, and the check for it.

References:
    Xie, Lewis, Fan, Kuo, Chen (2011), stepping-stone; Bennett (1976); Meng & Wong (1996), bridge sampling;
    Friel & Pettitt (2008), power posteriors.
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
        forward: Stepping-stone.
        backward: The same from above.
        particles: Sequential Monte Carlo; nan where draws were exchanged between levels.
        hysteresis: backward − forward; its expectation is 0 in equilibrium.
        hysteresis_error: Its standard error.
        steps: log Z(β_k+1)/Z(β_k) by bridge sampling, (K,).
        step_errors: Their standard errors, (K,).
    """

    bridge: float
    standard_error: float
    forward: float
    backward: float
    particles: float
    hysteresis: float
    hysteresis_error: float
    steps: np.ndarray
    step_errors: np.ndarray

    @property
    def agree(self) -> bool:
        """Whether forward and backward agree within three standard errors, or 0.02 nats."""
        return abs(self.hysteresis) <= max(0.02, 3 * self.hysteresis_error)


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
    deltas, levels = np.diff(ladder.temperatures), ladder.log_likelihoods
    pairs = list(zip(deltas, levels[:-1], levels[1:], strict=True))
    forward = np.array([_forward(d * low) for d, low, _ in pairs])
    backward = np.array([-_forward(-d * high) for d, _, high in pairs])
    bridge = np.array([_bridge(d * low, d * high) for d, low, high in pairs])
    islands = levels[0].shape[0]
    error = _jackknife(bridge[:, 1:].sum(0))
    gap, gap_error = float(-(backward[:, 0] - forward[:, 0]).sum()), _jackknife((backward - forward)[:, 1:].sum(0))
    excess = max(0.0, abs(gap) - 2 * gap_error) / 2
    own = sum(logsumexp(d * low, axis=1) - np.log(low.shape[1]) for d, low, _ in pairs)
    return Evidence(
        bridge=float(-bridge[:, 0].sum()),
        standard_error=float(np.hypot(error, excess)),
        forward=float(-forward[:, 0].sum()),
        backward=float(-backward[:, 0].sum()),
        particles=float("nan") if ladder.swaps is not None else float(np.log(islands) - logsumexp(own)),
        hysteresis=gap,
        hysteresis_error=gap_error,
        steps=bridge[:, 0],
        step_errors=np.array([_jackknife(row[1:]) for row in bridge]),
    )


def integrate_temperatures(ladder: TemperatureLadder) -> float:
    """Thermodynamic integration by the trapezoid rule, −Σ δ (E_β[ℓ] + E_β'[ℓ])/2: for contrast only.

    Near β = 0 the integrand falls like a power of β and the rule is off by nats on ladders where the other estimators are right.

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
            "sample with islands=16",
        )
    for beta, values in zip(ladder.temperatures, ladder.log_likelihoods, strict=True):
        if np.isnan(values).any() or (values == np.inf).any():
            raise DataError(f"nan or +inf among the log-likelihoods at β = {beta:.3g}", "finite numbers or -inf", "check the model")


def _forward(x: np.ndarray) -> np.ndarray:
    """Log mean exp x over all islands, then with each island left out, (1 + islands,)."""
    own = logsumexp(x, axis=1) - np.log(x.shape[1])
    total = logsumexp(own)
    count = len(own)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = total + np.log1p(-np.exp(own - total))
    # One island that holds everything leaves nothing to compare it with.
    rest = np.where(np.isfinite(rest), rest, own.min())
    return np.concatenate([[total - np.log(count)], rest - np.log(count - 1)])


def _bridge(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The bridge estimate from δℓ below and above, then with each island left out (one Newton step), (1 + islands,)."""
    shift = np.log(high.size / low.size)
    lower = np.concatenate([low[np.isfinite(low)], high.ravel()]).min()
    upper = max(low.max(), high.max())
    left, right = lower - abs(shift) - 1, upper + abs(shift) + 1
    root = float(np.median(high))
    for _ in range(200):
        a, b = expit(low - root + shift), expit(root - high - shift)
        value, slope = a.sum() - b.sum(), (a * (1 - a)).sum() + (b * (1 - b)).sum()
        left, right = (root, right) if value > 0 else (left, root)
        new = root + value / slope if slope > 0 else np.inf
        new = new if left < new < right else (left + right) / 2
        done, root = abs(new - root) < 1e-12 * max(1.0, abs(root)), new
        if done:
            break
    a, b = expit(low - root + shift), expit(root - high - shift)
    values = a.sum(1) - b.sum(1)
    slopes = (a * (1 - a)).sum(1) + (b * (1 - b)).sum(1)
    return np.concatenate([[root], root - values / np.maximum(slopes.sum() - slopes, 1e-300)])


def _jackknife(left_out: np.ndarray) -> float:
    """Standard error from leave-one-out values, such that ± 2 of them cover as often as for a normal law."""
    count = len(left_out)
    widen = float(student.ppf(0.97725, count - 1)) / 2
    return widen * float(np.sqrt((count - 1) * left_out.var()))
