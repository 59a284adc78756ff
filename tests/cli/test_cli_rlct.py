import json
import sys

import pytest

import germ.cli


def run(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["germ", *arguments])
    with pytest.raises(SystemExit) as exit_:
        germ.cli.main()
    out, err = capsys.readouterr()
    return exit_.value.code, out, err


@pytest.mark.parametrize(
    ("arguments", "value", "multiplicity"),
    [
        (["x**2*y**2"], "1/2", 2),
        (["--ideal", "a*b+c*d", "a*b**3+c*d**3"], "2/3", 1),
        (["--ideal", "x+y**2", "--domain", "x>=0", "--prior", "abs(y)**(1/2)", "--at", "0,0"], "7/8", 1),
        (["y**2+x**2*(x-1)**4", "--box", "-1:2,-1:1"], "3/4", 1),
        (["--model", "tanh", "--hidden", "1"], "1/2", 2),
        (["--model", "tanh", "--hidden", "2"], "2/3", 1),
        (["--model", "tanh", "--hidden", "2", "--truth", "1:1"], "3/2", 2),
    ],
)
def test_answers_as_json(capsys, monkeypatch, arguments, value, multiplicity):
    code, out, _ = run(capsys, monkeypatch, "rlct", *arguments, "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["kind"], answer["lambda"], answer["lower"], answer["upper"]) == ("exact", value, value, value)
    assert answer["m"] == multiplicity
    assert {"method", "charts", "seconds", "point"} <= answer.keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no polynomial"),
        (["x**2", "y**2"], "--ideal"),
        (["x**2 +* y"], "unexpected"),
        (["0.5*x**2"], "1/2"),
        (["--model", "relu"], "not analytic"),
        (["--model", "tanh", "--truth", "1"], "output weights : input weights"),
        (["x**2", "--model", "tanh"], "one of them"),
        (["x**2-y**2"], "negative"),
        (["x**2+1"], "not zero at the point"),
        (["x**2", "--domain", "x>=0; -x-1>=0"], "domain"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(capsys, monkeypatch, arguments, message):
    code, out, err = run(capsys, monkeypatch, "rlct", *arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err


def test_newton_diagram_is_written(capsys, monkeypatch, tmp_path):
    path = tmp_path / "newton.png"
    code, _, _ = run(capsys, monkeypatch, "rlct", "x**4+y**6", "--plot", str(path))
    assert code == 0
    assert path.read_bytes()[:4] == b"\x89PNG"
    code, _, err = run(capsys, monkeypatch, "rlct", "x**4+y**6", "--plot", str(tmp_path / "absent" / "n.png"))
    assert code == 2
    assert "can be written" in err
