"""Plots of criteria show the numbers that they were given, and refuse numbers that do not belong together."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from germ.errors import InputError
from germ.plots.comparison import plot_comparison
from germ.plots.equation_of_state import plot_equation_of_state
from germ.plots.free_energy import plot_free_energy_by_size, plot_free_energy_growth
from germ.plots.temperature_ladder import plot_temperature_ladder


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_comparison_is_paired_and_sorted():
    rng = np.random.default_rng(0)
    hard = rng.normal(1, 3, 400)
    losses = np.stack([hard + 0.2, hard + 0.01 * rng.normal(size=400), hard + 0.5])
    ax = plot_comparison(["b", "a", "c"], losses)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "c"]
    spans = [np.ptp([s[:, 0] for s in bar.lines[2][0].get_segments()], axis=1) for bar in ax.containers]
    assert spans[0] == pytest.approx(4 * losses[[1, 0, 2]].std(1, ddof=1) / 20)
    assert spans[1] == pytest.approx(4 * (losses[[0, 2]] - losses[1]).std(1, ddof=1) / 20)
    assert ax.containers[0].lines[0].get_xdata() == pytest.approx(np.sort(losses.mean(1)))


def test_comparison_refuses_other_observations():
    with pytest.raises(InputError, match="different data"):
        plot_comparison(["a", "b"], [np.zeros(4), np.zeros(5)])
    with pytest.raises(InputError, match="losses of b has 1 values"):
        plot_comparison(["a", "b"], [[0, 1.0], [0, np.nan]])


def test_equation_of_state_mean_is_on_the_diagonal():
    rng = np.random.default_rng(1)
    bayes, nu = 1 + 0.1 * rng.normal(size=300), 0.02 + 0.003 * rng.normal(size=300)
    ax = plot_equation_of_state(bayes + nu, bayes, bayes + 2 * nu, ax=plt.figure().subplots())
    points, diagonal = ax.lines[:2]
    assert points.get_xdata() == pytest.approx(points.get_ydata())
    assert diagonal.get_xdata() == pytest.approx(diagonal.get_ydata())
    gibbs = plot_equation_of_state(bayes + nu, bayes, bayes + 3 * nu, kind="gibbs", beta=1.0).lines[0]
    assert gibbs.get_ydata() == pytest.approx(2 * nu)
    with pytest.raises(InputError, match="bayes"):
        plot_equation_of_state([1], [1], [1], kind="map")
    with pytest.raises(InputError, match="one length"):
        plot_equation_of_state([1, 2], [1, 2], [1])


def test_temperature_ladder_sorts_and_checks():
    ax = plot_temperature_ladder([1, 0.01, 0.1], [3.0, 9.0, 5.0], errors=[0.1, 0.3, 0.2], swap_rates=[0.4, 0.6])
    assert ax.lines[0].get_xdata() == pytest.approx([0.01, 0.1, 1])
    assert ax.lines[0].get_ydata() == pytest.approx([9, 5, 3])
    assert ax.figure.axes[1].lines[0].get_xdata() == pytest.approx([10**-1.5, 10**-0.5])
    with pytest.raises(InputError, match="2 numbers between 0 and 1"):
        plot_temperature_ladder([1, 0.01, 0.1], [3.0, 9.0, 5.0], swap_rates=[0.4])
    with pytest.raises(InputError, match="positive inverse"):
        plot_temperature_ladder([0, 1], [3.0, 9.0])


def test_free_energies():
    ax = plot_free_energy_by_size([1, 2, 3], {"F": [12, 10, 11.0], "BIC": [5, 6, 9.0]}, errors={"F": [0.1, 0.1, 0.2]}, truth=2)
    assert ax.containers[0].lines[0].get_ydata() == pytest.approx([2, 0, 1])
    assert ax.containers[1].lines[0].get_ydata() == pytest.approx([0, 1, 4])
    n = np.geomspace(1e2, 1e6, 5)
    exact = 0.5 * np.log(n) - np.log(np.log(n)) + 3
    growth = plot_free_energy_growth(n[::-1], exact[::-1], learning_coefficient=0.5, multiplicity=2, dimension=2)
    x, y = growth.lines[1].get_data()
    assert np.interp(np.log(n), np.log(x), y) == pytest.approx(exact, abs=2e-3)
    bic = growth.lines[2].get_data()[1]
    assert bic[-1] - bic[0] == pytest.approx(np.log(1e4))
    with pytest.raises(InputError, match="at least one"):
        plot_free_energy_by_size([1], {})
    with pytest.raises(InputError, match="n > e"):
        plot_free_energy_growth([2, 20], [1, 2.0], learning_coefficient=0.5)
