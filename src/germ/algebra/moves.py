"""The next step of a resolution: which of the moves of `docs/certificates.md` brings a state closer to monomial leaves.

The order of the moves is the algorithm: settle what is known about B, take out contents and units, use smooth functions as coordinates,
compare positive sums with monomials, split B where a coefficient may vanish, and only then blow up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flint import fmpq_mpoly

from germ.algebra.blowup import Chart, primitive_part, propose_weights, pull_back, weighted_order
from germ.algebra.coordinates import Step, change_implicitly, change_linearly, forget_exponents
from germ.algebra.evidence import eliminate, find_evidence, is_monomial_nonnegative
from germ.algebra.rewriting import simplify_ideal
from germ.algebra.shears import undo_shear
from germ.algebra.state import (
    ANY,
    BASE,
    DEPENDENT,
    LOCAL,
    NEGATIVE,
    NONNEGATIVE,
    POSITIVE,
    State,
    coefficients_in,
    content_of,
    degree_in,
    make_monic,
    terms_of,
    variables_of,
)
from germ.algebra.symmetry import find_reflection, find_symmetry

MAX_FACTOR_TERMS = 200  # of a generator that is factored to split B
MAX_TERMS = 4_000  # of one generator: beyond it a change of coordinates has exploded


@dataclass(frozen=True)
class Move:
    """A step with its children.

    Args:
        step: The fields of the certificate.
        children: The states below, those first that are likely to hold the least value.
    """

    step: dict[str, Any]
    children: tuple[State, ...] = field(default=())


def _one(step: Step | None) -> Move | None:
    return None if step is None else Move(step[0], (step[1],))


def settle(state: State) -> Move | None:
    """What is known about B, the domain and the volume form, written as simply as possible."""
    for rule in (_settle_dependents, _settle_zero, _settle_units, _settle_prior, _settle_domain, _settle_ideal):
        move = rule(state)
        if move:
            return move
    return None


def _settle_ideal(state: State) -> Move | None:
    ops, child = simplify_ideal(state)
    return Move({"kind": "rewrite", "ops": ops}, (child,)) if ops else None


def _settle_units(state: State) -> Move | None:
    for i, role in enumerate(state.role):
        if role == BASE and (state.N[i] or state.h[i] or state.sign[i] == NONNEGATIVE):
            move = _one(forget_exponents(state, i))
            if move:
                return move
    return None


# --- the set B -------------------------------------------------------------------------------------------------------------------


def _settle_dependents(state: State) -> Move | None:
    """A dependent variable that its relation fixes on B, or a `zero` entry: shifted, so that it is 0 there."""
    for kind, entries in (("relation_index", state.relations), ("zero_index", state.zero)):
        for k, entry in enumerate(entries):
            r = state.restrict(entry)
            for i in variables_of(r):
                if state.role[i] != DEPENDENT or degree_in(r, i) != 1 or (kind == "relation_index" and len(variables_of(r)) > MAX_SHIFT):
                    continue
                found = change_linearly(state, i, r, zero_index=k if kind == "zero_index" else None)
                if found:
                    return Move(found[0] | {kind: k}, (found[1],))
    return None


MAX_SHIFT = 4  # variables of a shift of a dependent variable; more would make the ideal long


def _settle_zero(state: State) -> Move | None:
    restricted = [state.restrict(z) for z in state.zero]
    for k, r in enumerate(restricted):
        if r.is_zero():
            return Move({"kind": "reduce", "what": "zero", "index": k, "new": r}, (state.change(zero=_drop(state.zero, k)),))
        why = find_evidence(state, r)
        if why is not None:
            return Move({"kind": "empty", "which": "zero", "index": k, "why": why})
    for k in sorted(range(len(restricted)), key=lambda k: (len(variables_of(restricted[k])), restricted[k].total_degree())):
        move = _consume_zero(state, k, restricted[k])
        if move:
            return move
    return None


def _consume_zero(state: State, k: int, r: fmpq_mpoly) -> Move | None:
    constant, factors = r.factor()
    open_factors = [(f, int(e)) for f, e in factors if find_evidence(state, f) is None]
    if len(open_factors) > 1:
        return split(state, [f for f, _ in open_factors])
    f, power = open_factors[0]
    if len(factors) > 1 or power > 1:
        units = [(p, int(e), find_evidence(state, p)) for p, e in factors if p != f]
        unit = state.ring.constant(constant)
        for p, e, _ in units:
            unit *= p**e
        why = {"why": "product", "constant": constant, "factors": [{"polynomial": p, "power": e, "why": w} for p, e, w in units]}
        step = {"kind": "reduce", "what": "zero", "index": k, "new": f, "power": power, "unit": unit, "why": why}
        return Move(step, (state.change(zero=(*state.zero[:k], f, *state.zero[k + 1 :])),))
    base = [i for i in variables_of(f) if state.role[i] == BASE]
    usable = [i for i in base if not state.N[i] and not state.h[i] and state.sign[i] != NONNEGATIVE]
    alike = _generators_like(state, f)
    usable.sort(key=lambda i: (degree_in(f, i) != 1, len(f.derivative(i)), degree_in(f, i)))
    for g in [*alike, f]:
        for i in usable:
            found = change_linearly(state, i, g, zero_index=k) if degree_in(g, i) == 1 else None
            if found:
                return _one(found)
    derived = _derive_zero(state, k)
    if derived:
        return derived
    for i in usable:
        alone = sum(degree_in(p, i) > 0 for p in state.ideal) == 1
        for g in [*(alike if alone else ()), f]:
            smooth = degree_in(g, i) > 1 and find_evidence(state, g.derivative(i)) is not None
            found = change_implicitly(state, i, g, zero_index=k) if smooth else None
            if found:
                return _one(found)
    return _split_derivatives(state, f, base, usable)


def _derive_zero(state: State, k: int) -> Move | None:
    """A consequence of two `zero` polynomials with fewer variables, by eliminating one; so isolated points become coordinates."""
    p = state.restrict(state.zero[k])
    present = {str(make_monic(state.restrict(z))) for z in state.zero}
    for j, other in enumerate(state.zero):
        q = state.restrict(other)
        shared = set(variables_of(p)) & set(variables_of(q))
        if (
            j == k
            or len(p) > MAX_ELIMINATION
            or len(q) > MAX_ELIMINATION
            or len(set(variables_of(p)) | set(variables_of(q))) > MAX_UNKNOWNS
        ):
            continue
        for i in sorted(shared, key=lambda i: degree_in(p, i) + degree_in(q, i)):
            r, a, b = eliminate(p, q, i)
            if r.is_zero() or degree_in(r, i) or len(variables_of(r)) >= len(set(variables_of(p)) | set(variables_of(q))):
                continue
            if str(make_monic(r)) not in present:
                step = {"kind": "derive", "new": r, "zero": {k: a, j: b}}
                return Move(step, (state.change(zero=(*state.zero, r)),))
    return None


MAX_ELIMINATION = 40  # terms of polynomials whose resultant is taken
MAX_UNKNOWNS = 5  # and variables: isolated points are what it looks for


def _generators_like(state: State, f: fmpq_mpoly) -> list[fmpq_mpoly]:
    """Primitive parts of generators that are f, up to a constant, on B."""
    parts = [primitive_part(state, g) for g in state.ideal if len(g) > 1]
    monic = make_monic(f)
    return [p for p in parts if make_monic(state.restrict(p)) == monic and len(p) < 3 * len(f) + 10]


def _split_derivatives(state: State, f: fmpq_mpoly, base: Sequence[int], usable: Sequence[int]) -> Move | None:
    """Split B by a derivative of f, so that f is smooth where it is not zero; or by a base variable that has exponents."""
    choices = []
    for i in usable:
        open_factors = [p for p, _ in f.derivative(i).factor()[1] if find_evidence(state, p) is None]
        if open_factors:
            choices.append((max(p.total_degree() for p in open_factors), len(open_factors), i, open_factors))
    if choices:
        return split(state, min(choices)[3])
    held = [i for i in base if i not in usable and i not in state.unit_variables]
    return split(state, [state.gens[held[0]]]) if held else None


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


def _drop(items: tuple[Any, ...], k: int) -> tuple[Any, ...]:
    return (*items[:k], *items[k + 1 :])


# --- volume form and domain ------------------------------------------------------------------------------------------------------


def _take_units(state: State, p: fmpq_mpoly) -> tuple[tuple[int, ...], fmpq_mpoly, fmpq_mpoly, Any, int]:
    """P = monomial·unit·rest with the proof that unit does not vanish and its sign (0 if unknown)."""
    content = content_of(p, frozenset(state.coordinates) - state.unit_variables)
    primitive = p / state.monomial(content)
    constant, factors = primitive.factor()
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


def _settle_prior(state: State) -> Move | None:
    for k, (p, q) in enumerate(state.prior):
        content, unit, rest, why, _ = _take_units(state, p)
        if not any(content) and unit.is_constant() and not rest.is_constant():
            continue
        h = tuple(a + q * e for a, e in zip(state.h, content, strict=True))
        prior = _drop(state.prior, k) if rest.is_constant() else (*state.prior[:k], (rest, q), *state.prior[k + 1 :])
        step = {"kind": "reduce", "what": "prior", "index": k, "monomial": content, "unit": unit, "why": why, "new": rest}
        return Move(step, (state.change(h=h, prior=prior),))
    return None


def _settle_domain(state: State) -> Move | None:
    for k, g in enumerate(state.domain):
        whole = find_evidence(state, g)
        if whole is not None and whole.sign < 0:
            return Move({"kind": "empty", "which": "domain", "index": k, "why": whole})
        one = state.ring.constant(1)
        if whole is not None and whole.sign > 0:
            step = {"kind": "reduce", "what": "domain", "index": k, "monomial": (), "unit": g, "why": whole, "new": one}
            return Move(step, (state.change(domain=_drop(state.domain, k)),))
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
        domain = _drop(state.domain, k)
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
                    return _one(found)
            if len(g) == 1 and g.total_degree() == 1 and state.sign[i] == ANY:  # a coordinate with exponents
                sign = list(state.sign)
                if g.leading_coefficient() > 0:
                    sign[i] = NONNEGATIVE
                    child = state.change(sign=tuple(sign), domain=_drop(state.domain, k))
                    return Move({"kind": "halfline", "variable": state.names[i], "domain_index": k}, (child,))
                return reflect(state, i)
    odd = [i for i in variables_of(g) if len(g) == 1 and state.sign[i] == ANY and state.role[i] == LOCAL]
    return halve(state, odd[0]) if odd else None


def reflect(state: State, i: int) -> Move:
    """The blow-up with one variable, weight 1 and one chart: x → −x, for a domain on which x ≤ 0; the other half is checked to be empty."""
    return halve(state, i)


def halve(state: State, i: int) -> Move:
    """Cut a local variable of any sign into its two half-lines: a blow-up of one variable with weight 1."""
    charts = (Chart(i, 1, ()), Chart(i, -1, ()))
    return Move(_blowup_step(state, {i: 1}, charts, []), tuple(pull_back(state, {i: 1}, c) for c in charts))


# --- the ideal -------------------------------------------------------------------------------------------------------------------


def use_coordinate(state: State) -> Move | None:
    """A generator, up to its monomial content, that is smooth in a free local variable becomes that coordinate."""
    choices: list[tuple[tuple[int, ...], int, fmpq_mpoly, bool, bool]] = []
    for g in state.ideal:
        if len(g) == 1:
            continue
        content = content_of(g, frozenset(state.coordinates))
        p = g / state.monomial(content) if any(content) else g
        if not state.restrict(p).is_zero():
            continue
        for i in variables_of(p):
            if state.role[i] != LOCAL or not state.is_free(i):
                continue
            slope = p.derivative(i)
            if state.restrict(slope).is_zero() or find_evidence(state, slope) is None:
                continue
            linear = degree_in(p, i) == 1
            others = [f for f in (*state.ideal, *state.domain, *state.zero, *(q for q, _ in state.prior)) if f is not g]
            occurrences = sum(len(f.derivative(i)) for f in others)
            if not linear and (occurrences or content[i]):
                continue
            rank = (sum(content), 0 if linear else 1, 0 if slope.is_constant() else len(slope), occurrences * len(p), len(p))
            choices.append((rank, i, p, linear, any(content)))
    for _, i, p, linear, has_content in sorted(choices, key=lambda c: c[:2]):
        found = change_linearly(state, i, p) if linear else change_implicitly(state, i, p)
        if found is None or max(map(len, found[1].ideal)) > MAX_TERMS:
            continue
        if not has_content or _count_long(simplify_ideal(found[1])[1]) < _count_long(state):
            return _one(found)
    return None


def _count_long(state: State) -> int:
    return sum(len(g) > 1 for g in state.ideal)


def use_prior_coordinate(state: State) -> Move | None:
    """A factor of the volume form that is smooth in a free local variable becomes that coordinate."""
    for p, _ in state.prior:
        if not state.restrict(p).is_zero():
            continue
        for i in variables_of(p):
            if state.role[i] == LOCAL and state.is_free(i) and degree_in(p, i) == 1 and not any(degree_in(g, i) for g in state.ideal):
                found = change_linearly(state, i, p)
                if found:
                    return _one(found)
    return None


def tidy(state: State) -> Move | None:
    """A linear form that is a coefficient of several terms becomes a coordinate, where that shortens the ideal.

    So a matrix product keeps its shape: (b_0 + a b_1)·p + (b'_0 + a b'_1)·r is b_0·p + b'_0·r in new coordinates.
    """
    size = sum(map(len, state.ideal))
    long = [g for g in state.ideal if len(g) > 1]
    if size > MAX_TIDY or all(len(g) < 4 for g in long):
        return None
    best: tuple[int, Step] | None = None
    tried: set[str] = set()
    for g in long:
        for k in variables_of(g):
            if degree_in(g, k) != 1:
                continue
            c = primitive_part(state, coefficients_in(g, k)[1])
            if len(c) < 2 or len(c) > MAX_FORM or str(c := make_monic(c)) in tried:
                continue
            tried.add(str(c))
            found = _adopt_form(state, c)
            shorter = size if found is None else sum(map(len, found[1].ideal))
            if found and shorter < size and _count_long(found[1]) <= len(long) and (best is None or shorter < best[0]):
                best = shorter, found
    return _one(best[1]) if best else None


MAX_TIDY = 400
MAX_FORM = 6


def _adopt_form(state: State, c: fmpq_mpoly) -> Step | None:
    vanishes = state.restrict(c).is_zero()
    for i in variables_of(c):
        if degree_in(c, i) == 1 and state.is_free(i) and (state.role[i] == LOCAL) == vanishes and c.derivative(i).is_constant():
            return change_linearly(state, i, c, stays_base=not vanishes)
    return None


def compare(state: State) -> Move | None:
    """A generator that is a sum of nonnegative monomials with positive cofactors is comparable to those monomials."""
    for index, g in enumerate(state.ideal):
        if len(g) == 1:
            continue
        found = _compare_terms(state, g) or _compare_terms(state, -g)
        if found:
            monomials = tuple(state.monomial(e) for e, _, _ in found)
            sign = 1 if sum((state.monomial(e) * c for e, c, _ in found), state.ring.constant(0)) == g else -1
            terms = [{"monomial": e, "cofactor": c, "why": why} for e, c, why in found]
            child = state.change(ideal=(*state.ideal[:index], *monomials, *state.ideal[index + 1 :]))
            return Move({"kind": "comparable", "index": index, "sign": sign, "terms": terms}, (child,))
    return None


def _compare_terms(state: State, g: fmpq_mpoly) -> list[tuple[tuple[int, ...], fmpq_mpoly, Any]] | None:
    coordinates = frozenset(state.coordinates) - state.unit_variables
    groups: dict[tuple[int, ...], list[Any]] = {}
    for e, c in terms_of(g):
        groups.setdefault(tuple(v if i in coordinates else 0 for i, v in enumerate(e)), []).append((e, c))
    chosen: list[tuple[int, ...]] = []
    cofactors: list[dict[tuple[int, ...], Any]] = []
    for key in sorted(groups, key=lambda e: (sum(e), e)):
        k = next((k for k, a in enumerate(chosen) if all(x <= y for x, y in zip(a, key, strict=True))), None)
        if k is None:
            if not is_monomial_nonnegative(state, key):
                return None
            chosen.append(key)
            cofactors.append({})
            k = len(chosen) - 1
        for e, c in groups[key]:
            cofactors[k][tuple(y - x for x, y in zip(chosen[k], e, strict=True))] = c
    found = []
    for key, terms in zip(chosen, cofactors, strict=True):
        cofactor = state.ring.from_dict(terms)
        why = find_evidence(state, cofactor)
        if why is None or why.sign <= 0:
            return None
        found.append((key, cofactor, why))
    return found


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
        open_factors = _open_factors(state, r)
        if open_factors:
            return split(state, open_factors)
    return None


def _open_factors(state: State, r: fmpq_mpoly) -> list[fmpq_mpoly]:
    """The factors of r that may vanish somewhere on B and elsewhere not; none if one of them vanishes all along B."""
    vanishing = {str(make_monic(state.restrict(p))) for p in (*state.zero, *state.relations)}
    factors = [f for f, _ in r.factor()[1]]
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
        open_factors = _open_factors(state, slope)
        if open_factors:
            return split(state, open_factors)
    return None


def split_by_factor(state: State) -> Move | None:
    """Split B by a factor of a generator that vanishes on a part of B only: so the deepest strata are blown up first.

    Without it, a blow-up along a curve could meet a point where more factors vanish before that point itself was blown up.
    """
    for g in state.ideal:
        if 1 < len(g) <= MAX_FACTOR_TERMS:
            for f, _ in g.factor()[1]:
                r = state.restrict(f)
                open_factors = [] if r.is_zero() else _open_factors(state, r)
                if open_factors:
                    return split(state, open_factors)
    return None


def split_by_domain(state: State) -> Move | None:
    """Split B by an inequality that is neither strict nor active all along it (only where a real point of a leaf was not found)."""
    for g in state.domain:
        open_factors = _open_factors(state, state.restrict(g))
        if open_factors:
            return split(state, open_factors)
    return None


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
    return Move(_blowup_step(state, weights, tuple(charts), symmetries), tuple(pull_back(state, weights, c) for c in charts))


def _blowup_step(state: State, weights: dict[int, int], charts: Sequence[Chart], symmetries: Sequence[Any]) -> dict[str, Any]:
    return {
        "kind": "blowup",
        "weights": {state.names[i]: w for i, w in weights.items()},
        "charts": [{"pivot": state.names[c.pivot], "sign": c.sign, "before": [state.names[i] for i in c.before]} for c in charts],
        "symmetries": [{state.names[i]: ("-" if s < 0 else "") + state.names[j] for i, (j, s) in m.items()} for m in symmetries],
    }


def resolve_common_factor(state: State) -> Move | None:
    """The next step for a factor that all generators have in common: it becomes a monomial before the rest is looked at."""
    if len(state.ideal) < 2 or any(len(g) == 1 for g in state.ideal):
        return None
    common = state.ideal[0]
    for g in state.ideal[1:]:
        common = common.gcd(g)
    common = primitive_part(state, common)
    if common.is_constant():
        return None
    alone = state.change(ideal=(common,), prior=(), domain=())
    names = {n: i for i, n in enumerate(state.names)}
    for rule in (use_coordinate, split_by_value, split_by_slope, blow_up):
        move = rule(alone)
        if move is None:
            continue
        match move.step:
            case {"kind": "coordinate", "mode": "linear"}:
                return _one(change_linearly(state, names[move.step["variable"]], move.step["polynomial"]))
            case {"kind": "split"}:
                return split(state, move.step["polynomials"])
            case {"kind": "blowup"}:
                return blow_up_along(state, {names[n]: w for n, w in move.step["weights"].items()})
    return None


def advance(state: State) -> Move | None:
    """The next step of a state that is no leaf; None where no move is left."""
    shear = undo_shear(state)
    if shear:
        return _one(shear)
    for move in (
        resolve_common_factor,
        use_coordinate,
        use_prior_coordinate,
        compare,
        tidy,
        split_by_value,
        split_by_slope,
        split_by_factor,
        blow_up,
    ):
        found = move(state)
        if found:
            return found
    return None


__all__ = ["ANY", "NEGATIVE", "Move", "advance", "coefficients_in", "settle", "split_by_domain"]
