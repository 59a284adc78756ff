"""WAIC: agreement with ArviZ, invariances, every kind of input, streaming, Monte Carlo errors."""

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
import xarray as xr

import germ
from germ.errors import DataError, InputError, TraceError
from germ.estimators.log_likelihood import read_log_likelihood
from germ.estimators.monte_carlo import compute_effective_sample_size, compute_rhat
from germ.estimators.pointwise import summarize


@pytest.fixture(scope="module")
def az():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("arviz", reason="ArviZ is an optional dependency; install germ[bayes]")


def make_draws(chains=4, draws=500, n=60, rho=0.0, seed=0):
    """Model N(w_1 + w_2 x, 1), flat prior: exact posterior draws, or an AR(1) chain with it as its law."""
    rng = np.random.default_rng(seed)
    x, y = np.linspace(-1, 2, n), rng.normal(1.0, 1.3, size=n)
    design = np.stack([np.ones(n), x], 1)
    covariance = np.linalg.inv(design.T @ design)
    noise = rng.normal(size=(chains, draws, 2))
    for t in range(1, draws):
        noise[:, t] = rho * noise[:, t - 1] + np.sqrt(1 - rho**2) * noise[:, t]
    w = covariance @ design.T @ y + noise @ np.linalg.cholesky(covariance).T
    residual = y - w @ design.T
    return -(residual**2) / 2 - np.log(2 * np.pi) / 2, (
        y - design @ (covariance @ design.T @ y),
        np.einsum("ij,jk,ik->i", design, covariance, design),
    )


def compute_exact_waic(residual, s):
    """w·x_i ~ N(fit, s_i): log p = -(r - z)²/2 + const with z ~ N(0, s)."""
    training = 0.5 * np.log(2 * np.pi * (1 + s)) + residual**2 / (2 * (1 + s))
    return (training + s * residual**2 + s**2 / 2).mean()


def make_tree(values, dims=("chain", "draw", "y_dim"), **more):
    data = {"/log_likelihood": xr.Dataset({"y": (dims, values)} | more)}
    return xr.DataTree.from_dict(
        data | {"/posterior": xr.Dataset({"w": (("chain", "draw"), values.reshape(*values.shape[:2], -1)[..., 0])})}
    )


def test_agrees_with_arviz(az):
    values, _ = make_draws()
    idata = az.from_dict(posterior={"w": values[..., 0]}, log_likelihood={"y": values})
    theirs, ours = az.waic(idata, pointwise=True), germ.estimate_waic(idata)
    assert ours.diagnostics["elpd_waic"] == pytest.approx(theirs.elpd_waic, rel=1e-12)
    assert ours.diagnostics["elpd_waic_se"] == pytest.approx(theirs.se, rel=1e-10)
    assert ours.diagnostics["p_waic"] == pytest.approx(theirs.p_waic, rel=1e-10)
    assert ours.value == pytest.approx(-theirs.elpd_waic / 60, rel=1e-12)
    np.testing.assert_allclose(ours.pointwise["waic"], -theirs.waic_i, rtol=1e-10)
    assert ours.pointwise["waic"].dims == theirs.waic_i.dims


def test_variance_warning_where_arviz_warns(az):
    values, _ = make_draws(n=6)
    values[:, :, 2] *= 12
    idata = az.from_dict(posterior={"w": values[..., 0]}, log_likelihood={"y": values})
    with pytest.warns(UserWarning, match="variance"):
        az.waic(idata)
    ours = germ.estimate_waic(idata)
    assert ours.diagnostics["observations_above_0.4"] >= 1
    assert any("variance Var[log p] > 0.4" in line for line in ours.warnings)
    assert not germ.estimate_waic(make_draws()[0]).warnings


def test_draws_give_the_exact_waic():
    values, exact = make_draws(chains=4, draws=5000)
    result = germ.estimate_waic(values)
    error = result.diagnostics["standard_error_monte_carlo"]
    assert abs(result.value - compute_exact_waic(*exact)) < 4 * error < 0.01
    # A wrong twin, without the variance term, is far outside.
    assert abs(result.diagnostics["training_loss"] - compute_exact_waic(*exact)) > 20 * error


@pytest.mark.parametrize("rho", [0.0, 0.9, -0.5])
def test_monte_carlo_error_is_calibrated(rho):
    z = []
    for seed in range(150):
        values, exact = make_draws(chains=2, draws=2000, n=12, rho=rho, seed=seed)
        result = germ.estimate_waic(values)
        z.append((result.value - compute_exact_waic(*exact)) / result.diagnostics["standard_error_monte_carlo"])
    # 150 standardised errors: their mean square is 1 ± 0.12 for normal ones; the error bars themselves are random.
    assert 0.7 < np.mean(np.square(z)) < 1.5
    assert np.mean(np.abs(z) < 2) > 0.9


def test_ignoring_autocorrelation_would_fail():
    z = []
    for seed in range(60):
        values, exact = make_draws(chains=2, draws=600, n=12, rho=0.9, seed=seed)
        summary = summarize(read_log_likelihood(values))
        influence = (summary.variance_influence - summary.predictive_influence) / 12
        z.append((germ.estimate_waic(summary).value - compute_exact_waic(*exact)) / (influence.std() / np.sqrt(influence.size)))
    assert np.mean(np.square(z)) > 4


def test_effective_sample_size_agrees_with_arviz(az):
    rng = np.random.default_rng(3)
    for rho, draws in ((0.0, 400), (0.95, 1001), (-0.6, 300)):
        x = rng.normal(size=(3, draws))
        for t in range(1, draws):
            x[:, t] += rho * x[:, t - 1]
        assert compute_effective_sample_size(x) == pytest.approx(float(az.ess(x, method="mean")), rel=0.02)
        assert compute_rhat(x) == pytest.approx(float(az.rhat(x, method="split")), rel=1e-6)


def test_every_kind_of_input_gives_one_number(az, tmp_path):
    import torch

    values, _ = make_draws(draws=200)
    tree = make_tree(values)
    tree.to_netcdf(tmp_path / "p.nc", engine="h5netcdf")
    tree.to_zarr(tmp_path / "p.zarr", consolidated=False)
    np.save(tmp_path / "p.npy", values)
    az.from_dict(log_likelihood={"y": values}).to_netcdf(str(tmp_path / "az.nc"))
    group = tree["log_likelihood"]
    in_memory = [
        *(values, torch.tensor(values), summarize(read_log_likelihood(values)), tree, group.to_dataset(), group["y"]),
        *({"log_likelihood": {"y": values}}, {"log_likelihood": values}, az.from_dict(log_likelihood={"y": values})),
        make_tree(values.transpose(2, 1, 0), ("y_dim", "draw", "chain")),
    ]
    inputs = [*in_memory, tmp_path / "p.nc", str(tmp_path / "p.zarr"), tmp_path / "p.npy", tmp_path / "az.nc"]
    found = [germ.estimate_waic(item) for item in inputs]
    assert len({f"{f.value:.13f} {f.standard_error:.13f}" for f in found}) == 1


@pytest.mark.parametrize("chunk_bytes", [8, 5_000, 40_000, 500_000])
@pytest.mark.parametrize("chunks", [None, {"chain": 1, "draw": 37, "a": 4, "b": 3}, {"chain": 3, "draw": 101, "a": 6, "b": 5}])
def test_streaming_changes_nothing(chunk_bytes, chunks, tmp_path):
    values, _ = make_draws(chains=3, draws=101, n=30)
    values = values.reshape(3, 101, 6, 5) - np.linspace(0, 1e4, 30).reshape(6, 5)  # scales far apart
    tree = make_tree(values, ("chain", "draw", "a", "b"))
    source = tree
    if chunks is not None:
        encoding = {"/log_likelihood": {"y": {"chunks": tuple(chunks.values())}}}
        tree.to_zarr(tmp_path / "p.zarr", encoding=encoding, consolidated=False)
        source = tmp_path / "p.zarr"
    whole, pieces = germ.estimate_waic(values), germ.estimate_waic(source, chunk_bytes=chunk_bytes)
    for name in ("waic", "variance", "iscv"):
        np.testing.assert_allclose(pieces.pointwise[name].values.ravel(), whole.pointwise[name].values.ravel(), rtol=1e-9)
    assert pieces.diagnostics["standard_error_monte_carlo"] == pytest.approx(whole.diagnostics["standard_error_monte_carlo"], rel=0.6)
    assert pieces.pointwise["waic"].dims == ("a", "b")


def test_groups_of_draws_see_the_same_monte_carlo_error():
    ratios = []
    for seed in range(20):
        values, _ = make_draws(draws=2000, n=8, rho=0.5, seed=seed)
        array = xr.DataArray(values, dims=("chain", "draw", "i"))
        array.encoding["chunks"] = (1, 50, 8)
        streamed = germ.estimate_waic(array, chunk_bytes=1000)
        ratios.append(
            streamed.diagnostics["standard_error_monte_carlo"] / germ.estimate_waic(values).diagnostics["standard_error_monte_carlo"]
        )
        assert np.isnan(streamed.diagnostics["ess"])
        assert not any("disagree" in line for line in streamed.warnings)
    assert 0.85 < np.mean(ratios) < 1.15


def test_dask_arrays_stream():
    dask = pytest.importorskip("dask.array", reason="dask is optional; install it to stream its arrays")
    values, _ = make_draws()
    lazy = xr.DataArray(dask.from_array(values, chunks=(1, 100, 7)), dims=("chain", "draw", "i"))
    assert germ.estimate_waic(lazy).value == pytest.approx(germ.estimate_waic(values).value, rel=1e-12)


@pytest.mark.parametrize("streamed", [False, True])
def test_draws_of_no_weight_do_not_overflow(streamed):
    """Draws from before convergence, thousands of nats below the others: sums are those of logsumexp."""
    from scipy.special import logsumexp

    values = make_draws(draws=200)[0].copy()
    values[1, 3:9] -= np.linspace(1, 5000, 60)
    values[2, 150] += 2000
    array = xr.DataArray(values, dims=("chain", "draw", "i"))
    if streamed:
        array.encoding["chunks"] = (2, 50, 60)
    found = germ.estimate_waic(array, chunk_bytes=20_000 if streamed else 2**26).pointwise
    flat = values.reshape(800, 60)
    np.testing.assert_allclose(found["training_loss"], np.log(800) - logsumexp(flat, axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["iscv"], logsumexp(-flat, axis=0) - np.log(800), rtol=1e-12)
    np.testing.assert_allclose(found["variance"], flat.var(0), rtol=1e-10)


def test_chains_that_disagree_are_reported():
    values = make_draws(draws=400)[0].copy()
    values[0] -= 3
    array = xr.DataArray(values, dims=("chain", "draw", "i"))
    assert any("disagree" in line for line in germ.estimate_waic(array).warnings)
    array.encoding["chunks"] = (1, 50, 60)
    assert any("disagree" in line for line in germ.estimate_waic(array, chunk_bytes=1000).warnings)


def test_invariances():
    values, _ = make_draws()
    rng = np.random.default_rng(5)
    base = germ.estimate_waic(values)
    shuffled = values[rng.permutation(4)][:, rng.permutation(500)][:, :, rng.permutation(60)]
    assert germ.estimate_waic(shuffled).value == pytest.approx(base.value, rel=1e-13)
    shift = rng.normal(0, 50, size=60)  # other units of the data: a density's Jacobian
    moved = germ.estimate_waic(values + shift)
    assert moved.value == pytest.approx(base.value - shift.mean(), rel=1e-12)
    assert moved.diagnostics["p_waic"] == pytest.approx(base.diagnostics["p_waic"], rel=1e-9)
    assert moved.diagnostics["standard_error_monte_carlo"] == pytest.approx(base.diagnostics["standard_error_monte_carlo"], rel=1e-6)


def test_several_variables():
    values, _ = make_draws()
    tree = make_tree(values, z=(("chain", "draw", "z_dim"), values[:, :, ::-1] - 1), short=(("chain", "draw", "s"), values[:, :, :7]))
    with pytest.raises(DataError, match="3 variables: y, z, short"):
        germ.estimate_waic(tree)
    with pytest.raises(DataError, match="cannot be summed"):
        germ.estimate_waic(tree, variable=["y", "short"])
    with pytest.raises(DataError, match="one of"):
        germ.estimate_waic(tree, variable="x")
    assert germ.estimate_waic(tree, variable="y").value == germ.estimate_waic(values).value
    summed = germ.estimate_waic(tree, variable=["y", "z"])
    assert summed.value == pytest.approx(germ.estimate_waic(values + values[:, :, ::-1] - 1).value, rel=1e-13)
    both = germ.estimate_waic(tree, variable=["y", "short"], combine="concatenate")
    assert both.value == pytest.approx(germ.estimate_waic(np.concatenate([values, values[:, :, :7]], 2)).value, rel=1e-13)
    assert both.diagnostics["n"] == 67


def test_single_precision_is_summed_in_double():
    values, _ = make_draws()
    single = values.astype(np.float32)
    assert germ.estimate_waic(single).value == pytest.approx(germ.estimate_waic(single.astype(np.float64)).value, rel=1e-14)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda v: v[:1, :1], "at least two draws"),
        (lambda v: v[:, :, :1], "at least two observations"),
        (lambda v: v[:, :, :0], "at least two observations"),
        (lambda v: v[:, :0], "at least two draws"),
        (lambda v: v[0], r"\(chain, draw, observation\)"),
        (lambda v: v.sum(2), r"\(chain, draw, observation\)"),
        (lambda v: np.where(np.arange(60) == 7, np.nan, v), r"nan at chain 0, draw 0, observation \(7,\)"),
        (lambda v: np.where((v == v[2, 3, 4]), -np.inf, v), r"-inf at chain 2, draw 3, observation \(4,\)"),
        (lambda v: np.where((v == v[3, 499, 59]), np.inf, v), r"inf at chain 3, draw 499, observation \(59,\)"),
        (lambda v: v.astype(complex), "real numbers"),
        (lambda v: v.astype(str), "real numbers"),
        (lambda v: xr.DataArray(v, dims=("chain", "sample", "i")), "unstack"),
        (lambda v: xr.DataTree.from_dict({"/posterior": xr.Dataset({"w": 1.0})}), "it has posterior"),
        (lambda v: {}, "compute_log_likelihood"),
        (lambda v: None, "NoneType without a group"),
        (lambda v: {"log_likelihood": {}}, "0 variables"),
        (lambda v: {"log_likelihood": "text"}, "numbers"),
    ],
)
def test_bad_input_is_refused(spoil, message):
    with pytest.raises(DataError, match=message):
        germ.estimate_waic(spoil(make_draws()[0]))


@pytest.mark.parametrize("streamed", [False, True])
def test_the_place_of_a_bad_number_is_named(streamed):
    values = make_draws()[0].reshape(4, 500, 6, 10).copy()
    values[2, 311, 4, 7] = np.nan
    array = xr.DataArray(values, dims=("chain", "draw", "a", "b"), name="y")
    array.encoding["chunks"] = (1, 50, 3, 5) if streamed else None
    with pytest.raises(DataError, match=r"nan at chain 2, draw 311, observation \(4, 7\)"):
        germ.estimate_waic(array, chunk_bytes=1000 if streamed else 2**20)


@pytest.mark.parametrize("beta", [0, -1, np.nan, np.inf, "1"])
def test_beta_must_be_positive(beta):
    with pytest.raises(InputError, match="inverse temperature"):
        germ.estimate_waic(make_draws()[0], beta=beta)


def test_a_posterior_of_germ_brings_its_log_likelihoods_and_its_temperature(tmp_path):
    from benchmarks import exact_evidence

    problem, data, _ = exact_evidence.product(30, 0)
    posterior = germ.sample_posterior(problem, data, islands=4, particles=16, draws=50)
    assert germ.estimate_waic(posterior).value == germ.estimate_waic(posterior.compute_pointwise()).value
    warm = germ.sample_posterior(problem, data, beta=0.5, islands=4, particles=16, draws=50)
    assert germ.estimate_waic(warm, beta=0.5).value == germ.estimate_waic(warm.compute_pointwise(), beta=0.5).value
    warm.to_datatree().to_netcdf(tmp_path / "warm.nc", engine="h5netcdf")
    for idata in (warm, warm.to_datatree(), tmp_path / "warm.nc"):
        for estimate in (germ.estimate_waic, germ.estimate_iscv, germ.estimate_loo, germ.estimate_singular_fluctuation):
            with pytest.raises(InputError, match=r"(?s)the draws record β = 0\.5.*beta=0\.5"):
                estimate(idata)


def test_damaged_and_hostile_files(tmp_path):
    tree = make_tree(make_draws(draws=2000)[0])
    tree.to_netcdf(tmp_path / "p.nc", engine="h5netcdf")
    whole = (tmp_path / "p.nc").read_bytes()
    for share in (0.0, 0.001, 0.5, 0.95):
        (tmp_path / "cut.nc").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(TraceError):
            germ.estimate_waic(tmp_path / "cut.nc")
    (tmp_path / "text.nc").write_text("not a file of draws")
    with pytest.raises(TraceError, match="begins with"):
        germ.estimate_waic(tmp_path / "text.nc")
    with pytest.raises(TraceError, match="does not download"):
        germ.estimate_waic("https://example.org/p.nc")
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(TraceError, match="cannot be read"):
        germ.estimate_waic(tmp_path / "objects.npy")


def test_a_store_that_would_run_code_is_not_read(tmp_path):
    store = tmp_path / "p.zarr"
    make_tree(make_draws(draws=50)[0]).to_zarr(store, zarr_format=2, consolidated=False)
    metadata = store / "log_likelihood" / "y" / ".zarray"
    document = json.loads(metadata.read_text())
    metadata.write_text(json.dumps(document | {"filters": [{"id": "pickle"}]}))
    with pytest.raises(TraceError, match="pickle codec would run code"):
        germ.estimate_waic(store)


def test_a_store_that_declares_what_it_does_not_hold_is_refused(tmp_path):
    store = tmp_path / "p.zarr"
    make_tree(make_draws(draws=50)[0]).to_zarr(store, zarr_format=2, consolidated=False)
    metadata = store / "log_likelihood" / "y" / ".zarray"
    document = json.loads(metadata.read_text())
    metadata.write_text(json.dumps(document | {"shape": [4, 50, 10**12]}))
    with pytest.raises(TraceError, match="declares"):
        germ.estimate_waic(store)


def test_numbers_missing_from_a_store_are_not_made_up(tmp_path):
    store = tmp_path / "p.zarr"
    make_tree(make_draws(draws=50)[0]).to_zarr(store, consolidated=False)
    chunk = next(f for f in (store / "log_likelihood" / "y").rglob("*") if f.is_file() and f.name != "zarr.json")
    chunk.unlink()
    with pytest.raises(DataError, match="nan"):
        germ.estimate_waic(store)


def run_cli(*arguments):
    return subprocess.run([sys.executable, "-c", "from germ.cli import main; main()", *map(str, arguments)], capture_output=True, text=True)


def test_command_line(tmp_path):
    values, _ = make_draws()
    make_tree(values).to_netcdf(tmp_path / "p.nc", engine="h5netcdf")
    done = run_cli("criteria", tmp_path / "p.nc", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["waic"]["value"] == pytest.approx(germ.estimate_waic(values).value, rel=1e-12)
    text = run_cli("criteria", tmp_path / "p.nc")
    assert text.returncode == 0
    assert "WAIC (nats per sample)" in text.stdout
    for bad in (["nowhere.nc"], [tmp_path / "p.nc", "--beta", "0"], [tmp_path / "p.nc", "--variable", "q"]):
        failed = run_cli("criteria", *bad)
        assert failed.returncode == 2
        assert "what to do" in failed.stderr
        assert not failed.stdout
