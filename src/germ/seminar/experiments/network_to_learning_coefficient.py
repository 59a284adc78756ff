"""From the specification of a network to (λ, m): the engine for few units, Aoyagi's formula for any number.

The road from end to end: the specification of a network gives moments, the moments an ideal, the ideal λ and m by blowing up. Each unit
adds two variables, and the engine's work grows quickly; Aoyagi and Watanabe's formula answers for any number of units. The growth of λ
like √H/2, where BIC counts H, is what makes large networks affordable.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from germ.algebra.moments import compute_moment_ideal
from germ.algebra.rlct import compute_rlct
from germ.atlas import compute_value
from germ.seminar.claims import claim_equal, exact_pair
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """λ(H) of tanh networks with the truth zero, and of other activations.

    Args:
        size: Three units only in the full size.
        seed: Ignored.

    Returns:
        The outcome.
    """
    claims = []
    for hidden in range(1, 3 if size == "small" else 4):
        found = compute_rlct(list(compute_moment_ideal("tanh", hidden).generators))
        claims.append(
            claim_equal(f"tanh, {hidden} units, by the engine", _formula(hidden), exact_pair(found), "(H + i² + i)/(4i + 2), i = ⌊√H⌋")
        )
    for hidden in (4, 9, 16):
        value = compute_value("tanh-zero", H=hidden)
        claims.append(claim_equal(f"tanh, {hidden} units, from the atlas: m = 2 as H is a square", _formula(hidden), exact_pair(value),
                                  "Aoyagi and Nagata 2012"))  # fmt: skip
    same = [exact_pair(compute_rlct(list(compute_moment_ideal(f, 2).generators))) for f in ("tanh", "sin", "atan")]
    claims.append(claim_equal("sin and atan have the same moments as tanh", True, len(set(same)) == 1, "all odd Taylor coefficients"))
    exponential = compute_rlct(list(compute_moment_ideal("exp", 2).generators))
    vandermonde = "a₁ + a₂ is a coordinate, and a(b₁ − b₂) is left: 1/2 + 1/2"
    claims.append(claim_equal("two exponential units: a₁ + a₂ = a₁b₁ + a₂b₂ = 0", (Fraction(1), 2), exact_pair(exponential), vandermonde))
    figure, axes = start_figure("hidden units H", "λ")
    units = range(1, 31)
    axes.plot(units, [float(_formula(h)[0]) for h in units], ".", label="tanh network, truth 0")
    axes.plot(units, list(units), "--", color="0.5", label="half the number of parameters")
    axes.set_ylim(0, 6)
    axes.legend()
    caption = "The learning coefficient grows like √H/2, far below half the number of parameters."
    return Outcome(tuple(claims), {"coefficient": Illustration(figure, caption)}, {"model": "Σ a_h σ(b_h x), truth 0"})


def _formula(hidden: int) -> tuple[Fraction, int]:
    i = isqrt(hidden)
    return Fraction(hidden + i * i + i, 4 * i + 2), 2 if i * i == hidden else 1
