"""PSIS-LOO, ISCV, DIC, BIC: agreement with ArviZ and with refitting, reliability as numbers, refusals."""

import sys
import warnings

import numpy as np
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import norm

import germ
from germ.errors import InputError, MissingDependencyError
from germ.estimators.deviance import compute_bic, estimate_dic
from germ.estimators.pointwise import get_summary


@pytest.fixture(scope="module")
def az():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("arviz", reason="ArviZ is an optional dependency; install germ[bayes]")


def make_location(n=40, chains=4, draws=2000, prior_scale=2.0, seed=1, outlier=0.0):
    """N(w, 1) with prior N(0, 2²): posterior draws, the data, and the exact leave-one-out predictive densities."""
    rng = np.random.default_rng(seed)
    y = rng.normal(0.7, 1, size=n)
    y[0] += outlier
    precision = n + prior_scale**-2
    w = y.sum() / precision + rng.normal(size=(chains, draws)) / np.sqrt(precision)
    rest = y.sum() - y
    exact = norm.logpdf(y, rest / (precision - 1), np.sqrt(1 + 1 / (precision - 1)))
    return norm.logpdf(y, w[:, :, None]), y, w, exact


def test_agrees_with_refitting_and_with_arviz(az):
    values, _, w, exact = make_location()
    idata = az.from_dict(posterior={"w": w, "two": np.stack([w, w**2], 2)}, log_likelihood={"y": values})
    ours, theirs = germ.estimate_loo(idata), az.loo(idata, pointwise=True)
    assert ours.diagnostics["elpd_loo"] == pytest.approx(theirs.elpd_loo, rel=1e-10)
    assert ours.diagnostics["elpd_loo_se"] == pytest.approx(theirs.se, rel=1e-10)
    assert ours.diagnostics["p_loo"] == pytest.approx(theirs.p_loo, rel=1e-8)
    np.testing.assert_allclose(ours.pointwise["pareto_k"], theirs.pareto_k, atol=1e-4)  # k depends on the ESS to its last digits
    for result in (ours, germ.estimate_iscv(values)):
        assert abs(result.value + exact.mean()) < 4 * result.diagnostics["standard_error_monte_carlo"] < 0.01
    # A wrong twin: the training loss is not the leave-one-out loss.
    training = germ.estimate_waic(values).diagnostics["training_loss"]
    assert abs(training + exact.mean()) > 10 * ours.diagnostics["standard_error_monte_carlo"]


@pytest.mark.parametrize("estimate", [germ.estimate_loo, germ.estimate_iscv])
def test_monte_carlo_error_is_calibrated(estimate, az):
    z = []
    for seed in range(60):
        values, _, _, exact = make_location(n=15, chains=2, draws=400, seed=seed)
        result = estimate(values)
        z.append((result.value + exact.mean()) / result.diagnostics["standard_error_monte_carlo"])
    assert 0.6 < np.mean(np.square(z)) < 1.7  # 1 ± 0.18 for normal ones


def test_pieces_change_nothing(az):
    values, *_ = make_location(n=37, draws=300)
    whole, pieces = germ.estimate_loo(values), germ.estimate_loo(values, chunk_bytes=300_000)
    assert pieces.value == pytest.approx(whole.value, rel=1e-13)
    np.testing.assert_allclose(pieces.pointwise["pareto_k"], whole.pointwise["pareto_k"], rtol=1e-10)
    array = xr.DataArray(values, dims=("chain", "draw", "i"))
    array.encoding["chunks"] = (1, 50, 37)
    streamed = germ.estimate_loo(array, chunk_bytes=300_000)
    assert streamed.value == pytest.approx(whole.value, rel=1e-4)  # the relative efficiency now comes from groups of draws
    assert germ.estimate_loo(array, relative_efficiency=1, chunk_bytes=300_000).value == pytest.approx(
        germ.estimate_loo(values, relative_efficiency=1).value, rel=1e-13
    )


def test_an_outlier_is_reported_with_its_shape(az):
    values, *_ = make_location(n=8, outlier=25.0, prior_scale=50.0)
    result = germ.estimate_loo(values)
    assert result.diagnostics["pareto_k_above_0.7"] >= 1
    assert int(np.argmax(result.pointwise["pareto_k"].values)) == 0
    assert any("Pareto k > 0.7" in line for line in result.warnings)
    plain = germ.estimate_iscv(values)
    assert plain.diagnostics["smallest_weight_ess"] < 20
    assert any("use PSIS" in line for line in plain.warnings)
    assert any("variance" in line for line in germ.estimate_waic(values).warnings)


def test_without_arviz_the_refusal_is_polite(monkeypatch):
    for name in ("arviz", "arviz_stats", "arviz_stats.base"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match=r"germ\[bayes\]"):
        germ.estimate_loo(make_location(draws=10)[0])
    germ.estimate_iscv(make_location(draws=10)[0])
    germ.estimate_waic(make_location(draws=10)[0])


@pytest.mark.parametrize("bad", [0, -1, np.nan, "x"])
def test_relative_efficiency_must_be_positive(bad, az):
    with pytest.raises(InputError, match="ESS / draws"):
        germ.estimate_loo(make_location(draws=10)[0], relative_efficiency=bad)


def test_dic_counts_the_parameters_of_a_regular_model():
    values, y, w, _ = make_location(n=200, draws=5000)
    at_mean = norm.logpdf(y, w.mean()).sum()
    both = estimate_dic(values), estimate_dic(values, at_mean=at_mean)
    for result in both:
        assert result.diagnostics["p_dic"] == pytest.approx(1, abs=0.08)
        assert result.value == pytest.approx(germ.estimate_waic(values).value, abs=0.01)
    summary = get_summary(values)
    assert both[1].diagnostics["deviance_dic"] == pytest.approx(-4 * summary.total.mean() + 2 * at_mean, rel=1e-12)  # D(mean) + 2 p_D


def test_dic_says_so_where_the_posterior_mean_is_no_typical_parameter():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(60) < 0.5, -3.0, 3.0) + rng.normal(size=60)
    w = np.where(rng.random((4, 500)) < 0.5, -3.0, 3.0) + 0.1 * rng.normal(size=(4, 500))  # label switching: means (w, -w)
    both = np.stack([norm.logpdf(y, w[..., None]), norm.logpdf(y, -w[..., None])])
    values = logsumexp(both, axis=0) - np.log(2)
    result = estimate_dic(values, at_mean=float(norm.logpdf(y, 0).sum()))
    assert result.diagnostics["p_dic"] < 0
    assert any("negative" in line for line in result.warnings)
    with pytest.raises(InputError, match="finite|posterior mean"):
        estimate_dic(values, at_mean=np.nan)


def test_bic_is_the_free_energy_of_a_regular_model_to_a_constant():
    gaps = []
    for n in (100, 10_000):
        y = np.random.default_rng(n).normal(size=n)
        exact = -norm.logpdf(y, y.mean()).sum() + 0.5 * np.log(1 + n) + n * y.mean() ** 2 / (2 * (1 + n))  # prior N(0, 1)
        gaps.append(exact - compute_bic(norm.logpdf(y, y.mean()).sum(), 1, n).value)
    assert abs(gaps[0]) < 0.02
    assert abs(gaps[1]) < 0.001
    with pytest.raises(InputError):
        compute_bic(np.nan, 1, 10)
