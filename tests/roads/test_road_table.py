"""Many roads, one number: the same problem by proof, atlas, volume and samples; and rows that lie have to turn red."""

import json
import math
from dataclasses import replace
from fractions import Fraction

import pytest

import germ
from germ.claim import Bound, Estimate, Exact, NotApplicable, Provenance
from germ.errors import InputError
from germ.problems import make_problem
from germ.roads.comparison import Comparison, Row, judge
from germ.roads.posterior import estimate_from_growth, estimate_from_wbic
from germ.roads.roads import ROADS, check_interior

ROAD = Provenance("a test")


def _exact(value, m=1, road="exact", place="both"):
    return Row(road, Exact(Fraction(value), m, ROAD), 0.0, place)


def _estimate(value, error, road="volume", place="both", probabilities=None):
    notes = {} if probabilities is None else {"multiplicity_probabilities": probabilities}
    return Row(road, Estimate(value, error, ROAD, diagnostics=notes), 0.0, place)


def _status(*rows):
    return [row.status for row in judge(rows)]


def test_verdicts():
    assert _status(_exact("3/2"), _exact("3/2", road="atlas"), _estimate(1.52, 0.01)) == ["reference", "agrees", "agrees"]
    assert _status(_exact("3/2"), _estimate(1.531, 0.01)) == ["reference", "disagrees"]
    assert _status(_exact("3/2"), _exact("5/4", road="atlas")) == ["reference", "disagrees"]
    assert _status(_exact("3/2", 1), _exact("3/2", 2, road="atlas")) == ["reference", "disagrees"]
    assert _status(_estimate(1.0, 0.1, "llc"), _estimate(1.2, 0.01)) == ["agrees", "reference"]
    assert _status(_estimate(1.0, 0.05, "llc"), _estimate(1.2, 0.01)) == ["disagrees", "reference"]
    assert _status(_exact("1"), _estimate(1.0, math.nan)) == ["reference", "open"]


def test_a_multiplicity_that_is_ruled_out_is_a_disagreement():
    assert _status(_exact("1/2", 2), _estimate(0.5, 0.01, probabilities=(0.95, 0.05))) == ["reference", "agrees"]
    assert _status(_exact("1/2", 2), _estimate(0.5, 0.01, probabilities=(0.9999, 0.0001))) == ["reference", "disagrees"]
    assert _status(_exact("1/2", 2), _estimate(0.5, 0.01, probabilities=(0.01, 0.99))) == ["reference", "agrees"]


def test_bounds():
    inside = Row("atlas", Bound(None, Fraction(2), "", ROAD), 0.0)
    assert _status(_exact("3/2"), inside) == ["reference", "agrees"]
    assert _status(_exact("5/2"), inside) == ["reference", "disagrees"]
    assert _status(_estimate(2.05, 0.02), inside) == ["reference", "agrees"]
    closed = Row("exact", Bound(Fraction(2), Fraction(2), "m open", ROAD), 0.0)
    assert _status(closed, _estimate(2.05, 0.02)) == ["reference", "agrees"]


def test_local_values_may_be_above_the_least_and_not_below():
    least = _exact("5/4", road="atlas", place="prior")
    assert _status(_exact("3/2", place="truth"), least, _estimate(1.5, 0.01, "llc", "truth")) == ["agrees", "reference", "agrees"]
    assert _status(_exact("3/2", place="truth"), least, _estimate(1.25, 0.01, "llc", "truth"))[2] == "disagrees"
    assert _status(least, _estimate(1.1, 0.01, "llc", "truth")) == ["reference", "disagrees"]


def test_missing_roads_are_said():
    comparison = Comparison("p", 2, judge([_exact("1"), Row("atlas", None, 0.0, reason="no module named x"),
                                           Row("llc", NotApplicable("w0 inside", "it is not", ROAD), 0.0)]), 0, 1.0)  # fmt: skip
    assert comparison.agree
    assert "no road yet: no module named x" in str(comparison)
    assert "llc: not applicable: w0 inside" in str(comparison)
    assert [row["status"] for row in comparison.to_json()["rows"]] == ["reference", "no road yet", "not applicable"]


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("normal-crossing", {"exponents": [1, 2]}), ("cusp", {}), ("tanh", {"hidden": 2, "true_units": 1}),
        ("tanh", {"hidden": 3, "true_units": 1}), ("tanh", {"hidden": 3, "true_units": 2}), ("tanh", {"hidden": 3}),
        ("rrr", {"inputs": 3, "outputs": 3, "hidden": 2, "rank": 1}),
        ("rrr", {"inputs": 2, "outputs": 2, "hidden": 2, "rank": 1, "layer_ranks": [1, 2]}), ("dln", {"widths": [1, 2, 2, 1]}),
        ("diagonal", {"dimension": 3}), ("relu", {}), ("gaussian-mixture", {"components": 3}), ("poisson-mixture", {}),
        ("binomial-mixture", {}), ("latent-class", {}), ("factor-analysis", {"variables": 3}),
    ],
)  # fmt: skip
def test_proof_and_atlas_agree_over_the_zoo(family, options):
    found = germ.compare(make_problem(family, **options), roads=["exact", "atlas"], budget=60)
    assert found.agree, str(found)
    assert found.reference is not None


def test_all_roads_agree_on_a_crossing():
    """K = x²y²/2: exact, atlas, volume, WBIC and free energy, m = 2 resolved by the volume. (λ̂ around w0 is timed, not counted: slow.)"""
    problem = make_problem("normal-crossing", exponents=[1, 1])
    roads = [road for road in ROADS if road != "llc"]
    found = germ.compare(problem, roads=roads, budget=20, seed=1)
    assert found.agree, str(found)
    assert {row.road: row.status for row in found.rows if row.road != "exact"} == dict.fromkeys(roads[1:], "agrees")
    assert found["volume"].multiplicity == 2
    document = json.loads(json.dumps(found.to_json()))
    assert document["agree"]
    assert document["rows"][0]["lambda"] == "1/2"
    assert document["rows"][0]["claim"]["kind"] == "exact"


@pytest.mark.slow
@pytest.mark.parametrize(("family", "options"), [("tanh", {"hidden": 2}), ("rrr", {"inputs": 2, "outputs": 2, "hidden": 2, "rank": 1})])
def test_samples_around_the_truth_agree(family, options):
    found = germ.compare(make_problem(family, **options), roads=["exact", "llc"], budget=200)
    assert found["llc"].status == "agrees", str(found)


def test_a_wrong_label_turns_red():
    problem = replace(make_problem("normal-crossing", exponents=[1, 1]), atlas=("normal-crossing", {"k": [1, 2], "h": None}))
    found = germ.compare(problem, roads=["exact", "atlas"])
    assert not found.agree
    assert found["atlas"].status == "disagrees"
    assert "roads disagree: atlas" in str(found)


def test_a_wrong_exact_form_is_seen_by_the_volume():
    problem = make_problem("cusp")
    wrong = replace(problem, exact=replace(problem.exact, expression=("x - y^3",)))
    found = germ.compare(wrong, roads=["exact", "volume"], budget=8)
    assert found["volume"].status == "disagrees", str(found)


def test_sampling_around_the_truth_is_refused_where_it_does_not_apply():
    assert check_interior(make_problem("gaussian-mixture"), "llc").hypothesis == "w0 inside the prior's support"
    assert check_interior(make_problem("normal-crossing", exponents=[1], prior_exponents=[1]), "llc").hypothesis.startswith(
        "a positive prior"
    )
    assert check_interior(make_problem("cusp"), "llc") is None


def test_free_energy_and_wbic_cover_lambda():
    """Sampled rows of a problem whose λ is 1: within three of their own errors, and the same for the same seed."""
    problem = make_problem("potential", generators="x; y")
    growth = estimate_from_growth(problem, 0, 32.0)
    assert abs(growth.value - 1) < 3 * growth.standard_error < 0.4
    assert growth.value == estimate_from_growth(problem, 0, 32.0).value
    wbic = estimate_from_wbic(problem, 0, 32.0)
    assert abs(wbic.value - 1) < 3 * wbic.standard_error < 2


@pytest.mark.parametrize(
    ("options", "message"),
    [({"roads": ["guess"]}, "got the road 'guess'"), ({"roads": []}, "no road"), ({"budget": 0}, "budget=0"), ({"seed": -1}, "seed")],
)
def test_impossible_questions_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        germ.compare(make_problem("cusp"), **options)


def test_something_else_than_a_problem_is_refused():
    with pytest.raises(InputError, match="got a str"):
        germ.compare("tanh")


def test_a_figure_shows_every_value():
    from germ.plots.roads import plot_roads

    found = Comparison("p", 2, judge([_exact("1"), _estimate(1.1, 0.1), Row("atlas", Bound(None, Fraction(2), "", ROAD), 0.0)]), 0, 1.0)
    axes = plot_roads(found)
    assert [label.get_text().split("\n")[0] for label in axes.get_yticklabels()] == ["atlas", "volume", "exact"]
