"""Re-derivation of the atlas: every check computes a family's values by another road and compares.

Two tiers: fast checks take some seconds in all, slow ones minutes. A check is a function without arguments that returns one line of what it
compared, raises `Disagreement` where values differ, or `NoRoad` where the other road is not in this installation. Layers above the atlas
(volume scaling) hand in checks of their own through `extra`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from germ.atlas.checks import CHECKS
from germ.atlas.checks.check import Check, Disagreement, NoRoad
from germ.atlas.family import load_family

Status = Literal["passed", "failed", "no road yet"]


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Args:
        name: Name of the check.
        families: Families whose values it compares.
        tier: "fast" or "slow".
        status: Whether the values agree.
        detail: What was compared, or where it differs.
        seconds: Wall time.
    """

    name: str
    families: tuple[str, ...]
    tier: str
    status: Status
    detail: str
    seconds: float


@dataclass(frozen=True)
class Report:
    """All outcomes of one run.

    Args:
        outcomes: In the order of the registry.
    """

    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed (a missing road is not a failure)."""
        return all(o.status != "failed" for o in self.outcomes)

    def __str__(self) -> str:
        width = max((len(o.name) for o in self.outcomes), default=0)
        lines = [f"{o.status:<12} {o.name:<{width}}  {o.seconds:6.2f} s  {o.detail}" for o in self.outcomes]
        counts = {s: sum(o.status == s for o in self.outcomes) for s in ("passed", "failed", "no road yet")}
        return "\n".join([*lines, ", ".join(f"{n} {s}" for s, n in counts.items() if n) or "no checks"])

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        rows = [{**vars(o), "families": list(o.families), "seconds": round(o.seconds, 3)} for o in self.outcomes]
        return {"kind": "atlas_verification", "passed": self.passed, "checks": rows}


def verify_atlas(*, slow: bool = False, family: str | None = None, extra: Sequence[Check] = ()) -> Report:
    """Run the checks of the atlas.

    Args:
        slow: Run the slow tier too.
        family: Only checks that compare this family's values.
        extra: Checks from layers above.

    Returns:
        The report.

    Raises:
        AtlasError: If there is no such family, or a file is malformed.
    """
    if family is not None:
        load_family(family)
    chosen = [c for c in (*CHECKS, *extra) if (slow or c.tier == "fast") and (family is None or family in c.families)]
    return Report(tuple(_run(check, family) for check in chosen))


def _run(check: Check, family: str | None) -> Outcome:
    start = time.perf_counter()
    run: Callable[..., str] = check.run
    status: Status
    try:
        detail, status = (run(family) if check.per_family else run()), "passed"
    except Disagreement as error:
        detail, status = str(error), "failed"
    except NoRoad as error:
        detail, status = str(error), "no road yet"
    return Outcome(check.name, check.families, check.tier, status, detail, time.perf_counter() - start)
