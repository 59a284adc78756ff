"""Watanabe's equations of state: generalisation loss less training loss against what the training losses alone predict."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from germ.errors import InputError
from germ.plots.canvas import check_arrays, get_axes


def plot_equation_of_state(
    gibbs_training: ArrayLike,
    bayes_training: ArrayLike,
    generalization: ArrayLike,
    *,
    kind: str = "bayes",
    beta: float = 1.0,
    ax: Any = None,
) -> Any:
    """E[B_g] − E[B_t] = 2β (E[G_t] − E[B_t]), one point a data set, and the means with two standard errors.

    The equation is between expectations, to o(1/n): single data sets scatter, the mean has to lie on the diagonal.

    Args:
        gibbs_training: G_t of each data set, nats per sample, (R,).
        bayes_training: B_t, (R,).
        generalization: B_g (or G_g, for kind="gibbs"), from held-out data or the known truth, (R,).
        kind: "bayes", or "gibbs" for E[G_g] − E[G_t].
        beta: Inverse temperature of the posteriors.
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes.

    Raises:
        InputError: For arrays of different lengths, or another kind.
    """
    if kind not in ("bayes", "gibbs"):
        raise InputError(f"kind={kind!r}", "'bayes' or 'gibbs'")
    a = check_arrays(gibbs_training=gibbs_training, bayes_training=bayes_training, generalization=generalization)
    predicted = 2 * beta * (a["gibbs_training"] - a["bayes_training"])
    found = a["generalization"] - a[f"{kind}_training"]
    ax = get_axes(ax, (4.6, 4.2))
    letter = kind[0].upper()
    ax.plot(predicted, found, ".", color="#9dbbd8", label="data sets")
    ends = np.array([min(predicted.min(), 0.0), predicted.max() * 1.05])
    ax.plot(ends, ends, "--", color="#666666", label="equation of state")
    if len(found) > 1:
        errors = [2 * x.std(ddof=1) / np.sqrt(len(x)) for x in (predicted, found)]
        ax.errorbar(predicted.mean(), found.mean(), xerr=errors[0], yerr=errors[1], fmt="o", color="#c0392b", label="mean, 2σ")
    ax.set(xlabel="2β (G_t − B_t), nats per sample", ylabel=f"{letter}_g − {letter}_t, nats per sample")
    ax.legend(fontsize="small")
    return ax
