"""λ and m from a measured volume: the fit of V(ε) ~ c ε^λ (-log ε)^(m-1), by its slope.

With x = -log ε and v = -log V the slope is

    dv/dx = λ - (m - 1)/(x + s) + δ r e^(-δ x) + O(1/x³),

where s comes from the next coefficient of the polynomial in x that multiplies ε^λ, δ is the distance to the next pole of the zeta
function, and r the ratio of the two terms' coefficients. Levels of splitting give v exactly and x with noise, so blocks of levels give
independent measurements of the slope. λ and r enter linearly and are integrated out; m, s and δ run over grids; what is left is the
posterior probability of each m.

References:
    Watanabe (2009), Theorem 7.1 (V(ε) from the poles of the zeta function); Arnold, Gusein-Zade, Varchenko (1988), chapter 7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BLOCKS = 36
# Grids finer than what the noise tells apart: twice as coarse, λ̂ was up to 11 standard errors off.
_SHIFTS = np.array([-2.0, -1.0, 0.0, 0.7, 1.4, 2.1, 2.8, 3.6, 4.5, 5.5, 6.7, 8.0, 10.0, 13.0])  # s; 2 for x²y² on the unit square
_SHIFT_PRIOR = (2.0, 4.0)  # mean and standard deviation
_GAPS = np.geomspace(0.02, 1.0, 17)  # δ
_RATIO = 1.5  # prior standard deviation of r: coefficients of neighbouring poles are of one size
_RARER = 0.5  # prior odds of m + 1 against m: among the 150 germs and models of the published tables about half have m = 1, a quarter m = 2
_LARGEST_MULTIPLICITY = 6
_EVEN = 0.1  # variance of log V between islands below which weights would change nothing
# What the fit leaves out (further poles, O(1/x³)) counts as an error of the slope, of this share of it at x = 0, falling at this rate.
_OMITTED, _OMITTED_RATE = 1.0, 0.25
_ADEQUATE = 0.02  # p-value below which the beginning of the curve is left out


@dataclass(frozen=True)
class Slopes:
    """Local slopes of v against x.

    Args:
        x: Where, -log ε at the middle of each block, (B,).
        slope: dv/dx, (B,).
        error: Its standard error, (B,).
    """

    x: Array
    slope: Array
    error: Array


@dataclass(frozen=True)
class ScalingFit:
    """What the slopes say.

    Args:
        learning_coefficient: λ̂, averaged over all models.
        standard_error: Posterior standard deviation of λ.
        probabilities: P(m) for m = 1, 2, ….
        chi_square: χ² per degree of freedom of the best model.
        start: First x of the fit.
        by_multiplicity: (λ̂, standard error) given each m.
    """

    learning_coefficient: float
    standard_error: float
    probabilities: tuple[float, ...]
    chi_square: float
    start: float
    by_multiplicity: tuple[tuple[float, float], ...]


def describe_remainder(x: float, dimension: int) -> tuple[float, float]:
    """What λ - slope is at one x, before anything is known about m and the next pole: mean and standard deviation under the fit's prior.

    Args:
        x: -log ε, or log t for Z(t) = ∫ e^(-tK) φ dw, where the two agree up to the shift s.
        dimension: d; m is at most d.

    Returns:
        The mean of (m - 1)/(x + s) - δ r e^(-δx), and its standard deviation.

    Example:
        >>> describe_remainder(27.6, 4)[0] < describe_remainder(5.0, 4)[0] < 0.2
        True
    """
    m = np.arange(1, min(dimension, _LARGEST_MULTIPLICITY) + 1)
    odds = _RARER ** (m - 1.0)
    odds /= odds.sum()
    shifts = _SHIFTS[_SHIFTS + x > 1.0]
    share = np.exp(-0.5 * ((shifts - _SHIFT_PRIOR[0]) / _SHIFT_PRIOR[1]) ** 2)
    share /= share.sum()
    first, second = float(odds @ (m - 1)), float(odds @ (m - 1) ** 2)
    inverse, square = float(share @ (1 / (x + shifts))), float(share @ (1 / (x + shifts)) ** 2)
    pole = 0.5 * _RATIO**2 * float(np.mean((_GAPS * np.exp(-_GAPS * x)) ** 2))
    return first * inverse, math.sqrt(second * square - (first * inverse) ** 2 + pole)


def measure_slopes(x: Array, step: float, size: int) -> Slopes:
    """Blocks of levels of several islands, as slopes with errors.

    The quantile of N particles makes the length of a level uncertain by (1 - p)/(p N log² p), relative and squared; correlation between
    levels, which imperfect moves leave, shows as a larger spread between islands and is put in as a factor, smoothed over blocks.
    Where islands end at volumes that differ by more than that, they count by their volumes.

    Args:
        x: -log ε of each level and island, (levels, R).
        step: -log p, by which v grows at each level.
        size: N, particles of an island.

    Returns:
        The slopes.
    """
    levels, islands = x.shape
    p = math.exp(-step)
    if levels > 2 and _is_uneven(x, step, (1 - p) / (p * size)):
        return _weigh_islands(x, step)
    edges = np.unique(np.linspace(0, levels - 1, min(_BLOCKS, levels - 1) + 1).round().astype(int))
    length = np.diff(edges)
    lengths = np.diff(x[edges], axis=0)  # (B, R)
    mean = lengths.mean(1)
    expected = mean**2 / length * (1 - p) / (p * size * step**2)
    factor = lengths.var(1, ddof=1) / expected
    smooth = _smooth(factor)
    deviation = (lengths - mean[:, None]) / np.sqrt(expected * np.maximum(smooth, 1.0))[:, None]
    neighbours = float((deviation[1:] * deviation[:-1]).mean()) if len(mean) > 2 else 0.0
    excess = np.maximum(smooth, 1.0) * (1 + 2 * max(0.0, neighbours))
    variance = expected * excess / islands
    # A level keeps the share p of the volume on average, so the mean of its logarithm is lower by half its variance: correlated particles
    # have more of it than independent ones, for which `step` is made.
    slope = length * (step + 0.5 * (float(excess.mean()) - 1) * (1 - p) / (p * size)) / mean
    middle = 0.5 * (x[edges[1:]] + x[edges[:-1]]).mean(1)
    return Slopes(middle, slope, slope * np.sqrt(variance) / mean)


def _smooth(values: Array) -> Array:
    kernel = np.ones(min(7, len(values)))
    return np.convolve(values, kernel, "same") / np.convolve(np.ones_like(values), kernel, "same")


def _count_levels(x: Array, at: Array) -> Array:
    """The level, a real number, at which each island reaches each x of `at`, (A, R)."""
    return np.stack([np.interp(at, column, np.arange(1, len(column) + 1)) for column in x.T], 1)


def _is_uneven(x: Array, step: float, variance: float) -> bool:
    """Whether islands differ at the end by more than the noise of their levels: some have lost a part of {K < ε}."""
    from scipy.stats import chi2

    count = _count_levels(x, x[-1].min(keepdims=True))[0]
    spread = float(step**2 * count.var(ddof=1))
    freedom = len(count) - 1
    return spread > _EVEN and bool(chi2.sf(freedom * spread / (count.mean() * variance), freedom) < 1e-4)


def _weigh_islands(x: Array, step: float) -> Slopes:
    """Slopes of the mean of the islands' volumes at one ε, which is unbiased whatever an island has lost; errors by leaving islands out."""
    islands = x.shape[1]
    edges = np.linspace(x[0].max(), x[-1].min(), min(_BLOCKS, max(4, len(x) // 2)) + 1)
    log_volumes = -step * _count_levels(x, edges)
    largest = log_volumes.max(1, keepdims=True)
    shares = np.concatenate([np.ones((1, islands)), 1 - np.eye(islands)])
    logs = np.log(np.exp(log_volumes - largest) @ shares.T) + largest  # (B + 1, 1 + R)
    slopes = -np.diff(logs, axis=0) / np.diff(edges)[:, None]
    residual = slopes[:, 1:] - slopes[:, 1:].mean(1, keepdims=True)
    variance = _smooth((islands - 1) / islands * (residual**2).sum(1))
    scaled = residual / np.sqrt((residual**2).mean(1, keepdims=True)).clip(1e-300)
    neighbours = float((scaled[1:] * scaled[:-1]).mean())
    error = np.sqrt(variance * (1 + 2 * max(0.0, neighbours)))
    return Slopes(0.5 * (edges[1:] + edges[:-1]), slopes[:, 0], np.maximum(error, 1e-9))


def fit_slopes(slopes: Slopes, dimension: int, *, start: float = 2.0) -> ScalingFit:
    """The posterior of λ and m given the slopes.

    Args:
        slopes: The measurements.
        dimension: d; m is at most d.
        start: Smallest x to begin with.

    Returns:
        The fit, from the first x on at which some model is adequate.
    """
    usable = slopes.x[np.isfinite(slopes.slope)]
    starts = [s for s in (start, 4.0, 7.0, 11.0, 16.0, 22.0, 30.0) if s == start or (usable >= s).sum() >= 8]
    best: ScalingFit | None = None
    for begin in starts:
        chosen = slopes.x >= begin
        if chosen.sum() < 4:
            chosen = np.ones_like(slopes.x, dtype=bool)
        x, y = slopes.x[chosen], slopes.slope[chosen]
        fit, p_value = _fit(x, y, np.hypot(slopes.error[chosen], _OMITTED * y * np.exp(-_OMITTED_RATE * x)), dimension)
        if best is None or p_value > _ADEQUATE or fit.chi_square < best.chi_square:
            best = fit
        if p_value > _ADEQUATE:
            break
    assert best is not None
    return best


def _fit(x: Array, y: Array, error: Array, dimension: int) -> tuple[ScalingFit, float]:
    from scipy.stats import chi2

    scale = float(np.average(y, weights=error**-2))
    top = min(dimension, _LARGEST_MULTIPLICITY)
    models: list[tuple[int, float, float, float, float, int]] = []  # m, log evidence, λ, variance, χ², free parameters
    for m in range(1, top + 1):
        shifts = np.array([math.inf]) if m == 1 else _SHIFTS[_SHIFTS + x[0] > 0.5]
        share = np.ones(1) if m == 1 else np.exp(-0.5 * ((shifts - _SHIFT_PRIOR[0]) / _SHIFT_PRIOR[1]) ** 2)
        for shift, part in zip(shifts, share / share.sum(), strict=True):
            target = y + (m - 1) / (x + shift)
            for gap in (None, *_GAPS):
                weight = (m - 1) * math.log(_RARER) + math.log(part) + (math.log(0.5) if gap is None else math.log(0.5 / len(_GAPS)))
                columns = [np.ones_like(x)] + ([] if gap is None else [gap * np.exp(-gap * x)])
                evidence, value, variance, chi = _integrate(np.stack(columns, 1), target, error, scale)
                models.append((m, weight + evidence, value, variance, chi, len(columns) + (m > 1) + (gap is not None)))
    log_weights = np.array([model[1] for model in models])
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    values, variances = np.array([model[2] for model in models]), np.array([model[3] for model in models])
    ms = np.array([model[0] for model in models])
    best = models[int(log_weights.argmax())]
    freedom = max(1, len(x) - best[5])
    inflate = max(1.0, best[4] / freedom)  # what the models leave unexplained widens the error
    mean = float(weights @ values)
    spread = float(weights @ (inflate * variances + (values - mean) ** 2))
    probabilities, conditional = [], []
    for m in range(1, top + 1):
        share = weights * (ms == m)
        total = float(share.sum())
        probabilities.append(total)
        center = float(share @ values) / max(total, 1e-300)
        conditional.append(
            (center, math.sqrt(max(0.0, float(share @ (inflate * variances + (values - center) ** 2)) / max(total, 1e-300))))
        )
    fit = ScalingFit(mean, math.sqrt(spread), tuple(probabilities), best[4] / freedom, float(x[0]), tuple(conditional))
    return fit, float(chi2.sf(best[4], freedom))


def _integrate(design: Array, target: Array, error: Array, scale: float) -> tuple[float, float, float, float]:
    """Log evidence, λ's mean and variance, χ²: Gaussian priors of width 10 scales for λ, `_RATIO` for r."""
    prior = np.array([10.0 * scale, _RATIO][: design.shape[1]])
    a, b = design / error[:, None], target / error
    precision = a.T @ a + np.diag(prior**-2.0)
    mean = np.linalg.solve(precision, a.T @ b)
    residual = b - a @ mean
    chi = float(residual @ residual)
    evidence = -0.5 * (chi + float((mean / prior) @ (mean / prior))) - 0.5 * np.linalg.slogdet(precision)[1] - float(np.log(prior).sum())
    return float(evidence), float(mean[0]), float(np.linalg.inv(precision)[0, 0]), chi
