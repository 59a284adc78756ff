"""Changes of coordinates: a function with a derivative that does not vanish becomes a coordinate.

`linear` where the function is c·v + r with a unit c (v is solved for), `implicit` otherwise: then the old v stays as a dependent variable
with the relation g(v) = new v, by the implicit function theorem. The new coordinate takes the old one's name.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import fmpq_mpoly

from germ.algebra.evidence import find_evidence
from germ.algebra.expression import make_ring
from germ.algebra.state import (
    ANY,
    BASE,
    DEPENDENT,
    LOCAL,
    NEGATIVE,
    NONNEGATIVE,
    POSITIVE,
    VANISHING,
    State,
    coefficients_in,
    degree_in,
)

Step = tuple[dict[str, Any], State]


def forget_exponents(state: State, i: int) -> Step | None:
    """Drop the exponents of a base variable that does not vanish on B: there it is a unit. Its sign becomes strict.

    Args:
        state: The state.
        i: The base variable.

    Returns:
        The step and the new state; None if the variable is not known to be a unit or nothing would change.
    """
    why = find_evidence(state, state.gens[i])
    if why is None or (not state.N[i] and not state.h[i] and state.sign[i] != NONNEGATIVE):
        return None
    N, h, sign = list(state.N), list(state.h), list(state.sign)
    N[i], h[i] = 0, Fraction(0)
    if sign[i] == NONNEGATIVE:
        sign[i] = POSITIVE
    child = state.change(N=tuple(N), h=tuple(h), sign=tuple(sign), nonzero=(*state.nonzero, state.gens[i]))
    return {"kind": "unit", "variable": state.names[i], "why": why}, child


def _signed_domain(state: State, i: int) -> tuple[fmpq_mpoly, ...]:
    """The domain with the sign condition of variable i written as an inequality, before the variable changes."""
    v = state.gens[i]
    extra = {POSITIVE: (v,), NEGATIVE: (-v,)}.get(state.sign[i], ())
    return (*state.domain, *extra)


def _without(items: tuple[Any, ...], index: int | None) -> tuple[Any, ...]:
    return items if index is None else (*items[:index], *items[index + 1 :])


def change_linearly(
    state: State, i: int, g: fmpq_mpoly, *, domain_index: int | None = None, zero_index: int | None = None, stays_base: bool = False
) -> Step | None:
    """Make g = c·v + r the coordinate in place of v.

    Args:
        state: The state.
        i: v, a coordinate with N = h = 0.
        g: The function, of degree 1 in v; 0 on the new B unless `stays_base`.
        domain_index: The inequality that g is; the new coordinate is then nonnegative.
        zero_index: The entry of `zero` that g is on B.
        stays_base: Whether the new coordinate moves along B, as the old one does.

    Returns:
        The step and the new state; None if c is not known to be a unit.
    """
    r, c = coefficients_in(g, i)
    why = find_evidence(state, c)
    if why is None:
        return None
    ring, v = state.ring, state.gens[i]
    values = list(state.gens)
    values[i] = (v - r) / c if c.is_constant() else v - r

    def move(f: fmpq_mpoly, even: bool = False) -> fmpq_mpoly:
        k = degree_in(f, i)
        if k == 0:
            return f
        if c.is_constant():
            return f.compose(*values, ctx=ring)
        parts = coefficients_in(f, i)
        extra = k % 2 if even else 0
        return sum((part * values[i] ** j * c ** (k + extra - j) for j, part in enumerate(parts)), ring.constant(0))

    role, sign = list(state.role), list(state.sign)
    role[i] = VANISHING if state.role[i] == DEPENDENT else BASE if stays_base else LOCAL
    sign[i] = ANY if domain_index is None else NONNEGATIVE
    domain = _without(_signed_domain(state, i), domain_index)
    prior = tuple((move(p), q) for p, q in state.prior)
    child = state.change(
        role=tuple(role),
        sign=tuple(sign),
        ideal=tuple(move(f) for f in state.ideal),
        relations=tuple(move(f) for f in state.relations),
        zero=tuple(move(f) for f in _without(state.zero, zero_index)),
        nonzero=tuple(move(f) for f in state.nonzero) + (() if c.is_constant() else (c,)),
        domain=tuple(move(f, even=True) for f in domain),
        prior=prior,
    )
    step = {"kind": "coordinate", "mode": "linear", "variable": state.names[i], "polynomial": g, "coefficient": c, "why": why}
    step |= {} if domain_index is None else {"domain_index": domain_index, "sign": NONNEGATIVE}
    step |= {} if zero_index is None else {"zero_index": zero_index}
    step |= {"stays": "base"} if stays_base else {}
    return step, child


def change_implicitly(state: State, i: int, g: fmpq_mpoly, *, zero_index: int | None = None) -> Step | None:
    """Make g the coordinate in place of v; the old v becomes a dependent variable.

    Args:
        state: The state.
        i: v, a coordinate with N = h = 0.
        g: The function; its derivative in v does not vanish on the new B.
        zero_index: The entry of `zero` that g is on B, where v was base.

    Returns:
        The step and the new state; None if the derivative is not known to be a unit.
    """
    name = _fresh_name(state, i)
    ring = make_ring((*state.names, name))
    values = [ring.gen(k) for k in range(len(state.names))]
    values[i] = ring.gen(len(state.names))

    def move(f: fmpq_mpoly) -> fmpq_mpoly:
        return f.compose(*values, ctx=ring)

    was_local = state.role[i] == LOCAL
    role, sign = list(state.role), list(state.sign)
    role[i], sign[i] = LOCAL, ANY
    child = State(
        ring=ring,
        role=(*role, VANISHING if was_local else DEPENDENT),
        N=(*state.N, 0),
        h=(*state.h, Fraction(0)),
        sign=(*sign, ANY),
        ideal=tuple(move(f) for f in state.ideal),
        relations=(*(move(f) for f in state.relations), move(g) - ring.gen(i)),
        zero=tuple(move(f) for f in _without(state.zero, zero_index)),
        nonzero=tuple(move(f) for f in state.nonzero),
        domain=tuple(move(f) for f in _signed_domain(state, i)),
        prior=tuple((move(p), q) for p, q in state.prior),
    )
    why = find_evidence(child, jacobian_of_relations(child))
    if why is None:
        return None
    step = {"kind": "coordinate", "mode": "implicit", "variable": state.names[i], "polynomial": g, "dependent": name, "why": why}
    return step | ({} if zero_index is None else {"zero_index": zero_index}), child


def jacobian_of_relations(state: State) -> fmpq_mpoly:
    """The determinant of ∂relations/∂dependent."""
    dependent = [k for k, r in enumerate(state.role) if r in (DEPENDENT, VANISHING)]
    return _determinant([[rel.derivative(k) for k in dependent] for rel in state.relations], state.ring.constant)


def _determinant(rows: list[list[fmpq_mpoly]], constant: Callable[[int], fmpq_mpoly]) -> fmpq_mpoly:
    if not rows:
        return constant(1)
    total = constant(0)
    for k, entry in enumerate(rows[0]):
        if not entry.is_zero():
            minor = _determinant([[*row[:k], *row[k + 1 :]] for row in rows[1:]], constant)
            total = total + (-1) ** k * entry * minor
    return total


def _fresh_name(state: State, i: int) -> str:
    k = 1
    while f"{state.names[i]}_{k}" in state.names:
        k += 1
    return f"{state.names[i]}_{k}"
