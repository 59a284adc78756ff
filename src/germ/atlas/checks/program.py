"""Linear programs in exact fractions, by a simplex method of the atlas's own.

General right-hand sides (the programs of Smith forms have zeros there), and a road besides `germ.algebra.linear_program`, on which the
formulas rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass
class _Tableau:
    """Dictionary form: basic_i = value_i - Σ_j entry_ij nonbasic_j, objective = top + Σ_j gain_j nonbasic_j."""

    entries: list[list[Fraction]]
    values: list[Fraction]
    gains: list[Fraction]
    top: Fraction
    basic: list[int]
    nonbasic: list[int]

    def pivot(self, row: int, column: int) -> None:
        p = self.entries[row][column]
        old = self.entries[row]
        new = [e / p for e in old]
        new[column] = 1 / p
        self.entries[row], self.values[row] = new, self.values[row] / p
        for i, other in enumerate(self.entries):
            factor = other[column]
            if i != row and factor:
                self.entries[i] = [e - factor * f for e, f in zip(other, new, strict=True)]
                self.entries[i][column] = -factor / p
                self.values[i] -= factor * self.values[row]
        gain = self.gains[column]
        self.gains = [g - gain * f for g, f in zip(self.gains, new, strict=True)]
        self.gains[column] = -gain / p
        self.top += gain * self.values[row]
        self.basic[row], self.nonbasic[column] = self.nonbasic[column], self.basic[row]


def _maximise(gains: Sequence[Fraction], rows: Sequence[Sequence[Fraction]], limits: Sequence[Fraction]) -> _Tableau:
    """The last tableau of max <gains, y> subject to rows y <= limits (all >= 0), y >= 0; the maximum must be finite."""
    n, k = len(rows), len(gains)
    t = _Tableau([list(r) for r in rows], list(limits), list(gains), Fraction(0), list(range(k, k + n)), list(range(k)))
    while True:
        entering = min((j for j in range(k) if t.gains[j] > 0), key=lambda j: t.nonbasic[j], default=None)
        if entering is None:
            return t
        ratios = [(t.values[i] / t.entries[i][entering], t.basic[i], i) for i in range(n) if t.entries[i][entering] > 0]
        t.pivot(min(ratios)[2], entering)


def _cone_dimension(walls: Sequence[Sequence[Fraction]], n: int) -> int:
    """Dimension of the cone { z in R^n : z >= 0, <wall, z> >= 0 }."""
    unit = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    rows: list[list[Fraction]]
    walls = [list(w) for w in walls if any(x < 0 for x in w)] + unit  # a wall without negative entries holds on z >= 0 anyway
    k = len(walls)
    # max Σ t, t <= <wall, z>, t <= 1: at the maximum t = 0 exactly on the walls that are equalities on the whole cone.
    rows = [[-x for x in w] + unit_t for w, unit_t in zip(walls, _identity(k), strict=True)] + [[Fraction(0)] * n + u for u in _identity(k)]
    t = _maximise([Fraction(0)] * n + [Fraction(1)] * k, rows, [Fraction(0)] * k + [Fraction(1)] * k)
    open_walls = {name - n for name, value in zip(t.basic, t.values, strict=True) if n <= name < n + k and value > 0}
    return n - matrix_rank([walls[i] for i in range(k) if i not in open_walls])


def _identity(k: int) -> list[list[Fraction]]:
    return [[Fraction(int(i == j)) for j in range(k)] for i in range(k)]


def matrix_rank(matrix: Sequence[Sequence[Fraction]]) -> int:
    """Rank by elimination in exact fractions."""
    rows, rank = [list(r) for r in matrix], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for i in range(rank + 1, len(rows)):
            factor = rows[i][column] / rows[rank][column]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank


def solve_program(constraints: Sequence[Sequence[Fraction]], right: Sequence[Fraction], costs: Sequence[Fraction]) -> tuple[Fraction, int]:
    """Min <costs, w> subject to constraints w >= right, w >= 0, and the dimension of the set of minimisers.

    Args:
        constraints: k rows of length n.
        right: k right-hand sides.
        costs: n costs, not negative (w = 0 bounds the minimum from below).

    Returns:
        The minimum, which must be finite, and the dimension.
    """
    n = len(costs)
    t = _maximise(right, [[row[j] for row in constraints] for j in range(n)], costs)
    # The minimisers near the vertex found: one direction z_i >= 0 for each degenerate row, within the walls where w touches a constraint.
    degenerate = [i for i, value in enumerate(t.values) if value == 0]
    walls = [[t.entries[i][j] for i in degenerate] for j, gain in enumerate(t.gains) if gain == 0]
    return t.top, _cone_dimension(walls, len(degenerate)) if degenerate else 0
