"""Polynomials from what a user writes: text, sympy expressions, or flint polynomials.

Everything is exact (floats are refused, with the fraction offered) and bounded: degree, number of terms and size of coefficients are
checked before a product is formed, so that a short text such as `(x+y+z)**100000` ends in a message, not in a full memory.
Variables are named in the order of their first appearance, unless names are given; then an unknown name is an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fractions import Fraction
from math import comb
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from germ.algebra.syntax import FUNCTIONS, Node, fail, parse_tree
from germ.errors import ParseError

MAX_DEGREE = 2_000
MAX_TERMS = 50_000
MAX_BITS = 50_000  # of one coefficient
PRIOR_ORDER = 12  # Taylor polynomials of priors keep terms up to this degree

Expression = Any  # str | sympy.Expr | fmpq_mpoly | int | Fraction | fmpq


def make_ring(names: Sequence[str]) -> fmpq_mpoly_ctx:
    """The ring Q[names]."""
    return fmpq_mpoly_ctx.get(tuple(names), Ordering.degrevlex)


def parse_polynomial(text: Expression, names: Sequence[str] | None = None) -> fmpq_mpoly:
    """Read one polynomial with rational coefficients.

    Args:
        text: A text, a sympy expression, or a flint polynomial.
        names: The ring's variables; by default those that occur, in order of first appearance.

    Returns:
        The polynomial.

    Raises:
        ParseError: With the position under the text.

    Example:
        >>> str(parse_polynomial("(x-y)^2 + 1/2"))
        'x^2 - 2*x*y + y^2 + 1/2'
    """
    return parse_polynomials([text], names)[0]


def parse_polynomials(texts: Sequence[Expression], names: Sequence[str] | None = None) -> list[fmpq_mpoly]:
    """Read several polynomials into one ring.

    Args:
        texts: Texts, sympy expressions or flint polynomials.
        names: The ring's variables; by default those that occur, in order of first appearance.

    Returns:
        The polynomials, all of the same ring.

    Raises:
        ParseError: With the position under the text that fails.

    Example:
        >>> [str(p) for p in parse_polynomials(["a*b+c*d", "a*b**3+c*d**3"])]
        ['a*b + c*d', 'a*b^3 + c*d^3']
    """
    readable = [as_text(t) for t in texts]
    trees = [parse_tree(t) for t in readable]
    if names is None:
        names = collect_names(trees)
    ring = make_ring(names)
    return [to_polynomial(tree, ring, text) for tree, text in zip(trees, readable, strict=True)]


def as_text(expression: Expression) -> str:
    """What the parser reads: sympy expressions and flint polynomials are printed first (both print exactly).

    Args:
        expression: A text, sympy expression, flint polynomial, int or Fraction.

    Returns:
        The text.

    Raises:
        ParseError: For floats, and for anything else.
    """
    if isinstance(expression, str):
        return expression
    if isinstance(expression, float):
        offer = f"write {Fraction(repr(expression))} if that is meant" if abs(expression) < 1e300 and expression == expression else ""
        raise ParseError(f"the float {expression!r}", "an exact value: int, Fraction, text, sympy expression or polynomial", offer)
    if isinstance(expression, (int, Fraction, fmpq, fmpq_mpoly)) or hasattr(expression, "free_symbols"):
        return str(expression.as_expr() if hasattr(expression, "as_expr") else expression)
    raise ParseError(f"an expression of type {type(expression).__name__}", "a text, a sympy expression or a germ polynomial")


def collect_names(trees: Sequence[Node]) -> list[str]:
    """The variables of expression trees in the order of their first appearance."""
    return list(dict.fromkeys(node.text for tree in trees for node in tree.walk() if node.kind == "name"))


def has_functions(tree: Node) -> bool:
    """Whether an expression calls a function (so that it may be analytic, not polynomial)."""
    return any(node.kind == "call" for node in tree.walk())


def to_polynomial(tree: Node, ring: fmpq_mpoly_ctx, text: str) -> fmpq_mpoly:
    """The polynomial that a tree stands for.

    Args:
        tree: From `parse_tree`.
        ring: The ring; a variable outside it is an error.
        text: The text of the tree, for messages.

    Returns:
        The polynomial.

    Raises:
        ParseError: If the tree is no polynomial, has unknown variables, or explodes.
    """
    names = ring.names()

    def go(n: Node) -> fmpq_mpoly:
        match n.kind:
            case "number":
                return ring.constant(fmpq(n.value.numerator, n.value.denominator))
            case "name":
                if n.text not in names:
                    refuse_name(n, names, text)
                return ring.gen(names.index(n.text))
            case "negative":
                return -go(n.children[0])
            case "sum":
                total = ring.constant(0)
                for child in n.children:
                    total += go(child)
                return total
            case "product":
                result = ring.constant(1)
                for child in n.children:
                    result = _multiply(result, go(child), n, text)
                return result
            case "inverse":
                divisor = go(n.children[0])
                if divisor.is_zero():
                    fail(text, n.position, "division by zero")
                if not divisor.is_constant():
                    fail(
                        text,
                        n.position,
                        f"division by {divisor}",
                        "a polynomial: only division by numbers",
                        "multiply out, or use the numerator",
                    )
                return ring.constant(1) / divisor
            case "power":
                return _raise(go(n.children[0]), go(n.children[1]), n, text)
        remedy = "germ rlct expands analytic functions itself; here a polynomial is needed"
        fail(text, n.position, f"the function {n.text} in a polynomial", "+ - * / and whole powers", remedy)

    return go(tree)


def refuse_name(node: Node, names: Sequence[str], text: str) -> None:
    """Raise for a variable outside the ring, with the closest known one."""
    close = difflib.get_close_matches(node.text, names, 1)
    remedy = f"did you mean {close[0]}?" if close else ""
    fail(text, node.position, f"unknown variable {node.text!r}", f"one of {', '.join(names) or '(no variables)'}", remedy)


def _bits(p: fmpq_mpoly) -> int:
    return max((max(int(c.p).bit_length(), int(c.q).bit_length()) for c in p.coeffs()), default=0)


def _check_size(degree: int, terms: int, bits: int, node: Node, text: str) -> None:
    if degree > MAX_DEGREE:
        fail(text, node.position, f"an expression of degree {degree}", f"degree at most {MAX_DEGREE}")
    if terms > MAX_TERMS:
        fail(text, node.position, f"an expression that expands to some {terms} terms", f"at most {MAX_TERMS} terms")
    if bits > MAX_BITS:
        fail(text, node.position, f"coefficients of some {bits} bits", f"at most {MAX_BITS} bits")


def _degree(p: fmpq_mpoly) -> int:
    return 0 if p.is_zero() else int(p.total_degree())


def _used(*polynomials: fmpq_mpoly) -> int:
    return len({i for p in polynomials for i, d in enumerate(p.degrees()) if d > 0})


def _multiply(p: fmpq_mpoly, q: fmpq_mpoly, node: Node, text: str) -> fmpq_mpoly:
    degree = _degree(p) + _degree(q)
    terms = len(p) * len(q)
    if terms > MAX_TERMS:
        terms = min(terms, comb(degree + _used(p, q), degree))
    _check_size(degree, terms, _bits(p) + _bits(q), node, text)
    return p * q


def _raise(base: fmpq_mpoly, exponent: fmpq_mpoly, node: Node, text: str) -> fmpq_mpoly:
    place = node.children[1].position
    if not exponent.is_constant():
        fail(text, place, f"the exponent {exponent} is not a number", "a whole number")
    value = fmpq(0) if exponent.is_zero() else exponent.leading_coefficient()
    if value.q != 1 or (value < 0 and not base.is_constant()):
        fail(text, place, f"the exponent {value}", "a whole number ≥ 0 in a polynomial", "take the square, or use generators of an ideal")
    k = int(value.p)
    if k < 0:
        if base.is_zero():
            fail(text, place, "division by zero")
        base, k = base.context().constant(1) / base, -k
    if len(base) == 0 or k == 0:
        return base if k else base.context().constant(1)
    if k > MAX_BITS:
        fail(text, place, f"the exponent {k}", f"at most {MAX_DEGREE}")
    terms = comb(min(k, MAX_TERMS) + len(base) - 1, len(base) - 1) if len(base) < 50 or k < 3 else len(base) ** min(k, 20)
    if terms > MAX_TERMS:
        terms = min(terms, comb(min(_degree(base) * k, 10**6) + _used(base), _used(base)))
    _check_size(_degree(base) * k, terms, _bits(base) * k, node, text)
    return base**k


__all__ = [
    "FUNCTIONS", "Expression", "as_text", "collect_names", "has_functions", "make_ring", "parse_polynomial", "parse_polynomials",
    "to_polynomial",
]  # fmt: skip
