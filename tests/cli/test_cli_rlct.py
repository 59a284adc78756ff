import json

from typer.testing import CliRunner

from germ.cli import app

RUN = CliRunner()


def test_a_polynomial_is_answered_in_one_line():
    assert RUN.invoke(app, ["rlct", "x**2*y**2"]).stdout.strip() == "λ = 1/2, m = 2, exact (Newton polyhedron, nondegenerate)"


def test_json_has_the_promised_keys():
    shown = json.loads(RUN.invoke(app, ["rlct", "--ideal", "a*b+c*d", "a*b**3+c*d**3", "--json"]).stdout)
    assert {"kind": "exact", "lambda": "2/3", "m": 1, "lower": "2/3", "upper": "2/3"}.items() <= shown.items()
    assert {"method", "charts", "seconds", "point"} <= set(shown)


def test_domain_prior_point_and_box():
    shown = RUN.invoke(app, ["rlct", "--ideal", "x+y**2", "--domain", "x>=0", "--prior", "abs(y)**(1/2)", "--at", "0,0"]).stdout
    assert shown.startswith("λ = 7/8, m = 1")
    found = json.loads(RUN.invoke(app, ["rlct", "y**2+x**2*(x-1)**4", "--box", "-1:2,-1:1", "--json"]).stdout)
    assert (found["lambda"], found["m"], found["point"]) == ("3/4", 1, {"x": "1", "y": "0"})
