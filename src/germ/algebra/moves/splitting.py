"""Splits of the set B of base points: where a polynomial vanishes, and where it does not.

A blow-up is only useful where it is known which coefficients vanish. What is not known is asked first: the values of generators, the slopes
in variables that could become coordinates, the factors of products.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq_mpoly

from germ.algebra.blowup import primitive_part
from germ.algebra.evidence import find_evidence
from germ.algebra.moves.move import Move
from germ.algebra.state import BASE, LOCAL, State, content_of, degree_in, factors_of, make_monic, terms_of, variables_of

MAX_FACTOR_TERMS = 200  # of a generator that is factored to split B


def split(state: State, polynomials: Sequence[fmpq_mpoly]) -> Move:
    """Split B: where no polynomial vanishes, and for each where it is the first in the list that does.

    Args:
        state: The state.
        polynomials: Polynomials that are not constant on B.

    Returns:
        The move; the child without zeros comes first.
    """
    chosen = [make_monic(state.restrict(p)) for p in polynomials]
    children = [state.change(nonzero=(*state.nonzero, *chosen))]
    for k, p in enumerate(chosen):
        nonzero = (*state.nonzero, *chosen[:k])
        i = _variable_index(state, p)
        if i is not None and state.role[i] == BASE:
            role = list(state.role)
            role[i] = LOCAL
            children.append(state.change(role=tuple(role), nonzero=nonzero))
        else:
            children.append(state.change(zero=(*state.zero, p), nonzero=nonzero))
    return Move({"kind": "split", "polynomials": chosen}, tuple(children))


def _variable_index(state: State, p: fmpq_mpoly) -> int | None:
    used = variables_of(p)
    return used[0] if len(used) == 1 and len(p) == 1 and p.total_degree() == 1 else None


def split_by_value(state: State) -> Move | None:
    """Split B by a generator or a prior factor that, without its content, does not vanish all along B; the simplest one first."""
    choices = []
    candidates = [g for g in state.ideal if len(g) > 1] + [p for p, _ in state.prior]
    for g in candidates:
        content = content_of(g, frozenset(state.coordinates) - state.unit_variables)
        r = state.restrict(g / state.monomial(content))
        if not r.is_zero():
            choices.append(((sum(content), len(r), int(r.total_degree())), r))
    for _, r in sorted(choices, key=lambda c: c[0]):
        open_factors = find_open_factors(state, r)
        if open_factors:
            return split(state, open_factors)
    return None


def find_open_factors(state: State, r: fmpq_mpoly) -> list[fmpq_mpoly]:
    """The factors of r that may vanish somewhere on B and elsewhere not; none if one of them vanishes all along B."""
    vanishing = {str(make_monic(state.restrict(p))) for p in (*state.zero, *state.relations)}
    factors = [f for f, _ in factors_of(r)[1]]
    if any(str(make_monic(f)) in vanishing for f in factors):
        return []
    return [f for f in factors if find_evidence(state, f) is None]


def split_by_slope(state: State) -> Move | None:
    """Split B by the coefficient of a free local variable that occurs linearly in a generator."""
    choices = []
    for g in state.ideal:
        if len(g) == 1:
            continue
        p = primitive_part(state, g)
        content = sum(terms_of(g.term_content())[0][0])
        for i in variables_of(p):
            if state.role[i] == LOCAL and state.is_free(i):
                slope = state.restrict(p.derivative(i))
                if not slope.is_zero() and not slope.is_constant():
                    choices.append(((content, len(slope), int(slope.total_degree()), degree_in(p, i)), slope))
    for _, slope in sorted(choices, key=lambda c: c[0]):
        open_factors = find_open_factors(state, slope)
        if open_factors:
            return split(state, open_factors)
    return None


def split_by_factor(state: State) -> Move | None:
    """Split B by a factor of a generator that vanishes on a part of B only: so the deepest strata are blown up first.

    Without it, a blow-up along a curve could meet a point where more factors vanish before that point itself was blown up.
    """
    for g in state.ideal:
        if 1 < len(g) <= MAX_FACTOR_TERMS:
            for f, _ in factors_of(g)[1]:
                r = state.restrict(f)
                open_factors = [] if r.is_zero() else find_open_factors(state, r)
                if open_factors:
                    return split(state, open_factors)
    return None


def split_by_domain(state: State) -> Move | None:
    """Split B by an inequality that is neither strict nor active all along it (only where a real point of a leaf was not found)."""
    for g in state.domain:
        open_factors = find_open_factors(state, state.restrict(g))
        if open_factors:
            return split(state, open_factors)
    return None
