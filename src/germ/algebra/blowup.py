"""Weighted blow-ups, and the weights that are worth blowing up with.

The charts of a weighted blow-up are ordered: the k-th keeps the earlier pivots at 0, so that together they cover every point of the
exceptional set once, not only the charts' origins. Weights come from linear programs over the Newton polyhedron in the local variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from flint import fmpq_mpoly

from germ.algebra.linear_program import solve_linear_program
from germ.algebra.state import ANY, BASE, LOCAL, NONNEGATIVE, Monomial, State, content_of, terms_of, variables_of


@dataclass(frozen=True)
class Chart:
    """One chart of a blow-up.

    Args:
        pivot: The variable that becomes the exceptional divisor.
        sign: 1 or −1 where the pivot runs over one half-line, 0 where it runs over both.
        before: Variables that stay 0, because earlier charts cover where they are not.
    """

    pivot: int
    sign: int
    before: tuple[int, ...]


def pull_back(state: State, weights: dict[int, int], chart: Chart) -> State:
    """The state in one chart: pivot → ± pivot^w, other → pivot^w·other.

    Args:
        state: The state.
        weights: Positive weights of local variables.
        chart: The chart.

    Returns:
        The state along this chart's part of the exceptional set.
    """
    p, t = chart.pivot, state.gens[chart.pivot]
    values = list(state.gens)
    for i, w in weights.items():
        values[i] = t**w * state.gens[i] if i != p else (-1 if chart.sign < 0 else 1) * t**w
    role, sign, N, h = list(state.role), list(state.sign), list(state.N), list(state.h)
    N[p] = sum(w * state.N[i] for i, w in weights.items())
    h[p] = sum((w * (state.h[i] + 1) for i, w in weights.items()), Fraction(-1))
    sign[p] = NONNEGATIVE if chart.sign else ANY
    for i in weights:
        role[i] = LOCAL if i == p or i in chart.before else BASE

    def move(f: fmpq_mpoly) -> fmpq_mpoly:
        return f.compose(*values, ctx=state.ring)

    return state.change(
        role=tuple(role),
        sign=tuple(sign),
        N=tuple(N),
        h=tuple(h),
        ideal=tuple(map(move, state.ideal)),
        relations=tuple(map(move, state.relations)),
        zero=tuple(map(move, state.zero)),
        nonzero=tuple(map(move, state.nonzero)),
        domain=tuple(map(move, state.domain)),
        prior=tuple((move(f), q) for f, q in state.prior),
    )


def local_exponents(state: State, polynomials: Sequence[fmpq_mpoly]) -> list[Monomial]:
    """The least exponents, in the local variables, of the terms of the polynomials."""
    local = state.local
    found = {tuple(e[i] for i in local) for p in polynomials for e, _ in terms_of(p)}
    return prune_exponents(found)


def prune_exponents(exponents: set[Monomial]) -> list[Monomial]:
    """The exponents that no other divides."""
    kept: list[Monomial] = []
    for e in sorted(exponents, key=lambda e: (sum(e), e)):
        if not any(all(a <= b for a, b in zip(k, e, strict=True)) for k in kept):
            kept.append(e)
    return kept


def propose_weights(state: State, targets: Sequence[fmpq_mpoly]) -> list[dict[int, int]]:
    """Weights of blow-ups that make progress with at least one target, the most promising first.

    Args:
        state: A state whose ideal vanishes on B.
        targets: Primitive polynomials, 0 on B, that are to become monomials times units.

    Returns:
        Candidates: weights of at least two local variables such that the order of a target along them is positive.
    """
    if sum(map(len, (*state.ideal, *targets))) > MAX_EXPONENTS:
        return _ordinary(state, targets)
    local = state.local
    costs = [state.h[i] + 1 for i in local]
    whole = [tuple(a + state.N[i] for a, i in zip(e, local, strict=True)) for e in local_exponents(state, state.ideal)]
    programs: list[list[Monomial]] = []
    if whole and all(any(e) for e in whole):
        programs.append(prune_exponents(set(whole)))
    programs += [local_exponents(state, [t]) for t in targets]
    programs.append(local_exponents(state, targets))
    found: list[dict[int, int]] = []
    orders = range(len(local)), range(len(local) - 1, -1, -1)
    for exponents in programs:
        if not exponents or not all(any(e) for e in exponents):
            continue  # a target that does not vanish along B has no order there
        choices = [w for order in orders for w in _vertices(exponents, costs, order)]
        choices += _subspaces(exponents, costs)
        for weights in choices:
            candidate = {local[k]: w for k, w in enumerate(weights) if w}
            if len(candidate) > 1 and candidate not in found and _touches(state, candidate, targets):
                found.append(candidate)
    return found or _ordinary(state, targets)


def _ordinary(state: State, targets: Sequence[fmpq_mpoly]) -> list[dict[int, int]]:
    """Weights 1 for all local variables of a target, where the optimal weights are too large to be used."""
    for t in targets:
        weights = {i: 1 for i in variables_of(t) if i in state.local}
        if len(weights) > 1 and weighted_order(t, weights) > 0:
            return [weights]
    return []


def _vertices(exponents: list[Monomial], costs: list[Fraction], order: Sequence[int]) -> list[list[int]]:
    """Optimal weights as whole numbers: the vertex that a simplex run with this order of the variables finds, and an inner point."""
    solved = solve_linear_program([tuple(e[k] for k in order) for e in exponents], [costs[k] for k in order])
    results = []
    for weights in (solved.vertex, solved.primal) if solved.face_dimension else (solved.vertex,):
        scale = lcm(*(w.denominator for w in weights))
        placed = [0] * len(order)
        for k, w in zip(order, weights, strict=True):
            placed[k] = int(w * scale)
        if max(placed, default=0) <= MAX_WEIGHT:
            results.append(placed)
    return results


def _subspaces(exponents: list[Monomial], costs: list[Fraction]) -> list[list[int]]:
    """Optimal weights that are 0 or 1: coordinate subspaces on which all exponents vanish, as deep as the linear program allows."""
    value = solve_linear_program(exponents, costs).value
    used = [any(e[k] for e in exponents) for k in range(len(costs))]
    ordinary = sum(c for c, u in zip(costs, used, strict=True) if u) == value * min(map(sum, exponents))
    found: list[list[int]] = [[int(u) for u in used]] if ordinary else []  # one weight for all: it keeps all symmetries
    steps = 0

    def go(left: list[Monomial], chosen: tuple[int, ...], barred: frozenset[int], cost: Fraction) -> None:
        nonlocal steps
        steps += 1
        if steps > MAX_SUBSPACE_STEPS or cost > value:
            return
        if not left:
            found.append([int(k in chosen) for k in range(len(costs))])
            return
        first = min(left, key=lambda e: sum(map(bool, e)))
        for k, e in enumerate(first):
            if e and k not in barred:
                go([f for f in left if not f[k]], (*chosen, k), barred, cost + costs[k])
                barred |= {k}

    go(exponents, (), frozenset(), Fraction(0))
    return found


MAX_WEIGHT = 400
MAX_EXPONENTS = 3_000  # with more, the linear programs would take longer than a budget
MAX_SUBSPACE_STEPS = 150


def weighted_order(p: fmpq_mpoly, weights: dict[int, int]) -> int:
    """The least weighted degree of a term of p."""
    return min((sum(e[i] * w for i, w in weights.items()) for e, _ in terms_of(p)), default=0)


def _touches(state: State, weights: dict[int, int], targets: Sequence[fmpq_mpoly]) -> bool:
    """Whether a target has positive order along the weights."""
    return any(weighted_order(t, weights) > 0 for t in targets)


def primitive_part(state: State, g: fmpq_mpoly) -> fmpq_mpoly:
    """G without its monomial content in the coordinates."""
    content = content_of(g, frozenset(state.coordinates))
    return g / state.monomial(content) if any(content) else g
