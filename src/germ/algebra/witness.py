"""Real points of a set B of base points: rational coordinates, and dependent variables as roots of their relations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from flint import fmpq, fmpq_mpoly

from germ.algebra.evidence import count_real_roots, to_univariate
from germ.algebra.real_roots import AlgebraicNumber, halve, isolate_real_roots
from germ.algebra.state import ANY, BASE, DEPENDENT, NEGATIVE, NONNEGATIVE, POSITIVE, State, substitute, variables_of

MAX_TRIALS = 400
MAX_HALVINGS = 60
VALUES = tuple(
    fmpq(*v) for v in ((1, 1), (-1, 1), (1, 2), (2, 1), (-1, 2), (3, 2), (-2, 1), (1, 3), (3, 1), (-3, 2), (-3, 1), (7, 4), (2, 5))
)


@dataclass(frozen=True)
class Witness:
    """A real point of B.

    Args:
        values: Rational values of coordinates and dependent variables, by index.
        roots: Algebraic values of dependent variables, by index.
    """

    values: dict[int, fmpq]
    roots: dict[int, AlgebraicNumber]


def find_witness(state: State, zero_base: tuple[int, ...]) -> Witness | None:
    """A real point of B within the domain's interior.

    Args:
        state: The state.
        zero_base: Base variables that have to be 0 there.

    Returns:
        The point, or None if none of some hundred candidates is one.
    """
    fixed = {i: fmpq(0) for i in (*state.vanishing, *zero_base)}
    free = [i for i, r in enumerate(state.role) if r == BASE and i not in fixed]
    used = {i for p in _conditions(state) for i in variables_of(p)}
    for trial, values in enumerate(_candidates(state, free, used)):
        if trial > MAX_TRIALS:
            return None
        found = _complete(state, fixed | values)
        if found is not None:
            return found
    return None


def _conditions(state: State) -> list[fmpq_mpoly]:
    return [*state.nonzero, *state.zero, *state.domain, *state.relations]


def _candidates(state: State, free: list[int], used: set[int]) -> Iterator[dict[int, fmpq]]:
    """Small rational values with the right signs; the same pattern of values first, then all combinations, shortest first."""
    choices = []
    for i in free:
        if i not in used and state.sign[i] == ANY:
            choices.append([fmpq(0)])
        else:
            s = state.sign[i]
            pool = [v for v in VALUES if (v > 0 or s in (ANY, NEGATIVE)) and (v < 0 or s != NEGATIVE)]
            zero = [fmpq(0)] if s in (ANY, NONNEGATIVE) else []
            choices.append([*zero, *pool])
    for shift in range(8):
        for step in (1, 2, 3, 5):
            yield {i: c[(shift + step * k) % len(c)] for k, (i, c) in enumerate(zip(free, choices, strict=True))}
    short = [c[: max(2, round(300 ** (1 / max(1, len(free)))))] for c in choices]
    for values in product(*short):
        yield dict(zip(free, values, strict=True))


def _complete(state: State, values: dict[int, fmpq]) -> Witness | None:
    """Solve the relations one after the other and check the conditions."""
    ring = state.ring
    constants = {i: ring.constant(v) for i, v in values.items()}
    nonzero = [substitute(p, constants) for p in state.nonzero]
    if any(p.is_zero() for p in nonzero):
        return None
    domain = [substitute(p, constants) for p in state.domain]
    if any(p.is_constant() and (p.is_zero() or p.leading_coefficient() < 0) for p in domain):
        return None
    dependent = [i for i, r in enumerate(state.role) if r == DEPENDENT]
    if not dependent:
        zeros = [substitute(p, constants) for p in state.zero]
        return Witness(values, {}) if all(p.is_zero() for p in zeros) else None
    return _solve_relations(state, values, {}, dependent)


def _solve_relations(
    state: State, values: dict[int, fmpq], roots: dict[int, AlgebraicNumber], open_dependents: list[int]
) -> Witness | None:
    constants = {i: state.ring.constant(v) for i, v in values.items()}
    if not open_dependents:
        return _check(state, values, roots)
    relations = [substitute(p, constants) for p in state.relations]
    if any(p.is_constant() and not p.is_zero() for p in relations):
        return None
    for r in relations:
        variables = variables_of(r)
        if len(variables) == 1 and variables[0] in open_dependents:
            i = variables[0]
            rest = [k for k in open_dependents if k != i]
            for root in isolate_real_roots(to_univariate(r, i)):
                if isinstance(root, AlgebraicNumber):
                    found = _solve_relations(state, values, roots | {i: root}, rest)
                else:
                    found = _solve_relations(state, values | {i: root}, roots, rest)
                if found is not None:
                    return found
            return None
    return None


def _check(state: State, values: dict[int, fmpq], roots: dict[int, AlgebraicNumber]) -> Witness | None:
    constants = {i: state.ring.constant(v) for i, v in values.items()}
    for p in state.nonzero:
        if sign_at(substitute(p, constants), roots) == 0:
            return None
    for p in state.domain:
        if sign_at(substitute(p, constants), roots) != 1:
            return None
    for p in state.zero:
        if sign_at(substitute(p, constants), roots) != 0:
            return None
    return Witness(values, roots)


def sign_at(p: fmpq_mpoly, roots: dict[int, AlgebraicNumber]) -> int | None:
    """Sign of p where at most one of its variables is left, an algebraic number; None if that is not decided.

    Args:
        p: A polynomial in variables of `roots`.
        roots: Their values.

    Returns:
        −1, 0 or 1, or None where p has more than one algebraic variable.
    """
    if p.is_constant():
        return 0 if p.is_zero() else (1 if p.leading_coefficient() > 0 else -1)
    variables = variables_of(p)
    if len(variables) > 1:
        return None
    i = variables[0]
    q, number = to_univariate(p, i), roots[i]
    common = q.gcd(number.polynomial)
    if common.degree() > 0 and count_real_roots(common, number.low, number.high):
        return 0
    for _ in range(MAX_HALVINGS):
        if not count_real_roots(q, number.low, number.high) and q(number.low) != 0:
            return 1 if q(number.high) > 0 else -1
        number = halve(number)
    return None


__all__ = ["NEGATIVE", "NONNEGATIVE", "POSITIVE", "Witness", "find_witness", "sign_at"]
