"""Watanabe's theory on exactly solvable singular models: losses, WAIC, equations of state, ν and the coverage of its error bar."""

import json

import numpy as np
import pytest
from benchmarks.exact_fluctuation import (
    MODELS,
    draw_data,
    draw_posterior,
    generalization,
    log_ratio,
    make_fluctuations,
)

import germ
from germ.errors import DataError, InputError
from germ.estimators.pointwise import get_summary
from germ.estimators.singular_fluctuation import compute_equations_of_state

N, SETS, DRAWS = 400, 400, 800


def measure(name, beta=1.0, sets=SETS):
    """n times (T, WAIC, G_t, V/2, B_g, G_g, ISCV), relative to the entropy, one row for each data set."""
    f, grid, *_ = MODELS[name]
    rng = np.random.default_rng(7)
    rows = []
    for _ in range(sets):
        data = draw_data(N, rng)
        w = draw_posterior(f, grid, data, DRAWS, rng, beta)
        summary = get_summary(log_ratio(w, data))
        waic = germ.estimate_waic(summary, beta=beta)
        state = compute_equations_of_state(summary, beta=beta)
        bayes, gibbs = generalization(w)
        nu = beta * summary.variance.sum() / 2
        rows.append([state.bayes_training, waic.value, state.gibbs_training, nu / N, bayes, gibbs, waic.diagnostics["iscv"]])
    return N * np.array(rows)


def check_mean(values, expected, slack=0.0):
    """Within 4 standard errors, plus what is known to be left at finite n."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - expected) < 4 * error + slack, (values.mean(), expected, error)


@pytest.mark.parametrize("name", MODELS)
def test_losses_and_waic_at_one(name):
    """E[T] = (λ − 2ν)/n, E[WAIC] = E[B_g] = λ/n, E[G_t] = (λ − ν)/n, E[G_g] = (λ + ν)/n."""
    *_, lam, nu = MODELS[name]
    training, waic, gibbs_training, fluctuation, bayes, gibbs, iscv = measure(name).T
    slack = 0.02 * (lam + nu)  # next order in n^(-1/2k) and 1/n, and 800 draws
    for values, expected in (
        *((training, lam - 2 * nu), (waic, lam), (gibbs_training, lam - nu), (fluctuation, nu)),
        *((bayes, lam), (gibbs, lam + nu), (iscv, lam)),
    ):
        check_mean(values, expected, slack)
    # WAIC and the generalisation loss on the same data sets: their mean difference is far sharper than either mean.
    check_mean(waic - bayes, 0.0, slack)
    check_mean(iscv - waic, 0.0, slack)
    # Wrong twins: AIC's correction (d = 1) instead of V, and the training loss.
    if abs(nu - 0.5) > 0.1:
        with pytest.raises(AssertionError):
            check_mean(training + 1, lam, slack)
    with pytest.raises(AssertionError):
        check_mean(training, lam, slack)


@pytest.mark.parametrize(("name", "beta"), [("w", 0.5), ("w", 2.0), ("w^3", 0.5), ("w^3", 2.0)])
def test_equations_of_state_at_other_temperatures(name, beta):
    """E[B_g] − E[B_t] = E[G_g] − E[G_t] = 2β (E[G_t] − E[B_t]); WAIC's correction is (β/n) V; ν = d/2 at any β if regular."""
    *_, lam, nu = MODELS[name]
    training, waic, gibbs_training, fluctuation, bayes, gibbs, _ = measure(name, beta, sets=300).T
    gap = 2 * beta * (gibbs_training - training)
    check_mean(bayes - training - gap, 0.0, 0.02)
    check_mean(gibbs - gibbs_training - gap, 0.0, 0.02)
    check_mean(waic - bayes, 0.0, 0.02)
    check_mean(bayes - training, 2 * fluctuation.mean(), 0.03)
    check_mean((gibbs + gibbs_training) / 2, lam / beta, 0.02)
    if name == "w":
        check_mean(fluctuation, nu, 0.02)
    with pytest.raises(AssertionError):  # the gap without the temperature
        check_mean(bayes - training - gap / beta, 0.0, 0.02)


@pytest.mark.parametrize("name", [name for name in make_fluctuations() if name.startswith("ab")])
def test_nu_of_products_with_a_vector(name):
    """λ = 1/2 and m = 1 for all of them, and ν grows with the vector's dimension: ν is not a function of λ and m."""
    model, rng = make_fluctuations(N)[name], np.random.default_rng(11)
    nu, bayes = [], []
    for _ in range(SETS):
        summary = get_summary(model.draw(DRAWS, rng))
        nu.append(summary.variance.sum() / 2)
        bayes.append(N * germ.estimate_waic(summary).value)
    check_mean(np.array(nu), model.nu, 0.02 * model.nu)
    check_mean(np.array(bayes), 0.5, 0.02)
    with pytest.raises(AssertionError):  # λ, which ν equals in regular models
        check_mean(np.array(nu), 0.5, 0.02 * model.nu)


def cover(name, sets=200, seed=1, draws=2000):
    model, rng, rows = make_fluctuations(N)[name], np.random.default_rng(seed), []
    for k in range(sets):
        result = germ.estimate_singular_fluctuation(model.draw(draws, rng), seed=k)
        naive = result.pointwise["variance"].values.std() * np.sqrt(N) / 2
        rows.append((result.value - model.nu, result.standard_error, naive))
    error, stated, naive = np.array(rows).T
    return np.mean(np.abs(error) < 2 * stated), np.mean(np.abs(error) < 2 * naive)


@pytest.mark.parametrize("name", ["w^3", "w>=0", *(pytest.param(name, marks=pytest.mark.slow) for name in ("w", "w^5", "w^2", "w^4"))])
def test_two_sigma_of_nu_hold_for_nine_data_sets_in_ten(name):
    stated, naive = cover(name, draws=1000)
    assert stated >= 0.90
    if name != "w":
        assert naive < 0.5  # observations as independent terms of V: the wrong twin


def test_nu_of_a_regular_model_of_ten_parameters():
    rng, values = np.random.default_rng(2), []
    for k in range(40):
        x, y = rng.normal(size=(500, 10)), rng.normal(size=500)
        covariance = np.linalg.inv(x.T @ x)
        w = covariance @ x.T @ y + rng.normal(size=(4, 500, 10)) @ np.linalg.cholesky(covariance).T
        result = germ.estimate_singular_fluctuation(-((y - w @ x.T) ** 2) / 2, seed=k)
        values.append((result.value, result.standard_error))
    nu, error = np.array(values).T
    assert abs(nu.mean() - 5) < 0.15
    assert np.mean(abs(nu - 5) < 2 * error) >= 0.9
    assert error.mean() < 0.6


def make_case(draws=400):
    f, grid, *_ = MODELS["w^3"]
    rng = np.random.default_rng(0)
    data, more = draw_data(N, rng), draw_data(3 * N, rng)
    w = draw_posterior(f, grid, data, draws, rng)
    return log_ratio(w, data), log_ratio(w, more)


def test_held_out_data_close_the_equations():
    training, test = make_case()
    result = germ.estimate_singular_fluctuation(training, test=test)
    d = result.diagnostics
    assert d["bayes_generalization"] == pytest.approx(-np.log(np.exp(test).mean((0, 1))).mean(), rel=1e-12)
    assert d["gibbs_generalization"] == pytest.approx(-test.mean(), rel=1e-12)
    gap = 2 * (d["gibbs_training"] - d["bayes_training"])
    assert d["bayes_residual"] == pytest.approx(d["bayes_generalization"] - d["bayes_training"] - gap, rel=1e-12)
    assert abs(d["bayes_residual"]) < 4 * d["bayes_residual_error"] < 0.1
    assert abs(d["gibbs_residual"]) < 4 * d["gibbs_residual_error"] < 0.1
    with pytest.raises(DataError, match="the draws of the training data: 4 chains of 100"):
        germ.estimate_singular_fluctuation(training, test=test[:, :50])


def test_residuals_have_the_error_that_they_state():
    f, grid, *_ = MODELS["w"]
    rng, z = np.random.default_rng(3), []
    for _ in range(100):
        data, more = draw_data(100, rng), draw_data(150, rng)
        w = draw_posterior(f, grid, data, 400, rng)
        log_q = [-(d[1] ** 2) / 2 for d in (data, more)]  # with the entropy's fluctuation in: that is what users have
        state = compute_equations_of_state(*(get_summary(log_ratio(w, d) + q) for d, q in zip((data, more), log_q, strict=True)))
        z.append((state.bayes_residual / state.bayes_residual_error, state.gibbs_residual / state.gibbs_residual_error))
    assert ((np.mean(np.square(z), 0) > 0.6) & (np.mean(np.square(z), 0) < 1.5)).all()


def test_nu_is_the_same_in_pieces_and_from_the_same_seed():
    values, _ = make_case()
    whole, again = germ.estimate_singular_fluctuation(values), germ.estimate_singular_fluctuation(values)
    assert whole.standard_error == again.standard_error
    pieces = [germ.estimate_singular_fluctuation(values, chunk_bytes=b, seed=s) for b, s in ((400_000, 1), (20_000, 2))]
    for other in pieces:
        assert other.value == pytest.approx(whole.value, rel=1e-12)
        assert other.standard_error == pytest.approx(whole.standard_error, rel=0.35)
    with pytest.raises(InputError, match="seed"):
        germ.estimate_singular_fluctuation(values, seed=-1)


def test_command_line_has_all_criteria(tmp_path):
    from typer.testing import CliRunner

    from germ.cli import app

    values, _ = make_case()
    np.save(tmp_path / "p.npy", values)
    done = CliRunner().invoke(app, ["criteria", str(tmp_path / "p.npy"), "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert {"waic", "iscv", "loo", "nu"} <= document.keys()
    assert document["nu"]["value"] == pytest.approx(germ.estimate_singular_fluctuation(values).value)
    assert document["nu"]["diagnostics"]["gibbs_training"] == pytest.approx(-values.mean())
    tempered = json.loads(CliRunner().invoke(app, ["criteria", str(tmp_path / "p.npy"), "--beta", "0.5", "--json"]).stdout)
    assert "loo" not in tempered
    assert tempered["nu"]["value"] == pytest.approx(document["nu"]["value"] / 2)
