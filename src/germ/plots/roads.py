"""A comparison of roads as a figure: λ with two standard errors for each road, the reference as a line."""

from __future__ import annotations

from typing import Any

from germ.claim import Bound
from germ.plots.canvas import get_axes
from germ.roads.comparison import Comparison

_COLOURS = {"reference": "black", "agrees": "C2", "disagrees": "C3", "open": "C1"}


def plot_roads(comparison: Comparison, ax: Any = None) -> Any:
    """Draw λ by every road that gave one, with bars of two standard errors; bounds as grey intervals.

    Args:
        comparison: From `germ.compare`.
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes.
    """
    rows = [row for row in comparison.rows if row.value is not None or isinstance(row.claim, Bound)]
    ax = get_axes(ax, (6.0, 1.0 + 0.4 * max(len(rows), 1)))
    reference = comparison.reference
    if reference is not None and reference.value is not None:
        ax.axvline(float(reference.value), color="black", linewidth=0.8, zorder=0)
    for height, row in enumerate(reversed(rows)):
        colour = _COLOURS.get(row.status, "C1")
        if row.value is not None:
            error = 2 * (row.standard_error or 0.0)
            ax.errorbar(float(row.value), height, xerr=error or None, fmt="o" if error else "D", color=colour, capsize=3, markersize=5)
        elif isinstance(row.claim, Bound) and row.claim.upper is not None:
            ax.plot([float(row.claim.lower or 0), float(row.claim.upper)], [height, height], color="0.6", linewidth=4, alpha=0.5)
    labels = [f"{row.road}\n{row.describe_value()}" for row in reversed(rows)]
    ax.set_yticks(range(len(rows)), labels, fontsize="small")
    ax.set_ylim(-0.6, max(len(rows), 1) - 0.4)
    ax.set_xlabel("λ, bars of two standard errors")
    ax.set_title(f"{comparison.problem} (d = {comparison.dimension})", fontsize="medium", loc="left")
    return ax
