"""The Fisher information matrix I(w) = E[∂log p ∂log pᵀ], its rank, and whether a model is regular or singular at a parameter.

I is the Hessian of the Kullback-Leibler divergence at the truth, so a direction u with uᵀIu = 0 is one along which the model does not
change to first order. A model is regular at w where I is positive definite, and strictly singular where it is not and no neighbourhood
of w in the set of true parameters is a single point.

References:
    Watanabe (2009), Definition 1.4; Amari, Nagaoka (2000), Methods of Information Geometry, chapter 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from germ.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FisherInformation:
    """The matrix and what it says.

    Args:
        matrix: I(w), (d, d), nats.
        eigenvalues: Ascending, (d,).
        rank: Eigenvalues above the tolerance.
        null_directions: Orthonormal directions that the model does not see to first order, (d - rank, d).
        standard_error: Of the entries, where the matrix was estimated, (d, d).
    """

    matrix: Array
    eigenvalues: Array
    rank: int
    null_directions: Array
    standard_error: Array | None = None

    @property
    def is_regular(self) -> bool:
        """Whether the matrix is positive definite."""
        return self.rank == len(self.matrix)

    @property
    def volume(self) -> float:
        """√det I, the density of Jeffreys' measure."""
        return float(np.sqrt(np.prod(np.maximum(self.eigenvalues, 0)))) if self.is_regular else 0.0

    def __str__(self) -> str:
        verdict = "regular" if self.is_regular else f"singular: {len(self.matrix) - self.rank} directions are not seen"
        return f"Fisher information of rank {self.rank} in {len(self.matrix)} dimensions ({verdict})"


def _report(matrix: Array, tolerance: float, error: Array | None = None) -> FisherInformation:
    values, vectors = np.linalg.eigh(matrix)
    kept = values > tolerance * max(float(values[-1]), 0.0)
    return FisherInformation(matrix, values, int(kept.sum()), vectors[:, ~kept].T, error)


def compute_fisher_information(scores: ArrayLike, weights: ArrayLike, *, tolerance: float = 1e-9) -> FisherInformation:
    """I = Σ_i q_i s_i s_iᵀ from the scores s_i = ∂log p(x_i|w) at all points of a sample space, or at the nodes of a quadrature.

    Args:
        scores: (points, d).
        weights: Probabilities of the points, (points,).
        tolerance: Eigenvalues below this share of the largest count as 0.

    Returns:
        The matrix with its spectrum.

    Raises:
        InputError: If shapes do not fit or a number is not finite.

    Example:
        >>> p = 0.3   # Bernoulli: I = 1/(p(1-p))
        >>> info = compute_fisher_information([[1 / p], [-1 / (1 - p)]], [p, 1 - p])
        >>> round(float(info.matrix[0, 0]) * p * (1 - p), 12)
        1.0
    """
    s, q = np.asarray(scores, float), np.asarray(weights, float)
    if s.ndim != 2 or q.shape != s.shape[:1] or not (np.isfinite(s).all() and np.isfinite(q).all()):
        raise InputError(f"scores of shape {s.shape} and weights of shape {q.shape}", "finite arrays (points, d) and (points,)")
    return _report((s * q[:, None]).T @ s, tolerance)


def estimate_fisher_information(scores: ArrayLike, *, tolerance: float = 1e-9) -> FisherInformation:
    """I from the scores of independent samples of the model, with the standard error of each entry.

    The rank is that of the sampled directions: exact with probability one as soon as there are more samples than parameters.

    Args:
        scores: (n, d), at least two rows.
        tolerance: Eigenvalues below this share of the largest count as 0.

    Returns:
        The matrix with its spectrum and standard errors.

    Raises:
        InputError: If there are fewer than two samples or a number is not finite.
    """
    s = np.asarray(scores, float)
    if s.ndim != 2 or len(s) < 2 or not np.isfinite(s).all():
        raise InputError(f"scores of shape {s.shape}", "a finite array (n, d) with n >= 2")
    products = s[:, :, None] * s[:, None, :]
    return _report(products.mean(0), tolerance, products.std(0, ddof=1) / np.sqrt(len(s)))


def compute_regression_fisher_information(
    jacobian: Callable[[Array], Array], parameter: ArrayLike, inputs: ArrayLike, weights: ArrayLike, *, variance: float = 1.0
) -> FisherInformation:
    """I(w) of y = f(x, w) + N(0, σ²) noise: Σ_i q_i ∂f ∂fᵀ/σ².

    Args:
        jacobian: Parameter (d,) to the derivatives of f at all inputs, (inputs, d).
        parameter: w, (d,).
        inputs: Only their number is used, (inputs, …).
        weights: Probabilities of the inputs.
        variance: σ².

    Returns:
        The matrix with its spectrum.

    Raises:
        InputError: If the variance is not positive or shapes do not fit.

    Example:
        >>> x = np.linspace(-1, 1, 21)
        >>> slope = lambda w: np.stack([np.tanh(w[1] * x), w[0] * x / np.cosh(w[1] * x) ** 2], 1)   # f = a tanh(b x)
        >>> [compute_regression_fisher_information(slope, w, x, np.full(21, 1 / 21)).rank for w in ([1.0, 1.0], [0.0, 1.0], [0.0, 0.0])]
        [2, 1, 0]
    """
    if not variance > 0:
        raise InputError(f"variance={variance}", "a positive number")
    slopes = np.asarray(jacobian(np.asarray(parameter, float)), float)
    if len(slopes) != len(np.asarray(inputs)):
        raise InputError(f"derivatives of shape {slopes.shape}", f"({len(np.asarray(inputs))}, d)")
    return compute_fisher_information(slopes / np.sqrt(variance), weights)
