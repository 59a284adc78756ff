"""Free energy against the size of the model, and against the size of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from germ.errors import InputError
from germ.plots.canvas import check_arrays, get_axes


def plot_free_energy_by_size(
    sizes: ArrayLike, criteria: Mapping[str, ArrayLike], *, errors: Mapping[str, ArrayLike] | None = None, truth: float | None = None,
    ax: Any = None,
) -> Any:  # fmt: skip
    """Free energy, WBIC, sBIC, BIC, … over model size, each less its least value.

    Args:
        sizes: Of the models: rank, number of units or components, (M,).
        criteria: By name, nats, each (M,).
        errors: Standard errors by name, each (M,).
        truth: The size of the truth, where known.
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes; the choice of each criterion is its lowest point, at 0.

    Raises:
        InputError: For arrays of different lengths, or none.
    """
    if not criteria:
        raise InputError("no criterion", "at least one array of nats by name")
    ax = get_axes(ax)
    for name, values in criteria.items():
        error = (errors or {}).get(name)
        a = check_arrays(**{"sizes": sizes, name: values}, **({} if error is None else {f"errors of {name}": error}))
        bars = None if error is None else 2 * a[f"errors of {name}"]
        ax.errorbar(a["sizes"], a[name] - a[name].min(), yerr=bars, fmt="o-", markersize=4, capsize=2, label=name)
    if truth is not None:
        ax.axvline(truth, ls=":", color="#666666", label="truth")
    ax.set(xlabel="size of the model", ylabel="nats above the least")
    ax.legend(fontsize="small")
    return ax


def plot_free_energy_growth(
    sizes: ArrayLike, excess: ArrayLike, *, learning_coefficient: float, multiplicity: int = 1, dimension: int | None = None,
    errors: ArrayLike | None = None, ax: Any = None,
) -> Any:  # fmt: skip
    """F_n − nS_n over log n, beside λ log n − (m − 1) log log n and, for contrast, BIC's (d/2) log n.

    Theory fixes the growth and not the constant: both curves go through the last point.

    Args:
        sizes: n, above e, (N,).
        excess: F_n − nS_n, nats, (N,).
        learning_coefficient: λ.
        multiplicity: m.
        dimension: d, to draw BIC's line.
        errors: Standard errors of `excess`, (N,).
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes.

    Raises:
        InputError: For arrays that do not belong together, or n ≤ e where m > 1.
    """
    a = check_arrays(sizes=sizes, excess=excess, **({} if errors is None else {"errors": errors}))
    order = a["sizes"].argsort()
    n, f = a["sizes"][order], a["excess"][order]
    if n[0] <= math.e:
        raise InputError(f"n = {n[0]:g}", "n > e, where log log n is positive", "leave the smallest data sets out")
    ax = get_axes(ax)
    ax.errorbar(n, f, yerr=2 * a["errors"][order] if "errors" in a else None, fmt="o", markersize=4, color="#1f5a96", label="F − nS")
    fine = np.geomspace(n[0], n[-1], 200)

    def draw(lead: float, m: int, style: str, name: str) -> None:
        curve = lead * np.log(fine) - (m - 1) * np.log(np.log(fine))
        ax.plot(fine, curve + f[-1] - curve[-1], style, color="#c0392b" if style == "-" else "#8a8a8a", label=name)

    draw(learning_coefficient, multiplicity, "-", "λ log n" + (f" − {multiplicity - 1} log log n" if multiplicity > 1 else ""))
    if dimension is not None:
        draw(dimension / 2, 1, "--", "(d/2) log n, BIC")
    ax.set(xscale="log", xlabel="n", ylabel="nats")
    ax.legend(fontsize="small")
    return ax
