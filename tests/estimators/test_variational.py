"""Mean-field posteriors on standard forms against exact evidence; flows against quadrature."""

import builtins
import importlib.util
import math

import numpy as np
import pytest
import torch
from scipy import integrate, optimize

from germ.errors import DivergenceError, InputError, MissingDependencyError
from germ.estimators.variational import fit_gamma_posterior
from germ.estimators.variational_flow import GammaBase, estimate_elbo
from germ.thermo.standard_form import make_standard_form

FORMS = [((7, 5), (1, 3)), ((1, 1), (0, 0)), ((2, 1, 1), (0, 2, 1)), ((1, 2, 3, 1), (0, 1, 2, 0)), ((3,), (1,))]


@pytest.mark.parametrize("k_h", FORMS)
@pytest.mark.parametrize("n", [1e-3, 7.0, 1e4, 1e12])
def test_the_bound_is_below_the_evidence_and_close(k_h, n):
    k, h = k_h
    form = make_standard_form(k, h)
    gap = math.log(form.compute_partition_function(n)) - fit_gamma_posterior(k, h, n).normalized_elbo
    # the product law loses (m − 1) log log n and a constant; in one dimension it is the posterior itself
    allowed = 1e-9 if len(k) == 1 else 0.5 * len(k) + (form.multiplicity - 1) * math.log(max(1.0, math.log(n)))
    assert -1e-9 < gap < allowed


def test_the_published_case():
    fit = fit_gamma_posterior((7, 5), (1, 3), 1e8)
    log_z = math.log(make_standard_form([7, 5], [1, 3]).compute_partition_function(1e8)) - math.log(8)
    assert log_z == pytest.approx(-4.33885, abs=6e-6)
    assert fit.elbo == pytest.approx(-4.5867, abs=6e-5)
    assert fit.shapes == pytest.approx((1 / 7, 2 / 5))


@pytest.mark.parametrize("k_h", FORMS)
def test_no_other_rates_are_better(k_h):
    k, h = k_h
    n = 3e3
    fit = fit_gamma_posterior(k, h, n)

    def moment(j, r, power):
        return integrate.quad(lambda u: math.exp(u * (h[j] + 1 + 2 * power * k[j]) - r * math.exp(2 * k[j] * u)), -80 / k[j], 0,
                              limit=400, points=[-math.log(1 + r) / (2 * k[j])])[0]  # fmt: skip

    def elbo(log_rates):
        rates = np.exp(log_rates)
        zero = [moment(j, r, 0) for j, r in enumerate(rates)]
        mean = [moment(j, r, 1) / z for j, (r, z) in enumerate(zip(rates, zero, strict=True))]
        return -n * math.prod(mean) + sum(math.log(z) + r * e for z, r, e in zip(zero, rates, mean, strict=True))

    best = np.log(fit.rates)
    assert elbo(best) == pytest.approx(fit.elbo, abs=1e-7)
    found = optimize.minimize(lambda x: -elbo(x), best + 0.7 * np.cos(np.arange(len(k))), method="Nelder-Mead", options={"maxiter": 300})
    assert -found.fun <= fit.elbo + 1e-6


def test_draws_follow_the_density():
    n = 40.0
    fit = fit_gamma_posterior((1, 2), (2, 0), n)
    w = fit.sample(40_000, np.random.default_rng(1))
    assert w.min() > 0
    assert w.max() <= 1
    ratio = -n * w[:, 0] ** 2 * w[:, 1] ** 4 + 2 * np.log(w[:, 0]) - fit.log_density(w)
    assert abs(ratio.mean() - fit.elbo) < 4 * ratio.std() / 200
    exact = math.log(make_standard_form([1, 2], [2, 0]).compute_partition_function(n) / 3)
    weights = np.exp(ratio)
    assert abs(math.log(weights.mean()) - exact) < 4 * weights.std() / weights.mean() / 200


@pytest.mark.parametrize(
    ("k", "h", "n"),
    [((), None, 10), ((1, 1), (0,), 10),
     ((1, 0), None, 10), ((1,), (-1,), 10), ((1,), None, 0), ((1,), None, math.inf), ((math.nan,), None, 1)],
)  # fmt: skip
def test_bad_exponents(k, h, n):
    with pytest.raises(InputError, match="expected"):
        fit_gamma_posterior(k, h, n)


def test_the_base_is_the_gamma_law():
    base = GammaBase(2, learn=True)
    with torch.no_grad():
        base.log_shape.copy_(torch.tensor([0.3, 2.0]).log())
        base.log_exponent.copy_(torch.tensor([2.0, 1.0]).log())
        xi, log_density = base.sample(50_000, torch.Generator().manual_seed(2))
    for j, (lam, k) in enumerate(((0.3, 2), (2.0, 1))):
        t = xi[:, j].abs() ** (2 * k)
        assert abs(float(t.mean()) - lam) < 4 * math.sqrt(lam / 50_000)
        assert abs(float((xi[:, j] > 0).double().mean()) - 0.5) < 4 * 0.5 / math.sqrt(50_000)
    # E[f/q] = ∫ f for f a product of normal densities
    normal = torch.distributions.Normal(0.0, 0.3).log_prob(xi).sum(1)
    weights = (normal - log_density).exp()
    assert abs(float(weights.mean()) - 1) < 4 * float(weights.std()) / math.sqrt(50_000)


def _crossing(w):
    return -500 * (w[:, 0] * w[:, 1]) ** 2 - (w**2).sum(1) / 2 - math.log(2 * math.pi)


_NEEDS_ZUKO = pytest.mark.skipif(importlib.util.find_spec("zuko") is None, reason="pip install 'germ[flow]'")


@_NEEDS_ZUKO
@pytest.mark.parametrize("base", ["gamma", "gaussian"])
def test_a_flow_bounds_the_evidence_of_a_crossing(base):
    x = np.linspace(-9, 9, 200_001)
    exact = math.log(integrate.trapezoid(np.exp(-(x**2) / 2) / np.sqrt(2 * math.pi * (1 + 1000 * x**2)), x))
    state = torch.random.get_rng_state()
    found = estimate_elbo(_crossing, 2, seed=3, base=base, steps=600)
    assert torch.equal(state, torch.random.get_rng_state())
    assert exact - 0.15 < found.value < exact + 4 * found.standard_error
    assert abs(found.diagnostics["log_evidence"] - exact) < 4 * found.diagnostics["log_evidence_error"]
    assert found.diagnostics["weight_ess"] > 0.5
    assert not found.warnings
    assert torch.distributions.Distribution._validate_args  # which importing zuko alone would turn off


@_NEEDS_ZUKO
def test_what_a_flow_cannot_follow_is_said():
    needle = lambda w: -1e7 * ((w - 0.5) ** 2).sum(1)  # noqa: E731
    found = estimate_elbo(needle, 2, steps=3, samples=500)
    assert "effective" in found.warnings[0]
    with pytest.raises(DivergenceError, match="the ELBO is"):
        estimate_elbo(lambda w: w.sum(1).log(), 2, steps=3)
    with pytest.raises(InputError, match="sum over the observations"):
        estimate_elbo(lambda w: w, 2, steps=3)


@pytest.mark.parametrize("bad", [{"dimension": 1}, {"steps": 0}, {"samples": 1}, {"base": "cauchy"}])
def test_bad_arguments_of_a_flow(bad):
    with pytest.raises(InputError, match="expected"):
        estimate_elbo(_crossing, **({"dimension": 2} | bad))


def test_without_zuko_the_refusal_is_polite(monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **keywords):
        if name == "zuko":
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match="germ\\[flow\\]"):
        estimate_elbo(_crossing, 2)
