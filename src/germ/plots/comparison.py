"""Predictive criteria of several models: loss with two standard errors, and the differences from the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from germ.errors import InputError
from germ.plots.canvas import check_arrays, get_axes


def plot_comparison(names: Sequence[str], pointwise: ArrayLike, *, label: str = "WAIC", ax: Any = None) -> Any:
    """Mean losses of models on the same observations, best first, and their differences from the best.

    The error bar of a difference is that of the paired differences, √(n Var_i[l_i − l_i′])/n: models agree on which observations are hard,
    so that it is far smaller than the error bars of the losses suggest.

    Args:
        names: Of the models, (M,).
        pointwise: Losses of each observation, (M, n), nats: `estimate_waic(…).pointwise["waic"]`, or "loo".
        label: What the losses are.
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes: losses with 2σ (dots), and best loss + difference with 2σ of the difference (triangles).

    Raises:
        InputError: If the models have other numbers of observations than one, or a loss is not finite.
    """
    rows = [np.asarray(row, float).ravel() for row in pointwise]  # type: ignore[union-attr]
    if len(rows) != len(names) or not rows or len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        raise InputError(
            f"{len(names)} names and losses of {[len(row) for row in rows]} observations",
            "one name for each model, and the same two or more observations for all",
            "models fitted to different data cannot be compared",
        )
    check_arrays(**{f"losses of {name}": row for name, row in zip(names, rows, strict=True)})
    table = np.stack(rows)
    order = np.argsort(table.mean(1), kind="stable")
    table, root = table[order], np.sqrt(table.shape[1])
    means, errors = table.mean(1), table.std(1, ddof=1) / root
    paired = (table - table[0]).std(1, ddof=1) / root
    ax = get_axes(ax, (6.0, 1.2 + 0.45 * len(rows)))
    height = np.arange(len(rows))
    ax.errorbar(means, height, xerr=2 * errors, fmt="o", color="#1f5a96", label=f"{label}, 2σ")
    if len(rows) > 1:
        ax.errorbar(means[1:], height[1:] + 0.25, xerr=2 * paired[1:], fmt="^", color="#8a8a8a", label="difference from the best, 2σ")
    ax.axvline(means[0], ls=":", color="#8a8a8a")
    ax.set_yticks(height, [names[i] for i in order])
    ax.set(xlabel=f"{label} (nats per sample; less is better)", ylim=(len(rows) - 0.5, -0.5))
    ax.legend(fontsize="small")
    return ax
