"""The verifier passes on the atlas as it is, and fails on planted errors: each formula, in λ and in m, is caught by a re-derivation."""

import dataclasses
import json
from fractions import Fraction

import pytest
from typer.testing import CliRunner

from germ.atlas import list_families, load_family
from germ.atlas.answer import Interval, Pole, Quadrature
from germ.atlas.checks import CHECKS
from germ.atlas.checks.check import Check, Disagreement, NoRoad
from germ.atlas.checks.linear import find_fibre_codimension, solve_smith_program
from germ.atlas.formulas import FORMULAS
from germ.atlas.verify import verify_atlas
from germ.cli import app
from germ.errors import AtlasError

VALUES = "values in the files"


def test_everything_passes():
    report = verify_atlas()
    assert report.passed, str(report)
    assert all(o.status == "passed" for o in report.outcomes if o.tier == "fast"), str(report)
    assert sum(o.seconds for o in report.outcomes) < 30


@pytest.mark.slow
def test_slow_tier_passes():
    report = verify_atlas(slow=True)
    assert report.passed, str(report)
    assert any(o.tier == "slow" and o.status == "passed" for o in report.outcomes)


def wrong_value(answer):
    if isinstance(answer, Pole):
        return dataclasses.replace(answer, learning_coefficient=answer.learning_coefficient + Fraction(1, 8))
    if isinstance(answer, Interval) and answer.upper is not None:
        return dataclasses.replace(answer, upper=answer.upper + Fraction(1, 8))
    return dataclasses.replace(answer, value=answer.value * 1.01) if isinstance(answer, Quadrature) else answer


def wrong_multiplicity(answer):
    return dataclasses.replace(answer, multiplicity=answer.multiplicity + 1) if isinstance(answer, Pole) and answer.multiplicity else answer


def failing(family, formula, change, monkeypatch, planted=None):
    """Names of the checks of a family that fail with the changed formula."""
    monkeypatch.setitem(FORMULAS, family, planted or (lambda **inputs: change(formula(**inputs))))
    slow = family == "pnn-2d"
    return {o.name for o in verify_atlas(slow=slow, family=family).outcomes if o.status == "failed"}


@pytest.mark.parametrize("family", sorted(FORMULAS))
def test_a_wrong_value_is_caught_twice(family, monkeypatch):
    """By the values in its file, and without them."""
    found = failing(family, FORMULAS[family], wrong_value, monkeypatch)
    assert VALUES in found
    assert len(found) >= 2, found


# Families that answer with bounds or numbers, or whose m is not published.
WITHOUT_MULTIPLICITY = {name for name in FORMULAS if load_family(name).kind != "exact"} | {"vandermonde-H2", "vandermonde-H3"}


@pytest.mark.parametrize("family", sorted(set(FORMULAS) - WITHOUT_MULTIPLICITY))
def test_a_wrong_multiplicity_is_caught_twice(family, monkeypatch):
    found = failing(family, FORMULAS[family], wrong_multiplicity, monkeypatch)
    assert VALUES in found
    assert len(found) >= 2, found


def without_plus_one(widths, r):
    """Deep linear networks with the multiplicity as printed, a(ℓ-a)."""
    right = FORMULAS_AS_THEY_ARE["dln"](widths=widths, r=r)
    return dataclasses.replace(right, multiplicity=max(1, right.multiplicity - 1))


def forest_with_every_node(sup, sub, edges):
    """Latent forests with every node of degree 2 counted."""
    right = FORMULAS_AS_THEY_ARE["gaussian-latent-forest"](sup=sup, sub=sub, edges=edges)
    return dataclasses.replace(right, multiplicity=2) if right.learning_coefficient == Fraction(7, 2) and sum(sub) == 0 else right


def mixture_with_signed_weights(H, r, N, alpha, weights):
    if N == 1:
        return FORMULAS_AS_THEY_ARE["mixture-signed"](H=H, r=r)
    return FORMULAS_AS_THEY_ARE["mixture"](H=H, r=r, N=N, alpha=alpha, weights=weights)


def quadratic_at_the_corner(alpha, zero, truth):
    right = FORMULAS_AS_THEY_ARE["multinomial-boundary"](alpha=alpha, zero=zero, truth=truth)
    cells = zero if zero is not None else [i for i, p in enumerate(truth) if p == 0]
    return dataclasses.replace(right, learning_coefficient=right.learning_coefficient - sum(alpha[i] for i in cells) / 2)


def rrr_only_wrong_for_large_sizes(M, N, H, r):
    right = FORMULAS_AS_THEY_ARE["rrr"](M=M, N=N, H=H, r=r)
    return wrong_value(right) if (M, N, H, r) == (7, 5, 6, 2) else right


FORMULAS_AS_THEY_ARE = dict(FORMULAS)
PLANTED = {
    "dln": without_plus_one,
    "gaussian-latent-forest": forest_with_every_node,
    "mixture": mixture_with_signed_weights,
    "multinomial-boundary": quadratic_at_the_corner,
    "rrr": rrr_only_wrong_for_large_sizes,
}


@pytest.mark.parametrize("family", sorted(PLANTED))
def test_errors_known_in_print_are_caught(family, monkeypatch):
    assert failing(family, None, None, monkeypatch, PLANTED[family]) - {VALUES}


def test_oracles():
    assert [solve_smith_program(depth) for depth in (2, 3, 4, 5)] == [(Fraction(3, 2), m) for m in (1, 3, 5, 7)]
    assert find_fibre_codimension((2, 2, 2), 0) == 3
    assert find_fibre_codimension((10, 10, 10, 10), 5) == 92


def test_every_formula_has_a_check_besides_its_values():
    covered = {family for check in CHECKS if check.name != VALUES for family in check.families}
    assert covered >= set(FORMULAS)
    assert covered <= set(list_families())


def test_checks_from_layers_above():
    def pass_():
        return "volumes of two families"

    def fail():
        raise Disagreement("λ = 1 against 2")

    def lack():
        raise NoRoad("no volumes here")

    extra = tuple(Check(name, ("rrr",), run, "slow") for name, run in (("a", pass_), ("b", fail), ("c", lack)))
    report = verify_atlas(slow=True, family="rrr", extra=extra)
    assert {o.name: o.status for o in report.outcomes if o.name in "abc"} == {"a": "passed", "b": "failed", "c": "no road yet"}
    assert not report.passed
    assert "λ = 1 against 2" in str(report)
    assert verify_atlas(family="rrr", extra=extra).passed  # the slow tier was not asked for


def test_command_line(monkeypatch):
    runner = CliRunner()
    done = runner.invoke(app, ["atlas", "verify", "tanh-zero", "--json"])
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert report["passed"]
    assert {c["status"] for c in report["checks"]} == {"passed"}
    monkeypatch.setitem(FORMULAS, "tanh-zero", lambda H: Pole(Fraction(H, 2), 1))
    assert runner.invoke(app, ["atlas", "verify", "tanh-zero"]).exit_code == 1
    assert isinstance(runner.invoke(app, ["atlas", "verify", "tnah"]).exception, AtlasError)
