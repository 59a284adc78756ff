"""`Problem`: a statistical model, the truth it is fitted to, and a prior; where they are known, its exact K or ideal and its atlas label.

This is what all roads to a learning coefficient share: the exact engine takes `exact`, the atlas takes `atlas`, volume scaling takes
`divergence`, posterior sampling takes `log_likelihood` and `log_prior`. All functions are batched over a leading axis of P parameter
vectors and differentiable, in double precision, and free of side effects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

Data = tuple[Tensor, ...]


@runtime_checkable
class Summarizable(Protocol):
    """A log-likelihood with sufficient statistics: its sum over observations can be had in time free of n."""

    def __call__(self, w: Tensor, data: Data) -> Tensor:
        """Values log p(x_i|w), (P, n), for w (P, d)."""

    def summarize(self, data: Data) -> Callable[[Tensor], Tensor]:
        """A function of w (P, d) that gives Σ_i log p(x_i|w), (P,), from statistics of the data."""


@dataclass(frozen=True)
class ExactGerm:
    """K in exact form, as `germ.compute_rlct` takes it.

    Args:
        expression: Text of a polynomial K, or a list of texts, the generators f_i of an ideal with K comparable to Σ f_i².
        domain: Inequalities, e.g. "a>=0; 1-a>=0".
        prior: Text of the prior's density up to a positive factor, where it has zeros or poles.
        at: The point; the origin by default.
        box: Box of a global problem, e.g. "-1:2,-1:1".
    """

    expression: str | tuple[str, ...]
    domain: str | None = None
    prior: str | None = None
    at: Mapping[str, str] | None = None
    box: str | None = None


@dataclass(frozen=True)
class Problem:
    """A statistical model p(x|w), a truth q(x) and a prior φ(w).

    Args:
        name: A short name.
        dimension: d, the number of parameters.
        log_likelihood: (w (P, d), data) to log p(x_i|w), (P, n); samplers take the short way where it is `Summarizable`.
        log_prior: w (P, d) to log φ(w), (P,), normalised; -inf outside the support.
        sample_prior: (P, generator) to P draws from φ, (P, d).
        simulate: (n, generator) to n samples of the truth: tensors with first dimension n.
        truth: A parameter w0 that minimises K, (d,); None where none is known.
        log_truth: data to log q(x_i), (n,); None where the truth is p(x|w0) itself.
        divergence: w (P, d) to K(w) = E_q[log q(x) - log p(x|w)] or a function comparable to it, (P,); None where unknown.
        residuals: w (P, d) to functions f(w), (P, R), with K comparable to Σ f_i², such as f(x_i, w) - f(x_i, w0); None where unknown.
            Volume scaling follows their common zeros.
        exact: The same in exact form.
        atlas: Family and inputs in `germ.atlas`, e.g. ("dln", {"widths": [2, 2, 2], "r": 0}).
        support: Lower and upper ends of the parameters, each (d,), possibly infinite, where the prior's support is a box; None for R^d.
        names: Names of the parameters.
        notes: What a reader must know (which point, which hypothesis).
        regression: (w (P, d), x (n, i)) to means (P, n, o), where the model is y = f(x, w) + N(0, I) with data (x, y); None otherwise.
        deepest: Whether the λ of the truth's neighbourhood is the least over the prior's support; then local and global questions agree.
    """

    name: str
    dimension: int
    log_likelihood: Callable[[Tensor, Data], Tensor]
    log_prior: Callable[[Tensor], Tensor]
    sample_prior: Callable[[int, torch.Generator], Tensor]
    simulate: Callable[[int, torch.Generator], Data]
    truth: Tensor | None = None
    log_truth: Callable[[Data], Tensor] | None = None
    divergence: Callable[[Tensor], Tensor] | None = None
    residuals: Callable[[Tensor], Tensor] | None = None
    exact: ExactGerm | None = None
    atlas: tuple[str, Mapping[str, Any]] | None = None
    support: tuple[Tensor, Tensor] | None = None
    names: tuple[str, ...] = ()
    notes: str = ""
    regression: Callable[[Tensor, Tensor], Tensor] | None = None
    deepest: bool = True
