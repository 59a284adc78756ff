"""Figures of estimates show what the estimates hold."""

import matplotlib
import numpy as np
import pytest
import torch
from torch import nn

import germ
from germ.claim import Estimate, Provenance
from germ.errors import InputError

matplotlib.use("agg")


def squared_error(model, batch):
    return ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2


class Node(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        return x * self.w[0] * self.w[1]


@pytest.fixture(scope="module")
def limit():
    x = torch.randn(50, 1, generator=torch.Generator().manual_seed(0))
    return germ.estimate_learning_coefficient(Node(), squared_error, (x, 0 * x), budget=600)


@pytest.fixture(scope="module")
def chains():
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    model = nn.Linear(3, 1)
    return germ.estimate_learning_coefficient(model, squared_error, (x, model(x).detach()), method="chains", budget=3)


@pytest.mark.parametrize("road", ["limit", "chains"])
def test_trace_and_ladder(road, request):
    result = request.getfixturevalue(road)
    left, right = germ.plots.plot_llc_trace(result)
    shown = np.concatenate([line.get_ydata() for line in left.lines])
    assert len(left.lines) <= 8
    assert np.isfinite(shown).all()
    assert abs(right.lines[-2].get_ydata()[-1] - result.value) < 0.5 * result.value
    ax = germ.plots.plot_llc_ladder(result)
    assert ax.get_xlabel() == ("inverse temperature nβ" if road == "limit" else "localisation γ")
    assert ax.get_xscale() == "log"


def test_checkpoints():
    results = [Estimate(v, 0.1, Provenance("test")) for v in (-300.0, 1.0, 2.0, 3.0)]
    upper, lower = germ.plots.plot_llc_over_checkpoints(
        [0, 1, 10, 100], results, losses={"training": [4.0, 3.0, 2.0, 1.0], "test": [4.0, 3.0, 2.0, 2.0]}
    )
    assert list(upper.lines[0].get_ydata()) == [1, 2, 3]
    assert [t.get_text() for t in upper.get_legend().get_texts()] == ["not a minimum: λ̂ < 0", "λ̂ ± 2σ"]
    assert upper.get_ylim()[0] > -1  # a value that means nothing does not set the scale
    assert [t.get_text() for t in lower.get_xticklabels()] == ["0", "1", "10", "100"]
    assert len(lower.lines) == 2
    alone = germ.plots.plot_llc_over_checkpoints([5, 6], results[1:3])
    assert alone.get_xscale() == "linear"
    with pytest.raises(InputError, match="one of each"):
        germ.plots.plot_llc_over_checkpoints([1], results)


def test_counted_estimates_have_no_trace():
    with pytest.raises(InputError, match="no draws"):
        germ.plots.plot_llc_trace(Estimate(1.0, 0.0, Provenance("test")))
