"""λ at a point where K vanishes exactly: a ladder of temperatures into the germ, extrapolated to t → ∞.

λ depends only on how K vanishes at w*, so K may be replaced by any function comparable to it. Where the loss is a convex function of
the network's outputs that is half the squared change of the outputs (`germ.sampling.outputs`), sampled by moves of whole layers.
Otherwise it is the mean excess loss (no noise) or the mean of f_i²/2, f_i = l_i(w) − l_i(w*) (noise, w* the truth: K and E f² vanish
together, Watanabe's relatively finite variance), split into a regular part, counted, and a residual germ, sampled.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from germ.claim import Correction, Estimate, Provenance, collect_versions
from germ.errors import DivergenceError
from germ.estimators.extrapolation import Extrapolation, extrapolate_ladder
from germ.estimators.point import Point
from germ.sampling.annealing import Ladder, anneal
from germ.sampling.block_annealing import (
    Spectrum,
    anneal_blocks,
    choose_width,
    compute_first_temperature,
    compute_largest_temperature,
    read_spectrum,
)
from germ.sampling.blocks import BlockSweep, find_blocks
from germ.sampling.diagnostics import summarize
from germ.sampling.draws import DrawTree
from germ.sampling.model import WrappedModel
from germ.sampling.outputs import Generators, NotOutputsError, read_generators
from germ.sampling.splitting import split_germ
from germ.units import compute_default_nbeta

_ISLANDS = 8
_BLOCK_ISLANDS = 4
_SWEEPS = 3
_LEAST_LEVELS = 8
_LARGEST_MULTIPLICITY = 6
_SEEN = 0.35  # of the rank that n / log n has to see at a nonsingular point behind noise: else it is one of training, halfway there
Progress = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Args:
        seed: Seed.
        precision: Relative standard error at which sampling stops.
        budget: Seconds.
        began: When the clock started (`time.monotonic`).
        progress: Called after each ladder.
    """

    seed: int
    precision: float
    budget: float
    began: float
    progress: Progress | None

    @property
    def deadline(self) -> float:
        """When sampling stops."""
        return self.began + 0.75 * self.budget


@dataclass(frozen=True)
class _Germ:
    """What is sampled, whichever road."""

    rank: int
    dimension: int
    method: str
    climb: Callable[[Ladder | None], Ladder]


def estimate_by_ladder(wrapped: WrappedModel, point: Point, scale: float, generator: torch.Generator, request: Request) -> Estimate | None:
    """λ by a ladder of temperatures.

    Args:
        wrapped: The model, at an exact zero of K.
        point: What kind of point w* is; not a fitted one.
        scale: Typical size of the parameters.
        generator: Source of randomness.
        request: Precision, budget.

    Returns:
        The estimate, or None where the spectrum of the Hessian shows that w* is not an exact zero of K but one of training, or where
        K is singular at w* and only piecewise analytic around it.

    Raises:
        DivergenceError: If no temperature could be sampled.
    """
    noise = point.noise
    try:
        generators = read_generators(wrapped, scale, generator)
    except NotOutputsError as reason:
        germ = _split(wrapped, noise, scale, generator, request, str(reason))
    else:
        spectrum = read_spectrum(generators, wrapped.center, scale, wrapped.unit, generator)
        seen = spectrum.regular(compute_default_nbeta(wrapped.size), scale)
        if spectrum.unclear or (spectrum.constant and noise == "true" and seen < _SEEN * spectrum.rank / 2):
            return None
        if spectrum.constant:
            return _report(wrapped, request, noise, _Germ(spectrum.rank, 0, "rank of the Hessian, constant near w*", _never), None, [])
        germ = _use_blocks(wrapped, generators, spectrum, scale, generator, request)
    if germ.dimension == 0:
        return _report(wrapped, request, noise, germ, None, [])
    # Within the neighbourhood that is sampled other pieces of K may have other, lower λ.
    return _sample(wrapped, noise, germ, request) if point.analytic else None


def _never(_: Ladder | None) -> Ladder:
    raise AssertionError("nothing is left to sample")


def _use_blocks(
    wrapped: WrappedModel, generators: Generators, spectrum: Spectrum, scale: float, generator: torch.Generator, request: Request
) -> _Germ:
    width = choose_width(generators, wrapped.center, spectrum, scale, generator)
    blocks = find_blocks(wrapped, generators, scale, generator)
    single = any(len(block.coordinates) == 1 and not block.affine for block in blocks)
    sweep = BlockSweep(generators, wrapped.center, width, blocks, generator, spectrum.flat if single and spectrum.rank else None)
    largest = compute_largest_temperature(generators, wrapped.center, spectrum, width)
    d = wrapped.dimension
    if compute_first_temperature(sweep, spectrum, 32) > largest:
        # K minimised over the regular directions is zero to rounding: W₀ is smooth and K nondegenerate across it (Morse–Bott).
        return _Germ(spectrum.rank, 0, "rank of the Hessian; K vanishes on its kernel", _never)
    chains = 512 if d <= 20 else 128 if d <= 60 else 64 if d <= 300 else 32

    def climb(again: Ladder | None) -> Ladder:
        return anneal_blocks(
            sweep, spectrum, chains=chains, islands=_BLOCK_ISLANDS, sweeps=_SWEEPS, span=36.0 if d <= 60 else 24.0, largest=largest,
            deadline=request.deadline, again=again,
        )  # fmt: skip

    return _Germ(spectrum.rank, d - spectrum.rank, "squared change of the outputs, moves of whole layers, annealed to nβ → ∞", climb)


def _split(
    wrapped: WrappedModel, noise: str, scale: float, generator: torch.Generator, request: Request, reason: str
) -> _Germ:  # fmt: skip
    # A subset of the samples generates the same ideal as all as soon as it has several equations for each parameter.
    wanted = max(128, wrapped.dimension) if noise == "none" else max(256, 4 * wrapped.dimension)
    indices = torch.randperm(wrapped.size, generator=generator)[: min(wanted, wrapped.size)]
    germ = split_germ(wrapped.energy("square" if noise == "true" else "loss", indices), wrapped.center, scale)
    dimension = wrapped.dimension - germ.rank
    kind = "squared excess losses" if noise == "true" else "excess loss"
    method = f"{kind} ({reason}), splitting lemma, annealed to nβ → ∞"
    if dimension:
        germ.calibrate(germ.width * torch.randn(16, dimension, generator=generator, dtype=torch.float64))
    particles = 256 if dimension <= 6 else 64 if dimension <= 60 else 16

    def climb(again: Ladder | None) -> Ladder:
        return anneal(
            germ, dimension, germ.width, generator, islands=_ISLANDS, particles=particles,
            ladder=None if again is None else again.temperatures, deadline=request.deadline,
        )  # fmt: skip

    return _Germ(germ.rank, dimension, method, climb)


def _sample(wrapped: WrappedModel, noise: str, germ: _Germ, request: Request) -> Estimate:
    ladders: list[Ladder] = []
    while True:
        began = time.monotonic()
        ladder = germ.climb(ladders[0] if ladders else None)
        if ladders and len(ladder.temperatures) < len(ladders[0].temperatures):
            break
        ladders.append(ladder)
        u, means = _stack(ladders, germ)
        if len(u) < _LEAST_LEVELS:
            raise DivergenceError(
                f"only {len(u)} temperatures could be sampled", f"at least {_LEAST_LEVELS}", "raise budget=, or pass fewer parameters="
            )
        if not np.isfinite(means).all() or germ.rank / 2 + float(means[-1].mean()) <= 0:
            raise DivergenceError(
                f"nβ E[K] is {means[-1].mean():.3g} at nβ = {math.exp(u[-1]):.3g}: w* is not a minimum to the precision of the labels",
                "labels that are noisy (then w* is the truth), or exact to double precision",
                "compute the labels in double precision, or train w* to a minimum",
            )
        found = extrapolate_ladder(u, means, min(germ.dimension, _LARGEST_MULTIPLICITY))
        value, error = germ.rank / 2 + found.value, found.standard_error
        now = time.monotonic()
        if request.progress is not None:
            request.progress({"done": min(1.0, (now - request.began) / request.budget), "value": value, "standard_error": error})
        if found.sampling_error < 0.5 * request.precision * value or now + 1.1 * (now - began) > request.deadline or len(ladders) >= 8:
            return _report(wrapped, request, noise, germ, found, ladders)
    return _report(wrapped, request, noise, germ, found, ladders)


def _stack(ladders: list[Ladder], germ: _Germ) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the temperatures and the means of all islands, up to where chains are still in equilibrium."""
    means = torch.cat([torch.stack(ladder.means) for ladder in ladders], 1).numpy()
    virial = np.mean([ladder.virial for ladder in ladders], 0)
    # E[tK] is half the dimension at most, since w·∇K ≥ 2K: what is above has not cooled.
    error = means.std(1, ddof=1) / math.sqrt(means.shape[1])
    hot = means.mean(1) > 1.1 * germ.dimension / 2 + 4 * np.minimum(error, 0.1 * germ.dimension)
    first = int(np.argmin(hot))  # the start may still be hot, too
    keep = first + int(np.argmax(hot[first:])) if hot[first:].any() else len(virial)
    while keep > first + _LEAST_LEVELS and abs(virial[keep - 1] - 1) > 0.3:
        keep -= 1
    return np.log(ladders[0].temperatures)[first:keep], means[first:keep]


def _report(
    wrapped: WrappedModel, request: Request, noise: str, germ: _Germ, found: Extrapolation | None, ladders: list[Ladder]
) -> Estimate:  # fmt: skip
    value, error = germ.rank / 2, 0.0
    diagnostics = {"n": wrapped.size, "nbeta": compute_default_nbeta(wrapped.size), "rank": germ.rank, "noise": noise, "road": "ladder"}
    corrections: list[Correction] = []
    trace = None
    if found is not None:
        value, error = value + found.value, found.standard_error
        # A chain of the trace is an island: particles one after the other, each with its draws.
        rows = [ladder.energies.reshape(len(ladder.means[0]), -1) for ladder in ladders if ladder.energies is not None]
        draws = torch.cat(rows).numpy() + germ.rank / 2
        means, temperatures = torch.cat([torch.stack(ladder.means) for ladder in ladders], 1).numpy(), ladders[0].temperatures
        summary = summarize(draws)
        diagnostics |= {
            "nbeta": temperatures[-1], "chains": len(draws), "rhat": summary.rhat, "ess": summary.ess, "levels": len(temperatures),
            "multiplicity": found.multiplicity, "misfit": found.misfit,
        }  # fmt: skip
        text = f"λ at nβ → ∞ from {len(temperatures)} temperatures up to nβ = {temperatures[-1]:.2g}"
        corrections.append(Correction("temperature", found.value - found.last, error, text))
        posterior = xr.Dataset(
            {"learning_coefficient": (("chain", "draw"), draws)},
            coords={"chain": np.arange(draws.shape[0]), "draw": np.arange(draws.shape[1])},
            attrs={"nbeta": temperatures[-1]},
        )
        rungs = xr.Dataset({"mean_excess": (("nbeta", "island"), means + germ.rank / 2)}, coords={"nbeta": temperatures})
        trace = DrawTree.from_dict({"posterior": posterior, "ladder": rungs})
    provenance = Provenance(
        method=germ.method, source="Watanabe (2009), Theorems 4.9 and 6.7; splitting lemma", reliability="sampled", seed=request.seed,
        seconds=time.monotonic() - request.began, settings={"precision": request.precision, "budget": request.budget},
        versions=collect_versions("torch", "numpy"),
    )  # fmt: skip
    return Estimate(value, error, provenance, diagnostics=diagnostics, corrections=tuple(corrections), trace=trace)
