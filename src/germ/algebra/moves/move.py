"""A move: one step of a resolution with the states that it leads to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from germ.algebra.coordinates import Step
from germ.algebra.state import State


@dataclass(frozen=True)
class Move:
    """A step with its children.

    Args:
        step: The fields of the certificate.
        children: The states below, those first that are likely to hold the least value.
    """

    step: dict[str, Any]
    children: tuple[State, ...] = field(default=())


def as_move(step: Step | None) -> Move | None:
    """A change of coordinates as a move with one child."""
    return None if step is None else Move(step[0], (step[1],))


def drop(items: tuple[Any, ...], k: int) -> tuple[Any, ...]:
    """The items without the k-th."""
    return (*items[:k], *items[k + 1 :])
