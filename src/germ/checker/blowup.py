"""Weighted blow-ups: the charts, and that they cover every point of the exceptional set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from germ.checker.polynomial import Polynomial
from germ.checker.state import Coordinate, State, read_integer, read_list, read_object, require

Signed = tuple[str, int]


def blow_up(state: State, step: dict[str, Any], children: Sequence[State]) -> list[State]:
    """The states of the charts.

    Args:
        state: The state.
        step: Weights, charts and symmetries.
        children: Not used: a blow-up leaves no freedom.

    Returns:
        One state for each chart.

    Raises:
        CertificateError: If the charts do not cover the exceptional set.
    """
    weights = {str(x): read_integer(w, 1) for x, w in read_object(step.get("weights")).items()}
    require(weights and weights.keys() <= state.local.keys(), f"the centre {sorted(weights)}", "local coordinates")
    charts = [_read_chart(entry, weights) for entry in read_list(step.get("charts"))]
    renamings = [read_renaming(entry, state) for entry in read_list(step.get("symmetries", []))]
    for renaming in renamings:
        moved = {x: weights[y] for x, (y, _) in renaming.items() if y in weights}
        require(moved == weights, "a symmetry that does not preserve the weights")
        check_symmetry(state, state, renaming)
    _check_cover(state, weights, charts, renamings)
    return [_chart(state, weights, *chart) for chart in charts]


def _read_chart(entry: object, weights: dict[str, int]) -> tuple[str, int, frozenset[str]]:
    chart = read_object(entry, required=("pivot", "sign"), optional=("before",))
    before = frozenset(str(x) for x in read_list(chart.get("before", [])))
    require(chart["pivot"] in weights, f"the pivot {str(chart['pivot'])[:40]!r}", f"one of {sorted(weights)}")
    good = chart["sign"] in (1, -1, 0) and not isinstance(chart["sign"], bool)
    require(good, f"the sign {str(chart['sign'])[:40]!r} of a chart", "1, -1, or 0 for both")
    require(before <= weights.keys() - {chart["pivot"]}, f"the variables {sorted(before)} before a pivot")
    return chart["pivot"], chart["sign"], before


def _check_cover(
    state: State, weights: dict[str, int], charts: list[tuple[str, int, frozenset[str]]], renamings: list[dict[str, Signed]]
) -> None:
    """Every point of the exceptional set has a first nonzero coordinate in the order of the pivots' orbits."""
    done: frozenset[str] = frozenset()
    index = 0
    while index < len(charts):
        pivot = charts[index][0]
        require(pivot not in done, f"a chart of {pivot}, which earlier charts cover", "each orbit once")
        own = []
        while index < len(charts) and charts[index][0] == pivot:
            require(charts[index][2] == done, f"'before' of the pivot {pivot}: {sorted(charts[index][2])}", f"{sorted(done)}")
            side = charts[index][1]
            if side == 0:
                odd = weights[pivot] % 2 and state.local[pivot].sign == "any"
                require(odd, f"a chart for both signs of {pivot}", "an odd weight, and a variable of any sign")
            own += [1, -1] if side == 0 else [side]
            index += 1
        require(len(set(own)) == len(own), f"a chart of {pivot} twice")
        covered = set().union(*(_orbit((pivot, s), renamings) for s in own))
        orbit = {x for x, _ in covered}
        for x in orbit:
            for s in (1,) if state.local[x].sign == "nonnegative" else (1, -1):
                require((x, s) in covered, f"the points of the exceptional set with {x} {'>' if s > 0 else '<'} 0", "a chart for them")
        done |= orbit
    require(done == weights.keys(), f"no chart for {sorted(weights.keys() - done)}", "charts that cover the exceptional set")


def _orbit(start: Signed, renamings: list[dict[str, Signed]]) -> set[Signed]:
    # Renamings are bijections of a finite set, so forward images alone reach the whole orbit of the group.
    found, new = {start}, [start]
    while new:
        x, s = new.pop()
        for renaming in renamings:
            y, t = renaming.get(x, (x, 1))
            if (y, s * t) not in found:
                found.add((y, s * t))
                new.append((y, s * t))
    return found


def _chart(state: State, weights: dict[str, int], pivot: str, sign: int, before: frozenset[str]) -> State:
    values = {x: Polynomial.monomial({pivot: w, x: 1}) for x, w in weights.items() if x != pivot}
    values[pivot] = Polynomial.monomial({pivot: weights[pivot]}, sign or 1)
    order = sum(w * state.local[x].order for x, w in weights.items())
    weight = sum((w * (state.local[x].weight + 1) for x, w in weights.items()), Fraction(-1))
    leaving = weights.keys() - before - {pivot}
    local = {x: c for x, c in state.local.items() if x not in leaving}
    local[pivot] = Coordinate(order, weight, "nonnegative" if sign else "any")
    base = {**state.base, **{x: state.local[x] for x in leaving}}
    return replace(state, local=local, base=base).map_polynomials(lambda p, key: p.substitute(values))


def read_renaming(entry: object, state: State) -> dict[str, Signed]:
    """A renaming of variables with signs; those that are not named stay as they are."""
    found: dict[str, Signed] = {}
    for x, y in read_object(entry).items():
        require(isinstance(y, str), f"{x} renamed to {str(y)[:40]!r}", "a variable, or - and a variable")
        found[x] = (y[1:], -1) if y.startswith("-") else (y, 1)
    known = {*state.coordinates, *state.dependent}
    require(found.keys() <= known, f"a renaming of {sorted(found.keys() - known)}, which are no variables")
    return {x: found.get(x, (x, 1)) for x in known}


def check_symmetry(state: State, other: State, renaming: dict[str, Signed]) -> None:
    """Check that renaming turns one state into another.

    Args:
        state: The state that is renamed.
        other: What it must become.
        renaming: Old variable to new variable and sign.

    Raises:
        CertificateError: If it does not.
    """
    targets = [y for y, _ in renaming.values()]
    require(len(set(targets)) == len(targets), "a renaming of two variables to one")
    for kind in ("local", "base"):
        mine, theirs = getattr(state, kind), getattr(other, kind)
        moved = {renaming[x][0]: c for x, c in mine.items()}
        require(moved == dict(theirs), f"a renaming that does not preserve N, h and sign of the {kind} coordinates")
        for x, c in mine.items():
            require(c.sign == "any" or renaming[x][1] == 1, f"a renaming that negates {x}, which has the sign {c.sign}")
    require({renaming[x][0] for x in state.vanishing} == other.vanishing, "a renaming that does not preserve the vanishing variables")
    require({renaming[x][0] for x in state.dependent} == set(other.dependent), "a renaming that does not preserve the dependent variables")
    values = {x: Polynomial.monomial({y: 1}, s) for x, (y, s) in renaming.items()}
    moved_state = state.map_polynomials(lambda p, key: p.substitute(values))
    for key in ("relations", "zero", "nonzero", "ideal"):
        require(_set(getattr(moved_state, key)) == _set(getattr(other, key)), f"a renaming that does not preserve {key}")
    require(_exactly(moved_state.domain) == _exactly(other.domain), "a renaming that does not preserve the domain")
    prior = [sorted((_key(p), q) for p, q in s.prior) for s in (moved_state, other)]
    require(prior[0] == prior[1], "a renaming that does not preserve the prior")


def _key(p: Polynomial) -> tuple[tuple[Any, Fraction], ...]:
    rows = sorted(p.terms.items())
    flip = -1 if rows and rows[0][1] < 0 else 1
    return tuple((m, flip * c) for m, c in rows)


def _set(polynomials: Sequence[Polynomial]) -> set[Any]:
    return {_key(p) for p in polynomials}


def _exactly(polynomials: Sequence[Polynomial]) -> set[Any]:
    return {tuple(sorted(p.terms.items())) for p in polynomials}
