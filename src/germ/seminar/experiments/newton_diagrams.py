"""Newton diagrams: distance and multiplicity, when they decide λ, and when degeneracy makes them an upper bound only.

Draw the exponents of K as points and take the convex hull of everything above and to the right of them. The diagonal enters this
polyhedron at (t, t), and 1/t is λ as long as K is nondegenerate, which means that the terms on each face have no multiple real zeros away
from the axes. Otherwise 1/t is an upper bound only: (y − x²)² in the wrong coordinates looks like 3/4 and is 1/2.
"""

from __future__ import annotations

from fractions import Fraction

from germ.algebra.rlct import compute_rlct
from germ.plots.newton import compute_newton_distance, compute_newton_vertices, plot_newton_polyhedron
from germ.seminar.claims import claim_between, claim_equal, exact_pair
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Diagrams of nondegenerate and degenerate polynomials.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    rows = [
        ("x²y²", "x**2*y**2", [(2, 2)], (Fraction(1, 2), 2), "vertex on the diagonal: m = 2"),
        ("x⁴ + y⁶", "x**4+y**6", [(4, 0), (0, 6)], (Fraction(5, 12), 1), "1/4 + 1/6"),
        ("x² + x³y + y⁸", "x**2+x**3*y+y**8", [(2, 0), (3, 1), (0, 8)], (Fraction(5, 8), 1), "1/2 + 1/8; the middle term lies inside"),
        ("x⁶ + x²y² + y⁶", "x**6+x**2*y**2+y**6", [(6, 0), (2, 2), (0, 6)], (Fraction(1, 2), 2), "two edges meet on the diagonal"),
    ]
    claims = []
    for name, polynomial, exponents, expected, source in rows:
        distance, _ = compute_newton_distance(compute_newton_vertices(exponents))
        found = compute_rlct(polynomial)
        claims.append(claim_equal(f"1/distance of {name}", expected[0], 1 / distance, source))
        claims.append(claim_equal(f"(λ, m) of {name} by the engine", expected, exact_pair(found), "nondegenerate: the diagram decides"))
    degenerate = compute_rlct(["y-x**2"])
    distance, _ = compute_newton_distance(compute_newton_vertices([(0, 2), (2, 1), (4, 0)]))
    claims.append(claim_equal("1/distance of (y − x²)²", Fraction(3, 4), 1 / distance, "the edge from y² to x⁴"))
    claims.append(claim_equal("its true λ: the edge polynomial (y − x²)² has a double root", Fraction(1, 2), exact_pair(degenerate)[0],
                              "y − x² is a coordinate"))  # fmt: skip
    claims.append(claim_between("the diagram is an upper bound", exact_pair(degenerate)[0], "Lin 2011", upper=1 / distance))  # type: ignore[arg-type]
    figure, axes = start_figure("", "", size=(4.2, 3.6))
    plot_newton_polyhedron("x**6+x**2*y**2+x*y**4+y**6", ax=axes)
    caption = "Newton diagram of x⁶ + x²y² + xy⁴ + y⁶: the diagonal meets it in the vertex (2, 2), so λ = 1/2 and m = 2."
    return Outcome(tuple(claims), {"diagram": Illustration(figure, caption)})
