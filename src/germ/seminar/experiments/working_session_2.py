"""Exercise: compute V(t) = vol{x²y² < t} in the unit square, and guess from it what x^2a y^2b does.

The volume of {K < t} is the first thing to compute for a new singularity. Here it is done by slicing, and once more through the partial
fractions of the zeta function; from the two one guesses the rule for any monomial, that the larger exponent decides λ and that equal
exponents give a logarithm.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad

from germ.seminar.claims import claim_close, claim_equal
from germ.seminar.experiment import Outcome, Size
from germ.thermo.standard_form import make_standard_form


def run(size: Size, seed: int) -> Outcome:
    """The volume by slicing, by partial fractions, and its growth for other exponents.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    form = make_standard_form([1, 1])
    claims = []
    for t in (0.04, 1e-6):
        sliced = quad(lambda x, t=t: min(1.0, math.sqrt(t) / x), 0, 1, points=[math.sqrt(t)], epsrel=1e-12)[0]
        claims.append(claim_close(f"V({t:g}) by slicing: ∫ min(1, √t/x) dx", sliced, float(form.compute_volume(t)), "Fubini",
                                  tolerance=1e-9, relative=True, reason="quadrature"))  # fmt: skip
    claims.append(claim_equal("partial fractions of ζ(z) = 1/(2z + 1)²", "1/4 at (1/2, 2)", _show(form), "by hand"))
    for exponents in ([1, 2], [3, 2], [2, 2]):
        other = make_standard_form(exponents)
        low, high = np.log(other.compute_volume([1e-61, 1e-60]))
        slope = float(high - low) / math.log(10)
        m = other.multiplicity
        expected = float(other.learning_coefficient) - (m - 1) * math.log(61 / 60) / math.log(10)
        claims.append(claim_close(f"slope of log V for x^{2 * exponents[0]} y^{2 * exponents[1]}", expected, slope,
                                  "λ − (m − 1) Δlog log(1/t) / Δlog(1/t)", tolerance=2e-3, reason="next order"))  # fmt: skip
    return Outcome(tuple(claims), inputs={"K": "x²y² on [0, 1]²"}, notes=("Hint: for fixed x the condition on y is y < √t/x.",))


def _show(form: object) -> str:
    parts = form.compute_partial_fractions()  # type: ignore[attr-defined]
    return ", ".join(f"{a} at ({pole}, {s})" for (pole, s), a in parts.items() if a)
