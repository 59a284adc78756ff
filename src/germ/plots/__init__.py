"""Figures: one file per kind; arrays in, matplotlib Axes out."""

from germ.plots.checkpoints import plot_llc_over_checkpoints
from germ.plots.learning_coefficient import plot_llc_ladder, plot_llc_trace

__all__ = ["plot_llc_ladder", "plot_llc_over_checkpoints", "plot_llc_trace"]
