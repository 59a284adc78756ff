"""Langevin dynamics with momentum, and with a thermostat that absorbs the gradient noise.

With h = √ε, both do p' = (1 − c) p − h g + s ξ, then w' = w + h p'. In SGHMC c is fixed and s² = 2c: on quadratics w then has
the right variance to second order in h, and p has variance 2/(2 − c). In the thermostat c = hζ, s² = 2hA, and ζ follows the kinetic energy,
ζ' = ζ + h ((1 − c/2)|p'|²/d − 1): gradient noise of any constant size heats p, ζ rises, and p has the right variance again.

At stationarity E|w' − w*|² and E[(w − w*)·p] do not change, which gives identity 1 for momentum:
E[(w − w*)·g] = E[½|p'|² + (a/h)(w − w*)·p] exactly, a = 1 − c of that step; with constant a it is E|p|² (1 + a)/2. Half of its
excess over d is the bias of nβ E[L − L(w*)] on quadratic losses without localisation (identity 2).

References:
    Chen, Fox, Guestrin (2014), Stochastic gradient Hamiltonian Monte Carlo; Ding et al. (2014), Bayesian sampling using stochastic gradient
    thermostats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from germ.sampling.kernels.parts import Info, Target, add_in_place, dot
from germ.sampling.kernels.streams import Streams


@dataclass(frozen=True)
class MomentumState:
    """Position and momentum.

    Args:
        position: (C, d).
        momentum: (C, d).
        friction: ζ of each chain, (C,); used by the thermostat only.
    """

    position: Tensor
    momentum: Tensor
    friction: Tensor


@dataclass(frozen=True)
class StochasticGradientHMC:
    """SGHMC.

    Args:
        target: U.
        step_size: ε = h².
        friction: c, the share of momentum that is lost in a step.
    """

    target: Target
    step_size: float
    friction: float = 0.1

    def init(self, position: Tensor) -> MomentumState:
        """Start at a position, at rest."""
        return MomentumState(position, torch.zeros_like(position), position.new_zeros(len(position)))

    def step(self, state: MomentumState, batch: Tensor | None, *, rng: Streams) -> tuple[MomentumState, Info]:
        """One step of every chain."""
        decay = torch.full_like(state.friction, 1 - self.friction)
        info, kinetic = _move(self.target, state, batch, rng, math.sqrt(self.step_size), decay, math.sqrt(2 * self.friction))
        # With constant friction the mean is known from the kinetic energy alone, which forgets faster than (w − w*)·p.
        expected = kinetic * (1 - self.friction / 2)
        return state, replace(info, expected=expected, correction=(expected - state.position.shape[1]) / 2)


@dataclass(frozen=True)
class Thermostat:
    """SGNHT: Nosé-Hoover thermostat on stochastic gradients.

    Args:
        target: U.
        step_size: ε = h².
        diffusion: A, the noise that is put in on purpose.
    """

    target: Target
    step_size: float
    diffusion: float = 1.0

    def init(self, position: Tensor) -> MomentumState:
        """Start at a position, at rest, with the friction that would be right without gradient noise."""
        return MomentumState(position, torch.zeros_like(position), position.new_full((len(position),), self.diffusion))

    def step(self, state: MomentumState, batch: Tensor | None, *, rng: Streams) -> tuple[MomentumState, Info]:
        """One step of every chain."""
        h = math.sqrt(self.step_size)
        info, kinetic = _move(self.target, state, batch, rng, h, 1 - h * state.friction, math.sqrt(2 * h * self.diffusion))
        friction = state.friction + h * ((1 - h * state.friction / 2) * kinetic / state.position.shape[1] - 1)
        return MomentumState(state.position, state.momentum, friction), info


def _move(
    target: Target, state: MomentumState, batch: Tensor | None, rng: Streams, h: float, decay: Tensor, noise_scale: float
) -> tuple[Info, Tensor]:
    position, momentum = state.position, state.momentum
    difference, loss_part = target.force(position, batch)
    total: tuple[Tensor, ...] = ()
    for block, anchor in target.anchor:
        w, p, force = position[:, block], momentum[:, block], loss_part[:, block]
        delta = w - anchor
        force.add_(delta, alpha=target.localization)
        before = dot(delta, p)
        p.mul_(decay[:, None]).add_(force, alpha=-h).add_(rng.normal(w.shape[1]), alpha=noise_scale)
        total = add_in_place(total, (dot(delta, force), before, dot(p, p), dot(delta, delta)))
        w.add_(p, alpha=h)
    virial, before, kinetic, distance = total
    expected = kinetic / 2 + decay * before / h
    correction = (expected - position.shape[1]) / 2
    return Info(difference, virial, expected, correction, distance, torch.ones_like(virial)), kinetic
