"""Reduced rank regression: sampling by sufficient statistics against quadrature and a Gibbs sampler that shares no code with it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from benchmarks import exact_evidence as oracles
from benchmarks.model_choice import make_set
from benchmarks.reduced_rank_gibbs import integrate, run_gibbs

import germ
from germ.errors import ProblemError
from germ.estimators.monte_carlo import compute_effective_sample_size
from germ.problems.linear import make_diagonal_network, make_reduced_rank_regression
from germ.problems.normal_likelihood import LinearLikelihood
from germ.sampling.density import Density

BETA = 1 / math.log(200)


@pytest.fixture(scope="module")
def four():
    problem = make_reduced_rank_regression(4, 3, 2, 1)
    return problem, problem.simulate(200, torch.Generator().manual_seed(5))


def test_the_oracle_itself_agrees_with_quadrature():
    for name, hidden in (("reduced rank, 18", 3), ("reduced rank, rank 1 of 1", 1)):
        _, (x, y), exact = oracles.PROBLEMS[name]()
        value, error = integrate(x.numpy(), y.numpy(), hidden, np.random.default_rng(3), nodes=40)
        assert abs(value - exact) < 3.5 * error < 0.15


def test_wbic_and_free_energy_agree_with_gibbs_sampling(four):
    problem, data = four
    x, y = (t.numpy() for t in data)
    draws = run_gibbs(x, y, 2, [BETA] * 16, 2000, np.random.default_rng(0))
    error = draws.std() / math.sqrt(compute_effective_sample_size(draws))
    found = germ.estimate_wbic(problem, data, seed=0, precision=0.1, budget=600)
    assert abs(found.value + draws.mean()) < 3 * math.hypot(found.standard_error, error) < 0.5
    assert found.standard_error <= 0.1
    energy = germ.estimate_free_energy(problem, data, seed=0, precision=0.06, budget=600)
    value, error = integrate(x, y, 2, np.random.default_rng(1), nodes=40, sweeps=600)
    assert abs(energy.value - value) < 3 * math.hypot(energy.standard_error, error) < 0.3


def test_posterior_of_the_loss_is_that_of_gibbs_sampling(four):
    problem, data = four
    x, y = (t.numpy() for t in data)
    gibbs = run_gibbs(x, y, 2, [1.0] * 32, 1500, np.random.default_rng(2))
    found = germ.sample_posterior(problem, data, seed=1, draws=1024).log_likelihood
    for power in (1, 2):
        a, b = ((v - gibbs.mean()) ** power for v in (found, gibbs))
        errors = [v.mean(1).std(ddof=1) / math.sqrt(len(v)) for v in (a, b)]
        assert abs(a.mean() - b.mean()) < 3.5 * math.hypot(*errors) < (0.6 if power == 1 else 3)


@pytest.mark.parametrize("problem", [make_reduced_rank_regression(5, 3, 2, 1), make_diagonal_network(4, 1)], ids=lambda p: p.name)
@pytest.mark.parametrize("n", [1, 3, 40])
def test_sufficient_statistics_give_the_sum_over_observations(problem, n):
    generator = torch.Generator().manual_seed(n)
    data, w = problem.simulate(n, generator), 3 * problem.sample_prior(20, generator)
    density = Density(problem, data)
    assert density.pointwise(w, total=True).numpy() == pytest.approx(problem.log_likelihood(w, data).sum(1).numpy(), rel=1e-11)
    # The same gradient by both roads.
    plain = Density(replace(problem, log_likelihood=lambda w, d: problem.log_likelihood(w, d)), data)
    beta = torch.linspace(0, 1, 20, dtype=torch.float64)
    assert torch.allclose(density.evaluate(w, beta).gradient, plain.evaluate(w, beta).gradient, rtol=1e-9, atol=1e-9)


def test_inputs_that_vanish_leave_the_noise_only():
    likelihood = LinearLikelihood(lambda w: w.reshape(-1, 2, 2))
    data = (torch.zeros(5, 2, dtype=torch.float64), torch.ones(5, 2, dtype=torch.float64))
    assert float(likelihood.summarize(data)(torch.randn(1, 4, dtype=torch.float64))) == pytest.approx(-5 - 5 * math.log(2 * math.pi))


def test_another_likelihood_drops_the_statistics_of_the_first(four):
    problem, data = four
    half = replace(problem, log_likelihood=lambda w, d: 0.5 * problem.log_likelihood(w, d))
    w = problem.sample_prior(3, torch.Generator().manual_seed(0))
    ratio = Density(half, data).evaluate(w, torch.ones(3)).log_likelihood / Density(problem, data).evaluate(w, torch.ones(3)).log_likelihood
    assert ratio.numpy() == pytest.approx(0.5)


def test_statistics_that_do_not_sum_the_likelihood_are_found_out(four):
    problem, _ = four

    class Wrong(LinearLikelihood):
        def summarize(self, data):
            right = super().summarize(data)
            return lambda w: right(w) + 1e-3

    with pytest.raises(ProblemError, match="summarized log-likelihood"):
        germ.check_problem(replace(problem, log_likelihood=Wrong(problem.log_likelihood.coefficients)))


@pytest.mark.slow
def test_bayes_chooses_the_rank_where_the_information_criterion_does_not():
    # One set of the benchmark: the third singular value is 1/4, the models H = 2 and 3.
    problems, data = make_set("weak", 0)
    pair = {name: problems[name] for name in ("H=2", "H=3")}
    found = germ.compare_models(pair, data, seed=0, precision=0.5, budget=600, criteria=("WBIC", "BIC", "sBIC"))
    assert [found.criteria[c].best for c in ("free energy", "WBIC", "sBIC", "BIC")] == ["H=3", "H=3", "H=3", "H=2"]
    assert set(found.criteria) == {"free energy", "WBIC", "sBIC", "BIC"}
