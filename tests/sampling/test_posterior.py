"""Draws from singular posteriors against exact moments and exact evidence, and input that cannot be right."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from benchmarks.exact_evidence import (
    F64,
    cauchy_location,
    linear_regression,
    log_normal,
    make,
    multinomial,
    normal_prior,
    product,
    two_islands,
    two_means,
)
from scipy.stats import kstest

import germ
from germ.errors import DataError, InputError, ProblemError
from germ.estimators.free_energy import compute_free_energy
from germ.problems.problem import Problem
from germ.sampling.coordinates import Coordinates
from germ.sampling.density import Density


def test_moments_of_a_conjugate_posterior():
    problem, (x, y), _ = linear_regression(4, 60, 3)
    posterior = germ.sample_posterior(problem, (x, y), seed=1)
    precision = x.T @ x + torch.eye(4, dtype=F64) / 9
    mean, covariance = torch.linalg.solve(precision, x.T @ y).numpy(), torch.linalg.inv(precision).numpy()
    islands = posterior.draws.mean(1)
    error = islands.std(0, ddof=1) / math.sqrt(len(islands))
    assert (abs(islands.mean(0) - mean) < 4 * error).all()
    found = np.cov(posterior.draws.reshape(-1, 4).T)
    scale = np.sqrt(np.diag(covariance))
    assert abs((found - covariance) / np.outer(scale, scale)).max() < 0.08


def test_a_power_of_the_likelihood_is_the_law_of_beta():
    # y_i ~ N(w, 1) at inverse temperature β is N(w, 1) seen nβ times.
    problem, (y,), _ = linear_regression(1, 1, 0)[0], (torch.tensor([0.7, -0.2, 1.1], dtype=F64),), None
    x = torch.ones(3, 1, dtype=F64)
    posterior = germ.sample_posterior(problem, (x, y), beta=0.4, seed=2, particles=256)
    precision = 3 * 0.4 + 1 / 9
    z = (posterior.draws[:, ::16, 0] - 0.4 * float(y.sum()) / precision) * math.sqrt(precision)
    assert kstest(z.ravel(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("end", [(0.0, 1.0), (-math.inf, 2.0), (1.0, math.inf)])
def test_coordinates_invert_and_their_jacobian_is_the_derivative(end):
    box = Coordinates((torch.tensor([end[0]], dtype=F64), torch.tensor([end[1]], dtype=F64)))
    u = torch.linspace(-6, 6, 25, dtype=F64)[:, None].requires_grad_()
    w, log_jacobian = box.parameters(u)
    (slope,) = torch.autograd.grad(w.sum(), u)
    assert torch.allclose(slope[:, 0].log(), log_jacobian)
    assert torch.allclose(box.unbounded(w), u)
    assert bool((w > end[0]).all() and (w < end[1]).all())


def test_draws_at_a_boundary_minimum_follow_the_beta_law():
    # Three empty cells: the posterior's mode is on the boundary, where K vanishes to first order.
    problem, data, _ = multinomial([30, 0, 10])
    posterior = germ.sample_posterior(problem, data, seed=0, particles=256)
    draws = posterior.draws[:, ::16, 1].ravel()
    assert kstest(draws, "beta", args=(1, 11)).pvalue > 1e-3  # share of the second cell in what the first leaves
    assert kstest(posterior.draws[:, ::16, 0].ravel(), "beta", args=(31, 12)).pvalue > 1e-3


def test_both_far_modes_are_found_in_their_proportion():
    problem, data, _ = two_islands()
    posterior = germ.sample_posterior(problem, data, seed=5, particles=256)
    share = (posterior.draws[:, :, 0] > 0).mean(1)
    assert abs(share.mean() - 0.2) < 4 * share.std(ddof=1) / math.sqrt(len(share)) < 0.2


def test_parallel_tempering_agrees_with_particles_on_two_modes():
    problem, data, _ = two_means(60, 4)
    pt = germ.sample_posterior(problem, data, seed=1, method="parallel tempering", islands=8, draws=800)
    smc = germ.sample_posterior(problem, data, seed=2)
    for posterior in (pt, smc):
        left = (posterior.draws[:, :, 0] < posterior.draws[:, :, 1]).mean()
        assert abs(left - 0.5) < 0.1
    error = np.hypot(*(p.log_likelihood.mean(1).std(ddof=1) / math.sqrt(len(p.draws)) for p in (pt, smc)))
    assert abs(pt.log_likelihood.mean() - smc.log_likelihood.mean()) < 4 * error
    assert pt.ladder.swaps is not None
    assert pt.ladder.swaps.min() > 0.2


def test_the_same_seed_gives_the_same_draws_and_another_does_not():
    problem, data, _ = product(50, 0)
    a, b, c = (germ.sample_posterior(problem, data, seed=s, islands=4, particles=8, draws=16) for s in (3, 3, 4))
    assert np.array_equal(a.draws, b.draws)
    assert not np.array_equal(a.draws, c.draws)
    state = torch.get_rng_state()
    germ.sample_posterior(problem, data, rng=np.random.default_rng(0), islands=4, particles=8, draws=16)
    assert torch.equal(state, torch.get_rng_state())


def test_scores_are_the_gradient_of_the_log_posterior_that_is_recorded():
    problem, data, _ = multinomial([5, 2, 9])
    posterior = germ.sample_posterior(problem, data, beta=0.7, islands=4, particles=8, draws=16)
    u = torch.from_numpy(posterior.positions.reshape(-1, 2))
    density = Density(problem, data)
    step = 1e-5
    for i in range(2):
        shift = torch.zeros(2, dtype=F64)
        shift[i] = step
        (a, b), (c, d) = density.values(u + shift), density.values(u - shift)
        numeric = (0.7 * (a - c) + b - d) / (2 * step)
        assert np.allclose(numeric.numpy(), posterior.scores.reshape(-1, 2)[:, i], rtol=1e-5, atol=1e-5)


def test_datatree_has_arviz_groups_and_the_pointwise_table_sums_to_the_total():
    problem, data, _ = product(50, 0)
    problem = replace(problem, names=("a", "b"))
    posterior = germ.sample_posterior(problem, data, islands=4, particles=8, draws=16)
    tree = posterior.to_datatree()
    assert set(tree.children) == {"posterior", "log_likelihood", "sample_stats", "tempering"}
    assert tree["log_likelihood"]["log_likelihood"].dims == ("chain", "draw", "observation")
    assert np.allclose(tree["log_likelihood"]["log_likelihood"].sum("observation"), posterior.log_likelihood)
    assert np.array_equal(tree["posterior"]["b"], posterior.draws[:, :, 1])
    lp = tree["sample_stats"]["lp"].to_numpy()
    prior = problem.log_prior(torch.from_numpy(posterior.draws.reshape(-1, 2))).numpy().reshape(lp.shape)
    assert np.allclose(lp, posterior.log_likelihood + prior)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"beta": 0.0}, InputError, "β > 0"),
        ({"beta": -1.0}, InputError, "β > 0"),
        ({"beta": math.nan}, InputError, "β > 0"),
        ({"islands": 1}, InputError, "islands=1"),
        ({"draws": 0}, InputError, "draws=0"),
        ({"method": "nuts"}, InputError, "parallel tempering"),
        ({"seed": -1}, InputError, "seed=-1"),
    ],
)
def test_arguments_that_cannot_be_right(change, error, message):
    problem, data, _ = product(10, 0)
    with pytest.raises(error, match=message):
        germ.sample_posterior(problem, data, **change)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (torch.zeros(3), InputError, "tuple of tensors"),
        ((), DataError, "lengths"),
        ((torch.zeros(0),), DataError, "n >= 1"),
        ((torch.zeros(3), torch.zeros(4)), DataError, r"\[3, 4\]"),
        ((torch.tensor([0.0, math.nan]),), DataError, "1 of 2 observations"),
        ((torch.tensor([0.0, math.inf]),), DataError, "1 of 2 observations"),
    ],
)
def test_data_that_cannot_be_right(data, error, message):
    with pytest.raises(error, match=message):
        germ.sample_posterior(product(10, 0)[0], data)


def test_models_that_cannot_be_right():
    problem, data, _ = product(10, 0)
    broken = replace(problem, log_likelihood=lambda w, d: torch.sqrt(w[:, :1]) + 0 * d[0])
    with pytest.raises(DataError, match=r"nan at \d+ of \d+ draws from the prior"):
        germ.sample_posterior(broken, data)
    with pytest.raises(DataError, match="-inf at all"):
        germ.sample_posterior(replace(problem, log_likelihood=lambda w, d: w[:, :1] * 0 - torch.inf + 0 * d[0]), data)
    with pytest.raises(ProblemError, match=r"\(count|shape"):
        germ.sample_posterior(replace(problem, sample_prior=lambda c, g: torch.zeros(c, 3)), data)
    with pytest.raises(ProblemError, match="kept for each observation"):
        germ.sample_posterior(replace(problem, log_likelihood=lambda w, d: w.sum(1)), data)


def make_positive(**changes):
    """Exponential observations with a rate that has a Gamma(2, 1) prior, as torch.distributions writes it."""
    gamma = torch.distributions.Gamma(torch.tensor(2.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))

    def sample(count, g):
        return -torch.log(torch.rand(count, 2, generator=g, dtype=torch.float64)).sum(1, keepdim=True)

    fields = {
        "log_likelihood": lambda w, data: torch.log(w) - w * data[0],
        "log_prior": lambda w: gamma.log_prob(w[:, 0]),
        "sample_prior": sample,
        "simulate": lambda n, g: (-torch.log(torch.rand(n, generator=g, dtype=torch.float64)),),
        "support": (torch.zeros(1), torch.full((1,), torch.inf)),
    }
    return Problem("rate", 1, **(fields | changes))


def test_a_positive_parameter():
    problem = make_positive()
    data = problem.simulate(30, torch.Generator().manual_seed(0))
    found = germ.estimate_free_energy(problem, data, seed=0, budget=600)
    exact = -float(torch.lgamma(torch.tensor(32.0)) - 32 * torch.log(1 + data[0].sum()))  # Γ(32)/(1 + Σx)^32
    assert abs(found.value - exact) < 3 * found.standard_error < 0.2
    posterior = germ.sample_posterior(problem, data, islands=4, particles=16, draws=32)
    assert (posterior.draws > 0).all()
    assert str(posterior).startswith("posterior of rate at β = 1: 4 chains of ")
    assert len(repr(posterior)) < 500


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"support": None}, r"log_prior raised ValueError.*support=\(lower, upper\)"),
        ({"support": (torch.ones(1), torch.zeros(1))}, "the lower ends below the upper ones"),
        ({"support": (torch.zeros(2), torch.ones(2))}, r"two tensors of shape \(1,\)"),
        ({"support": ([0.0], [1.0])}, r"two tensors of shape \(1,\)"),
        ({"support": (torch.zeros(1), torch.ones(1))}, "draws of sample_prior are outside the support"),
        (
            {"log_likelihood": lambda w, data: torch.as_tensor((torch.log(w) - w * data[0]).detach().numpy())},
            "without a gradient.*stay in torch",
        ),
    ],
)
def test_constraints_that_cannot_be_right(change, message):
    problem = make_positive(**change)
    with pytest.raises(ProblemError, match=f"(?s){message}"):
        germ.estimate_free_energy(problem, problem.simulate(30, torch.Generator().manual_seed(0)), budget=600)


def test_one_observation_is_enough_to_sample():
    problem, data, exact = linear_regression(2, 1, 0)
    found = germ.estimate_free_energy(problem, data)
    assert abs(found.value - exact) < 3 * found.standard_error < 0.2


def test_parameters_that_exclude_the_data_do_not_stop_the_climb():
    # x_i uniform on [0, w]: the likelihood is 0 for w < max x.
    x = torch.tensor([0.3, 1.9, 1.0], dtype=F64)

    def log_likelihood(w, data):
        return torch.where(w >= data[0], -torch.log(w.clamp_min(1e-9)), torch.full_like(w, -torch.inf))

    def log_prior(w):
        return torch.where(w[:, 0] > 0, -w[:, 0], torch.full_like(w[:, 0], -torch.inf))

    def sample(count, g):
        return -torch.log(torch.rand(count, 1, generator=g, dtype=F64))

    problem = make("uniform", 1, log_likelihood, (log_prior, sample), support=(torch.zeros(1), torch.full((1,), math.inf)))
    found = germ.estimate_free_energy(problem, (x,))
    line = np.linspace(1.9, 60, 2_000_001)
    exact = -math.log(np.trapezoid(np.exp(-line) / line**3, line))
    assert abs(found.value - exact) < 3 * found.standard_error < 0.2


def test_a_normal_prior_and_its_sampler_must_agree():
    problem, data, _ = cauchy_location(10, 0)
    for log_prior in (lambda w: 0.0 * w[:, 0], lambda w: -0.5 * (w[:, 0] / 10) ** 2, lambda w: log_normal(w, 1.0).sum(1)):
        with pytest.raises(ProblemError, match="does not integrate to one"):
            germ.estimate_free_energy(replace(problem, log_prior=log_prior), data)
    with pytest.raises(ProblemError, match="not finite at"):
        germ.estimate_free_energy(replace(problem, log_prior=lambda w: torch.log(w[:, 0])), data)
    assert normal_prior(1, 1.0)[0](torch.zeros(1, 1)).shape == (1,)


def test_a_climb_goes_on_from_a_hotter_posterior():
    problem, data, exact = product(200, 1, mean=0.5)
    hot = germ.sample_posterior(problem, data, beta=0.1, seed=0, draws=2048)
    cold = germ.sample_posterior(problem, data, seed=1, start=hot)
    assert cold.ladder.temperatures[0] == 0
    assert cold.ladder.temperatures[-1] == 1
    k = len(hot.ladder.temperatures)
    assert (cold.ladder.temperatures[:k] == hot.ladder.temperatures).all()
    found = compute_free_energy(cold)
    assert abs(found.value - exact) < 3.5 * found.standard_error < 0.4
    with pytest.raises(InputError, match="smaller β"):
        germ.sample_posterior(problem, data, beta=0.05, start=hot)
    with pytest.raises(InputError, match="same problem and data"):
        germ.sample_posterior(problem, (data[0] + 1,), start=hot)
    with pytest.raises(InputError, match="particles both times"):
        germ.sample_posterior(problem, data, start=hot, method="parallel tempering")
