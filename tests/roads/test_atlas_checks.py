from dataclasses import replace
from fractions import Fraction

import pytest

from germ.atlas.checks.check import Disagreement
from germ.atlas.formulas import FORMULAS
from germ.atlas.verify import verify_atlas
from germ.claim import Estimate, Provenance
from germ.roads.atlas_checks import CASES, CHECKS, check_volumes, judge


def _scale(pole, factor):
    return replace(pole, learning_coefficient=pole.learning_coefficient * factor)


def test_values_of_a_family_are_measured():
    report = verify_atlas(slow=True, family="semiregular", extra=CHECKS)
    outcome = next(o for o in report.outcomes if o.name == "volume scaling")
    assert outcome.status == "passed", outcome.detail
    assert outcome.detail == "1 models of 1 families within 3 standard errors"


@pytest.mark.parametrize("factor", [Fraction(7, 6), Fraction(6, 7)])
def test_a_planted_formula_is_caught(monkeypatch, factor):
    """λ a sixth off, in the registry where checks look formulas up."""
    right = FORMULAS["semiregular"]
    monkeypatch.setitem(
        FORMULAS, "semiregular", lambda **i: replace(right(**i), learning_coefficient=right(**i).learning_coefficient * factor)
    )
    with pytest.raises(Disagreement, match="atlas, volume"):
        check_volumes("semiregular", work=5.0)


@pytest.mark.parametrize(
    ("value", "error", "probabilities", "message"),
    [
        (1.0, 0.01, (0.01, 0.98, 0.01), None), (1.02, 0.01, (0.1, 0.9), None), (1.04, 0.01, (0.1, 0.9), "against 1.040"),
        (1.0, 0.07, (0.1, 0.9), "too uncertain"), (1.0, 0.01, (0.999, 0.001), "m = 2 is ruled out"),
    ],
)  # fmt: skip
def test_what_passes(value, error, probabilities, message):
    """`relu-1d-zero` at M = H = 2 has λ = 1 and m = 2."""
    case = next(c for c in CASES if c.family == "relu-1d-zero")
    notes = {"multiplicity": 1, "multiplicity_probabilities": probabilities}
    found = Estimate(value, error, Provenance("a test"), diagnostics=notes)
    if message is None:
        judge(case, found)
    else:
        with pytest.raises(Disagreement, match=message):
            judge(case, found)


def test_a_bound_below_the_truth_is_caught():
    case = next(c for c in CASES if c.bound)
    judge(case, Estimate(2.0, 0.1, Provenance("a test")))
    judge(case, Estimate(1.0, 0.1, Provenance("a test")))
    with pytest.raises(Disagreement, match="bound, volume"):
        judge(case, Estimate(2.4, 0.1, Provenance("a test")))


@pytest.mark.slow
def test_all_cases():
    assert "families within" in check_volumes()
