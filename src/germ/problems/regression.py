"""Regression models: y = f(x, w) + noise of variance one, the input's distribution free of w.

For these K(w) = E_x |f(x, w) - f(x, w0)|² / 2, so that λ is a matter of the functions f(·, w) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from germ.errors import InputError
from germ.problems.normal_likelihood import LinearLikelihood, NormalLikelihood
from germ.problems.priors import Prior
from germ.problems.problem import Data, ExactGerm, Problem

Inputs = Callable[[int, torch.Generator], Tensor]


def make_regression(
    name: str,
    function: Callable[[Tensor, Tensor], Tensor] | LinearLikelihood,
    truth: Tensor,
    inputs: Inputs,
    prior: Prior,
    *,
    divergence: Callable[[Tensor], Tensor] | None = None,
    residuals: Callable[[Tensor], Tensor] | None = None,
    exact: ExactGerm | None = None,
    atlas: tuple[str, Mapping[str, Any]] | None = None,
    names: tuple[str, ...] = (),
    notes: str = "",
) -> Problem:
    """A Problem from a regression function.

    Args:
        name: Its name.
        function: (w (P, d), x (n, i)) to means (P, n, o); or the likelihood of a function that is linear in x.
        truth: w0, (d,).
        inputs: (n, generator) to inputs x (n, i).
        prior: The prior.
        divergence: K or a comparable function, if known; by default half the sum of squares of the residuals.
        residuals: Functions f with K comparable to Σ f_i², if known.
        exact: The same in exact form.
        atlas: Label in the atlas.
        names: Names of the parameters.
        notes: What a reader must know.

    Returns:
        The problem; its data are (x (n, i), y (n, o)).
    """
    likelihood = function if isinstance(function, LinearLikelihood) else NormalLikelihood(function)

    if divergence is None and residuals is not None:

        def divergence(w: Tensor) -> Tensor:
            return 0.5 * residuals(w).pow(2).sum(1)

    def simulate(count: int, generator: torch.Generator) -> Data:
        x = inputs(count, generator)
        mean = likelihood.predict(truth[None], x)[0]
        return x, mean + torch.randn(mean.shape, generator=generator, dtype=torch.float64)

    return Problem(
        name=name, dimension=prior.dimension, log_likelihood=likelihood, log_prior=prior.log_density, sample_prior=prior.sample,
        simulate=simulate, truth=truth, divergence=divergence, residuals=residuals, exact=exact,
        atlas=atlas, support=prior.support, names=names, notes=notes, regression=likelihood.predict,
    )  # fmt: skip


def make_gaussian_inputs(dimension: int) -> Inputs:
    """Inputs x ~ N(0, I) in R^dimension."""
    return lambda count, generator: torch.randn(count, dimension, generator=generator, dtype=torch.float64)


def make_uniform_inputs(dimension: int, radius: float = 1.0) -> Inputs:
    """Inputs uniform on [-radius, radius]^dimension."""
    return lambda count, generator: radius * (2 * torch.rand(count, dimension, generator=generator, dtype=torch.float64) - 1)


def check_positive(**sizes: int) -> None:
    """Raise `InputError` unless every size is a positive integer."""
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"got {name}={value!r}", "a positive integer")


def check_rank(name: str, value: int, largest: int) -> None:
    """Raise `InputError` unless 0 <= value <= largest, both integers."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise InputError(f"got {name}={value!r}", f"an integer from 0 to {largest}", "the model has to contain the truth")
