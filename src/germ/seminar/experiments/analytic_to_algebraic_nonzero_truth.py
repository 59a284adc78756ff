"""The same with a truth of one unit: differences of moments, the truncation degree 2(H + R) − 1, λ at different true parameters.

If the truth is itself a network, K is comparable to squares of differences of moments, f_k(w) − f_k(w₀). More of them are needed, up to
degree 2(H + R) − 1 for H units and R true ones. True parameters now differ: λ at a parameter depends on how the spare unit is switched
off.
"""

from __future__ import annotations

from fractions import Fraction

from germ.algebra.groebner import check_membership
from germ.algebra.moments import compute_moment_ideal
from germ.algebra.rlct import compute_rlct
from germ.seminar.claims import claim_equal, exact_pair
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Two units, one of them true.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    ideal = compute_moment_ideal("tanh", 2, truth=[((1,), (1,))])
    generators = [str(g) for g in ideal.generators]
    claims = [
        claim_equal("truncation degree for H = 2, R = 1", 5, ideal.truncation_degree, "2(H + R) − 1"),
        claim_equal("the next moment adds nothing", True, check_membership("a1*b1^7 + a2*b2^7 - 1", generators).is_member,
                    "Hilbert's basis theorem"),
        claim_equal("one moment fewer would not do", False, check_membership(generators[-1], generators[:-1]).is_member, "degrees"),
    ]  # fmt: skip
    rows = [
        ("the second unit is off: a₂ = 0, b₂ = 2", {"a1": "1", "a2": "0", "b1": "1", "b2": "2"}, (Fraction(3, 2), 1), "2/2 + 1/2"),
        ("it is off twice: a₂ = b₂ = 0", {"a1": "1", "a2": "0", "b1": "1", "b2": "0"}, (Fraction(3, 2), 2), "2/2 + (1/2, m = 2)"),
    ]
    for name, at, expected, source in rows:
        found = compute_rlct(generators, at=at)
        pair = exact_pair(found)
        claims.append(claim_equal(f"(λ, m) where {name}", expected, pair, source))
    return Outcome(tuple(claims), inputs={"model": "a₁ tanh(b₁x) + a₂ tanh(b₂x)", "truth": "tanh(x)", "generators": ", ".join(generators)})
