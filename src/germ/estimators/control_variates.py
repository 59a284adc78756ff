"""Means over posterior draws with less variance: functions whose mean is known to be zero, regressed away.

For every smooth ψ that does not grow too fast, E[Δψ + ∇ψ·∇log π] = 0 (Stein's identity, integration by parts; no boundary term in the
unbounded coordinates of `germ.sampling.coordinates`). With ψ = u_i, u_i u_j this gives d + d(d + 1)/2 controls from gradients that the
sampler has anyway. Where the log-likelihood is quadratic, its mean over a normal posterior then has no variance at all; where it is
homogeneous in blocks of parameters, as for products of matrices, u·∇log π takes away all but what the prior contributes.

References:
    Assaraf & Caffarel (1999); Mira, Solgi, Imparato (2013), zero-variance Markov chain Monte Carlo; Oates, Girolami, Chopin (2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

_DRAWS_PER_CONTROL = 20


@dataclass(frozen=True)
class Mean:
    """A posterior mean.

    Args:
        value: With the controls where they help, else the plain mean.
        standard_error: From the spread of islands, widened for their number.
        plain: The plain mean.
        plain_error: Its standard error, from the spread of islands.
        controls: Number of controls; 0 where the plain mean was better.
    """

    value: float
    standard_error: float
    plain: float
    plain_error: float
    controls: int


def compute_mean(values: np.ndarray, positions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> Mean:
    """Mean of a function over draws, controls regressed away.

    The coefficients used on an island are fitted on the others, so that the mean has no bias from the fit.

    Args:
        values: The function at the draws, (islands, draws), at least two islands.
        positions: Unbounded coordinates u, (islands, draws, d).
        scores: ∇_u log π(u) of the law of the draws, (islands, draws, d).
        weights: Of the islands, (islands,); equal by default.

    Returns:
        Plain and reduced mean.

    Example:
        >>> u = np.random.default_rng(0).normal(size=(8, 100, 2))
        >>> found = compute_mean((u ** 2).sum(2), u, -u)
        >>> abs(found.value - 2) < 1e-9 < found.plain_error
        True
    """
    islands, draws = values.shape
    plain, plain_error = average_islands(values.mean(1), weights)
    if islands < 3:
        return Mean(plain, plain_error, plain, plain_error, 0)
    reduced = np.empty(islands)
    # Normal equations of each island, summed and taken away again: one pass over the draws.
    center = positions.mean((0, 1))
    designs = (_make_controls(u - center, s, islands * draws) for u, s in zip(positions, scores, strict=True))
    sums = [(a.T @ a, a.T @ x, a.mean(0)) for a, x in zip(designs, values, strict=True)]
    squares, products, means = (np.stack(column) for column in zip(*sums, strict=True))
    for c in range(islands):
        matrix, right = squares.sum(0) - squares[c], products.sum(0) - products[c]
        scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        fit = np.linalg.lstsq(matrix / np.outer(scale, scale), right / scale, rcond=1e-12)[0] / scale
        reduced[c] = values[c].mean() - means[c, 1:] @ fit[1:]
    value, error = average_islands(reduced, weights)
    if not (math.isfinite(value) and error < plain_error):
        return Mean(plain, plain_error, plain, plain_error, 0)
    return Mean(value, error, plain, plain_error, means.shape[1] - 1)


def average_islands(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Mean of independent islands and its standard error.

    Args:
        values: One value an island, (islands,), at least two.
        weights: Of the islands, summing to one; equal by default.

    Returns:
        The mean, and the error such that ± 2 of it cover as often as for a normal law.
    """
    count = len(values)
    share = np.full(count, 1 / count) if weights is None else weights
    mean = float(share @ values)
    effective = 1 / float((share**2).sum())
    widen = float(student.ppf(0.97725, max(1.0, effective - 1))) / 2
    # Where one island has nearly all the weight, nothing but the others says how far it may be off.
    between = float(share @ (values - mean) ** 2) * effective / (effective - 1) if effective >= 2 else float(values.var(ddof=1))
    return mean, widen * math.sqrt(between / effective)


def _make_controls(centred: np.ndarray, scores: np.ndarray, draws: int) -> np.ndarray:
    """One and the controls at the draws of an island, (draws, 1 + controls); as many as `draws` of all islands can fit."""
    d = centred.shape[1]
    one = np.ones((len(centred), 1))
    diagonal = centred * scores + 1.0
    if d + d * (d + 1) // 2 <= draws // _DRAWS_PER_CONTROL:
        i, j = np.triu_indices(d, 1)
        return np.concatenate([one, scores, diagonal, centred[:, i] * scores[:, j] + centred[:, j] * scores[:, i]], 1)
    if 2 * d <= draws // _DRAWS_PER_CONTROL:
        return np.concatenate([one, scores, diagonal], 1)
    return np.concatenate([one, diagonal.sum(1, keepdims=True)], 1)
