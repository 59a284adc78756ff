"""Which kind of point w* is: the score test on truths, on fitted parameters, and halfway between; kinks beside w*."""

import math

import pytest
import torch
from torch import nn

from germ.estimators.point import classify_noise, describe_scale, find_kinks_nearby
from germ.sampling.model import wrap_model


def squared_error(model, batch):
    return ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2


def classify(model, data, loss=squared_error, seed=0):
    wrapped = wrap_model(model, loss, data)
    return classify_noise(wrapped, describe_scale(wrapped.center), torch.Generator().manual_seed(seed))


class Monomial(nn.Module):
    def __init__(self, *exponents):
        super().__init__()
        self.exponents, self.weights = exponents, nn.Parameter(torch.zeros(len(exponents)))

    def forward(self, x):
        return x * math.prod(w**k for w, k in zip(self.weights, self.exponents, strict=True))


def make_network(seed):
    g = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=g) / 2)
    return model, g


@pytest.mark.parametrize("n", [60, 200, 2000])
def test_truths_behind_noise_are_true(n):
    for seed in range(4):
        model, g = make_network(seed)
        x = torch.randn(n, 4, generator=g)
        assert classify(model, (x, model(x).detach() + 0.5 * torch.randn(n, 2, generator=g)), seed=seed) == "true"
        assert classify(model, (x, model(x).detach()), seed=seed) == "none"


@pytest.mark.parametrize("exponents", [(1,), (1, 1), (1, 2, 3), (1, 1, 1, 1), (3, 3)])
def test_truths_where_derivatives_vanish_are_true(exponents):
    for seed in range(4):
        g = torch.Generator().manual_seed(seed)
        x = torch.randn(300, 1, generator=g)
        assert classify(Monomial(*exponents), (x, 0.5 * torch.randn(300, 1, generator=g))) == "true"
        assert classify(Monomial(*exponents), (x, 0 * x)) == "none"


def test_fitted_parameters_are_fitted_and_half_trained_ones_mostly():
    early, late = [], []
    for seed in range(3):
        truth, g = make_network(seed)
        model, _ = make_network(seed + 100)
        x = torch.randn(400, 4, generator=g)
        data = x, truth(x).detach() + 0.5 * torch.randn(400, 2, generator=g)
        descent = torch.optim.Adam(model.parameters(), lr=0.02)
        for step in range(1, 401):
            descent.zero_grad()
            squared_error(model, data).mean().backward()
            descent.step()
            if step in (10, 20, 40, 80, 120, 200, 300, 400):
                (late if step >= 200 else early).append(classify(model, data))
    assert set(late) == {"fitted"}
    # Somewhere on the way each direction passes from unfitted to fitted; not all can be told from noise there.
    assert early.count("fitted") >= 0.6 * len(early)


def test_a_fit_of_least_squares_is_fitted():
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(100, 3, generator=g), torch.randn(100, 1, generator=g)
    model = nn.Linear(3, 1, bias=False)
    model.weight.data = torch.linalg.lstsq(x, y).solution.T.contiguous()
    assert classify(model, (x, y)) == "fitted"


@pytest.mark.parametrize(("unit", "kinks"), [(nn.ReLU(), True), (nn.Tanh(), False), (nn.GELU(), False), (nn.LeakyReLU(), True)])
def test_kinks_beside_the_point(unit, kinks):
    model, g = make_network(0)
    model[1] = unit
    x = torch.randn(100, 4, generator=g)
    wrapped = wrap_model(model, squared_error, (x, model(x).detach()))
    assert find_kinks_nearby(wrapped, describe_scale(wrapped.center), g) == kinks
