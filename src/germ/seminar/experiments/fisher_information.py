"""Fisher information matrices: exact for a coin, of rank 2, 1 or 0 for one tanh unit, and sampled with error bars.

I(w) = E[∂log p ∂log pᵀ] says how well samples tell neighbouring parameters apart, and its inverse bounds the variance of any unbiased
estimator (Cramér and Rao). Where I has a null direction the parameter can move along it without being seen, the bound is infinite, and
the classical theory with its d/2 ends. One tanh unit a tanh(bx) is such a model: it cannot tell b where a = 0, nor a where b = 0.
"""

from __future__ import annotations

import numpy as np

from germ.information.fisher import compute_fisher_information, compute_regression_fisher_information, estimate_fisher_information
from germ.seminar.claims import claim_close, claim_equal, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size

_NODES = np.polynomial.legendre.leggauss(40)


def _slopes(w: np.ndarray) -> np.ndarray:
    x = _NODES[0]
    return np.stack([np.tanh(w[1] * x), w[0] * x / np.cosh(w[1] * x) ** 2], 1)


def run(size: Size, seed: int) -> Outcome:
    """The coin, y = a tanh(bx) + noise with x uniform on [−1, 1], and a Monte Carlo matrix.

    Args:
        size: How many samples.
        seed: Of the samples.

    Returns:
        The outcome.
    """
    weights = _NODES[1] / 2
    claims = []
    for w in (0.2, 0.5):
        info = compute_fisher_information([[1 / w], [-1 / (1 - w)]], [w, 1 - w])
        claims.append(
            claim_close(f"I(w) of a coin at w = {w}", 1 / (w * (1 - w)), info.matrix[0, 0], "1/(w(1 − w))", tolerance=1e-12,
                        reason="rounding")
        )  # fmt: skip
    for point, rank in (((1.0, 0.7), 2), ((0.0, 0.7), 1), ((1.0, 0.0), 1), ((0.0, 0.0), 0)):
        info = compute_regression_fisher_information(_slopes, np.array(point), _NODES[0], weights)
        claims.append(claim_equal(f"rank of I for a tanh(bx) at (a, b) = {point}", rank, info.rank, "singular iff a = 0 or b = 0"))
    zero = compute_regression_fisher_information(_slopes, np.array([0.0, 0.7]), _NODES[0], weights)
    claims.append(
        claim_close("the direction that is not seen at a = 0 is b", 1.0, abs(zero.null_directions[0, 1]), "∂f/∂b = 0 there",
                    tolerance=1e-9, reason="rounding")
    )  # fmt: skip
    rng, n = np.random.default_rng(seed), {"small": 20_000, "full": 500_000}[size]
    x = rng.uniform(-1, 1, n)
    generic = np.array([0.8, 1.3])
    slopes = np.stack([np.tanh(generic[1] * x), generic[0] * x / np.cosh(generic[1] * x) ** 2], 1)
    sampled = estimate_fisher_information(slopes * rng.standard_normal(n)[:, None])
    exact = compute_regression_fisher_information(_slopes, generic, _NODES[0], weights)
    assert sampled.standard_error is not None
    for i, j in ((0, 0), (0, 1), (1, 1)):
        claims.append(
            claim_within_errors(f"entry ({i}, {j}) of the sampled matrix at (0.8, 1.3)", exact.matrix[i, j], sampled.matrix[i, j],
                                float(sampled.standard_error[i, j]), "Gauss-Legendre quadrature")
        )  # fmt: skip
    figure, axes = start_figure("b", "eigenvalues of I at a = 1", yscale="log", ylim=(1e-8, 2))
    grid = np.linspace(-2, 2, 161)
    spectra = np.array([compute_regression_fisher_information(_slopes, np.array([1.0, b]), _NODES[0], weights).eigenvalues for b in grid])
    axes.plot(grid, np.maximum(spectra, 1e-12))
    caption = "The two eigenvalues along a = 1: the smaller one falls to zero at b = 0, where the model is singular."
    return Outcome(tuple(claims), {"spectrum": Illustration(figure, caption)}, {"model": "y = a tanh(bx) + N(0, 1)", "samples": n})
