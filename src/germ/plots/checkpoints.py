"""The course of λ̂ over a training run, above the losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from germ.claim import Estimate
from germ.errors import InputError

_INK, _QUIET, _COLOURS = "#1f5a96", "#8a8a8a", ("#c0392b", "#8a8a8a", "#3c7a3c", "#7a5a9a")
_ROOM = 0.08  # of the height, below zero: where estimates that are no learning coefficients are marked


def plot_llc_over_checkpoints(
    steps: Sequence[float], results: Sequence[Estimate], *, losses: Mapping[str, Sequence[float]] | None = None, axes: Any = None
) -> Any:
    """λ̂ ± 2σ over training steps, and below it, on the same steps, the losses.

    A negative λ̂ is no learning coefficient: w* is no minimum yet, and how negative it is says how far the chains fell. Such checkpoints are
    marked by open triangles at the lower edge, whatever their value. Step 0 is drawn half a decade before the first step on a logarithmic
    axis.

    Args:
        steps: Training steps of the checkpoints, at least 0.
        results: The estimate at each.
        losses: Losses at each checkpoint by name, nats per sample.
        axes: Matplotlib axes; two of them, upper and lower, with losses. New ones by default.

    Returns:
        The axes of λ̂, or both.

    Raises:
        InputError: If the lengths differ, or there is no checkpoint.
    """
    lengths = {name: len(values) for name, values in (losses or {}).items()}
    if not len(steps) or len(results) != len(steps) or any(length != len(steps) for length in lengths.values()):
        raise InputError(
            f"got {len(steps)} steps, {len(results)} results, losses {lengths or None}", "one of each for every checkpoint",
            "pass sequences of one length",
        )  # fmt: skip
    upper, lower = _make_axes(axes, bool(losses))
    shown, ticks = _place(steps)
    value, error = (np.array([getattr(r, key) for r in results], float) for key in ("value", "standard_error"))
    good = value > 0
    upper.errorbar(shown[good], value[good], 2 * error[good], fmt="o-", markersize=4, capsize=3, color=_INK, label="λ̂ ± 2σ")
    if good.any():
        top = float((value[good] + 2 * error[good]).max())
        upper.set_ylim(-_ROOM * top if not good.all() else 0, 1.08 * top)
    if not good.all():
        edge = -0.45 * _ROOM * float((value[good] + 2 * error[good]).max()) if good.any() else 0.0
        upper.plot(shown[~good], np.full((~good).sum(), edge), "v", color=_QUIET, markerfacecolor="none", label="not a minimum: λ̂ < 0")
    upper.set_ylabel("λ̂", rotation=0, labelpad=8)
    upper.legend(frameon=False, fontsize="small")
    for index, (name, values) in enumerate((losses or {}).items()):
        colour = _COLOURS[index % len(_COLOURS)]
        lower.plot(shown, values, ("-", "--", ":", "-.")[index % 4], marker="o", markersize=3, color=colour, label=name)
    if losses:
        everything = np.concatenate([np.asarray(values, float) for values in losses.values()])
        wide = everything.min() > 0 and everything.max() > 20 * everything.min()
        lower.set(ylabel="loss (nats)", yscale="log" if wide else "linear")
        lower.legend(frameon=False, fontsize="small")
    last = lower if losses else upper
    last.set(xlabel="training step")
    if ticks is not None:
        for ax in {upper, last}:
            ax.set_xscale("log")
        if ticks:
            last.set_xticks([shown[0], *(10.0**k for k in range(*ticks))], ["0", *(f"{10**k:,}" for k in range(*ticks))])
            last.minorticks_off()
    return (upper, lower) if losses else upper


def _place(steps: Sequence[float]) -> tuple[np.ndarray, tuple[int, int] | tuple[()] | None]:
    """Where steps are drawn; None for a linear axis, else the range of decades to name beside step 0, or nothing where there is none."""
    given = np.asarray(steps, float)
    positive = given[given > 0]
    if len(positive) < 2 or positive.max() / positive.min() <= 20:
        return given, None
    if (given > 0).all():
        return given, ()
    decades = (int(np.ceil(np.log10(positive.min()))), int(np.floor(np.log10(positive.max()))) + 1)
    return np.where(given > 0, given, positive.min() / 10**0.5), decades


def _make_axes(axes: Any, two: bool) -> tuple[Any, Any]:
    if axes is not None:
        return axes if two else (axes, None)
    import matplotlib.pyplot as plt

    if two:
        return tuple(plt.subplots(2, 1, figsize=(5, 4.6), height_ratios=[3, 2], sharex=True, layout="constrained")[1])
    return plt.subplots(figsize=(5, 3.2), layout="constrained")[1], None
