"""Multivariate division with remainder, every step kept.

In one variable the remainder is unique. In several it depends on the monomial order and on the order of the divisors; it becomes unique
exactly when the divisors are a Gröbner basis (`germ.algebra.groebner`). The steps are kept so that the algorithm can be followed on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import Ordering, fmpq_mpoly, fmpq_mpoly_ctx

from germ.algebra.expression import Expression, parse_polynomials
from germ.errors import BudgetError, InputError

ORDERS = {"lex": Ordering.lex, "deglex": Ordering.deglex, "degrevlex": Ordering.degrevlex}
MAX_STEPS = 100_000


@dataclass(frozen=True)
class DivisionStep:
    """One line of the tableau.

    Args:
        dividend: What was left before the step.
        divisor: Index of the divisor whose leading term divides the leading term; None where the term goes to the remainder.
        term: The quotient's new term, or the term that goes to the remainder.
    """

    dividend: fmpq_mpoly
    divisor: int | None
    term: fmpq_mpoly


@dataclass(frozen=True)
class Division:
    """f = Σ quotients·divisors + remainder, no term of the remainder divisible by a leading term of a divisor.

    Args:
        quotients: One for each divisor.
        remainder: What is left.
        steps: The tableau.
    """

    quotients: tuple[fmpq_mpoly, ...]
    remainder: fmpq_mpoly
    steps: tuple[DivisionStep, ...]


def make_ordered_ring(names: Sequence[str], order: str = "degrevlex") -> fmpq_mpoly_ctx:
    """The ring Q[names] with a monomial order, the first name the largest.

    Args:
        names: The variables.
        order: "lex", "deglex" or "degrevlex".

    Returns:
        The ring.

    Raises:
        InputError: For an unknown order.
    """
    if order not in ORDERS:
        raise InputError(f"the monomial order {order!r}", f"one of {', '.join(ORDERS)}")
    return fmpq_mpoly_ctx.get(tuple(names), ORDERS[order])


def read_ordered(polynomials: Sequence[Expression], order: str | None, names: Sequence[str] | None = None) -> list[fmpq_mpoly]:
    """Polynomials in one ring with the given monomial order (None: keep the order of the first polynomial's ring)."""
    if all(isinstance(p, fmpq_mpoly) for p in polynomials):
        found = list(polynomials)
        ring = found[0].context()
        if any(p.context() is not ring for p in found):
            raise InputError("polynomials of different rings", "one ring")
    else:
        found = parse_polynomials(polynomials, names)
        ring = found[0].context()
    if order is None or ORDERS.get(order) == ring.ordering():
        return found
    target = make_ordered_ring(ring.names(), order)
    return [target.from_dict(p.to_dict()) for p in found]


def divide(dividend: Expression, divisors: Sequence[Expression], order: str | None = "lex", names: Sequence[str] | None = None) -> Division:
    """Divide one polynomial by several, the first divisor whose leading term fits first.

    Args:
        dividend: The polynomial f.
        divisors: The polynomials to divide by, none zero.
        order: "lex", "deglex" or "degrevlex"; None keeps the order of the polynomials' ring.
        names: The variables, largest first; by default in order of appearance.

    Returns:
        Quotients, remainder, steps.

    Raises:
        InputError: For a zero divisor or an unknown order.
        BudgetError: After 100 000 steps.

    Example:
        >>> result = divide("x^2*y + x*y^2 + y^2", ["x*y - 1", "y^2 - 1"])
        >>> [str(q) for q in result.quotients], str(result.remainder)
        (['x + y', '1'], 'x + y + 1')

    References:
        Cox, Little and O'Shea, Ideals, Varieties, and Algorithms, section 2.3.
    """
    if not divisors:
        raise InputError("no divisors", "at least one polynomial")
    f, *g = read_ordered([dividend, *divisors], order, names)
    if any(q.is_zero() for q in g):
        raise InputError("a divisor is zero", "divisors that are not zero")
    return reduce_fully(f, g)


def reduce_fully(f: fmpq_mpoly, divisors: Sequence[fmpq_mpoly]) -> Division:
    """`divide` for polynomials of one ring, in that ring's order."""
    ring = f.context()
    zero = ring.constant(0)
    leads = [(q.monoms()[0], q.leading_coefficient()) for q in divisors]
    quotients, remainder, left = [zero] * len(leads), zero, f
    steps: list[DivisionStep] = []
    while not left.is_zero():
        if len(steps) >= MAX_STEPS:
            raise BudgetError(f"a division of more than {MAX_STEPS} steps", "a smaller problem")
        monomial, coefficient = left.monoms()[0], left.leading_coefficient()
        for i, (lead, c) in enumerate(leads):
            if all(a <= b for a, b in zip(lead, monomial, strict=True)):
                term = ring.from_dict({tuple(b - a for a, b in zip(lead, monomial, strict=True)): coefficient / c})
                steps.append(DivisionStep(left, i, term))
                quotients[i] += term
                left = left - term * divisors[i]
                break
        else:
            term = ring.from_dict({monomial: coefficient})
            steps.append(DivisionStep(left, None, term))
            remainder += term
            left = left - term
    return Division(tuple(quotients), remainder, tuple(steps))
