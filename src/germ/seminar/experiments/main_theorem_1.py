"""Main Theorem 1: in suitable charts the log density ratio is a monomial times an analytic function that does not vanish identically.

The theorem brings the log density ratio log q(x)/p(x|w) into the form u^k a(x, u) with a function a that does not vanish identically in x
at u = 0. Then K = u^2k times a positive function, and the empirical process factors likewise: everything that follows about singular
models rests on this form. For a tanh(bx) it can be written down at once.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from germ.algebra.rlct import compute_rlct
from germ.seminar.claims import claim_between, claim_close, claim_equal, exact_pair
from germ.seminar.experiment import Outcome, Size
from germ.thermo.standard_form import make_standard_form


def run(size: Size, seed: int) -> Outcome:
    """The model y = a tanh(bx) + noise at the truth 0, and Σ over two units after a blow-up.

    Args:
        size: Ignored.
        seed: Of the points.

    Returns:
        The outcome.
    """
    rng = np.random.default_rng(seed)
    x, weights = np.polynomial.legendre.leggauss(60)
    a, b = 0.3 * rng.standard_normal((2, 500))
    # f = log q/p = (ab)·α(x, y; a, b) − …: the factor in front of ab is x·tanh(bx)/(bx) (y − …)
    factor = np.tanh(b[:, None] * x) / b[:, None]
    k = a**2 * (np.tanh(b[:, None] * x) ** 2 @ weights) / 4
    ratio = k / (a * b) ** 2
    claims = [
        claim_between("K/(ab)² near 0 is bounded below by a positive number", float(ratio.min()), "E[α²] > 0 on the chart", lower=0.1),
        claim_between("and above", float(ratio.max()), "E[α²] ≤ E[x²]/2", upper=1 / 6 + 1e-9),
        claim_close("its limit E[x²]/2", 1 / 6, float((x**2 @ weights) / 4), "x uniform on [−1, 1]", tolerance=1e-12, reason="rounding"),
        claim_between("α(x) = tanh(bx)/b is no zero function: its mean square", float((factor**2 @ weights / 2).min()), "analytic in b",
                      lower=0.1),
    ]  # fmt: skip
    form = make_standard_form([1, 1], [0, 0])
    found = compute_rlct(["a*b"])
    pair = (form.learning_coefficient, form.multiplicity)
    claims.append(claim_equal("k = (1, 1), h = (0, 0): (λ, m)", (Fraction(1, 2), 2), pair, "min (h + 1)/2k, twice"))
    claims.append(claim_equal("the engine agrees", pair, exact_pair(found), "poles of the zeta function"))
    # Two units: after the blow-up that the engine finds the ideal is monomial; its exponents are those of a standard form.
    two = compute_rlct(["a*b+c*d", "a*b**3+c*d**3"])
    claims.append(claim_equal("two units: (λ, m) after resolution", (Fraction(2, 3), 1), exact_pair(two), "Aoyagi's formula"))
    return Outcome(tuple(claims), inputs={"model": "y = a tanh(bx) + N(0, 1), truth 0"})
