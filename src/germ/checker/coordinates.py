"""Changes of coordinates in a certificate: a function that vanishes on the base points, or moves along them, becomes a coordinate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from germ.checker.evidence import check_evidence
from germ.checker.polynomial import Polynomial, parse
from germ.checker.state import Coordinate, State, read_index, require

Step = dict[str, Any]
Children = Sequence[State]


def coordinate(state: State, step: Step, children: Children) -> list[State]:
    """A function that vanishes on the base points becomes a coordinate."""
    v, g = str(step.get("variable")), parse(step.get("polynomial"))
    if v in state.dependent:
        return [_shift(state, step, v, g, children)]
    require(v in state.coordinates, f"the variable {v[:40]!r}, which is no coordinate")
    old = state.coordinates[v]
    require(
        (old.order, old.weight) == (0, 0) and old.sign != "nonnegative",
        f"{v} with N = {old.order}, h = {old.weight}, sign {old.sign}",
        "N = h = 0, no weak sign",
    )
    zero = list(state.zero)
    stays = step.get("stays") == "base"
    if stays:
        require(v in state.base and step.get("mode") == "linear", "a base coordinate that stays", "mode linear")
    elif v in state.base:
        i = read_index(step.get("zero_index"), zero)
        require(state.on_base(zero[i]).ratio(state.on_base(g)), f"{zero[i]} in zero", f"{g} up to a constant")
        del zero[i]
    else:
        require(not state.on_base(g), f"{g}, which does not vanish on the base points")
    w = Polynomial.monomial({v: 1})
    domain, sign = [*state.domain, *{"positive": [w], "negative": [-w]}.get(old.sign, [])], "any"
    if step.get("sign") == "nonnegative":
        require(step.get("mode") == "linear", "a nonnegative coordinate given implicitly", "mode linear")
        i = read_index(step.get("domain_index"), domain)
        ratio = domain[i].ratio(g)
        require(ratio is not None and ratio > 0, f"the inequality {domain[i]} >= 0", f"{g} up to a positive constant")
        del domain[i]
        sign = "nonnegative"
    local = {x: c for x, c in state.local.items() if x != v}
    base = {x: c for x, c in state.base.items() if x != v}
    (base if stays else local)[v] = Coordinate(0, Fraction(0), sign)
    start = replace(state, local=local, base=base, zero=tuple(zero), domain=tuple(domain))
    require(len(children) == 1, f"{len(children)} children of a coordinate step", "one")
    if step.get("mode") == "linear":
        return [_linear(state, start, step, v, g, children[0])]
    require(step.get("mode") == "implicit", f"the mode {str(step.get('mode'))[:40]!r}", "linear or implicit")
    return [_implicit(start, step, v, g, v in state.local)]


def _shift(state: State, step: Step, v: str, g: Polynomial, children: Children) -> State:
    """A dependent variable replaced by a function that is linear in it and vanishes on the base points."""
    require(step.get("mode") == "linear" and v not in state.vanishing, f"the dependent variable {v}", "one that is shifted to 0")
    zero = list(state.zero)
    if "relation_index" in step:
        i = read_index(step["relation_index"], state.relations)
        require(
            state.on_base(state.relations[i]).ratio(state.on_base(g)), f"{state.relations[i]} on the base points", f"{g} up to a constant"
        )
    else:
        i = read_index(step.get("zero_index"), zero)
        require(state.on_base(zero[i]).ratio(state.on_base(g)), f"{zero[i]} in zero", f"{g} up to a constant")
        del zero[i]
    require(len(children) == 1, f"{len(children)} children of a coordinate step", "one")
    start = replace(state, zero=tuple(zero), vanishing=state.vanishing | {v})
    return _linear(state, start, step, v, g, children[0])


def _linear(state: State, start: State, step: Step, v: str, g: Polynomial, child: State) -> State:
    parts = g.coefficients(v)
    require(len(parts) == 2, f"{g} of degree {len(parts) - 1} in {v}", "degree 1")
    r, c = parts
    require(not c - parse(step.get("coefficient", "1")), f"the coefficient {c} of {v}", "that of the step")
    check_evidence(c, step.get("why", {"why": "constant"}), state)
    numerator = Polynomial.monomial({v: 1}) - r
    wanted = {key: iter(getattr(child, key)) for key in ("relations", "zero", "nonzero", "ideal", "domain", "prior")}

    def change(p: Polynomial, key: str) -> Polynomial:
        rows = p.coefficients(v)
        degree = len(rows) - 1 + (key == "domain" and len(rows) % 2 == 0)
        full = sum((row * numerator**k * c ** (degree - k) for k, row in enumerate(rows)), Polynomial.constant(0))
        found = next(wanted[key], None)
        found = found[0] if isinstance(found, tuple) else found
        if found is None:
            return full
        stride = 2 if key == "domain" else 1
        power, factor = found, c**stride
        for _ in range(0, degree + 1, stride):
            if not power - full:
                return found
            power = power * factor
        return full

    changed = start.map_polynomials(change)
    return changed if c.value is not None else replace(changed, nonzero=(*changed.nonzero, c))


def _implicit(start: State, step: Step, v: str, g: Polynomial, was_local: bool) -> State:
    name = str(step.get("dependent"))
    taken = {*start.local, *start.base, *start.dependent}
    require(name.isidentifier() and name not in taken, f"a dependent variable called {name[:40]!r}", "a new name")
    renamed = start.map_polynomials(lambda p, key: p.substitute({v: Polynomial.monomial({name: 1})}))
    relation = g.substitute({v: Polynomial.monomial({name: 1})}) - Polynomial.monomial({v: 1})
    vanishing = start.vanishing | ({name} if was_local else set())
    child = replace(renamed, dependent=(*start.dependent, name), relations=(*renamed.relations, relation), vanishing=vanishing)
    matrix = [[p.derivative(x) for x in child.dependent] for p in child.relations]
    require(len(matrix) <= 8, f"{len(matrix)} relations", "at most 8")
    check_evidence(_determinant(matrix), step.get("why"), child)
    return child


def _determinant(matrix: list[list[Polynomial]]) -> Polynomial:
    if not matrix:
        return Polynomial.constant(1)
    total = Polynomial.constant(0)
    for j, entry in enumerate(matrix[0]):
        if entry:
            minor = _determinant([[*row[:j], *row[j + 1 :]] for row in matrix[1:]])
            total = total + (entry * minor).scale(Fraction((-1) ** j))
    return total
