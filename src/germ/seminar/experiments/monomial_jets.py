"""Jets of monomial ideals: dimensions by weights, and the log canonical threshold of Howald's polyhedron.

For a monomial ideal everything is combinatorics: the dimension of its jets is a minimum over weights, the threshold the point where the
diagonal meets Howald's polyhedron. Both can be computed independently of each other, and the least codim J_m/(m + 1) approaches the
threshold from above, reaching it at suitable m.
"""

from __future__ import annotations

from fractions import Fraction

from germ.algebra.jets import compute_jet_dimensions
from germ.seminar.claims import claim_between, claim_equal
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Thresholds of monomials, of diagonal ideals and of mixed ones.

    Args:
        size: How far.
        seed: Ignored.

    Returns:
        The outcome.
    """
    order = {"small": 23, "full": 59}[size]
    rows = [
        (["x^3*y^2"], Fraction(1, 3), "min(1/a, 1/b)"),
        (["x^2", "y^3"], Fraction(5, 6), "1/a + 1/b"),
        (["x^2", "y^3", "z^4"], Fraction(13, 12), "1/a + 1/b + 1/c"),
        (["x^2*y", "x*y^2"], Fraction(2, 3), "Newton polyhedron, face of x²y and xy²"),
        (["x*y", "y*z", "x*z"], Fraction(3, 2), "weights (1/2, 1/2, 1/2)"),
        (["x^4", "x*y", "y^6"], Fraction(1), "weights on the face of xy"),
    ]
    claims = []
    for generators, threshold, source in rows:
        table = compute_jet_dimensions(generators, order)
        name = f"⟨{', '.join(generators)}⟩"
        claims.append(claim_equal(f"lct of {name}", threshold, table.threshold, source))
        claims.append(claim_between(f"least codim J_m/(m + 1) of {name}", table.rows[-1].running, "Mustață 2002", lower=threshold,
                                    upper=threshold + Fraction(1, 3)))  # fmt: skip
    return Outcome(tuple(claims), inputs={"orders": f"0 to {order}"})
