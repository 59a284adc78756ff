"""Likelihoods of y = f(x, w) + N(0, I), and the short way where f is linear in x.

All that a data set says about C in y = C x + noise is the least-squares fit Ĉ and X'X:

    Σ_i log p(y_i|x_i, w) = −(nN/2) log 2π − |Y − XĈ'|²/2 − |(C(w) − Ĉ) S|²/2,   S S' = X'X.

Written around the fit, so that nothing cancels where C is near it, and at the cost of one product of N × M matrices whatever n is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.problems.problem import Data

_LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class NormalLikelihood:
    """Log-likelihood of a regression function.

    Args:
        predict: (w (P, d), x (n, inputs)) to means (P, n, outputs).
    """

    predict: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, w: Tensor, data: Data) -> Tensor:
        """Values log p(y_i|x_i, w), (P, n)."""
        x, y = data
        return -0.5 * (y - self.predict(w, x)).pow(2).sum(-1) - 0.5 * y.shape[-1] * _LOG_2PI


@dataclass(frozen=True)
class LinearLikelihood:
    """Log-likelihood of a matrix of coefficients; `Summarizable`.

    Args:
        coefficients: w (P, d) to C (P, outputs, inputs).
    """

    coefficients: Callable[[Tensor], Tensor]

    def predict(self, w: Tensor, x: Tensor) -> Tensor:
        """Means (P, n, outputs) at inputs x (n, inputs)."""
        return x @ self.coefficients(w).mT

    def __call__(self, w: Tensor, data: Data) -> Tensor:
        """Values log p(y_i|x_i, w), (P, n)."""
        return NormalLikelihood(self.predict)(w, data)

    def summarize(self, data: Data) -> Callable[[Tensor], Tensor]:
        """A function of w (P, d) that gives Σ_i log p(y_i|x_i, w), (P,)."""
        x, y = data
        u, s, v = torch.linalg.svd(x, full_matrices=False)
        kept = s > s[0] * 1e-12  # directions that no input has leave the likelihood alone
        u, root = u[:, kept], (s[kept, None] * v[kept]).mT
        target = (u.mT @ y).mT  # Ĉ S, (outputs, rank)
        constant = -0.5 * float((y - u @ target.mT).pow(2).sum()) - 0.5 * y.numel() * _LOG_2PI
        return lambda w: constant - 0.5 * (self.coefficients(w) @ root - target).pow(2).sum((-1, -2))
