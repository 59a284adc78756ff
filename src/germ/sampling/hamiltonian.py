"""Hamiltonian Monte Carlo for many particles at once, each at its own inverse temperature.

Positions are (G, C, d): G groups, each with its own covariance factor A (G, d, d), so that momenta are standard normal and the leapfrog is
q += ε A p, p += ε/2 Aᵀ∇. Singular posteriors are wide here and narrow there (the arms of xy = 0), so no single step fits: each particle
draws its own from a range of scales, independently of where it is, which keeps the kernel exact.

References:
    Duane et al. (1987), Hybrid Monte Carlo; Neal (2011), MCMC using Hamiltonian dynamics, §4.2 (randomised steps) and §4.1 (metrics).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.sampling.density import Density, Evaluation

_TARGET = 0.75  # acceptance, between the optimum for one step size (0.65) and that for a range of them
_SPREAD = 4.0  # ratio of the largest to the smallest step
_LONGEST = 16  # leapfrog steps


@dataclass
class Walkers:
    """Particles on their way.

    Args:
        positions: u, (G, C, d).
        beta: Inverse temperatures, (G, C).
        here: The density at the positions, rows in the order of positions.view(G·C, d).
        step: Largest step size of each group, (G,).
    """

    positions: Tensor
    beta: Tensor
    here: Evaluation
    step: Tensor


def start_walkers(density: Density, positions: Tensor, beta: Tensor, step: Tensor) -> Walkers:
    """Walkers at given positions (G, C, d), with β (G, C) and step sizes (G,)."""
    return Walkers(positions, beta, density.evaluate(positions.flatten(0, 1), beta.flatten()), step)


def move_walkers(density: Density, walkers: Walkers, factor: Tensor, generator: torch.Generator, *, adapt: bool = True) -> Tensor:
    """One trajectory and its accept step for every walker, in place.

    Args:
        density: The posterior.
        walkers: Particles; changed.
        factor: A of each group, (G, d, d) or (1, d, d).
        generator: Source of randomness.
        adapt: Whether step sizes follow the acceptance rate.

    Returns:
        Acceptance probabilities, (G, C).
    """
    q, beta, here = walkers.positions, walkers.beta, walkers.here
    groups, count, dimension = q.shape
    scale = torch.exp(-math.log(_SPREAD) * torch.rand(groups, count, 1, generator=generator, dtype=torch.float64))
    size = walkers.step[:, None, None] * scale
    # Half a turn of a harmonic oscillator with the median step.
    length = min(_LONGEST, max(2, math.ceil(math.pi / 2 / float(walkers.step.median()) * math.sqrt(_SPREAD) / 2)))
    back = factor
    forth = factor.transpose(1, 2)
    momentum = torch.randn(groups, count, dimension, generator=generator, dtype=torch.float64)
    before = _energy(beta, here) + 0.5 * momentum.pow(2).sum(2)
    there = here
    momentum = momentum + 0.5 * size * (there.gradient.view_as(q) @ back)
    for index in range(length):
        q = q + size * (momentum @ forth)
        there = density.evaluate(q.flatten(0, 1), beta.flatten())
        momentum = momentum + (0.5 if index == length - 1 else 1.0) * size * (there.gradient.view_as(q) @ back)
    after = _energy(beta, there) + 0.5 * momentum.pow(2).sum(2)
    chance = torch.nan_to_num(torch.exp((before - after).clamp(max=0.0)), nan=0.0)
    accept = torch.rand(groups, count, generator=generator, dtype=torch.float64) < chance
    rows = accept.flatten()
    walkers.positions = torch.where(accept[:, :, None], q, walkers.positions)
    walkers.here = Evaluation(
        torch.where(rows, there.log_likelihood, here.log_likelihood),
        torch.where(rows, there.log_prior, here.log_prior),
        torch.where(rows[:, None], there.gradient, here.gradient),
    )
    if adapt:
        walkers.step = (walkers.step * torch.exp(0.6 * (chance.mean(1) - _TARGET))).clamp(1e-12, 2.0)
    return chance


def _energy(beta: Tensor, here: Evaluation) -> Tensor:
    likelihood = here.log_likelihood.view_as(beta)
    tempered = torch.where(beta > 0, beta * likelihood, torch.zeros_like(likelihood))
    return -(tempered + here.log_prior.view_as(beta))


def compute_factor(positions: Tensor, weights: Tensor) -> Tensor:
    """A with A Aᵀ close to the weighted covariance of particles: full where there are enough particles, else diagonal.

    Args:
        positions: (R, d).
        weights: Non-negative, summing to one, (R,).

    Returns:
        Lower triangular, (d, d).
    """
    dimension = positions.shape[1]
    centred = positions - weights @ positions
    variance = (weights @ centred.pow(2)).clamp_min(1e-300)
    effective = 1.0 / float(weights.pow(2).sum())
    if effective < 10 * dimension:
        return torch.diag(variance.sqrt())
    scale = variance.sqrt()
    scaled = centred / scale
    correlation = (scaled * weights[:, None]).T @ scaled
    shrink = min(0.5, dimension / effective)
    correlation = (1 - shrink) * correlation + shrink * torch.eye(dimension, dtype=torch.float64)
    return scale[:, None] * torch.linalg.cholesky(correlation + 1e-10 * torch.eye(dimension, dtype=torch.float64))
