"""Traced lists of operations: shortened and compiled, they compute the same numbers, and chains the same draws."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from germ.sampling.binding import bind_model
from germ.sampling.engine import LocalEngine
from germ.sampling.kernels.parts import FIELDS
from germ.sampling.operations import simplify_graph
from germ.sampling.planning import Rung
from germ.sampling.recipe import Recipe


def bind(compiled=False):
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(200, 5, generator=g), torch.randint(3, (200,), generator=g)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 4, bias=False), nn.Tanh(), nn.Linear(4, 3))

    def loss(m, b):
        return nn.functional.cross_entropy(m(b[0]), b[1], reduction="none")

    return bind_model(model, loss, (x, y), compiled=compiled)


def test_a_shorter_list_computes_the_same():
    binding = bind()
    positions = binding.start(3) + 0.1 * torch.randn(3, binding.dimension, generator=torch.Generator().manual_seed(1))
    indices = torch.arange(60).view(3, 20)
    graph = make_fx(binding.evaluator.function("gradient", True))(positions, indices)
    before, loss_and_gradient = len(graph.graph.nodes), graph(positions, indices)
    simplify_graph(graph)
    assert len(graph.graph.nodes) < 0.8 * before
    for one, two in zip(loss_and_gradient, graph(positions, indices), strict=True):
        assert torch.allclose(one, two, rtol=1e-5, atol=1e-6)
    text = graph.code
    assert "detach" not in text


def test_a_product_that_is_turned_back_is_computed_straight():
    def turned(a, b):
        return torch.bmm(a.transpose(1, 2), b).transpose(1, 2).clone(memory_format=torch.contiguous_format) * 1

    a, b = (torch.randn(2, 6, k, generator=torch.Generator().manual_seed(k)) for k in (3, 4))
    graph = simplify_graph(make_fx(turned)(a, b))
    assert torch.allclose(graph(a, b), turned(a, b))
    assert graph.code.count("aten.transpose") == 1
    assert "clone" not in graph.code
    # What only looks like it stays: integers times one are floats after a division by one.
    whole = simplify_graph(make_fx(lambda t: t / 1)(torch.arange(3)))
    assert whole(torch.arange(3)).dtype == torch.float32


@pytest.mark.parametrize("kernel", ["sgld", "rmsprop-sgld"])
def test_compiled_chains_make_the_same_draws_and_go_on_from_a_state(kernel):
    rung = Rung("main", 30.0, 1.0, 1e-3, 0, 40)
    found = []
    for compiled in (False, True):
        binding = bind(compiled)
        weights = torch.linspace(0.5, 1.5, binding.dimension) if kernel == "rmsprop-sgld" else None
        engine = LocalEngine(binding, Recipe(kernel, 3, 2, 1, 20, (rung,), preconditioner=weights), slice(0, 2))
        engine.enter(rung)
        found.append(engine.advance(20, 0))
        packed = {key: value.clone() for key, value in engine.pack().items()}  # states move in place
    for key in FIELDS:
        assert np.allclose(found[0][key], found[1][key], rtol=1e-3, atol=1e-5), key
    first = engine.advance(5, 20)
    again = LocalEngine(bind(True), Recipe(kernel, 3, 2, 1, 20, (rung,), preconditioner=weights), slice(0, 2))
    again.restore(rung, packed)  # a fresh engine: its first step is the one that traces
    assert all(np.array_equal(value, first[key]) for key, value in again.advance(5, 20).items())
