"""Regularly parametrised models: fibre ideals of a table with two latent classes, and its exact evidence.

Many models are polynomial maps into a regular one: here two latent classes into all tables of 3 × 3 cells. The fibre over the truth is
given by an ideal, and λ is that of the ideal. One independent table has true parameters of different λ, 3 where the classes are equal and
5/2 where one is empty; the smallest rules the evidence.
"""

from __future__ import annotations

from fractions import Fraction

from germ.algebra.fibre import make_discrete_fibre_ideal
from germ.algebra.rlct import compute_rlct
from germ.atlas import compute_value
from germ.errors import InputError
from germ.seminar.claims import claim_equal, claim_refused, exact_pair
from germ.seminar.experiment import Outcome, Size

_THIRD = dict.fromkeys(["a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"], "1/3")


def _cells() -> list[str]:
    def level(name: str, i: int) -> str:
        return f"{name}{i + 1}" if i < 2 else f"(1-{name}1-{name}2)"

    return [f"t*{level('a', i)}*{level('c', j)} + (1-t)*{level('b', i)}*{level('d', j)}" for i in range(3) for j in range(3)]


def run(size: Size, seed: int) -> Outcome:
    """Two classes of independent ternary variables: λ at four true parameters.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    rows = [
        ("both classes equal, t = 1/2", {"t": "1/2"}, "", (Fraction(3), 2), "4/2 + the product of two differences"),
        ("classes differ in the first variable", {"t": "1/2", "a1": "1/2", "b1": "1/6"}, "", (Fraction(3), 1), "6/2"),
        ("classes differ in both", {"t": "1/2", "a1": "1/2", "b1": "1/6", "c1": "1/6", "d1": "1/2"}, "", (Fraction(7, 2), 1),
         "rank 2: dimension 7"),
        ("the first class is empty, t = 0", {"t": "0", "a1": "1/2", "c1": "1/2"}, "t>=0", (Fraction(5, 2), 1), "4/2 + 1/2"),
    ]  # fmt: skip
    claims = []
    for name, change, domain, expected, source in rows:
        ideal = make_discrete_fibre_ideal(_cells(), _THIRD | change)
        at = dict(zip(ideal.names, map(str, ideal.point), strict=True))
        found = compute_rlct(list(ideal.generators), at=at, domain=domain or None)
        pair = exact_pair(found)
        claims.append(claim_equal(f"(λ, m) where {name}", expected, pair, source))
    published = compute_value("latent-class-H2-r1", levels=[3, 3])
    least = getattr(published, "learning_coefficient", None)
    claims.append(claim_equal("least λ over all true parameters of an independent table", Fraction(5, 2), least, "atlas: latent classes"))
    claims.append(
        claim_refused("a cell of probability zero lies on the boundary of the regular model",
                      lambda: make_discrete_fibre_ideal(["w", "1-w"], {"w": "0"}), "K is linear there", error=InputError,
                      hypothesis="positive probability")
    )  # fmt: skip
    return Outcome(tuple(claims), inputs={"model": "3 × 3 table, two latent classes, 9 parameters"})
