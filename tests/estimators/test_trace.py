"""Traces: killed at any moment and resumed with the same bits; damaged, foreign and unwritable folders; ArviZ."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from germ.errors import TraceError
from germ.estimators.chains import estimate_by_chains
from germ.sampling import trace as trace_module

SCRIPT = """
import sys, torch
from torch import nn
import germ.sampling.trace as trace_module
from germ.estimators.chains import estimate_by_chains
trace_module._INTERVAL, trace_module._SHARE = 0.01, 1.0
g = torch.Generator().manual_seed(0)
x = torch.randn(300, 4, generator=g)
y = x @ torch.randn(4, 2, generator=g)
model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.randn(p.shape, generator=g) / 2)
loss = lambda model, batch: (model(batch[0]) - batch[1]).square().sum(1)
print("ready", flush=True)
"""
RUN = "estimate_by_chains(model, loss, (x, y), **{options!r}, trace=sys.argv[1] if len(sys.argv) > 1 else None)"
OPTIONS = {"draws": 600, "burn_in": 60, "chains": 2, "batch_size": 50, "seed": 5}


def run_script(options):
    space = {}
    exec(SCRIPT.replace('print("ready", flush=True)', ""), space)
    return estimate_by_chains(space["model"], space["loss"], (space["x"], space["y"]), **options)


@pytest.mark.parametrize("kernel", ["sgld", pytest.param("sgnht", marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_resumed_with_the_same_bits(tmp_path, kernel):
    options = OPTIONS | {"kernel": kernel, "step_size": 1e-3, "localization": 1.0}
    script, folder = tmp_path / "run.py", tmp_path / "trace"
    script.write_text(SCRIPT + RUN.format(options=options))
    dice, kills, commits = random.Random(kernel), 0, []
    while True:
        process = subprocess.Popen([sys.executable, str(script), str(folder)], stdout=subprocess.PIPE)
        process.stdout.readline()
        if kills < 3:
            deadline = time.monotonic() + 60
            wanted = dice.randint(1, 12) + (commits[-1] if commits else 0)  # commits that are let through before the kill
            while time.monotonic() < deadline and process.poll() is None:
                if commit_number(folder) >= wanted:
                    time.sleep(dice.random() * 0.02)
                    break
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            kills += 1
            process.wait()
            commits.append(commit_number(folder))
        else:
            assert process.wait(timeout=120) == 0
            break
        process.stdout.close()
    process.stdout.close()
    assert commits[0] >= 1  # the first kill came in the middle of sampling
    assert json.loads((folder / "run.json").read_text())["complete"]
    straight = run_script(options)
    with xr.open_datatree(folder / "draws.zarr", engine="zarr", consolidated=False) as resumed:
        for group in ("posterior", "sample_stats", "ladder/hot/posterior"):
            for name, values in straight.trace[group].data_vars.items():
                assert np.array_equal(values.values, resumed[group][name].values), (group, name)
    again = run_script(options | {"trace": folder})  # a complete trace is read, not run
    assert again.value == straight.value


def commit_number(folder):
    try:
        return json.loads((folder / "run.json").read_text()).get("number", 0)
    except FileNotFoundError:
        return 0


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "trace"
    return folder, run_script(OPTIONS | {"trace": folder})


def test_arviz_takes_the_trace(finished):
    az = pytest.importorskip("arviz", reason="ArviZ is in the extra 'bayes'")
    import matplotlib as mpl

    mpl.use("Agg")
    _, found = finished
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ArviZ's own calls into matplotlib
        assert az.plot_trace(found.trace).shape == (1, 2)
        assert az.plot_trace(found.trace["posterior"].to_dataset()).shape == (2, 2)
        assert float(az.rhat(found.trace)["x"]) < 1.2
        assert float(az.ess(found.trace)["x"]) > 10
        posterior = found.trace["posterior"].to_dataset()
        rhat, ess = az.rhat(posterior), az.ess(posterior, method="mean")
    assert float(rhat["learning_coefficient"]) == pytest.approx(found.diagnostics["rhat"], abs=0.02)
    assert float(ess["learning_coefficient"]) == pytest.approx(found.diagnostics["ess"], rel=0.25)


def copy_of(folder, tmp_path, *, complete=False):
    import shutil

    shutil.copytree(folder, tmp_path / "copy")
    run = json.loads((folder / "run.json").read_text()) | {"complete": complete}
    (tmp_path / "copy/run.json").write_text(json.dumps(run))
    return tmp_path / "copy"


def test_a_truncated_run_file_is_damage(finished, tmp_path):
    copied = copy_of(finished[0], tmp_path)
    (copied / "run.json").write_text((copied / "run.json").read_text()[:100])
    with pytest.raises(TraceError, match=r"run\.json is truncated"):
        run_script(OPTIONS | {"trace": copied})


def test_changed_or_missing_draws_are_damage(finished, tmp_path):
    copied = copy_of(finished[0], tmp_path, complete=True)
    chunk = copied / "draws.zarr/posterior/loss_difference/c/0/0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 0xFF
    chunk.write_bytes(bytes(data))
    with pytest.raises(TraceError, match="damaged"):
        run_script(OPTIONS | {"trace": copied})
    for file in (copied / "draws.zarr/posterior/loss_difference").rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(TraceError, match="damaged"):
        run_script(OPTIONS | {"trace": copied})


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_truncated_chunk_of_draws_is_damage(finished, tmp_path, cut):
    copied = copy_of(finished[0], tmp_path, complete=True)
    chunk = copied / "draws.zarr/posterior/loss_difference/c/0/0"
    chunk.write_bytes(chunk.read_bytes()[:cut])
    with pytest.raises(TraceError, match="damaged") as caught:
        run_script(OPTIONS | {"trace": copied})
    assert "restore the folder, or delete it" in str(caught.value)


@pytest.mark.parametrize("name", ["zarr.json", "posterior/loss_difference/zarr.json"])
def test_truncated_metadata_are_damage(finished, tmp_path, name):
    copied = copy_of(finished[0], tmp_path, complete=True)
    file = copied / "draws.zarr" / name
    file.write_text(file.read_text()[:30])
    with pytest.raises(TraceError, match="damaged"):
        run_script(OPTIONS | {"trace": copied})


def test_a_truncated_state_is_damage(tmp_path, monkeypatch):
    # Interrupted by a full disk after some commits, then the state is cut: the draws may be right, but the run cannot go on from them.
    monkeypatch.setattr(trace_module, "_INTERVAL", 0.0)
    monkeypatch.setattr(trace_module, "_SHARE", 1e9)
    save, count = trace_module.save_file, []

    def full(*arguments):
        count.append(1)
        if len(count) > 3:
            raise OSError(28, "No space left on device")
        save(*arguments)

    monkeypatch.setattr(trace_module, "save_file", full)
    folder = tmp_path / "trace"
    with pytest.raises(TraceError, match="what was committed is intact"):
        run_script(OPTIONS | {"localization": 1.0, "trace": folder})
    monkeypatch.setattr(trace_module, "save_file", save)
    state = folder / json.loads((folder / "run.json").read_text())["state"]
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
    with pytest.raises(TraceError, match=r"state-\d+\.safetensors is missing or was changed"):
        run_script(OPTIONS | {"localization": 1.0, "trace": folder})


def test_a_missing_state_is_damage(finished, tmp_path):
    copied = copy_of(finished[0], tmp_path)
    run = json.loads((copied / "run.json").read_text())
    (copied / "run.json").write_text(json.dumps(run | {"state": "state-9.safetensors"}))
    with pytest.raises(TraceError, match="state-9"):
        run_script(OPTIONS | {"trace": copied})


def test_the_trace_of_another_run_is_refused(finished):
    with pytest.raises(TraceError, match="another run: it differs in seed"):
        run_script(OPTIONS | {"trace": finished[0], "seed": 6})
    model = nn.Linear(4, 2)
    with pytest.raises(TraceError, match="parameters, data"):
        estimate_by_chains(model, lambda m, b: m(b[0]).square().sum(1), (torch.randn(50, 4),), trace=finished[0], **OPTIONS)


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(TraceError, match="not a trace"):
        run_script(OPTIONS | {"trace": tmp_path})
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(TraceError):
        run_script(OPTIONS | {"trace": tmp_path / "thesis.tex"})


def test_a_full_disk_is_told_and_what_was_committed_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(trace_module, "_INTERVAL", 0.0)
    monkeypatch.setattr(trace_module, "_SHARE", 1e9)
    save, count = trace_module.save_file, []

    def full(*arguments):
        count.append(1)
        if len(count) > 5:
            raise OSError(28, "No space left on device")
        save(*arguments)

    monkeypatch.setattr(trace_module, "save_file", full)
    options = OPTIONS | {"localization": 1.0, "step_size": 1e-3}  # on a busy machine calibration ends early, at another step size
    with pytest.raises(TraceError, match="No space left"):
        run_script(options | {"trace": tmp_path / "trace"})
    monkeypatch.setattr(trace_module, "save_file", save)
    resumed = run_script(options | {"trace": tmp_path / "trace"})
    assert np.array_equal(resumed.trace["posterior"]["loss_difference"], run_script(options).trace["posterior"]["loss_difference"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; run as another user")
def test_an_unwritable_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(TraceError, match="cannot be written"):
        run_script(OPTIONS | {"trace": tmp_path / "trace"})
