"""The toy model of superposition: n features through m < n dimensions and back, y = relu(WᵀW x + b), with its exact population loss.

An input has one feature that is not zero: x = s e_i, i uniform on n features, s uniform on [0, 1]. With G = WᵀW the loss is

    L(W, b) = E|x − y|² = (1/n) Σ_i Σ_k ∫₀¹ (relu(s G_ki + b_k) − s δ_ki)² ds,

a sum of integrals of piecewise polynomials. L is invariant under rotations of the m dimensions. For m = 2 its important critical points are
regular polygons: k features at the corners, the others at 0 with a bias of either sign. L is analytic where no G_ki and b_k vanish
together; the square with bias 0 is such a kink.

References:
    Elhage et al. (2022), Toy models of superposition; Chen, Lau, Mendel, Wei, Murfet (2023), Dynamical versus Bayesian phase transitions in
    a toy model of superposition, arXiv:2310.06301.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from germ.errors import InputError

Array = NDArray[np.float64]

_STEP = 1e-5  # central differences of the gradient: an error of 1e-10 times third derivatives of order 1


def _check(weights: ArrayLike, bias: ArrayLike) -> tuple[Array, Array]:
    w, b = np.asarray(weights, float), np.asarray(bias, float)
    if w.ndim != 2 or b.shape != w.shape[1:] or not (np.isfinite(w).all() and np.isfinite(b).all()):
        raise InputError(f"weights of shape {w.shape} and bias of shape {b.shape}", "finite arrays (m, n) and (n,)")
    return w, b


def _moments(g: Array, b: Array) -> tuple[Array, Array, Array]:
    """∫ s^p ds over the s in [0, 1] where s g + b > 0, p = 0, 1, 2; g (n, n) with rows k, b (n, 1)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = np.where(g == 0, 0.0, -b / np.where(g == 0, 1.0, g))
    low = np.where(g > 0, np.clip(zero, 0, 1), 0.0)
    high = np.where(g < 0, np.clip(zero, 0, 1), 1.0)
    off = (g == 0) & (b <= 0)
    low, high = np.where(off, 0.0, low), np.where(off, 0.0, high)
    return high - low, (high**2 - low**2) / 2, (high**3 - low**3) / 3


def compute_superposition_loss(weights: ArrayLike, bias: ArrayLike) -> float:
    """The population loss, exactly.

    Args:
        weights: W, (m, n).
        bias: b, (n,).

    Returns:
        L.

    Example:
        >>> compute_superposition_loss(np.zeros((2, 6)), np.zeros(6))   # nothing is represented: E s² = 1/3
        0.3333333333333333
    """
    w, b = _check(weights, bias)
    g, column, own = w.T @ w, b[:, None], np.eye(len(b))
    zeroth, first, second = _moments(g, column)
    slope = g - own
    return float((slope**2 * second + 2 * slope * column * first + column**2 * zeroth + own * (1 / 3 - second)).sum() / len(b))


def compute_superposition_gradient(weights: ArrayLike, bias: ArrayLike) -> tuple[Array, Array]:
    """The gradient of the population loss, exactly.

    Args:
        weights: W, (m, n).
        bias: b, (n,).

    Returns:
        Derivatives by W, (m, n), and by b, (n,).
    """
    w, b = _check(weights, bias)
    g, column, own = w.T @ w, b[:, None], np.eye(len(b))
    zeroth, first, second = _moments(g, column)
    by_product = 2 * ((g - own) * second + column * first) / len(b)
    by_bias = 2 * ((g - own) * first + column * zeroth).sum(1) / len(b)
    return w @ (by_product + by_product.T), by_bias


def compute_superposition_hessian(weights: ArrayLike, bias: ArrayLike) -> Array:
    """The Hessian of the population loss, by central differences of the exact gradient.

    Args:
        weights: W, (m, n).
        bias: b, (n,).

    Returns:
        Second derivatives in the order of W row by row, then b, (mn + n, mn + n); accurate to some 1e-9.

    Raises:
        InputError: At a kink, where some G_ki and b_k vanish together and second derivatives do not exist.
    """
    w, b = _check(weights, bias)
    kinks = np.argwhere((np.abs(w.T @ w) < 10 * _STEP) & (np.abs(b)[:, None] < 10 * _STEP))
    if len(kinks):
        k, i = kinks[0]
        raise InputError(
            f"a kink: output {k} neither sees feature {i} nor has a bias", "a point at which the loss is analytic",
            "there is no Hessian here, and no λ by its rank",
        )  # fmt: skip

    def slope(v: Array) -> Array:
        return np.concatenate([part.reshape(-1) for part in compute_superposition_gradient(v[: w.size].reshape(w.shape), v[w.size :])])

    point = np.concatenate([w.reshape(-1), b])
    hessian = np.array([(slope(point + _STEP * e) - slope(point - _STEP * e)) / (2 * _STEP) for e in np.eye(len(point))])
    return np.asarray((hessian + hessian.T) / 2)


def compute_feature_dimensionality(weights: ArrayLike) -> Array:
    """The share of a dimension that each feature has: |W_i|² / Σ_j (Ŵ_i · W_j)².

    Args:
        weights: W, (m, n), no column zero.

    Returns:
        D, (n,): 1 for a feature with a dimension of its own, 1/2 for one of an antipodal pair.

    Raises:
        InputError: If a column is zero.

    Example:
        >>> compute_feature_dimensionality([[1.0, -1.0]]).tolist()
        [0.5, 0.5]
    """
    w = np.asarray(weights, float)
    squares = (w**2).sum(0)
    if not (squares > 0).all():
        raise InputError(f"column {int(np.argmin(squares))} of W is zero", "features that are represented")
    return np.asarray(squares**2 / ((w.T @ w) ** 2).sum(1))


@dataclass(frozen=True)
class Polygon:
    """A critical point with k features on a regular polygon and the others at 0.

    Args:
        weights: W, (2, n).
        bias: b, (n,).
        length: Distance of the corners from 0.
        corner_bias: Bias of the features at corners.
        loss: The population loss.
    """

    weights: Array
    bias: Array
    length: float
    corner_bias: float
    loss: float


def find_polygon(corners: int, *, features: int = 6, positive: int = 0) -> Polygon:
    """The regular k-gon of least loss, for m = 2.

    Args:
        corners: k, three or more.
        features: n >= k.
        positive: How many of the n − k absent features have the bias that is best for them, 1/(2n); the others have a negative one, which
            switches them off.

    Returns:
        The polygon; for four corners it lies at a kink (length 1, bias 0).

    Raises:
        InputError: For impossible numbers.
    """
    from scipy.optimize import minimize

    if not 3 <= corners <= features or not 0 <= positive <= features - corners:
        raise InputError(f"corners={corners}, features={features}, positive={positive}", "3 <= corners <= features, positive of the others")
    angles = 2 * np.pi * np.arange(corners) / corners
    directions = np.zeros((2, features))
    directions[:, :corners] = np.cos(angles), np.sin(angles)
    bias = np.full(features, -0.5)
    bias[corners : corners + positive] = 1 / (2 * features)
    at_corner = np.arange(features) < corners

    def objective(v: Array) -> tuple[float, Array]:
        w, b = v[0] * directions, np.where(at_corner, v[1], bias)
        by_weights, by_bias = compute_superposition_gradient(w, b)
        return compute_superposition_loss(w, b), np.array([(by_weights * directions).sum(), by_bias[at_corner].sum()])

    found = minimize(objective, np.array([1.1, -0.2]), jac=True, method="BFGS", options={"gtol": 1e-12})
    length, corner = map(float, found.x)
    return Polygon(length * directions, np.where(at_corner, corner, bias), length, corner, float(found.fun))


def descend(weights: ArrayLike, bias: ArrayLike, *, step: float, steps: int) -> tuple[Array, Array, Array]:
    """Gradient descent on the population loss.

    Args:
        weights: W at the start, (m, n).
        bias: b at the start, (n,).
        step: Step size.
        steps: Number of steps.

    Returns:
        W and b at the end, and the loss before each step and at the end, (steps + 1,).
    """
    w, b = (part.copy() for part in _check(weights, bias))
    losses = np.empty(steps + 1)
    for t in range(steps):
        losses[t] = compute_superposition_loss(w, b)
        by_weights, by_bias = compute_superposition_gradient(w, b)
        w -= step * by_weights
        b -= step * by_bias
    losses[steps] = compute_superposition_loss(w, b)
    return w, b, losses
