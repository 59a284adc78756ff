from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from germ.algebra.linear_program import solve_linear_program
from germ.algebra.newton import compute_newton_polyhedron, find_degenerate_faces
from germ.errors import InputError


@given(st.integers(1, 5), st.data())
@settings(max_examples=80, deadline=None)
def test_linear_programs_are_optimal_and_strictly_complementary(n, data):
    exponent = st.tuples(*[st.integers(0, 3)] * n).filter(any)
    exponents = data.draw(st.lists(exponent, min_size=1, max_size=8))
    costs = data.draw(st.lists(st.fractions(Fraction(1, 3), 4, max_denominator=3), min_size=n, max_size=n))
    found = solve_linear_program(exponents, costs)
    reach = [sum(w * e for w, e in zip(found.primal, row, strict=True)) for row in exponents]
    slack = [c - sum(y * row[i] for y, row in zip(found.dual, exponents, strict=True)) for i, c in enumerate(costs)]
    assert min(*found.primal, *found.dual, 0) == 0
    assert min(reach) >= 1
    assert min(slack) >= 0
    assert sum(w * c for w, c in zip(found.primal, costs, strict=True)) == sum(found.dual) == found.value
    assert all((w > 0) != (s > 0) for w, s in zip(found.primal, slack, strict=True))
    assert all((y > 0) != (r > 1) for y, r in zip(found.dual, reach, strict=True))
    other = linprog([float(c) for c in costs], A_ub=[[-e for e in row] for row in exponents], b_ub=[-1] * len(exponents))
    assert other.fun == pytest.approx(float(found.value), abs=1e-7)


def test_a_polyhedron_in_three_variables():
    found = compute_newton_polyhedron("x^2 + y^3 + z^5 + x*y*z")
    assert set(found.vertices) == {(2, 0, 0), (0, 3, 0), (0, 0, 5)}
    assert all(sum(a * b for a, b in zip(w, v, strict=True)) >= k for w, k in found.facets for v in found.vertices)
    assert found.distance == Fraction(30, 31)


def test_the_diagonal_through_a_vertex_has_multiplicity_two():
    found = compute_newton_polyhedron("x^5 + x^2*y^2 + y^5")
    assert (found.distance, found.multiplicity) == (2, 2)
    assert [face.dimension for face in found.faces] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("polynomial", "degenerate"),
    [("x^2-y^2", False), ("x^2+2*x*y+y^2", True), ("x^4+2*x^2*y^2+y^4", False), ("(y^2-2*x^2)^2+x^6", True), ("x^3+y^3+z^3-3*x*y*z", True)],
)
def test_degenerate_faces_have_real_witnesses(polynomial, degenerate):
    found = find_degenerate_faces(compute_newton_polyhedron(polynomial))
    assert bool(found) == degenerate
    for entry in found:
        assert entry.witness is not None
        assert all(entry.witness)
        value = sum(
            Fraction(int(c.p), int(c.q)) * prod_power(entry.witness, e) for e, c in entry.face.polynomial.to_dict().items()
        )  # fmt: skip
        assert abs(value) < Fraction(1, 10**9)


def prod_power(point, exponents):
    value = Fraction(1)
    for x, e in zip(point, exponents, strict=True):
        value *= x ** int(e)
    return value


def test_bad_polynomials():
    with pytest.raises(InputError, match="not zero at the origin"):
        compute_newton_polyhedron("1+x")
    with pytest.raises(InputError):
        compute_newton_polyhedron("0")
