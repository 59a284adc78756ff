"""Axes for a plot: those that were given, or new ones; and the check that its arrays belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from germ.errors import InputError


def get_axes(ax: Any, size: tuple[float, float] = (6.0, 3.6)) -> Any:
    """The axes given, or the axes of a new figure of that size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def check_arrays(**arrays: ArrayLike) -> Mapping[str, NDArray[np.float64]]:
    """Arrays by name as finite numbers, (N,), of one length N ≥ 1; raises `InputError` naming the one that is not."""
    found = {name: np.asarray(values, float) for name, values in arrays.items()}
    length = len(next(iter(found.values()))) if next(iter(found.values())).ndim == 1 else 0
    for name, values in found.items():
        if values.ndim != 1 or len(values) != length or not length:
            raise InputError(
                f"{name} of shape {values.shape}", f"one dimension and {length or 'at least one'} values", "pass arrays of one length"
            )
        if not np.isfinite(values).all():
            raise InputError(f"{name} has {int((~np.isfinite(values)).sum())} values that are not finite", "numbers", "leave them out")
    return found
