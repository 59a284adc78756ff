"""Learning in context: linear attention that performs gradient descent, and the predictors that are optimal for linear regression tasks.

A prompt holds pairs (x_j, y_j) with y_j = w·x_j + noise and a query x; the task w differs from prompt to prompt. Linear self-attention with
suitable weights is one step of gradient descent on the prompt's own least-squares loss, and L layers are L steps (von Oswald et al. 2023).
What can be done best depends on the distribution of tasks: for Gaussian tasks it is ridge regression, for finitely many the mean over their
posterior (Raventós et al. 2023). Leading axes of all arrays are prompts.

References:
    von Oswald et al. (2023), Transformers learn in-context by gradient descent, Proposition 1.
    Raventós et al. (2023), Pretraining task diversity and the emergence of non-Bayesian in-context learning for regression.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from germ.errors import InputError

Array = NDArray[np.float64]


def _check(inputs: ArrayLike, targets: ArrayLike, query: ArrayLike) -> tuple[Array, Array, Array]:
    x, y, q = np.asarray(inputs, float), np.asarray(targets, float), np.asarray(query, float)
    if x.ndim < 2 or y.shape != x.shape[:-1] or q.shape != (*x.shape[:-2], x.shape[-1]):
        raise InputError(f"inputs {x.shape}, targets {y.shape}, query {q.shape}", "(…, n, d), (…, n) and (…, d)")
    return x, y, q


def attend_linearly(tokens: ArrayLike, key: ArrayLike, query: ArrayLike, value: ArrayLike, *, scale: float, context: int) -> Array:
    """One layer of linear self-attention with a residual: t_i + scale · Σ_{j < context} V t_j (K t_j · Q t_i).

    Args:
        tokens: (…, t, e).
        key: K, (k, e).
        query: Q, (k, e).
        value: V, (e, e).
        scale: Factor in the place of the softmax.
        context: How many of the first tokens are attended to.

    Returns:
        The new tokens, (…, t, e).
    """
    t, k, q, v = (np.asarray(a, float) for a in (tokens, key, query, value))
    seen = t[..., :context, :]
    scores = (t @ q.T) @ np.swapaxes(seen @ k.T, -1, -2)
    return np.asarray(t + scale * scores @ (seen @ v.T))


def predict_by_attention(inputs: ArrayLike, targets: ArrayLike, query: ArrayLike, *, rate: float, layers: int = 1) -> Array:
    """The answer of linear attention whose weights perform gradient descent.

    Tokens are (x, y), the query's is (x, 0); keys and queries read x, values −y: each layer takes the step's prediction off every y.

    Args:
        inputs: x_j, (…, n, d).
        targets: y_j, (…, n).
        query: x, (…, d).
        rate: Step size.
        layers: L.

    Returns:
        Predictions, (…,): minus the last entry of the query's token.
    """
    x, y, q = _check(inputs, targets, query)
    n, d = x.shape[-2:]
    last = np.concatenate([q, np.zeros((*q.shape[:-1], 1))], -1)[..., None, :]
    tokens = np.concatenate([np.concatenate([x, y[..., None]], -1), last], -2)
    read, write = np.eye(d, d + 1), np.zeros((d + 1, d + 1))
    write[d, d] = -1
    for _ in range(layers):
        tokens = attend_linearly(tokens, read, read, write, scale=rate / n, context=n)
    return np.asarray(-tokens[..., n, d])


def predict_by_descent(inputs: ArrayLike, targets: ArrayLike, query: ArrayLike, *, rate: float, steps: int = 1) -> Array:
    """The prediction after gradient descent on Σ_j (w·x_j − y_j)²/(2n) from w = 0.

    Args:
        inputs: x_j, (…, n, d).
        targets: y_j, (…, n).
        query: x, (…, d).
        rate: Step size.
        steps: Number of steps.

    Returns:
        Predictions w·x, (…,).

    Example:
        >>> x, y, q = [[1.0, 0.0], [0.0, 1.0]], [2.0, 3.0], [1.0, 1.0]
        >>> float(predict_by_descent(x, y, q, rate=1.0)), float(predict_by_attention(x, y, q, rate=1.0))
        (2.5, 2.5)
    """
    x, y, q = _check(inputs, targets, query)
    w = np.zeros_like(q)
    for _ in range(steps):
        residual = np.einsum("...nd,...d->...n", x, w) - y
        w = w - rate / x.shape[-2] * np.einsum("...nd,...n->...d", x, residual)
    return np.asarray((w * q).sum(-1))


def predict_by_ridge(inputs: ArrayLike, targets: ArrayLike, query: ArrayLike, *, variance: float) -> tuple[Array, Array]:
    """The Bayesian prediction for tasks w ~ N(0, 1_d): ridge regression with the noise's variance as penalty.

    Args:
        inputs: x_j, (…, n, d).
        targets: y_j, (…, n).
        query: x, (…, d).
        variance: σ² of the noise, positive.

    Returns:
        Mean of w·x over the posterior, and its variance, (…,) each.

    Raises:
        InputError: If the variance is not positive or shapes do not fit.
    """
    x, y, q = _check(inputs, targets, query)
    if not variance > 0:
        raise InputError(f"variance={variance}", "a positive number")
    gram = np.einsum("...ni,...nj->...ij", x, x) + variance * np.eye(x.shape[-1])
    solved = np.linalg.solve(gram, q[..., None])[..., 0]
    return np.einsum("...d,...nd,...n->...", solved, x, y), variance * (solved * q).sum(-1)


def predict_from_tasks(
    inputs: ArrayLike, targets: ArrayLike, query: ArrayLike, tasks: ArrayLike, *, variance: float, log_prior: ArrayLike | None = None
) -> tuple[Array, Array]:
    """The Bayesian prediction where the task is one of finitely many.

    Args:
        inputs: x_j, (…, n, d).
        targets: y_j, (…, n).
        query: x, (…, d).
        tasks: w_m, (M, d).
        variance: σ² of the noise, positive.
        log_prior: Logarithms of prior weights, up to a constant, (M,); equal by default.

    Returns:
        Mean of w·x over the posterior, (…,), and the posterior over tasks, (…, M).

    Raises:
        InputError: If the variance is not positive or shapes do not fit.
    """
    x, y, q = _check(inputs, targets, query)
    w = np.asarray(tasks, float)
    if not variance > 0 or w.ndim != 2 or w.shape[1] != x.shape[-1]:
        raise InputError(f"variance={variance}, tasks of shape {w.shape}", "a positive variance and tasks (M, d)")
    logs = -((y[..., None] - x @ w.T) ** 2).sum(-2) / (2 * variance) + (0.0 if log_prior is None else np.asarray(log_prior, float))
    weights = np.exp(logs - logs.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.asarray((weights * (q @ w.T)).sum(-1)), weights
