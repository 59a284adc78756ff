"""Jet schemes, contact loci, and the complex log canonical threshold that they know.

An m-jet of X = V(f) is a truncated curve x(t) mod t^{m+1} with f(x(t)) ≡ 0. These form the jet scheme J_m(X), and

    lct(f) = min_m  codim(J_m(X)) / (m + 1)

(Mustață 2002), codim taken in the space of all m-jets, of dimension n(m + 1). The contact locus of order ≥ p is J_{p−1}, up to free
coefficients, so it has the same codimension.

Dimensions are found by weights: stratify the jets by the orders k_i of their coordinates, x_i = t^{k_i} u_i with u_i(0) ≠ 0. Then f(x(t))
= t^{l(k)} (f_k(u(0)) + …), with f_k the part of f on which k·e is least and l(k) that least value. Where f_k is a monomial the stratum
needs l(k) ≥ m + 1; where f_k has a smooth zero set in the torus each further order costs one condition. So for a polynomial that is
nondegenerate on all faces, over the complex numbers,

    codim J_m = min_k  Σ k_i + max(0, m + 1 − l(k)),      only k with l(k) ≥ m + 1 where f_k is a monomial,

and powers of factors e_j enter as ⌈(m + 1 − l(k)) / e_j⌉. For a monomial ideal l(k) ≥ m + 1 is the whole condition. A plane curve that is
degenerate is first put into better coordinates (a polynomial change of coordinates moves jets to jets); what remains goes to Gröbner
bases of the jet equations, within limits. Everything here is complex: real thresholds are `germ.algebra.rlct`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat, fmpq_mpoly, fmpq_mpoly_ctx
from scipy.optimize import linprog

from germ.algebra.expression import Expression, make_ring, parse_polynomials
from germ.algebra.groebner import compute_dimension, compute_groebner_basis
from germ.errors import BudgetError, InputError

MAX_STRATA = 2_000_000
MAX_ORDER = 500


@dataclass(frozen=True)
class JetDimension:
    """One row of the table.

    Args:
        order: m.
        dimension: dim J_m(X) over the complex numbers.
        codimension: n(m + 1) − dimension.
        ratio: codimension / (m + 1), an upper bound of the log canonical threshold.
        running: The least ratio so far.
    """

    order: int
    dimension: int
    codimension: int
    ratio: Fraction
    running: Fraction


@dataclass(frozen=True)
class JetTable:
    """Dimensions of the jet schemes of V(I) ⊂ Aⁿ.

    Args:
        rows: One for each order from 0.
        threshold: The complex log canonical threshold where it is known exactly, else None.
        method: How the dimensions were found.
        attained: The orders at which the ratio equals the threshold.
        unfinished: Why the table ends early, or "".
    """

    rows: tuple[JetDimension, ...]
    threshold: Fraction | None
    method: str
    attained: tuple[int, ...]
    unfinished: str = ""


def make_jet_equations(generators: Sequence[Expression], order: int, names: Sequence[str] | None = None) -> list[fmpq_mpoly]:
    """The equations of J_m: coefficients of t^0 … t^m in f(Σ x_j t^j).

    Args:
        generators: The ideal.
        order: m ≥ 0.
        names: The variables.

    Returns:
        Polynomials in x_0, …, x_m, y_0, …; for each generator m + 1 of them.

    Raises:
        InputError: For a negative or enormous order.

    Example:
        >>> [str(p) for p in make_jet_equations(["x*y"], 1)]
        ['x_0*y_0', 'x_1*y_0 + x_0*y_1']
    """
    if not 0 <= order <= MAX_ORDER:
        raise InputError(f"jets of order {order}", f"an order from 0 to {MAX_ORDER}")
    read = parse_polynomials(generators, names)
    variables = read[0].context().names()
    ring = make_ring([f"{v}_{j}" for v in variables for j in range(order + 1)])
    series = {v: [ring.gen(i * (order + 1) + j) for j in range(order + 1)] for i, v in enumerate(variables)}
    zero = ring.constant(0)

    def multiply(a: list[fmpq_mpoly], b: list[fmpq_mpoly]) -> list[fmpq_mpoly]:
        return [sum((a[i] * b[k - i] for i in range(k + 1)), zero) for k in range(order + 1)]

    equations = []
    for f in read:
        total = [zero] * (order + 1)
        for exponents, coefficient in f.to_dict().items():
            term = [ring.constant(coefficient), *[zero] * order]
            for v, e in zip(variables, exponents, strict=True):
                for _ in range(int(e)):
                    term = multiply(term, series[v])
            total = [a + b for a, b in zip(total, term, strict=True)]
        equations += total
    return equations


def compute_jet_dimensions(
    generators: Expression | Sequence[Expression], order: int, names: Sequence[str] | None = None, *, seconds: float = 20.0
) -> JetTable:
    """Dimensions of J_0, …, J_m of the zero set of a polynomial or an ideal, over the complex numbers.

    Args:
        generators: f, or the generators of an ideal.
        order: m, from 0 to 500.
        names: The variables; by default those that occur.
        seconds: Limit for Gröbner bases, where the weight formula does not apply; the table then ends early.

    Returns:
        The table, with the log canonical threshold where the method knows it.

    Raises:
        InputError: For the zero ideal or a bad order.
        BudgetError: If not even J_0 could be treated.

    Example:
        >>> table = compute_jet_dimensions("y^2 - x^3", 5)
        >>> [row.dimension for row in table.rows], table.threshold
        ([1, 2, 3, 4, 5, 7], Fraction(5, 6))

    References:
        Mustață (2002), Singularities of pairs via jet schemes, Corollary 0.2; Ein, Lazarsfeld, Mustață (2004), Contact loci in arc spaces.
    """
    if not 0 <= order <= MAX_ORDER:
        raise InputError(f"jets of order {order}", f"an order from 0 to {MAX_ORDER}")
    many = not isinstance(generators, str) and isinstance(generators, Sequence)
    read = [f for f in parse_polynomials(list(generators) if many else [generators], names) if not f.is_zero()]
    if not read:
        raise InputError("the zero ideal", "a polynomial that is not zero")
    if any(f.is_constant() for f in read):
        raise InputError("a nonzero constant among the generators", "polynomials with common zeros")
    n = read[0].context().nvars()
    if (order + 2) ** n <= MAX_STRATA:
        if all(len(f) == 1 for f in read):
            exponents = np.array([f.monoms()[0] for f in read], dtype=np.int64)
            return _table(_codimensions_monomial(exponents, order), n, _howald(exponents), "monomial ideal, by weights")
        if len(read) == 1:
            curve, note = (read[0], "") if n != 2 else _adapt(read[0], order)
            parts = _split(curve)
            if _is_nondegenerate(curve, parts, order):
                return _table(
                    _codimensions(curve, parts, order), n, _threshold(curve, parts), "nondegenerate on all faces, by weights" + note
                )
    return _table_by_groebner(read, order, n, seconds)


def compute_contact_codimension(generators: Expression | Sequence[Expression], contact: int, names: Sequence[str] | None = None) -> int:
    """Codimension of the contact locus: arcs along which all generators vanish to order ≥ p.

    Args:
        generators: f, or the generators of an ideal.
        contact: p ≥ 1.
        names: The variables.

    Returns:
        The codimension in the space of arcs; codim / p ≥ lct, with equality for some p.

    Raises:
        InputError: For p < 1.
        BudgetError: If the jets of order p − 1 cannot be treated.

    Example:
        >>> compute_contact_codimension("y^2 - x^3", 6)
        5
    """
    if contact < 1:
        raise InputError(f"contact of order {contact}", "an order of at least 1")
    table = compute_jet_dimensions(generators, contact - 1, names)
    if len(table.rows) < contact:
        raise BudgetError(f"the jets of order {contact - 1}: {table.unfinished}", "a smaller order")
    return table.rows[-1].codimension


def _table(codimensions: Sequence[int], n: int, threshold: Fraction | None, method: str, unfinished: str = "") -> JetTable:
    rows, running = [], None
    for m, c in enumerate(codimensions):
        ratio = Fraction(c, m + 1)
        running = ratio if running is None else min(running, ratio)
        rows.append(JetDimension(m, n * (m + 1) - c, c, ratio, running))
    return JetTable(tuple(rows), threshold, method, tuple(r.order for r in rows if r.ratio == threshold), unfinished)


def _orders(n: int, order: int) -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(order + 2)] * n, indexing="ij"), -1).reshape(-1, n)


def _codimensions_monomial(exponents: np.ndarray, order: int) -> list[int]:
    k = _orders(exponents.shape[1], order)
    least, cost = (k @ exponents.T).min(1), k.sum(1)
    return [int(cost[least >= m + 1].min()) for m in range(order + 1)]


def _split(f: fmpq_mpoly) -> list[tuple[fmpq_mpoly, int]]:
    """Irreducible factors over Q with their powers."""
    return [(p, int(e)) for p, e in f.factor()[1]]


def _exponents(f: fmpq_mpoly) -> np.ndarray:
    return np.array([[int(e) for e in m] for m in f.monoms()], dtype=np.int64)


def _is_nondegenerate(f: fmpq_mpoly, parts: list[tuple[fmpq_mpoly, int]], order: int) -> bool:
    """Whether every face part of the reduced polynomial that a weight up to order + 1 selects is smooth in the complex torus."""
    reduced = f.context().constant(1)
    for p, _ in parts:
        reduced *= p
    exponents = _exponents(reduced)
    values = _orders(exponents.shape[1], order) @ exponents.T
    faces = np.unique(values == values.min(1, keepdims=True), axis=0)
    return all(_is_smooth_in_torus(reduced, face, exponents) for face in faces)


def _is_smooth_in_torus(f: fmpq_mpoly, face: np.ndarray, exponents: np.ndarray) -> bool:
    chosen = exponents[face]
    if len(chosen) == 1:
        return True
    differences = (chosen[1:] - chosen[0]).tolist()
    if fmpq_mat(len(differences), len(differences[0]), [v for row in differences for v in row]).rank() == len(differences):
        return True  # a simplex of exponents: logarithmic derivatives are independent
    names, terms = f.context().names(), f.to_dict()
    ring = make_ring([*names, "inverse_of_all"])
    part = ring.from_dict({(*map(int, e), 0): terms[tuple(map(int, e))] for e in chosen})
    inverse = ring.from_dict({(1,) * (len(names) + 1): fmpq(1), (0,) * (len(names) + 1): fmpq(-1)})
    try:
        basis = compute_groebner_basis([part, *[part.derivative(i) for i in range(len(names))], inverse], None, seconds=5.0)
    except BudgetError:
        return False
    return bool(basis.polynomials[0].is_constant())


def _codimensions(f: fmpq_mpoly, parts: list[tuple[fmpq_mpoly, int]], order: int) -> list[int]:
    n = f.context().nvars()
    k = _orders(n, order)
    cost = k.sum(1)
    total = np.zeros(len(k), dtype=np.int64)
    splits = []
    for p, e in parts:
        values = k @ _exponents(p).T
        least = values.min(1)
        total += e * least
        splits.append((e, (values == least[:, None]).sum(1) > 1))
    found = []
    for m in range(order + 1):
        inside = cost[total >= m + 1]
        best = int(inside.min()) if len(inside) else n * (m + 1)
        for e, has_zeros in splits:
            if has_zeros.any():
                missing = np.maximum(0, m + 1 - total[has_zeros])
                best = min(best, int((cost[has_zeros] + -(-missing // e)).min()))
        found.append(best)
    return found


def _threshold(f: fmpq_mpoly, parts: list[tuple[fmpq_mpoly, int]]) -> Fraction | None:
    newton = _howald(_exponents(f))
    strict = [Fraction(1, e) for p, e in parts if len(p) > 1]
    return None if newton is None else min([newton, *strict])


def _howald(exponents: np.ndarray) -> Fraction | None:
    """Min Σ k_i with k·e ≥ 1 for all e, k ≥ 0; the program is solved in floats and the solution proved by its exact dual."""
    if not exponents.any(axis=1).all():
        return None
    primal = linprog(np.ones(exponents.shape[1]), A_ub=-exponents, b_ub=-np.ones(len(exponents)), method="highs")
    dual = linprog(-np.ones(len(exponents)), A_ub=exponents.T, b_ub=np.ones(exponents.shape[1]), method="highs")
    for limit in (100, 10_000, 10**6):
        k = [Fraction(float(v)).limit_denominator(limit) for v in primal.x]
        y = [Fraction(float(v)).limit_denominator(limit) for v in dual.x]
        feasible = all(sum(int(a) * b for a, b in zip(e, k, strict=True)) >= 1 for e in exponents) and min(k + y) >= 0
        if feasible and all(sum(int(a) * b for a, b in zip(e, y, strict=True)) <= 1 for e in exponents.T) and sum(k) == sum(y):
            return sum(k, Fraction(0))
    return None


def _adapt(f: fmpq_mpoly, order: int) -> tuple[fmpq_mpoly, str]:
    """Straighten branches: while a face has a repeated factor y − c x^k (or x − c y^k), replace y by y + c x^k."""
    ring, changed = f.context(), ""
    for _ in range(20):
        if _is_nondegenerate(f, _split(f), order):
            return f, changed
        shift = _find_shift(f, ring)
        if shift is None:
            return f, changed
        i, image = shift
        f = f.compose(*[image if j == i else ring.gen(j) for j in range(2)])
        changed = ", after a change of coordinates"
    return f, changed


def _find_shift(f: fmpq_mpoly, ring: fmpq_mpoly_ctx) -> tuple[int, fmpq_mpoly] | None:
    reduced = ring.constant(1)
    for p, _ in _split(f):
        reduced *= p
    terms = {tuple(map(int, e)): c for e, c in reduced.to_dict().items()}
    for i in (1, 0):
        for k in range(1, max(max(e) for e in terms) + 1):
            weights = [k, k]
            weights[1 - i] = 1
            level = min(e[0] * weights[0] + e[1] * weights[1] for e in terms)
            part = ring.from_dict({e: c for e, c in terms.items() if e[0] * weights[0] + e[1] * weights[1] == level})
            for p, power in part.factor()[1]:
                if power > 1 and len(p) == 2 and p.degrees()[i] == 1:
                    lead = next(c for e, c in p.to_dict().items() if e[i] == 1)
                    return i, ring.gen(i) - (p / lead - ring.gen(i))
    return None


def _table_by_groebner(read: list[fmpq_mpoly], order: int, n: int, seconds: float) -> JetTable:
    names = read[0].context().names()
    found: list[int] = []
    reason = ""
    for m in range(order + 1):
        equations = make_jet_equations(read, m)
        try:
            dimension = compute_dimension(equations, [f"{v}_{j}" for v in names for j in range(m + 1)], seconds)
        except BudgetError as error:
            reason = f"order {m}: {error.got}"
            break
        if dimension < 0:
            raise InputError("an ideal without complex zeros", "a zero set that is not empty")
        found.append(n * (m + 1) - dimension)
    if not found:
        raise BudgetError(f"the jets of order 0 of this ideal: {reason}", "a smaller ideal")
    return _table(found, n, None, "Gröbner bases of the jet equations", reason)
