"""The domain and the volume form: units and monomials taken out of inequalities and of the factors of the prior.

An inequality that is active all along B becomes the sign of a coordinate; where it cuts a coordinate with exponents, that is halved.
"""

from __future__ import annotations

from typing import Any

from flint import fmpq_mpoly

from germ.algebra.coordinates import change_linearly
from germ.algebra.evidence import find_evidence
from germ.algebra.moves.centres import halve
from germ.algebra.moves.move import Move, as_move, drop
from germ.algebra.state import ANY, LOCAL, NONNEGATIVE, POSITIVE, State, content_of, degree_in, factors_of, variables_of


def _take_units(state: State, p: fmpq_mpoly) -> tuple[tuple[int, ...], fmpq_mpoly, fmpq_mpoly, Any, int]:
    """P = monomial·unit·rest with the proof that unit does not vanish and its sign (0 if unknown)."""
    content = content_of(p, frozenset(state.coordinates) - state.unit_variables)
    primitive = p / state.monomial(content)
    constant, factors = factors_of(primitive)
    unit, rest, sign = state.ring.constant(constant), state.ring.constant(1), 1 if constant > 0 else -1
    parts = []
    for f, power in factors:
        why = find_evidence(state, f)
        if why is None:
            rest *= f ** int(power)
            continue
        unit *= f ** int(power)
        sign *= why.sign if int(power) % 2 else 1
        parts.append({"polynomial": f, "power": int(power), "why": why})
    return content, unit, rest, {"why": "product", "constant": constant, "factors": parts}, sign


def settle_prior(state: State) -> Move | None:
    """A factor of the volume form without its monomials, which become exponents h, and without its units."""
    for k, (p, q) in enumerate(state.prior):
        content, unit, rest, why, _ = _take_units(state, p)
        if not any(content) and unit.is_constant() and not rest.is_constant():
            continue
        h = tuple(a + q * e for a, e in zip(state.h, content, strict=True))
        prior = drop(state.prior, k) if rest.is_constant() else (*state.prior[:k], (rest, q), *state.prior[k + 1 :])
        step = {"kind": "reduce", "what": "prior", "index": k, "monomial": content, "unit": unit, "why": why, "new": rest}
        return Move(step, (state.change(h=h, prior=prior),))
    return None


def settle_domain(state: State) -> Move | None:
    """An inequality that holds or fails all along B, without its units and squares, or as the sign of a coordinate."""
    for k, g in enumerate(state.domain):
        whole = find_evidence(state, g)
        if whole is not None and whole.sign < 0:
            return Move({"kind": "empty", "which": "domain", "index": k, "why": whole})
        one = state.ring.constant(1)
        if whole is not None and whole.sign > 0:
            step = {"kind": "reduce", "what": "domain", "index": k, "monomial": (), "unit": g, "why": whole, "new": one}
            return Move(step, (state.change(domain=drop(state.domain, k)),))
        move = _reduce_domain(state, k, g) or _use_domain(state, k, g)
        if move:
            return move
    return None


def _reduce_domain(state: State, k: int, g: fmpq_mpoly) -> Move | None:
    content, unit, rest, why, sign = _take_units(state, g)
    if not sign:
        return None
    kept = tuple(e if state.sign[i] in (NONNEGATIVE, POSITIVE) else e - e % 2 for i, e in enumerate(content))
    rest = sign * rest * state.monomial(tuple(e - f for e, f in zip(content, kept, strict=True)))
    unit = sign * unit
    if not any(kept) and unit.is_constant():
        return None
    if rest == 1:
        domain = drop(state.domain, k)
    else:
        domain = (*state.domain[:k], rest, *state.domain[k + 1 :])
    step = {"kind": "reduce", "what": "domain", "index": k, "monomial": kept, "unit": unit, "new": rest}
    return Move(step | {"why": why if sign > 0 else _flip(why)}, (state.change(domain=domain),))


def _flip(why: dict[str, Any]) -> dict[str, Any]:
    return why | {"constant": -why["constant"]}


def _use_domain(state: State, k: int, g: fmpq_mpoly) -> Move | None:
    """An inequality that is active all along B becomes the sign of a coordinate."""
    if not state.restrict(g).is_zero():
        return None
    for i in sorted(variables_of(g), key=lambda i: (state.role[i] != LOCAL, len(g.derivative(i)))):
        if state.role[i] == LOCAL and degree_in(g, i) == 1:
            if state.is_free(i):
                found = change_linearly(state, i, g, domain_index=k)
                if found:
                    return as_move(found)
            if len(g) == 1 and g.total_degree() == 1 and state.sign[i] == ANY:  # a coordinate with exponents
                sign = list(state.sign)
                if g.leading_coefficient() > 0:
                    sign[i] = NONNEGATIVE
                    child = state.change(sign=tuple(sign), domain=drop(state.domain, k))
                    return Move({"kind": "halfline", "variable": state.names[i], "domain_index": k}, (child,))
                return halve(state, i)
    odd = [i for i in variables_of(g) if len(g) == 1 and state.sign[i] == ANY and state.role[i] == LOCAL]
    return halve(state, odd[0]) if odd else None
