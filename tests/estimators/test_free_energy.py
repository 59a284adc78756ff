"""Free energies against closed forms, quadrature and exact sums; estimators that must agree; a trapezoid that does not."""

import math

import numpy as np
import pytest
from benchmarks import exact_evidence as oracles

import germ
from germ.errors import DataError, InputError
from germ.estimators.evidence import compute_evidence, integrate_temperatures
from germ.estimators.free_energy import compute_free_energy
from germ.sampling.temperatures import TemperatureLadder

# Longer ones of the same kinds.
SLOW = {"conjugate, 20", "empty cells", "latent classes"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in oracles.PROBLEMS])
def test_free_energy_is_the_exact_one(name):
    problem, data, exact = oracles.PROBLEMS[name]()
    # A budget that no machine exhausts: what is tested is the answer at the asked precision, not how fast it comes.
    found = germ.estimate_free_energy(problem, data, seed=1, precision=0.06, budget=600)
    assert abs(found.value - exact) <= 3 * found.standard_error
    assert abs(found.value - exact) <= 0.15
    assert found.standard_error <= 0.06
    assert not found.warnings


def test_evidence_of_a_table_of_counts_by_an_exact_sum_and_by_sampling():
    problem, data, exact = oracles.latent_class(oracles.LIN_TABLE)
    assert exact == pytest.approx(oracles.LIN_FREE_ENERGY, abs=5e-11)
    found = germ.estimate_free_energy(problem, data, seed=0, precision=0.03, budget=600)
    assert abs(found.value - exact) < 3 * found.standard_error < 0.1
    # Transposing the table is another model with the same evidence.
    assert oracles.latent_class(np.array(oracles.LIN_TABLE).T)[2] == pytest.approx(exact, abs=1e-9)


def test_a_transition_that_islands_lose_is_reported_and_covered():
    problem, data, exact = oracles.two_islands(narrow=0.1)
    found = germ.estimate_free_energy(problem, data, budget=3)
    assert any("rests on" in w for w in found.warnings)
    assert abs(found.value - exact) < 3 * found.standard_error


def test_all_estimators_agree_and_the_trapezoid_does_not():
    problem, data, exact = oracles.product(1000, 0)
    posterior = germ.sample_posterior(problem, data, seed=0, particles=128)
    found = compute_evidence(posterior.ladder)
    assert found.agree
    for value in (found.bridge, found.forward, found.stepping_stone):
        assert abs(value - exact) < 4 * found.standard_error < 0.15
    assert abs(found.backward - exact) < 4 * found.hysteresis_error + 4 * found.standard_error
    coarse = posterior.ladder.temperatures[::2]
    levels = posterior.ladder.log_likelihoods[::2]
    nothing = coarse * np.nan
    every_second = TemperatureLadder(coarse, levels, nothing, nothing)
    assert abs(compute_evidence(every_second).bridge - compute_evidence(posterior.ladder).bridge) < 0.1
    assert integrate_temperatures(every_second) - compute_evidence(every_second).bridge > 0.5


def test_parallel_tempering_gives_the_same_evidence():
    problem, data, exact = oracles.two_means(100, 0)
    found = germ.estimate_free_energy(problem, data, method="parallel tempering", precision=0.08)
    assert abs(found.value - exact) < 3 * found.standard_error < 0.25


def make_gaussian_ladder(rng, betas, lag=0.0, islands=16, draws=400):
    """ℓ = −|w|²/2 in 6 dimensions under w ~ N(0, 1): level β is N(0, 1/(1 + β)); draws that lag have the law of a hotter level."""
    levels = []
    for below, beta in zip([0.0, *betas[:-1]], betas, strict=True):
        effective = (1 - lag) * beta + lag * below
        levels.append(-(rng.normal(size=(islands, draws, 6)) ** 2).sum(2) / 2 / (1 + effective))
    nothing = np.full(len(betas), np.nan)
    return TemperatureLadder(np.array(betas), tuple(levels), nothing, nothing)


def test_coverage_of_two_standard_errors_on_independent_draws():
    rng, betas = np.random.default_rng(0), [0.0, 0.5, 1.5, 4.0, 10.0]
    exact = 3 * math.log(11)
    found = [compute_evidence(make_gaussian_ladder(rng, betas)) for _ in range(200)]
    covered = np.mean([abs(e.bridge - exact) < 2 * e.standard_error for e in found])
    assert 0.91 < covered < 0.985  # 0.9545 ± 3 binomial errors
    assert abs(np.mean([(e.bridge - exact) / e.standard_error for e in found])) < 0.3


def test_draws_that_lag_behind_their_temperature_are_found_out():
    betas = [0.0, 0.5, 1.5, 4.0, 10.0]
    found = compute_evidence(make_gaussian_ladder(np.random.default_rng(0), betas, lag=0.3))
    assert not found.agree
    assert found.standard_error > 0.1
    # The wrong twin: without the disagreement the error bar would not cover.
    assert abs(found.bridge - 3 * math.log(11)) < 3 * found.standard_error


def test_evidence_of_a_tempered_posterior():
    problem, data, _ = oracles.linear_regression(3, 40, 0)
    posterior = germ.sample_posterior(problem, data, beta=0.25, particles=128)
    x, y = data
    # ∫ p^β φ: a regression with noise variance 1/β, times (2π)^(n/2 (1−β)) β^(−n/2).
    import torch

    n = len(y)
    covariance = torch.eye(n, dtype=torch.float64) / 0.25 + 9 * x @ x.T
    marginal = 0.5 * (n * oracles.LOG_2PI + torch.logdet(covariance) + y @ torch.linalg.solve(covariance, y))
    exact = float(marginal) - (n / 2 * (1 - 0.25) * oracles.LOG_2PI - n / 2 * math.log(0.25))
    found = compute_free_energy(posterior)
    assert abs(found.value - exact) < 3 * found.standard_error < 0.15


def test_records_that_cannot_be_read():
    nothing = np.full(2, np.nan)
    good = np.zeros((4, 10))
    with pytest.raises(InputError, match="the first 0"):
        compute_evidence(TemperatureLadder(np.array([0.1, 1.0]), (good, good), nothing, nothing))
    with pytest.raises(InputError, match="two independent islands"):
        compute_evidence(TemperatureLadder(np.array([0.0, 1.0]), (good[:1], good[:1]), nothing, nothing))
    bad = good.copy()
    bad[0, 0] = np.nan
    with pytest.raises(DataError, match="nan or"):
        compute_evidence(TemperatureLadder(np.array([0.0, 1.0]), (good, bad), nothing, nothing))
    for change in ({"precision": 0.0}, {"budget": -1}):
        with pytest.raises(InputError, match="positive"):
            germ.estimate_free_energy(*oracles.product(10, 0)[:2], **change)
