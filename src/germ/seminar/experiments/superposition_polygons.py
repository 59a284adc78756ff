"""The toy model of superposition: its loss in closed form, the polygons that are its critical points, and λ of each.

Six features have to pass through two dimensions, one at a time. The model arranges some of them as the corners of a regular polygon, so
that the output's bias can hide how they overlap, and gives up the others. Pentagon and hexagon are places where the loss is analytic and
its zeros form a manifold, so that λ is half the rank of the Hessian: one direction is lost to the rotation, three more for each feature
that is switched off. At the square of bias 0 the loss has a kink, and there is no such λ.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from germ.errors import InputError
from germ.networks.superposition import (
    compute_feature_dimensionality,
    compute_superposition_hessian,
    compute_superposition_loss,
    find_polygon,
)
from germ.seminar.claims import claim_close, claim_equal, claim_refused, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size

_KNOWN = {  # corners, positive biases of absent features: loss, length, bias at the corners, λ
    (6, 0): (0.0481924, 1.320526, -0.618135, Fraction(17, 2)),
    (5, 0): (0.0687436, 1.170460, -0.282297, Fraction(7)),
    (5, 1): (0.0617991, 1.170460, -0.282297, Fraction(17, 2)),
}


def run(size: Size, seed: int) -> Outcome:
    """Six features in two dimensions.

    Args:
        size: How many samples check the loss.
        seed: Of the samples.

    Returns:
        The outcome.
    """
    claims = []
    polygons = {}
    for (corners, positive), (loss, length, bias, value) in _KNOWN.items():
        found = polygons[corners, positive] = find_polygon(corners, positive=positive)
        name = f"{corners}-gon{'+' * positive}"
        claims += [
            claim_close(f"{what}, {name}", expected, number, "independent computation", tolerance=tolerance, reason="digits printed")
            for what, expected, number, tolerance in (
                ("loss", loss, found.loss, 6e-8),
                ("distance of the corners from 0", length, found.length, 6e-7),
                ("bias at the corners", bias, found.corner_bias, 6e-7),
            )
        ]
        values = np.linalg.eigvalsh(compute_superposition_hessian(found.weights, found.bias))
        claims += [
            claim_equal(f"(rank of the Hessian)/2 of the {name}", value, Fraction(int((np.abs(values) > 1e-6).sum()), 2),
                        "18 parameters, less the rotation, less 3 for a feature that is off"),
            claim_equal(f"directions in which the {name} is no minimum", 0, int((values < -1e-6).sum()), "a local minimum"),
        ]  # fmt: skip
    for positive, loss in ((0, 1 / 9), (1, 1 / 9 - 1 / 144), (2, 1 / 9 - 1 / 72)):
        name = "4-gon" + "+" * positive + "−" * (2 - positive)
        claims.append(
            claim_close(f"loss of the {name}", loss, find_polygon(4, positive=positive).loss,
                        "absent features: 1/18 each, 1/144 less with the best bias", tolerance=1e-12, reason="minimiser")
        )  # fmt: skip
    square = find_polygon(4)
    claims.append(
        claim_refused("the square has no Hessian", lambda: compute_superposition_hessian(square.weights, square.bias),
                      "relu at 0: not analytic", error=InputError, hypothesis="kink")
    )  # fmt: skip
    triangle, pentagon = (np.array([np.cos(angles), np.sin(angles)]) for angles in (2 * np.pi * np.arange(k) / k for k in (3, 5)))
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]).T
    for name, columns, share in (
        ("pair", np.array([[1, -1]]), 1 / 2), ("triangle", triangle, 2 / 3), ("pentagon", pentagon, 2 / 5),
        ("tetrahedron", tetrahedron, 3 / 4),
    ):  # fmt: skip
        claims.append(claim_close(f"dimensions for each feature, {name}", share, float(compute_feature_dimensionality(columns).min()),
                                  "Elhage et al. 2022: dimensions over corners", tolerance=1e-12, reason="rounding"))  # fmt: skip
    rng, n = np.random.default_rng(seed), {"small": 100_000, "full": 4_000_000}[size]
    weights, biases = rng.normal(size=(2, 6)), rng.normal(size=6)
    inputs = np.eye(6)[rng.integers(0, 6, n)] * rng.random((n, 1))
    losses = ((inputs - np.maximum(inputs @ (weights.T @ weights) + biases, 0)) ** 2).sum(1)
    claims.append(claim_within_errors("loss at a random parameter", compute_superposition_loss(weights, biases), float(losses.mean()),
                                      float(losses.std() / np.sqrt(n)), "the closed form"))  # fmt: skip
    figure, axes = start_figure("", "", size=(7, 2.5), aspect="equal")
    axes.axis("off")
    for k, (name, found) in enumerate(
        (("square, 1/9", square), *((f"{c}-gon{'+' * p}, {f.loss:.4f}", f) for (c, p), f in polygons.items()))
    ):
        kept = [i for i in range(6) if np.hypot(*found.weights[:, i]) > 0]
        x, y = found.weights[:, [*kept, kept[0]]]
        axes.plot(x + 3.4 * k, y, "o-", markersize=4)
        axes.text(3.4 * k, -1.9, name, ha="center", fontsize=9)
    caption = "Columns of W at four critical points, with their losses: each feature is a corner, absent features lie at the centre."
    return Outcome(tuple(claims), {"polygons": Illustration(figure, caption)}, {"features": 6, "dimensions": 2})
