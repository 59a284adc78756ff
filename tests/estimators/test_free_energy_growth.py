"""λ and m from the growth of free energies: exact ones, sampled ones, and growth that is not of this kind."""

import math

import numpy as np
import pytest
from benchmarks import exact_evidence as oracles
from scipy.integrate import quad
from scipy.special import erf

from germ.errors import DataError, InputError, ProblemError
from germ.estimators.free_energy_growth import estimate_free_energy_growth, fit_free_energy_growth
from germ.problems.linear import make_reduced_rank_regression

SIZES = np.geomspace(100, 1e8, 7)


def compute_crossing(n):
    """−log ∫ exp(−n x²y²) over the unit square."""
    inner = quad(lambda t: math.exp(t) * math.sqrt(math.pi) * erf(math.sqrt(n) * math.exp(t)) / (2 * math.sqrt(n) * math.exp(t)), -60, 0)[0]
    return -math.log(inner)


def test_a_crossing_has_multiplicity_two():
    exact = np.array([compute_crossing(n) for n in SIZES])
    # √π/(4√n)(log n + γ + 2 log 2), to all powers of 1/n
    assert exact == pytest.approx(-np.log(np.sqrt(np.pi / SIZES) / 4 * (np.log(SIZES) + np.euler_gamma + 2 * math.log(2))), abs=1e-7)
    found = fit_free_energy_growth(SIZES, exact, np.full(7, 0.02))
    assert found.diagnostics["multiplicity"] == 2
    assert abs(found.value - 0.5) < 2 * found.standard_error
    assert not found.warnings


def test_what_cannot_be_told_apart_is_in_the_error_bar():
    rng, hits, bars = np.random.default_rng(0), 0, []
    sizes, errors = np.geomspace(50, 5000, 5), np.full(5, 0.3)
    for _ in range(300):
        m = int(rng.integers(1, 3))
        growth = 2 * np.log(sizes) - (m - 1) * np.log(np.log(sizes)) + errors * rng.normal(size=5)
        found = fit_free_energy_growth(sizes, growth, errors, largest_multiplicity=2)
        hits += abs(found.value - 2) < 2 * found.standard_error
        bars.append(found.standard_error)
    assert hits >= 0.93 * 300
    single = fit_free_energy_growth(sizes, 2 * np.log(sizes), errors, largest_multiplicity=1).standard_error
    assert np.mean(bars) > 1.1 * single


def test_growth_with_a_root_of_n_is_called_so():
    found = fit_free_energy_growth(SIZES[:5], 0.5 * np.log(SIZES[:5]) + 0.05 * np.sqrt(SIZES[:5]), np.full(5, 0.2))
    assert "renormalisable" in found.warnings[0]


def test_sampled_free_energies_grow_with_the_learning_coefficient():
    problem = make_reduced_rank_regression(1, 2, 1, 0)  # y = b a x: (λ, m) = (1/2, 1)
    found = estimate_free_energy_growth(problem, (30, 300, 3000), datasets=4, seed=1, precision=0.2, budget=600)
    assert abs(found.value - 0.5) < 2.5 * found.standard_error < 1.5
    assert len(found.diagnostics["excess"]) == 3
    assert found.diagnostics["excess"][2] < math.log(3000)  # a regular model of three parameters: 3/2 log n = 12


def test_input_that_cannot_be_right():
    n = [10.0, 100.0, 1000.0]
    with pytest.raises(InputError, match="three different"):
        fit_free_energy_growth([10.0, 10.0, 100.0], n, n)
    with pytest.raises(InputError, match="shapes"):
        fit_free_energy_growth(n, n[:2], n)
    with pytest.raises(DataError, match="not positive"):
        fit_free_energy_growth(n, n, [1.0, 0.0, 1.0])
    with pytest.raises(InputError, match="largest_multiplicity"):
        fit_free_energy_growth(n, n, n, largest_multiplicity=0)
    with pytest.raises(InputError, match="2 data sets"):
        estimate_free_energy_growth(make_reduced_rank_regression(1, 1, 1, 0), datasets=2)
    problem, data, _ = oracles.product(20, 0)
    blind = oracles.make("product", 2, problem.log_likelihood, (problem.log_prior, problem.sample_prior), simulate=lambda n, g: data)
    with pytest.raises(ProblemError, match="no truth"):
        estimate_free_energy_growth(blind, (5, 10, 20), budget=0.1)
