"""λ̂ by chains: known values, arguments that reproduce draws, divergence, negative estimates, a model left as it was."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from germ.errors import DivergenceError, InputError
from germ.estimators.chain_report import (
    correct_for_localization,
    correct_for_minimum,
    correct_for_step,
    find_plateau,
    find_slope,
    summarize_rung,
)
from germ.estimators.chains import estimate_by_chains
from germ.sampling.kernels.parts import FIELDS
from germ.sampling.planning import Rung, plan_rungs


def half_square(model, batch):
    return (model(batch[0]) - batch[1]).square().sum(-1) / 2


def regression(n=2000, inputs=8, outputs=3, noise=1.0, seed=0):
    """Linear regression with w* the least-squares fit: regular, λ = d/2."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, inputs, generator=g)
    y = x @ torch.randn(inputs, outputs, generator=g) + noise * torch.randn(n, outputs, generator=g)
    model = nn.Linear(inputs, outputs, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.linalg.lstsq(x, y).solution.T)
    return model, (x, y)


FAST = {"budget": 20.0, "draws": 1500, "step_size": 1e-3, "localization": 0.5}


def test_a_regular_model_has_half_its_dimension():
    model, data = regression()
    found = estimate_by_chains(model, half_square, data, draws=2000, budget=20.0)
    assert abs(found.value - 12) < 3 * found.standard_error
    assert found.standard_error < 0.6
    assert abs(found.diagnostics["slope"] - 12) < 4 * found.diagnostics["slope_error"]
    assert abs(found.diagnostics["balance"] - 1) < 0.1
    assert {c.name for c in found.corrections} >= {"step size", "localisation", "minimum", "multiplicity"}
    assert set(found.provenance.settings["reasons"]) >= {"step_size", "localization", "nbeta", "batch_size", "chains", "evaluation"}
    # The wrong twin: the raw value, whose own error bar does not see the step size.
    raw = found.diagnostics["raw"]
    assert raw > found.value + 3 * found.standard_error


def test_the_same_arguments_give_the_same_bits():
    model, data = regression()
    one, two = (estimate_by_chains(model, half_square, data, **FAST) for _ in range(2))
    assert np.array_equal(one.trace["posterior"]["loss_difference"], two.trace["posterior"]["loss_difference"])
    other = estimate_by_chains(model, half_square, data, **FAST, seed=1)
    assert not np.array_equal(one.trace["posterior"]["loss_difference"], other.trace["posterior"]["loss_difference"])


@pytest.mark.parametrize("kernel", ["rmsprop-sgld", "sghmc", "sgnht", "mala", "hmc"])
def test_every_kernel_finds_the_regular_value(kernel):
    model, data = regression(n=600)
    found = estimate_by_chains(model, half_square, data, kernel=kernel, draws=1000, budget=60.0)
    assert abs(found.value - 12) < 4 * found.standard_error
    assert found.standard_error < 1.2


def test_model_mode_and_random_state_come_back():
    model, data = regression()
    model = nn.Sequential(model, nn.Dropout(0.5)).train()
    before, state = model[0].weight.clone(), torch.get_rng_state()
    estimate_by_chains(model, half_square, data, **{**FAST, "draws": 50})
    assert model.training
    assert model[1].training
    assert torch.equal(before, model[0].weight)
    assert model[0].weight.grad is None
    assert torch.equal(state, torch.get_rng_state())


def test_divergence_voids_the_estimate():
    model, data = regression()
    with pytest.raises(DivergenceError, match=r"chain \d+ diverged at draw -?\d+") as caught:
        estimate_by_chains(model, half_square, data, **{**FAST, "step_size": 1.0})
    assert "step_size" in caught.value.remedy
    found = estimate_by_chains(model, half_square, data, **{**FAST, "step_size": 1.0}, on_failure="return")
    assert math.isnan(found.value)
    assert "diverged" in found.warnings[0]


def test_a_parameter_beside_the_minimum_gives_a_negative_estimate_with_the_reason():
    model, data = regression()
    with torch.no_grad():
        model.weight.add_(0.5)
    found = estimate_by_chains(model, half_square, data, **{**FAST, "localization": 0.01})
    assert found.value < 0
    assert any("not a local minimum" in w and "nats below" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("kernel", "nuts"), ("nbeta", 0.0), ("localization", -1.0), ("step_size", math.inf), ("chains", 0), ("draws", 1), ("budget", 0),
     ("batch_size", 2.5), ("on_failure", "ignore")],
)  # fmt: skip
def test_bad_arguments_are_named(argument, value):
    model, data = regression(n=50)
    with pytest.raises(InputError, match=argument):
        estimate_by_chains(model, half_square, data, **{argument: value})
    with pytest.raises(InputError, match="accept step"):
        estimate_by_chains(model, half_square, data, kernel="hmc", batch_size=10)


def test_progress_shows_the_running_estimate():
    model, data = regression()
    seen = []
    estimate_by_chains(model, half_square, data, **{**FAST, "draws": 50}, progress=seen.append)
    assert seen
    assert set(seen[0]) == {"done", "value", "standard_error"}


def _rung(name, nbeta, localization, value, seed):
    rng = np.random.default_rng(seed)
    draws = {key: rng.normal(0, 1e-3, (4, 500)) for key in FIELDS}
    draws["difference"] += value / nbeta
    draws["virial"] += 1
    draws["expected"] += 1
    draws["distance"] += 1
    return summarize_rung(Rung(name, nbeta, localization, 1e-3, 0, 500), draws, 10)


def test_the_ladder_is_carried_to_zero_with_its_own_exponent():
    for exponent in (0.5, 0.8, 1.0):
        stiff, middle, last = (_rung(n, 100.0, g, 5 - 0.3 * g**exponent, i) for i, (n, g) in enumerate([("s", 9), ("m", 3), ("l", 1)]))
        found = correct_for_localization(last, middle, stiff)
        assert abs(last.value.mean + found.amount - 5) < 4 * math.hypot(found.uncertainty, last.value.standard_error)
        assert found.amount == pytest.approx(0.3, abs=0.05)


def test_the_slope_does_not_know_the_loss_at_the_center():
    above = 0.02  # nats that w* lies above the minimum
    middle, hot = _rung("m", 100.0, 3.0, 5 - 100 * above, 0), _rung("h", 50.0, 1.5, 5 - 50 * above, 1)
    slope = find_slope(middle, hot, middle)
    assert abs(slope[0] - 5) < 4 * slope[1]
    found = correct_for_minimum(middle, slope, middle)
    assert found.amount == pytest.approx(2.0, abs=4 * found.uncertainty)


def test_a_plan_spends_its_steps_and_relaxes_each_rung():
    plan = plan_rungs(step_size=1e-4, nbeta=500.0, steps=50_000, scale=5.0, localization=None, burn_in=None, draws=None)
    assert [r.name for r in plan[-4:]] == ["stiff", "middle", "hot", "main"]
    assert 0.9 < sum((r.burn_in + r.draws) * r.thin for r in plan) / 50_000 < 1.1
    assert all(r.burn_in * r.thin * r.step_size * r.localization > 2.5 for r in plan)
    assert plan[-2].localization / plan[-2].nbeta == pytest.approx(plan[-3].localization / plan[-3].nbeta)


@pytest.mark.parametrize("steps", [8, 100, 3000])
@pytest.mark.parametrize("step_size", [1e-4, 0.05, 2.0])
def test_no_rung_is_stiffer_than_its_step_allows(steps, step_size):
    plan = plan_rungs(step_size=step_size, nbeta=50.0, steps=steps, scale=80.0, localization=None, burn_in=None, draws=None)
    assert max(r.step_size * r.localization for r in plan) <= 1.0001


def test_a_run_without_time_for_its_steps_stays_near_its_start():
    torch.manual_seed(0)
    found = estimate_by_chains(nn.Linear(2, 1), half_square, (torch.randn(64, 2), torch.randn(64, 1)), draws=4, burn_in=1, budget=0.1)
    assert math.isfinite(found.value)


def test_momentum_is_less_certain_of_its_correction_where_directions_are_free():
    rung = replace(_rung("m", 100.0, 1.0, 4.0, 0), correction=2.0)
    assert correct_for_step(rung, 8, momentum=True).uncertainty == pytest.approx(0.06, rel=0.05)
    assert correct_for_step(rung, 80, momentum=True).uncertainty == pytest.approx(0.06 + 0.8 * 0.9, rel=0.05)
    assert correct_for_step(rung, 80, momentum=False).uncertainty == pytest.approx(0.06)


def test_the_ladder_stops_at_the_top():
    # γ falls, A rises, and falls once chains leave w*.
    rungs = [_rung(str(i), 100.0, 27.0 / 3**i, value, i) for i, value in enumerate([3.0, 4.0, 4.6, 4.5996, 1.0])]
    assert find_plateau(rungs) == 3
    assert find_plateau(rungs[:2]) == 1
    found = correct_for_localization(rungs[3], rungs[2], rungs[1], rungs[4])
    assert found.amount == 0
    assert found.uncertainty > 1
