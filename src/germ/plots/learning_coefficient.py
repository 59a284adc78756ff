"""Figures of an estimated learning coefficient: its draws, and its ladder of temperatures or localisations."""

from __future__ import annotations

from typing import Any

import numpy as np

from germ.claim import Estimate
from germ.errors import InputError


def plot_llc_trace(result: Estimate, axes: Any = None) -> Any:
    """Draw the draws of each chain, and beside them their running means with the estimate and its 2σ band.

    Args:
        result: From `germ.estimate_learning_coefficient`.
        axes: Two matplotlib axes; new ones by default.

    Returns:
        The two axes.

    Raises:
        InputError: If the estimate has no draws (λ was counted, not sampled).
    """
    left, right = _make_axes(2) if axes is None else axes
    posterior = _get_trace(result)["posterior"]
    values = np.asarray(posterior["learning_coefficient"])
    shown = values[:: max(1, len(values) // 8)][:8]
    steps = np.arange(1, values.shape[1] + 1)
    for chain in shown:
        left.plot(steps, chain, linewidth=0.7, alpha=0.8)
        right.plot(steps, np.cumsum(chain) / steps, linewidth=0.7, alpha=0.5)
    right.plot(steps, np.cumsum(values.mean(0)) / steps, color="black", linewidth=1.5, label=f"mean of {len(values)} chains")
    _draw_band(right, result)
    left.set(xlabel="draw", ylabel="nβ (L(w) − L(w*))", title=f"{len(shown)} of {len(values)} chains")
    right.set(xlabel="draw", ylabel="running mean", title="running means")
    right.legend(frameon=False, fontsize="small")
    return left, right


def plot_llc_ladder(result: Estimate, ax: Any = None) -> Any:
    """Draw the values along the ladder: E[nβK] against nβ where λ is a limit, and λ̂ against γ where it is carried to γ = 0.

    Args:
        result: From `germ.estimate_learning_coefficient`.
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes.

    Raises:
        InputError: If the estimate has no ladder.
    """
    ax = _make_axes(1) if ax is None else ax
    rungs = result.diagnostics.get("ladder")
    if rungs:
        cold = [r for name, r in rungs.items() if name != "hot"]
        hot = [r for name, r in rungs.items() if name == "hot"]
        for group, label, marker in ((cold, f"nβ = {cold[0]['nbeta']:.4g}", "o"), (hot, "half of that nβ, γ/nβ fixed", "s")):
            if group:
                x, y, e = ([r[key] for r in group] for key in ("localization", "value", "standard_error"))
                ax.errorbar(x, y, np.multiply(2, e), fmt=marker, capsize=3, label=label)
        ax.set_xscale("log")
        ax.set(xlabel="localisation γ", ylabel="nβ (E[L] − L(w*))")
    else:
        ladder = _get_trace(result)["ladder"]
        means = np.asarray(ladder["mean_excess"])
        error = means.std(1, ddof=1) / np.sqrt(means.shape[1])
        ax.errorbar(np.asarray(ladder["nbeta"]), means.mean(1), 2 * error, fmt=".", markersize=4, elinewidth=0.8, label="E[nβK] ± 2σ")
        ax.set_xscale("log")
        ax.set(xlabel="inverse temperature nβ", ylabel="E[nβK]")
    _draw_band(ax, result)
    ax.legend(frameon=False, fontsize="small")
    return ax


def _draw_band(ax: Any, result: Estimate) -> None:
    low, high = result.value - 2 * result.standard_error, result.value + 2 * result.standard_error
    ax.axhspan(low, high, color="C2", alpha=0.25, linewidth=0)
    ax.axhline(result.value, color="C2", linewidth=1, label=f"λ̂ = {result.value:.4g} ± {result.standard_error:.2g}, band 2σ")


def _get_trace(result: Estimate) -> Any:
    if result.trace is None:
        raise InputError("the estimate has no draws: λ is half the rank of the Hessian here", "a sampled estimate", "print it instead")
    return result.trace


def _make_axes(count: int) -> Any:
    import matplotlib.pyplot as plt

    return plt.subplots(1, count, figsize=(4.5 * count, 3.2), layout="constrained")[1]
