"""Annealed importance sampling with resampling, from a Gaussian neighbourhood of w* into the germ.

Islands of particles follow exp(−tK(v) − |v|²/2ρ²) from t = 0 upwards. At each temperature particles are weighted, resampled within their
island, and moved: by slice sampling along coordinates in low dimension (it finds every scale by itself), by Hamiltonian Monte Carlo
otherwise. The mean of tK at each temperature is what the learning coefficient is read from (`germ.estimators.extrapolation`).

References:
    Del Moral, Doucet, Jasra (2006), Sequential Monte Carlo samplers; Neal (2003), Slice sampling.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from germ.sampling.blocks import pad_rows
from germ.sampling.model import Energy

_EFFICIENCY = 0.7  # effective share of particles after each change of temperature
_SLICE_DIMENSION = 6
_LEAPFROG_STEPS = 8
_ACCEPTANCE = 0.75


@dataclass
class Ladder:
    """What was measured along the way.

    Args:
        temperatures: t of each level (inverse temperatures nβ).
        means: Mean of tK of each island, one (R,) tensor a level.
        variances: Variance of tK within islands, (R,).
        virial: E[v·∇U]/k, which is 1 in equilibrium.
        particles: Final particles, (R, N, k).
        energies: Their tK, (R, N).
    """

    temperatures: list[float] = field(default_factory=list)
    means: list[Tensor] = field(default_factory=list)
    variances: list[Tensor] = field(default_factory=list)
    virial: list[float] = field(default_factory=list)
    particles: Tensor | None = None
    energies: Tensor | None = None


def anneal(
    energy: Energy,
    dimension: int,
    width: float,
    generator: torch.Generator,
    *,
    islands: int = 8,
    particles: int = 64,
    moves: int = 2,
    span: float = 14.0,
    ladder: list[float] | None = None,
    final: float | None = None,
    deadline: float = math.inf,
    progress: Callable[[float], None] | None = None,
) -> Ladder:
    """Follow the posterior from its neighbourhood into the germ.

    Args:
        energy: K(v) and its gradient, batched.
        dimension: k.
        width: ρ.
        generator: Source of all randomness.
        islands: Independent groups R, from whose spread the error comes.
        particles: N in each.
        moves: Sweeps or trajectories at each temperature.
        span: Stop this far, in log t, above the temperature where the germ starts to be seen.
        ladder: Temperatures to use again; chosen as it goes by default.
        final: Stop at this temperature instead.
        deadline: Stop at this time (`time.monotonic`).
        progress: Called with the share done.

    Returns:
        The ladder.
    """
    result = Ladder()
    v = width * torch.randn(islands * particles, dimension, generator=generator, dtype=torch.float64)
    value, gradient = energy(v)
    t, step, start = 0.0, 0.5, None
    while True:
        increment = _increment(value.view(islands, particles), t) if ladder is None else ladder[len(result.temperatures)] - t
        if final is not None:
            increment = min(increment, final - t)
        index = resample(-increment * value.view(islands, particles), generator)
        v, value, gradient = v[index], value[index], gradient[index]
        t += increment
        if dimension <= _SLICE_DIMENSION:
            for _ in range(moves):
                v, value = _slice_sweep(energy, v, value, t, width, generator)
            value, gradient = energy(v)
        else:
            for _ in range(moves):
                v, value, gradient, step = _trajectory(energy, v, value, gradient, t, width, step, generator)
        scaled = (t * value).view(islands, particles)
        result.temperatures.append(t)
        result.means.append(scaled.mean(1))
        result.variances.append(scaled.var(1))
        result.virial.append(float(((t * gradient + v / width**2) * v).sum(1).mean()) / dimension)
        if start is None and float(scaled.mean()) > 0.25:
            start = math.log(t)
        if progress is not None and start is not None:
            progress(min(1.0, (math.log(t) - start) / span))
        ended = len(result.temperatures) == len(ladder) if ladder is not None else False
        far = ladder is None and start is not None and math.log(t) > start + span
        lost = len(result.virial) > 4 and dimension >= 6 and min(abs(x - 1) for x in result.virial[-3:]) > 0.3
        if ended or far or (final is not None and t >= final) or lost or time.monotonic() > deadline or t > 1e250:
            break
    result.particles, result.energies = v.view(islands, particles, dimension), scaled
    return result


def _increment(values: Tensor, t: float) -> float:
    low, high = -700.0, 700.0
    for _ in range(50):
        middle = (low + high) / 2
        weight = torch.exp(-math.exp(middle) * (values - values.min()))
        share = float((weight.mean(1) ** 2 / (weight * weight).mean(1)).mean())
        low, high = (middle, high) if share > _EFFICIENCY else (low, middle)
    return min(math.exp(low), 2 * t) if t > 0 else math.exp(low)


def resample(log_weight: Tensor, generator: torch.Generator) -> Tensor:
    """Systematic resampling within islands.

    Args:
        log_weight: Logarithms of the weights, (R, N).
        generator: Source of randomness.

    Returns:
        Indices into the R N particles, (R N,).
    """
    islands, particles = log_weight.shape
    weight = torch.softmax(log_weight, 1).cumsum(1)
    grid = (torch.rand(islands, 1, generator=generator, dtype=torch.float64) + torch.arange(particles)) / particles
    index = torch.searchsorted(weight, grid.clamp(max=1 - 1e-12)).clamp(max=particles - 1)
    return (index + particles * torch.arange(islands)[:, None]).reshape(-1)


def _slice_sweep(energy: Energy, v: Tensor, value: Tensor, t: float, width: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    count, dimension = v.shape
    v, value = v.clone(), value.clone()
    for j in torch.randperm(dimension, generator=generator).tolist():
        level = (
            t * value
            + 0.5 * (v[:, j] / width) ** 2
            - torch.log(torch.rand(count, generator=generator, dtype=torch.float64).clamp_min(1e-300))
        )
        low = v[:, j] - 12 * width * torch.rand(count, generator=generator, dtype=torch.float64)
        high = low + 12 * width
        active = torch.arange(count)
        for _ in range(200):
            here = v[active, j]
            proposal = low + (high - low) * torch.rand(len(active), generator=generator, dtype=torch.float64)
            moved = v[active].clone()
            moved[:, j] = proposal
            new = energy(moved)[0] if len(active) == count else energy(pad_rows(moved, count))[0][: len(active)]
            inside = t * new + 0.5 * (proposal / width) ** 2 <= level[active]
            v[active[inside], j], value[active[inside]] = proposal[inside], new[inside]
            below = proposal < here
            low, high = torch.where(below, proposal, low)[~inside], torch.where(below, high, proposal)[~inside]
            active = active[~inside]
            if not len(active):
                break
    return v, value


def _trajectory(
    energy: Energy, v: Tensor, value: Tensor, gradient: Tensor, t: float, width: float, step: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, float]:
    count, dimension = v.shape
    scale = v.pow(2).mean(0).sqrt().clamp_min(1e-300)
    momentum = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    before = t * value + 0.5 * (v / width).pow(2).sum(1) + 0.5 * momentum.pow(2).sum(1)
    size = step * (0.4 + 0.8 * torch.rand(count, 1, generator=generator, dtype=torch.float64))
    q, new, slope = v, value, gradient
    momentum = momentum - 0.5 * size * (t * slope + q / width**2) * scale
    for index in range(_LEAPFROG_STEPS):
        q = q + size * momentum * scale
        new, slope = energy(q)
        half = 0.5 if index == _LEAPFROG_STEPS - 1 else 1.0
        momentum = momentum - half * size * (t * slope + q / width**2) * scale
    after = t * new + 0.5 * (q / width).pow(2).sum(1) + 0.5 * momentum.pow(2).sum(1)
    chance = torch.exp((before - after).clamp(max=0.0)).nan_to_num(0.0)
    accept = torch.rand(count, generator=generator, dtype=torch.float64) < chance
    step *= math.exp(0.3 * (float(chance.mean()) - _ACCEPTANCE))
    return torch.where(accept[:, None], q, v), torch.where(accept, new, value), torch.where(accept[:, None], slope, gradient), step
