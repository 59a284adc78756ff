"""Leaves of a resolution: monomial ideals, where (λ, m) is the value of a linear program."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from germ.algebra.linear_program import LinearProgram, solve_linear_program
from germ.algebra.state import BASE, LOCAL, State, terms_of


@dataclass(frozen=True, order=False)
class Value:
    """λ and m of a state; the smaller λ dominates, at equal λ the larger m. λ = None is infinity (B empty, or the ideal trivial).

    Args:
        threshold: λ.
        multiplicity: m.
    """

    threshold: Fraction | None
    multiplicity: int

    def dominates(self, other: Value) -> bool:
        """Whether this value is strictly smaller than the other."""
        if self.threshold is None:
            return False
        if other.threshold is None or self.threshold < other.threshold:
            return True
        return self.threshold == other.threshold and self.multiplicity > other.multiplicity


INFINITE = Value(None, 0)


class NotIntegrableError(Exception):
    """The volume form itself has an infinite integral near a point: an exponent h ≤ −1.

    Args:
        exponent: h of the divisor.
    """

    def __init__(self, exponent: Fraction) -> None:
        super().__init__(f"exponent {exponent}")
        self.exponent = exponent


@dataclass(frozen=True)
class Leaf:
    """A monomial leaf.

    Args:
        value: Its value.
        step: The fields of the certificate.
        zero_base: Base variables that have to be 0 where the value is attained.
    """

    value: Value
    step: dict[str, Any]
    zero_base: tuple[int, ...]


def solve_leaf(state: State) -> Leaf | None:
    """The leaf of a state all of whose generators are monomials in coordinates that may vanish; None if they are not.

    Args:
        state: A state without prior factors left.

    Returns:
        The leaf, or None.

    Raises:
        NotIntegrableError: If a coordinate has h ≤ −1.
    """
    if any(len(g) != 1 for g in state.ideal) or state.prior:
        return None
    free = [i for i in state.coordinates if i not in state.unit_variables]
    rows = [terms_of(g)[0][0] for g in state.ideal]
    if any(row[i] for row in rows for i in range(len(row)) if i not in free):
        return None
    variables = [i for i in free if state.N[i] or any(row[i] for row in rows) or (state.role[i] == LOCAL and state.h[i]) or state.h[i] < 0]
    for i in variables:
        if state.h[i] <= -1:
            raise NotIntegrableError(state.h[i])
    exponents = [tuple(state.N[i] + row[i] for i in variables) for row in rows]
    step: dict[str, Any] = {
        "kind": "monomial",
        "variables": [state.names[i] for i in variables],
        "exponents": exponents,
        "h": [state.h[i] for i in variables],
    }
    if any(not any(e) for e in exponents):
        return Leaf(INFINITE, step | {"lambda": None, "m": 0}, ())
    if not exponents:
        return Leaf(Value(Fraction(0), 1), step | {"lambda": Fraction(0), "m": 1}, ())
    solved: LinearProgram = solve_linear_program(exponents, [state.h[i] + 1 for i in variables])
    value = Value(solved.value, solved.face_dimension + 1)
    step |= {"primal": solved.primal, "dual": solved.dual, "lambda": solved.value, "m": value.multiplicity}
    needed = tuple(i for i, w in zip(variables, solved.primal, strict=True) if w and state.role[i] == BASE)
    return Leaf(value, step, needed)
