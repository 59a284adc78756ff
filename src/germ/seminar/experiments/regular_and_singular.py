"""Divergence, its Hessian and its zeros for y = a tanh(bx) + noise: where the model is regular and where it is singular.

K(w), the divergence from the truth to the model, is zero on the set W₀ of true parameters and close to ½ δwᵀ I δw beside a regular one,
where I is invertible and λ = d/2. Where I is singular K vanishes to higher order in some direction. The same model can be both: with the
truth a = 1, b = 1/2 the network is regular; with the truth zero W₀ is a pair of crossing lines, and λ is 1/2 with m = 2 at the crossing.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from germ.algebra.moments import compute_moment_ideal
from germ.algebra.rlct import compute_rlct
from germ.information.fisher import compute_regression_fisher_information
from germ.seminar.claims import claim_close, claim_equal, exact_pair
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


def _divergence(w: np.ndarray, truth: np.ndarray) -> float:
    difference = w[0] * np.tanh(w[1] * _NODES) - truth[0] * np.tanh(truth[1] * _NODES)
    return float(_WEIGHTS / 2 @ difference**2) / 2


def _slopes(w: np.ndarray) -> np.ndarray:
    return np.stack([np.tanh(w[1] * _NODES), w[0] * _NODES / np.cosh(w[1] * _NODES) ** 2], 1)


def run(size: Size, seed: int) -> Outcome:
    """K and I at a regular truth and at the truth zero, and λ at four points.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    truth, h = np.array([1.0, 0.5]), 1e-3
    info = compute_regression_fisher_information(_slopes, truth, _NODES, _WEIGHTS / 2)
    steps = [np.array([h, 0.0]), np.array([0.0, h])]
    claims = []
    for i, j in ((0, 0), (0, 1), (1, 1)):
        u, v = steps[i], steps[j]
        corners = [_divergence(truth + s * u + t * v, truth) * s * t for s in (1, -1) for t in (1, -1)]
        claims.append(
            claim_close(f"entry ({i}, {j}) of the Hessian of K at the truth (1, 1/2)", info.matrix[i, j], sum(corners) / (4 * h * h),
                        "the Fisher information", tolerance=1e-5, reason="finite differences of step 10⁻³")
        )  # fmt: skip
    claims.append(claim_equal("the model is regular there", True, info.is_regular, "two independent slopes"))
    regular = compute_moment_ideal("tanh", 1, truth=[((1,), (Fraction(1, 2),))])
    zero = compute_moment_ideal("tanh", 1)
    rows = [
        ("at the truth (1, 1/2)", regular, {"a1": "1", "b1": "1/2"}, (Fraction(1), 1), "regular: d/2"),
        ("truth 0, on the axis at (1, 0)", zero, {"a1": "1", "b1": "0"}, (Fraction(1, 2), 1), "a smooth curve of zeros: codimension/2"),
        ("truth 0, on the other axis at (0, 1)", zero, {"a1": "0", "b1": "1"}, (Fraction(1, 2), 1), "codimension/2"),
        ("truth 0, where the axes cross", zero, {"a1": "0", "b1": "0"}, (Fraction(1, 2), 2), "K comparable to a²b²"),
    ]
    for where, ideal, at, expected, source in rows:
        found = compute_rlct(list(ideal.generators), at=at)
        claims.append(claim_equal(f"(λ, m) {where}", expected, exact_pair(found), source))
    figure, axes = start_figure("a", "b", size=(4.2, 3.4))
    grid = np.linspace(-2, 2, 121)
    values = np.array([[_divergence(np.array([a, b]), np.zeros(2)) for a in grid] for b in grid])
    axes.contourf(grid, grid, np.log10(values + 1e-8), levels=16)
    axes.plot([-2, 2], [0, 0], "w", linewidth=1)
    axes.plot([0, 0], [-2, 2], "w", linewidth=1)
    caption = "log K for the truth zero: K vanishes on both axes (white), which cross in the origin."
    return Outcome(tuple(claims), {"divergence": Illustration(figure, caption)}, {"model": "y = a tanh(bx) + N(0, 1), x uniform"})
