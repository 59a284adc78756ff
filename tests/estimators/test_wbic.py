"""WBIC and λ against closed forms and quadrature, at β = 1/log n; and what must be refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from benchmarks import exact_evidence as oracles

import germ
from germ.errors import DataError, InputError
from germ.estimators.control_variates import average_islands, compute_mean
from germ.estimators.wbic import (
    compute_learning_coefficient_from_temperatures,
    compute_learning_coefficient_from_variance,
    compute_learning_coefficient_from_wbic,
    compute_wbic,
    compute_wbic_from_draws,
)


def compute_regression_law(problem, data, beta, scale=3.0):
    """Mean and variance of −log p(D|w) under the tempered posterior of `linear_regression`, a normal law."""
    x, y = data
    precision = beta * x.T @ x + torch.eye(x.shape[1], dtype=torch.float64) / scale**2
    mean = torch.linalg.solve(precision, beta * x.T @ y)
    a = x @ torch.linalg.inv(precision) @ x.T
    residual = y - x @ mean
    loss = 0.5 * (residual @ residual + a.trace()) + len(y) / 2 * oracles.LOG_2PI
    return float(loss), float(0.5 * (a @ a).trace() + residual @ a @ residual)


def compute_product_law(data, beta, half=8.0, points=801):
    """The same for `product`, on a grid over (a, b)."""
    y = data[0].numpy()
    line = np.linspace(-half, half, points)
    a, b = np.meshgrid(line, line)
    loss = 0.5 * (len(y) * (a * b) ** 2 - 2 * a * b * y.sum() + (y**2).sum()) + len(y) / 2 * oracles.LOG_2PI
    log_weight = -beta * loss - (a**2 + b**2) / 2
    weight = np.exp(log_weight - log_weight.max())
    mean = float((weight * loss).sum() / weight.sum())
    return mean, float((weight * (loss - mean) ** 2).sum() / weight.sum())


CASES = {
    "regular": (lambda: oracles.linear_regression(5, 100, 0), lambda problem, data, beta: compute_regression_law(problem, data, beta)),
    "crossing": (lambda: oracles.product(300, 0), lambda problem, data, beta: compute_product_law(data, beta)),
}


@pytest.mark.parametrize("name", CASES)
def test_wbic_is_the_exact_one_to_the_asked_precision(name):
    make, law = CASES[name]
    problem, data, _ = make()
    beta = 1 / math.log(len(data[0]))
    exact, variance = law(problem, data, beta)
    found = germ.estimate_wbic(problem, data, seed=3, precision=0.05, budget=600)
    assert found.standard_error <= 0.05
    assert abs(found.value - exact) < 3 * found.standard_error
    assert not found.warnings
    # The plain mean is honest too, and the number of draws that it would need is the variance's.
    assert abs(found.diagnostics["plain_mean"] - exact) < 4 * found.diagnostics["plain_error"]
    assert found.diagnostics["draws_needed"] == pytest.approx(variance / 0.05**2, rel=0.15)


def test_controls_leave_no_noise_where_the_posterior_is_normal():
    problem, data, _ = oracles.linear_regression(5, 100, 0)
    posterior = germ.sample_posterior(problem, data, beta=1 / math.log(100), seed=0)
    exact, _ = compute_regression_law(problem, data, posterior.beta)
    found = compute_wbic(posterior)
    assert abs(found.value - exact) < 1e-6
    assert found.diagnostics["plain_error"] > 1e-2


@pytest.mark.parametrize("name", CASES)
def test_learning_coefficients_from_two_temperatures_and_from_the_variance(name):
    make, law = CASES[name]
    problem, data, _ = make()
    log_n = math.log(len(data[0]))
    cold, hot = (germ.sample_posterior(problem, data, beta=b / log_n, seed=i) for i, b in enumerate((1.5, 0.7)))
    (cold_loss, _), (hot_loss, hot_variance) = law(problem, data, cold.beta), law(problem, data, hot.beta)
    pair = compute_learning_coefficient_from_temperatures(cold, hot)
    assert abs(pair.value - (cold_loss - hot_loss) / (1 / cold.beta - 1 / hot.beta)) < 3 * pair.standard_error < 0.3
    single = compute_learning_coefficient_from_variance(hot)
    assert abs(single.value - hot.beta**2 * hot_variance) < 3.5 * single.standard_error < 0.6
    one = compute_wbic(hot)
    at_truth = compute_learning_coefficient_from_wbic(one, hot_loss - 2 * log_n, len(data[0]))
    assert abs(at_truth.value - 2) < 3 * at_truth.standard_error + 1e-6


def test_recorded_draws_give_a_mean_with_the_error_of_correlated_draws():
    rng, errors, means = np.random.default_rng(0), [], []
    for _ in range(100):
        walk = rng.normal(size=(4, 400))
        for t in range(1, 400):
            walk[:, t] = 0.8 * walk[:, t - 1] + 0.6 * walk[:, t]
        found = compute_wbic_from_draws(walk - 7)
        means.append(found.value)
        errors.append(found.standard_error)
    assert np.mean(np.abs(np.array(means) - 7) < 2 * np.array(errors)) >= 0.88
    assert np.mean(errors) > 2 * 1 / math.sqrt(1600)  # the wrong twin: draws counted as independent


def test_an_island_with_all_the_weight_is_not_certain():
    values, weights = np.array([0.0, 3.0, -2.0, 1.0]), np.array([1 - 3e-9, 1e-9, 1e-9, 1e-9])
    value, error = average_islands(values, weights)
    assert abs(value) < 1e-6
    assert error > 2


def test_controls_do_no_harm_where_they_are_useless():
    rng = np.random.default_rng(1)
    u, scores, values = rng.normal(size=(8, 300, 3)), rng.normal(size=(8, 300, 3)), rng.normal(size=(8, 300))
    found = compute_mean(values, u, scores)
    assert abs(found.value) < 4 * found.standard_error
    assert found.standard_error <= found.plain_error


def test_input_that_cannot_be_right():
    problem, data, _ = oracles.product(50, 0)
    for change in ({"precision": 0.0}, {"budget": math.nan}, {"precision": True}):
        with pytest.raises(InputError, match="positive number"):
            germ.estimate_wbic(problem, data, **change)
    with pytest.raises(InputError, match="2 observations"):
        germ.estimate_wbic(problem, (data[0][:2],))
    with pytest.raises(DataError, match=r"1 of 40 log-likelihoods"):
        compute_wbic_from_draws(np.where(np.arange(40) == 3, np.nan, 0.0).reshape(4, 10))
    with pytest.raises(DataError, match=r"\(10,\)"):
        compute_wbic_from_draws(np.zeros(10))
    settings = {"islands": 4, "particles": 8, "draws": 16}
    a, b = (germ.sample_posterior(problem, data, beta=beta, **settings) for beta in (0.5, 0.2))
    c = germ.sample_posterior(problem, (data[0] + 1,), beta=0.2, **settings)
    with pytest.raises(InputError, match="twice"):
        compute_learning_coefficient_from_temperatures(a, replace(b, beta=0.5))
    with pytest.raises(InputError, match="different data"):
        compute_learning_coefficient_from_temperatures(a, c)
