import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from germ.algebra.division import divide
from germ.algebra.expression import parse_polynomial, parse_polynomials
from germ.algebra.groebner import (
    check_membership,
    compute_chain,
    compute_dimension,
    compute_groebner_basis,
    compute_resultant,
    decompose_principal,
)
from germ.errors import BudgetError, InputError

coefficients = st.integers(-3, 3)
polynomials = st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)), coefficients, min_size=1, max_size=3)


def as_text(terms):
    return " + ".join(f"({c})*x^{a}*y^{b}*z^{d}" for (a, b, d), c in terms.items())


def test_division_depends_on_the_order_of_divisors():
    first = divide("x^2*y + x*y^2 + y^2", ["x*y - 1", "y^2 - 1"])
    second = divide("x^2*y + x*y^2 + y^2", ["y^2 - 1", "x*y - 1"])
    assert [str(q) for q in first.quotients] == ["x + y", "1"]
    assert str(first.remainder) == "x + y + 1"
    assert str(second.remainder) == "2*x + 1"


@settings(max_examples=60, deadline=None)
@given(polynomials, st.lists(polynomials, min_size=1, max_size=3), st.sampled_from(["lex", "deglex", "degrevlex"]))
def test_division_is_an_identity_and_the_remainder_is_reduced(f, divisors, order):
    divisors = [g for g in divisors if any(g.values())]
    if not divisors:
        return
    result = divide(as_text(f), [as_text(g) for g in divisors], order, ["x", "y", "z"])
    ring = result.remainder.context()
    read = [ring.from_dict(parse_polynomial(as_text(g), ["x", "y", "z"]).to_dict()) for g in divisors]
    total = result.remainder + sum((q * g for q, g in zip(result.quotients, read, strict=True)), ring.constant(0))
    assert total == ring.from_dict(parse_polynomial(as_text(f), ["x", "y", "z"]).to_dict())
    for m in result.remainder.monoms():
        assert not any(all(a <= b for a, b in zip(g.monoms()[0], m, strict=True)) for g in read)


@settings(max_examples=40, deadline=None)
@given(st.lists(polynomials, min_size=1, max_size=3), st.sampled_from(["lex", "degrevlex"]))
def test_the_reduced_basis_is_sympys(generators, order):
    texts = [as_text(g) for g in generators if any(g.values())]
    if not texts:
        return
    ours = compute_groebner_basis(texts, order, ["x", "y", "z"]).polynomials
    x, y, z = sympy.symbols("x y z")
    theirs = sympy.groebner([sympy.sympify(t.replace("^", "**")) for t in texts], x, y, z, order="lex" if order == "lex" else "grevlex")
    expected = {
        str(parse_polynomial(p / sympy.Poly(p, x, y, z).LC(order="lex" if order == "lex" else "grevlex"), ["x", "y", "z"]))
        for p in theirs.exprs
    }
    assert {str(parse_polynomial(str(p), ["x", "y", "z"])) for p in ours} == expected


def test_trace_names_what_happened_to_each_pair():
    basis = compute_groebner_basis(["x^3 - 2*x*y", "x^2*y - 2*y^2 + x"], "deglex")
    outcomes = [s.outcome for s in basis.trace]
    assert {"new", "zero"} <= set(outcomes)
    assert [str(p) for p in basis.polynomials] == ["x^2", "x*y", "y^2 - 1/2*x"]


def test_membership_and_moment_chain():
    assert check_membership("a*b^5+c*d^5", ["a*b+c*d", "a*b^3+c*d^3"]).is_member
    assert not check_membership("a*b^3+c*d^3", ["a*b+c*d", "a*b^5+c*d^5"]).is_member
    chain = compute_chain([f"a*b^{k}+c*d^{k}+e*f^{k}" for k in (1, 3, 5, 7)])
    assert chain.stable_from == 3
    assert chain.grows == (True, True, True, False)


@pytest.mark.parametrize(
    ("generators", "dimension"),
    [(["x"], 2), (["x*y*z"], 2), (["x*y", "y*z", "x*z"], 1), (["x^2", "y", "z"], 0), (["x", "x-1"], -1), (["x^2+y^2+z^2", "x*y"], 1)],
)
def test_dimension(generators, dimension):
    assert compute_dimension(generators, ["x", "y", "z"]) == dimension


def test_resultant_and_decomposition():
    assert compute_resultant("x^2-y", "x^2-2*x-3", "x") == compute_resultant("x^2-y", "x^2-2*x-3", "x")
    (f, g, r) = parse_polynomials(["x^2-y", "x^2-2*x-3", "y^2-10*y+9"], ["x", "y"])
    assert parse_polynomial(str(compute_resultant("x^2-y", "x^2-2*x-3", "x")), ["x", "y"]) in (r, -r)
    found = decompose_principal("(x-y)^2*(x^2+y^2)^3*x")
    assert sorted(found.powers) == [1, 2, 3]


def test_limits_and_bad_input():
    with pytest.raises(BudgetError, match="not finished"):
        compute_groebner_basis(["a*b+c*d+e*f", "a*b^3+c*d^3+e*f^3", "a*b^5+c*d^5+e*f^5"], max_pairs=2)
    with pytest.raises(InputError, match="order"):
        compute_groebner_basis(["x"], "alphabetical")
    with pytest.raises(InputError, match="zero"):
        divide("x", ["y - y"])
