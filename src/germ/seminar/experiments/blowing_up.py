"""Blowing up a point: one blow-up resolves x² + y² + z², the cusp needs three (or one with weights 2 and 3).

To blow up a point replaces it by all directions through it. In the chart x = u, y = uv, z = uw the function x² + y² + z² becomes u² times
a positive function, and the Jacobian is u²: one step, and λ = 3/2 can be read off. The cusp keeps touching the new divisor and needs
three steps, or one with weights that respect its shape.
"""

from __future__ import annotations

from fractions import Fraction

from germ.algebra.expression import parse_polynomial
from germ.algebra.rlct import compute_rlct
from germ.seminar.claims import claim_equal, exact_pair
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Charts by hand, with total and strict transforms, and what the engine makes of them.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """

    def transform(polynomial: str, **chart: str) -> str:
        text = polynomial
        for variable, image in chart.items():
            text = text.replace(variable, f"({image})")
        return str(parse_polynomial(text, ["u", "v", "w"]))

    def same(a: str, b: str) -> bool:
        names = ["u", "v", "w"]
        return parse_polynomial(a, names) == parse_polynomial(b, names)

    sphere = transform("x^2+y^2+z^2", x="u", y="u*v", z="u*w")
    first = transform("x^2-y^3", x="u*v", y="v")
    weighted = transform("x^2-y^3", x="u^3", y="u^2*v")
    claims = [
        claim_equal("x² + y² + z² in the chart (u, uv, uw): u²(1 + v² + w²)", True, same(sphere, "u^2*(1+v^2+w^2)"), "by hand"),
        claim_equal("k = 1 and h = 2 there, so λ = (h + 1)/(2k)", Fraction(3, 2), exact_pair(compute_rlct("x**2+y**2+z**2"))[0],
                    "Jacobian u², d/2 as the point is regular"),
        claim_equal("x² − y³ in the chart (uv, v): v²(u² − v), strict transform tangent to the divisor", True,
                    same(first, "v^2*(u^2-v)"), "by hand"),
        claim_equal("one blow-up with weights 3 and 2: u⁶(1 − v³)", True, same(weighted, "u^6*(1-v^3)"), "by hand"),
        claim_equal("its exponents (6, 5) give λ = 5/12 for the square", Fraction(5, 12), exact_pair(compute_rlct(["x**2-y**3"]))[0],
                    "(h + 1)/(2·6) with h + 1 = 3 + 2"),
        claim_equal("a plane in space needs none: (x − y)² has λ = 1/2", (Fraction(1, 2), 1), exact_pair(compute_rlct(["x-y+z**2"])),
                    "smooth"),
        claim_equal("three planes x²y²z²: λ = 1/2, m = 3", (Fraction(1, 2), 3), exact_pair(compute_rlct("x**2*y**2*z**2")),
                    "normal crossing"),
    ]  # fmt: skip
    return Outcome(tuple(claims), inputs={"charts": "(u, uv, uw); (uv, v); (u³, u²v)"})
