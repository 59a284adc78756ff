"""The main job on problems whose local λ is known, and on input that cannot be right."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

import germ
from germ.errors import DataError, InputError, LossError, ModelError


def squared_error(model, batch):
    return ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2


def make_linear_network(widths, rank, seed, n, sigma):
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(*[nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)])
    with torch.no_grad():
        for layer in network:
            a, b = layer.weight.shape
            layer.weight.copy_(
                torch.randn(a, rank, generator=generator) @ torch.randn(rank, b, generator=generator) / math.sqrt(max(rank, 1) * b)
            )
        x = torch.randn(n, widths[0], generator=generator)
        y = network(x) + sigma * torch.randn(n, widths[-1], generator=generator)
    return network, (x, y)


class Tanh(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.zeros(hidden)), nn.Parameter(torch.zeros(hidden))

    def forward(self, x):
        return torch.tanh(x * self.b) @ self.a[:, None]


def test_regular_model_is_half_its_dimension():
    model, data = make_linear_network([6, 4], 4, 0, 500, 0.5)
    result = germ.estimate_learning_coefficient(model, squared_error, data)
    assert result.value == 12
    assert result.diagnostics["rank"] == 24


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_reduced_rank_with_and_without_label_noise(sigma):
    # Aoyagi & Watanabe (2005): M = N = 6, H = 4, r = 2 gives 27/2.
    # Weights and labels in single precision: w* is a zero of K up to rounding only.
    model, data = make_linear_network([6, 4, 6], 2, 1, 1000, sigma)
    result = germ.estimate_learning_coefficient(model, squared_error, data, budget=600)
    assert abs(result.value - 13.5) < 3 * result.standard_error
    assert result.standard_error < 0.03 * 13.5
    assert set(result.trace.children) == {"posterior", "ladder"}
    assert result.trace["ladder"]["mean_excess"].dims == ("nbeta", "island")
    az = pytest.importorskip("arviz", reason="pip install 'germ[bayes]' brings ArviZ")
    assert float(az.rhat(result.trace["posterior"].to_dataset())["learning_coefficient"]) < 1.1
    assert float(az.ess(np.asarray(result.trace))) > 100


def test_tanh_unit_at_zero_truth():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(200, 1, generator=generator)
    result = germ.estimate_learning_coefficient(Tanh(1), squared_error, (x, torch.zeros(200, 1)), budget=600)
    assert abs(result.value - 0.5) < 3 * result.standard_error
    assert result.standard_error < 0.1


def test_the_model_and_the_random_state_come_back_untouched():
    model, data = make_linear_network([3, 2], 2, 0, 100, 0.5)
    model.train()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    germ.estimate_learning_coefficient(model, squared_error, data)
    assert model.training
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(p.grad is None and p.dtype == torch.float32 for p in model.parameters())


def test_bad_input_says_what_to_do():
    model, data = make_linear_network([3, 2], 2, 0, 100, 0.5)
    estimate = germ.estimate_learning_coefficient
    with pytest.raises(LossError, match="a sum over the batch"):
        estimate(model, lambda m, b: squared_error(m, b).sum(), data)
    with pytest.raises(LossError, match="shape"):
        estimate(model, lambda m, b: (m(b[0]) - b[1]) ** 2, data)
    with pytest.raises(LossError, match="nan"):
        estimate(model, lambda m, b: squared_error(m, b) * float("nan"), data)
    other = copy.deepcopy(model)
    with pytest.raises(LossError, match="does not change"):
        estimate(model, lambda m, b: squared_error(other, b), data)
    with pytest.raises(DataError, match="one sample"):
        estimate(model, squared_error, (data[0][:1], data[1][:1]))
    with pytest.raises(InputError, match="budget"):
        estimate(model, squared_error, data, budget=-1)
    with pytest.raises(ModelError, match="matches nothing"):
        estimate(model, squared_error, data, parameters=["encoder.*"])
    with pytest.raises(InputError, match="method"):
        estimate(model, squared_error, data, method="guess")
    model.requires_grad_(False)
    with pytest.raises(ModelError, match="requires a gradient"):
        estimate(model, squared_error, data)
