import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from germ.cli import app
from germ.errors import InputError

RUNNER = CliRunner()


def _run(*words):
    return RUNNER.invoke(app, ["compare", *words])


def test_a_family_with_its_options():
    result = _run("tanh", "--hidden", "3", "--roads", "exact,atlas")
    assert result.exit_code == 0, result.output
    assert "tanh network, 3 units" in result.output
    assert "5/6" in result.output
    assert "2 roads agree" in result.output


def test_json_and_lists_of_numbers():
    result = _run("dln", "--widths=1,1,1,1", "--roads", "exact,atlas", "--json")
    document = json.loads(result.output)
    assert document["agree"] is True
    assert [(row["road"], row["lambda"], row["m"]) for row in document["rows"]] == [("exact", "1/2", 3), ("atlas", "1/2", 3)]


def test_the_list_can_be_typed_back():
    rows = json.loads(_run("--list", "--json").output)
    assert rows["tanh"]["hidden"] == 2
    assert rows["dln"]["widths"] == [2, 2, 2, 2]
    assert "prior" not in rows["potential"]
    assert "tanh" in _run("--list").output


def test_a_problem_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from germ.problems.potential import make_potential\n"
        "def square(power: int = 2): return make_potential(f'x^{power}*y')\n"
        "def wrong():\n"
        "    from dataclasses import replace\n"
        "    return replace(make_potential('x*y'), atlas=('normal-crossing', {'k': [1, 3], 'h': None}))\n"
    )
    monkeypatch.chdir(tmp_path)
    good = _run("mine:square", "--power", "3", "--roads", "exact", "--json")
    assert json.loads(good.output)["rows"][0]["lambda"] == "1/6"
    bad = _run("mine:wrong", "--roads", "exact,atlas")
    assert bad.exit_code == 1
    assert "roads disagree: atlas" in bad.output


def test_a_figure_is_written(tmp_path):
    target = Path(tmp_path / "roads.svg")
    assert _run("cusp", "--roads", "exact", "--plot", str(target)).exit_code == 0
    assert "<svg" in target.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no problem"), (("tango",), "got the family 'tango'"), (("tanh", "--width", "3"), "'--width' is not an option of tanh"),
        (("tanh", "--hidden", "three"), "--hidden 'three'"), (("tanh", "--hidden"), "--hidden has no value"),
        (("nowhere_at_all:make",), "nowhere_at_all"), (("tanh", "--hidden", "2", "--hidden", "3"), "given twice"),
        (("tanh", "--roads", "guess"), "got the road 'guess'"), (("potential",), "no --generators"),
    ],
)  # fmt: skip
def test_impossible_command_lines(words, message):
    result = _run(*words)
    assert isinstance(result.exception, InputError), result.output
    assert message in str(result.exception)
