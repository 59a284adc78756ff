"""Polynomials, domains, priors, boxes and points from what a user writes: text, sympy expressions, or flint polynomials.

Everything is exact (floats are refused, with the fraction offered) and bounded: degree, number of terms and size of coefficients are
checked before a product is formed, so that a short text such as `(x+y+z)**100000` ends in a message, not in a full memory.
Variables are named in the order of their first appearance, unless names are given; then an unknown name is an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, isqrt
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx, fmpq_poly

from germ.algebra.real_roots import AlgebraicNumber, halve, isolate_real_roots
from germ.algebra.series import compute_order, expand
from germ.algebra.syntax import FUNCTIONS, Node, fail, parse_tree
from germ.errors import ParseError

MAX_DEGREE = 2_000
MAX_TERMS = 50_000
MAX_BITS = 50_000  # of one coefficient
PRIOR_ORDER = 12  # Taylor polynomials of priors keep terms up to this degree


@dataclass(frozen=True)
class Prior:
    """A density ∏ |p|^q times a positive analytic function.

    Args:
        factors: Pairs (polynomial, exponent).
        remainder_order: None where the factors are exact; otherwise each factor is a Taylor polynomial with remainder
            O(|w|^remainder_order).
    """

    factors: tuple[tuple[fmpq_mpoly, Fraction], ...]
    remainder_order: int | None = None


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


def parse_domain(text: str | Sequence[Expression], names: Sequence[str]) -> list[fmpq_mpoly]:
    """Read inequalities into polynomials g with the meaning g ≥ 0.

    Args:
        text: Inequalities `left >= right` or `left <= right` (chains such as `0 <= x <= 1` too), separated by ";"; or a list of them, or of
            polynomials g.
        names: The ring's variables.

    Returns:
        The polynomials g.

    Raises:
        ParseError: Strict inequalities, equations, unknown variables.

    Example:
        >>> [str(g) for g in parse_domain("x >= y^2; 0 <= y <= 1", ["x", "y"])]
        ['-y^2 + x', 'y', '-y + 1']
    """
    parts = text.split(";") if isinstance(text, str) else [as_text(t) for t in text]
    found = []
    for part in parts:
        if not part.strip():
            continue
        found += _parse_chain(part.replace("≥", ">=").replace("≤", "<="), names, isinstance(text, str))
    return found


def _parse_chain(part: str, names: Sequence[str], needs_sign: bool) -> list[fmpq_mpoly]:
    sides, signs, start, i = [], [], 0, 0
    while i < len(part):
        if part[i] in "<>=":
            if part[i : i + 2] not in ("<=", ">="):
                remedy = (
                    "write <= or >=; the boundary has measure zero"
                    if part[i] in "<>"
                    else "an equation has measure zero: write an inequality"
                )
                fail(part, i, f"{part[i]!r} in a domain", "'<=' or '>='", remedy)
            sides.append(part[start:i])
            signs.append(part[i])
            i += 1
            start = i + 1
        i += 1
    sides.append(part[start:])
    if not signs:
        if needs_sign:
            fail(part, len(part), "a domain without an inequality", "for example x>=0", "separate several inequalities by ';'")
        return [parse_polynomial(part, names)]
    values = [parse_polynomial(side, names) for side in sides]
    pairs = zip(values, values[1:], signs, strict=False)
    return [right - left if sign == "<" else left - right for left, right, sign in pairs]


def parse_box(text: str, names: Sequence[str]) -> dict[str, tuple[fmpq, fmpq]]:
    """Read a box: one interval for each variable.

    Args:
        text: Intervals `low:high` separated by commas in the order of the variables, or named ones (`x=-1:2`).
        names: The variables.

    Returns:
        Variable to (low, high).

    Raises:
        ParseError: A missing or empty interval.

    Example:
        >>> parse_box("-1:2, 0:1/2", ["x", "y"])["y"]
        (0, 1/2)
    """
    box: dict[str, tuple[fmpq, fmpq]] = {}
    for index, part in enumerate(text.split(",")):
        name, _, interval = part.rpartition("=")
        name = name.strip() or (names[index] if index < len(names) else "")
        low, colon, high = interval.partition(":")
        if not colon:
            raise ParseError(f"the interval {part.strip()!r} in the box {text!r}", "low:high", 'for example --box "-1:2,-1:1"')
        if name not in names:
            expected = f"one interval for each of {', '.join(names)}"
            raise ParseError(f"the box {text!r}: " + (f"unknown variable {name!r}" if name else "too many intervals"), expected)
        ends = (_parse_rational(low), _parse_rational(high))
        if ends[0] >= ends[1]:
            raise ParseError(f"the empty interval {interval.strip()!r} for {name}", "low < high")
        box[name] = ends
    missing = [n for n in names if n not in box]
    if missing:
        raise ParseError(f"the box {text!r} has no interval for {', '.join(missing)}", f"one for each of {', '.join(names)}")
    return box


def _parse_rational(text: str) -> fmpq:
    value = parse_polynomial(text, [])
    return fmpq(0) if value.is_zero() else value.leading_coefficient()


# --- points --------------------------------------------------------------------------------------------------------------------


def parse_point(text: str | Sequence[Any] | dict[str, Any], names: Sequence[str]) -> tuple[fmpq | AlgebraicNumber, ...]:
    """Read a point whose coordinates are rational or real algebraic.

    Args:
        text: Coordinates separated by commas, in the order of the variables or named (`x=1/2, y=0`); also a sequence or a dict.
            `sqrt(2)` and `root(t^3-2, 1)` (the first real root, counted from the left) are algebraic numbers.
        names: The variables.

    Returns:
        One coordinate for each variable.

    Raises:
        ParseError: Wrong number of coordinates, unknown names, numbers that are not algebraic.

    Example:
        >>> parse_point("1/2, -3", ["x", "y"])
        (1/2, -3)
        >>> parse_point("sqrt(2)", ["x"])[0].polynomial
        x^2 + (-2)
    """
    values: dict[str, Any] = {}
    if isinstance(text, dict):
        values = {str(k): v for k, v in text.items()}
    else:
        parts = _split_outside(text) if isinstance(text, str) else list(text)
        for index, part in enumerate(parts):
            name, value = "", part
            if isinstance(part, str):
                name, _, value = part.rpartition("=")
            name = name.strip() or (names[index] if index < len(names) else f"coordinate {index + 1}")
            if name in values:
                raise ParseError(f"{name} is given twice in the point {text!r}", "one coordinate for each variable")
            values[name] = value
    unknown, missing = [n for n in values if n not in names], [n for n in names if n not in values]
    if unknown or missing:
        what = f"no variable for {', '.join(unknown)}" if unknown else f"no value for {', '.join(missing)}"
        expected = f"{len(names)} coordinates, for {', '.join(names)}"
        raise ParseError(f"the point {text!r} has {what}", expected, 'for example --at "' + ",".join("0" for _ in names) + '"')
    return tuple(_parse_number(as_text(values[n])) for n in names)


def _split_outside(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def _parse_number(text: str) -> fmpq | AlgebraicNumber:
    tree = parse_tree(text)
    if not has_functions(tree):
        if collect_names([tree]):
            fail(text, tree.position, f"the variable {collect_names([tree])[0]!r} in a coordinate", "a number")
        return _parse_rational(text)
    sign = 1
    if tree.kind == "negative":
        sign, tree = -1, tree.children[0]
    if tree.kind == "call" and tree.text == "sqrt":
        radicand = to_polynomial(tree.children[0], make_ring([]), text)
        value = fmpq(0) if radicand.is_zero() else radicand.leading_coefficient()
        return _square_root(value, sign, text, tree)
    if tree.kind == "call" and tree.text == "root":
        number = _select_root(tree, text)
        if sign == 1:
            return number
        if isinstance(number, fmpq):
            return -number
        return AlgebraicNumber(number.polynomial(fmpq_poly([0, -1])), -number.high, -number.low)
    expected = "a fraction, sqrt(a), or root(polynomial, index), with a sign at most"
    fail(text, tree.position, "this number", expected, "write it as root(p, k), the k-th real root of a polynomial p")


def _square_root(value: fmpq, sign: int, text: str, tree: Node) -> fmpq | AlgebraicNumber:
    if value < 0:
        fail(text, tree.position, f"the square root of {value} is not real", "a real point")
    p, q = int(value.p), int(value.q)
    low = fmpq(isqrt(p * q), q)
    if low * low == value:
        return sign * low
    high = low + fmpq(1, q)
    ends = (low, high) if sign > 0 else (-high, -low)
    return AlgebraicNumber(fmpq_poly([-value, 0, 1]), *ends)


def _select_root(tree: Node, text: str) -> fmpq | AlgebraicNumber:
    body, index_node = tree.children
    names = collect_names([body])
    if len(names) != 1:
        fail(text, body.position, f"root of a polynomial in {len(names)} variables", "one variable, for example root(t^2-2, 1)")
    p = to_polynomial(body, make_ring(names), text)
    index = to_polynomial(index_node, make_ring([]), text)
    k = 0 if index.is_zero() or index.leading_coefficient().q != 1 else int(index.leading_coefficient().p)
    dense = [fmpq(0)] * (_degree(p) + 1)
    for e, c in p.to_dict().items():
        dense[int(e[0])] = c
    roots = isolate_real_roots(fmpq_poly(dense))
    if not 1 <= k <= len(roots):
        fail(text, index_node.position, f"root number {index}", f"1 to {len(roots)}: the polynomial has {len(roots)} real roots")
    return roots[k - 1]


# --- priors --------------------------------------------------------------------------------------------------------------------


def parse_prior(text: Expression, names: Sequence[str], order: int = PRIOR_ORDER) -> Prior:
    """Read a prior density up to a positive unit.

    Products, quotients, rational powers, `abs`, `sqrt` and `exp` are taken apart exactly; a sum is a polynomial if it can be, otherwise its
    Taylor polynomial at the origin of total degree ≤ `order` (so sin(x) is x - x³/6 + …), or nothing if it is positive there. A factor that
    depends on one variable only and vanishes to order k there is |x|^k times a unit, exactly.

    Args:
        text: The density, for example "abs(y)**(1/2) * exp(-x**2)".
        names: The ring's variables.
        order: Degree of Taylor polynomials where they are needed.

    Returns:
        The factors with their exponents.

    Raises:
        ParseError: If the density is zero, or not analytic away from its zeros.

    Example:
        >>> parse_prior("abs(y)**(1/2)*exp(-x^2)", ["x", "y"]).factors
        ((y, Fraction(1, 2)),)
    """
    readable = as_text(text)
    tree = parse_tree(readable)
    ring = make_ring(names)
    for node in tree.walk():
        if node.kind == "name" and node.text not in names:
            refuse_name(node, names, readable)
    factors: dict[str, tuple[fmpq_mpoly, Fraction]] = {}
    truncated = False
    for node, exponent in _split_factors(tree, Fraction(1), readable):
        polynomial, exact = _read_factor(node, ring, readable, order)
        truncated = truncated or not exact
        if polynomial.is_constant():
            continue
        key = str(polynomial)
        factors[key] = (polynomial, factors.get(key, (polynomial, Fraction(0)))[1] + exponent)
    return Prior(tuple(f for f in factors.values() if f[1] != 0), order + 1 if truncated else None)


def _split_factors(node: Node, exponent: Fraction, text: str) -> list[tuple[Node, Fraction]]:
    match node.kind:
        case "product":
            return [f for child in node.children for f in _split_factors(child, exponent, text)]
        case "negative":
            fail(text, node.position, "a negative density", "a density that is ≥ 0", "write abs(…) where it changes sign")
        case "inverse":
            return _split_factors(node.children[0], -exponent, text)
        case "power":
            value = to_polynomial(node.children[1], make_ring([]), text)
            power = fmpq(0) if value.is_zero() else value.leading_coefficient()
            return _split_factors(node.children[0], exponent * Fraction(int(power.p), int(power.q)), text)
        case "call" if node.text == "abs":
            inner = node.children[0]
            return _split_factors(inner.children[0] if inner.kind == "negative" else inner, exponent, text)
        case "call" if node.text == "sqrt":
            return _split_factors(node.children[0], exponent / 2, text)
        case "call" if node.text in ("exp", "cosh"):
            return []
        case "number" if node.value == 0:
            fail(text, node.position, "a density that is zero", "a positive density")
        case "number":
            return []
    return [(node, exponent)]


def _read_factor(node: Node, ring: fmpq_mpoly_ctx, text: str, order: int) -> tuple[fmpq_mpoly, bool]:
    """A factor as (polynomial up to a unit, whether that is exact)."""
    if not has_functions(node):
        polynomial = to_polynomial(node, ring, text)
        if polynomial.is_zero():
            fail(text, node.position, "a density that is zero", "a positive density")
        return polynomial, True
    if node.kind == "call" and node.text in ("sin", "tan", "tanh", "sinh", "atan") and not has_functions(node.children[0]):
        inner = to_polynomial(node.children[0], ring, text)
        if expand(node.children[0], ring, 0, text).is_zero():
            return inner, True  # f(t) = t·unit(t) for these functions
    polynomial = expand(node, ring, order, text)
    leading = compute_order(polynomial)
    if leading is None:
        fail(text, node.position, f"a factor whose Taylor polynomial of degree {order} is zero", "a factor with a term of lower degree")
    if leading == 0:
        return ring.constant(1), True
    variables = [i for i, d in enumerate(polynomial.degrees()) if d > 0]
    if len(variables) == 1 and len(collect_names([node])) == 1:
        return ring.gen(variables[0]) ** leading, True
    return polynomial, False


__all__ = [
    "FUNCTIONS", "AlgebraicNumber", "Prior", "as_text", "collect_names", "halve", "has_functions", "isolate_real_roots", "make_ring",
    "parse_box", "parse_domain", "parse_point", "parse_polynomial", "parse_polynomials", "parse_prior", "to_polynomial",
]  # fmt: skip
