from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from germ.algebra.fibre import make_discrete_fibre_ideal, make_gaussian_fibre_ideal
from germ.algebra.groebner import compute_groebner_basis
from germ.algebra.moments import SUPPORT, compute_moment_ideal
from germ.algebra.series import compute_coefficients
from germ.algebra.taylor import reduce_analytic
from germ.errors import InputError


@pytest.mark.parametrize("activation", list(SUPPORT))
def test_support_is_what_the_series_has(activation):
    first, step = SUPPORT[activation]
    assert [k for k, c in enumerate(compute_coefficients(activation, 15)) if c] == list(range(first, 16, step))


@pytest.mark.parametrize(("hidden", "truth"), [(1, ()), (2, ()), (1, (((2,), (3,)),)), (2, (((1,), (Fraction(1, 2),)),))])
def test_next_moments_lie_in_the_truncated_ideal(hidden, truth):
    ideal = compute_moment_ideal("tanh", hidden, truth=truth)
    more = compute_moment_ideal("tanh", hidden + 2, truth=truth)
    names = more.names
    keep = [i for i, n in enumerate(names) if n in ideal.names]
    basis = compute_groebner_basis(list(ideal.generators), None)
    ring = ideal.generators[0].context()
    extra = list(more.generators[-2:])
    for g in extra:
        restricted = ring.from_dict(
            {
                tuple(int(e[i]) for i in keep): c
                for e, c in g.to_dict().items()
                if all(e[i] == 0 for i in range(len(names)) if i not in keep)
            }
        )
        assert basis.reduce(restricted).remainder.is_zero()
    assert ideal.truncation_degree == 2 * (hidden + len(truth)) - 1
    assert all(g(*[_fmpq(v) for v in ideal.point]) == 0 for g in ideal.generators)


def _fmpq(v):
    from flint import fmpq

    return fmpq(v.numerator, v.denominator)


def test_the_last_moment_is_needed():
    ideal = compute_moment_ideal("tanh", 3)
    basis = compute_groebner_basis(list(ideal.generators[:2]), None)
    assert not basis.reduce(ideal.generators[2]).remainder.is_zero()


def test_sizes():
    assert len(compute_moment_ideal("tanh", 2, inputs=2).generators) == 2 + 4
    assert len(compute_moment_ideal("exp", 2, outputs=2).generators) == 4
    assert compute_moment_ideal("cos", 2).truncation_degree == 2
    for bad in (lambda: compute_moment_ideal("relu", 2), lambda: compute_moment_ideal("tanh", 0)):
        with pytest.raises(InputError):
            bad()
    with pytest.raises(InputError, match="float"):
        compute_moment_ideal("tanh", 1, truth=[((0.5,), (1,))])
    with pytest.raises(InputError, match="contains it"):
        compute_moment_ideal("tanh", 1, truth=[((1,), (1,)), ((1,), (2,))])


def test_discrete_models():
    cells = ["t*a*c + (1-t)*b*d", "t*a*(1-c) + (1-t)*b*(1-d)", "t*(1-a)*c + (1-t)*(1-b)*d", "t*(1-a)*(1-c) + (1-t)*(1-b)*(1-d)"]
    truth = {"t": "1/2", "a": "1/3", "b": "1/3", "c": "1/4", "d": "1/4"}
    found = make_discrete_fibre_ideal(cells, truth)
    assert len(found.generators) == 4
    assert all(g(*found.point) == 0 for g in found.generators)
    with pytest.raises(InputError, match="add up"):
        make_discrete_fibre_ideal(cells[:3], truth)
    with pytest.raises(InputError, match="probability 0"):
        make_discrete_fibre_ideal(["p", "1-p"], {"p": 0})


def test_gaussian_models():
    found = make_gaussian_fibre_ideal(["a*b"], [["1"]], {"a": 2, "b": "1/2"})
    assert [str(g) for g in found.generators] == ["a*b - 1"]
    with pytest.raises(InputError, match="definite"):
        make_gaussian_fibre_ideal(["0", "0"], [["a^2", "a"], ["a", "1"]], {"a": 1})
    with pytest.raises(InputError, match="symmetric"):
        make_gaussian_fibre_ideal(["0", "0"], [["1", "a"], ["0", "1"]], {"a": 0})


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3))
def test_analytic_sums_of_even_powers_are_decided(a, b):
    found = reduce_analytic(f"(1-cos(x))^{a} + tanh(y)^{2 * b}", 2 * max(a, b) + 2)
    assert found.comparable is not None
    monomials = set(map(tuple, found.comparable.monoms()))
    assert {(2 * a, 0), (0, 2 * b)} <= monomials


def test_truncations_that_do_not_decide_are_refused():
    assert reduce_analytic("(y-sin(x))^2", 8).comparable is None
    assert "could decide" in reduce_analytic("sin(x)^2 * exp(y)  + y - y", 6).reason
    assert reduce_analytic("sin(x)^2 + tanh(y)^12", 8).comparable is None
    assert reduce_analytic("sin(x)^2 + x*y^2 + y^4", 6).comparable is None  # x y² lies on the face
    assert reduce_analytic("sin(x)^2 + x*y^3 + y^4", 6).comparable is not None
    bounds = reduce_analytic("(y-sin(x))^2", 8)
    assert bounds.lower <= Fraction(1, 2) <= bounds.upper
    with pytest.raises(InputError, match="vanishes"):
        reduce_analytic("cos(x)", 4)
    with pytest.raises(InputError, match="odd"):
        reduce_analytic("sin(x)^3", 4)


def test_base_point():
    assert str(reduce_analytic("(x-1)^2*exp(x-1)", 4, {"x": 1}).comparable.monoms()[-1]) == "(2,)"
