from fractions import Fraction

import pytest
import sympy
from flint import fmpq, fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from germ.algebra.density import parse_prior
from germ.algebra.expression import parse_polynomial, parse_polynomials
from germ.algebra.real_roots import AlgebraicNumber, isolate_real_roots
from germ.algebra.region import parse_box, parse_domain, parse_point
from germ.errors import ParseError

NAMES = ["x", "y", "z"]


def trees():
    leaf = st.one_of(st.integers(0, 9).map(str), st.sampled_from(NAMES), st.fractions(-3, 3, max_denominator=5).map(lambda q: f"({q})"))

    def grow(inner):
        return st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda t: f"({t[0]}) {t[1]} {t[2]}"),
            st.tuples(inner, st.sampled_from(["^", "**"]), st.integers(0, 3)).map(lambda t: f"({t[0]}){t[1]}{t[2]}"),
            inner.map(lambda t: f"-({t})"),
        )

    return st.recursive(leaf, grow, max_leaves=6)


@given(trees(), st.tuples(*[st.fractions(-2, 2, max_denominator=3)] * 3))
@settings(max_examples=150, deadline=None)
def test_a_polynomial_has_the_values_of_its_text(text, point):
    p = parse_polynomial(text, NAMES)
    value = sum(
        (
            Fraction(int(c.p), int(c.q)) * point[0] ** int(e[0]) * point[1] ** int(e[1]) * point[2] ** int(e[2])
            for e, c in p.to_dict().items()
        ),
        Fraction(0),
    )
    expected = sympy.sympify(text.replace("^", "**"), rational=True).subs(
        dict(zip(sympy.symbols(NAMES), map(sympy.Rational, point), strict=True))
    )
    assert sympy.Rational(value) == expected


@given(trees())
@settings(max_examples=60, deadline=None)
def test_printing_and_sympy_are_read_back(text):
    p = parse_polynomial(text, NAMES)
    assert parse_polynomial(str(p), NAMES) == p
    assert parse_polynomial(sympy.sympify(text.replace("^", "**"), rational=True), NAMES) == p
    assert parse_polynomial(p, NAMES) == p


def test_precedence_and_order_of_variables():
    assert str(parse_polynomial("-x^2")) == "-x^2"
    assert parse_polynomial("2^3^2", []) == 512
    assert parse_polynomial("1/2*x", ["x"]) == parse_polynomial("x/2", ["x"])
    assert parse_polynomials(["b*a", "c"])[1].context().names() == ("b", "a", "c")
    assert parse_polynomial("x − y·z", NAMES) == parse_polynomial("x-y*z", NAMES)


BAD = [
    ("x**2 + )", "character 8", ""),
    ("x + 0.25*y", "0.25", "1/4"),
    ("1e-3*x", "1e-3", "1/1000"),
    ("2x", "character 2", "2*x"),
    ("x y", "character 3", "x*y"),
    ("x(y+1)", "x(…)", "x*(…)"),
    ("(x+1)(y+1)", "character 6", "operator"),
    ("(x+y", "never closed", ""),
    ("", "empty", ""),
    ("x**y", "exponent", ""),
    ("x**-1", "exponent -1", ""),
    ("x**(1/2)", "1/2", ""),
    ("1/x", "division by x", ""),
    ("x/0", "division by zero", ""),
    ("x @ y", "'@'", ""),
    ("(x+y^2)**1500", "degree", ""),
    ("sin(x)", "sin", "expands"),
    ("(x+y+z)**100000", "100000", ""),
    ("(x+y+z+a+b+c+d+e)**40", "terms", ""),
    ("((10^1000)^1000)^1000*x", "bits", ""),
    ("(" * 500 + "x" + ")" * 500, "nested", ""),
    ("-" * 3 + "(" * 200 + "x", "nested", ""),
    ("9" * 5000, "digits", ""),
    ("x" * 300_000, "300000 characters", ""),
    ("__import__('os')", "", ""),
]


@pytest.mark.parametrize(("text", "shown", "remedy"), BAD)
def test_bad_text_is_refused_with_position_and_remedy(text, shown, remedy):
    with pytest.raises(ParseError) as caught:
        parse_polynomial(text)
    assert shown in str(caught.value)
    assert remedy in str(caught.value)


def test_the_caret_stands_under_the_place():
    with pytest.raises(ParseError) as caught:
        parse_polynomial("x**2 + )")
    shown, caret = str(caught.value).splitlines()[1:3]
    assert shown[caret.index("^")] == ")"


def test_a_long_sum_is_no_deep_recursion():
    assert parse_polynomial("+".join(["x*y"] * 5000)) == parse_polynomial("5000*x*y")


def test_floats_and_unknown_variables():
    with pytest.raises(ParseError, match="1/10"):
        parse_polynomial(0.1)
    with pytest.raises(ParseError, match="did you mean alpha"):
        parse_polynomial("alpa", ["alpha", "y"])
    with pytest.raises(ParseError):
        parse_polynomial(sympy.Float(0.5) * sympy.Symbol("x"))


def test_domains():
    assert [str(g) for g in parse_domain("x>=0; 0<=y<=1", ["x", "y"])] == ["x", "y", "-y + 1"]
    assert [str(g) for g in parse_domain("x >= y^2", ["x", "y"])] == ["-y^2 + x"]
    for bad in ("x>0", "x=0", "x", "x>=w"):
        with pytest.raises(ParseError):
            parse_domain(bad, ["x", "y"])


def test_boxes():
    assert parse_box("-3/2:1, -1:1", ["x", "y"]) == {"x": (fmpq(-3, 2), 1), "y": (-1, 1)}
    assert parse_box("y=0:1,x=-1:1", ["x", "y"])["y"] == (0, 1)
    for bad in ("0:1", "1:0,0:1", "0:1,0:1,0:1", "0,1", "w=0:1,x=0:1"):
        with pytest.raises(ParseError):
            parse_box(bad, ["x", "y"])


def test_points():
    assert parse_point("y=1, x=1/2", ["x", "y"]) == (fmpq(1, 2), 1)
    assert parse_point([0, Fraction(1, 3)], ["x", "y"]) == (0, fmpq(1, 3))
    assert parse_point("sqrt(9/4)", ["x"]) == (fmpq(3, 2),)
    (minus,) = parse_point("-sqrt(2)", ["x"])
    assert minus.low < minus.high <= 0
    (root,) = parse_point("root(t^3-2, 1)", ["x"])
    assert root.polynomial == fmpq_poly([-2, 0, 0, 1])
    for bad in ("1", "1,2,3", "x=1,x=2", "sqrt(-2),0", "root(t^2+1,1),0", "1.5,0", "a,0"):
        with pytest.raises(ParseError):
            parse_point(bad, ["x", "y"])


@given(st.lists(st.fractions(-5, 5, max_denominator=7), min_size=1, max_size=4, unique=True), st.integers(2, 30))
@settings(max_examples=60, deadline=None)
def test_real_roots_are_isolated_in_order(rational, k):
    p = fmpq_poly([-k, 0, 1])
    for q in rational:
        p *= fmpq_poly([-fmpq(q.numerator, q.denominator), 1])
    roots = isolate_real_roots(p)
    as_float = [
        float(sympy.Rational(str((r.low + r.high) / 2))) if isinstance(r, AlgebraicNumber) else float(sympy.Rational(str(r))) for r in roots
    ]
    expected = sorted({float(q) for q in rational} | {k**0.5, -(k**0.5)})
    assert len(roots) == len(expected)
    assert as_float == sorted(as_float)
    for r, true in zip(roots, expected, strict=True):
        if isinstance(r, AlgebraicNumber):
            assert float(sympy.Rational(str(r.low))) <= true <= float(sympy.Rational(str(r.high)))


def factors(text, names=("x", "y")):
    return [(str(p), q) for p, q in parse_prior(text, list(names)).factors]


def test_priors():
    assert factors("1") == []
    assert factors("abs(x)") == factors("|x|") == [("x", 1)]
    assert factors("abs(y)**(1/2)*exp(-x**2)/(1+x^2)") == [("y", Fraction(1, 2)), ("x^2 + 1", -1)]
    assert factors("sin(x)^2") == [("x", 2)]
    assert factors("cos(x)*tanh(x*y)") == [("x*y", 1)]
    assert factors("1-cos(x)") == [("x^2", 1)]
    assert factors("x^2*y^2*x") == [("x", 3), ("y", 2)]
    assert parse_prior("sin(x)+y^2", ["x", "y"]).remainder_order == 13
    assert parse_prior("sin(x)-x+x^2", ["x", "y"]).remainder_order is None
    for bad in ("0", "-x", "x*w", "abs(x)+y", "0.5*x"):
        with pytest.raises(ParseError):
            parse_prior(bad, ["x", "y"])
