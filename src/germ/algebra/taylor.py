"""Analytic K from a Taylor polynomial: when does a truncation decide λ?

Write K = P + R with P the Taylor polynomial of order D at the base point and R in m^{D+1}. Let E be the terms of P with even exponents
and positive coefficients, S = Σ_E x^e. Suppose

1. E contains a pure power x_i^{d_i} of every variable, all d_i ≤ D, and
2. each other term x^e of P has weights y ≥ 0 with Σ y_j e_j ≤ e (e_j in E) and Σ y_j > 1.

Then |x^e| ≤ ∏ (x^{e_j})^{y_j} ≤ S^{Σ y} = o(S) near the point, and |R| ≤ C |x|^{D+1} ≤ C' Σ |x_i|^{D+1} = o(S). So K is comparable to S,
and λ and m are those of the polynomial S (a sum of squares of monomials). Where 1 or 2 fails nothing is claimed but 1/d ≤ λ ≤ n/d with d
the order of K: the first by Weierstrass preparation along a line on which K has order d, the second because K ≤ C |x|^d.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mpoly
from scipy.optimize import linprog

from germ.algebra.expression import collect_names, make_ring
from germ.algebra.region import parse_point
from germ.algebra.series import compute_order, constant_term, expand
from germ.algebra.syntax import parse_tree
from germ.errors import InputError


@dataclass(frozen=True)
class TaylorReduction:
    """What a Taylor polynomial says about an analytic K ≥ 0.

    Args:
        polynomial: P, in coordinates centred at the point.
        order: D; the remainder lies in m^{D+1}.
        comparable: S, if K is proved comparable to it near the point; else None.
        lower: 1/d, a lower bound of λ.
        upper: n/d, an upper bound of λ.
        reason: Why the truncation does not decide, or "".
    """

    polynomial: fmpq_mpoly
    order: int
    comparable: fmpq_mpoly | None
    lower: Fraction
    upper: Fraction
    reason: str


def reduce_analytic(text: str, order: int = 8, at: Mapping[str, object] | None = None) -> TaylorReduction:
    """Replace an analytic K ≥ 0 by a comparable polynomial, where its Taylor polynomial decides.

    Args:
        text: K, with sin, cos, exp, tanh, log, sqrt and so on.
        order: D, the order of the Taylor polynomial.
        at: The base point, rational; the origin by default.

    Returns:
        P, S or the reason why not, and bounds.

    Raises:
        InputError: If K does not vanish at the point, has a Taylor polynomial of order D that is zero, or is negative nearby.
        ParseError: If K is not analytic there, or its coefficients are not rational.

    Example:
        >>> found = reduce_analytic("1 - cos(x) + sin(y)^4", 6)
        >>> str(found.comparable)
        '1/720*x^6 + y^4 + 1/2*x^2'
    """
    tree = parse_tree(text)
    names = collect_names([tree])
    if not names:
        raise InputError(f"{text!r} has no variables", "a function of parameters")
    ring = make_ring(names)
    values = None
    if at:
        point = parse_point(dict(at), names)
        rational = [c for c in point if isinstance(c, fmpq)]
        if len(rational) < len(point):
            raise InputError("an irrational point", "rational coordinates", "shift the variables by hand")
        values = {n: ring.gen(i) + c for i, (n, c) in enumerate(zip(names, rational, strict=True))}
    p = expand(tree, ring, order, text, values)
    if constant_term(p) != 0:
        raise InputError(f"K is {constant_term(p)} at the point", "a point where K vanishes", "choose another point")
    least = compute_order(p)
    if least is None:
        raise InputError(f"K vanishes to order {order} at the point", "a Taylor polynomial that is not zero", "raise the order, or K ≡ 0")
    if least % 2:
        raise InputError(f"K begins with terms of odd degree {least}, so it is negative nearby", "K ≥ 0")
    n = len(names)
    bounds = Fraction(1, least), Fraction(n, least)
    comparable, reason = _compare(p, order)
    return TaylorReduction(p, order, comparable, *bounds, reason)


def _compare(p: fmpq_mpoly, order: int) -> tuple[fmpq_mpoly | None, str]:
    ring = p.context()
    terms = {tuple(map(int, e)): c for e, c in p.to_dict().items()}
    even = [e for e, c in terms.items() if c > 0 and not any(v % 2 for v in e)]
    for i, name in enumerate(ring.names()):
        if not any(e[i] and sum(e) == e[i] for e in even):
            return None, f"no even power of {name} with a positive coefficient up to degree {order}: the remainder could decide"
    for e in terms:
        if e not in even and not _is_dominated(e, even):
            monomial = ring.from_dict({e: terms[e]})
            return None, f"the term {monomial} is not dominated by the even terms with positive coefficients"
    return ring.from_dict({e: terms[e] for e in even}), ""


def _is_dominated(exponent: tuple[int, ...], even: list[tuple[int, ...]]) -> bool:
    """Whether y ≥ 0 exist with Σ y_j e_j ≤ e and Σ y_j > 1: found in floats, rounded down, checked in fractions."""
    matrix = np.array(even).T
    found = linprog(-np.ones(len(even)), A_ub=matrix, b_ub=np.array(exponent), method="highs")
    if found.x is None:
        return False
    y = [max(Fraction(0), Fraction(int(v * 10**7) - 1, 10**7)) for v in found.x]
    return sum(y) > 1 and all(sum(int(a) * b for a, b in zip(row, y, strict=True)) <= e for row, e in zip(matrix, exponent, strict=True))
