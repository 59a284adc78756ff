"""The example of docs/llc.md works by the commands that the page states."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from germ.cli import app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def commands():
    block = re.search(r"```sh\n(.*?)```", (ROOT / "docs" / "llc.md").read_text("utf-8"), re.S)
    return [shlex.split(line) for line in block[1].splitlines()]


def test_the_page_names_what_exists(commands):
    train, *runs = commands
    assert (ROOT / train[1]).is_file()
    assert all(run[:2] == [".venv/bin/germ", "llc"] and (ROOT / run[2]).is_file() for run in runs)


def test_the_example_trains_and_is_measured(commands, tmp_path):
    train, *runs = commands
    folder = tmp_path / "digits"
    shutil.copytree(ROOT / "examples" / "digits", folder, ignore=shutil.ignore_patterns("*.safetensors", "__pycache__"))
    script = folder / Path(train[1]).name
    done = subprocess.run([sys.executable, script, "--steps", "200"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "digits.safetensors").exists()
    options = [*runs[-1][3:], "--draws", "100", "--chains", "2"]
    answer = CliRunner().invoke(app, ["llc", str(folder / Path(runs[-1][2]).name), *options])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert 5 < found["value"] < 100
    assert found["diagnostics"]["n"] == 1437
    assert found["settings"]["localization"] == 10
