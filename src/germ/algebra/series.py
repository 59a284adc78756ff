"""Taylor polynomials with rational coefficients: the elementary functions, and the expansion of an expression tree at the origin.

A power series is kept as (polynomial, order): all terms of total degree ≤ order are right, the rest is a remainder in the ideal
m^{order+1} of functions that vanish to that order. Nothing is rounded: coefficients are fractions, and the order of the remainder is
carried through sums, products, quotients and compositions. Composition g(f) needs f(0) = 0 (or, for `sqrt` and `log`, f(0) > 0 such that
g(f(0)) is rational); sin(1 + x) has coefficients that are no fractions and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import factorial, isqrt

from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from germ.algebra.syntax import Node, fail
from germ.errors import InputError

MAX_EXPONENT = 1_000


def compute_coefficients(function: str, order: int) -> list[Fraction]:
    """Taylor coefficients c_0 … c_order of an elementary function at 0 (of log and sqrt at 1).

    Args:
        function: exp, sin, cos, tan, sinh, cosh, tanh, atan, log (of 1+t) or sqrt (of 1+t).
        order: Largest degree.

    Returns:
        The exact coefficients.

    Raises:
        InputError: If the function is not known.

    Example:
        >>> [str(c) for c in compute_coefficients("tanh", 5)]
        ['0', '1', '0', '-1/3', '0', '2/15']
    """
    n = range(order + 1)
    match function:
        case "exp":
            return [Fraction(1, factorial(k)) for k in n]
        case "sin":
            return [Fraction((-1) ** (k // 2) if k % 2 else 0, factorial(k)) for k in n]
        case "cos":
            return [Fraction(0 if k % 2 else (-1) ** (k // 2), factorial(k)) for k in n]
        case "sinh":
            return [Fraction(k % 2, factorial(k)) for k in n]
        case "cosh":
            return [Fraction(1 - k % 2, factorial(k)) for k in n]
        case "atan":
            return [Fraction((-1) ** (k // 2), k) if k % 2 else Fraction(0) for k in n]
        case "log":
            return [Fraction((-1) ** (k + 1), k) if k else Fraction(0) for k in n]
        case "sqrt":
            coefficients = [Fraction(1)]
            for k in range(order):
                coefficients.append(coefficients[-1] * (Fraction(1, 2) - k) / (k + 1))
            return coefficients
        case "tan" | "tanh":
            return _solve_riccati(order, 1 if function == "tan" else -1)
    raise InputError(f"unknown function {function!r}", "exp, sin, cos, tan, sinh, cosh, tanh, atan, log or sqrt")


def _solve_riccati(order: int, sign: int) -> list[Fraction]:
    """Coefficients of y with y' = 1 ± y², y(0) = 0."""
    y = [Fraction(0)]
    for k in range(order):
        square = sum((y[i] * y[k - i] for i in range(k + 1)), Fraction(0))
        y.append(((1 if k == 0 else 0) + sign * square) / (k + 1))
    return y


def truncate(p: fmpq_mpoly, order: int) -> fmpq_mpoly:
    """The terms of total degree at most `order`."""
    if p.is_zero() or p.total_degree() <= order:
        return p
    return p.context().from_dict({e: c for e, c in p.to_dict().items() if sum(e) <= order})


def compute_order(p: fmpq_mpoly) -> int | None:
    """The least total degree of a term (None for the zero polynomial)."""
    return min((sum(map(int, e)) for e in p.monoms()), default=None)


def constant_term(p: fmpq_mpoly) -> fmpq:
    """The value at the origin."""
    return p.to_dict().get((0,) * p.context().nvars(), fmpq(0))


def compose(coefficients: list[Fraction], inner: fmpq_mpoly, order: int) -> fmpq_mpoly:
    """Σ c_k inner^k up to total degree `order`, by Horner's rule; `inner` has to vanish at the origin."""
    ring = inner.context()
    result = ring.constant(0)
    for c in reversed(coefficients):
        result = truncate(result * inner, order) + fmpq(c.numerator, c.denominator)
    return result


def expand(node: Node, ring: fmpq_mpoly_ctx, order: int, text: str, values: Mapping[str, fmpq_mpoly] | None = None) -> fmpq_mpoly:
    """The Taylor polynomial of an expression at the origin.

    Args:
        node: The expression's tree.
        ring: The ring of its variables.
        order: All terms of total degree ≤ order are exact; the remainder lies in m^{order+1}.
        text: The text that the tree was read from, for messages.
        values: Polynomials to put in place of variables (for instance x + 1/2, to expand elsewhere).

    Returns:
        The polynomial.

    Raises:
        ParseError: If the expression is not analytic at the origin, or its coefficients there are not rational.
    """

    def go(n: Node) -> fmpq_mpoly:
        match n.kind:
            case "number":
                return ring.constant(fmpq(n.value.numerator, n.value.denominator))
            case "name":
                return truncate(values[n.text], order) if values and n.text in values else ring.gen(ring.names().index(n.text))
            case "negative":
                return -go(n.children[0])
            case "sum":
                return sum((go(c) for c in n.children), ring.constant(0))
            case "product":
                result = ring.constant(1)
                for c in n.children:
                    result = truncate(result * go(c), order)
                return result
            case "inverse":
                return _power(go(n.children[0]), Fraction(-1), n)
            case "power":
                exponent = go(n.children[1])
                if not exponent.is_constant():
                    fail(text, n.children[1].position, "a variable exponent", "a number")
                value = constant_term(exponent)
                return _power(go(n.children[0]), Fraction(int(value.p), int(value.q)), n)
        return _call(n)

    def _power(base: fmpq_mpoly, exponent: Fraction, n: Node) -> fmpq_mpoly:
        if abs(exponent) > MAX_EXPONENT:
            fail(text, n.position, f"the exponent {exponent}", f"at most {MAX_EXPONENT}")
        if exponent.denominator == 1 and exponent >= 0:
            result = ring.constant(1)
            for _ in range(min(int(exponent), order + 1) if constant_term(base) == 0 else int(exponent)):
                result = truncate(result * base, order)
            return result
        value = constant_term(base)
        scale = _rational_power(value, exponent)
        if scale is None:
            fail(
                text,
                n.position,
                f"({base})**({exponent}) has no Taylor series with rational coefficients",
                "a base that is a positive square there",
            )
        coefficients = [Fraction(1)]
        for k in range(order):
            coefficients.append(coefficients[-1] * (exponent - k) / (k + 1))
        return scale * compose(coefficients, base / value - 1, order)

    def _call(n: Node) -> fmpq_mpoly:
        if n.text == "root":
            fail(text, n.position, "an algebraic number in a function", "root(…) only in a point")
        inner = go(n.children[0])
        value = constant_term(inner)
        if n.text == "sqrt":
            return _power(inner, Fraction(1, 2), n)
        if n.text == "abs":
            if value == 0:
                fail(text, n.position, "abs of something that vanishes here is not analytic", "", "use a square, or a domain")
            return inner if value > 0 else -inner
        shift = fmpq(1) if n.text == "log" else fmpq(0)
        if value != shift:
            fail(
                text,
                n.position,
                f"{n.text} expanded at {value}: its coefficients there are not rational",
                f"{n.text} of something with value {shift}",
            )
        return compose(compute_coefficients(n.text, order), inner - shift, order)

    return truncate(go(node), order)


def _rational_power(value: fmpq, exponent: Fraction) -> fmpq | None:
    if value == 0 or (value < 0 and exponent.denominator != 1) or exponent.denominator > 2:
        return None
    if exponent.denominator == 1:
        return value ** int(exponent)
    p, q = int(value.p), int(value.q)
    root = fmpq(isqrt(p), isqrt(q))
    return root ** int(exponent * 2) if root * root == value else None
