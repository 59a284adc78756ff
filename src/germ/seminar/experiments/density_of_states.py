"""Zeta function, density of states, volume and partition function of K = x²y²: four faces of one singularity.

Four functions hold the same information. The zeta function ζ(z) = ∫ K^z has its largest pole at −λ, of order m. The density of states
v(t) = ∫ δ(t − K) grows like t^(λ−1) (−log t)^(m−1), the volume V(t) is its integral, and the partition function Z(n) = ∫ exp(−nK) its
Laplace transform. For K = x²y² on the unit square all four are elementary, and each can be checked against the others.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad

from germ.seminar.claims import claim_close, claim_equal, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.standard_form import make_standard_form


def run(size: Size, seed: int) -> Outcome:
    """The four functions in closed form, against each other and against sampling.

    Args:
        size: How many samples.
        seed: Of the samples.

    Returns:
        The outcome.
    """
    form = make_standard_form([1, 1])
    claims = [
        claim_equal("learning coefficient of x²y²", "1/2", str(form.learning_coefficient), "largest pole of ζ"),
        claim_equal("multiplicity", 2, form.multiplicity, "order of the pole"),
        claim_close("ζ(1) = 1/(2·1 + 1)²", 1 / 9, float(form.compute_zeta(1).real), "∫x² dx ∫y² dy", tolerance=1e-14, reason="rounding"),
    ]
    for t, known in ((1e-2, 0.33025851), (1e-4, 0.05605170)):
        claims.append(
            claim_close(f"V({t:g}) = √t (1 − ½ log t)", known, float(form.compute_volume(t)), "by hand", tolerance=6e-9,
                        reason="eight decimals printed")
        )  # fmt: skip
    n = 1e4
    by_hand = quad(lambda x: math.sqrt(math.pi / n) * math.erf(math.sqrt(n) * x) / (2 * x), 0, 1, epsrel=1e-12, limit=200)[0]
    claims.append(
        claim_close("Z(10⁴)", by_hand, form.compute_partition_function(n), "the inner integral is an error function", tolerance=1e-9,
                    relative=True, reason="quadrature")
    )  # fmt: skip
    laplace = quad(lambda t: float(form.compute_density_of_states(t)) * math.exp(-3 * t), 0, 1, limit=200)[0]
    claims.append(
        claim_close("Z is the Laplace transform of v, at n = 3", laplace, form.compute_partition_function(3), "quadrature over t",
                    tolerance=1e-7, relative=True, reason="singular integrand at 0")
    )  # fmt: skip
    rng, count = np.random.default_rng(seed), {"small": 200_000, "full": 5_000_000}[size]
    energy = (rng.random((count, 2)) ** 2).prod(1)
    t = 1e-3
    share = float((energy < t).mean())
    claims.append(
        claim_within_errors("V(10⁻³) by uniform sampling", float(form.compute_volume(t)), share, math.sqrt(share * (1 - share) / count),
                            "closed form")
    )  # fmt: skip
    figure, axes = start_figure("t", "V(t)", xscale="log", yscale="log")
    grid = np.geomspace(1e-12, 1, 200)
    axes.plot(grid, form.compute_volume(grid), label="V(t)")
    axes.plot(grid, np.sqrt(grid), "--", color="0.5", label="t^λ without the logarithm")
    axes.legend()
    caption = (
        "Volume of {x²y² < t} in the unit square: the slope is λ = 1/2, and the distance to the dashed line grows like −log t (m = 2)."
    )
    return Outcome(tuple(claims), {"volume": Illustration(figure, caption)}, {"K": "x²y² on [0, 1]²", "samples": count})
