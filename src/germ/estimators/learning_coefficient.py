"""`estimate_learning_coefficient`: the local learning coefficient of a trained network.

λ depends only on how K vanishes at w*, so K may be replaced by any function that vanishes in the same way. Without label noise that is
the excess loss itself. With noise, and w* the true parameter, it is the mean of f_i²/2, f_i = l_i(w) − l_i(w*): it vanishes exactly where
K does (Watanabe's relatively finite variance) but has its minimum at w*, whatever the noise. Either is split into a regular part, counted,
and a residual germ, sampled at rising temperatures and extrapolated. Where w* was fitted to noisy data neither applies, and λ̂ is the
estimate at the temperature nβ = n / log n.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from germ.claim import Correction, Estimate, Provenance, collect_versions
from germ.errors import DivergenceError, InputError
from germ.estimators.extrapolation import extrapolate_ladder
from germ.rng import check_seed
from germ.sampling.annealing import Ladder, anneal
from germ.sampling.generators import make_generators
from germ.sampling.model import WrappedModel, wrap_model
from germ.sampling.splitting import ResidualGerm, split_germ
from germ.units import compute_default_nbeta

_ISLANDS = 8
_SLACK_SHARE = 0.02  # of one unit of λ: what an inexact minimum may contribute at the highest temperature
_ROUNDING_RATIO = 1e5  # the excess loss has to fall by this factor above the slack for the ladder to be long enough
Progress = Callable[[dict[str, float]], None]


def estimate_learning_coefficient(
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor],
    data: Any,
    *,
    seed: int = 0,
    precision: float = 0.03,
    budget: float = 60.0,
    parameters: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """The local learning coefficient λ at the model's parameters w*.

    Holds where w* is a local minimum of the expected loss at which the loss is analytic; a ReLU kink at w* is outside the theory. Up to
    some 4,000 free parameters.

    Args:
        model: The network, at w*. It is copied, never changed.
        loss: `loss(model, batch)`: losses in nats, per sample (batch,) or their mean.
        data: A tuple of tensors, a `Dataset` or a `DataLoader`: the n samples.
        seed: Seed of all randomness.
        precision: Relative standard error at which sampling stops.
        budget: Seconds after which it stops in any case.
        parameters: Names or patterns of the parameters that move; all by default.
        progress: Called with a dict of "done" (share of the budget), "value" and "standard_error".

    Returns:
        λ̂ in units of log n, its standard error, diagnostics (rank of the Hessian, kind of noise, probabilities of m), trace.

    Raises:
        InputError: For precision or budget that are not positive.
        DivergenceError: If no temperature could be sampled.

    References:
        Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, Theorems 6.6 and 7.1; Lau et al. (2023), arXiv:2308.12108.
    """
    check_seed(seed)
    for name, number in (("precision", precision), ("budget", budget)):
        if not (isinstance(number, (int, float)) and math.isfinite(number) and number > 0):
            raise InputError(f"got {name}={number!r}", "a positive number", f"leave {name} out for the default")
    deadline = time.monotonic() + 0.8 * budget
    wrapped = wrap_model(model, loss, data, parameters=parameters)
    generator = make_generators(seed, 1)[0]
    scale = max(0.1, float(wrapped.center.pow(2).mean().sqrt()))
    noise = classify_noise(wrapped, scale, generator)
    germ = _split(wrapped, noise, scale, generator)
    if noise == "fitted":
        return _at_temperature(wrapped, germ, scale, compute_default_nbeta(wrapped.size), generator, deadline, seed, progress)
    largest = math.inf
    if noise == "none" and (slack := germ.slack()) > 0:
        # Labels rounded to single precision put the minimum a little beside w*: that sets the highest temperature, and the
        # neighbourhood has to be wide enough for the ladder below it.
        largest = _SLACK_SHARE / slack
        while germ.width < 0.3 * scale and _typical_energy(germ, generator) < _ROUNDING_RATIO * slack:
            germ.width = 1.5 * germ.width
    return _in_the_limit(wrapped, germ, noise, largest, generator, deadline, seed, precision, progress)


def _split(wrapped: WrappedModel, noise: str, scale: float, generator: torch.Generator) -> ResidualGerm:
    energy = wrapped.energy("square" if noise == "true" else "loss", _choose_samples(wrapped, noise, generator))
    return split_germ(energy, wrapped.center, scale, rank_zero=noise == "fitted")


def _typical_energy(germ: ResidualGerm, generator: torch.Generator) -> float:
    v = germ.width * torch.randn(16, germ.kernel.shape[1], generator=generator, dtype=torch.float64)
    if v.shape[1] == 0:
        return math.inf
    germ.calibrate(v)
    return float(germ(v)[0].abs().median())


def classify_noise(wrapped: WrappedModel, scale: float, generator: torch.Generator) -> str:
    """How the losses behave beside w*: "none", "true" (noise, and w* is the truth) or "fitted" (noise, and w* was fitted to it).

    Without noise no sample's loss falls below its value at w*. At the truth the mean excess in a random direction has the size that n
    independent samples give it, z ~ N(0, 1); at a fitted parameter z is near 0, and away from both it is large.

    Args:
        wrapped: The model.
        scale: Typical size of the parameters.
        generator: Source of randomness.

    Returns:
        One of the three words.
    """
    directions = torch.randn(32, wrapped.dimension, generator=generator, dtype=torch.float64)
    rows = []
    for chunk in directions.split(8):
        rows.append(wrapped.losses(wrapped.center + 1e-3 * scale * chunk) - wrapped.losses(wrapped.center[None]))
    excess = torch.cat(rows)
    if float((excess < -1e-9 * excess.abs().mean(1, keepdim=True)).double().mean()) < 0.01:
        return "none"
    z = excess.mean(1) * math.sqrt(wrapped.size) / excess.std(1).clamp_min(1e-300)
    return "true" if 0.02 < float((z * z).mean()) < 8 else "fitted"


def _choose_samples(wrapped: WrappedModel, noise: str, generator: torch.Generator) -> Tensor:
    # A subset of the samples generates the same ideal as all as soon as it has several equations for each parameter.
    wanted = {"none": max(128, wrapped.dimension), "true": max(256, 4 * wrapped.dimension), "fitted": 20_000}[noise]
    return torch.randperm(wrapped.size, generator=generator)[: min(wanted, wrapped.size)]


def _in_the_limit(
    wrapped: WrappedModel,
    germ: ResidualGerm,
    noise: str,
    largest: float,
    generator: torch.Generator,
    deadline: float,
    seed: int,
    precision: float,
    progress: Progress | None,
) -> Estimate:
    regular = germ.rank / 2
    dimension = wrapped.dimension - germ.rank
    if dimension == 0:
        return _report(wrapped, germ, noise, seed, regular, 0.0, None, [], {})
    germ.calibrate(germ.width * torch.randn(16, dimension, generator=generator, dtype=torch.float64))
    particles = 256 if dimension <= 6 else 64 if dimension <= 60 else 16
    ladders: list[Ladder] = []
    found = None
    while True:
        began = time.monotonic()
        again = ladders[0].temperatures if ladders else None
        ladders.append(
            anneal(germ, dimension, germ.width, generator, islands=_ISLANDS, particles=particles, ladder=again, deadline=deadline)
        )
        if len(ladders) > 1 and len(ladders[-1].temperatures) < len(ladders[0].temperatures):
            ladders.pop()
            break
        u, means = _stack(ladders)
        if len(u) < 6:
            raise DivergenceError(
                f"only {len(u)} temperatures could be sampled", "at least 6", "raise budget=, or pass fewer parameters= or samples"
            )
        if not np.isfinite(means).all() or float(means[-1].mean()) <= 0:
            raise DivergenceError(
                f"nβ E[K] is {means[-1].mean():.3g} at nβ = {math.exp(u[-1]):.3g}: w* is not a minimum to the precision of the labels",
                "labels that are noisy (then w* is the truth), or exact to double precision",
                "compute the labels in double precision, or train w* to a minimum",
            )
        found = extrapolate_ladder(u, means, min(dimension, 4))
        value, error = regular + found.value, found.standard_error
        if progress is not None:
            progress({"done": 1.0 - max(0.0, deadline - time.monotonic()), "value": value, "standard_error": error})
        spent = time.monotonic() - began
        if error < 0.3 * precision * value or time.monotonic() + 1.1 * spent > deadline or len(ladders) >= 8:
            break
    assert found is not None
    corrections = [
        Correction(
            "temperature", found.value - found.last, found.standard_error, f"extrapolated from nβ = {math.exp(u[-1]):.2g} to infinity"
        )
    ]
    return _report(wrapped, germ, noise, seed, regular + found.value, found.standard_error, ladders, corrections, found.multiplicity)


def _at_temperature(
    wrapped: WrappedModel,
    germ: ResidualGerm,
    scale: float,
    nbeta: float,
    generator: torch.Generator,
    deadline: float,
    seed: int,
    progress: Progress | None,
) -> Estimate:
    particles = 64 if wrapped.dimension <= 60 else 16
    ladder = anneal(
        germ, wrapped.dimension, scale, generator, islands=_ISLANDS, particles=particles, moves=4, final=nbeta, deadline=deadline
    )
    if ladder.temperatures[-1] < nbeta:
        raise DivergenceError(
            f"the temperature nβ = {nbeta:.4g} was not reached (stopped at {ladder.temperatures[-1]:.3g})",
            "equilibrium there",
            "raise budget=",
        )
    islands = ladder.means[-1]
    value, error = float(islands.mean()), float(islands.std()) / math.sqrt(_ISLANDS)
    return _report(wrapped, germ, "fitted", seed, value, error, [ladder], [], {})


def _stack(ladders: list[Ladder]) -> tuple[np.ndarray, np.ndarray]:
    means = torch.cat([torch.stack(ladder.means) for ladder in ladders], 1).numpy()
    virial = np.mean([ladder.virial for ladder in ladders], 0)
    keep = len(virial)
    while keep > 6 and abs(virial[keep - 1] - 1) > 0.3:
        keep -= 1
    return np.log(ladders[0].temperatures)[:keep], means[:keep]


def _report(
    wrapped: WrappedModel,
    germ: ResidualGerm,
    noise: str,
    seed: int,
    value: float,
    error: float,
    ladders: list[Ladder] | None,
    corrections: list[Correction],
    multiplicity: dict[int, float],
) -> Estimate:
    n = wrapped.size
    diagnostics: dict[str, Any] = {
        "n": n,
        "nbeta": compute_default_nbeta(n),
        "rank": germ.rank,
        "noise": noise,
        "multiplicity": multiplicity,
    }
    warnings: list[str] = []
    trace = None
    if ladders:
        energies = torch.cat([ladder.energies for ladder in ladders if ladder.energies is not None])
        between, within = float(energies.mean(1).var()), float(energies.var(1).mean())
        diagnostics |= {
            "chains": energies.shape[0],
            "rhat": math.sqrt(1 + between / within) if within > 0 else math.nan,
            "ess": min(float(energies.numel()), within / between * energies.shape[0] if between > 0 else math.inf),
            "levels": len(ladders[0].temperatures),
            "virial": ladders[0].virial[-1],
        }
        means = torch.cat([torch.stack(ladder.means) for ladder in ladders], 1).numpy()
        trace = xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset({"excess": (("chain", "draw"), energies.numpy())}),
                "ladder": xr.Dataset({"mean_excess": (("nbeta", "chain"), means)}, coords={"nbeta": ladders[0].temperatures}),
            }
        )
    if noise == "fitted":
        warnings.append("w* was fitted to noisy data: λ̂ is the estimate at nβ = n / log n, its localisation bias is not in the error bar")
    if value < 0:
        warnings.append(f"λ̂ is negative: w* is not a local minimum; the mean loss fell by {-value / compute_default_nbeta(n):.3g}")
    method = {
        "none": "splitting lemma, excess loss, annealed to nβ → ∞",
        "true": "splitting lemma, squared excess losses, annealed to nβ → ∞",
        "fitted": "excess loss at nβ = n / log n",
    }[noise]
    provenance = Provenance(method=method, seed=seed, versions=collect_versions("torch", "numpy"))
    return Estimate(
        value, error, provenance, diagnostics=diagnostics, corrections=tuple(corrections), warnings=tuple(warnings), trace=trace
    )
