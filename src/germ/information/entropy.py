"""Entropy, relative entropy and mutual information of discrete distributions, of Gaussians, and from counts, in nats.

References:
    Cover, Thomas (2006), Elements of Information Theory, chapters 2 and 8; Miller (1955), Note on the bias of information estimates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr, xlogy

from germ.claim import Correction, Estimate, Provenance
from germ.errors import InputError

_TOLERANCE = 1e-9  # of a sum of probabilities: some thousand roundings


def check_distribution(probabilities: ArrayLike, name: str = "the distribution") -> NDArray[np.float64]:
    """Check that numbers are probabilities.

    Args:
        probabilities: Non-negative numbers of any shape that sum to 1.
        name: What to call them in a message.

    Returns:
        The array.

    Raises:
        InputError: If one is negative or not finite, or the sum is not 1.
    """
    p = np.asarray(probabilities, dtype=float)
    if p.size == 0 or not np.isfinite(p).all() or (p < 0).any():
        raise InputError(f"{name} is {np.array2string(p, threshold=6)}", "non-negative numbers", "check how it was computed")
    if abs(p.sum() - 1) > _TOLERANCE:
        raise InputError(f"{name} sums to {p.sum():.12g}", "a sum of 1", "divide by the sum if these are weights")
    return p


def compute_entropy(probabilities: ArrayLike) -> float:
    """Shannon's entropy H(p) = -Σ p log p.

    Args:
        probabilities: A distribution of any shape.

    Returns:
        H in nats, at least 0.

    Example:
        >>> from germ.units import convert_nats_to_bits
        >>> convert_nats_to_bits(compute_entropy([1/2, 1/4, 1/8, 1/8]))
        1.75
    """
    p = check_distribution(probabilities)
    return float(-xlogy(p, p).sum())


def compute_relative_entropy(p: ArrayLike, q: ArrayLike) -> float:
    """The Kullback-Leibler divergence D(p‖q) = Σ p log(p/q).

    Args:
        p: The true distribution.
        q: The model's, of the same shape.

    Returns:
        D in nats, at least 0; infinite where q vanishes and p does not.

    Raises:
        InputError: If the shapes differ.

    Example:
        >>> round(compute_relative_entropy([0.5, 0.5], [0.25, 0.75]), 6)
        0.143841
    """
    p, q = check_distribution(p, "p"), check_distribution(q, "q")
    if p.shape != q.shape:
        raise InputError(f"p of shape {p.shape} and q of shape {q.shape}", "the same shape")
    return float(rel_entr(p, q).sum())


def compute_mutual_information(joint: ArrayLike) -> float:
    """I(X; Y) = D(p(x, y) ‖ p(x) p(y)).

    Args:
        joint: Joint distribution, (x, y).

    Returns:
        I in nats.

    Raises:
        InputError: If the array has not two axes.

    Example:
        >>> compute_mutual_information([[0.25, 0.25], [0.25, 0.25]])
        0.0
    """
    p = check_distribution(joint, "the joint distribution")
    if p.ndim != 2:
        raise InputError(f"a joint distribution with {p.ndim} axes", "two")
    return float(rel_entr(p, p.sum(1, keepdims=True) * p.sum(0, keepdims=True)).sum())


def compute_gaussian_relative_entropy(mean: ArrayLike, covariance: ArrayLike, mean_0: ArrayLike, covariance_0: ArrayLike) -> float:
    """D(N(μ, Σ) ‖ N(μ₀, Σ₀)) = ½ (tr Σ₀⁻¹Σ + (μ-μ₀)ᵀΣ₀⁻¹(μ-μ₀) - d - log det Σ/det Σ₀).

    Args:
        mean: μ, (d,) or a number.
        covariance: Σ, (d, d) or a number (the variance).
        mean_0: μ₀.
        covariance_0: Σ₀.

    Returns:
        D in nats.

    Raises:
        InputError: If a covariance is not positive definite or shapes do not fit.

    Example:
        >>> round(compute_gaussian_relative_entropy(1.0, 4.0, 0.0, 1.0), 6)
        1.306853
    """
    m, m0 = np.atleast_1d(np.asarray(mean, float)), np.atleast_1d(np.asarray(mean_0, float))
    s, s0 = np.atleast_2d(np.asarray(covariance, float)), np.atleast_2d(np.asarray(covariance_0, float))
    if not m.shape == m0.shape == s.shape[:1] == s.shape[1:] == s0.shape[:1] == s0.shape[1:]:
        raise InputError(f"means {m.shape}, {m0.shape} and covariances {s.shape}, {s0.shape}", "(d,) and (d, d)")
    try:
        low, low0 = np.linalg.cholesky(s), np.linalg.cholesky(s0)
    except np.linalg.LinAlgError:
        raise InputError("a covariance that is not positive definite", "positive definite covariances") from None
    ratio, shift = np.linalg.solve(low0, low), np.linalg.solve(low0, m - m0)
    return float((ratio**2).sum() / 2 + shift @ shift / 2 - len(m) / 2 - np.log(np.diag(low) / np.diag(low0)).sum())


def estimate_entropy(counts: Sequence[int] | ArrayLike) -> Estimate:
    """Entropy from counts: the plug-in value plus Miller's correction of its bias, (k - 1)/2n for k cells that occur.

    The bias after correction is O(1/n²) for fixed k; for n below some k it is not small, and a warning says so.

    Args:
        counts: How often each cell occurred.

    Returns:
        H in nats; the standard error is √(Var[-log p]/n) (delta method).

    Raises:
        InputError: If counts are negative, fractional or fewer than two.

    Example:
        >>> print(estimate_entropy([50, 25, 13, 12]).provenance.method)
        plug-in with Miller's correction
    """
    c = np.asarray(counts, dtype=float).ravel()
    if not np.isfinite(c).all() or (c < 0).any() or (c != np.floor(c)).any() or c.sum() < 2:
        raise InputError(f"counts {np.array2string(c, threshold=6)}", "non-negative whole numbers with a sum of at least 2")
    c = c[c > 0]
    n = c.sum()
    p = c / n
    plug_in = float(-(p * np.log(p)).sum())
    amount = (len(c) - 1) / (2 * n)
    variance = max(float((p * np.log(p) ** 2).sum()) - plug_in**2, 0.0) / n
    warnings = (f"n = {n:.0f} samples for {len(c)} cells: the remaining bias is not small",) if n < 5 * len(c) else ()
    correction = Correction("bias of the plug-in value", amount, 0.0, "(k - 1)/2n, Miller 1955")
    provenance = Provenance("plug-in with Miller's correction", "Miller (1955)", "sampled")
    return Estimate(
        plug_in + amount, math.sqrt(variance), provenance, "Ĥ", {"n": int(n), "cells": len(c)}, (correction,), warnings
    )  # fmt: skip
