"""Prior densities from what a user writes, up to a positive unit: products of powers of polynomials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from germ.algebra.expression import Expression, as_text, collect_names, has_functions, make_ring, refuse_name, to_polynomial
from germ.algebra.series import compute_order, expand
from germ.algebra.syntax import Node, fail, parse_tree

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
