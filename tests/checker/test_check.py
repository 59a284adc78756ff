"""Certificates written by hand from the specification, and what the checker says to files that are not certificates."""

import copy
import json

import pytest

from germ.checker.check import check_certificate, load_certificate
from germ.errors import CertificateError


def coordinate(order=0, weight="0", sign="any"):
    return {"N": order, "h": weight, "sign": sign}


def state(local, base=None, ideal=(), **rest):
    return {"local": local, "base": base or {}, "ideal": list(ideal), **rest}


def node(parent, state, step, children=()):
    return {"parent": parent, "state": state, "step": step, "children": list(children)}


def certificate(kind, variables, generators, claim, nodes, optimal):
    problem = {"kind": kind, "variables": variables, "generators": generators, "point": dict.fromkeys(variables, "0")}
    return {
        "format": "germ certificate", "version": 1, "problem": problem,
        "claim": claim, "nodes": nodes, "optimal": optimal,
    }  # fmt: skip


def leaf(variables, exponents, h, primal, dual, value, m, monomials, units=None):
    units = units or ["1"] * len(monomials)
    entries = [{"monomial": a, "unit": u, "why": {"why": "terms"}} for a, u in zip(monomials, units, strict=True)]
    return {
        "kind": "monomial", "variables": variables, "exponents": exponents, "h": h, "units": entries,
        "primal": primal, "dual": dual, "lambda": value, "m": m,
    }  # fmt: skip


def normal_crossing():
    # K = x²y²: λ = 1/2, m = 2.
    step = leaf(["x", "y"], [[2, 2]], ["0", "0"], ["1/4", "1/4"], ["1/2"], "1/2", 2, [{"x": 2, "y": 2}])
    root = node(None, state({"x": coordinate(), "y": coordinate()}, ideal=["x^2*y^2"]), step)
    optimal = {"node": 0, "path": [0], "witness": {"values": {}}}
    return certificate("polynomial", ["x", "y"], ["x^2*y^2"], {"lambda": "1/2", "m": 2}, [root], optimal)


def tangent_parabola():
    # Ideal <x + y²> is a coordinate: λ = 1/2, m = 1.
    root_state = state({"x": coordinate(), "y": coordinate()}, ideal=["x + y^2"])
    step = {"kind": "coordinate", "variable": "x", "polynomial": "x + y^2", "mode": "linear", "coefficient": "1"}
    child = state({"x": coordinate(), "y": coordinate()}, ideal=["x"])
    final = leaf(["x"], [[1]], ["0"], ["1"], ["1"], "1", 1, [{"x": 1}])
    optimal = {"node": 1, "path": [0, 1], "witness": {"values": {}}}
    nodes = [node(None, root_state, step, [1]), node(0, child, final)]
    return certificate("ideal", ["x", "y"], ["x+y**2"], {"lambda": "1/2", "m": 1}, nodes, optimal)


def definite_form():
    # K = x² + 2y²: blown up with the symmetries x → -x, y → -y; two charts, each p²(1 + 2u²) or p²(u² + 2): λ = 1, m = 1.
    root_state = state({"x": coordinate(), "y": coordinate()}, ideal=["x^2 + 2*y^2"])
    charts = [{"pivot": "x", "sign": 1, "before": []}, {"pivot": "y", "sign": 1, "before": ["x"]}]
    step = {"kind": "blowup", "weights": {"x": 1, "y": 1}, "charts": charts, "symmetries": [{"x": "-x"}, {"y": "-y"}]}
    pivot = coordinate(0, "1", "nonnegative")
    first = state({"x": pivot}, {"y": coordinate()}, ["x^2 + 2*x^2*y^2"])
    second = state({"x": coordinate(), "y": pivot}, {}, ["x^2*y^2 + 2*y^2"])
    leaves = [
        leaf(["x"], [[2]], ["1"], ["1/2"], ["1"], "1", 1, [{"x": 2}], ["1 + 2*y^2"]),
        leaf(["y"], [[2]], ["1"], ["1/2"], ["1"], "1", 1, [{"y": 2}], ["x^2 + 2"]),
    ]
    nodes = [node(None, root_state, step, [1, 2]), node(0, first, leaves[0]), node(0, second, leaves[1])]
    optimal = {"node": 1, "path": [0, 1], "witness": {"values": {"y": "3"}}}
    return certificate("polynomial", ["x", "y"], ["x^2 + 2*y^2"], {"lambda": "1", "m": 1}, nodes, optimal)


EXAMPLES = {"normal crossing": normal_crossing, "tangent parabola": tangent_parabola, "definite form": definite_form}


@pytest.mark.parametrize("name", EXAMPLES)
def test_certificates_written_by_hand_are_accepted(name):
    document = EXAMPLES[name]()
    verdict = check_certificate(document)
    assert str(verdict.lower) == document["claim"]["lambda"]
    assert verdict.multiplicity == document["claim"]["m"]


def spoil(document, change):
    document = copy.deepcopy(document)
    change(document)
    return document


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("normal crossing", lambda d: d["claim"].update(m=1), "claim"),
        ("normal crossing", lambda d: d["nodes"][0]["step"].update(m=1), "m = 1"),
        ("normal crossing", lambda d: d["nodes"][0]["step"].update(primal=["1/2", "0"]), "strictly complementary"),
        ("normal crossing", lambda d: d["problem"].update(generators=["x^2*y^4"]), "node 0"),
        ("tangent parabola", lambda d: d["nodes"][1]["state"].update(ideal=["x^2"]), "is not what"),
        ("tangent parabola", lambda d: d["nodes"][0]["step"].update(polynomial="x + 2*y^2"), "is not what"),
        ("tangent parabola", lambda d: d["problem"].update(kind="polynomial"), "claim"),
        ("definite form", lambda d: d["nodes"][0]["step"].update(symmetries=[]), "< 0"),
        (
            "definite form",
            lambda d: (d["nodes"].pop(), d["nodes"][0].update(children=[1]), d["nodes"][0]["step"]["charts"].pop()),
            "no chart",
        ),
        ("definite form", lambda d: d["nodes"][1]["step"]["units"][0].update(why={"why": "sturm"}), None),
        ("definite form", lambda d: d["nodes"][0]["step"].update(symmetries=[{"x": "y", "y": "x"}]), "preserve"),
        ("definite form", lambda d: d["nodes"][1]["state"]["local"]["x"].update(h="2"), "is not what"),
    ],
)
def test_spoiled_certificates_are_rejected_with_the_reason(name, change, message):
    document = spoil(EXAMPLES[name](), change)
    if message is None:
        check_certificate(document)  # another true reason for the same unit is as good
        return
    with pytest.raises(CertificateError, match=message):
        check_certificate(document)


def test_a_base_point_without_the_whole_problem_is_no_proof_of_the_optimum():
    document = definite_form()
    document["optimal"]["witness"] = {"values": {}}
    with pytest.raises(CertificateError, match="values"):
        check_certificate(document)


def test_files_that_are_no_certificates(tmp_path):
    path = tmp_path / "cert.json"
    with pytest.raises(CertificateError, match="No such file"):
        load_certificate(path)
    path.write_text(json.dumps(normal_crossing())[:-40])
    with pytest.raises(CertificateError, match="truncated"):
        load_certificate(path)
    path.write_text("[" * 100_000)
    with pytest.raises(CertificateError):
        load_certificate(path)
    for hostile in ("x^99999999", "(" * 500 + "x" + ")" * 500, "__import__('os')", "(x+y+z+w+v)^9999"):
        document = normal_crossing()
        document["nodes"][0]["state"]["ideal"] = [hostile]
        with pytest.raises(CertificateError):
            check_certificate(document)


def test_a_circle_of_same_steps_is_refused():
    document = definite_form()
    for index, other in ((1, 2), (2, 1)):
        document["nodes"][index]["step"] = {"kind": "same", "node": other, "renaming": {"x": "y", "y": "x"}}
    with pytest.raises(CertificateError):
        check_certificate(document)
