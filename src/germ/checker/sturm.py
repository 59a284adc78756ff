"""Real roots of polynomials in one variable, counted by Sturm's theorem on Fraction coefficients (constant term first)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

Coefficients = list[Fraction]


def evaluate(p: Coefficients, x: Fraction) -> Fraction:
    """The value at x."""
    total = Fraction(0)
    for c in reversed(p):
        total = total * x + c
    return total


def count_roots(p: Coefficients, low: Fraction | None, high: Fraction | None) -> int:
    """Distinct real roots in the open interval (low, high); None is infinity.

    Args:
        p: Coefficients, not all zero.
        low: Left end.
        high: Right end.

    Returns:
        The number of roots.

    Example:
        >>> count_roots([Fraction(-2), Fraction(0), Fraction(1)], Fraction(0), None)
        1
    """
    p = _trim(p)
    for end in (low, high):
        while end is not None and len(p) > 1 and evaluate(p, end) == 0:
            p = _divide(p, [-end, Fraction(1)])[0]
    chain = [p, _trim([k * c for k, c in enumerate(p)][1:])]
    while chain[-1]:
        chain.append([-c for c in _divide(chain[-2], chain[-1])[1]])
    chain.pop()
    return _changes(chain, low, -1) - _changes(chain, high, 1)


def _changes(chain: list[Coefficients], x: Fraction | None, side: int) -> int:
    if x is None:
        signs = [(q[-1] > 0) == (side > 0 or len(q) % 2 == 1) for q in chain]
    else:
        values = [evaluate(q, x) for q in chain]
        signs = [v > 0 for v in values if v]
    return sum(a != b for a, b in pairwise(signs))


def _trim(p: Coefficients) -> Coefficients:
    while p and p[-1] == 0:
        p = p[:-1]
    return p


def _divide(p: Coefficients, q: Coefficients) -> tuple[Coefficients, Coefficients]:
    remainder, quotient = list(p), [Fraction(0)] * max(0, len(p) - len(q) + 1)
    for k in range(len(p) - len(q), -1, -1):
        quotient[k] = remainder[k + len(q) - 1] / q[-1]
        for j, c in enumerate(q):
            remainder[k + j] -= quotient[k] * c
    return quotient, _trim(remainder[: len(q) - 1])


def remainder(p: Coefficients, q: Coefficients) -> Coefficients:
    """The remainder of p divided by q, which is not 0."""
    return _divide(p, _trim(q))[1]
