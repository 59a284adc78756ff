import pytest
import sympy

from germ.algebra.expression import make_ring, parse_polynomial
from germ.algebra.series import compute_coefficients, expand
from germ.algebra.syntax import parse_tree
from germ.errors import InputError, ParseError

x, t = sympy.symbols("x t")


@pytest.mark.parametrize("name", ["exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan"])
def test_coefficients_are_sympys(name):
    series = sympy.series(getattr(sympy, name)(t), t, 0, 10).removeO()
    assert [str(c) for c in compute_coefficients(name, 9)] == [str(series.coeff(t, k)) for k in range(10)]


@pytest.mark.parametrize(
    "text", ["exp(sin(x))", "tanh(x)/(1+x)", "sqrt(4+x)", "log(1+x*cos(x))", "(1+x)**(-1/2)*exp(x**2)", "abs(x-1)*sin(x)"]
)
def test_compositions_are_sympys(text):
    ring = make_ring(["x"])
    found = expand(parse_tree(text), ring, 7, text)
    expected = sympy.series(sympy.sympify(text.replace("abs(x-1)", "(1-x)")), x, 0, 8).removeO()
    assert found == parse_polynomial(expected, ["x"])


def test_refusals():
    ring = make_ring(["x"])
    for text in ("sin(1+x)", "abs(x)", "1/x", "sqrt(x)", "sqrt(2+x)"):
        with pytest.raises(ParseError):
            expand(parse_tree(text), ring, 3, text)
    with pytest.raises(InputError, match="unknown function"):
        compute_coefficients("gamma", 3)
