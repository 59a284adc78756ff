import numpy as np
import pytest

from germ.errors import InputError
from germ.thermo.exact import compute_heat_capacity, compute_normal_crossing_volume


def test_the_closed_form_on_the_unit_square():
    t = np.geomspace(1e-30, 0.9, 7)
    assert compute_normal_crossing_volume([1, 1], t) == pytest.approx(np.sqrt(t) * (1 - 0.5 * np.log(t)), rel=1e-12)


@pytest.mark.parametrize(("k", "h"), [([1, 2, 1], [0.0, 1.5, 0.0]), ([2, 3], [0.5, 0.0]), ([1, 1, 1], [0, 0, 0])])
def test_the_closed_form_against_counting(k, h):
    rng = np.random.default_rng(0)
    w = rng.random((400_000, len(k))) ** (1 / (np.array(h) + 1))
    values = np.prod(w ** (2 * np.array(k)), axis=1)
    for epsilon in (0.3, 1e-2, 1e-4):
        share = (values < epsilon).mean()
        assert compute_normal_crossing_volume(k, epsilon, prior_exponents=h) == pytest.approx(share, abs=5 * np.sqrt(share / 400_000))


def test_heat_capacity_tends_to_lambda_and_shows_its_error():
    energy, capacity, error = compute_heat_capacity(lambda w: w[:, 0] ** 2 * w[:, 1] ** 4, [0, 0], [1, 1], [1e4, 1e10], center=[0, 0])
    # λ = 1/4, and the pole at 1/2 is a quarter away: the correction falls like t^(-1/4).
    assert abs(energy[1] - 0.25) < 5e-3
    assert abs(energy[1] - 0.25) < 0.2 * abs(energy[0] - 0.25)
    assert abs(capacity[1] - 0.25) < 5e-3
    assert error.max() < 1e-6
    crossing = compute_heat_capacity(lambda w: (w[:, 0] - w[:, 1] ** 2 - 0.3) ** 2, [-1, -1], [1, 1], [1e10], center=[0, 0])
    assert crossing[2].max() > 1e-2  # a zero set across the panels: the error says so


def test_impossible_volumes_are_refused():
    with pytest.raises(InputError, match="not all zero"):
        compute_normal_crossing_volume([0, 0], 0.1)
    with pytest.raises(InputError, match="ε > 0"):
        compute_normal_crossing_volume([1], 0.0)
    with pytest.raises(InputError, match="at most 3"):
        compute_heat_capacity(lambda w: w[:, 0], [0] * 4, [1] * 4, [1.0], center=[0] * 4)
