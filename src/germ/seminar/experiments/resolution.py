"""Resolution of singularities: the cusp, and the quadric Σ aᵢbᵢ whose multiplicity falls when a second term is added.

Hironaka's theorem: after finitely many blow-ups, substitutions such as x = u, y = uv, any K becomes a monomial u^2k times a function that
does not vanish, with a Jacobian u^h. Each coordinate then offers a pole (h + 1)/(2k) of the zeta function; λ is the least of them over
all charts, m the largest number that attain it in one chart. Only real points count, so that (x² + y²)² and (x² − y²)² differ in m.
"""

from __future__ import annotations

from fractions import Fraction

from germ.algebra.rlct import compute_rlct
from germ.errors import InputError
from germ.seminar.claims import claim_equal, claim_refused, exact_pair
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Thresholds of curves and quadrics, and what decides them.

    Args:
        size: How many terms of the quadric.
        seed: Ignored.

    Returns:
        The outcome.
    """
    rows = [
        ("(y² − x³)²", ["y**2-x**3"], {}, (Fraction(5, 12), 1), "5/6 over 2: divisor with (N, h + 1) = (6, 5)"),
        ("(y² − x²(x + 1))², a node", ["y**2-x**2*(x+1)"], {}, (Fraction(1, 2), 2), "two smooth branches cross"),
        ("(x² − y²)² as a square of an ideal", ["x**2-y**2"], {}, (Fraction(1, 2), 2), "(x − y)(x + y)"),
        ("(x² + y²)², no real branch", ["x**2+y**2"], {}, (Fraction(1, 2), 1), "one divisor; complex branches do not count"),
        ("(y − x²)², a smooth curve", ["y-x**2"], {}, (Fraction(1, 2), 1), "y − x² is a coordinate"),
        ("x² + y³z on z ≥ 0, y ≥ 0", "x**2+y**3*z", {"domain": "y>=0; z>=0"}, (Fraction(5, 6), 1), "1/2 + 1/3"),
    ]
    claims = []
    for name, subject, options, expected, source in rows:
        found = compute_rlct(subject, **options)  # type: ignore[arg-type]
        claims.append(claim_equal(f"(λ, m) of {name}", expected, exact_pair(found), source))
    for terms in range(1, 4 if size == "small" else 6):
        found = compute_rlct(["+".join(f"a{i}*b{i}" for i in range(terms))])
        source = "the strict transform and a divisor tie for H = 1 only"
        claims.append(
            claim_equal(f"(λ, m) of (Σ aᵢbᵢ)² with {terms} terms", (Fraction(1, 2), 2 if terms == 1 else 1), exact_pair(found), source)
        )
    claims.append(
        claim_refused("y² − x³ is no divergence: it is negative near 0", lambda: compute_rlct("y**2-x**3"), "K ≥ 0", error=InputError,
                      hypothesis="negative")
    )  # fmt: skip
    return Outcome(tuple(claims))
