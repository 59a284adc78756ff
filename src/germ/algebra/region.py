"""Where a germ lives, from what a user writes: inequalities of a domain, boxes, points with rational or algebraic coordinates.

Points are exact: √2 is given as sqrt(2), other algebraic numbers as root(polynomial, index), and kept as isolating intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Any

from flint import fmpq, fmpq_mpoly, fmpq_poly

from germ.algebra.expression import Expression, as_text, collect_names, has_functions, make_ring, parse_polynomial, to_polynomial
from germ.algebra.real_roots import AlgebraicNumber, isolate_real_roots
from germ.algebra.syntax import Node, fail, parse_tree
from germ.errors import ParseError


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
    dense = [fmpq(0)] * (max(0, int(p.total_degree())) + 1)
    for e, c in p.to_dict().items():
        dense[int(e[0])] = c
    roots = isolate_real_roots(fmpq_poly(dense))
    if not 1 <= k <= len(roots):
        expected = f"1 to {len(roots)}: the polynomial has {len(roots)} real roots" if roots else "a polynomial with a real root"
        fail(text, index_node.position, f"root number {index}", expected)
    return roots[k - 1]
