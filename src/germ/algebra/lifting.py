"""Points of a node carried up to the coordinates of the root, through blow-ups and changes of coordinates; used to look for K < 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flint import fmpq

from germ.algebra.real_roots import AlgebraicNumber, halve
from germ.algebra.resolution import Node
from germ.algebra.state import BASE, DEPENDENT, NONNEGATIVE, State, coefficients_in
from germ.algebra.witness import Witness

PRECISION = fmpq(1, 2**40)  # of algebraic coordinates
SIZES = (fmpq(1, 64), fmpq(3, 4096))  # how far from B a point is put, for the local coordinates in turn


def lift(nodes: list[Node], index: int, values: dict[int, fmpq]) -> list[fmpq]:
    """Carry a point to the root.

    Args:
        nodes: The tree.
        index: The node.
        values: Rational values of the coordinates and dependent variables of the node.

    Returns:
        The root's coordinates.
    """
    point = dict(values)
    while (parent := nodes[index].parent) is not None:
        step, state = nodes[parent].step, nodes[parent].state
        where = {name: i for i, name in enumerate(state.names)}
        if step["kind"] == "coordinate":
            i = where[step["variable"]]
            if step["mode"] == "implicit":
                point[i] = point.pop(len(state.names))
            else:
                r, c = coefficients_in(step["polynomial"], i)
                point[i] = (point[i] - _at(state, r, point)) / _at(state, c, point)
        elif step["kind"] == "blowup":
            chart = step["charts"][nodes[parent].children.index(index)]
            t, p = point[where[chart["pivot"]]], where[chart["pivot"]]
            for name, w in step["weights"].items():
                i = where[name]
                point[i] = (-1 if chart["sign"] < 0 else 1) * t**w if i == p else t**w * point[i]
        index = parent
    return [point[i] for i in range(len(nodes[0].state.names))]


def _at(state: State, p: Any, point: dict[int, fmpq]) -> fmpq:
    value = p.compose(*[state.ring.constant(point.get(i, fmpq(0))) for i in range(len(state.names))], ctx=state.ring)
    return fmpq(0) if value.is_zero() else value.leading_coefficient()


def approximate(state: State, witness: Witness) -> dict[int, fmpq]:
    """The witness with rational values close to its algebraic ones."""
    return {**witness.values, **{i: _refine(r) for i, r in witness.roots.items()}}


def _refine(root: AlgebraicNumber) -> fmpq:
    while root.high - root.low > PRECISION:
        root = halve(root)
    return (root.low + root.high) / 2


def points_near(state: State, witness: Witness) -> Iterator[dict[int, fmpq]]:
    """Points close to a point of B, in all orthants of the first few coordinates that are 0 there."""
    base = approximate(state, witness)
    moving = [i for i, r in enumerate(state.role) if (r != BASE and r != DEPENDENT) or (r == BASE and base.get(i, 0) == 0)]
    dependent = [i for i, r in enumerate(state.role) if r == DEPENDENT]
    moving += dependent
    both = [i for i in moving if state.sign[i] != NONNEGATIVE]
    for pattern in range(2 ** min(len(both), 4)):
        point = dict(base)
        for k, i in enumerate(moving):
            point[i] = base.get(i, fmpq(0)) + SIZES[k % 2] / (k // 2 + 1)
        for k, i in enumerate(both):
            if pattern >> (k % 4) & 1:
                point[i] = 2 * base.get(i, fmpq(0)) - point[i]
        yield point
