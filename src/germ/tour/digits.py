"""A small network learns scikit-learn's digits; λ̂ at checkpoints from initialisation to the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from germ.claim import Estimate, format_with_error
from germ.errors import MissingDependencyError
from germ.estimators.learning_coefficient import estimate_learning_coefficient
from germ.plots.checkpoints import plot_llc_over_checkpoints
from germ.tour.section import Effort, Section, count_words, start_figure, write_figure, write_table

GAMMA = 10.0
_HIDDEN, _BATCH, _RATE, _HELD_OUT = 32, 64, 3e-3, 360
_UNHURRIED = 1e6  # seconds: draws are fixed, and calibration must not look at the clock either
_CHAINS = 5  # an odd number stays in this process: whether two are worth it would depend on the load of the machine

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint and what was measured there."""

    step: int
    training: float
    test: float
    accuracy: float
    estimate: Estimate


def load_digits() -> Batch:
    """1,797 images of 8 × 8 pixels in [0, 1], and their digits.

    Returns:
        (1797, 64) and (1797,).

    Raises:
        MissingDependencyError: If scikit-learn, which the images come with, is not installed.
    """
    try:
        from sklearn.datasets import load_digits as load
    except ImportError:
        raise MissingDependencyError(
            "scikit-learn is not installed; the tour trains on the digits that come with it", "scikit-learn", "pip install 'germ[tour]'"
        ) from None
    x, y = load(return_X_y=True)
    return torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)


def cross_entropy(model: nn.Module, batch: Batch) -> Tensor:
    """Nats of each image, (batch,)."""
    return nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="none")


def make_network(generator: torch.Generator) -> nn.Sequential:
    """64-32-10 with tanh, weights drawn from the generator."""
    network = nn.Sequential(nn.Linear(64, _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, 10))
    with torch.no_grad():
        for parameter in network.parameters():
            fan = parameter.shape[-1] if parameter.ndim > 1 else 64
            parameter.copy_((2 * torch.rand(parameter.shape, generator=generator) - 1) / fan**0.5)
    return network


def follow(effort: Effort, seed: int, tell: Callable[[float], None]) -> tuple[list[Checkpoint], list[Estimate], nn.Module]:
    """Train, and measure on the way.

    Args:
        effort: Checkpoints and draws.
        seed: Of weights, batches and chains.
        tell: Called with the share that is done.

    Returns:
        The checkpoints; the last one at other localisations; the network.
    """
    generator = torch.Generator().manual_seed(seed)
    x, y = load_digits()
    order = torch.randperm(len(x), generator=generator)
    x, y = x[order], y[order]
    held_out, data = (x[:_HELD_OUT], y[:_HELD_OUT]), (x[_HELD_OUT:], y[_HELD_OUT:])
    network = make_network(generator)
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE)
    found: list[Checkpoint] = []
    total = len(effort.checkpoints) + len(effort.localizations)

    def measure(localization: float) -> Any:
        # All choices that would look at the clock are given, so that the same seed gives the same numbers.
        return estimate_learning_coefficient(
            network,
            cross_entropy,
            data,
            seed=seed,
            budget=_UNHURRIED,
            method="chains",
            localization=localization,
            draws=effort.draws,
            chains=_CHAINS,
        )

    for step in range(effort.checkpoints[-1] + 1):
        if step in effort.checkpoints:
            with torch.no_grad():
                losses = [float(cross_entropy(network, part).mean()) for part in (data, held_out)]
                accuracy = float((network(held_out[0]).argmax(1) == held_out[1]).double().mean())
            found.append(Checkpoint(step, losses[0], losses[1], accuracy, measure(GAMMA)))
            tell(len(found) / total)
        chosen = torch.randint(len(data[0]), (_BATCH,), generator=generator)
        if step < effort.checkpoints[-1]:
            optimizer.zero_grad()
            cross_entropy(network, (data[0][chosen], data[1][chosen])).mean().backward()
            optimizer.step()
    others = []
    for localization in effort.localizations:
        others.append(measure(localization))
        tell((len(found) + len(others)) / total)
    return found, others, network


def make_digits(effort: Effort, seed: int, tell: Callable[[float], None]) -> Section:
    """The section.

    Args:
        effort: How much.
        seed: Seed.
        tell: Called with the share that is done.

    Returns:
        The section.
    """
    found, others, network = follow(effort, seed, tell)
    d = sum(p.numel() for p in network.parameters())
    last = found[-1].estimate
    below = [c for c in found if c.estimate.value <= 0]
    value = format_with_error(last.value, last.standard_error)
    early = (
        f"At {count_words(len(below), 'checkpoint', 'checkpoints')} (open triangles) w* is no minimum: chains that start there find lower "
        "losses at once, and λ̂ is negative. That is not a small learning coefficient; there is none to measure yet."
        if below
        else "Every checkpoint is close enough to a minimum for λ̂ to be positive."
    )
    curve = _draw_course(found, early)
    ladder, spread = _draw_localizations(found[-1], others, effort)
    table = write_table(
        "Checkpoints",
        ["step", "training loss", "test loss", "accuracy", "λ̂ ± σ", "R-hat", "ESS", "identity 1"],
        [
            [
                f"{c.step:,}", f"{c.training:.3f}", f"{c.test:.3f}", f"{c.accuracy:.1%}",
                format_with_error(c.estimate.value, c.estimate.standard_error), f"{c.estimate.diagnostics['rhat']:.3f}",
                f"{c.estimate.diagnostics['ess']:,.0f}", f"{c.estimate.diagnostics['balance']:.3f}",
            ]
            for c in found
        ],
    )  # fmt: skip
    n, nbeta = last.diagnostics["n"], last.diagnostics["nbeta"]
    body = f"""
<p>A network of {d:,} parameters (64 pixels, {_HIDDEN} tanh units, 10 classes) is trained on {n:,} of scikit-learn's digits. At each
checkpoint w* chains sample exp(−nβL(w) − γ|w − w*|²/2) around it, and λ̂ = nβ (E[L(w)] − L(w*)), at nβ = n / log n = {nbeta:.0f} and
γ = {GAMMA:g}. If all parameters mattered and were identified, λ would be d/2 = {d / 2:,.0f}.</p>
{curve}{table}
<p>R-hat near 1 says that chains agree, ESS how many independent draws they are worth, and identity 1 (an equation that holds exactly in
equilibrium) is 1 where they have come to rest. {_describe_minimum(found)} The standard error includes what the step size, the minibatches
and the multiplicity may do; the remaining choice is γ:</p>
{ladder}
<p>{spread} A learning coefficient of a trained network is a number <em>at a localisation</em>; compare checkpoints, layers or data sets at
one γ and one nβ.</p>"""
    code = "result = germ.estimate_learning_coefficient(model, loss, data)\nprint(result)\n# or, from files:  germ llc run.toml"
    return Section("digits", "A network learns to read digits", f"λ̂ = {value} at the end, of d/2 = {d / 2:,.0f}", body, code)


def _describe_minimum(found: list[Checkpoint]) -> str:
    """Where λ̂ comes from two temperatures instead of L(w*)."""
    above = [c for c in found if any(k.name == "minimum" and k.amount for k in c.estimate.corrections)]
    if not above:
        return ""
    steps = ", ".join(f"{c.step:,}" for c in above)
    return (
        f"At step {steps} w* lies above the minimum that its chains see, and λ̂ is taken from two temperatures, which do not need L(w*): it "
        "belongs to the region where the chains run."
    )


def _draw_course(found: list[Checkpoint], early: str) -> str:
    with start_figure(2, (4.8, 4.2), height_ratios=[3, 2], sharex=True) as (figure, axes):
        losses = {"training": [c.training for c in found], "test": [c.test for c in found]}
        plot_llc_over_checkpoints([c.step for c in found], [c.estimate for c in found], losses=losses, axes=axes)
    good = [c for c in found if c.estimate.value > 0]
    words = "; ".join(f"step {c.step}: {format_with_error(c.estimate.value, c.estimate.standard_error)}" for c in good) or "none positive"
    told = (
        f"Estimated learning coefficient over training steps, above the losses. {words}. Training loss falls from {found[0].training:.2f} "
        f"to {found[-1].training:.3f} nats, test loss from {found[0].test:.2f} to {found[-1].test:.3f}."
    )
    return write_figure(figure, "course", told, f"λ̂ with two standard errors, and the losses, over training. {early}")


def _draw_localizations(last: Checkpoint, others: list[Estimate], effort: Effort) -> tuple[str, str]:
    pairs = sorted([(GAMMA, last.estimate), *zip(effort.localizations, others, strict=True)], key=lambda pair: pair[0])
    with start_figure(size=(4.8, 2.4)) as (figure, ax):
        ax.errorbar(
            [g for g, _ in pairs], [r.value for _, r in pairs], [2 * r.standard_error for _, r in pairs], fmt="o-", markersize=4, capsize=3,
            color="#1f5a96",
        )  # fmt: skip
        ax.set_xscale("log")
        ax.set_xticks([g for g, _ in pairs], [f"{g:g}" for g, _ in pairs])
        ax.minorticks_off()
        ax.set(xlabel="localisation γ", ylabel="λ̂ of the last checkpoint", ylim=(0, None))
    words = "; ".join(f"γ = {g:g}: {format_with_error(r.value, r.standard_error)}" for g, r in pairs)
    figure_html = write_figure(
        figure, "gamma", f"Estimate at the last checkpoint against the localisation. {words}.",
        "The last checkpoint at several localisations, two standard errors.",
    )  # fmt: skip
    soft, stiff = pairs[0], pairs[-1]
    spread = (
        f"Between γ = {stiff[0]:g} and γ = {soft[0]:g} the estimate goes from {format_with_error(stiff[1].value, stiff[1].standard_error)} "
        f"to {format_with_error(soft[1].value, soft[1].standard_error)}."
    )
    return figure_html, spread
