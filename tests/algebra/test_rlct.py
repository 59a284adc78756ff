import json
from fractions import Fraction
from pathlib import Path

import pytest

from germ import Bound, Exact, NotApplicable, compute_rlct
from germ.algebra.resolution import Budget
from germ.checker.check import check_certificate
from germ.errors import InputError, ParseError

GERMS = {row["id"]: row for row in json.loads((Path(__file__).parents[1] / "data" / "germs.json").read_text())["rows"]}


def ask(row, **more):
    subject = row.get("polynomial") or row["ideal"]
    return compute_rlct(subject, domain=row.get("domain"), prior=row.get("prior"), box=row.get("box"), **more)


@pytest.mark.parametrize("name", GERMS)
def test_germs_with_known_values(name):
    row = GERMS[name]
    found = ask(row, budget=200)  # none needs more than some seconds, but the machine may be busy
    assert isinstance(found, Exact), found
    assert (found.learning_coefficient, found.multiplicity) == (Fraction(row["lambda"]), row["m"])


@pytest.mark.parametrize("nodes", [1, 10, 20])
@pytest.mark.parametrize("name", ["rrr333_0", "tanh4", "daisy", "t345"])
def test_a_budget_of_nodes_turns_into_bounds_that_contain_the_truth(name, nodes):
    row = GERMS[name]
    found = ask(row, budget=Budget(seconds=1000, nodes=nodes))
    assert isinstance(found, Bound)
    assert "budget" in found.reason
    assert found.lower <= Fraction(row["lambda"]) <= found.upper
    assert found.details["nodes"] < nodes + 100


def test_inequalities_that_always_hold_change_nothing():
    plain = compute_rlct(["x*z", "x-y^2"])
    held = compute_rlct(["x*z", "x-y^2"], domain="y-y>=0; 1>=0")
    assert (held.learning_coefficient, held.multiplicity) == (plain.learning_coefficient, plain.multiplicity)


LARGE = {
    "a cube of thirty variables": "(" + "+".join(f"x{i}" for i in range(30)) + ")^3 + x0^4*x1^5",
    "thirty powers": "+".join(f"x{i}^{i + 2}" for i in range(30)),
    "high degrees": "x^500 - y^499*z + z^777*x^3",
    "matrices of four rows": ["+".join(f"a{i}{k}*b{k}{j}" for k in range(4)) for i in range(4) for j in range(4)],
    "fourteen parabolas": "*".join(f"(x - {k}*y + z^{k})" for k in range(1, 15)),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_germs_end_in_bounds(name):
    found = compute_rlct([*LARGE[name]] if isinstance(LARGE[name], list) else [LARGE[name]], budget=Budget(seconds=1000, nodes=8))
    assert isinstance(found, Bound)
    assert found.lower <= found.upper


def test_a_budget_turns_into_bounds_that_contain_the_truth():
    row = GERMS["rrr333_0"]
    found = ask(row, budget=0.02)
    assert isinstance(found, Bound)
    assert found.lower <= Fraction(row["lambda"]) <= found.upper


BAD = [
    (("x*y",), {}, "K is negative", "--ideal"),
    (("x^3+y^2",), {}, "K is negative", ""),
    (("x^2+1",), {}, "not zero at the point x = 0", "--at"),
    (("x^2-x",), {"at": "2"}, "= 2", ""),
    (("x-x",), {}, "zero everywhere", ""),
    (("7",), {}, "no variables", ""),
    (("x^2",), {"domain": "x>=1"}, "outside of the domain", ""),
    (("x^2",), {"domain": "x>=0; x<=0"}, "no interior", ""),
    (("x^2",), {"domain": "x>0"}, "'>'", ">="),
    (("x^2",), {"at": "y=0"}, "no variable for y", ""),
    (("x^2",), {"at": "0.5"}, "0.5", "1/2"),
    (("x^2+y^2",), {"box": "0:1"}, "no interval for y", ""),
    (("x^2",), {"box": "1:0"}, "empty interval", ""),
    (("x^2+1",), {"box": "0:1"}, "no zero", ""),
    (("x^2 + )",), {}, "character 7", ""),
    (("0.5*x^2",), {}, "0.5", "1/2"),
    (([],), {}, "without generators", ""),
    (("x^2",), {"budget": -1}, "budget", ""),
    (("sin(x)^2",), {"box": "0:1"}, "analytic", "point"),
    (("exp(x)",), {}, "not zero at the origin", "--at"),
    (("x^2",), {"budget": "soon"}, "a budget of 'soon'", "seconds"),
    (("x^2",), {"budget": float("nan")}, "a budget of nan", "positive"),
    (("x^2",), {"domain": "x^2<=-1"}, "outside of the domain", ""),
    (("x^2",), {"domain": "x^3>=0; x^3+x<=0"}, "no interior", ""),
    (("x^2",), {"domain": "x=0"}, "'='", "inequality"),
    (("x^2",), {"box": "z=0:1"}, "unknown variable 'z'", "x"),
    (("x^2",), {"at": "sqrt(-1)"}, "is not real", "a real point"),
    (("x^2",), {"at": "sqrt(y)"}, "unknown variable 'y'", ""),
    (("x^2-2",), {"at": "sqrt(3)"}, "not zero at the point x = root of x^2 + (-3)", ""),
    (("x^2+y^2",), {"at": "root(x*y-1, 1), 0"}, "2 variables", "root(t^2-2, 1)"),
    (("x^2",), {"at": "root(t^2+1, 1)"}, "root number 1", "real root"),
    (("x^2",), {"at": {"x": 0.5}}, "the float 0.5", "1/2"),
    (("x^2",), {"prior": "-abs(x)"}, "negative density", "abs"),
    (("(x+y+z)^100000",), {}, "the exponent 100000", "at most"),
    (("(x+y+z+w+u+v)^60",), {}, "terms", "at most"),
    (("x^x",), {}, "not a number", "whole number"),
    (("x^2/y",), {}, "division by y", "multiply out"),
    (("2x^2",), {}, "two factors without a sign", "2*x"),
    (("__import__('os').system('ls')",), {}, "unexpected character", ""),
    (([["x"]],), {}, "type list", "a text"),
    (("(" * 500 + "x",), {}, "nested", ""),
]


@pytest.mark.parametrize(("arguments", "options", "shown", "remedy"), BAD)
def test_bad_questions_are_refused(arguments, options, shown, remedy):
    with pytest.raises((InputError, ParseError)) as caught:
        compute_rlct(*arguments, **options)
    assert shown in str(caught.value)
    assert remedy in str(caught.value)


def test_a_prior_without_a_finite_integral_is_not_applicable():
    found = compute_rlct("x^2+y^2", prior="1/(x^2+y^2)")
    assert isinstance(found, NotApplicable)
    assert "finite integral" in found.hypothesis


VALUES = [
    ("x^2", {"prior": "abs(x)**(-1/2)"}, "1/4", 1),
    ("(x^2-2)^2*y^2", {"at": "sqrt(2),0"}, "1/2", 2),
    ("(x-1)^2+(y+1/2)^4", {"at": "1,-1/2"}, "3/4", 1),
    ("x^2", {"domain": ["x-y^4"]}, "5/8", 1),
    (["x^2+y^2-1"], {"everywhere": True}, "1/2", 1),
    (["x^2-2"], {"box": {"x": (0, 2)}}, "1/2", 1),
    ("1-cos(x)", {}, "1/2", 1),
    (["a*tanh(b)"], {}, "1/2", 2),
    ("(exp(x*y)-1)**2 * cosh(x)", {}, "1/2", 2),
    ("1-cos(x*y)", {}, "1/2", 2),
    (["t+sin(x*t)"], {}, None, None),
    ("(sin(x)-x)**2+y**2", {}, "2/3", 1),
    (["sin(x)-x", "y"], {"domain": "y>=0", "prior": "abs(y)"}, "7/6", 1),
    (["a*tanh(b)+c*tanh(d)"], {}, None, None),
    ("x^4*y^2+x^2*y^4+z^6-3*x^2*y^2*z^2", {}, "1/2", 1),
    ("(1-x)^2", {"domain": "x^2+y^2<=1", "at": "1,0"}, "3/4", 1),
    ("(1-x)^2", {"domain": "x^2+y^2<=1", "everywhere": True}, "3/4", 1),
    (["x"], {"domain": "y>=0; y<=x^2; x>=0"}, "3/2", 1),
    (["a*b+c*d-1", "a*b^3+c*d^3-1", "a*b^5+c*d^5-1"], {"at": "a=1/2,b=1,c=1/2,d=1"}, "5/4", 1),
    ("x^2", {"domain": "x^2<=y"}, "1/2", 1),
    (["x*y"], {"prior": "abs(x)**(-1/2)"}, "1/4", 1),
]


@pytest.mark.parametrize(("subject", "options", "value", "m"), VALUES)
def test_points_priors_domains_and_boxes(subject, options, value, m):
    found = compute_rlct(subject, **options)
    if value is None:
        assert isinstance(found, Bound)
    else:
        assert (found.learning_coefficient, found.multiplicity) == (Fraction(value), m)


def test_exact_answers_carry_certificates_that_the_checker_accepts():
    for name in ("E8s", "sqrt2", "cone3", "t345", "bd_cusp", "prior_E2", "gmm2", "rrr222_0", "glob1"):
        row = GERMS[name]
        verdict = check_certificate(json.loads(json.dumps(ask(row).certificate)))
        assert (verdict.lower, verdict.multiplicity) == (Fraction(row["lambda"]), row["m"])
