"""The zoo by all roads: the recorded table has no red row, and (slow) a new run has none."""

import json
from pathlib import Path

import pytest
from benchmarks.roads import BUDGET, ZOO

import germ
from germ.problems import make_problem

RECORDED = Path(__file__).parent.parent.parent / "docs" / "data" / "roads.json"


def test_the_recorded_table_has_no_red_row():
    document = json.loads(RECORDED.read_text())
    problems = document["problems"]
    listed = [(family, json.loads(json.dumps(options))) for family, options in ZOO]
    assert all((p["family"], p["options"]) in listed for p in problems)
    compared = [p for p in problems if sum(row["difference"] is not None for row in p["rows"]) >= 2]
    assert len(compared) >= 20
    red = {(p["problem"], row["road"]) for p in problems for row in p["rows"] if row["status"] == "disagrees"}
    assert red == set()
    sampled = [row for p in problems for row in p["rows"] if row["difference"] is not None and row["standard_error"]]
    mean_square = sum(row["difference"] ** 2 for row in sampled) / len(sampled)
    assert mean_square < 1.5  # error bars are not too small on average


@pytest.mark.slow
@pytest.mark.parametrize(("family", "options"), ZOO)
def test_no_road_disagrees(family, options):
    found = germ.compare(make_problem(family, **options), budget=BUDGET, seed=1)
    assert found.agree, str(found)
