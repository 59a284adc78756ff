"""Closed forms of thermodynamics against quadrature, sampling and each other, on asymmetric exponents."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from germ.errors import InputError
from germ.thermo.lattice import (
    compute_chain_density,
    compute_cubic_density,
    compute_square_density,
    compute_watson_integral,
    estimate_spectral_density,
)
from germ.thermo.pendulum import compute_period, compute_phase_space_area
from germ.thermo.standard_form import make_standard_form

FORMS = [([1, 1], None), ([1, 2, 2], [0, 1, 0]), ([7, 5], [1, 3]), ([2, 1, 3], ["1/2", "-1/3", 2]), ([3, 0, 1], [0, 5, 1])]


@pytest.mark.parametrize(("k", "h"), FORMS)
def test_volume_density_and_zeta_are_transforms_of_each_other(k, h):
    form = make_standard_form(k, h)
    assert form.compute_volume(1.0) == pytest.approx(1)
    assert (form.compute_volume(0.21) - form.compute_volume(0.19)) / 0.02 == pytest.approx(
        float(form.compute_density_of_states(0.2)), rel=1e-2
    )
    for z in (0.7, 2.3):
        value = quad(lambda x, z=z: float(form.compute_density_of_states(math.exp(-x))) * math.exp(-(z + 1) * x), 0, 400, limit=400)[0]
        assert form.compute_zeta(z) == pytest.approx(value, rel=1e-7)
    total = sum(float(a) / (0.7 + float(pole)) ** s for (pole, s), a in form.compute_partial_fractions().items())
    assert total == pytest.approx(form.compute_zeta(0.7), rel=1e-12)


@pytest.mark.parametrize(("k", "h"), FORMS)
def test_volume_against_sampling(k, h):
    form = make_standard_form(k, h)
    rng = np.random.default_rng(5)
    w = rng.random((400_000, len(k))) ** (1 / (1 + np.array([float(x) for x in form.prior_exponents])))
    energy = (w ** (2 * np.array(k))).prod(1)
    for t in (0.3, 0.01, 1e-4):
        p = float(form.compute_volume(t))
        assert abs((energy < t).mean() - p) < 4 * math.sqrt(p * (1 - p) / len(w)) + 1e-12


def test_partition_function_of_the_crossing():
    form = make_standard_form([1, 1])
    n = 100.0
    closed = math.sqrt(math.pi) / (4 * math.sqrt(n)) * (math.log(n) + np.euler_gamma + 2 * math.log(2))
    assert form.compute_partition_function(n) == pytest.approx(closed, rel=1e-10)
    assert form.compute_partition_function(0) == pytest.approx(1)
    assert form.compute_energy(1e6) == pytest.approx(0.43662471, abs=1e-8)
    assert form.compute_heat_capacity(1e3) == pytest.approx(0.37456992, abs=1e-8)


@pytest.mark.parametrize(("k", "h"), FORMS)
def test_leading_term_and_energy_tend_to_the_learning_coefficient(k, h):
    form = make_standard_form(k, h)
    lead, m = float(form.learning_coefficient), form.multiplicity
    n = 1e60
    assert form.compute_energy(n) == pytest.approx(lead - (m - 1) / math.log(n), rel=0.02)
    assert form.compute_partition_function(n) == pytest.approx(form.compute_asymptotic_partition_function(n), rel=0.05)


def test_standard_forms_that_are_none():
    for k, h in (([0, 0], None), ([1, -1], None), ([1, 1], [0]), ([1], [-1]), ([1], [0.5]), ([True], None)):
        with pytest.raises(InputError):
            make_standard_form(k, h)


def test_period_is_the_derivative_of_the_area_on_both_sides_of_the_separatrix():
    for energy in (0.3, 1.7, 1.99, 2.01, 3.0, 9.0):
        h = 1e-5
        slope = (compute_phase_space_area(energy + h) - compute_phase_space_area(energy - h)) / (2 * h)
        assert compute_period(energy) == pytest.approx(slope, rel=1e-6)
    area = 2 * quad(lambda a: math.sqrt(max(0, 2 * (3.0 - 1 + math.cos(a)))), -math.pi, math.pi)[0]
    assert compute_phase_space_area(3.0) == pytest.approx(area, rel=1e-9)
    # the logarithm of the crossing, with the same coefficient on both sides
    for side in (-1, 1):
        slope = (compute_period(2 + side * 1e-9) - compute_period(2 + side * 1e-7)) / math.log(1e2)
        assert slope == pytest.approx(2, rel=1e-4)
    with pytest.raises(InputError, match="separatrix"):
        compute_period(2.0)


def test_lattice_densities_are_normalised_and_have_the_right_second_moment():
    square = quad(lambda e: float(compute_square_density(e)), 0, 4, limit=200)[0] * 2
    assert square == pytest.approx(1, abs=1e-6)
    grid = np.linspace(-6, 6, 1201)
    cubic = np.array([compute_cubic_density(e) for e in grid[::4]])
    step = grid[4] - grid[0]
    assert cubic.sum() * step == pytest.approx(1, abs=1e-3)
    assert (cubic * grid[::4] ** 2).sum() * step == pytest.approx(6, rel=2e-3)  # Tr H² = 2d t²
    assert float(compute_chain_density(1.0)) == pytest.approx(1 / (math.pi * math.sqrt(3)))


def test_return_probability_against_walks():
    u = compute_watson_integral()
    rng = np.random.default_rng(1)
    walkers, steps = 4000, 400
    position, returned = np.zeros((walkers, 3), int), np.zeros(walkers, bool)
    for _ in range(steps):
        axis, sign = rng.integers(0, 3, walkers), rng.choice([-1, 1], walkers)
        position[np.arange(walkers), axis] += sign
        returned |= ~position.any(1)
    share, late = returned.mean(), 3 * (3 / (2 * math.pi)) ** 1.5 / math.sqrt(steps)  # walks that return after the last step
    assert abs(share - (1 - 1 / u)) < 4 * math.sqrt(share * (1 - share) / walkers) + late


def test_kernel_polynomials_find_the_density_of_a_large_square_lattice():
    side = 60

    def apply(v):
        w = v.reshape(side, side, -1)
        return -sum(np.roll(w, s, a) for s in (-1, 1) for a in (0, 1)).reshape(v.shape)

    found = estimate_spectral_density(apply, side**2, (-4.01, 4.01), np.random.default_rng(2), moments=96, vectors=12)
    inner = (abs(found.energy) > 0.6) & (abs(found.energy) < 3.5)
    exact = compute_square_density(found.energy[inner])
    assert np.abs(found.density[inner] - exact).max() < 0.1 * exact.max()
    with pytest.raises(InputError, match="widen"):
        estimate_spectral_density(apply, side**2, (-2, 2), np.random.default_rng(2))
