"""From A(t) = E[tK] along a ladder of temperatures to λ and m, as t → ∞.

Z(t) = ∫ exp(−tK) φ ~ t^(−λ) (log t)^(m−1), so with u = log t
A(u) = −d log Z/du = λ − (m−1)/(u − c) − b e^(−Δ(u − u₀)) + ...,
the last term from the next pole of the zeta function, at λ + Δ. Each m and Δ is fitted; the fits are averaged by how well they explain the
ladder, and their disagreement is part of the error.

References:
    Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, Theorem 4.9 and §6.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

_GAPS = (1 / 6, 1 / 4, 1 / 2, 1.0)  # distances between poles of smooth germs with small exponents
_SHAPE_UNCERTAINTY = 0.02  # of λ: what the three-term form leaves out


@dataclass(frozen=True)
class Extrapolation:
    """The limit of A(u).

    Args:
        value: λ.
        standard_error: Of λ; fits and their disagreement together.
        multiplicity: Probability of each m.
        last: A at the upper end of the ladder.
        misfit: χ² per degree of freedom of the best fit.
    """

    value: float
    standard_error: float
    multiplicity: dict[int, float]
    last: float
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
    mean = means.mean(1)
    noise = means.var(1, ddof=1) / means.shape[1] + 1e-12
    smooth = np.array([np.median(noise[max(0, i - 4) : i + 5]) for i in range(len(noise))])
    sigma = np.sqrt(np.maximum(smooth, np.median(smooth) / 4))
    top = max(float(np.median(mean[-max(5, len(mean) // 5) :])), 1e-6)
    first = int(np.argmax(mean > 0.5 * top))
    u, mean, sigma = log_temperatures[first:], mean[first:], sigma[first:]
    fits = [(m, *_fit(u, mean, sigma, m, gap, top)) for m in range(1, largest_multiplicity + 1) for gap in _GAPS]
    cost = np.array([row[1] for row in fits])
    misfit = max(1.0, 2 * float(cost.min()) / max(1, len(u) - 3))
    weight = np.exp(-(cost - cost.min()) / misfit) * np.array([0.5 ** (row[0] - 1) for row in fits])
    weight /= weight.sum()
    value = np.array([row[2] for row in fits])
    error = np.array([row[3] for row in fits]) * np.sqrt(misfit)
    mixed = float(weight @ value)
    spread = float(np.sqrt(weight @ (error**2 + (value - mixed) ** 2)))
    probability = {m: float(weight[[row[0] == m for row in fits]].sum()) for m in range(1, largest_multiplicity + 1)}
    return Extrapolation(mixed, float(np.hypot(spread, _SHAPE_UNCERTAINTY * mixed)), probability, top, misfit)


def _fit(u: np.ndarray, mean: np.ndarray, sigma: np.ndarray, m: int, gap: float, top: float) -> tuple[float, float, float]:
    decay = np.exp(-gap * (u - u[0]))

    def residuals(p: np.ndarray) -> np.ndarray:
        fitted = p[0] - (m - 1) / (np.exp(p[1]) + u - u[0]) - p[2] * decay
        # Weak priors keep what the data do not say within reason: the logarithm starts within a few e-folds of the ladder.
        return np.concatenate([(fitted - mean) / sigma, [(p[1] - 1.0) / 1.5, p[2] / top]])

    runs = [
        least_squares(residuals, [top + (m - 1) / 20, start, 0.3 * top], bounds=([0, -1.5, 0], [np.inf, 4, np.inf])) for start in (0.0, 2.0)
    ]
    best = min(runs, key=lambda run: run.cost)
    covariance = np.linalg.pinv(best.jac.T @ best.jac)
    return float(best.cost), float(best.x[0]), float(np.sqrt(covariance[0, 0]))
