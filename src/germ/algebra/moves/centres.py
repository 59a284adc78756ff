"""Where to blow up: the weights that bring the generators closest to monomials, and the charts that symmetries leave over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq_mpoly

from germ.algebra.blowup import Chart, primitive_part, propose_weights, pull_back, weighted_order
from germ.algebra.moves.move import Move
from germ.algebra.state import NONNEGATIVE, State, degree_in, terms_of
from germ.algebra.symmetry import find_reflection, find_symmetry


def blow_up(state: State) -> Move | None:
    """Blow up along the most promising weights."""
    targets = [primitive_part(state, g) for g in state.ideal if len(g) > 1]
    targets += [primitive_part(state, p) for p, _ in state.prior]
    targets += [primitive_part(state, g) for g in state.domain if state.restrict(g).is_zero()]
    candidates = propose_weights(state, targets)
    if not candidates:
        return None
    weights = min(candidates, key=lambda w: (_rate(state, w, targets), sum(w.values()), candidates.index(w)))
    return blow_up_along(state, weights)


def _rate(state: State, weights: dict[int, int], targets: Sequence[fmpq_mpoly]) -> int:
    """How far the targets are, after the blow-up, from units (0) and from functions linear (0) or smooth (1) in a variable left free."""
    total = 0
    outside = [i for i in state.local if i not in weights]
    for t in targets:
        order = weighted_order(t, weights)
        initial = [e for e, _ in terms_of(t) if sum(e[i] * w for i, w in weights.items()) == order]
        rest = [[i for i in outside for _ in range(e[i])] for e in initial]
        smooth = [r[0] for r in rest if len(r) == 1]
        if not all(rest) or any(degree_in(t, i) == 1 for i in smooth):
            continue
        total += 1 if smooth else 2
    return total


def blow_up_along(state: State, weights: dict[int, int]) -> Move:
    """The weighted blow-up with these weights, with pivots left out that a symmetry moves to earlier ones."""
    order = sorted(weights, key=lambda i: (weights[i] % 2 == 0, weights[i], -sum(degree_in(g, i) for g in state.ideal)))
    charts: list[Chart] = []
    symmetries: list[dict[int, tuple[int, int]]] = []
    before: list[int] = []
    for p in order:
        if p in before:
            continue
        images = []
        for q in order:
            if q != p and q not in before and weights[q] == weights[p]:
                found = find_symmetry(state, p, q, weights)
                if found:
                    symmetries.append(found)
                    images.append(q)
        if state.sign[p] == NONNEGATIVE:
            charts.append(Chart(p, 1, tuple(before)))
        elif weights[p] % 2:
            charts.append(Chart(p, 0, tuple(before)))
        else:
            charts.append(Chart(p, 1, tuple(before)))
            mirror = find_reflection(state, p)
            if mirror:
                symmetries.append(mirror)
            else:
                charts.append(Chart(p, -1, tuple(before)))
        before += [p, *images]
    return Move(make_step(state, weights, tuple(charts), symmetries), tuple(pull_back(state, weights, c) for c in charts))


def make_step(state: State, weights: dict[int, int], charts: Sequence[Chart], symmetries: Sequence[Any]) -> dict[str, Any]:
    """The fields of a blow-up in a certificate."""
    return {
        "kind": "blowup",
        "weights": {state.names[i]: w for i, w in weights.items()},
        "charts": [{"pivot": state.names[c.pivot], "sign": c.sign, "before": [state.names[i] for i in c.before]} for c in charts],
        "symmetries": [{state.names[i]: ("-" if s < 0 else "") + state.names[j] for i, (j, s) in m.items()} for m in symmetries],
    }


def halve(state: State, i: int) -> Move:
    """Cut a local variable of any sign into its two half-lines: a blow-up of one variable with weight 1."""
    charts = (Chart(i, 1, ()), Chart(i, -1, ()))
    return Move(make_step(state, {i: 1}, charts, []), tuple(pull_back(state, {i: 1}, c) for c in charts))
