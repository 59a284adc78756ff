"""The values that each family's file lists, against its formula."""

from __future__ import annotations

from germ.atlas.checks.check import Check, Disagreement, compare
from germ.atlas.family import list_families, load_family
from germ.atlas.formulas import FORMULAS
from germ.atlas.value import compute_value
from germ.claim import Bound, Estimate, Exact


def check_values(only: str | None = None) -> str:
    """Every listed value is what `compute_value` answers; every formula has a file and the other way round."""
    names = list_families() if only is None else (only,)
    count = 0
    for name in names:
        entry = load_family(name)
        compare(name, entry.kind == "open", name not in FORMULAS, "the file says open, the registry has no formula")
        for row in entry.values:
            claim = compute_value(name, **row.inputs)
            case = f"{name} {dict(row.inputs)}"
            if isinstance(claim, Estimate) and row.number is not None:
                if not abs(claim.value - row.number) <= row.tolerance:
                    raise Disagreement(f"{case}: {claim.value} against {row.number} (formula, file)")
            elif isinstance(claim, Exact):
                compare(case, claim.learning_coefficient, row.learning_coefficient, "formula, file")
                if row.multiplicity is not None:
                    compare(f"{case}, m", claim.multiplicity, row.multiplicity, "formula, file")
            elif isinstance(claim, Bound):
                compare(case, claim.upper, row.learning_coefficient, "formula, file")
            else:
                raise Disagreement(f"{case}: {claim}")
            count += 1
    if extra := set(FORMULAS) - set(list_families()):
        raise Disagreement(f"formulas without a file: {', '.join(sorted(extra))}")
    return f"{count} values of {len(names)} families"


CHECKS = (Check("values in the files", list_families(), check_values, per_family=True),)
