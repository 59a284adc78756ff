"""One number by all roads: proof, published formula, volume and sampling, for one problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from germ.algebra.rlct import compute_rlct
from germ.atlas import compute_value
from germ.claim import format_with_error
from germ.estimators.learning_coefficient import estimate_learning_coefficient
from germ.problems import make_problem
from germ.thermo.volume import estimate_volume_scaling
from germ.tour.known import squared_error
from germ.tour.section import Effort, Section, start_figure, write_figure, write_table


class _Unit(nn.Module):
    """y = a tanh(b x) at a = b = 0, the same model as a torch module."""

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
    problem = make_problem("tanh", hidden=1)
    exact: Any = compute_rlct(list(problem.exact.expression), at=problem.exact.at)
    published: Any = compute_value(problem.atlas[0], **problem.atlas[1])
    tell(0.1)
    volume = estimate_volume_scaling(problem, seed=seed, budget=effort.budget, precision=0.02)
    tell(0.6)
    generator = torch.Generator().manual_seed(seed)
    data = 2 * torch.rand(500, 1, generator=generator), torch.randn(500, 1, generator=generator)
    sampled: Any = estimate_learning_coefficient(_Unit(), squared_error, data, seed=seed, budget=effort.budget, precision=effort.relative)
    tell(1.0)
    known = float(exact.learning_coefficient)
    rows = [
        ["proof", exact.provenance.method, str(exact.learning_coefficient), str(exact.multiplicity), "exact"],
        ["published formula", published.provenance.source, str(published.learning_coefficient), str(published.multiplicity), "exact"],
    ]
    for name, how, result in (
        ("volume", "vol{K < ε} by multilevel splitting", volume),
        ("network", "sampling about w*, nβ → ∞", sampled),
    ):
        m = result.diagnostics.get("multiplicity")
        deviation = (result.value - known) / result.standard_error
        rows.append(
            [name, how, format_with_error(result.value, result.standard_error), "open" if m is None else str(m), f"{deviation:+.1f} σ"]
        )
    body = f"""
<p>The smallest singular network is y = a tanh(bx) + noise where the truth is zero: a = 0 or b = 0 explains the data equally well. Four
roads that have next to nothing in common lead to its λ:</p>
{write_table("One problem by four roads", ["road", "how", "λ", "m", "deviation"], rows)}
{_draw(known, volume, sampled)}
<p>This agreement is what germ's own tests rest on.</p>"""
    worst = max(abs(r.value - known) / r.standard_error for r in (volume, sampled))
    finding = f"λ = {exact.learning_coefficient} by all four, within {worst:.1f} σ"
    code = 'problem = germ.problems.make_problem("tanh", hidden=1)\ngerm.estimate_volume_scaling(problem)'
    return Section("roads", "One number by all roads", finding, body, code)


def _draw(known: float, volume: Any, sampled: Any) -> str:
    slopes = volume.diagnostics["slopes"]
    with start_figure() as (figure, ax):
        ax.errorbar(
            slopes["x"], slopes["slope"], [2 * e for e in slopes["error"]], fmt=".", markersize=4, elinewidth=0.8, color="#8a8a8a",
            label="local slope of log volume",
        )  # fmt: skip
        edge = max(slopes["x"])
        for shift, (name, result, colour) in enumerate((("volume", volume, "#1f5a96"), ("network", sampled, "#27803b")), 1):
            ax.errorbar(edge * (1 + 0.04 * shift), result.value, 2 * result.standard_error, fmt="o", capsize=3, color=colour, label=name)
        ax.axhline(known, ls="--", lw=1.2, color="#c0392b", label=f"proof, formula: {known:g}")
        ax.set(xlabel="−log ε", ylabel="λ")
        ax.legend(fontsize="small")
    told = (
        f"Local slopes of the logarithm of the volume against log ε, beside the proved value {known:g}. At the right the two estimates, "
        f"volume {format_with_error(volume.value, volume.standard_error)} and network "
        f"{format_with_error(sampled.value, sampled.standard_error)}."
    )
    caption = "d log V / d log ε as ε falls (grey), and at the right the two estimates with two standard errors."
    return write_figure(figure, "slopes", told, caption)
