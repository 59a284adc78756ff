"""`germ llc`: run files, flags, checkpoints, and what is refused."""

import json
import pickle
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from germ.cli import app, main

NETWORK = """
import torch
class Product(torch.nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.a, self.b = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
        self.scale = scale
    def forward(self, x):
        return self.scale * x * self.a * self.b
def make(**arguments):
    return Product(**arguments)
def loss(model, batch):
    return ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2
"""


@pytest.fixture
def folder(tmp_path):
    name = f"network_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(NETWORK)
    x = np.random.default_rng(0).normal(size=(50, 1))
    np.savez(tmp_path / "data.npz", x=x, y=0 * x)
    save_file({"a": torch.tensor([0.0]), "b": torch.tensor([0.0])}, tmp_path / "w.safetensors")
    return tmp_path, name


def write(folder, *, model="make", checkpoint='checkpoint = "w.safetensors"', more="", loss="squared_error", data="data.npz"):
    path, name = folder
    (path / "run.toml").write_text(f'model = "{name}:{model}"\n{checkpoint}\ndata = "{data}"\nloss = "{loss}"\n{more}\n')
    return str(path / "run.toml")


def refuse(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["germ", "llc", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_a_node_has_one_half(folder):
    run = write(folder, more="[model_arguments]\nscale = 2.0\n[options]\nbudget = 50.0\nseed = 3")
    answer = CliRunner().invoke(app, ["llc", run, "--budget", "30", "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["kind"] == "estimate"
    assert abs(found["value"] - 0.5) < 3 * found["standard_error"] < 0.06
    assert found["settings"]["budget"] == 30
    assert found["seed"] == 3


def test_flags_choose_other_weights_and_text_is_printed(folder):
    path, name = folder
    torch.save({"a": torch.tensor([1.0]), "b": torch.tensor([0.0])}, path / "regular.pt")
    run = write(folder)
    answer = CliRunner().invoke(app, ["llc", run, "--checkpoint", "regular.pt", "--loss", f"{name}:loss"])
    assert answer.stdout.startswith("λ̂ = 0.5 ± 0 (n = 50")


def test_chain_options_select_chains(folder):
    path, _ = folder
    save_file({"a": torch.tensor([1.0]), "b": torch.tensor([0.0])}, path / "w.safetensors")
    run = write(folder)
    answer = CliRunner().invoke(app, ["llc", run, "--chains", "2", "--draws", "40", "--kernel", "hmc", "--budget", "3", "--json"])
    assert json.loads(answer.stdout)["settings"]["chains"] == 2


def test_not_applicable_is_printed(folder):
    path, name = folder
    (path / f"{name}.py").write_text(
        NETWORK.replace("return self.scale * x * self.a * self.b", "return torch.relu(self.a) * x + 0 * self.b")
    )
    answer = CliRunner().invoke(app, ["llc", write(folder)])
    assert answer.stdout.startswith("not applicable: the loss is analytic at w*")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"more": "colour = 1"}, "unknown key 'colour'"),
        ({"more": "budget = 1"}, r"write it under \[options\]"),
        ({"more": "[options]\nstepsize = 1"}, "unknown option 'stepsize'"),
        ({"more": '[options]\nbudget = "60"'}, "option budget = '60' (str)"),
        ({"more": "[options]\nbudget = -1"}, "got budget=-1"),
        ({"more": "[options]\nchains = 1.5"}, "an integer"),
        ({"more": "[options]\nnbeta = -3.0"}, "nbeta"),
        ({"more": "[options]\nlocalization = -3.0"}, "localization"),
        ({"checkpoint": 'checkpoint = "none.safetensors"'}, "there is no file"),
        ({"checkpoint": "checkpoint = 3"}, "checkpoint = 3 (int)"),
        ({"checkpoint": 'checkpoint = "evil.pkl"'}, "could run code"),
        ({"checkpoint": 'checkpoint = "cut.safetensors"'}, "not a safetensors file"),
        ({"checkpoint": 'checkpoint = "other.safetensors"'}, "does not fit the model"),
        ({"checkpoint": "checkpoint = "}, "is not TOML"),
        ({"model": "absent"}, "has no 'absent'"),
        ({"model": "loss"}, "cannot be called"),
        ({"loss": "crossentropy"}, '"module:function", or one of cross_entropy'),
        ({"data": "none.npz"}, "cannot be read"),
        ({"data": "one.npz"}, "a data set of one sample"),
        ({"data": "empty.npz"}, "an empty data set"),
    ],
)
def test_bad_run_files_say_what_to_do(folder, monkeypatch, capsys, change, message):
    path, _ = folder
    (path / "evil.pkl").write_bytes(pickle.dumps({"a": print}))
    (path / "cut.safetensors").write_bytes((path / "w.safetensors").read_bytes()[:40])
    save_file({"c": torch.zeros(3)}, path / "other.safetensors")
    np.savez(path / "one.npz", x=np.zeros((1, 1)), y=np.zeros((1, 1)))
    np.savez(path / "empty.npz", x=np.zeros((0, 1)), y=np.zeros((0, 1)))
    printed = refuse(monkeypatch, capsys, write(folder, **change))
    assert message.replace("\\", "") in printed
    assert "expected:" in printed
    assert "what to do:" in printed


def test_missing_keys_and_files(folder, monkeypatch, capsys):
    path, _ = folder
    (path / "run.toml").write_text('model = "m:f"\n')
    assert "data is missing" in refuse(monkeypatch, capsys, str(path / "run.toml"))
    assert "cannot be read" in refuse(monkeypatch, capsys, str(path / "absent.toml"))


def test_unwritable_trace_is_an_error(folder, monkeypatch, capsys):
    path, _ = folder
    (path / "taken").write_text("a file")
    run = write(folder, more='[options]\ntrace = "taken"\nchains = 2\ndraws = 10\nbudget = 2')
    assert "TraceError" in refuse(monkeypatch, capsys, run)
