"""The partition function between two multiples of n^−λ (log n)^(m−1), and cut into charts.

The theorem on Z_n is proved by cutting the parameter space into the charts of a resolution and bounding the integral in each from both
sides by that of its monomial. The bounds differ by a constant factor, which disappears in log Z_n. Both the sandwich and the cut are
carried out here.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad

from germ.seminar.claims import claim_between, claim_close
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.standard_form import make_standard_form


def run(size: Size, seed: int) -> Outcome:
    """Bounds of Z(n) for K = x²y² and for K = (x² + y⁴) through its charts.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    form = make_standard_form([1, 1])
    grid = np.geomspace(3, 1e10, 60)
    ratio = np.array([form.compute_partition_function(n) * math.sqrt(n) / math.log(n) for n in grid])
    claims = [
        claim_between("Z(n) √n / log n of x²y² is bounded below for n ≥ 3", float(ratio.min()), "√π/4, approached from above",
                      lower=math.sqrt(math.pi) / 4),
        claim_between("and above", float(ratio.max()), "its value at n = 3, as it decreases", upper=float(ratio[0])),
        claim_close("ratio of the bounds tends to a constant: Z/(√π/4 · log n/√n) at n = 10^200", 1.0,
                    form.compute_partition_function(1e200) / form.compute_asymptotic_partition_function(1e200),
                    "leading term", tolerance=0.01, reason="(γ + 2 log 2)/log n is left out"),
    ]  # fmt: skip
    # K = x² + y⁴ near 0: where |x| < y² put x = uy², elsewhere y² = u|x|; each half is a standard form times a bounded unit 1 + u².
    n = 1e6

    def whole() -> float:
        inner = quad(lambda y: math.exp(-n * y**4), 0, 1, points=[n**-0.25, 4 * n**-0.25])[0]
        return math.sqrt(math.pi / n) / 2 * math.erf(math.sqrt(n)) * inner

    first = quad(lambda u: _chart(n * (1 + u * u), 4, 2), 0, 1)[0]
    second = quad(lambda u: _chart(n * (1 + u * u), 2, 0.5) / (2 * math.sqrt(u)), 0, 1)[0]
    claims.append(
        claim_close("x² + y⁴ on [0, 1]²: the two charts add up to the whole", whole(), first + second, "change of variables",
                    tolerance=1e-7, relative=True, reason="quadrature")
    )  # fmt: skip
    units = [_chart(n * c, 4, 2) for c in (2.0, 1.0)]
    claims.append(claim_between("the first chart lies between its values with the unit 1 + u² at its bounds", first, "monotonicity",
                                lower=units[0], upper=units[1]))  # fmt: skip
    figure, axes = start_figure("n", "Z(n) √n / log n", xscale="log")
    axes.plot(grid, ratio)
    axes.axhline(math.sqrt(math.pi) / 4, linestyle="--", color="0.5")
    caption = "x²y²: the partition function divided by n^−1/2 log n, above its limit √π/4 (dashed)."
    return Outcome(tuple(claims), {"bounds": Illustration(figure, caption)}, {"K": "x²y² and x² + y⁴ on [0, 1]²"})


def _chart(n: float, power: int, prior: float) -> float:
    """∫_0^1 e^{-n y^power} y^prior dy."""
    scale = n ** (-1 / power)
    return quad(lambda s: math.exp(-(s**power)) * s**prior, 0, min(1 / scale, 12), epsrel=1e-11, limit=200)[0] * scale ** (prior + 1)
