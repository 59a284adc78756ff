"""What a formula of the atlas may answer, before a family's sources turn it into a claim.

A formula is a plain function of validated inputs. It answers with a `Pole` (λ and, where it is known, m), an `Interval` (a bound), an
`Outside` (a hypothesis that fails) or a `Quadrature` (a number that is computed in floating point, with its error). Inputs that no
model has (a rank above a width) are not an answer: `require` raises `InputError` with the rule that they break.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from germ.claim import Reliability
from germ.errors import InputError


@dataclass(frozen=True)
class Pole:
    """The largest pole -λ of the zeta function and its order m.

    Args:
        learning_coefficient: λ.
        multiplicity: m; None where the source gives λ only.
        note: One line for the reader, e.g. which stratum attains the minimum.
        reliability: Where this value is known better or worse than its family.
    """

    learning_coefficient: Fraction
    multiplicity: int | None = 1
    note: str = ""
    reliability: Reliability | None = None


@dataclass(frozen=True)
class Interval:
    """An interval that contains λ.

    Args:
        lower: Lower end, or None.
        upper: Upper end, or None.
        reason: Why it is not an equality.
        reliability: Where this bound is known better or worse than its family.
    """

    lower: Fraction | None
    upper: Fraction | None
    reason: str
    reliability: Reliability | None = None


@dataclass(frozen=True)
class Outside:
    """A hypothesis of the family that fails at inputs which are possible.

    Args:
        hypothesis: The hypothesis.
        explanation: How it fails here and where to look.
    """

    hypothesis: str
    explanation: str


@dataclass(frozen=True)
class Quadrature:
    """A number by numerical integration.

    Args:
        value: The number.
        error: Bound of the absolute error that the integrator reports.
        symbol: What it is.
    """

    value: float
    error: float
    symbol: str


Answer = Pole | Interval | Outside | Quadrature


def require(holds: bool, got: str, rule: str, remedy: str = "give inputs that such a model can have") -> None:
    """Refuse inputs that no model of the family has.

    Args:
        holds: Whether the rule holds.
        got: The offending inputs.
        rule: The rule.
        remedy: What to do.

    Raises:
        InputError: If the rule does not hold.
    """
    if not holds:
        raise InputError(got, rule, remedy)
