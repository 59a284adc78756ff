"""Gröbner bases by Buchberger's algorithm, with its trace, and what they decide: membership, chains of ideals, dimension.

The algorithm is the textbook's (pairs of least degree first, the product and the chain criterion), written to be read and traced; it is
meant for ideals of a few variables, and stops at its limits instead of running on. Where only the answer is wanted, `is_member`,
`compute_dimension` and friends call it too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

from flint import fmpq_mpoly

from germ.algebra.division import Division, read_ordered, reduce_fully
from germ.algebra.expression import Expression
from germ.errors import BudgetError, InputError

Monomial = tuple[int, ...]


@dataclass(frozen=True)
class PairStep:
    """One pair of Buchberger's algorithm.

    Args:
        pair: Indices of the two polynomials.
        outcome: "zero", "new", "product criterion" or "chain criterion".
        s_polynomial: S(f, g), where it was formed.
        remainder: Its remainder, where it was formed; appended to the basis if not zero.
    """

    pair: tuple[int, int]
    outcome: str
    s_polynomial: fmpq_mpoly | None = None
    remainder: fmpq_mpoly | None = None


@dataclass(frozen=True)
class GroebnerBasis:
    """A reduced Gröbner basis.

    Args:
        polynomials: Monic, largest leading term first, no term divisible by another's leading term.
        trace: What happened to every pair.
    """

    polynomials: tuple[fmpq_mpoly, ...]
    trace: tuple[PairStep, ...]

    def reduce(self, f: fmpq_mpoly) -> Division:
        """Division of f by the basis; the remainder is zero exactly for members of the ideal."""
        return reduce_fully(self.polynomials[0].context().from_dict(f.to_dict()), self.polynomials)


def _lead(p: fmpq_mpoly) -> Monomial:
    return tuple(map(int, p.monoms()[0]))


def _divides(a: Monomial, b: Monomial) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True))


def _lcm(a: Monomial, b: Monomial) -> Monomial:
    return tuple(map(max, a, b))


def _monic(p: fmpq_mpoly) -> fmpq_mpoly:
    return p / p.leading_coefficient()


def compute_s_polynomial(f: fmpq_mpoly, g: fmpq_mpoly) -> fmpq_mpoly:
    """S(f, g): both lifted to the least common multiple of their leading monomials, and subtracted."""
    a, b, ring = _lead(f), _lead(g), f.context()
    top = _lcm(a, b)
    left = ring.from_dict({tuple(t - x for t, x in zip(top, a, strict=True)): 1 / f.leading_coefficient()})
    right = ring.from_dict({tuple(t - x for t, x in zip(top, b, strict=True)): 1 / g.leading_coefficient()})
    return left * f - right * g


def compute_groebner_basis(
    generators: Sequence[Expression],
    order: str | None = "degrevlex",
    names: Sequence[str] | None = None,
    *,
    max_pairs: int = 20_000,
    max_terms: int = 20_000,
    seconds: float = 20.0,
) -> GroebnerBasis:
    """The reduced Gröbner basis of an ideal over Q, with the trace of the algorithm.

    Args:
        generators: Texts, sympy expressions or flint polynomials.
        order: "lex", "deglex", "degrevlex"; None keeps the order of the polynomials' ring.
        names: The variables, largest first; by default in order of appearance.
        max_pairs: Limit on the number of pairs.
        max_terms: Limit on the terms of one polynomial.
        seconds: Limit on the wall time.

    Returns:
        The basis; `(1,)` for the unit ideal, no polynomials but zero for the zero ideal.

    Raises:
        InputError: No generators, or an unknown order.
        BudgetError: Where a limit is hit.

    Example:
        >>> basis = compute_groebner_basis(["x^2 + y", "x*y - 1"], "lex")
        >>> [str(p) for p in basis.polynomials]
        ['x + y^2', 'y^3 + 1']

    References:
        Buchberger (1965); Cox, Little and O'Shea, sections 2.7 and 2.10.
    """
    if not generators:
        raise InputError("no generators", "at least one polynomial")
    read = read_ordered(generators, order, names)
    basis = [_monic(p) for p in read if not p.is_zero()]
    if not basis:
        return GroebnerBasis((read[0].context().constant(0),), ())
    stop = time.monotonic() + seconds
    pending = set(combinations(range(len(basis)), 2))
    trace: list[PairStep] = []
    while pending:
        if len(trace) > max_pairs or time.monotonic() > stop or any(len(p) > max_terms for p in basis[-1:]):
            raise BudgetError(
                f"a Gröbner basis that is not finished after {len(trace)} pairs (basis of {len(basis)})",
                f"at most {max_pairs} pairs, {max_terms} terms, {seconds:g} s",
                "raise the limits, or use fewer variables",
            )
        leads = [_lead(p) for p in basis]
        pair = min(pending, key=lambda ij: (sum(_lcm(leads[ij[0]], leads[ij[1]])), ij))
        pending.remove(pair)
        step = _treat(pair, basis, leads, pending)
        trace.append(step)
        if step.outcome == "new" and step.remainder is not None:
            basis.append(_monic(step.remainder))
            pending |= {(i, len(basis) - 1) for i in range(len(basis) - 1)}
            if basis[-1].is_constant():
                break
    return GroebnerBasis(_reduce_basis(basis), tuple(trace))


def _treat(pair: tuple[int, int], basis: list[fmpq_mpoly], leads: list[Monomial], pending: set[tuple[int, int]]) -> PairStep:
    i, j = pair
    top = _lcm(leads[i], leads[j])
    if sum(top) == sum(leads[i]) + sum(leads[j]):
        return PairStep(pair, "product criterion")
    for k in range(len(basis)):
        if k not in pair and _divides(leads[k], top):
            sides = {(min(i, k), max(i, k)), (min(j, k), max(j, k))}
            if not sides & pending:
                return PairStep(pair, "chain criterion")
    s = compute_s_polynomial(basis[i], basis[j])
    remainder = reduce_fully(s, basis).remainder
    return PairStep(pair, "zero" if remainder.is_zero() else "new", s, remainder)


def _reduce_basis(basis: list[fmpq_mpoly]) -> tuple[fmpq_mpoly, ...]:
    if any(p.is_constant() for p in basis):
        return (basis[0].context().constant(1),)
    kept: list[fmpq_mpoly] = []
    for p in sorted(basis, key=lambda q: sum(_lead(q))):
        if not any(_divides(_lead(q), _lead(p)) for q in kept):
            kept = [q for q in kept if not _divides(_lead(p), _lead(q))] + [p]
    reduced = [_monic(reduce_fully(p, [q for q in kept if q is not p]).remainder) if len(kept) > 1 else p for p in kept]
    ring = basis[0].context()
    lead_sum = sum((ring.from_dict({_lead(p): 1}) for p in reduced), ring.constant(0))
    rank = {tuple(map(int, m)): i for i, m in enumerate(lead_sum.monoms())}
    return tuple(sorted(reduced, key=lambda p: rank[_lead(p)]))


@dataclass(frozen=True)
class Membership:
    """Whether f lies in an ideal.

    Args:
        is_member: The answer.
        remainder: The normal form of f; zero exactly for members.
        basis: The Gröbner basis that decided it.
    """

    is_member: bool
    remainder: fmpq_mpoly
    basis: GroebnerBasis


def check_membership(f: Expression, generators: Sequence[Expression], order: str = "degrevlex") -> Membership:
    """Decide whether f lies in the ideal of the generators.

    Args:
        f: The polynomial.
        generators: The ideal.
        order: Monomial order.

    Returns:
        The answer with the normal form.

    Example:
        >>> check_membership("x^3 - y^3", ["x - y"]).is_member
        True
    """
    first, *rest = read_ordered([f, *generators], order)
    basis = compute_groebner_basis(rest, None)
    remainder = basis.reduce(first).remainder if not basis.polynomials[0].is_zero() else first
    return Membership(remainder.is_zero(), remainder, basis)


@dataclass(frozen=True)
class Chain:
    """An ascending chain I_1 ⊂ I_2 ⊂ … with I_k generated by the first k polynomials.

    Args:
        grows: For each k whether I_k is larger than I_{k−1}.
        bases: The Gröbner basis of each I_k.
        stable_from: The least k from which on the listed chain is constant.
    """

    grows: tuple[bool, ...]
    bases: tuple[GroebnerBasis, ...]
    stable_from: int


def compute_chain(polynomials: Sequence[Expression], order: str = "degrevlex") -> Chain:
    """Watch an ascending chain become stationary (Hilbert's basis theorem says that it must).

    Args:
        polynomials: f_1, f_2, …
        order: Monomial order.

    Returns:
        The chain.

    Example:
        >>> moments = [f"a*b^{k} + c*d^{k}" for k in (1, 3, 5, 7)]
        >>> compute_chain(moments).stable_from
        2
    """
    read = read_ordered(polynomials, order)
    grows: list[bool] = []
    bases: list[GroebnerBasis] = []
    for k, f in enumerate(read):
        new = not f.is_zero() if k == 0 or bases[-1].polynomials[0].is_zero() else not bases[-1].reduce(f).remainder.is_zero()
        grows.append(new)
        bases.append(compute_groebner_basis([*bases[-1].polynomials, f] if bases else [f], None) if new or not bases else bases[-1])
    return Chain(tuple(grows), tuple(bases), max((k + 1 for k, new in enumerate(grows) if new), default=1))


def compute_dimension(generators: Sequence[Expression], names: Sequence[str] | None = None, seconds: float = 20.0) -> int:
    """The Krull dimension of V(I) over the complex numbers (−1 where V(I) is empty).

    The initial ideal of a Gröbner basis has the same dimension; a monomial ideal's codimension is the least number of variables that meet
    the support of every generator.

    Args:
        generators: The ideal.
        names: The variables; those that do not occur count too.
        seconds: Limit on the wall time of the Gröbner basis.

    Returns:
        The dimension.

    Example:
        >>> compute_dimension(["x*z", "y*z"])
        2
    """
    basis = compute_groebner_basis(generators, "degrevlex", names, seconds=seconds)
    n = basis.polynomials[0].context().nvars()
    if basis.polynomials[0].is_zero():
        return n
    if basis.polynomials[0].is_constant():
        return -1
    return n - _least_hitting_set([frozenset(i for i, e in enumerate(_lead(p)) if e) for p in basis.polynomials])


def _least_hitting_set(sets: Sequence[frozenset[int]]) -> int:
    sets = [s for s in set(sets) if not any(t < s for t in sets)]
    best = len(frozenset().union(*sets)) if sets else 0

    def go(left: list[frozenset[int]], used: int) -> None:
        nonlocal best
        if not left:
            best = min(best, used)
            return
        disjoint, seen = 0, frozenset[int]()
        for s in sorted(left, key=len):
            if not s & seen:
                disjoint, seen = disjoint + 1, seen | s
        if used + disjoint >= best:
            return
        chosen = min(left, key=len)
        for i in chosen:
            go([s for s in left if i not in s], used + 1)

    go(list(sets), 0)
    return best


def compute_resultant(f: Expression, g: Expression, variable: str) -> fmpq_mpoly:
    """The resultant: a polynomial without `variable` that vanishes where f and g have a common root in it.

    Args:
        f: A polynomial.
        g: A polynomial.
        variable: The variable to eliminate.

    Returns:
        Res(f, g), an element of the ideal (f, g).

    Raises:
        InputError: If the variable is unknown.

    Example:
        >>> str(compute_resultant("x^2 + y^2 - 1", "x - y", "x"))
        '2*y^2 - 1'
    """
    left, right = read_ordered([f, g], "lex")
    if variable not in left.context().names():
        raise InputError(f"the variable {variable!r}", f"one of {', '.join(left.context().names())}")
    return left.resultant(right, variable)


@dataclass(frozen=True)
class PrincipalDecomposition:
    """(f) = ∩ (p_i^{e_i}): the primary decomposition of a principal ideal, by factoring over Q.

    Args:
        primes: The irreducible factors; (p_i) are the associated primes, all minimal.
        powers: The exponents e_i.
        radical: ∏ p_i, the generator of the radical.
    """

    primes: tuple[fmpq_mpoly, ...]
    powers: tuple[int, ...]
    radical: fmpq_mpoly


def decompose_principal(f: Expression) -> PrincipalDecomposition:
    """The primary decomposition of (f) in Q[x]: factors and their powers.

    Args:
        f: A polynomial that is not constant.

    Returns:
        Primes, powers, radical.

    Raises:
        InputError: For a constant.

    Example:
        >>> found = decompose_principal("x^3 - x^2*y")
        >>> [str(p) for p in found.primes], found.powers, str(found.radical)
        (['x', 'x - y'], (2, 1), 'x^2 - x*y')
    """
    (p,) = read_ordered([f], "degrevlex")
    if p.is_constant():
        raise InputError(f"the constant {p}", "a polynomial that is not constant")
    factors = sorted(((_monic(q), int(e)) for q, e in p.factor()[1]), key=lambda pair: str(pair[0]))
    return PrincipalDecomposition(
        tuple(q for q, _ in factors), tuple(e for _, e in factors), prod((q for q, _ in factors), start=p.context().constant(1))
    )
