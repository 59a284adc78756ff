"""One number by all roads: proof, published formula, volume, and samples in three ways, for one problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from germ.claim import Claim
from germ.estimators.learning_coefficient import estimate_learning_coefficient
from germ.plots.roads import plot_roads
from germ.problems.network import make_tanh_network
from germ.roads.compare import compare
from germ.roads.comparison import Comparison, Row, judge
from germ.tour.known import squared_error
from germ.tour.section import Effort, Section, count_words, start_figure, write_figure, write_table

_NETWORK = "llc"
_SAMPLES = 500
_HOW = {
    "exact": "blow-ups, certificate",
    "atlas": "published formula",
    "volume": "vol{K < ε}",
    _NETWORK: "samples near the truth",
    "wbic": "likelihood at β = 1/log n",
    "free-energy": "F over log n",
}


class _Unit(nn.Module):
    """y = a tanh(b x) at a = b = 0, the problem as a torch module."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.a * torch.tanh(self.b * x)


def make_roads(effort: Effort, seed: int, tell: Callable[[float], None]) -> Section:
    """The section.

    Args:
        effort: How much.
        seed: Seed.
        tell: Called with the share that is done.

    Returns:
        The section.
    """
    found = compare(make_tanh_network(1), seed=seed, budget=effort.work, roads=[road for road in effort.roads if road != _NETWORK])
    tell(0.6)
    # `compare` gives this road a share of the wall time; here its precision is fixed, so that the same seed gives the same numbers.
    rows = [*found.rows, Row(_NETWORK, _estimate(effort, seed), 0.0)]
    found = replace(found, rows=judge(sorted(rows, key=lambda row: list(_HOW).index(row.road))))
    tell(1.0)
    off = [row.road for row in found.rows if row.status == "disagrees"]
    reference = found.reference
    value = "–" if reference is None else f"{reference.describe_value()}, m = {reference.multiplicity}"
    verdict = (
        f"More than three standard errors off: {', '.join(off)}."
        if off
        else "All agree within three standard errors. Such agreement, over many problems, is what germ's own tests rest on."
    )
    cells = [[row.road, _HOW[row.road], row.describe_value(), _describe_multiplicity(row), _describe(row)] for row in found.rows]
    body = f"""
<p>The smallest singular network is y = a tanh(bx) + noise where the truth is zero: a = 0 or b = 0 explains the data equally well. Roads
that have next to nothing in common lead to its λ: some are given K, others see only data that were simulated from the model.</p>
{write_table("One problem by all roads", ["road", "how", "λ", "m", "deviation"], cells)}
{_draw(found)}
<p>{verdict}</p>"""
    finding = f"λ = {value}: {count_words(len(found.rows), 'road', 'roads')}, {len(off) or 'no'} disagreement{'s' if len(off) > 1 else ''}"
    code = 'germ compare tanh --hidden 1\n# in Python:  germ.compare(germ.problems.make_problem("tanh", hidden=1))'
    return Section("roads", "One number by all roads", finding, body, code)


def _estimate(effort: Effort, seed: int) -> Claim:
    generator = torch.Generator().manual_seed(seed)
    x = 4 * torch.rand(_SAMPLES, 1, generator=generator) - 2
    data = x, torch.randn(_SAMPLES, 1, generator=generator)
    precision = max(0.1, effort.relative)
    return estimate_learning_coefficient(_Unit(), squared_error, data, seed=seed, budget=effort.budget, precision=precision)


def _describe(row: Row) -> str:
    return row.describe_difference() if row.value is not None else row.describe_verdict()


def _describe_multiplicity(row: Row) -> str:
    return "–" if row.multiplicity is None else str(row.multiplicity)


def _draw(found: Comparison) -> str:
    with start_figure(size=(4.8, 2.9)) as (figure, ax):
        plot_roads(found, ax=ax)
        ax.set_title("", loc="left")
    told = "; ".join(f"{row.road}: {row.describe_value()}" for row in found.rows if row.value is not None)
    caption = "λ by each road with two standard errors; the line is the proof."
    return write_figure(figure, "roads-figure", f"Learning coefficient by each road. {told}.", caption)
