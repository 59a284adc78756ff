import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from germ.algebra.groebner import compute_dimension
from germ.algebra.jets import compute_contact_codimension, compute_jet_dimensions, make_jet_equations
from germ.algebra.point_counts import count_jets
from germ.errors import BudgetError, InputError


def dimensions(f, order):
    return [r.dimension for r in compute_jet_dimensions(f, order).rows]


def test_cusp():
    table = compute_jet_dimensions("y^2-x^3", 12)
    assert [r.dimension for r in table.rows][:12] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14]
    assert table.threshold == Fraction(5, 6)
    assert table.attained == (5, 11)


def test_node_is_equidimensional():
    assert dimensions("x*y", 9) == list(range(1, 11))
    assert dimensions("x^2-y^2", 9) == list(range(1, 11))


@pytest.mark.parametrize("f", ["y^2-x^3", "x^2*y", "y^2-x^4", "x*y", "x^2+y^2", "y^3-x^3", "x^2", "(x*y-1)^2", "x*(y-x^2)", "x^2*y^3"])
def test_weights_agree_with_groebner_bases(f):
    table = compute_jet_dimensions(f, 3, ["x", "y"])
    assert "weights" in table.method
    for row in table.rows:
        names = [f"{v}_{j}" for v in "xy" for j in range(row.order + 1)]
        assert row.dimension == compute_dimension(make_jet_equations([f], row.order, ["x", "y"]), names)


@pytest.mark.parametrize("f", ["y^2-x^3", "x^2*y", "(y-x^2)^2-x^5", "x^2+y^2+z^2", "x*y*z", "x^2-y*z^2", "(x+y)^2*(x-y)^3", "y^2*x-x^4"])
def test_weights_agree_with_counts(f):
    order, (p, q) = (3, (5, 11)) if "z" in f else (4, (5, 13))
    table = compute_jet_dimensions(f, order)
    for row in table.rows:
        low, high = count_jets(f, p, row.order).count, count_jets(f, q, row.order).count
        assert round(math.log(high / low) / math.log(q / p)) == row.dimension, (row, low, high)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5))
def test_brieskorn_threshold(a, b):
    table = compute_jet_dimensions(f"x^{a}+y^{b}", a * b * 2 - 1)
    expected = min(Fraction(1), Fraction(1, a) + Fraction(1, b))
    assert table.threshold == expected
    assert table.rows[-1].running == expected


def test_monomial_ideals():
    table = compute_jet_dimensions(["x^2", "y^3"], 11)
    assert table.threshold == Fraction(5, 6)
    assert table.rows[-1].running == Fraction(5, 6)
    assert compute_jet_dimensions(["x*y", "y*z", "x*z"], 5).threshold == Fraction(3, 2)


def test_ideal_by_groebner_basis():
    table = compute_jet_dimensions(["x*z-y^2", "x^3-y*z"], 1, seconds=10)
    assert [r.dimension for r in table.rows] == [1, 3]
    assert table.threshold is None


def test_powers_and_lines():
    assert compute_jet_dimensions("(x-y)^2", 7, ["x", "y"]).threshold == Fraction(1, 2)
    assert dimensions("x", 3) == [0, 0, 0, 0]


def test_contact():
    assert compute_contact_codimension("y^2-x^3", 6) == 5
    with pytest.raises(InputError):
        compute_contact_codimension("x", 0)


def test_counts_by_brute_force():
    p, order, found = 3, 2, 0
    for x in product(range(p), repeat=3):
        for y in product(range(p), repeat=3):
            square = [sum(y[i] * y[k - i] for i in range(k + 1)) for k in range(3)]
            x2 = [sum(x[i] * x[k - i] for i in range(k + 1)) for k in range(3)]
            cube = [sum(x2[i] * x[k - i] for i in range(k + 1)) for k in range(3)]
            found += all((s - c) % p == 0 for s, c in zip(square, cube, strict=True))
    assert count_jets("y^2-x^3", p, order).count == found


def test_bad_input():
    with pytest.raises(InputError, match="zero ideal"):
        compute_jet_dimensions("x-x", 3, ["x"])
    with pytest.raises(InputError, match="order"):
        compute_jet_dimensions("x", -1)
    with pytest.raises(InputError, match="constant"):
        compute_jet_dimensions("1+0*x", 2, ["x"])
    with pytest.raises(InputError, match="prime"):
        count_jets("x", 6, 1)
    with pytest.raises(InputError, match="denominator"):
        count_jets("x/5", 5, 1)
    with pytest.raises(BudgetError):
        count_jets("x*y*z*w", 101, 3)
