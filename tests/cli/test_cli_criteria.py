"""`germ criteria` on files that cannot be right: messages say what was found, what was expected and what to do; no number is printed."""

import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import xarray as xr

import germ
from germ.errors import DataError, GermError, InputError, MissingDependencyError, TraceError

VALUES = -(np.random.default_rng(0).normal(size=(4, 50, 20)) ** 2) / 20


def make_tree(values, dims=("chain", "draw", "y_dim_0"), **more):
    return xr.DataTree.from_dict({"/log_likelihood": xr.Dataset({"y": (dims, values)} | more)})


def save(folder, values, dims=("chain", "draw", "y_dim_0"), **more):
    make_tree(values, dims, **more).to_netcdf(folder / "p.nc", engine="h5netcdf")
    return folder / "p.nc"


def spoil(value):
    bad = VALUES.copy()
    bad[1, 5, 3] = value
    return bad


def save_bytes(folder, content, name="p.nc"):
    (folder / name).write_bytes(content)
    return folder / name


def save_cut(folder, share):
    return save_bytes(folder, (whole := save(folder, np.tile(VALUES, (1, 20, 1))).read_bytes())[: int(share * len(whole))])


def save_zarr(folder, **options):
    make_tree(VALUES).to_zarr(folder / "p.zarr", consolidated=False, **options)
    return folder / "p.zarr"


def cut_chunk(folder):
    store = save_zarr(folder)
    chunk = next(f for f in (store / "log_likelihood" / "y").rglob("*") if f.is_file() and f.name != "zarr.json")
    chunk.write_bytes(chunk.read_bytes()[:100])
    return store


def change_metadata(folder, **change):
    store = save_zarr(folder)
    path = store / "log_likelihood" / "y" / "zarr.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    return store


def nest(folder, depth=200_000):
    store = save_zarr(folder)
    (store / "log_likelihood" / "zarr.json").write_text("[" * depth + "]" * depth)
    return store


def save_zip(folder):
    with zipfile.ZipFile(folder / "p.zarr.zip", "w") as archive:
        archive.writestr("../../outside", "text")
    return folder / "p.zarr.zip"


def save_array(folder, array):
    np.save(folder / "p.npy", array, allow_pickle=array.dtype == object)
    return folder / "p.npy"


BAD = {
    "no file": (lambda f: f / "nowhere.nc", TraceError, "no file .*expected: a netCDF file.*check the path; germ does not download"),
    "truncated": (lambda f: save_cut(f, 0.5), TraceError, "cannot be read: .*a copy that was cut short looks like this"),
    "nearly whole": (lambda f: save_cut(f, 0.98), TraceError, "cannot be read: .*a copy that was cut short looks like this"),
    "empty": (lambda f: save_bytes(f, b""), TraceError, "is empty.*netCDF"),
    "a web page": (lambda f: save_bytes(f, b"<!DOCTYPE html>"), TraceError, "begins with b'<!DOCTYP'.*to_netcdf"),
    "a pickle": (lambda f: save_bytes(f, b"\x80\x04N."), TraceError, "begins with .*pickles are not read"),
    "pickled objects": (lambda f: save_array(f, np.array([{}], dtype=object)), TraceError, "Python objects.*expected: a whole netCDF"),
    "truncated array": (
        lambda f: save_bytes(f, save_array(f, VALUES).read_bytes()[:3000], "p.npy"), TraceError, "cannot be read.*cut short"),
    "truncated chunk": (cut_chunk, TraceError, r"log_likelihood\['y'\] cannot be read: .*copied in part"),
    "empty folder": (lambda f: f, TraceError, "cannot be read: .*zarr store"),
    "archive of something else": (save_zip, TraceError, "cannot be read: .*zarr store"),
    "no archive": (lambda f: save_bytes(f, b"text", "p.zip"), TraceError, "not a zip file.*zarr store"),
    "a chunk of a petabyte": (
        lambda f: change_metadata(f, chunk_grid={"name": "regular", "configuration": {"chunk_shape": [4, 50, 10**13]}}),
        TraceError, "y of .* declares .* bytes; the file has .*a file that holds the numbers it declares",
    ),
    "a codec that runs code": (
        lambda f: change_metadata(f, codecs=[{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "numcodecs.pickle"}]),
        TraceError, r"asks for the codecs \['pickle'\].*would run code from the file",
    ),
    "metadata without end": (nest, TraceError, "is not JSON.*zarr metadata.*write the store again"),
    "no log-likelihoods": (
        lambda f: (xr.DataTree.from_dict({"/posterior": xr.Dataset({"w": ("draw", [1.0])})}).to_netcdf(f / "p.nc"), f / "p.nc")[1],
        DataError, "without a group 'log_likelihood'; it has posterior.*compute_log_likelihood.*az.from_numpyro.*az.from_cmdstanpy",
    ),
    "draws stacked": (
        lambda f: save(f, VALUES.reshape(200, 20), ("sample", "y_dim_0")), DataError,
        r"has dimensions \('sample', 'y_dim_0'\).*chain and draw among them.*unstack"),
    "one chain's table": (lambda f: save_array(f, VALUES[0]), DataError, r"shape \(50, 20\).*\(chain, draw, observation\).*array\[None\]"),
    "nan": (lambda f: save(f, spoil(np.nan)), DataError, r"\['y'\] is nan at chain 1, draw 5, observation \(3,\).*finite.*find out why"),
    "-inf": (lambda f: save(f, spoil(-np.inf)), DataError, r"is -inf at chain 1, draw 5, observation \(3,\).*finite.*underflow"),
    "inf": (lambda f: save(f, spoil(np.inf)), DataError, r"is inf at chain 1, draw 5, observation \(3,\).*finite"),
    "one draw": (lambda f: save(f, VALUES[:1, :1]), DataError, r"1 draw\(s\) of 'y'.*at least two draws.*sample more"),
    "one observation": (lambda f: save(f, VALUES[:, :, :1]), DataError, r"1 observation\(s\) in 'y'.*at least two.*not their sum"),
    "summed": (lambda f: save(f, VALUES.sum(2), ("chain", "draw")), DataError, r"1 observation\(s\) in 'y'.*not their sum over the data"),
    "two variables": (
        lambda f: save(f, VALUES, z=(("chain", "draw", "k"), VALUES[:, :, :3])), DataError, "2 variables: y, z.*--variable name"),
}  # fmt: skip


def run(monkeypatch, capsys, *arguments):
    from germ.cli import main

    monkeypatch.setattr(sys, "argv", ["germ", "criteria", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code, *capsys.readouterr()


def check_message(error, kind, message):
    assert type(error) is kind
    assert error.got
    assert error.expected
    assert error.remedy
    assert re.search(message, str(error), re.DOTALL), str(error)


@pytest.mark.parametrize("name", BAD)
def test_files_that_cannot_be_right(name, tmp_path, monkeypatch, capsys):
    make, kind, message = BAD[name]
    path = make(tmp_path)
    with pytest.raises(GermError) as caught:
        germ.estimate_waic(path)
    check_message(caught.value, kind, message)
    for estimate in (germ.estimate_loo, germ.estimate_iscv, germ.estimate_singular_fluctuation):
        with pytest.raises(kind):
            estimate(path)
    for options in ([], ["--json"]):
        code, out, err = run(monkeypatch, capsys, path, *options)
        assert code == 2
        assert not out
        assert err.startswith(f"germ: {kind.__name__}: ")
        assert re.search(message, err, re.DOTALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beta", "0"], r"got beta=0.0.*a positive inverse temperature.*β = 1"),
        (["--beta", "-1"], r"got beta=-1.0.*a positive inverse temperature"),
        (["--beta", "nan"], r"got beta=nan.*a positive inverse temperature"),
        (["--combine", "product"], r"got combine='product'.*\"sum\" or \"concatenate\""),
        (["--chunk-mib", "nan"], r"got --chunk-mib nan.*a positive number of MiB"),
        (["--chunk-mib", "0"], r"got --chunk-mib 0.*a positive number of MiB"),
        (["--seed", "-1"], r"got seed=-1.*non-negative"),
        (["--variable", "q"], r"no variable \['q'\].*one of \['y'\].*--variable"),
    ],
)
def test_options_that_cannot_be_right(options, message, tmp_path, monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, save(tmp_path, VALUES), *options)
    assert code == 2
    assert not out
    assert re.search(message, err, re.DOTALL), err


def test_numbers_are_results_where_something_is_odd(tmp_path):
    constant = germ.estimate_waic(np.broadcast_to(VALUES[0, 0], (4, 50, 20)))
    assert any("did not move" in line for line in constant.warnings)
    assert constant.value == pytest.approx(-VALUES[0, 0].mean())
    few = germ.estimate_loo(VALUES[:2, :3])
    assert any("is unknown: too few different draws" in line for line in few.warnings)
    with pytest.raises(InputError, match="combine='mean'"):
        germ.estimate_waic(VALUES, combine="mean")


def test_what_a_graph_raises_is_named():
    dask = pytest.importorskip("dask.array", reason="dask is optional; install it to stream its arrays")

    def fail(block):
        raise OSError("the disk is gone")

    with pytest.raises(TraceError, match="the disk is gone"):
        germ.estimate_waic(dask.from_array(VALUES, chunks=(1, 50, 20)).map_blocks(fail, dtype=float, meta=np.empty((0, 0, 0))))


def test_without_a_reader_of_netcdf_the_refusal_is_polite(tmp_path, monkeypatch):
    path = save(tmp_path, VALUES)
    monkeypatch.setattr("germ.estimators.posterior_files.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"germ\[bayes\].*zarr or .npy"):
        germ.estimate_waic(path)


def test_nothing_is_executed_and_the_traceback_is_ours(tmp_path):
    """As a user runs it, in a process of its own."""
    path = save_cut(tmp_path, 0.5)
    done = subprocess.run([sys.executable, "-c", "from germ.cli import main; main()", "criteria", path], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not done.stdout
