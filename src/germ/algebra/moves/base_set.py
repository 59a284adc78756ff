"""What is known about the set B of base points, written as simply as possible: its variables and the polynomials that vanish on it.

A polynomial in `zero` is turned into a coordinate that is 0 on B: at once where it is linear with a unit for a coefficient, implicitly
where a derivative is a unit, and after splitting B by a derivative otherwise. So all of B ends up on coordinate subspaces.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq_mpoly

from germ.algebra.blowup import primitive_part
from germ.algebra.coordinates import change_implicitly, change_linearly, forget_exponents
from germ.algebra.evidence import eliminate, find_evidence
from germ.algebra.moves.move import Move, as_move, drop
from germ.algebra.moves.splitting import split
from germ.algebra.state import BASE, DEPENDENT, NONNEGATIVE, State, degree_in, factors_of, make_monic, variables_of


def settle_units(state: State) -> Move | None:
    """A base variable that does not vanish on B loses its exponents."""
    for i, role in enumerate(state.role):
        if role == BASE and (state.N[i] or state.h[i] or state.sign[i] == NONNEGATIVE):
            move = as_move(forget_exponents(state, i))
            if move:
                return move
    return None


def settle_dependents(state: State) -> Move | None:
    """A dependent variable that its relation fixes on B, or a `zero` entry: shifted, so that it is 0 there."""
    for kind, entries in (("relation_index", state.relations), ("zero_index", state.zero)):
        for k, entry in enumerate(entries):
            r = state.restrict(entry)
            for i in variables_of(r):
                if state.role[i] != DEPENDENT or degree_in(r, i) != 1 or (kind == "relation_index" and len(variables_of(r)) > MAX_SHIFT):
                    continue
                found = change_linearly(state, i, r, zero_index=k if kind == "zero_index" else None)
                if found:
                    return Move(found[0] | {kind: k}, (found[1],))
    return None


MAX_SHIFT = 4  # variables of a shift of a dependent variable; more would make the ideal long


def settle_relations(state: State) -> Move | None:
    """A relation that is an equation of the base variables alone on B belongs to `zero`."""
    for k, relation in enumerate(state.relations):
        r = state.restrict(relation)
        if r.is_constant() or any(state.role[i] == DEPENDENT for i in variables_of(r)):
            continue
        known = [z for z in map(state.restrict, state.zero) if not z.is_zero()]
        if not any(divmod(r, z)[1].is_zero() for z in known):
            step = {"kind": "derive", "new": r, "relations": {k: state.ring.constant(1)}}
            return Move(step, (state.change(zero=(*state.zero, r)),))
    return None


def settle_zero(state: State) -> Move | None:
    """An entry of `zero` that is 0 or a unit, or else the simplest of them used up."""
    restricted = [state.restrict(z) for z in state.zero]
    for k, r in enumerate(restricted):
        if r.is_zero():
            return Move({"kind": "reduce", "what": "zero", "index": k, "new": r}, (state.change(zero=drop(state.zero, k)),))
        why = find_evidence(state, r)
        if why is not None:
            return Move({"kind": "empty", "which": "zero", "index": k, "why": why})
    for k in sorted(range(len(restricted)), key=lambda k: (len(variables_of(restricted[k])), restricted[k].total_degree())):
        move = _consume_zero(state, k, restricted[k])
        if move:
            return move
    return None


def _consume_zero(state: State, k: int, r: fmpq_mpoly) -> Move | None:
    constant, factors = factors_of(r)
    open_factors = [(f, int(e)) for f, e in factors if find_evidence(state, f) is None]
    if len(open_factors) > 1:
        return split(state, [f for f, _ in open_factors])
    f, power = open_factors[0]
    if len(factors) > 1 or power > 1:
        units = [(p, int(e), find_evidence(state, p)) for p, e in factors if p != f]
        unit = state.ring.constant(constant)
        for p, e, _ in units:
            unit *= p**e
        why = {"why": "product", "constant": constant, "factors": [{"polynomial": p, "power": e, "why": w} for p, e, w in units]}
        step = {"kind": "reduce", "what": "zero", "index": k, "new": f, "power": power, "unit": unit, "why": why}
        return Move(step, (state.change(zero=(*state.zero[:k], f, *state.zero[k + 1 :])),))
    base = [i for i in variables_of(f) if state.role[i] == BASE]
    usable = [i for i in base if not state.N[i] and not state.h[i] and state.sign[i] != NONNEGATIVE]
    alike = _generators_like(state, f)
    usable.sort(key=lambda i: (degree_in(f, i) != 1, len(f.derivative(i)), degree_in(f, i)))
    for g in [*alike, f]:
        for i in usable:
            found = change_linearly(state, i, g, zero_index=k) if degree_in(g, i) == 1 else None
            if found:
                return as_move(found)
    derived = _derive_zero(state, k)
    if derived:
        return derived
    for i in usable:
        alone = sum(degree_in(p, i) > 0 for p in state.ideal) == 1
        for g in [*(alike if alone else ()), f]:
            smooth = degree_in(g, i) > 1 and find_evidence(state, g.derivative(i)) is not None
            found = change_implicitly(state, i, g, zero_index=k) if smooth else None
            if found:
                return as_move(found)
    return _split_derivatives(state, f, base, usable)


def _derive_zero(state: State, k: int) -> Move | None:
    """A consequence of two `zero` polynomials with fewer variables, by eliminating one; so isolated points become coordinates."""
    p = state.restrict(state.zero[k])
    present = {str(make_monic(state.restrict(z))) for z in state.zero}
    for j, other in enumerate(state.zero):
        q = state.restrict(other)
        shared = set(variables_of(p)) & set(variables_of(q))
        if (
            j == k
            or len(p) > MAX_ELIMINATION
            or len(q) > MAX_ELIMINATION
            or len(set(variables_of(p)) | set(variables_of(q))) > MAX_UNKNOWNS
        ):
            continue
        for i in sorted(shared, key=lambda i: degree_in(p, i) + degree_in(q, i)):
            r, a, b = eliminate(p, q, i)
            if r.is_zero() or degree_in(r, i) or len(variables_of(r)) >= len(set(variables_of(p)) | set(variables_of(q))):
                continue
            if str(make_monic(r)) not in present:
                step = {"kind": "derive", "new": r, "zero": {k: a, j: b}}
                return Move(step, (state.change(zero=(*state.zero, r)),))
    return None


MAX_ELIMINATION = 40  # terms of polynomials whose resultant is taken
MAX_UNKNOWNS = 5  # and variables: isolated points are what it looks for


def _generators_like(state: State, f: fmpq_mpoly) -> list[fmpq_mpoly]:
    """Primitive parts of generators that are f, up to a constant, on B."""
    parts = [primitive_part(state, g) for g in state.ideal if len(g) > 1]
    monic = make_monic(f)
    return [p for p in parts if make_monic(state.restrict(p)) == monic and len(p) < 3 * len(f) + 10]


def _split_derivatives(state: State, f: fmpq_mpoly, base: Sequence[int], usable: Sequence[int]) -> Move | None:
    """Split B by a derivative of f, so that f is smooth where it is not zero; or by a base variable that has exponents."""
    choices = []
    for i in usable:
        open_factors = [p for p, _ in factors_of(f.derivative(i))[1] if find_evidence(state, p) is None]
        if open_factors:
            choices.append((max(p.total_degree() for p in open_factors), len(open_factors), i, open_factors))
    if choices:
        return split(state, min(choices)[3])
    held = [i for i in base if i not in usable and i not in state.unit_variables]
    return split(state, [state.gens[held[0]]]) if held else None
