"""Draws as an xarray DataTree in ArviZ's schema, which ArviZ before 1.0 takes too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr


class DrawTree(xr.DataTree):
    """A DataTree of draws, whose first posterior variable is what it looks like as an array.

    ArviZ 1.x reads a DataTree as it is. ArviZ 0.x takes it for an array, and `az.rhat(tree)` would fail; so it gets the (chain, draw) array
    of the first posterior variable, under the name "x". All variables: `az.rhat(tree["posterior"].to_dataset())`.
    """

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The first posterior variable, (chain, draw, ...)."""
        return np.asarray(next(iter(self["posterior"].data_vars.values())), dtype=dtype)


def make_draw_tree(groups: Mapping[str, Mapping[str, np.ndarray]]) -> DrawTree:
    """A tree from arrays.

    Args:
        groups: By path of the group ("posterior", "ladder/hot/posterior"), arrays (chain, draw) by name.

    Returns:
        The tree.

    Example:
        >>> tree = make_draw_tree({"posterior": {"a": np.zeros((2, 5))}})
        >>> tree["posterior"]["a"].sizes["draw"], np.asarray(tree).shape
        (5, (2, 5))
    """
    sets = {}
    for path, variables in groups.items():
        chains, draws = next(iter(variables.values())).shape[:2]
        coordinates = {"chain": np.arange(chains), "draw": np.arange(draws)}
        sets[path] = xr.Dataset({name: (("chain", "draw"), array) for name, array in variables.items()}, coords=coordinates)
    return DrawTree.from_dict(sets)
