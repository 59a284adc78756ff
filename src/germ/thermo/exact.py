"""Volumes in closed form: K = ∏ w_j^(2 k_j) on [0, 1]^d with prior density ∏ (h_j + 1) w_j^h_j.

-log w_j is exponential with rate h_j + 1, so -log K is a sum of independent exponentials with rates (h_j + 1)/(2 k_j), and V(ε) =
P(sum > -log ε). The tail is that of the smallest rate, λ, times a polynomial of degree m - 1, m the number of times that it occurs:
the theorem on λ and m in the one case where everything is elementary. A sum of exponentials is a chain of states (a phase-type law), whose
survival function is a matrix exponential: no differences of nearly equal rates appear.

References:
    Watanabe (2009), Theorem 6.7 (the state density function of a normal crossing); Neuts (1981), phase-type distributions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from germ.errors import InputError

Array = NDArray[np.float64]

_PANEL_RATIO = 0.5  # of neighbouring panels of the graded grid
_NODES = {1: 12, 2: 8, 3: 5}


def compute_normal_crossing_volume(
    exponents: Sequence[int], epsilon: ArrayLike, *, prior_exponents: Sequence[float] | None = None
) -> Array:
    """V(ε) = P(∏ w_j^(2 k_j) < ε), w_j in [0, 1] with density (h_j + 1) w_j^h_j.

    Args:
        exponents: k_j ≥ 0, not all zero.
        epsilon: Levels ε > 0, any shape.
        prior_exponents: h_j > -1; zero by default.

    Returns:
        V, of the shape of ε. Relative accuracy 1e-12.

    Raises:
        InputError: For impossible exponents or levels.

    Example:
        >>> t = 1e-6
        >>> bool(np.isclose(compute_normal_crossing_volume([1, 1], t), np.sqrt(t) * (1 - 0.5 * np.log(t)), rtol=1e-12))
        True
    """
    from scipy.linalg import expm

    h = [0.0] * len(exponents) if prior_exponents is None else list(prior_exponents)
    if len(h) != len(exponents) or min(exponents, default=-1) < 0 or max(exponents) == 0 or min(h) <= -1:
        raise InputError(f"got exponents {list(exponents)} and prior exponents {h}", "k_j ≥ 0, not all zero, and as many h_j > -1")
    levels = np.asarray(epsilon, dtype=float)
    if not (levels > 0).all():
        raise InputError(f"got a level {levels.min()}", "ε > 0")
    rates = sorted((b + 1) / (2 * k) for k, b in zip(exponents, h, strict=True) if k)
    generator = np.diag([-r for r in rates]) + np.diag(rates[:-1], 1)
    # exp(T x) = e^(-λ x) exp((T + λ) x): the decay is taken out, so that what is left keeps its relative accuracy.
    shifted = generator + rates[0] * np.eye(len(rates))
    x = np.maximum(-np.log(levels), 0.0).reshape(-1)
    volume = np.array([np.exp(-rates[0] * t) * expm(shifted * t)[0].sum() for t in x])
    return volume.reshape(levels.shape)


def compute_heat_capacity(
    divergence: Callable[[Array], Array],
    lower: Sequence[float],
    upper: Sequence[float],
    temperatures: Sequence[float],
    *,
    center: Sequence[float],
) -> tuple[Array, Array, Array]:
    """Energy E[tK] and heat capacity Var[tK] of exp(-tK) on a box, by quadrature; both tend to λ (m = 1) as t → ∞.

    Gauss-Legendre panels that shrink by half towards `center` in every coordinate: exact to the last digits for zero sets along the
    coordinate planes and for germs at the center, worthless for a zero set that crosses panels elsewhere. The error that is returned
    compares with two nodes more in each panel.

    Args:
        divergence: K: points (P, d) to (P,), as arrays.
        lower: Lower ends, (d,), d ≤ 3.
        upper: Upper ends.
        temperatures: Inverse temperatures t.
        center: Where the panels shrink to, inside the box.

    Returns:
        Energy, heat capacity, and the error of the energy, one value for each t.

    Raises:
        InputError: For d > 3, or a center outside the box.

    Example:
        >>> energy, capacity, error = compute_heat_capacity(lambda w: w[:, 0] ** 4, [-1], [1], [1e8], center=[0])
        >>> np.round(energy, 6).tolist(), np.round(capacity, 6).tolist()
        ([0.25], [0.25])
    """
    d = len(lower)
    if d not in _NODES or not all(a <= c <= b and a < b for a, b, c in zip(lower, upper, center, strict=True)):
        raise InputError(
            f"a box {list(lower)} to {list(upper)} with center {list(center)}", "at most 3 dimensions, and the center in the box"
        )
    t = np.asarray(temperatures, dtype=float)
    smallest = 1e-4 / max(1.0, float(t.max())) ** (0.5 if d < 3 else 0.25)
    first, second = (_integrate(divergence, lower, upper, center, t, _NODES[d] + extra, smallest) for extra in (0, 2))
    return second[0], second[1], np.abs(first[0] - second[0])


def _integrate(
    divergence: Callable[[Array], Array],
    lower: Sequence[float],
    upper: Sequence[float],
    center: Sequence[float],
    t: Array,
    nodes: int,
    smallest: float,
) -> tuple[Array, Array]:
    axes = [_grade(a, b, c, nodes, smallest) for a, b, c in zip(lower, upper, center, strict=True)]
    points = np.stack([g.reshape(-1) for g in np.meshgrid(*[a for a, _ in axes], indexing="ij")], 1)
    weights = np.ones(1)
    for _, w in axes:
        weights = np.multiply.outer(weights, w).reshape(-1)
    k = divergence(points)
    energy, capacity = np.empty_like(t), np.empty_like(t)
    for i, value in enumerate(t):
        mass = weights * np.exp(-value * k)
        mass /= mass.sum()
        energy[i] = mass @ (value * k)
        capacity[i] = mass @ (value * k - energy[i]) ** 2
    return energy, capacity


def _grade(low: float, high: float, center: float, nodes: int, smallest: float) -> tuple[Array, Array]:
    """Nodes and weights on [low, high], in panels that shrink towards the center down to `smallest`."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    positions, weights = [], []
    for end in (low, high):
        length = end - center
        while abs(length) > 0:
            inner = length * _PANEL_RATIO if abs(length) > smallest else 0.0
            middle, half = center + 0.5 * (length + inner), 0.5 * abs(length - inner)
            positions.append(middle + half * x)
            weights.append(half * w)
            length = inner
    return np.concatenate(positions), np.concatenate(weights)
