"""Criteria of several models side by side: differences to each criterion's best model, with their standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from germ.errors import InputError
from germ.estimators.comparison import Comparison

_COLORS = ("#1f5a96", "#c0392b", "#7f8c8d", "#8e44ad", "#27803b", "#d98718")


def plot_models(comparison: Comparison, criteria: Sequence[str] | None = None, ax: Any = None) -> Any:
    """Draw differences to the best model, nats, one marker a criterion, with bars of two standard errors.

    Args:
        comparison: From `germ.compare_models`.
        criteria: Which criteria; all by default.
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes. Differences are on a scale that is linear up to 1 nat and logarithmic beyond.

    Raises:
        InputError: If a criterion is not in the comparison.
    """
    import matplotlib.pyplot as plt

    chosen = list(comparison.criteria) if criteria is None else list(criteria)
    for name in chosen:
        if name not in comparison.criteria:
            raise InputError(
                f"criterion {name!r}", f"one of {', '.join(comparison.criteria)}", comparison.missing.get(name, "check its name")
            )
    if ax is None:
        _, ax = plt.subplots(figsize=(1.6 + 1.1 * len(comparison.models), 4), layout="constrained")
    at = np.arange(len(comparison.models))
    for k, name in enumerate(chosen):
        c = comparison.criteria[name]
        shift = 0.7 * ((k + 0.5) / len(chosen) - 0.5)
        bars = 2 * np.nan_to_num(c.difference_errors)
        ax.errorbar(at + shift, c.differences, yerr=bars, fmt="o", ms=5, capsize=2, color=_COLORS[k % len(_COLORS)], label=name)
    ax.axhline(0, color="#999999", lw=0.8, zorder=0)
    ax.set_yscale("symlog", linthresh=1.0)
    ax.set_xticks(at, comparison.models)
    ax.set(ylabel="difference to the best model (nats)")
    ax.legend(fontsize="small", ncols=2)
    return ax
