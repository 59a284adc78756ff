"""Analytic functions that are a polynomial times a unit, exactly: a·tanh(b) is a·b·unit, 1 − cos(x·y) is (x·y)²·unit.

A product is taken apart into its factors; a factor that is a power series in one polynomial p without constant term (tanh(p), exp(p) − 1)
is p^k times a unit, k its order. Units change neither λ nor m. What is no such product is left to `taylor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import fmpq_mpoly, fmpq_mpoly_ctx

from germ.algebra.expression import collect_names, has_functions, make_ring, to_polynomial
from germ.algebra.series import compute_order, constant_term, expand
from germ.algebra.syntax import Node, parse_tree
from germ.errors import ParseError

SERIES_ORDER = 24


@dataclass(frozen=True)
class Factorised:
    """A function near the origin: polynomial times a unit.

    Args:
        polynomial: The polynomial.
        sign: Sign of the unit at the origin.
    """

    polynomial: fmpq_mpoly
    sign: int


def find_polynomial_ideal(texts: Sequence[str], *, is_ideal: bool) -> list[str] | None:
    """Polynomials that generate the same ideal as analytic generators, or whose squares sum up to something comparable to K.

    Args:
        texts: The generators, or K alone.
        is_ideal: Whether they are generators.

    Returns:
        The polynomials as texts, or None where the functions are not visibly polynomials times units.
    """
    trees = [parse_tree(t) for t in texts]
    ring = make_ring(collect_names(trees))
    if not is_ideal:
        trees = list(trees[0].children) if trees[0].kind == "sum" and len(texts) == 1 else trees
    found: list[str] = []
    whole = _attempt(parse_tree(texts[0]), ring, texts[0]) if not is_ideal else None
    parts = [whole] if whole is not None else [_attempt(tree, ring, texts[0]) for tree in trees]
    for part in parts:
        if part is None:
            return None
        polynomial = part.polynomial
        if not is_ideal:
            root = _square_root(polynomial)
            if root is None or part.sign < 0:
                return None
            polynomial = root
        found.append(str(polynomial))
    return found


def _square_root(p: fmpq_mpoly) -> fmpq_mpoly | None:
    """G with p = c·g², c > 0."""
    if p.is_zero():
        return None
    constant, factors = p.factor_squarefree()
    if constant < 0 or any(int(e) % 2 for _, e in factors):
        return None
    g = p.context().constant(1)
    for f, e in factors:
        g *= f ** (int(e) // 2)
    return g


def _attempt(node: Node, ring: fmpq_mpoly_ctx, text: str) -> Factorised | None:
    try:
        return _factorise(node, ring, text)
    except ParseError:
        return None


def _factorise(node: Node, ring: fmpq_mpoly_ctx, text: str) -> Factorised | None:
    if not has_functions(node):
        return Factorised(to_polynomial(node, ring, text), 1)
    if node.kind == "negative":
        inner = _factorise(node.children[0], ring, text)
        return None if inner is None else Factorised(inner.polynomial, -inner.sign)
    if node.kind == "product":
        total = Factorised(ring.constant(1), 1)
        for child in node.children:
            factor = _factorise(child, ring, text)
            if factor is None:
                return None
            total = Factorised(total.polynomial * factor.polynomial, total.sign * factor.sign)
        return total
    if node.kind == "power" and not has_functions(node.children[1]):
        power = to_polynomial(node.children[1], ring, text)
        inner = _factorise(node.children[0], ring, text)
        if inner is not None and power.is_constant() and constant_term(power).q == 1 and constant_term(power) > 0:
            k = int(constant_term(power).p)
            return Factorised(inner.polynomial**k, inner.sign**k)
    return _expand_in_one(node, ring, text)


def _expand_in_one(node: Node, ring: fmpq_mpoly_ctx, text: str) -> Factorised | None:
    """A power series in one variable or in one polynomial without constant term: its order and the sign of its first coefficient."""
    names = collect_names([node])
    inner = ring.gen(ring.names().index(names[0])) if len(names) == 1 else None
    if inner is None:
        arguments = [call.children[0] for call in node.walk() if call.kind == "call"]
        inner = to_polynomial(arguments[0], ring, text)
        if constant_term(inner) != 0 or any(to_polynomial(a, ring, text) != inner for a in arguments[1:]):
            return None
        fresh = "_" + "_".join(names)  # a name that the text does not use: t + sin(t·x) is no series in t·x
        node = _replace_arguments(node, fresh)
        if collect_names([node]) != [fresh]:
            return None
        names = [fresh]
    series = expand(node, make_ring(names), SERIES_ORDER, text)
    order = compute_order(series)
    if order is None:
        return None
    lowest = min(series.to_dict().items(), key=lambda item: int(item[0][0]))[1]
    return Factorised(inner**order, 1 if lowest > 0 else -1)


def _replace_arguments(node: Node, name: str) -> Node:
    if node.kind == "call":
        return replace(node, children=(Node("name", node.position, name),))
    return replace(node, children=tuple(_replace_arguments(child, name) for child in node.children))
