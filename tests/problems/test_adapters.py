"""Models written elsewhere: their evidence against closed forms; refusals without the packages."""

import builtins
import math

import numpy as np
import pytest
import torch

from germ.errors import InputError, MissingDependencyError, ProblemError
from germ.estimators.free_energy import estimate_free_energy
from germ.problems.adapters import make_density_problem, make_numpyro_problem, make_pymc_problem

Y = np.array([0.3, -1.1, 0.8, 1.9, 0.2, 1.4, -0.4])


def exact_free_energy():
    """Y_i ~ N(w, 1), w ~ N(0, 4): −log N(Y; 0, I + 4·11ᵀ)."""
    n, scale = len(Y), 1 + 4 * len(Y)
    return 0.5 * (n * math.log(2 * math.pi) + math.log(scale) + (Y**2).sum() - 4 * Y.sum() ** 2 / scale)


def stan_like(**changes):
    functions = {
        "log_likelihood": lambda w: -((Y - w[0]) ** 2) / 2 - math.log(2 * math.pi) / 2,
        "log_likelihood_pullback": lambda w, weight: np.array([weight @ (Y - w[0])]),
        "log_prior": lambda w: -(w[0] ** 2) / 8 - math.log(8 * math.pi) / 2,
        "log_prior_gradient": lambda w: -w / 4,
        "sample_prior": lambda count, rng: 2 * rng.normal(size=(count, 1)),
    }
    return make_density_problem("normal mean", 1, len(Y), **(functions | changes))


def test_a_log_density_has_the_evidence_of_its_closed_form():
    problem, data = stan_like()
    found = estimate_free_energy(problem, data, budget=4)
    assert abs(found.value - exact_free_energy()) < 4 * found.standard_error + 1e-3
    w = torch.tensor([[0.3], [1.0]], dtype=torch.float64, requires_grad=True)
    part = problem.log_likelihood(w, (torch.tensor([1.0, 3.0]),))
    assert part.shape == (2, 2)
    (slope,) = torch.autograd.grad(part.sum(), w)
    assert slope[0, 0].item() == pytest.approx(Y[[1, 3]].sum() - 0.6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"log_likelihood_pullback": lambda w, weight: np.array([weight @ (w[0] - Y)])}, "differences give"),
        ({"log_prior_gradient": lambda w: -w / 2}, "differences give"),
        ({"log_likelihood": lambda w: np.zeros(3)}, r"shape \(3,\)"),
        ({"sample_prior": lambda count, rng: rng.normal(size=count)}, "sample_prior returned"),
    ],
)
def test_functions_that_contradict_each_other(changes, message):
    with pytest.raises(ProblemError, match=message):
        stan_like(**changes)


def test_the_data_belong_to_the_model():
    problem, _ = stan_like()
    with pytest.raises(ProblemError, match="asked to simulate"):
        problem.simulate(3, torch.Generator())
    with pytest.raises(InputError, match="positive"):
        make_density_problem("", 0, 1, log_likelihood=None, log_likelihood_pullback=None, log_prior=None, log_prior_gradient=None,
                             sample_prior=None)  # fmt: skip


@pytest.mark.parametrize("call", [make_pymc_problem, make_numpyro_problem])
def test_without_the_package_the_refusal_is_polite(call, monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **keywords):
        if name.partition(".")[0] in ("pymc", "jax"):
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match="pip install"):
        call(object())


def check_scale_model(problem, data):
    """Y_i ~ N(w, s²), w ~ N(0, 4), s ~ Exponential(1), against quadrature; the likelihood of one observation in closed form."""
    w, log_s = (a.ravel() for a in np.meshgrid(np.linspace(-9, 9, 901), np.linspace(-5, 4, 901)))
    s = np.exp(log_s)
    log = -(w**2) / 8 - math.log(8 * math.pi) / 2 - s + log_s
    log += (-((Y[:, None] - w) ** 2) / (2 * s**2) - log_s - math.log(2 * math.pi) / 2).sum(0)
    exact = -(log.max() + math.log(np.exp(log - log.max()).sum() * 0.02 * 0.01))
    assert problem.dimension == 2
    found = estimate_free_energy(problem, data, budget=20)
    assert abs(found.value - exact) < 4 * found.standard_error
    drawn = problem.sample_prior(500, torch.Generator().manual_seed(0))
    scale = drawn[:, [i for i, n in enumerate(problem.names) if "s" in n]].exp()
    assert abs(float(scale.mean()) - 1) < 4 / math.sqrt(500)


def test_a_pymc_model():
    pymc = pytest.importorskip("pymc", reason="pip install pymc, to check the adapter against it")
    with pymc.Model() as model:
        mean, scale = pymc.Normal("m", 0, 2), pymc.Exponential("s", 1)
        pymc.Normal("y", mean, scale, observed=Y)
    check_scale_model(*make_pymc_problem(model))
    with pymc.Model() as discrete:
        pymc.Normal("y", pymc.Bernoulli("k", 0.5), 1, observed=Y)
    with pytest.raises(InputError, match="1 discrete"):
        make_pymc_problem(discrete)


def test_a_numpyro_model():
    numpyro = pytest.importorskip("numpyro", reason="pip install numpyro, to check the adapter against it")
    from numpyro import distributions as dist

    def model(y):
        mean, scale = numpyro.sample("m", dist.Normal(0, 2)), numpyro.sample("s", dist.Exponential(1))
        numpyro.sample("y", dist.Normal(mean, scale), obs=y)

    check_scale_model(*make_numpyro_problem(model, Y))
