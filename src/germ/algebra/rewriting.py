"""Equivalent generators: monomial contents, units and multiples taken out of an ideal, every move recorded as an identity.

Each operation (`content`, `replace`, `drop`) is one entry of a `rewrite` step in `docs/certificates.md`; applied in order they turn the
state's generators into the simpler ones, without changing the ideal near B.
"""

from __future__ import annotations

from typing import Any

from flint import fmpq, fmpq_mpoly

from germ.algebra.evidence import Evidence, find_evidence
from germ.algebra.state import (
    DEPENDENT,
    VANISHING,
    Monomial,
    State,
    coefficients_in,
    content_of,
    degree_in,
    make_monic,
    terms_of,
    variables_of,
)

MAX_FACTOR_TERMS = 40  # of a generator: factors of larger ones are hardly ever units
MAX_DIVISIONS = 400  # pairs of generators that are tried for divisibility


def simplify_ideal(state: State) -> tuple[list[dict[str, Any]], State]:
    """Take out contents, units and multiples until nothing changes.

    Args:
        state: Any state.

    Returns:
        The operations, and the state with the new generators and exponents N; no operations if nothing changed.
    """
    work = _Rewriter(state)
    for _ in range(60):
        before = len(work.ops)
        work.reduce_by_relations()
        work.drop_zero_and_equal()
        work.take_common_content()
        work.strip_units()
        work.reduce_by_monomials()
        work.drop_multiples()
        if len(work.ops) == before:
            work.eliminate_linearly()
        if len(work.ops) == before:
            work.eliminate_variables()
        if len(work.ops) == before:
            break
    if not work.ops:
        return [], state
    return work.ops, state.change(ideal=tuple(work.generators), N=tuple(work.N))


class _Rewriter:
    """The current generators with the operations that led to them."""

    def __init__(self, state: State) -> None:
        self.state, self.generators, self.N = state, list(state.ideal), list(state.N)
        self.ops: list[dict[str, Any]] = []
        self.clean: set[str] = set()  # generators whose units are known to be stripped
        self.coordinates = frozenset(state.coordinates) - state.unit_variables

    def drop(self, index: int, add: dict[int, fmpq_mpoly], unit: fmpq_mpoly | None = None, why: Evidence | None = None) -> None:
        op: dict[str, Any] = {"op": "drop", "index": index, "add": add}
        if unit is not None and why is not None and why.data["why"] != "constant":
            op |= {"unit": unit, "why": why}
        elif unit is not None:
            op |= {"unit": unit}
        self.ops.append(op)
        del self.generators[index]

    def reduce_by_relations(self) -> None:
        """Lower the degree in the dependent variables; a generator that is a relation's left side becomes the new coordinate."""
        for k, relation in enumerate(self.state.relations):
            i = [v for v, r in enumerate(self.state.role) if r in (DEPENDENT, VANISHING)][k]
            lead = coefficients_in(relation, i)[-1]
            why = find_evidence(self.state, lead)
            for index, g in enumerate(self.generators):
                if degree_in(g, i) < degree_in(relation, i):
                    continue
                if why is not None:
                    new, unit, quotient = divide_in(g, relation, i)
                    proof = None if unit.is_constant() else Evidence(0, {"why": "product", "constant": fmpq(1), "factors": [
                        {"polynomial": lead, "power": degree_in(g, i), "why": why}]})  # fmt: skip
                    if len(new) > 3 * len(g) + 20:  # several relations can push degrees from one dependent variable to the next
                        self.reduce_on_base(index, k)
                        continue
                    if proof is None or unit == lead ** degree_in(g, i):
                        self.replace(index, new, old_unit=unit, why_old=proof, modulo={k: -quotient})
                    continue
                monomial = self.state.monomial(content_of(g, frozenset(self.state.coordinates)))
                multiple = (g / monomial).leading_coefficient() / relation.leading_coefficient() * monomial
                if len(g - multiple * relation) == 1:
                    self.replace(index, g - multiple * relation, modulo={k: -multiple})

    def reduce_on_base(self, index: int, k: int) -> None:
        """Take from a generator the multiple of relation k that it is on B: what is left vanishes there."""
        g, relation = self.generators[index], self.state.relations[k]
        on_base, divisor = self.state.restrict(g), self.state.restrict(relation)
        if on_base.is_zero() or divisor.is_zero():
            return
        quotient, remainder = divmod(on_base, divisor)
        if remainder.is_zero():
            self.replace(index, g - quotient * relation, modulo={k: -quotient})

    def drop_zero_and_equal(self) -> None:
        seen: dict[str, int] = {}
        index = 0
        while index < len(self.generators):
            g = self.generators[index]
            if g.is_zero():
                self.drop(index, {})
                continue
            monic = make_monic(g)
            earlier = seen.setdefault(str(monic), index)
            if earlier != index:
                ratio = g.leading_coefficient() / self.generators[earlier].leading_coefficient()
                self.drop(index, {earlier: self.state.ring.constant(ratio)})
                continue
            index += 1

    def take_common_content(self) -> None:
        if not self.generators:
            return
        allowed = frozenset(self.state.coordinates)
        common = content_of(self.generators[0], allowed)
        for g in self.generators[1:]:
            if not any(common):
                return
            common = tuple(map(min, common, content_of(g, allowed)))
        if any(common):
            monomial = self.state.monomial(common)
            self.ops.append({"op": "content", "monomial": common})
            self.generators = [g / monomial for g in self.generators]
            self.N = [n + e for n, e in zip(self.N, common, strict=True)]

    def strip_units(self) -> None:
        """Replace monomial·f by monomial·(f without its unit factors)."""
        for index, g in enumerate(self.generators):
            if len(g) == 1 and not any(g.monoms()[0][i] for i in range(len(self.N)) if i not in self.coordinates):
                continue
            if str(g) in self.clean:
                continue
            monomial = self.state.monomial(content_of(g, self.coordinates))
            primitive = g / monomial
            why = find_evidence(self.state, primitive)
            new, unit = (monomial, primitive) if why else (g, None)
            if why is None and len(primitive) <= MAX_FACTOR_TERMS:
                new, unit, why = self._strip_factors(g, primitive, monomial)
            if unit is not None and not (unit.is_constant() and len(new) > 1):
                self.replace(index, new, new_unit=unit, why_new=why)
            self.clean.add(str(self.generators[index]))

    def _strip_factors(
        self, g: fmpq_mpoly, primitive: fmpq_mpoly, monomial: fmpq_mpoly
    ) -> tuple[fmpq_mpoly, fmpq_mpoly | None, Evidence | None]:
        constant, factors = primitive.factor()
        found = [(f, int(power), find_evidence(self.state, f)) for f, power in factors]
        units = [(f, power, why) for f, power, why in found if why is not None]
        if not units:
            return g, None, None
        unit, rest = self.state.ring.constant(constant), monomial
        for f, power, why in found:
            if why is None:
                rest *= f**power
            else:
                unit *= f**power
        parts = [{"polynomial": f, "power": power, "why": why} for f, power, why in units]
        return rest, unit, Evidence(0, {"why": "product", "constant": constant, "factors": parts})

    def replace(
        self, index: int, new: fmpq_mpoly, *, old_unit: fmpq_mpoly | None = None, new_unit: fmpq_mpoly | None = None,
        add: dict[int, fmpq_mpoly] | None = None, why_old: Evidence | None = None, why_new: Evidence | None = None,
        modulo: dict[int, fmpq_mpoly] | None = None,
    ) -> None:  # fmt: skip
        op: dict[str, Any] = {"op": "replace", "index": index, "new": new}
        if old_unit is not None:
            op |= {"old_unit": old_unit, "why_old": why_old}
        if new_unit is not None:
            op |= {"new_unit": new_unit, "why_new": why_new}
        if add:
            op["add"] = add
        if modulo:
            op["modulo"] = modulo
        self.ops.append(op)
        self.generators[index] = new

    def reduce_by_monomials(self) -> None:
        """Drop the terms of generators that a monomial generator divides."""
        monomials = [(k, terms_of(g)[0][0]) for k, g in enumerate(self.generators) if len(g) == 1]
        if not monomials:
            return
        for index in range(len(self.generators) - 1, -1, -1):
            kept: dict[Monomial, Any] = {}
            add: dict[int, dict[Monomial, Any]] = {}
            for e, c in terms_of(self.generators[index]):
                k = next((k for k, a in monomials if k != index and all(x <= y for x, y in zip(a, e, strict=True))), None)
                if k is None:
                    kept[e] = c
                    continue
                a, lead = terms_of(self.generators[k])[0]
                add.setdefault(k, {})[tuple(y - x for x, y in zip(a, e, strict=True))] = c / lead
            if not add:
                continue
            multiples = {k: self.state.ring.from_dict(d) for k, d in add.items()}
            if kept:
                self.replace(index, self.state.ring.from_dict(kept), add={k: -q for k, q in multiples.items()})
                continue
            self.drop(index, multiples)
            monomials = [(k - (k > index), a) for k, a in monomials if k != index]

    def drop_multiples(self) -> None:
        if len(self.generators) ** 2 > MAX_DIVISIONS:
            return
        for index in range(len(self.generators) - 1, -1, -1):
            g = self.generators[index]
            for k, f in enumerate(self.generators):
                if k == index or len(f) == 1 or f.total_degree() > g.total_degree():
                    continue
                quotient, remainder = divmod(g, f)
                if remainder.is_zero():
                    self.drop(index, {k: quotient})
                    break

    def eliminate_linearly(self) -> None:
        """Gauss–Jordan over the monomials, where it makes the generators shorter."""
        if len(self.generators) < 2 or all(len(g) == 1 for g in self.generators):
            return
        rows, moves = list(self.generators), []
        used: set[int] = set()
        for monomial in sorted({e for g in rows for e, _ in terms_of(g)}, key=lambda e: (sum(e), e)):
            holders = [k for k, g in enumerate(rows) if _coefficient(g, monomial) != 0]
            pivots = [k for k in holders if k not in used]
            if not pivots or len(holders) < 2:
                used.update(pivots[:1] if len(holders) == 1 else [])
                continue
            pivot = min(pivots, key=lambda k: len(rows[k]))
            used.add(pivot)
            for k in holders:
                if k != pivot:
                    ratio = _coefficient(rows[k], monomial) / _coefficient(rows[pivot], monomial)
                    rows[k] = rows[k] - ratio * rows[pivot]
                    moves.append((k, rows[k], {pivot: self.state.ring.constant(-ratio)}))
        if sum(map(len, rows)) < sum(map(len, self.generators)):
            for k, new, add in moves:
                self.replace(k, new, add=add)

    def eliminate_variables(self) -> None:
        """G_k − q·g_i without the variable v, where both are linear in v and the coefficient of v in g_k is q times that in g_i.

        So generators Σ_h a_h b_h^k become triangular. Not at the root, where it would hide symmetries.
        """
        long = [k for k, g in enumerate(self.generators) if len(g) > 1]
        if len(long) < 2 or not any(self.N):
            return
        local = set(self.state.local)
        linear = {k: {v for v in variables_of(self.generators[k]) if v in local and degree_in(self.generators[k], v) == 1} for k in long}
        for i in sorted(long, key=lambda k: (self.generators[k].total_degree(), len(self.generators[k]))):
            for k in long:
                if k == i or self.generators[k].total_degree() < self.generators[i].total_degree():
                    continue
                for v in sorted(linear[i] & linear[k]):
                    upper, lower = self.generators[k].derivative(v), self.generators[i].derivative(v)
                    quotient, remainder = divmod(upper, lower)
                    if not remainder.is_zero():
                        continue
                    new = self.generators[k] - quotient * self.generators[i]
                    if (
                        len(new) <= 4 * len(self.generators[k])
                        and set(variables_of(new)) & local < set(variables_of(self.generators[k])) & local
                    ):
                        self.replace(k, new, add={i: -quotient})
                        return


def divide_in(f: fmpq_mpoly, g: fmpq_mpoly, i: int) -> tuple[fmpq_mpoly, fmpq_mpoly, fmpq_mpoly]:
    """Pseudo-division in variable i: r = u·f − q·g of lower degree than g, u = 1 or c^deg f for the leading coefficient c of g.

    Args:
        f: The dividend.
        g: The divisor.
        i: Index of the variable.

    Returns:
        r, u, q.
    """
    ring, lead = f.context(), coefficients_in(g, i)[-1]
    x, degree = ring.gen(i), degree_in(g, i)
    constant = lead.is_constant()
    unit = ring.constant(1) if constant else lead ** degree_in(f, i)
    remainder, quotient = unit * f, ring.constant(0)
    while not remainder.is_zero() and degree_in(remainder, i) >= degree:
        term = coefficients_in(remainder, i)[-1] / lead * x ** (degree_in(remainder, i) - degree)
        quotient += term
        remainder -= term * g
    return remainder, unit, quotient


def _coefficient(p: fmpq_mpoly, monomial: Monomial) -> Any:
    return p[monomial]
