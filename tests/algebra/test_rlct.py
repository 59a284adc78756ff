import json
from fractions import Fraction
from pathlib import Path

import pytest

from germ import Bound, Exact, NotApplicable, compute_rlct
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
