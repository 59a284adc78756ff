"""Kernels with an accept step: exact at any step size, on full data.

Hamiltonian Monte Carlo with leapfrog steps of length h = √ε; with a single one it is the Metropolis-adjusted Langevin algorithm. The
virial's mean is d at stationarity, without correction.

References:
    Duane et al. (1987), Hybrid Monte Carlo; Roberts, Tweedie (1996), Exponential convergence of Langevin distributions; Neal (2011), MCMC
    using Hamiltonian dynamics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.errors import InputError
from germ.sampling.kernels.parts import Info, Target, dot
from germ.sampling.kernels.streams import Streams


@dataclass(frozen=True)
class MetropolisState:
    """Position, and what is known there.

    Args:
        position: (C, d).
        difference: L(w) − L(w*), (C,); None before the first step.
        force: Gradient of U, (C, d); None before the first step.
        distance: |w − w*|², (C,); None before the first step.
    """

    position: Tensor
    difference: Tensor | None = None
    force: Tensor | None = None
    distance: Tensor | None = None


@dataclass(frozen=True)
class HamiltonianMonteCarlo:
    """HMC.

    Args:
        target: U, on full data.
        step_size: ε = h².
        leapfrog_steps: Leapfrog steps of one trajectory.
        jitter: The length h of a trajectory's steps is drawn from h (1 ± jitter), against periodic orbits.
    """

    target: Target
    step_size: float
    leapfrog_steps: int = 10
    jitter: float = 0.2

    def init(self, position: Tensor) -> MetropolisState:
        """Start at a position, (C, d)."""
        return MetropolisState(position)

    def step(self, state: MetropolisState, batch: Tensor | None, *, rng: Streams) -> tuple[MetropolisState, Info]:
        """One trajectory of every chain, accepted or not."""
        if batch is not None:
            raise InputError(
                "got a minibatch in a kernel with an accept step", "full data", "leave out batch_size, or choose kernel='sgld'"
            )
        difference, force, distance = state.difference, state.force, state.distance
        if difference is None or force is None or distance is None:
            difference, force, distance = self.evaluate(state.position)
        target, position = self.target, state.position
        h = math.sqrt(self.step_size) * (1 + self.jitter * (2 * rng.uniform() - 1))[:, None]
        momentum = rng.normal(position.shape[1]).clone()
        virial = sum(dot(position[:, block] - anchor, force[:, block]) for block, anchor in target.anchor)
        before = target.nbeta * difference + target.localization / 2 * distance + dot(momentum, momentum) / 2
        proposal, momentum, new_difference, new_force, new_distance = self.integrate(position.clone(), momentum, force, h)
        after = target.nbeta * new_difference + target.localization / 2 * new_distance + dot(momentum, momentum) / 2
        probability = torch.exp((before - after).clamp(max=0.0)).nan_to_num(0.0)
        accept = rng.uniform() < probability
        chosen = accept[:, None]
        moved = MetropolisState(
            torch.where(chosen, proposal, position),
            torch.where(accept, new_difference, difference),
            torch.where(chosen, new_force, force),
            torch.where(accept, new_distance, distance),
        )
        assert isinstance(virial, Tensor)
        exact = torch.full_like(virial, position.shape[1])
        return moved, Info(difference, virial, exact, torch.zeros_like(virial), distance, probability)

    def integrate(
        self, position: Tensor, momentum: Tensor, force: Tensor, h: Tensor | float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """One trajectory of leapfrog steps: reversible by flipping the momentum, with an error of the energy of order h².

        Args:
            position: (C, d), moved in place.
            momentum: (C, d), moved in place.
            force: Gradient of U at the position, (C, d).
            h: Length of a step, a number or (C, 1).

        Returns:
            Position, momentum, and L(w) − L(w*), the gradient of U and |w − w*|² there.
        """
        momentum -= h / 2 * force
        for index in range(self.leapfrog_steps):
            position += h * momentum
            difference, force, distance = self.evaluate(position)
            momentum -= (h / 2 if index == self.leapfrog_steps - 1 else h) * force
        return position, momentum, difference, force, distance

    def evaluate(self, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """L(w) − L(w*), (C,), the gradient of U, (C, d), and |w − w*|², (C,)."""
        difference, force = self.target.force(position, None)
        force, distance = force.clone(), torch.zeros_like(difference)
        for block, anchor in self.target.anchor:
            delta = position[:, block] - anchor
            force[:, block].add_(delta, alpha=self.target.localization)
            distance += dot(delta, delta)
        return difference, force, distance


def make_mala(target: Target, step_size: float) -> HamiltonianMonteCarlo:
    """MALA: w' = w − (ε/2) g + √ε ξ, accepted or not; Hamiltonian Monte Carlo with one leapfrog step.

    Args:
        target: U, on full data.
        step_size: ε.

    Returns:
        The kernel.
    """
    return HamiltonianMonteCarlo(target, step_size, leapfrog_steps=1, jitter=0.0)
