"""Models compared where evidence, WBIC and maximum likelihood are known in closed form; and comparisons that are refused."""

import json
import math
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
import torch
from benchmarks import exact_evidence as oracles

mpl.use("Agg")

import germ
from germ.errors import DivergenceError, InputError
from germ.estimators.comparison import collect_criterion, list_models
from germ.estimators.deviance import compute_bic
from germ.estimators.maximum_likelihood import maximize_likelihood
from germ.plots.models import plot_models
from germ.problems.linear import make_reduced_rank_regression


@pytest.fixture(scope="module")
def polynomials():
    made = {f"degree {k}": oracles.polynomial_regression(k, 100, 0) for k in range(3)}
    data = made["degree 0"][1]
    found = germ.compare_models({name: problem for name, (problem, _, _) in made.items()}, data, seed=2, budget=600)
    return made, data, found


def fit_least_squares(data, degree):
    x, y = data
    design = x[:, None] ** torch.arange(degree + 1)
    rest = y - design @ torch.linalg.lstsq(design, y[:, None]).solution[:, 0]
    return float(oracles.log_normal(rest).sum())


def test_values_are_the_exact_ones(polynomials):
    made, data, found = polynomials
    energy = found.criteria["free energy"]
    exact = np.array([e for _, _, e in made.values()])
    assert (abs(energy.values - exact) < 3.5 * energy.standard_errors).all()
    assert (energy.standard_errors < 0.2).all()
    assert found.criteria["BIC"].values == pytest.approx([compute_bic(fit_least_squares(data, k), k + 1, 100).value for k in range(3)])
    weights = np.exp(exact.min() - exact)
    assert found.probabilities == pytest.approx(weights / weights.sum(), abs=0.05)
    assert all(c.best == "degree 1" for c in found.criteria.values())
    assert "not labelled" in found.missing["sBIC"]


def test_differences_of_predictive_losses_are_paired(polynomials):
    _, _, found = polynomials
    waic = found.criteria["WAIC"]
    assert waic.differences[1] == waic.difference_errors[1] == 0
    # Degree 2 predicts nearly as degree 1: the paired difference is far surer than the losses.
    assert 0 < waic.difference_errors[2] < 0.3 * waic.standard_errors[2]
    terms = [found.estimates["WAIC"][m].pointwise["waic"].values for m in ("degree 2", "degree 1")]
    assert waic.difference_errors[2] >= math.sqrt(100) * np.std(terms[0] - terms[1], ddof=1)
    # LOO = WAIC to O(1/n), observation by observation
    assert found.criteria["LOO"].values == pytest.approx(waic.values, abs=0.3)


def test_the_table_and_the_plot_show_all(polynomials):
    _, _, found = polynomials
    text = str(found)
    for word in ("n = 100", "degree 0", "degree 2", "WBIC", "probability", "no sBIC"):
        assert word in text
    assert max(len(line) for line in text.splitlines()[:5]) < 120
    rows = json.loads(json.dumps(list_models(found)))
    assert rows[1]["BIC"]["difference"] == 0
    assert rows[1]["BIC"]["standard_error"] is None
    ax = plot_models(found)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == list(found.criteria)
    assert [t.get_text() for t in ax.get_xticklabels()] == list(found.models)
    with pytest.raises(InputError, match="not labelled"):
        plot_models(found, ["sBIC"])


def test_singular_bic_comes_from_the_atlas_labels():
    from germ.estimators.singular_bic import compute_sbic

    problems = {f"H={h}": make_reduced_rank_regression(2, 2, h, 1) for h in (1, 2)}
    data = problems["H=1"].simulate(100, torch.Generator().manual_seed(0))
    found = germ.compare_models(problems, data, precision=0.5, budget=600)
    # The largest likelihoods in closed form: the full model is least squares, the rank-one model its best approximation in the fit.
    x, y = data
    full = torch.linalg.lstsq(x, y).solution
    u, s, v = torch.linalg.svd(x @ full, full_matrices=False)
    fits = {1: (s[:1] * u[:, :1]) @ v[:1], 2: x @ full}
    heights = {h: float(oracles.log_normal(y - f).sum()) for h, f in fits.items()}
    solved = compute_sbic("rrr", heights, n=100, inputs={"M": 2, "N": 2})
    assert found.criteria["sBIC"].values == pytest.approx(solved.values, abs=1e-3)


def test_maximum_likelihood_that_does_not_exist_is_refused():
    # A normal law with unknown mean and scale and one observation: the likelihood rises without end as the scale shrinks.
    def log_likelihood(w, data):
        return oracles.log_normal((data[0] - w[:, :1]) * torch.exp(w[:, 1:])) + w[:, 1:]

    problem = oracles.make("one observation", 2, log_likelihood, oracles.normal_prior(2, 1.0))
    posterior = germ.sample_posterior(problem, (torch.tensor([0.5], dtype=torch.float64),), islands=4, particles=16, draws=32)
    with pytest.raises(DivergenceError, match="free energy, WAIC or LOO"):
        maximize_likelihood(posterior)


def test_comparisons_that_are_refused(polynomials):
    made, data, found = polynomials
    problems = {name: problem for name, (problem, _, _) in made.items()}
    with pytest.raises(InputError, match="at least two"):
        germ.compare_models({"one": problems["degree 0"]}, data)
    with pytest.raises(InputError, match="at least two"):
        germ.compare_models(list(problems.values()), data)
    other = (data[0], data[1] + 1)
    with pytest.raises(InputError, match="different observations"):
        germ.compare_models(problems, dict(zip(problems, (data, other, data), strict=True)))
    with pytest.raises(InputError, match="data for"):
        germ.compare_models(problems, {"degree 0": data})
    with pytest.raises(InputError, match="different observations"):
        germ.compare_models(problems, dict(zip(problems, (data, (data[0][:50], data[1][:50]), data), strict=True)))
    summed = replace(problems["degree 1"], log_likelihood=lambda w, d: problems["degree 1"].log_likelihood(w, d).sum(1, keepdim=True))
    with pytest.raises(InputError, match="1 terms"):
        germ.compare_models({"a": problems["degree 0"], "b": summed}, data)
    with pytest.raises(InputError, match="2 observations"):
        germ.compare_models(problems, (data[0][:2], data[1][:2]))
    short = replace(
        found.estimates["WAIC"]["degree 1"], pointwise=found.estimates["WAIC"]["degree 1"].pointwise.isel(observation=slice(50))
    )
    with pytest.raises(InputError, match="not comparable"):
        collect_criterion("WAIC", {"a": found.estimates["WAIC"]["degree 0"], "b": short}, "waic")
