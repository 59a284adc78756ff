"""A figure with one pair of axes, of the size that talk pages use."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def start_figure(xlabel: str, ylabel: str, *, size: tuple[float, float] = (6, 3.2), **settings: Any) -> tuple[Figure, Axes]:
    """An empty figure.

    Args:
        xlabel: Label of the horizontal axis.
        ylabel: Label of the vertical axis.
        size: Inches.
        **settings: Further settings of the axes, such as xscale="log".

    Returns:
        The figure and its axes.
    """
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=xlabel, ylabel=ylabel, **settings)
    return figure, axes
