"""Multivariate division: every step, quotients and remainder, and why a Gröbner basis makes the remainder unique.

To divide by several polynomials one needs an order of monomials, and the remainder depends on the order of the divisors: a remainder
other than 0 does not prove that a polynomial is outside the ideal. Buchberger's Gröbner basis repairs that. It generates the same ideal
and leaves one remainder, whatever the order, so that membership can be decided.
"""

from __future__ import annotations

from itertools import permutations

from germ.algebra.division import divide
from germ.algebra.groebner import compute_groebner_basis
from germ.errors import InputError
from germ.seminar.claims import claim_equal, claim_refused
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Divide x²y + xy² + y² by xy − 1 and y² − 1, in both orders, and by their Gröbner basis.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    dividend, divisors = "x^2*y + x*y^2 + y^2", ["x*y - 1", "y^2 - 1"]
    first, second = divide(dividend, divisors), divide(dividend, divisors[::-1])
    basis = compute_groebner_basis(divisors, "lex")
    remainders = {str(divide(dividend, list(order), None).remainder) for order in permutations(map(str, basis.polynomials))}
    textbook = "Cox, Little and O'Shea, sections 2.3 and 2.6"
    claims = (
        claim_equal("quotients by (xy − 1, y² − 1), lexicographic", ("x + y", "1"), tuple(map(str, first.quotients)), textbook),
        claim_equal("remainder", "x + y + 1", str(first.remainder), textbook),
        claim_equal("remainder with the divisors exchanged", "2*x + 1", str(second.remainder), textbook),
        claim_equal("different remainders by the Gröbner basis, however its elements are ordered", 1, len(remainders), textbook),
        claim_refused("division by zero", lambda: divide("x", ["0"], names=["x"]), "definition", error=InputError, hypothesis="zero"),
    )  # fmt: skip
    return Outcome(
        claims,
        inputs={"dividend": dividend, "divisors": ", ".join(divisors), "monomial order": "lexicographic, x > y"},
        notes=(f"{len(first.steps)} steps of division; the Gröbner basis is {', '.join(map(str, basis.polynomials))}.",),
    )
