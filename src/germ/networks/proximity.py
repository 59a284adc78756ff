"""How near a network is to smaller ones: the proximate rank, the least rank within a distance ε of every weight.

To lower the rank within ε one groups units: incoming weights (with bias) that fit into a cube of side 2ε, up to signs, may become one; a
group whose outgoing weights can be made to cancel, |Σ ±a| <= ε · size, disappears, and so do units whose incoming weights can become 0.
To find the best grouping is NP-complete, since it contains the covering of points by as few cubes as possible; a greedy grouping gives an
upper bound at once.

References:
    Farrugia-Roberts (2023), Computational complexity of detecting proximity to losslessly compressible neural network parameters,
    Algorithm 4.1 and Theorem 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from germ.errors import BudgetError, InputError
from germ.networks.reduction import choose_sign
from germ.networks.tanh import TanhNetwork

MOST_UNITS = 10


def _rows(network: TanhNetwork) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    incoming = [(*b, c) for b, c in zip(network.incoming.tolist(), network.bias.tolist(), strict=True)]
    return incoming, [tuple(a) for a in network.outgoing.tolist()]


def _check_radius(radius: Any) -> None:
    if not radius >= 0:
        raise InputError(f"the radius {radius}", "a number that is not negative")


def bound_proximate_rank(network: TanhNetwork, radius: float | Fraction) -> int:
    """An upper bound of the proximate rank, greedily: a unit joins the first group whose leader is within the radius.

    Args:
        network: The network.
        radius: ε; weights that are Fractions are compared exactly.

    Returns:
        The bound; the rank itself at radius 0.

    Example:
        >>> network = TanhNetwork([1.1, 0.9, 0.2, 1.3, 1.0], [1.1, 1.2, 0.6, 1.3, 1.0])
        >>> [bound_proximate_rank(network, radius) for radius in (1.0, 0.1, 0.05)]
        [1, 4, 5]
    """
    _check_radius(radius)
    groups: list[tuple[tuple[Any, ...], int, tuple[Any, ...]]] = []  # leader, size, sum of outgoing weights
    for row, out in zip(*_rows(network), strict=True):
        if all(abs(x) <= radius for x in row[:-1]):
            continue
        sign = choose_sign(row[:-1])
        signed, weights = tuple(sign * x for x in row), tuple(sign * x for x in out)
        near = (k for k, (leader, _, _) in enumerate(groups) if all(abs(x - y) <= radius for x, y in zip(leader, signed, strict=True)))
        k = next(near, None)
        if k is None:
            groups.append((signed, 1, weights))
        else:
            leader, size, total = groups[k]
            groups[k] = (leader, size + 1, tuple(x + y for x, y in zip(total, weights, strict=True)))
    return sum(any(abs(x) > radius * size for x in total) for _, size, total in groups)


def compute_proximate_rank(network: TanhNetwork, radius: float | Fraction) -> int:
    """The least rank among all networks whose weights differ by at most the radius, over all groupings of the units.

    Cost: 3^h groupings and 2^h signs of each group.

    Args:
        network: The network.
        radius: ε; weights that are Fractions are compared exactly.

    Returns:
        The proximate rank.

    Raises:
        BudgetError: For more than ten units.

    Example:
        >>> tenths = [Fraction(k, 10) for k in (11, 12, 6, 13, 10)]
        >>> compute_proximate_rank(TanhNetwork([Fraction(1)] * 5, tenths), Fraction(1, 10))
        3
    """
    _check_radius(radius)
    h = network.units
    if h > MOST_UNITS:
        raise BudgetError(f"{h} units", f"at most {MOST_UNITS}: the problem is NP-complete", "use bound_proximate_rank")
    incoming, outgoing = _rows(network)
    costs = {}
    for mask in range(1, 1 << h):
        members = [i for i in range(h) if mask >> i & 1]
        if (cost := _compute_group_cost([incoming[i] for i in members], [outgoing[i] for i in members], radius)) is not None:
            costs[mask] = cost

    @cache
    def best(mask: int) -> int:
        """Least rank of the units in the mask: over all groups that hold its first unit."""
        if not mask:
            return 0
        low = mask & -mask
        rest, sub, found = mask ^ low, mask ^ low, h + 1
        while True:
            if (group := sub | low) in costs:
                found = min(found, costs[group] + best(mask ^ group))
            if not sub:
                return found
            sub = (sub - 1) & rest

    return best((1 << h) - 1)


def _compute_group_cost(incoming: list[tuple[Any, ...]], outgoing: list[tuple[Any, ...]], radius: Any) -> int | None:
    """0 if the group can disappear, 1 if it can become one unit, None if it cannot."""
    if all(abs(x) <= radius for row in incoming for x in row[:-1]):
        return 0
    found = None
    for tail in product((1, -1), repeat=len(incoming) - 1):
        signs = (1, *tail)
        columns = list(zip(*(tuple(s * x for x in row) for s, row in zip(signs, incoming, strict=True)), strict=True))
        if all(max(column) - min(column) <= 2 * radius for column in columns):
            sums = (sum(s * x for s, x in zip(signs, column, strict=True)) for column in zip(*outgoing, strict=True))
            if all(abs(total) <= radius * len(incoming) for total in sums):
                return 0
            found = 1
    return found


def make_covering_network(points: Sequence[Sequence[Any]], radius: float | Fraction) -> TanhNetwork:
    """The network whose proximate rank is the least number of squares that cover some points: one unit for each point of the plane.

    Args:
        points: Points (x, y).
        radius: Half the side of the squares.

    Returns:
        Units with outgoing weights beyond cancellation and (b, c) = point + shift, so far from 0 that signs and vanishing cannot help.
    """
    shift = 3 * max((abs(x) for p in points for x in p), default=0) + 4 * radius + 1
    weight = 2 * radius + 1
    return TanhNetwork([weight] * len(points), [x + shift for x, _ in points], [y + shift for _, y in points])


def count_covering_squares(points: Sequence[Sequence[Any]], radius: float | Fraction) -> int:
    """The least number of squares of side 2 · radius, with sides along the axes, that cover some points.

    A square can be moved until its left and lower sides meet points, so the corners (x_i, y_j) are all that need be tried.

    Args:
        points: Points (x, y), at most twenty.
        radius: Half the side.

    Returns:
        The number.

    Raises:
        BudgetError: For more than twenty points.

    Example:
        >>> count_covering_squares([(0, 0), (1, 1), (5, 0)], Fraction(1, 2))
        2
    """
    _check_radius(radius)
    if len(points) > 20:
        raise BudgetError(f"{len(points)} points", "at most 20")
    corners = {(x, y) for x, _ in points for _, y in points}
    masks = {sum(1 << i for i, (x, y) in enumerate(points) if 0 <= x - u <= 2 * radius and 0 <= y - v <= 2 * radius) for u, v in corners}
    sets = [m for m in masks if m and not any(m != n and m & n == m for n in masks)]
    least = np.full(1 << len(points), len(points) + 1)
    least[0] = 0
    for mask in range(1, 1 << len(points)):
        low = mask & -mask
        least[mask] = 1 + min(least[mask & ~m] for m in sets if m & low)
    return int(least[-1])
