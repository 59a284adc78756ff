"""Exact linear programs of Newton polyhedra: the least w·c with w ≥ 0 and w·e ≥ 1 for every exponent e, with its dual and its optimal face.

For a monomial ideal with exponents e and volume form x^h, c = h + 1, the least value is the real log canonical threshold and the optimal
weights are the exceptional divisors that attain it; they form a face of dimension m − 1 (m the multiplicity). The dual, max Σy with
Σ_j y_j e_j ≤ c and y ≥ 0, says that the point c/λ lies in the polyhedron conv(e) + R_{≥0}: the two together are the proof.

The simplex method runs on the dual, where y = 0 is feasible (c > 0), with whole numbers only: the tableau holds integers over one common
denominator (Edmonds' fraction-free pivoting), and Bland's rule keeps it from cycling
(large programs begin with Dantzig's).

References: Goldman and Tucker (1956) for strictly complementary pairs; Bland (1977); Edmonds (1967); Howald (2001) for the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from flint import fmpz_mat

Row = Sequence[int]
LARGE = 100  # columns from which Dantzig's rule, the steepest cost, goes first: far fewer pivots
PATIENCE = 5  # its pivots for each row, before Bland's rule makes sure of an end


@dataclass(frozen=True)
class LinearProgram:
    """A solved program with a strictly complementary pair.

    Args:
        value: The optimum, min w·c = max Σy.
        primal: w, one weight for each coordinate; positive exactly where some optimal w is.
        dual: y, one number for each exponent; positive exactly where some optimal y is.
        vertex: An optimal w that is a vertex of the polyhedron of all w.
        face_dimension: Dimension of the face of optimal w.
    """

    value: Fraction
    primal: tuple[Fraction, ...]
    dual: tuple[Fraction, ...]
    vertex: tuple[Fraction, ...]
    face_dimension: int


class _Tableau:
    """max obj·x with A x = b, x ≥ 0 in a feasible basis; integers over the common denominator `det` > 0."""

    def __init__(self, exponents: Sequence[Row], costs: Sequence[int]) -> None:
        n, m = len(costs), len(exponents)
        self.rows = [[int(e[i]) for e in exponents] + [int(i == k) for k in range(n)] + [costs[i]] for i in range(n)]
        self.basis = [m + i for i in range(n)]
        self.det = 1
        self.columns = list(range(m + n))

    def maximize(self, objective: dict[int, int]) -> list[int]:
        """Run the simplex method; the reduced costs times det come back, one for each column, and the value at the end."""
        width = len(self.rows[0]) if self.rows else 1
        top = [-objective.get(j, 0) * self.det for j in range(width - 1)] + [0]
        for i, j in enumerate(self.basis):
            c = objective.get(j, 0)
            if c:
                top = [a + c * b for a, b in zip(top, self.rows[i], strict=True)]
        patience = PATIENCE * len(self.rows) if len(self.columns) > LARGE else 0
        while True:
            enter = next((j for j in self.columns if top[j] < 0), None)
            if enter is None:
                return top
            if patience > 0:
                enter, patience = min(self.columns, key=top.__getitem__), patience - 1
            leave = -1
            for i, row in enumerate(self.rows):
                if row[enter] > 0:
                    if leave < 0:
                        leave = i
                        continue
                    old = self.rows[leave]
                    difference = row[-1] * old[enter] - old[-1] * row[enter]
                    if difference < 0 or (difference == 0 and self.basis[i] < self.basis[leave]):
                        leave = i
            if leave < 0:
                raise ArithmeticError("unbounded linear program: an exponent vector is zero")
            top = self._pivot(leave, enter, top)

    def _pivot(self, leave: int, enter: int, top: list[int]) -> list[int]:
        pivot_row, det = self.rows[leave], self.det
        pivot = pivot_row[enter]
        for i, row in enumerate(self.rows):
            if i != leave:
                factor = row[enter]
                if factor:
                    self.rows[i] = [(pivot * a - factor * b) // det for a, b in zip(row, pivot_row, strict=True)]
                elif pivot != det:
                    self.rows[i] = [pivot * a // det for a in row]
        factor = top[enter]
        top = [(pivot * a - factor * b) // det for a, b in zip(top, pivot_row, strict=True)]
        self.basis[leave], self.det = enter, pivot
        return top

    def values(self) -> dict[int, Fraction]:
        return {j: Fraction(row[-1], self.det) for j, row in zip(self.basis, self.rows, strict=True) if row[-1]}


def solve_linear_program(exponents: Sequence[Row], costs: Sequence[Fraction | int]) -> LinearProgram:
    """Minimise w·c under w ≥ 0 and w·e ≥ 1 for every e.

    Args:
        exponents: Vectors e of whole numbers ≥ 0, none of them zero.
        costs: c > 0, one for each coordinate.

    Returns:
        Value, strictly complementary primal and dual, a vertex, and the dimension of the optimal face.

    Raises:
        ArithmeticError: If an exponent vector is zero (no w is feasible).

    Example:
        >>> found = solve_linear_program([(2, 0), (0, 3)], [1, 1])
        >>> str(found.value), [str(w) for w in found.primal], found.face_dimension
        ('5/6', ['1/2', '1/3'], 0)
    """
    n, m = len(costs), len(exponents)
    scale = lcm(*(Fraction(c).denominator for c in costs))
    tableau = _Tableau(exponents, [int(Fraction(c) * scale) for c in costs])
    top = tableau.maximize(dict.fromkeys(range(m), 1))
    det, value = tableau.det, Fraction(top[-1], tableau.det * scale)
    reduced = [Fraction(v, det) for v in top[:-1]]  # w·e_j − 1 for the exponents, w_i for the slacks
    vertex = tuple(reduced[m:])
    tableau.columns = [j for j in tableau.columns if reduced[j] == 0]
    total, count, positive = tableau.values(), 1, set(tableau.values())
    primal = list(vertex)
    while undecided := [j for j in tableau.columns if j not in positive]:
        top = tableau.maximize(dict.fromkeys(undecided, 1))
        if top[-1] == 0:
            primal = _push_inside(reduced, [Fraction(top[m + i], tableau.det) for i in range(n)], undecided, exponents)
            break
        count += 1
        for j, v in tableau.values().items():
            total[j] = total.get(j, Fraction(0)) + v
            positive.add(j)
    dual = tuple(total.get(j, Fraction(0)) / count / scale for j in range(m))
    support = [i for i in range(n) if primal[i] > 0]
    tight = [[int(exponents[j][i]) for i in support] for j in range(m) if dual[j] > 0]
    rank = fmpz_mat(tight).rank() if tight and support else 0
    return LinearProgram(value, tuple(primal), dual, vertex, len(support) - rank)


def _push_inside(reduced: list[Fraction], multipliers: list[Fraction], undecided: list[int], exponents: Sequence[Row]) -> list[Fraction]:
    """Move an optimal vertex w into the relative interior of the optimal face.

    The multipliers of "the undecided y and slacks are zero on the dual's face" are a direction along which all of their reduced costs grow.
    """
    m, n = len(exponents), len(multipliers)
    direction = [multipliers[i] + (m + i in undecided) for i in range(n)]
    growth = [sum((int(e[i]) * direction[i] for i in range(n) if e[i]), Fraction(0)) for e in exponents] + direction
    step = min((r / (-2 * g) for r, g in zip(reduced, growth, strict=True) if g < 0 and r > 0), default=Fraction(1))
    return [reduced[m + i] + min(step, Fraction(1)) * direction[i] for i in range(n)]
