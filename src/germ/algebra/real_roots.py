"""Real algebraic numbers by isolating intervals: Sturm's theorem and bisection, all in fractions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import fmpq, fmpq_poly

from germ.errors import InputError


@dataclass(frozen=True)
class AlgebraicNumber:
    """A real algebraic number: the only root of a square-free polynomial in an open interval with rational ends.

    Args:
        polynomial: Square-free, over Q.
        low: Left end; not a root.
        high: Right end; not a root.
    """

    polynomial: fmpq_poly
    low: fmpq
    high: fmpq


def isolate_real_roots(p: fmpq_poly) -> list[fmpq | AlgebraicNumber]:
    """All distinct real roots in increasing order; rational ones as rationals, others by isolating intervals.

    Bisection with Sturm counts, inside Cauchy's bound 1 + max |c_i / c_n|.

    Args:
        p: Any polynomial but zero.

    Returns:
        The roots.

    Raises:
        InputError: For the zero polynomial.

    Example:
        >>> from flint import fmpq_poly
        >>> [str(r.low) + ".." + str(r.high) for r in isolate_real_roots(fmpq_poly([-2, 0, 1]))]
        ['-3..0', '0..3']
    """
    if p == 0:
        raise InputError("the roots of the zero polynomial", "a polynomial that is not zero")
    _, factors = p.factor()
    roots: list[tuple[fmpq, fmpq, fmpq | AlgebraicNumber]] = []
    for f, _power in factors:
        if f.degree() == 1:
            value = -f[0] / f[1]
            roots.append((value, value, value))
            continue
        bound = 1 + max(abs(f[i] / f[f.degree()]) for i in range(f.degree()))
        stack = [(-bound, bound)]
        while stack:
            low, high = stack.pop()
            count = _count_between(f, low, high)
            if count == 1:
                roots.append((low, high, AlgebraicNumber(f, low, high)))
            elif count > 1:
                middle = (low + high) / 2
                stack += [(low, middle), (middle, high)]
    return [r for *_, r in _separate(roots)]


def _separate(roots: list[tuple[fmpq, fmpq, Any]]) -> list[tuple[fmpq, fmpq, Any]]:
    """Halve overlapping intervals (of different irreducible factors, hence different roots) until they are disjoint; sort."""
    roots = sorted(roots, key=lambda r: (r[0], r[1]))
    i = 0
    while i + 1 < len(roots):
        (low, high, a), (low2, high2, b) = roots[i], roots[i + 1]
        if high < low2 or (high == low2 and low < high2 and (isinstance(a, AlgebraicNumber) or isinstance(b, AlgebraicNumber))):
            i += 1
            continue
        for j in (i, i + 1):
            _, _, number = roots[j]
            if isinstance(number, AlgebraicNumber):
                number = halve(number)
                roots[j] = (number.low, number.high, number)
        roots = sorted(roots, key=lambda r: (r[0], r[1]))
        i = 0
    return roots


def halve(number: AlgebraicNumber) -> AlgebraicNumber:
    """The same number in the half of its interval that contains it."""
    middle = (number.low + number.high) / 2
    p = number.polynomial
    if p(middle) == 0:
        quarter = (number.high - number.low) / 4
        return AlgebraicNumber(p, middle - quarter, middle + quarter)
    if (p(middle) > 0) == (p(number.low) > 0):
        return AlgebraicNumber(p, middle, number.high)
    return AlgebraicNumber(p, number.low, middle)


def _count_between(p: fmpq_poly, low: fmpq, high: fmpq) -> int:
    """Number of roots of a square-free polynomial in (low, high], by Sturm's theorem."""
    chain = [p, p.derivative()]
    while chain[-1].degree() > 0:
        chain.append(-(chain[-2] % chain[-1]))

    def changes(at: fmpq) -> int:
        signs = [v > 0 for v in (q(at) for q in chain) if v != 0]
        return sum(a != b for a, b in pairwise(signs))

    return changes(low) - changes(high)
