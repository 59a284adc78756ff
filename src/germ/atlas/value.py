"""`compute_value`: a family's formula at given inputs, as a claim with its source and reliability."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from germ.atlas.answer import Interval, Outside, Pole, Quadrature
from germ.atlas.family import Family, load_family
from germ.atlas.formulas import FORMULAS
from germ.atlas.inputs import convert_inputs
from germ.claim import Bound, Claim, Estimate, Exact, NotApplicable, Provenance, Reliability
from germ.errors import BudgetError

# Python prints integers of at most 4300 digits.
_MOST_DIGITS = 4000


def compute_value(family: str, /, **inputs: Any) -> Claim:
    """What the atlas knows about a family at given inputs.

    Args:
        family: Name of the family; `list_families` has all.
        **inputs: The family's inputs by the names of its file.

    Returns:
        `Exact` with λ and m; `Bound` where only an interval is known, or where λ is known (both ends equal) and m is not published;
        `Estimate` for numbers by quadrature; `NotApplicable` where a hypothesis fails or the family is open.

    Raises:
        AtlasError: If there is no such family.
        InputError: If an input is unknown, missing, or such that no model of the family has it.

    Example:
        >>> compute_value("dln", widths=[10, 10, 10, 10], r=5).learning_coefficient
        Fraction(46, 1)
    """
    entry = load_family(family)
    if entry.kind == "open":
        return NotApplicable("a known formula", f"{entry.title} is open here: {entry.missing}", _provenance(entry, {}, None))
    given = convert_inputs(family, entry.inputs, inputs)
    answer = FORMULAS[family](**given)
    match answer:
        case Pole(value, m, note, reliability):
            _check_printable(value)
            provenance = _provenance(entry, given, reliability)
            details = {"note": note} if note else {}
            if m is None:
                return Bound(value, value, "λ is known, its multiplicity is not published", provenance, details=details)
            return Exact(value, m, provenance, details=details)
        case Interval(lower, upper, reason, reliability):
            return Bound(lower, upper, reason, _provenance(entry, given, reliability))
        case Outside(hypothesis, explanation):
            return NotApplicable(hypothesis, explanation, _provenance(entry, given, None))
        case Quadrature(value, error, symbol):
            return Estimate(value, error, _provenance(entry, given, None), symbol)


def _check_printable(value: Fraction) -> None:
    digits = max(value.numerator.bit_length(), value.denominator.bit_length()) * 0.302
    if digits > _MOST_DIGITS:
        raise BudgetError(f"λ has some {digits:.0f} digits", f"at most {_MOST_DIGITS}", "give fewer entries or smaller denominators")


def _provenance(entry: Family, given: dict[str, Any], reliability: Reliability | None) -> Provenance:
    settings = {"family": entry.id, "inputs": {name: _plain(value) for name, value in given.items()}}
    return Provenance(f"atlas, {entry.title}", entry.source, reliability or entry.reliability, settings=settings)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(x) for x in value]
    return str(value) if isinstance(value, Fraction) else value
