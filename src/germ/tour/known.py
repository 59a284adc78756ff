"""Linear networks, whose local learning coefficients are published: the estimate beside the truth."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from germ.atlas import compute_value
from germ.claim import Estimate, format_with_error
from germ.estimators.learning_coefficient import estimate_learning_coefficient
from germ.plots.learning_coefficient import plot_llc_ladder
from germ.tour.section import Effort, Section, start_figure, write_figure, write_table

_SAMPLES, _NOISE = 1000, 0.5
_NAMES = {2: "linear regression", 3: "reduced rank regression"}  # by the number of widths


def make_linear_network(widths: tuple[int, ...], rank: int, generator: torch.Generator) -> tuple[nn.Sequential, tuple[Tensor, Tensor]]:
    """A linear network whose layers and product all have one rank, and noisy data that it is the truth of.

    Args:
        widths: From inputs to outputs.
        rank: Rank of each layer and of their product.
        generator: Source of randomness.

    Returns:
        The network and (x, y).
    """
    network = nn.Sequential(*[nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)])
    with torch.no_grad():
        for layer in network.children():
            weight: Any = layer.weight
            out, into = weight.shape
            left, right = torch.randn(out, rank, generator=generator), torch.randn(rank, into, generator=generator)
            weight.copy_(left @ right / (rank * into) ** 0.5)
        x = torch.randn(_SAMPLES, widths[0], generator=generator)
        y = network(x) + _NOISE * torch.randn(_SAMPLES, widths[-1], generator=generator)
    return network, (x, y)


def squared_error(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Σ (f − y)²/2 of each sample: nats, up to a constant, of Gaussian noise of variance one."""
    return ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2


def make_known(effort: Effort, seed: int, tell: Callable[[float], None]) -> Section:
    """The section.

    Args:
        effort: How much.
        seed: Seed.
        tell: Called with the share that is done.

    Returns:
        The section.
    """
    generator = torch.Generator().manual_seed(seed)
    rows, results = [], []
    for index, (widths, rank) in enumerate(effort.networks):
        network, data = make_linear_network(widths, rank, generator)
        name = f"{_NAMES.get(len(widths), 'deep linear network')} {'-'.join(map(str, widths))}"
        result: Any = estimate_learning_coefficient(
            network, squared_error, data, seed=seed, budget=effort.budget, precision=effort.relative
        )
        claim: Any = compute_value("dln-local", widths=list(widths), r=rank, ranks=[rank] * (len(widths) - 1))
        results.append((name, result, claim.learning_coefficient))
        d = sum(p.numel() for p in network.parameters())
        rows.append(
            [
                f"{name}, rank {rank}", str(d), f"{d / 2:g}", str(claim.learning_coefficient),
                format_with_error(result.value, result.standard_error) if result.standard_error else f"{result.value:g}, counted",
                _compare(result, float(claim.learning_coefficient)),
            ]
        )  # fmt: skip
        tell((index + 1) / len(effort.networks))
    name, result, known = results[-1]
    body = f"""
<p>Before one believes an estimate one wants to see it where the answer is known. For linear networks it is (Aoyagi and Watanabe 2005;
Aoyagi 2024; here from germ's atlas, which says where each formula comes from). Data are {_SAMPLES:,} noisy samples; nothing is tuned.</p>
{write_table("Estimates beside published learning coefficients", ["network", "d", "d/2", "known λ", "λ̂ ± σ", "deviation"], rows)}
{_draw_ladder(result, float(known), name)}
<p>λ is a limit, nβ → ∞, and is taken as one: at a single temperature nβ E[K] is off by what the figure shows, however long the chains
are. Where w* was fitted to data, as for the digits, the limit does not exist and λ̂ belongs to its temperature.</p>"""
    finding = f"{name}: λ̂ = {format_with_error(result.value, result.standard_error)}, known λ = {known}"
    code = 'germ.atlas.compute_value("dln-local", widths=[6, 6, 6, 6], r=2, ranks=[2, 2, 2])\n# or:  germ atlas list; germ atlas verify'
    return Section("known", "Networks whose λ is known", finding, body, code)


def _compare(result: Estimate, known: float) -> str:
    if not result.standard_error:
        return "equal" if result.value == known else "differs"
    return f"{(result.value - known) / result.standard_error:+.1f} σ, {result.value / known - 1:+.1%}"


def _draw_ladder(result: Estimate, known: float, name: str) -> str:
    with start_figure() as (figure, ax):
        plot_llc_ladder(result, ax=ax)
        ax.axhline(known, ls="--", lw=1.2, color="#c0392b", label=f"known λ = {known:g}")
        ax.legend(fontsize="small")
    told = (
        f"nβ times the mean of K at rising inverse temperatures approaches the known learning coefficient {known:g}; the estimate is "
        f"{format_with_error(result.value, result.standard_error)}."
    )
    return write_figure(figure, "ladder", told, f"The {name}: nβ E[K] as nβ rises, and its limit.")
