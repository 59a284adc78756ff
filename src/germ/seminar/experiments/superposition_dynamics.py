"""Gradient descent in the toy model of superposition: where it stops, it has found a polygon.

Started near zero, descent first lengthens the features and then spreads them out; some are squeezed to the centre on the way and stay
there. So it ends in local minima, the pentagon with one absent feature more often than the hexagon, although the hexagon's loss is lower.
The posterior is not bound by such paths: which polygon it prefers is a question of free energy.
"""

from __future__ import annotations

import numpy as np

from germ.networks.superposition import compute_superposition_gradient, descend, find_polygon
from germ.seminar.claims import claim_between, claim_close, claim_equal
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Six features in two dimensions, from small random weights.

    Args:
        size: How many starts.
        seed: Of the starts.

    Returns:
        The outcome.
    """
    rng, starts, steps = np.random.default_rng(seed), {"small": 12, "full": 200}[size], 4000
    known = {f"{k}-gon{'+' * p}{'−' * (6 - k - p)}": find_polygon(k, positive=p).loss for k in (4, 5, 6) for p in range(7 - k)}
    ends, curves, rises, slopes = [], [], 0.0, 0.0
    for _ in range(starts):
        weights, bias, losses = descend(0.1 * rng.normal(size=(2, 6)), np.zeros(6), step=0.5, steps=steps)
        distances = {name: abs(loss - float(losses[-1])) for name, loss in known.items()}
        nearest = min(distances, key=distances.__getitem__)
        ends.append((nearest, distances[nearest]))
        rises = max(rises, float(np.diff(losses).max()))
        by_weights, by_bias = compute_superposition_gradient(weights, bias)
        slopes = max(slopes, float(np.abs(by_weights).max()), float(np.abs(by_bias).max()))
        curves.append(losses)
    square = find_polygon(4)
    shaken = square.weights + 1e-3 * rng.normal(size=(2, 6)) * (np.hypot(*square.weights) > 0)
    *_, stuck = descend(shaken, square.bias, step=0.5, steps=steps)
    claims = (
        claim_between(f"largest distance of a final loss from that of a polygon, {starts} starts", max(d for _, d in ends),
                      "descent ends in a critical point; all that are found are polygons", upper=1e-4),
        claim_between("largest component of the gradient at the ends", slopes, "a critical point", upper=1e-3),
        claim_between("largest rise of the loss in a step", rises, "the step is below 2/(largest curvature)", upper=1e-9),
        claim_equal("ends below the hexagon, the lowest polygon", 0, sum(bool(c[-1] < known["6-gon"] - 1e-9) for c in curves),
                    "it is the minimum among polygons"),
        claim_close("loss of a shaken square with both absent features switched off, after descent", 1 / 9, float(stuck[-1]),
                    "features without gradient do not come back", tolerance=1e-6, reason="slow end of the descent"),
    )  # fmt: skip
    figure, axes = start_figure("steps", "loss", xscale="log")
    for curve in curves[:12]:
        axes.plot(np.arange(1, steps + 2), curve, linewidth=1)
    for name in ("4-gon++", "5-gon+", "6-gon"):
        axes.axhline(known[name], color="0.6", linewidth=0.7, linestyle="--")
        axes.text(1, known[name], name, fontsize=7, va="bottom", color="0.35")
    counts = {name: sum(end == name for end, _ in ends) for name in known}
    caption = "Losses along descent from twelve small starts, with the losses of three polygons (dashed): each ends on one of them."
    note = "Ends: " + ", ".join(f"{number} × {name}" for name, number in counts.items() if number) + "."
    return Outcome(claims, {"descent": Illustration(figure, caption)}, {"starts": starts, "steps": steps, "step size": 0.5}, (note,))
