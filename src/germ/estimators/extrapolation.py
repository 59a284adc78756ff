"""From A(t) = E[tK] along a ladder of temperatures to λ and m, as t → ∞.

Z(t) = ∫ exp(−tK) φ ~ t^(−λ) (log t)^(m−1), so with u = log t

    A(u) = −d log Z/du = λ − (m−1)/(u − c) + b e^(−Δu) + ...,

the last term from the next pole of the zeta function, at λ + Δ. With m, c and Δ given this is linear in λ and b. All of a grid of them are
fitted, each to the ladder from several temperatures upwards, and averaged by exp(−(χ² + 2k + 2 cut)/2): a temperature that is cut costs
as much as a parameter k, so a form that does not reach far down gives way to one that fits only the top (Jay, Neil 2021). Their
disagreement is part of the error.

References:
    Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, Theorem 4.9 and §6.3; Jay, Neil (2021), Bayesian model averaging
    for analysis of lattice field theory results, Phys. Rev. D 103, 114502.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

# Distances between poles of germs with small exponents: differences of fractions with small denominators.
_GAPS = (1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 1.0)
_OFFSETS = np.array([-6.0, -3.0, -1.0, 1.0, 3.0])  # c, from where A reaches half of its end
_OFFSET_SPREAD = 3.0  # its prior standard deviation
_CLEAR = 1.5  # u − c at the first temperature used
_LEAST = 6  # temperatures that a fit needs
_STARTS = 24  # first temperatures tried
# Of the way from the top of the ladder to the limit: where the next pole is close, a sum of exponentials looks like (m − 1)/u, and all of
# that way may be wrong; and where A still rises faster than the fit goes on, the ladder ended too early.
_UNSEEN = 0.5
_SHAPE = 0.003  # of λ: what the form leaves out


@dataclass(frozen=True)
class Extrapolation:
    """The limit of A(u).

    Args:
        value: λ.
        standard_error: Of λ; fits, their disagreement, and half of what was extrapolated.
        sampling_error: The part of it that more draws make smaller.
        multiplicity: Probability of each m.
        last: A at the upper end of the ladder.
        misfit: χ² per degree of freedom of the most probable fit.
    """

    value: float
    standard_error: float
    sampling_error: float
    multiplicity: dict[int, float]
    last: float
    misfit: float


@dataclass(frozen=True)
class _Fit:
    multiplicity: int
    value: float
    variance: float
    information: float
    misfit: float


def extrapolate_ladder(log_temperatures: np.ndarray, means: np.ndarray, largest_multiplicity: int) -> Extrapolation:
    """Extrapolate A(u) to u → ∞.

    Args:
        log_temperatures: u of each level, increasing, (L,).
        means: A of each level and independent island, (L, R), R at least 2.
        largest_multiplicity: Largest m considered.

    Returns:
        λ with its standard error.

    Example:
        >>> u = np.linspace(2, 20, 40); noise = np.random.default_rng(0).normal(size=(40, 8))
        >>> found = extrapolate_ladder(u, (0.5 - 1 / (u + 1))[:, None] + 0.01 * noise, 3)
        >>> abs(found.value - 0.5) < 3 * found.standard_error
        True
    """
    u, mean = log_temperatures, means.mean(1)
    noise = means.var(1, ddof=1) / means.shape[1] + 1e-12
    # A variance from few islands is itself noise: neighbours are pooled.
    sigma = np.sqrt(np.array([noise[max(0, i - 4) : i + 5].mean() for i in range(len(noise))]))
    top = max(float(np.median(mean[-max(5, len(mean) // 5) :])), 1e-6)
    half = int(np.argmax(mean > 0.5 * top))
    last = max(half, len(u) - _LEAST)
    starts = sorted({int(i) for i in np.linspace(half, last, _STARTS)})
    fits = [
        fit
        for start, m in itertools.product(starts, range(1, largest_multiplicity + 1))
        for c in (u[half] + _OFFSETS if m > 1 else (np.nan,))
        if m == 1 or u[start] - c > _CLEAR
        for fit in _fit(u[start:], means[start:], sigma[start:], m, float(c), float(c - u[half]), start - half, top)
    ]
    information = np.array([fit.information for fit in fits])
    weight = np.exp(-(information - information.min()) / 2)
    weight /= weight.sum()
    value = np.array([fit.value for fit in fits])
    mixed = float(weight @ value)
    spread = float(np.sqrt(weight @ (np.array([fit.variance for fit in fits]) + (value - mixed) ** 2)))
    chosen = np.array([fit.multiplicity for fit in fits])
    probability = {m: float(weight[chosen == m].sum()) for m in range(1, largest_multiplicity + 1)}
    best = fits[int(np.argmax(weight))]
    before = float(np.median(mean[half + (len(u) - half) // 2 : half + 2 * (len(u) - half) // 3 + 1]))
    left = 2 * (top - before)  # of 1/u, twice what the last third gained
    error = float(np.hypot(spread, _UNSEEN * max(abs(mixed - top), abs(left - (mixed - top)))))
    return Extrapolation(
        mixed, float(np.hypot(error, _SHAPE * mixed)), float(np.hypot(spread, _SHAPE * mixed)), probability, top, best.misfit
    )


def _fit(
    u: np.ndarray, means: np.ndarray, sigma: np.ndarray, m: int, c: float, offset: float, cut: int, top: float
) -> list[_Fit]:  # fmt: skip
    """Fits without and with a next pole; the variance is that of the islands, so that levels may be correlated."""
    shift = 0.0 if m == 1 else (m - 1) / (u - c)
    prior = 2 * (m - 1) * np.log(2) + (0.0 if m == 1 else (offset / _OFFSET_SPREAD) ** 2 + 2 * np.log(len(_OFFSETS)))
    found = []
    for gap in (None, *_GAPS):
        columns = [np.ones_like(u)] if gap is None else [np.ones_like(u), np.exp(-gap * (u - u[0]))]
        design = np.stack(columns, 1) / sigma[:, None]
        target = (means + np.reshape(shift, (-1, 1)) if m > 1 else means) / sigma[:, None]
        penalty = np.zeros((len(columns), len(columns)))
        if gap is not None:
            penalty[1, 1] = 1 / top**2  # b is at most of the size of A itself
        map_to = np.linalg.solve(design.T @ design + penalty, design.T)
        solved = map_to @ target  # (parameters, islands): linear, so that each island has its own λ
        residual = target.mean(1) - design @ solved.mean(1)
        chi_square = float(residual @ residual)
        choices = 0.0 if gap is None else 2 * np.log(len(_GAPS))
        variance = float(solved[0].var(ddof=1)) / means.shape[1]
        variance = max(variance, float(np.linalg.inv(design.T @ design + penalty)[0, 0]))
        information = chi_square + 2 * len(columns) + 2 * cut + prior + choices
        found.append(_Fit(m, float(solved[0].mean()), variance, information, chi_square / max(1, len(u) - len(columns))))
    return found
