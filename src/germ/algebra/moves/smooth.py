"""Functions that become coordinates: smooth generators, smooth factors of the volume form, linear forms that make the ideal shorter.

Beside them the comparison that ends many searches: a sum of nonnegative monomials with positive cofactors is, for λ and m, those monomials.
"""

from __future__ import annotations

from typing import Any

from flint import fmpq_mpoly

from germ.algebra.blowup import primitive_part
from germ.algebra.coordinates import Step, change_implicitly, change_linearly
from germ.algebra.evidence import find_evidence, is_monomial_nonnegative
from germ.algebra.moves.move import Move, as_move
from germ.algebra.rewriting import simplify_ideal
from germ.algebra.state import LOCAL, State, coefficients_in, content_of, degree_in, make_monic, terms_of, variables_of

MAX_TERMS = 4_000  # of one generator: beyond it a change of coordinates has exploded


def use_coordinate(state: State) -> Move | None:
    """A generator, up to its monomial content, that is smooth in a free local variable becomes that coordinate."""
    choices: list[tuple[tuple[int, ...], int, fmpq_mpoly, bool, bool]] = []
    for g in state.ideal:
        if len(g) == 1:
            continue
        content = content_of(g, frozenset(state.coordinates))
        p = g / state.monomial(content) if any(content) else g
        if not state.restrict(p).is_zero():
            continue
        for i in variables_of(p):
            if state.role[i] != LOCAL or not state.is_free(i):
                continue
            slope = p.derivative(i)
            if state.restrict(slope).is_zero() or find_evidence(state, slope) is None:
                continue
            linear = degree_in(p, i) == 1
            others = [f for f in (*state.ideal, *state.domain, *state.zero, *(q for q, _ in state.prior)) if f is not g]
            occurrences = sum(len(f.derivative(i)) for f in others)
            if not linear and (occurrences or content[i]):
                continue
            rank = (sum(content), 0 if linear else 1, 0 if slope.is_constant() else len(slope), occurrences * len(p), len(p))
            choices.append((rank, i, p, linear, any(content)))
    for _, i, p, linear, has_content in sorted(choices, key=lambda c: c[:2]):
        found = change_linearly(state, i, p) if linear else change_implicitly(state, i, p)
        if found is None or max(map(len, found[1].ideal)) > MAX_TERMS:
            continue
        if not has_content or count_long(simplify_ideal(found[1])[1]) < count_long(state):
            return as_move(found)
    return None


def count_long(state: State) -> int:
    """How many generators are no monomials."""
    return sum(len(g) > 1 for g in state.ideal)


def use_prior_coordinate(state: State) -> Move | None:
    """A factor of the volume form that is smooth in a free local variable becomes that coordinate."""
    for p, _ in state.prior:
        if not state.restrict(p).is_zero():
            continue
        for i in variables_of(p):
            if state.role[i] == LOCAL and state.is_free(i) and degree_in(p, i) == 1 and not any(degree_in(g, i) for g in state.ideal):
                found = change_linearly(state, i, p)
                if found:
                    return as_move(found)
    return None


def tidy(state: State) -> Move | None:
    """A linear form that is a coefficient of several terms becomes a coordinate, where that shortens the ideal.

    So a matrix product keeps its shape: (b_0 + a b_1)·p + (b'_0 + a b'_1)·r is b_0·p + b'_0·r in new coordinates.
    """
    size = sum(map(len, state.ideal))
    long = [g for g in state.ideal if len(g) > 1]
    if size > MAX_TIDY or all(len(g) < 4 for g in long):
        return None
    best: tuple[int, Step] | None = None
    tried: set[str] = set()
    for g in long:
        for k in variables_of(g):
            if degree_in(g, k) != 1:
                continue
            c = primitive_part(state, coefficients_in(g, k)[1])
            if len(c) < 2 or len(c) > MAX_FORM or str(c := make_monic(c)) in tried:
                continue
            tried.add(str(c))
            found = _adopt_form(state, c)
            shorter = size if found is None else sum(map(len, found[1].ideal))
            if found and shorter < size and count_long(found[1]) <= len(long) and (best is None or shorter < best[0]):
                best = shorter, found
    return as_move(best[1]) if best else None


MAX_TIDY = 400
MAX_FORM = 6


def _adopt_form(state: State, c: fmpq_mpoly) -> Step | None:
    vanishes = state.restrict(c).is_zero()
    for i in variables_of(c):
        if degree_in(c, i) == 1 and state.is_free(i) and (state.role[i] == LOCAL) == vanishes and c.derivative(i).is_constant():
            return change_linearly(state, i, c, stays_base=not vanishes)
    return None


def compare(state: State) -> Move | None:
    """A generator that is a sum of nonnegative monomials with positive cofactors is comparable to those monomials."""
    for index, g in enumerate(state.ideal):
        if len(g) == 1:
            continue
        found = _compare_terms(state, g) or _compare_terms(state, -g)
        if found:
            monomials = tuple(state.monomial(e) for e, _, _ in found)
            sign = 1 if sum((state.monomial(e) * c for e, c, _ in found), state.ring.constant(0)) == g else -1
            terms = [{"monomial": e, "cofactor": c, "why": why} for e, c, why in found]
            child = state.change(ideal=(*state.ideal[:index], *monomials, *state.ideal[index + 1 :]))
            return Move({"kind": "comparable", "index": index, "sign": sign, "terms": terms}, (child,))
    return None


def _compare_terms(state: State, g: fmpq_mpoly) -> list[tuple[tuple[int, ...], fmpq_mpoly, Any]] | None:
    coordinates = frozenset(state.coordinates) - state.unit_variables
    groups: dict[tuple[int, ...], list[Any]] = {}
    for e, c in terms_of(g):
        groups.setdefault(tuple(v if i in coordinates else 0 for i, v in enumerate(e)), []).append((e, c))
    chosen: list[tuple[int, ...]] = []
    cofactors: list[dict[tuple[int, ...], Any]] = []
    for key in sorted(groups, key=lambda e: (sum(e), e)):
        k = next((k for k, a in enumerate(chosen) if all(x <= y for x, y in zip(a, key, strict=True))), None)
        if k is None:
            if not is_monomial_nonnegative(state, key):
                return None
            chosen.append(key)
            cofactors.append({})
            k = len(chosen) - 1
        for e, c in groups[key]:
            cofactors[k][tuple(y - x for x, y in zip(chosen[k], e, strict=True))] = c
    found = []
    for key, terms in zip(chosen, cofactors, strict=True):
        cofactor = state.ring.from_dict(terms)
        why = find_evidence(state, cofactor)
        if why is None or why.sign <= 0:
            return None
        found.append((key, cofactor, why))
    return found
