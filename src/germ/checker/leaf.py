"""Leaves: the value of a monomial ideal by a linear program and its dual, and states without base points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from germ.checker.evidence import check_evidence, is_known_nonzero
from germ.checker.polynomial import Polynomial, parse
from germ.checker.state import State, read_exponents, read_fraction, read_integer, read_list, read_object, require

INFINITY = math.inf


@dataclass(frozen=True)
class Value:
    """A pair (λ, m), or a lower bound of one; m is infinite where only λ is known.

    Args:
        learning: λ of the generators' norm, or infinity.
        multiplicity: m, or infinity.
    """

    learning: Fraction | float
    multiplicity: int | float

    @property
    def key(self) -> tuple[Fraction | float, int | float]:
        """Smaller dominates."""
        return self.learning, -self.multiplicity


TRIVIAL = Value(INFINITY, 0)


def check_monomial(state: State, step: Mapping[str, Any]) -> Value:
    """The value of a state whose generators are monomials times units.

    Args:
        state: The state.
        step: The leaf.

    Returns:
        (λ, m) of the generators' norm.

    Raises:
        CertificateError: If an identity, a unit or the linear program does not hold.
    """
    variables = [str(x) for x in read_list(step.get("variables"))]
    coordinates = state.coordinates
    require(len(set(variables)) == len(variables) and set(variables) <= coordinates.keys(), f"the variables {variables}", "coordinates")
    require(not state.prior, "a leaf with a prior that is not a monomial", "reduce it first")
    require(state.ideal, "a leaf without generators")
    powers = _check_units(state, step)
    for x, c in coordinates.items():
        require(c.weight > -1, f"h = {c.weight} of {x}", "h > -1, or the prior is not integrable")
        occurs = c.order > 0 or any(row.get(x, 0) for row in powers)
        needed = occurs or (c.weight != 0 if x in state.local else c.weight < 0)
        if needed and not is_known_nonzero(x, state):
            require(x in variables, f"a leaf that leaves out {x}", "every coordinate on which the value depends")
    exponents = [[coordinates[x].order + row.get(x, 0) for x in variables] for row in powers]
    h = [coordinates[x].weight for x in variables]
    given = [[read_integer(e) for e in read_list(row)] for row in read_list(step.get("exponents"))]
    require(given == exponents, f"the exponents {given}", f"{exponents}")
    require([read_fraction(c) for c in read_list(step.get("h"))] == h, "h of the leaf", f"{[str(c) for c in h]}")
    if any(not any(row) for row in exponents):
        require(step.get("lambda") == "inf" and step.get("m") == 0, "a leaf with a unit among its generators", 'lambda "inf" and m 0')
        return TRIVIAL
    return _check_program(step, exponents, h)


def _check_units(state: State, step: Mapping[str, Any]) -> list[dict[str, int]]:
    units = read_list(step.get("units"))
    require(len(units) == len(state.ideal), f"{len(units)} units for {len(state.ideal)} generators")
    powers = []
    for generator, entry in zip(state.ideal, units, strict=True):
        item = read_object(entry, required=("monomial",))
        exponents = read_exponents(item["monomial"])
        require(exponents.keys() <= state.coordinates.keys(), f"the monomial {exponents}", "a monomial in coordinates")
        unit = parse(item.get("unit", "1"))
        difference = generator - Polynomial.monomial(exponents) * unit
        factors = [parse(q) for q in read_list(item.get("modulo", []))]
        require(len(factors) <= len(state.relations), f"{len(factors)} multipliers modulo {len(state.relations)} relations")
        for factor, relation in zip(factors, state.relations, strict=False):
            difference = difference - factor * relation
        require(not difference, f"a generator that differs from monomial times unit by {difference}")
        check_evidence(unit, item.get("why", {"why": "constant"}), state)
        powers.append(exponents)
    return powers


def _check_program(step: Mapping[str, Any], exponents: list[list[int]], h: list[Fraction]) -> Value:
    primal = [read_fraction(w) for w in read_list(step.get("primal"))]
    dual = [read_fraction(y) for y in read_list(step.get("dual"))]
    require(len(primal) == len(h) and len(dual) == len(exponents), "a linear program of another size")
    require(min([*primal, *dual], default=Fraction(0)) >= 0, "a negative entry of primal or dual", "at least 0")
    reach = [sum(w * e for w, e in zip(primal, row, strict=True)) for row in exponents]
    cost = [c + 1 - sum(y * row[i] for y, row in zip(dual, exponents, strict=True)) for i, c in enumerate(h)]
    require(all(r >= 1 for r in reach), f"primal {[str(w) for w in primal]} is not feasible")
    require(all(c >= 0 for c in cost), f"dual {[str(y) for y in dual]} is not feasible")
    value = sum(dual, Fraction(0))
    require(sum((w * (c + 1) for w, c in zip(primal, h, strict=True)), Fraction(0)) == value, "primal and dual values differ", "equality")
    require(read_fraction(step.get("lambda")) == value, f"lambda {step.get('lambda')}", f"{value}")
    if step.get("m") is None:
        return Value(value, INFINITY)
    strict = all((w > 0) != (c > 0) for w, c in zip(primal, cost, strict=True)) and all(
        (y > 0) != (r > 1) for y, r in zip(dual, reach, strict=True)
    )
    require(strict, "a primal and dual pair that is not strictly complementary")
    support = [i for i, w in enumerate(primal) if w > 0]
    rows = [[Fraction(row[i]) for i in support] for row, y in zip(exponents, dual, strict=True) if y > 0]
    m = len(support) - _rank(rows) + 1
    require(read_integer(step["m"]) == m, f"m = {step['m']}", f"{m}")
    return Value(value, m)


def _rank(rows: list[list[Fraction]]) -> int:
    rows, rank = [list(r) for r in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((r for r in rows[rank:] if r[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(rank, pivot)
        for r in rows[rank + 1 :]:
            factor = r[column] / pivot[column]
            r[:] = [a - factor * b for a, b in zip(r, pivot, strict=True)]
        rank += 1
    return rank


def check_empty(state: State, step: Mapping[str, Any]) -> Value:
    """The value of a state without base points, or without a domain near them."""
    which = step.get("which")
    require(which in ("zero", "domain", "nonzero"), f"an empty state by {str(which)[:40]!r}", "zero, domain or nonzero")
    entries = getattr(state, str(which))
    index = read_integer(step.get("index"))
    require(index < len(entries), f"entry {index} of {which}", f"0 to {len(entries) - 1}")
    if which == "nonzero":
        require(not state.on_base(entries[index]), f"{entries[index]}, which is not 0 on the base points")
    else:
        check_evidence(entries[index], step.get("why"), state, -1 if which == "domain" else None)
    return TRIVIAL


def combine(kind: str, values: list[Value]) -> Value:
    """The value of a sum or product of parts."""
    require(values, f"a {kind} of nothing")
    if kind == "sum":
        if any(v.learning == INFINITY for v in values):
            return TRIVIAL
        total = sum((Fraction(v.learning) for v in values), Fraction(0))
        return Value(total, sum(v.multiplicity for v in values) - (len(values) - 1))
    least = min(v.learning for v in values)
    return TRIVIAL if least == INFINITY else Value(least, sum(v.multiplicity for v in values if v.learning == least))
