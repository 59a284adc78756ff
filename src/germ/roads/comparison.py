"""`Comparison`: what the roads say about one problem, and whether they agree.

Every row is a claim; the most reliable row is the reference, and each other row is compared with it in standard errors. Exact rows have no
error: they agree or they do not. A bound agrees with what lies inside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from germ.claim import Bound, Claim, Estimate, Exact, NotApplicable, format_with_error, to_json

LIMIT = 3.0  # standard errors beyond which two rows disagree
_NAMED = 0.9  # probability above which a sampled road names m
_RARE = 0.0027  # probability of m below which a row contradicts it: what lies outside three standard errors of a normal law

Status = Literal["reference", "agrees", "disagrees", "alone", "open", "not applicable", "no road yet"]


@dataclass(frozen=True)
class Row:
    """One road's answer.

    Args:
        road: Name of the road.
        claim: What it found, or None where the road does not exist in this installation.
        seconds: Wall time.
        place: "prior" (the least λ over the prior's support), "truth" (λ of a neighbourhood of w0), or "both" where these agree.
        reason: Why there is no claim.
        difference: Value minus reference in standard errors; ±inf where exact values differ; None where there is nothing to compare.
        status: The verdict in a word or two.
        remark: What the verdict rests on beside the difference (m, the end of a bound).
    """

    road: str
    claim: Claim | None
    seconds: float
    place: str = "both"
    reason: str = ""
    difference: float | None = None
    status: Status = "open"
    remark: str = ""

    @property
    def value(self) -> Fraction | float | None:
        """λ as a fraction or a number, where the road gives one."""
        match self.claim:
            case Exact() | Bound():
                return self.claim.learning_coefficient
            case Estimate():
                return self.claim.value
        return None

    @property
    def standard_error(self) -> float | None:
        """0 for exact values."""
        if isinstance(self.claim, Estimate):
            return self.claim.standard_error
        return None if self.value is None else 0.0

    @property
    def multiplicity(self) -> int | None:
        """m, where the road names one."""
        match self.claim:
            case Exact():
                return self.claim.multiplicity
            case Bound():
                m = self.claim.multiplicity
                return m[0] if m is not None and m[0] == m[1] else None
            case Estimate():
                return next((m for m, p in self.probabilities.items() if p > _NAMED), None)
        return None

    @property
    def probabilities(self) -> dict[int, float]:
        """Probabilities of m = 1, 2, …, where the road gives them."""
        if not isinstance(self.claim, Estimate):
            return {}
        found = self.claim.diagnostics
        given = found.get("multiplicity_probabilities", found.get("multiplicity"))
        if isinstance(given, dict):
            return {int(m): float(p) for m, p in given.items()}
        return {m: float(p) for m, p in enumerate(given, 1)} if isinstance(given, tuple | list) else {}

    @property
    def reliability(self) -> str:
        """How far the value can be trusted, in the words of `germ.claim`."""
        return "" if self.claim is None or isinstance(self.claim, NotApplicable) else self.claim.provenance.reliability

    def describe_value(self) -> str:
        """λ as text: a fraction, a number with its error, or an interval."""
        match self.claim:
            case Exact():
                return str(self.claim.learning_coefficient)
            case Bound() if self.value is not None:
                return str(self.value)
            case Bound(lower=low, upper=high):
                return f"{'0' if low is None else low} … {'∞' if high is None else high}"
            case Estimate(value=value, standard_error=error):
                return format_with_error(value, error)
        return "–"

    def describe_difference(self) -> str:
        """The difference as text."""
        if self.status == "reference":
            return "reference"
        if self.difference is None:
            return "–"
        if math.isinf(self.difference):
            return "differs"
        return "equal" if self.difference == 0 and self.standard_error == 0 else f"{self.difference:+.1f} σ"

    def describe_verdict(self) -> str:
        """Why there is no value, or what the row says beside it."""
        if isinstance(self.claim, NotApplicable):
            return f"not applicable: {self.claim.hypothesis}"
        if self.claim is None:
            return f"{self.status}: {self.reason}" if self.reason else self.status
        return self.remark

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values, the whole claim included."""
        value, error = self.value, self.standard_error
        exact = isinstance(value, Fraction)
        number = None if value is None or not math.isfinite(value) else float(value)
        sigma = self.difference if self.difference is None or math.isfinite(self.difference) else None
        return {
            "road": self.road, "place": self.place, "status": self.status, "lambda": str(value) if exact else number, "value": number,
            "m": self.multiplicity, "standard_error": None if error is None or not math.isfinite(error) else error, "difference": sigma,
            "seconds": round(self.seconds, 3), "reliability": self.reliability or None, "remark": self.describe_verdict(),
            "claim": None if self.claim is None else to_json(self.claim),
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """All rows about one problem.

    Args:
        problem: Its name.
        dimension: d.
        rows: In the order of the roads.
        seed: Seed of the sampled roads.
        budget: Seconds that were allowed, about.
        notes: What the problem says of itself.
    """

    problem: str
    dimension: int
    rows: tuple[Row, ...]
    seed: int
    budget: float
    notes: str = ""

    @property
    def agree(self) -> bool:
        """Whether no row disagrees."""
        return all(row.status != "disagrees" for row in self.rows)

    @property
    def reference(self) -> Row | None:
        """The most reliable row."""
        return next((row for row in self.rows if row.status == "reference"), None)

    def __getitem__(self, road: str) -> Row:
        return next(row for row in self.rows if row.road == road)

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=150, no_color=True, highlight=False, force_terminal=False)
        with console.capture() as capture:
            self.print(console)
        return capture.get().rstrip()

    def print(self, console: Any = None) -> None:
        """Print the table, in colour on a terminal.

        Args:
            console: A rich console; standard output by default.
        """
        from germ.roads.table import print_comparison

        print_comparison(self, console)

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain JSON values."""
        reference = self.reference
        return {
            "kind": "comparison", "problem": self.problem, "dimension": self.dimension, "agree": self.agree,
            "reference": None if reference is None else reference.road, "seed": self.seed, "budget": self.budget, "notes": self.notes,
            "rows": [row.to_json() for row in self.rows],
        }  # fmt: skip


def judge(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Choose references and compare: rows of one place with each other, and λ at the truth with the least λ, which it cannot be below.

    Args:
        rows: What the roads found, without verdicts.

    Returns:
        The same rows with difference, status and remark.
    """
    reference = _choose_reference([row for row in rows if row.place != "truth"]) or _choose_reference(rows)
    local = _choose_reference([row for row in rows if row.place == "truth"])
    judged = []
    for row in rows:
        if row.claim is None or isinstance(row.claim, NotApplicable):
            judged.append(replace(row, status="no road yet" if row.claim is None else "not applicable"))
        elif reference is None or row is reference:
            judged.append(replace(row, status="reference" if row is reference else "open"))
        elif row.place == "truth" and reference.place != "truth":
            own = row if local is None or row is local else _compare(row, local)
            above = _compare(row, reference, one_sided=True)
            judged.append(above if above.status == "disagrees" or own is row else own)
        else:
            judged.append(_compare(row, reference))
    return tuple(judged)


def _choose_reference(rows: Sequence[Row]) -> Row | None:
    """A proof, then a published value by its reliability, then the smallest standard error."""
    trust = ("proved & cross-checked", "derived here", "published", "computed", "recalled, unverified")

    def rank(row: Row) -> tuple[float, ...]:
        error = row.standard_error
        if error == 0:
            certified = isinstance(row.claim, (Exact, Bound)) and row.claim.certificate is not None
            named = trust.index(row.reliability) if row.reliability in trust else len(trust)
            return (0, 0 if certified else 1, 0 if isinstance(row.claim, Exact) else 1, named)
        return (1, float(error or math.inf))

    usable = [row for row in rows if row.value is not None and math.isfinite(row.standard_error or 0.0)]
    return min(usable, key=rank, default=None)


def _compare(row: Row, reference: Row, *, one_sided: bool = False) -> Row:
    assert reference.value is not None
    assert reference.standard_error is not None
    at_truth = "at w0; " if row.place == "truth" else ""
    if row.value is None:
        return _compare_bound(row, reference, at_truth)
    assert row.standard_error is not None
    if not math.isfinite(row.standard_error):
        warnings = row.claim.warnings if isinstance(row.claim, Estimate) else ()
        return replace(row, status="open", remark=warnings[0].splitlines()[0] if warnings else "no standard error")
    error = math.hypot(row.standard_error, reference.standard_error)
    if error == 0:
        gap = Fraction(row.value) - Fraction(reference.value)
        difference = 0.0 if gap == 0 else math.copysign(math.inf, gap)
    else:
        difference = (float(row.value) - float(reference.value)) / error
    off = difference < -LIMIT if one_sided else abs(difference) > LIMIT
    remark = "λ at w0, above the least of the prior's support" if one_sided else ""
    if not one_sided and not off:
        off, remark = _compare_multiplicities(row, reference)
    return replace(
        row, difference=difference, status="disagrees" if off else "agrees", remark=at_truth + remark if remark else at_truth[:-2]
    )


def _compare_multiplicities(row: Row, reference: Row) -> tuple[bool, str]:
    """Whether m contradicts, and what to say about it."""
    if reference.multiplicity is None or isinstance(reference.claim, Estimate):
        return False, ""
    if isinstance(row.claim, Estimate):
        if not row.probabilities or row.multiplicity in (None, reference.multiplicity):
            return False, ""
        share = row.probabilities.get(reference.multiplicity, 0.0)
        return share < _RARE, f"m = {reference.multiplicity} has probability {share:.2g}"
    if row.multiplicity is None or row.multiplicity == reference.multiplicity:
        return False, ""
    return True, f"m differs from {reference.multiplicity}"


def _compare_bound(row: Row, reference: Row, at_truth: str) -> Row:
    assert isinstance(row.claim, Bound)
    assert reference.value is not None
    assert reference.standard_error is not None
    value, error = float(reference.value), reference.standard_error
    low = -math.inf if row.claim.lower is None else float(row.claim.lower)
    high = math.inf if row.claim.upper is None else float(row.claim.upper)
    outside = max(low - value, value - high, 0.0)
    difference = 0.0 if outside == 0 else outside / error if error else math.inf
    good = difference <= LIMIT
    remark = "the bound holds" if good else "outside the bound"
    return replace(row, difference=None if good else difference, status="agrees" if good else "disagrees", remark=at_truth + remark)
