"""The problem zoo: statistical model + truth + prior, one singular family per file.

`BUILDERS` names every family of the zoo; `make_problem("tanh", hidden=3)` builds one. Builders are imported on first use.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from germ.errors import InputError

# Family -> "module:builder". An explicit table that grep finds.
BUILDERS: dict[str, str] = {
    "potential": "germ.problems.potential:make_potential",
    "normal-crossing": "germ.problems.potential:make_normal_crossing",
    "two-component": "germ.problems.potential:make_two_component_potential",
    "cusp": "germ.problems.potential:make_cusp",
    "rrr": "germ.problems.linear:make_reduced_rank_regression",
    "dln": "germ.problems.linear:make_deep_linear_network",
    "diagonal": "germ.problems.linear:make_diagonal_network",
    "tanh": "germ.problems.network:make_tanh_network",
    "relu": "germ.problems.network:make_relu_network",
    "gaussian-mixture": "germ.problems.mixture:make_gaussian_mixture",
    "poisson-mixture": "germ.problems.mixture:make_poisson_mixture",
    "binomial-mixture": "germ.problems.mixture:make_binomial_mixture",
    "latent-class": "germ.problems.latent_class:make_latent_class",
    "factor-analysis": "germ.problems.factor_analysis:make_factor_analysis",
    "transformer": "germ.problems.module:make_transformer",
    "cnn": "germ.problems.module:make_convolutional_network",
}


def get_builder(family: str) -> Callable[..., Any]:
    """The builder of a family.

    Args:
        family: A key of `BUILDERS`.

    Returns:
        A function that returns a `Problem`.

    Raises:
        InputError: For a family that the zoo does not have.
    """
    if family not in BUILDERS:
        raise InputError(f"got the family {family!r}", f"one of {', '.join(BUILDERS)}", "or make a `Problem` of your own")
    module, name = BUILDERS[family].split(":")
    return getattr(import_module(module), name)


def make_problem(family: str, **options: Any) -> Any:
    """Build a problem of the zoo.

    Args:
        family: A key of `BUILDERS`.
        **options: Arguments of the family's builder.

    Returns:
        The `Problem`.

    Raises:
        InputError: For an unknown family or option.

    Example:
        >>> make_problem("tanh", hidden=3).dimension
        6
    """
    builder = get_builder(family)
    known = inspect.signature(builder).parameters
    for name in options:
        if name not in known:
            raise InputError(f"got the option {name!r} for {family}", f"one of {', '.join(known)}")
    return builder(**options)
