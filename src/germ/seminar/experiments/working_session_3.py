"""Exercise: fill in the table of λ for tanh networks, by hand for one and two units, by formula for the rest.

A table to fill in: λ for H tanh units and truth zero. For one unit the ideal is ⟨ab⟩; for two, the weights of the blow-up are found by
hand; the rest is the formula, whose steps at square numbers are where m = 2.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from germ.algebra.moments import compute_moment_ideal
from germ.algebra.rlct import compute_rlct
from germ.atlas import compute_value
from germ.seminar.claims import claim_between, claim_equal, exact_pair
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """The table up to nine units.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    claims = []
    for hidden in range(1, 10):
        i = isqrt(hidden)
        expected = Fraction(hidden + i * i + i, 4 * i + 2), 2 if i * i == hidden else 1
        claims.append(claim_equal(f"(λ, m) with {hidden} units", expected, exact_pair(compute_value("tanh-zero", H=hidden)),
                                  "(H + i² + i)/(4i + 2), i = ⌊√H⌋; m = 2 iff H = i²"))  # fmt: skip
    for hidden in (1, 2):
        found = compute_rlct(list(compute_moment_ideal("tanh", hidden).generators))
        claims.append(claim_equal(f"{hidden} units by blowing up", exact_pair(compute_value("tanh-zero", H=hidden)), exact_pair(found),
                                  "the atlas"))  # fmt: skip
    nine = exact_pair(compute_value("tanh-zero", H=9))[0]
    claims.append(claim_between("λ with nine units is far below half of 18 parameters", Fraction(nine), "BIC would say 9", upper=2))
    return Outcome(tuple(claims), notes=("Hint: with two units blow up (a₁, a₂, b₁, b₂) so that a₁b₁ + a₂b₂ becomes a coordinate.",))
