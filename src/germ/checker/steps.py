"""The steps of a certificate that have children: from a state, what the children's states have to be.

Each function takes the state, the step and the children's states, checks what is to be checked, and returns the states that the children
must have (`blowup` is in its own file). Where a step leaves freedom, the child's own polynomial is accepted if it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from germ.checker.blowup import blow_up
from germ.checker.coordinates import coordinate
from germ.checker.evidence import check_evidence, monomial_sign
from germ.checker.polynomial import Polynomial, parse
from germ.checker.state import Coordinate, State, read_exponents, read_fraction, read_index, read_integer, read_list, read_object, require

Step = dict[str, Any]
Children = Sequence[State]


def _identity(left: Polynomial, right: Polynomial, step: Step, state: State, what: str) -> None:
    """Equality, or equality modulo the relations."""
    difference = left - right
    if "modulo" in step:
        factors = [parse(q) for q in read_list(step["modulo"])]
        require(len(factors) == len(state.relations), f"{what}: {len(factors)} multipliers modulo {len(state.relations)} relations")
        for factor, relation in zip(factors, state.relations, strict=True):
            difference = difference - factor * relation
    require(not difference, f"{what}: both sides differ by {difference}", "an identity")


def _combination(ideal: Sequence[Polynomial], add: object, without: int | None) -> Polynomial:
    total = Polynomial.constant(0)
    for key, factor in read_object(add).items():
        require(key.isdecimal() and int(key) < len(ideal) and int(key) != without, f"generator {key[:20]!r} in a combination")
        total = total + parse(factor) * ideal[int(key)]
    return total


def _unit(step: Step, key: str, why: str, state: State, sign: int | None = None) -> Polynomial:
    unit = parse(step.get(key, "1"))
    if unit.value is None or unit.value <= 0:
        check_evidence(unit, step.get(why, {"why": "constant"}), state, sign)
    return unit


def rewrite(state: State, step: Step, children: Children) -> list[State]:
    """Other generators of the same ideal, and monomials taken out of all of them."""
    ideal, coordinates = list(state.ideal), state.coordinates
    for entry in read_list(step.get("ops")):
        op = read_object(entry, required=("op",))
        match op["op"]:
            case "content":
                monomial = read_exponents(op.get("monomial"))
                divided = [g.divide(monomial) for g in ideal]
                require(all(q is not None for q in divided), f"the content {monomial} does not divide every generator")
                ideal = [q for q in divided if q is not None]
                for x, e in monomial.items():
                    require(x in coordinates, f"the content {x}, which is no coordinate")
                    coordinates[x] = replace(coordinates[x], order=coordinates[x].order + e)
            case "replace":
                i = read_index(op.get("index"), ideal)
                new = parse(op.get("new"))
                old_unit, new_unit = _unit(op, "old_unit", "why_old", state), _unit(op, "new_unit", "why_new", state)
                right = old_unit * ideal[i] + _combination(ideal, op.get("add", {}), i)
                _identity(new_unit * new, right, op, state, "replace")
                ideal[i] = new
            case "drop":
                i = read_index(op.get("index"), ideal)
                _identity(_unit(op, "unit", "why", state) * ideal[i], _combination(ideal, op.get("add", {}), i), op, state, "drop")
                del ideal[i]
            case "insert":
                new = parse(op.get("new"))
                _identity(new, _combination(ideal, op.get("add", {}), None), op, state, "insert")
                ideal.append(new)
            case other:
                require(False, f"the op {str(other)[:40]!r}", "content, replace, drop or insert")
    local = {x: coordinates[x] for x in state.local}
    base = {x: coordinates[x] for x in state.base}
    return [replace(state, local=local, base=base, ideal=tuple(ideal))]


def comparable(state: State, step: Step, children: Children) -> list[State]:
    """A sum of nonnegative monomials times positive functions is comparable to the ideal of the monomials."""
    i = read_index(step.get("index"), state.ideal)
    total, monomials = Polynomial.constant(0), []
    for entry in read_list(step.get("terms")):
        term = read_object(entry, required=("monomial", "cofactor"))
        monomial, cofactor = Polynomial.monomial(read_exponents(term["monomial"])), parse(term["cofactor"])
        require(monomial_sign(monomial, state) == 1, f"{monomial}, whose sign is not known", "a monomial that is at least 0 on the domain")
        check_evidence(cofactor, term.get("why", {"why": "constant"}), state, 1)
        total = total + monomial * cofactor
        monomials.append(monomial)
    side = step.get("sign", 1)
    require(side in (1, -1) and side is not True, f"the sign {str(side)[:40]!r}", "1 or -1")
    _identity(state.ideal[i].scale(Fraction(side)), total, step, state, "comparable")
    return [replace(state, ideal=(*state.ideal[:i], *monomials, *state.ideal[i + 1 :]))]


def reduce(state: State, step: Step, children: Children) -> list[State]:
    """Simplify one entry of domain, prior, zero or nonzero."""
    what = step.get("what")
    require(what in ("domain", "prior", "zero", "nonzero"), f"reduce of {str(what)[:40]!r}", "domain, prior, zero or nonzero")
    entries: list[Any] = list(getattr(state, str(what)))
    i = read_index(step.get("index"), entries)
    if what == "nonzero":
        rest = replace(state, nonzero=(*state.nonzero[:i], *state.nonzero[i + 1 :]))
        check_evidence(state.nonzero[i], step.get("why"), rest)
        return [rest]
    new = parse(step.get("new"))
    if what == "zero":
        if not new:
            require(not state.on_base(entries[i]), f"{entries[i]} in zero as 0 on the base points")
            del entries[i]
        else:
            unit = _unit(step, "unit", "why", state)
            times = read_integer(step.get("power", 1), 1)
            _identity(state.on_base(entries[i]), state.on_base(unit * new**times), step, state, "reduce zero")
            entries[i] = new
        return [replace(state, zero=tuple(entries))]
    exponents = read_exponents(step.get("monomial", {}))
    monomial, unit = Polynomial.monomial(exponents), parse(step.get("unit", "1"))
    old = entries[i] if what == "domain" else entries[i][0]
    _identity(old, monomial * unit * new, step, state, f"reduce {what}")
    check_evidence(unit, step.get("why", {"why": "constant"}), state, 1 if what == "domain" else None)
    if what == "domain":
        require(monomial_sign(monomial, state) == 1, f"the monomial {monomial}, whose sign is not known", "one that is at least 0")
        entries[i : i + 1] = [] if new.value == 1 else [new]
        return [replace(state, domain=tuple(entries))]
    power: Fraction = entries[i][1]
    entries[i : i + 1] = [] if new.value == 1 else [(new, power)]
    coordinates = state.coordinates
    for x, e in exponents.items():
        require(x in coordinates, f"the factor {x} of the prior, which is no coordinate")
        coordinates[x] = replace(coordinates[x], weight=coordinates[x].weight + power * e)
    local, base = {x: coordinates[x] for x in state.local}, {x: coordinates[x] for x in state.base}
    return [replace(state, local=local, base=base, prior=tuple(entries))]


def split(state: State, step: Step, children: Children) -> list[State]:
    """Either no polynomial of the list vanishes, or one of them is the first that does."""
    polynomials = [parse(p) for p in read_list(step.get("polynomials"))]
    empty = read_object(step.get("empty", {}))
    base, nonzero, expected = state.base, list(state.nonzero), []
    for i, p in enumerate(polynomials):
        earlier = tuple(nonzero)
        nonzero.append(p)
        if str(i) in empty:
            check_evidence(p, empty[str(i)], state)
            continue
        variable = _as_variable(p)
        if variable in base:
            if base[variable].sign in ("positive", "negative"):
                continue
            expected.append(replace(_localize(state, variable), nonzero=earlier))
        else:
            expected.append(replace(state, zero=(*state.zero, p), nonzero=earlier))
    return [replace(state, nonzero=tuple(nonzero)), *expected]


def _as_variable(p: Polynomial) -> str:
    if len(p.terms) == 1:
        ((monomial, coefficient),) = p.terms.items()
        if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            return monomial[0][0]
    return ""


def _localize(state: State, variable: str) -> State:
    entry = state.base[variable]
    sign = "any" if entry.sign == "any" else "nonnegative"
    base = {x: c for x, c in state.base.items() if x != variable}
    return replace(state, local={**state.local, variable: replace(entry, sign=sign)}, base=base)


def sign(state: State, step: Step, children: Children) -> list[State]:
    """A base coordinate is positive, negative or zero."""
    u = str(step.get("variable"))
    require(u in state.base, f"the variable {u[:40]!r}", "a base coordinate")
    entry = state.base[u]
    require(entry.sign in ("any", "nonnegative"), f"{u} of sign {entry.sign}", "any or nonnegative")
    sides = ["positive", "negative"] if entry.sign == "any" else ["positive"]
    expected = [replace(state, base={**state.base, u: replace(entry, sign=side)}) for side in sides]
    u_itself = Polynomial.monomial({u: 1})
    if not any(state.on_base(q).ratio(u_itself) for q in state.nonzero):
        expected.append(_localize(state, u))
    return expected


def unit(state: State, step: Step, children: Children) -> list[State]:
    """A base coordinate that does not vanish loses its exponents; its sign becomes strict."""
    u = str(step.get("variable"))
    require(u in state.base, f"the variable {u[:40]!r}", "a base coordinate")
    w = Polynomial.monomial({u: 1})
    check_evidence(w, step.get("why"), state)
    sign = "positive" if state.base[u].sign == "nonnegative" else state.base[u].sign
    base = {**state.base, u: Coordinate(0, Fraction(0), sign)}
    return [replace(state, base=base, nonzero=(*state.nonzero, w))]


def derive(state: State, step: Step, children: Children) -> list[State]:
    """A combination of polynomials that vanish on the base points vanishes there too."""
    new, total = parse(step.get("new")), Polynomial.constant(0)
    for key, polynomials in (("zero", state.zero), ("relations", state.relations)):
        for index, factor in read_object(step.get(key, {})).items():
            require(index.isdecimal() and int(index) < len(polynomials), f"entry {index[:20]!r} of {key}", f"0 to {len(polynomials) - 1}")
            total = total + parse(factor) * polynomials[int(index)]
    require(not state.on_base(total - new), f"{new} as a combination", "an identity on the base points")
    return [replace(state, zero=(*state.zero, new))]


def halfline(state: State, step: Step, children: Children) -> list[State]:
    """An inequality that is a local coordinate, up to a positive constant, becomes its sign."""
    x = str(step.get("variable"))
    require(x in state.local and state.local[x].sign == "any", f"the variable {x[:40]!r}", "a local coordinate of any sign")
    i = read_index(step.get("domain_index"), state.domain)
    ratio = state.domain[i].ratio(Polynomial.monomial({x: 1}))
    require(ratio is not None and ratio > 0, f"the inequality {state.domain[i]} >= 0", f"{x} >= 0")
    local = {**state.local, x: replace(state.local[x], sign="nonnegative")}
    return [replace(state, local=local, domain=(*state.domain[:i], *state.domain[i + 1 :]))]


def relax(state: State, step: Step, children: Children) -> list[State]:
    """Fewer generators and inequalities: the value can only fall."""
    keep = [read_index(i, state.ideal) for i in read_list(step.get("keep"))]
    kept_domain = read_list(step.get("keep_domain", list(range(len(state.domain)))))
    domain = [state.domain[read_index(i, state.domain)] for i in kept_domain]
    require(keep, "a step that keeps no generator")
    return [replace(state, ideal=tuple(state.ideal[i] for i in keep), domain=tuple(domain))]


def separate(state: State, step: Step, children: Children) -> list[State]:
    """`sum` and `product`: disjoint sets of coordinates."""
    parts = [[str(x) for x in read_list(part)] for part in read_list(step.get("parts"))]
    names = [x for part in parts for x in part]
    everything = {*state.local, *state.base, *state.dependent}
    require(len(names) == len(set(names)) and set(names) == everything, f"the parts {parts}", f"a partition of {sorted(everything)}")
    is_sum = step["kind"] == "sum"
    factors = [state.ideal] if is_sum else [tuple(parse(f) for f in read_list(step.get("factors")))]
    if is_sum:
        require(all(c.order == 0 for c in state.coordinates.values()), "a sum with an exponent N on a coordinate", "N = 0")
    else:
        require(len(state.ideal) == 1 and len(factors[0]) == len(parts), "a product of several generators", "one factor for each part")
        product = Polynomial.constant(1)
        for factor in factors[0]:
            product = product * factor
        _identity(state.ideal[0], product, step, state, "product")
    expected = []
    for k, part in enumerate(parts):
        own = set(part)

        def inside(polynomials: Sequence[Polynomial], own: set[str] = own) -> tuple[Polynomial, ...]:
            return tuple(p for p in polynomials if p.variables & own)

        for key in ("relations", "zero", "nonzero", "domain", *(("ideal",) if is_sum else ())):
            for p in getattr(state, key):
                require(not p.variables & own or p.variables <= own, f"{p} in {key} mixes the parts")
                require(p.variables or key not in ("ideal", "zero"), f"the constant {p} in {key} of a {step['kind']}")
        for p, _ in state.prior:
            require(not p.variables & own or p.variables <= own, f"{p} in the prior mixes the parts")
        require(is_sum or factors[0][k].variables <= own, f"the factor {k} mixes the parts")
        ideal = inside(state.ideal) if is_sum else (factors[0][k],)
        expected.append(
            State(
                {x: c for x, c in state.local.items() if x in own},
                {x: c for x, c in state.base.items() if x in own},
                tuple(x for x in state.dependent if x in own),
                inside(state.relations), inside(state.zero), inside(state.nonzero), ideal, inside(state.domain),
                tuple((p, q) for p, q in state.prior if p.variables & own), state.vanishing & own,
            )
        )  # fmt: skip
    return expected


INNER: dict[str, Callable[[State, Step, Children], list[State]]] = {
    "rewrite": rewrite, "comparable": comparable, "reduce": reduce, "coordinate": coordinate, "split": split, "sign": sign,
    "unit": unit, "halfline": halfline, "derive": derive,
    "blowup": blow_up, "relax": relax, "sum": separate, "product": separate,
}  # fmt: skip


def read_lower(step: Step) -> Fraction:
    """The lower bound of an open leaf."""
    return Fraction(0) if step.get("lower") is None else read_fraction(step["lower"])
