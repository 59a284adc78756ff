"""A real point at the optimal leaf: it shows that the leaf has base points, and that the domain is open there."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from germ.checker.polynomial import Polynomial
from germ.checker.state import State, read_fraction, read_list, read_object, require
from germ.checker.sturm import count_roots, evaluate, remainder

_BISECTIONS = 200


def check_witness(state: State, witness: object, vanishing: set[str]) -> None:
    """Check that a witness is a base point of a state, inside its domain.

    Args:
        state: The state of the leaf.
        witness: Its values, and intervals of algebraic dependent variables.
        vanishing: Base coordinates that have to be 0 there.

    Raises:
        CertificateError: If it is not.
    """
    document = read_object(witness, required=("values",), optional=("intervals",))
    values = {str(x): read_fraction(v) for x, v in read_object(document["values"]).items()}
    for x in (*state.local, *state.vanishing):
        require(values.setdefault(x, Fraction(0)) == 0, f"the witness has {x} = {values[x]}", "0, since it is local")
    missing = (state.base.keys() | set(state.dependent)) - values.keys() - read_object(document.get("intervals", {})).keys()
    require(not missing, f"a witness without values of {sorted(missing)}")
    for x, c in state.base.items():
        require(x in values, f"a witness with an interval for {x}", "a value of each coordinate")
        v = values[x]
        good = {"positive": v > 0, "negative": v < 0, "nonnegative": v >= 0}.get(c.sign, True)
        require(good, f"the witness has {x} = {v}", f"sign {c.sign}")
        require(x not in vanishing or v == 0, f"the witness has {x} = {v}", "0, since it counts as part of the monomial")
    point = {x: Polynomial.constant(v) for x, v in values.items()}
    roots = _read_intervals(state, document.get("intervals", {}), point)
    for p in (*state.relations, *state.zero):
        q = p.substitute(point)
        require(_is_zero(q, roots), f"the witness does not solve {p} = 0")
    for p in state.nonzero:
        require(_sign(p.substitute(point), roots) != 0, f"the witness solves {p} = 0, which must not vanish")
    for p in state.domain:
        require(_sign(p.substitute(point), roots) > 0, f"the witness has not {p} > 0", "a point inside the domain")


Roots = Mapping[str, tuple[list[Fraction], Fraction, Fraction]]


def _read_intervals(state: State, intervals: Any, point: dict[str, Polynomial]) -> Roots:
    found: dict[str, tuple[list[Fraction], Fraction, Fraction]] = {}
    for x, ends in read_object(intervals).items():
        require(x in state.dependent, f"an interval for {x}", "intervals of dependent variables only")
        pair = [read_fraction(e) for e in read_list(ends)]
        require(len(pair) == 2 and pair[0] < pair[1], f"the interval of {x}", "two ends, low < high")
        low, high = pair
        relation = state.relations[state.dependent.index(x)].substitute(point)
        require(relation.variables == {x}, f"the relation of {x} at the witness: {relation}", f"a polynomial in {x} alone")
        p = [c.value or Fraction(0) for c in relation.coefficients(x)]
        slope = [k * c for k, c in enumerate(p)][1:]
        require(evaluate(p, low) * evaluate(p, high) < 0, f"the relation of {x} has one sign at both ends of its interval")
        steady = count_roots(slope, low, high) == 0 and evaluate(slope, low) != 0 and evaluate(slope, high) != 0
        require(steady, f"the derivative of the relation of {x} vanishes in its interval")
        found[x] = (p, low, high)
    return found


def _is_zero(q: Polynomial, roots: Roots) -> bool:
    if q.value is not None:
        return q.value == 0
    # Reduced modulo the relation of each algebraic number in it: enough where it is a multiple.
    for x, (p, _, _) in roots.items():
        parts = q.coefficients(x)
        if len(parts) > 1 and all(c.value is not None for c in parts):
            q = Polynomial.of(
                ((((x, k),) if k else ()), c) for k, c in enumerate(remainder([part.value or Fraction(0) for part in parts], p))
            )
    return not q


def _sign(q: Polynomial, roots: Roots) -> int:
    if q.value is not None:
        return (q.value > 0) - (q.value < 0)
    if _is_zero(q, roots):
        return 0
    boxes = {x: (low, high) for x, (_, low, high) in roots.items()}
    for _ in range(_BISECTIONS):
        low, high = _range(q, boxes)
        if low > 0 or high < 0:
            return 1 if low > 0 else -1
        for x, (a, b) in boxes.items():
            p, middle = roots[x][0], (a + b) / 2
            boxes[x] = (a, middle) if evaluate(p, a) * evaluate(p, middle) <= 0 else (middle, b)
    require(False, f"the sign of {q} at the witness could not be decided", "a polynomial that is not 0 there")
    return 0


def _range(q: Polynomial, boxes: Mapping[str, tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction]:
    low = high = Fraction(0)
    for monomial, c in q.terms.items():
        a = b = c
        for x, e in monomial:
            left, right = boxes[x]
            for _ in range(e):
                ends = (a * left, a * right, b * left, b * right)
                a, b = min(ends), max(ends)
        low, high = low + a, high + b
    return low, high
