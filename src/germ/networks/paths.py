"""Piecewise linear paths between parameters of one function, along which the function does not change.

Reducible networks of one function are connected; where the rank is at most half of the number of units, seven straight segments are enough
(Farrugia-Roberts 2023). The path uses spare units as free places:

1. merge: each function of a unit is gathered in one place, all other outgoing weights become 0 (f is linear in them);
2. move: units without outgoing weights take any incoming weights;
3. transfer: outgoing weights move from one unit to another with equal or opposite incoming weights.

Steps 2 and 3 are repeated until every unit is in the place and of the sign that the other parameter has it in; then one more move, and the
merge of the other end backwards.

References:
    Farrugia-Roberts (2023), Functional equivalence and path connectivity of reducible hyperbolic tangent networks, Theorem 6.1.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from germ.errors import InputError
from germ.networks.reduction import compute_rank, group_units, is_equivalent
from germ.networks.tanh import TanhNetwork

_Place = dict[tuple[Any, ...], tuple[int, int]]  # incoming weights and bias -> (unit, sign)


@dataclass(frozen=True)
class Path:
    """A piecewise linear path of parameters.

    Args:
        points: Its corners, both ends included.
    """

    points: tuple[TanhNetwork, ...]

    @property
    def segments(self) -> int:
        """Number of straight segments."""
        return len(self.points) - 1

    def compute_deviation(self, inputs: np.ndarray, steps: int = 20) -> float:
        """Largest change of the function along the path.

        Args:
            inputs: Where the function is compared, (n, N).
            steps: Points on each segment.

        Returns:
            The largest absolute difference.
        """
        start = self.points[0].evaluate(inputs)
        between = (p.interpolate(q, t) for p, q in zip(self.points, self.points[1:], strict=False) for t in np.linspace(0, 1, steps + 1))
        return max((float(np.abs(network.evaluate(inputs) - start).max()) for network in between), default=0.0)


def connect_networks(start: TanhNetwork, end: TanhNetwork, *, tolerance: float = 1e-12) -> Path:
    """A path between two parameters of one function.

    Args:
        start: A reducible network.
        end: A network of the same shape and function.
        tolerance: As in `is_equivalent`.

    Returns:
        The path: at most seven segments where the rank is at most half of the number of units.

    Raises:
        InputError: If the functions differ, or the networks are irreducible: those are connected to themselves only.

    Example:
        >>> one, two = TanhNetwork([1.0, 0.0], [0.5, 3.0]), TanhNetwork([0.0, -1.0], [2.0, -0.5])
        >>> connect_networks(one, two).segments
        3
    """
    if start.incoming.shape != end.incoming.shape or not is_equivalent(start, end, tolerance=tolerance):
        raise InputError("two networks of different shapes or functions", "two parameters of one function, with equal numbers of units")
    if start.to_tuple() == end.to_tuple():
        return Path((start,))
    if compute_rank(start, tolerance=tolerance) == start.units:
        raise InputError("an irreducible network", "a reducible one", "the parameters of this function are isolated images of one another")
    first, places = _merge(start, tolerance)
    last, targets = _merge(end, tolerance)
    targets = _match_keys(places, targets)
    points = [start, first]
    at = dict(places)
    while any(at[key] != targets[key] for key in at):
        moves = _choose_moves(at, targets, start.units)
        points += _transfer(points[-1], at, moves)
        at |= moves
    points += [last, end]
    return Path(tuple(_drop_repeated(points)))


def _merge(network: TanhNetwork, tolerance: float) -> tuple[TanhNetwork, _Place]:
    """All outgoing weights of a place in its first unit, all others 0; units of incoming weights 0 in the offset."""
    groups, constant = group_units(network)
    outgoing = np.zeros_like(network.outgoing)
    offset = network.offset
    for i in constant:
        offset = offset + network.outgoing[i] * np.tanh(float(network.bias[i]))
    places: _Place = {}
    for key, members in groups.items():
        total = sum(sign * network.outgoing[i] for i, sign in members)
        if any(abs(x) > tolerance for x in total):
            unit, sign = members[0]
            outgoing[unit] = sign * total
            places[key] = (unit, sign)
    return TanhNetwork(outgoing, network.incoming, network.bias, offset), places


def _match_keys(places: _Place, targets: _Place) -> _Place:
    """The targets under the keys of the places; both in the order of the canonical form, so that rounding cannot confuse them."""
    return dict(zip(sorted(places), (targets[key] for key in sorted(targets)), strict=True))


def _choose_moves(at: _Place, targets: _Place, units: int) -> _Place:
    """Who moves in this round: first those whose target is free, then those that stand where somebody else has to go, into free units."""
    free = set(range(units)) - {unit for unit, _ in at.values()}
    moves = {key: targets[key] for key in at if at[key] != targets[key] and targets[key][0] in free}
    free -= {unit for unit, _ in moves.values()}
    wanted = {targets[key][0] for key in at if at[key] != targets[key]} - {unit for unit, _ in moves.values()}
    for key in at:
        if key not in moves and at[key][0] in wanted and at[key] != targets[key] and free:
            moves[key] = (min(free), 1)
            free.remove(min(free))
    return moves


def _transfer(network: TanhNetwork, at: _Place, moves: _Place) -> list[TanhNetwork]:
    """Two corners: the free units take the incoming weights of those that come, then the outgoing weights follow."""
    incoming, bias, outgoing = network.incoming.copy(), network.bias.copy(), network.outgoing.copy()
    for key, (unit, sign) in moves.items():
        source, own = at[key]
        incoming[unit], bias[unit] = sign * own * network.incoming[source], sign * own * network.bias[source]
    moved = TanhNetwork(outgoing.copy(), incoming, bias, network.offset)
    for key, (unit, sign) in moves.items():
        source, own = at[key]
        outgoing[unit] = sign * own * network.outgoing[source]
        outgoing[source] = 0
    return [moved, TanhNetwork(outgoing, incoming, bias, network.offset)]


def _drop_repeated(points: list[TanhNetwork]) -> list[TanhNetwork]:
    return points[:1] + [q for p, q in itertools.pairwise(points) if p.to_tuple() != q.to_tuple()]
