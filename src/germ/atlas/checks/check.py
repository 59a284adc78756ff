"""What a check is, and the words in which checks are written.

Checks look formulas up in the registry at the time they run, never by import, so that a wrong formula planted there is what they see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from germ.atlas.answer import Interval, Pole
from germ.atlas.formulas import FORMULAS


class Disagreement(Exception):  # noqa: N818 - it is a finding, not an error of the program
    """Two roads to one number differ."""


class NoRoad(Exception):  # noqa: N818 - likewise
    """The other road is not installed."""


@dataclass(frozen=True)
class Check:
    """One re-derivation.

    Args:
        name: A few words.
        families: Families whose values it compares.
        run: Returns one line of what was compared.
        tier: "fast" or "slow".
        per_family: Whether `run` takes the family (or None) that it should be restricted to.
    """

    name: str
    families: tuple[str, ...]
    run: Callable[..., str]
    tier: Literal["fast", "slow"] = "fast"
    per_family: bool = False


def find_pole(family: str, **inputs: Any) -> tuple[Fraction, int | None]:
    """λ and m by the family's formula; inputs are converted already.

    Args:
        family: Name of the family.
        **inputs: Its inputs.

    Returns:
        λ and m.

    Raises:
        Disagreement: If the formula does not answer with a pole.
    """
    answer = FORMULAS[family](**inputs)
    if not isinstance(answer, Pole):
        raise Disagreement(f"{family} {inputs}: {answer} instead of λ and m")
    return answer.learning_coefficient, answer.multiplicity


def find_upper(family: str, **inputs: Any) -> Fraction:
    """The upper end of what a family's formula answers.

    Args:
        family: Name of the family.
        **inputs: Its inputs.

    Returns:
        λ, or its upper bound.

    Raises:
        Disagreement: If there is neither.
    """
    answer = FORMULAS[family](**inputs)
    if isinstance(answer, Pole):
        return answer.learning_coefficient
    if isinstance(answer, Interval) and answer.upper is not None:
        return answer.upper
    raise Disagreement(f"{family} {inputs}: {answer} instead of a bound")


def compare(case: str, one: Any, other: Any, roads: str) -> None:
    """Refuse two values that differ.

    Args:
        case: The case.
        one: A value.
        other: The same by another road.
        roads: Names of the two roads.

    Raises:
        Disagreement: If they differ.
    """
    if one != other:
        raise Disagreement(f"{case}: {_show(one)} against {_show(other)} ({roads})")


def _show(value: Any) -> str:
    return "(" + ", ".join(map(_show, value)) + ")" if isinstance(value, tuple) else str(value)
