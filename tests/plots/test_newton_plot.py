from fractions import Fraction

import matplotlib as mpl
import pytest

mpl.use("Agg")

from matplotlib.figure import Figure

from germ.errors import InputError
from germ.plots.newton import compute_newton_distance, compute_newton_vertices, plot_newton_polyhedron


@pytest.mark.parametrize(
    ("exponents", "distance"),
    [
        ([(2, 2)], 2),
        ([(4, 0), (0, 6)], Fraction(12, 5)),
        ([(1, 3)], 3),
        ([(3, 0), (0, 2)], Fraction(6, 5)),
        ([(1, 0)], 1),
        ([(0, 5), (2, 2), (5, 0)], 2),
    ],
)
def test_distance(exponents, distance):
    assert compute_newton_distance(compute_newton_vertices(exponents))[0] == distance


def test_plot_shows_the_distance_and_refuses_three_variables():
    ax = plot_newton_polyhedron("x^4 + x*y^5 + y^6")
    assert any("5/12" in t.get_text() for t in ax.get_legend().get_texts())
    with pytest.raises(InputError, match="3 variables"):
        plot_newton_polyhedron("x+y+z")


def test_names_choose_the_axes():
    figure = Figure()
    ax = plot_newton_polyhedron("y^6 + x^4", figure.subplots(), ["x", "y"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("exponent of x", "exponent of y")
    assert plot_newton_polyhedron("x^2", Figure().subplots(), ["x", "y"]).get_ylabel() == "exponent of y"
