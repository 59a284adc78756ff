"""Parallel tempering: every temperature of the ladder at once, neighbours exchanging states, the prior drawn from afresh.

Starts where the particles of `germ.sampling.particles` arrived, with their temperatures and covariances. Even and odd pairs are exchanged
in turn, so that a state travels from the prior to the posterior and back in a number of sweeps of the order of the number of levels.

References:
    Geyer (1991), Markov chain Monte Carlo maximum likelihood; Syed, Bouchard-Côté, Deligiannidis, Doucet (2022), Non-reversible parallel
    tempering.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from germ.sampling.density import Density
from germ.sampling.hamiltonian import move_walkers, start_walkers
from germ.sampling.particles import Climb
from germ.sampling.temperatures import TemperatureLadder

_WARMUP_SHARE = 4  # one sweep in so many adapts the steps and is thrown away


def exchange(density: Density, start: Climb, generator: torch.Generator, *, draws: int) -> Climb:
    """Run parallel tempering from a climb's particles.

    Args:
        density: The posterior.
        start: Where the particles arrived.
        generator: Source of randomness.
        draws: Recorded sweeps.

    Returns:
        Record and draws, one particle an island, `draws` moves.
    """
    temperatures = torch.from_numpy(start.ladder.temperatures)
    levels, islands = len(temperatures) - 1, start.states[0].shape[0]
    beta = temperatures[1:, None].expand(-1, islands).contiguous()
    factor = torch.stack(start.factors)
    walkers = start_walkers(
        density, torch.stack([state[:, 0] for state in start.states]), beta, torch.tensor(start.steps, dtype=torch.float64)
    )
    warmup = max(10, draws // _WARMUP_SHARE)
    record = np.empty((levels + 1, islands, draws))
    chances, swaps, tried = np.zeros(levels), np.zeros(levels), np.zeros(levels)
    kept: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for sweep in range(-warmup, draws):
        chance = move_walkers(density, walkers, factor, generator, adapt=sweep < 0)
        prior = density.draw_prior(islands, generator)
        positions = torch.cat([prior[None], walkers.positions])
        likelihood = torch.cat([density.values(prior)[0][None], walkers.here.log_likelihood.view(levels, islands)])
        if sweep >= 0:
            chances += chance.mean(1).numpy()
            record[:, :, sweep] = likelihood.numpy()
            top = slice((levels - 1) * islands, levels * islands)
            here = walkers.here
            kept.append((walkers.positions[-1], here.log_likelihood[top], here.log_prior[top], here.gradient[top]))
        lower = torch.arange(sweep % 2, levels, 2)
        accepted = _swap(temperatures, positions, likelihood, lower, generator)
        if sweep >= 0:
            swaps[lower.numpy()] += accepted
            tried[lower.numpy()] += 1
        walkers = start_walkers(density, positions[1:], beta, walkers.step)
    ladder = TemperatureLadder(
        start.ladder.temperatures,
        tuple(record),
        np.concatenate([[np.nan], chances / draws]),
        np.concatenate([[np.nan], [np.corrcoef(x[:, :-1].ravel(), x[:, 1:].ravel())[0, 1] for x in record[1:]]]),
        swaps / np.maximum(tried, 1),
    )
    positions, likelihood, prior, gradient = (torch.stack(column, 1)[:, None] for column in zip(*kept, strict=True))
    return Climb(ladder, positions, likelihood, prior, gradient, start.factors, walkers.step.tolist(), start.states)


def _swap(temperatures: Tensor, positions: Tensor, likelihood: Tensor, lower: Tensor, generator: torch.Generator) -> np.ndarray:
    """Exchange neighbours in place; the share of islands that did, for each pair."""
    upper = lower + 1
    gain = (temperatures[upper] - temperatures[lower])[:, None] * (likelihood[lower] - likelihood[upper])
    accept = torch.rand(gain.shape, generator=generator, dtype=torch.float64).log() < gain
    low, high = positions[lower].clone(), positions[upper].clone()
    positions[lower] = torch.where(accept[:, :, None], high, low)
    positions[upper] = torch.where(accept[:, :, None], low, high)
    a, b = likelihood[lower].clone(), likelihood[upper].clone()
    likelihood[lower], likelihood[upper] = torch.where(accept, b, a), torch.where(accept, a, b)
    return accept.double().mean(1).numpy()
