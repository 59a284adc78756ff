import json
from fractions import Fraction

import pytest

import germ
from germ.claim import Bound, Correction, Estimate, Exact, NotApplicable, Provenance, format_with_error, to_json
from germ.errors import GermError, InputError
from germ.rng import spawn_seeds
from germ.units import compute_default_nbeta, convert_bits_to_nats, convert_nats_to_bits

PROVENANCE = Provenance(method="by hand", source="a test")


def test_exact_prints_and_serialises():
    claim = Exact(Fraction(2, 3), 1, PROVENANCE, details={"charts": 17})
    assert str(claim) == "λ = 2/3, m = 1, exact (by hand, 17 charts)"
    data = json.loads(json.dumps(to_json(claim)))
    assert (data["kind"], data["lambda"], data["m"], data["lower"], data["upper"]) == ("exact", "2/3", 1, "2/3", "2/3")


def test_bound_with_and_without_ends():
    data = to_json(Bound(None, Fraction(3, 2), "budget", PROVENANCE, multiplicity=(1, 2)))
    assert (data["lower"], data["upper"], data["m"]) == (None, "3/2", [1, 2])
    assert "bound" in str(Bound(Fraction(1), None, "budget", PROVENANCE))


def test_estimate_reports_corrections_and_nonfinite_values_as_null():
    claim = Estimate(
        44.87,
        0.61,
        PROVENANCE,
        diagnostics={"n": 10_000, "rhat": float("nan")},
        corrections=(Correction("step size", -1.0, 0.1, "(ε/8) E|g|²"),),
    )
    assert "44.87 ± 0.61" in str(claim)
    assert "step size" in str(claim)
    assert to_json(claim)["diagnostics"]["rhat"] is None


def test_not_applicable_names_the_hypothesis():
    claim = NotApplicable("K is analytic", "ReLU kink at the point.", PROVENANCE)
    assert "K is analytic" in str(claim)
    assert to_json(claim)["kind"] == "not_applicable"


@pytest.mark.parametrize(
    ("value", "error", "text"), [(44.8712, 0.613, "44.87 ± 0.61"), (1.0, 20.0, "1 ± 20"), (1.0, float("nan"), "1 ± nan")]
)
def test_precision_follows_the_error(value, error, text):
    assert format_with_error(value, error) == text


def test_error_has_three_parts():
    error = InputError("got 1", "2", "add 1")
    assert isinstance(error, GermError)
    assert isinstance(error, ValueError)
    assert str(error).splitlines() == ["got 1", "  expected: 2", "  what to do: add 1"]


def test_seeds_differ_by_stream_and_refuse_nonsense():
    assert spawn_seeds(1, 3) != spawn_seeds(1, 3, stream=1)
    with pytest.raises(InputError, match="non-negative"):
        spawn_seeds(-1, 1)


def test_units():
    assert convert_nats_to_bits(convert_bits_to_nats(3.0)) == pytest.approx(3.0)
    with pytest.raises(InputError, match="n >= 3"):
        compute_default_nbeta(2)


def test_top_level_names_all_resolve_and_unknown_ones_say_what_there_is():
    for name in germ.__all__:
        assert getattr(germ, name) is not None
    with pytest.raises(AttributeError, match="Exact"):
        _ = germ.no_such_name
