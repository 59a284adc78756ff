"""`germ llc`: run files, flags, checkpoints, and what is refused."""

import json
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

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
def nan(model, batch):
    return loss(model, batch) * float("nan")
def total(model, batch):
    return loss(model, (batch[0], batch[1] + 1)).sum()
def matrix(model, batch):
    return ((model(batch[0]) - batch[1]) ** 2).expand(-1, 2)
def broken(**arguments):
    raise OSError("no such device")
def frozen():
    return Product().requires_grad_(False)
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
    answer = CliRunner().invoke(app, ["llc", run, "--budget", "300", "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["kind"] == "estimate"
    assert abs(found["value"] - 0.5) < 3 * found["standard_error"] < 0.06
    assert found["settings"]["budget"] == 300
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
        ({"model": "broken"}, "failed: OSError: no such device"),
        ({"model": "frozen"}, "no parameter requires a gradient"),
        ({"loss": "{name}:nan"}, "the loss is nan"),
        ({"loss": "{name}:total"}, "a sum over the batch"),
        ({"loss": "{name}:matrix"}, "shape (16, 2)"),
        ({"data": "{name}:broken"}, "failed: OSError: no such device"),
        ({"data": "nan.npz"}, "the loss is nan"),
        ({"more": "[options]\nbudget = 0"}, "got budget=0"),
        ({"more": "[options]\nprecision = inf"}, "got precision=inf"),
        ({"more": "[options]\nlocalization = 0"}, "got localization=0"),
        ({"more": "[options]\nnbeta = 0"}, "got nbeta=0"),
        ({"more": '[options]\nparameters = ["encoder"]'}, "matches nothing"),
        ({"loss": "crossentropy"}, '"module:function", or one of cross_entropy'),
        ({"data": "none.npz"}, "cannot be read"),
        ({"data": "one.npz"}, "a data set of one sample"),
        ({"data": "empty.npz"}, "an empty data set"),
    ],
)
def test_bad_run_files_say_what_to_do(folder, monkeypatch, capsys, change, message):
    path, name = folder
    change = {key: value.replace("{name}", name) for key, value in change.items()}
    np.savez(path / "nan.npz", x=np.full((20, 1), np.nan), y=np.zeros((20, 1)))
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


CHAINS = '[options]\ntrace = "trace"\nchains = 2\ndraws = 10\nbudget = 5\nlocalization = 1.0\nstep_size = 0.01'


def test_a_damaged_trace_is_an_error_and_stays_as_it_is(folder, monkeypatch, capsys):
    path, _ = folder
    run = write(folder, more=CHAINS)
    assert CliRunner().invoke(app, ["llc", run]).exit_code == 0
    whole = (path / "trace/run.json").read_text()
    (path / "trace/run.json").write_text(whole[: len(whole) // 2])
    assert "run.json is truncated" in refuse(monkeypatch, capsys, run)
    assert (path / "trace/run.json").read_text() == whole[: len(whole) // 2]
    (path / "trace/run.json").write_text(whole)
    assert "differs in seed" in refuse(monkeypatch, capsys, run, "--seed", "1")
    assert CliRunner().invoke(app, ["llc", run]).exit_code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_an_error(folder):
    path, _ = folder
    command = [sys.executable, "-m", "germ", "llc", write(folder, more=CHAINS.replace('trace = "trace"', ""))]
    with open("/dev/full", "w") as full:
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=path)
    assert told.returncode != 0
    assert "No space left on device" in told.stderr
    assert "Traceback" not in told.stderr


def test_ctrl_c_ends_with_130(folder):
    run = write(folder, more=CHAINS.replace("draws = 10", "draws = 10000000").replace("budget = 5", "budget = 600"))
    # A shell starts background jobs with SIGINT ignored, and so may whatever runs these tests.
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from germ.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", listening, "llc", run], stderr=subprocess.PIPE, text=True)
    trace = folder[0] / "trace" / "run.json"
    while process.poll() is None and not trace.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    try:
        told = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in told
    assert not json.loads(trace.read_text())["complete"]
