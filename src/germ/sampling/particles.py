"""Sequential Monte Carlo over inverse temperature: from the prior to the posterior, however many modes, ridges and crossings it has.

Independent islands of particles climb together. At each temperature the pool of an island is weighted, a few ancestors are resampled, moved
by Hamiltonian Monte Carlo, and *all* states of their walks make the next pool. Temperatures, covariances and step sizes are chosen from the
pools of all islands; nothing else is shared, so that the spread between islands is the error.

References:
    Del Moral, Doucet, Jasra (2006), Sequential Monte Carlo samplers; Dau & Chopin (2022), Waste-free sequential Monte Carlo;
    Jasra et al. (2011), adaptive temperatures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from germ.errors import DataError, DivergenceError
from germ.sampling.density import Density
from germ.sampling.hamiltonian import compute_factor, move_walkers, start_walkers
from germ.sampling.temperatures import TemperatureLadder

_EFFICIENCY = 0.5  # share of effective particles after a change of temperature
_RETURN = 0.35  # the same on the way back, as predicted: below it the evidence from above is no check
_FORGOTTEN = 0.1  # correlation with the start of a level below which its walks end
_LEAST_MOVES, _MOST_MOVES = 8, 64
_MOST_LEVELS = 400


@dataclass(frozen=True)
class Climb:
    """The result of a climb.

    Args:
        ladder: The record.
        positions: u of the last pool, (islands, particles, moves, d).
        log_likelihood: At the positions, (islands, particles, moves).
        log_prior: In u, (islands, particles, moves).
        gradient: Of β log p(D|w) + log φ in u, (islands, particles, moves, d).
        factors: Covariance factor of each level above the prior, each (d, d).
        steps: Largest step size of each level above the prior.
        states: A state of every particle at every level above the prior, each (islands, particles, d).
    """

    ladder: TemperatureLadder
    positions: Tensor
    log_likelihood: Tensor
    log_prior: Tensor
    gradient: Tensor
    factors: list[Tensor]
    steps: list[float]
    states: list[Tensor]


@dataclass
class _Pool:
    positions: list[Tensor] = field(default_factory=list)
    likelihood: list[Tensor] = field(default_factory=list)
    prior: list[Tensor] = field(default_factory=list)
    gradient: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class Camp:
    """Where a climb can start that is not the prior.

    Args:
        ladder: The record so far.
        positions: u at its last temperature, (islands, draws, d).
    """

    ladder: TemperatureLadder
    positions: Tensor


def climb(
    density: Density, beta: float, generator: torch.Generator, *, islands: int, particles: int, last_moves: int, camp: Camp | None = None
) -> Climb:
    """Carry particles from the prior to p(D|w)^β φ(w).

    Args:
        density: The posterior.
        beta: The last inverse temperature.
        generator: Source of randomness.
        islands: Independent groups.
        particles: Ancestors in each.
        last_moves: Moves at the last temperature, at least.
        camp: A hotter posterior to start from instead of the prior.

    Returns:
        Record and draws; factors, steps and states of the temperatures climbed here only.

    Raises:
        DataError: If the log-likelihood is nan or +inf at draws from the prior, or -inf at all of them.
        DivergenceError: If the temperatures do not reach β.
    """
    if camp is None:
        positions = density.draw_prior(islands * particles * _LEAST_MOVES, generator)
        likelihood = _check_start(density, positions).view(islands, -1)
        positions = positions.view(islands, likelihood.shape[1], density.dimension)
        record: list[Tensor] = [likelihood]
        temperatures, acceptance, memory = [0.0], [math.nan], [math.nan]
    else:
        positions, record = camp.positions, [torch.from_numpy(x) for x in camp.ladder.log_likelihoods]
        likelihood = record[-1]
        temperatures, acceptance, memory = camp.ladder.temperatures.tolist(), camp.ladder.acceptance.tolist(), camp.ladder.memory.tolist()
    steps = [0.5]
    factors: list[Tensor] = []
    states: list[Tensor] = []
    while temperatures[-1] < beta:
        increment = min(_choose_increment(likelihood), beta - temperatures[-1])
        if len(temperatures) > _MOST_LEVELS or increment <= 1e-14 * temperatures[-1]:
            raise DivergenceError(
                f"the posterior was not reached: β = {temperatures[-1]:.3g} after {len(temperatures)} temperatures",
                f"β = {beta:.3g}",
                "check the scale of the log-likelihood (nats, summed over observations), or give a prior closer to the posterior",
            )
        reached = beta if beta - temperatures[-1] - increment < 1e-12 * beta else temperatures[-1] + increment
        weights = torch.softmax(increment * likelihood, 1)
        factor = compute_factor(positions.flatten(0, 1), weights.flatten() / islands)
        index = _resample(weights, particles, generator)
        start = positions.gather(1, index[:, :, None].expand(-1, -1, density.dimension))
        last = reached >= beta
        pool, rate, left, step = _walk(density, start, reached, factor, steps[-1], generator, last_moves if last else 0)
        positions, likelihood = torch.stack(pool.positions, 2).flatten(1, 2), torch.stack(pool.likelihood, 2).flatten(1, 2)
        temperatures.append(reached)
        record.append(likelihood)
        acceptance.append(rate)
        memory.append(left)
        factors.append(factor)
        steps.append(step)
        states.append(pool.positions[-1])
    ladder = TemperatureLadder(np.array(temperatures), tuple(x.numpy() for x in record), np.array(acceptance), np.array(memory))
    found = (torch.stack(x, 2) for x in (pool.positions, pool.likelihood, pool.prior, pool.gradient))
    draws, likelihood, prior, gradient = found
    return Climb(ladder, draws, likelihood, prior, gradient, factors, steps[1:], states)


def _check_start(density: Density, positions: Tensor) -> Tensor:
    with torch.no_grad():
        w = density.coordinates.parameters(positions)[0]
    values = density.pointwise(w, total=True)
    broken = torch.isnan(values) | (values == torch.inf)
    if bool(broken.any()):
        row = int(broken.nonzero()[0])
        raise DataError(
            f"the log-likelihood is {float(values[row])} at {int(broken.sum())} of {len(values)} draws from the prior, "
            f"e.g. at w = {np.array2string(w[row].numpy(), precision=3, threshold=6)}",
            "finite numbers, or -inf where the model excludes the data",
            "check the model there, or the data, or narrow the prior's support",
        )
    if not bool(torch.isfinite(values).any()):
        raise DataError(
            f"the log-likelihood is -inf at all {len(values)} draws from the prior",
            "parameters that allow the data",
            "check that the data lie in the model's range, and the prior's scale",
        )
    return values


def _choose_increment(likelihood: Tensor) -> float:
    """The step in β that leaves the wanted share of effective particles, on average over islands."""
    finite = likelihood[torch.isfinite(likelihood)]
    spread = float(finite.max() - finite.min())
    if spread <= 0:
        return math.inf
    # Parameters that exclude the data are lost at every β > 0, and are no reason to go slowly.
    alive = torch.isfinite(likelihood).double().mean(1)
    low, high = -math.log(spread) - 10.0, -math.log(spread) + 40.0
    for _ in range(60):
        middle = (low + high) / 2
        x = math.exp(middle) * likelihood
        weights = torch.softmax(x, 1)
        share = float((1.0 / (weights.pow(2).sum(1) * likelihood.shape[1]) / alive.clamp_min(1e-300)).mean())
        # The pool seen from the next temperature has weights e^(−x): an effective share of 1/(E[e^x] E[e^(−x)]), E over the pool.
        living = x[torch.isfinite(x)]
        back = math.exp(2 * math.log(len(living)) - float(torch.logsumexp(living, 0) + torch.logsumexp(-living, 0)))
        low, high = (middle, high) if share > _EFFICIENCY and back > _RETURN else (low, middle)
    return math.exp(low)


def _resample(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Systematic resampling of `count` from each row, (islands, count)."""
    islands, available = weights.shape
    # A random order, so that neighbours in a walk are not picked in step.
    grid = (torch.arange(count) + torch.rand(islands, 1, generator=generator, dtype=torch.float64)) / count
    return torch.searchsorted(weights.cumsum(1).contiguous(), grid.clamp(max=1 - 1e-12)).clamp(max=available - 1)


def _walk(
    density: Density, start: Tensor, beta: float, factor: Tensor, step: float, generator: torch.Generator, least: int
) -> tuple[_Pool, float, float, float]:
    islands, particles, _ = start.shape
    betas = torch.full((1, islands * particles), beta, dtype=torch.float64)
    walkers = start_walkers(density, start.reshape(1, islands * particles, -1), betas, torch.tensor([step], dtype=torch.float64))
    origin = walkers.here.log_likelihood
    pool, rates, left = _Pool(), [], 1.0
    for count in range(1, max(_MOST_MOVES, least) + 1):
        rates.append(float(move_walkers(density, walkers, factor[None], generator).mean()))
        here = walkers.here
        pool.positions.append(walkers.positions.reshape(start.shape))
        pool.likelihood.append(here.log_likelihood.view(islands, particles))
        pool.prior.append(here.log_prior.view(islands, particles))
        pool.gradient.append(here.gradient.view(start.shape))
        left = _correlate(origin, here.log_likelihood)
        if count >= max(_LEAST_MOVES, least) and left < _FORGOTTEN:
            break
    return pool, float(np.mean(rates)), left, float(walkers.step)


def _correlate(a: Tensor, b: Tensor) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(a.norm() * b.norm())
    return float(a @ b) / scale if scale > 0 else 0.0
