"""λ from learning curves in n; and the truth where the free energy has no λ log n: the tool says so."""

import math

import numpy as np
import pytest
import torch
from benchmarks.exact_fluctuation import MODELS, make_fluctuations
from scipy.special import ive

import germ
from germ.claim import Estimate, NotApplicable
from germ.errors import DataError, InputError
from germ.estimators.free_energy_growth import estimate_free_energy_growth, fit_free_energy_growth
from germ.estimators.learning_curve import fit_learning_curve
from germ.estimators.relative_variance import estimate_relative_variance, find_growing_spread
from germ.problems.problem import Problem

SIZES = np.array([10**2, 10**3, 10**4, 10**5, 10**6])


def excess_of(f, prior, rows=200, seed=0):
    """F_n − nS_n of y ~ N(f(w), 1) at truth 0, by quadrature: exp(−n f²/2 + √n ξ f), ξ ~ N(0, 1), data sets that do not overlap."""
    rng, out = np.random.default_rng(seed), []
    for n in SIZES:
        exponent = prior - n * f**2 / 2 + math.sqrt(n) * rng.normal(size=(rows, 1)) * f
        top = exponent.max(1, keepdims=True)
        out.append(-top[:, 0] - np.log(np.exp(exponent - top).sum(1)))
    return np.stack(out, 1)


def make_power(k):
    """w^k, w uniform on [−1, 1]: λ = 1/(2k), m = 1. Nodes in log |w|."""
    u = np.linspace(-40, 0, 2001)
    w = np.exp(u)
    logs = np.where(np.arange(len(u)) == len(u) - 1, np.log(0.5), 0.0) + u + math.log(u[1] - u[0]) - math.log(2)
    return np.concatenate([w**k, (-w) ** k]), np.concatenate([logs, logs])


def make_crossing():
    """ab, both uniform on [−1, 1]: t = |ab| has density −log t, λ = 1/2, m = 2."""
    t, logs = make_power(1)
    return t, logs + np.log(np.maximum(-np.log(np.abs(t)), 1e-300))


CASES = {"w": (*make_power(1), 1 / 2, 1), "w^3": (*make_power(3), 1 / 6, 1), "ab": (*make_crossing(), 1 / 2, 2)}


@pytest.mark.parametrize("name", CASES)
def test_the_mean_over_data_sets_grows_like_lambda_log_n(name):
    f, logs, lam, m = CASES[name]
    table = excess_of(f, logs)
    found = fit_free_energy_growth(SIZES, table.mean(0), table.std(0, ddof=1) / math.sqrt(len(table)), largest_multiplicity=2)
    assert abs(found.diagnostics["by_multiplicity"][m - 1] - lam) < 0.06
    assert abs(found.value - lam) < 2 * found.standard_error


@pytest.mark.parametrize("name", ["w^3", "ab, a in R^3"])
def test_waic_and_free_energy_have_the_same_lambda(name):
    sizes, lam = [100, 200, 400], MODELS[name][2] if name in MODELS else 0.5
    rng = np.random.default_rng(5)
    table = [[germ.estimate_waic(make_fluctuations(n)[name].draw(400, rng)).value for n in sizes] for _ in range(80)]
    found = fit_learning_curve(sizes, table, multiplicity=1)
    assert abs(found.value - lam) < 3 * found.standard_error < 0.25


def make_circle():
    """x ~ N(u(w), 1) in the plane, u on the unit circle, truth N(0, 1): all w are optimal, and no two are the same distribution."""

    def log_likelihood(w, data):
        center = torch.cat([torch.cos(w), torch.sin(w)], 1)
        return -((data[0] - center[:, None]) ** 2).sum(2) / 2 - math.log(2 * math.pi)

    def log_prior(w):
        return torch.full_like(w[:, 0], -math.log(2 * math.pi))

    def draw(count, generator):
        return 2 * math.pi * torch.rand(count, 1, generator=generator, dtype=torch.float64)

    def simulate(n, generator):
        return (torch.randn(n, 2, generator=generator, dtype=torch.float64),)

    support = (torch.zeros(1, dtype=torch.float64), torch.full((1,), 2 * math.pi, dtype=torch.float64))
    return Problem("circle", 1, log_likelihood, log_prior, draw, simulate, truth=torch.zeros(1, dtype=torch.float64), support=support)


def circle_excess(mean, n):
    """F_n − nL_n(w₀) at w₀ = 0: −log (1/2π)∫ exp(n x̄·u(w)) dw + n x̄·u(w₀)."""
    r = n * np.hypot(*np.moveaxis(mean, -1, 0))
    return -(np.log(ive(0, r)) + r) + n * mean[..., 0]


def test_without_relatively_finite_variance_there_is_no_log_term_and_the_tool_says_so():
    rng = np.random.default_rng(0)
    table = np.stack([circle_excess(rng.normal(size=(30, 2)) / math.sqrt(n), n) for n in SIZES], 1)
    found = find_growing_spread(SIZES, table)
    assert isinstance(found, NotApplicable)
    assert "relatively finite variance" in found.hypothesis
    assert "random term of order √n" in found.explanation
    # What the average does: −√n E|Z| + ..., not λ log n with any λ.
    assert table.mean(0)[-1] < -500
    # The closed form is the library's own free energy.
    problem = make_circle()
    data = problem.simulate(100, torch.Generator().manual_seed(1))
    sampled = germ.estimate_free_energy(problem, data, seed=0, precision=0.3, budget=600)
    at_optimum = float(-problem.log_likelihood(problem.truth[None], data).sum())
    assert abs(sampled.value - at_optimum - circle_excess(data[0].mean(0).numpy(), 100)) < 3 * sampled.standard_error
    # And the hypothesis itself, measured: E[f²]/E[f] has no bound. For a truth in the model it has.
    points, fresh = torch.linspace(0.5, 6, 12, dtype=torch.float64)[:, None], problem.simulate(20_000, torch.Generator().manual_seed(2))
    few, many = (estimate_relative_variance(problem, points, (fresh[0][:k],)).ratio.max() for k in (200, 20_000))
    assert many > 4 * few


@pytest.mark.slow
def test_sampled_free_energies_are_refused_too():
    found = estimate_free_energy_growth(make_circle(), (5, 50, 500), datasets=24, precision=2, budget=600)
    assert isinstance(found, NotApplicable)


def test_a_truth_in_the_model_is_not_refused():
    refused = 0
    for seed in range(40):
        table = excess_of(*CASES["w^3"][:2], rows=12, seed=seed)
        refused += find_growing_spread(SIZES, table) is not None
    assert refused == 0


def test_a_loss_with_another_limit_is_refused():
    rng = np.random.default_rng(1)
    table = 0.01 + rng.normal(size=(50, 5)) ** 2 / (2 * SIZES)  # the model misses the truth by 0.01 nats
    found = fit_learning_curve(SIZES, table)
    assert isinstance(found, NotApplicable)
    assert "another limit than S" in found.explanation
    assert isinstance(fit_learning_curve(SIZES, table - 0.01), Estimate)


def test_two_sigma_cover():
    rng, covered = np.random.default_rng(3), {1: [], None: []}
    for _ in range(300):
        table = rng.chisquare(3, size=(10, 5)) / (2 * SIZES)  # a regular model of three parameters: n (G_n − S) → χ²_3/2
        for m in covered:
            found = fit_learning_curve(SIZES, table, multiplicity=m)
            covered[m].append(abs(found.value - 1.5) < 2 * found.standard_error)
    assert 0.9 <= np.mean(covered[1]) < 0.99
    assert np.mean(covered[None]) >= 0.9


@pytest.mark.parametrize(
    ("sizes", "table", "multiplicity", "error", "message"),
    [
        ([10, 20], np.zeros((9, 2)), None, InputError, "three different sizes"),
        ([1, 20, 30], np.zeros((9, 3)), None, InputError, "n >= 3"),
        ([10, 20, 30], np.zeros((9, 2)), None, DataError, r"shape \(9, 2\) for 3 sizes"),
        ([10, 20, 30], np.zeros(3), None, DataError, "one row for each data set"),
        ([10, 20, 30], np.zeros((2, 3)), None, DataError, "4 or more data sets"),
        ([10, 20, 30], np.full((9, 3), np.nan), None, DataError, "data set 0, size 10 is nan"),
        ([10, 20, 30], np.zeros((9, 3)), 0, InputError, "m >= 1"),
    ],
)
def test_bad_tables(sizes, table, multiplicity, error, message):
    with pytest.raises(error, match=message):
        fit_learning_curve(sizes, table, multiplicity=multiplicity)
