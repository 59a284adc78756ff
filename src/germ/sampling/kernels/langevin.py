"""Stochastic gradient Langevin dynamics: w' = w − (ε/2) P g + √ε P^½ ξ, with a fixed diagonal preconditioner P.

With fixed P the stationary law is that of plain Langevin dynamics up to O(ε). At stationarity
E[(w − w*)·g] = d + (ε/4) E[gᵀPg] exactly (identity 1: the second moment in the norm P⁻¹ does not change), and nβ E[L − L(w*)] is too large
by (ε/8) E[gᵀP g_L], g_L the part of g that comes from the loss (identity 2: exact on quadratic losses without localisation).

References:
    Welling, Teh (2011), Bayesian learning via stochastic gradient Langevin dynamics; Li et al. (2016), arXiv:1512.07666 (RMSprop
    preconditioning; here it is frozen after the warm-up, so that no correction term Γ is needed).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from germ.errors import InputError
from germ.sampling.kernels.parts import Info, Target, add_in_place, dot
from germ.sampling.kernels.streams import Batches, Streams
from germ.sampling.operations import Call, compile_graph

_DAMPING = 0.1  # of the root mean square gradient: P differs by at most a factor of some ten between coordinates of small gradient


@dataclass(frozen=True)
class LangevinState:
    """Where the chains are.

    Args:
        position: (C, d).
    """

    position: Tensor


@dataclass(frozen=True)
class Langevin:
    """SGLD, with or without preconditioner.

    Args:
        target: U.
        step_size: ε.
        preconditioner: Diagonal of P, (d,), or None for 1.
        compiled: Whether the move is compiled, which is worth it where gradients are.
    """

    target: Target
    step_size: float
    preconditioner: Tensor | None = None
    compiled: bool = False

    def init(self, position: Tensor) -> LangevinState:
        """Start at a position, (C, d)."""
        return LangevinState(position)

    def step(self, state: LangevinState, batch: Tensor | None, *, rng: Streams) -> tuple[LangevinState, Info]:
        """One step of every chain."""
        target, position = self.target, state.position
        difference, loss_part = target.force(position, batch)
        total: tuple[Tensor, ...] = ()
        for block, anchor in target.anchor:
            w, pull = position[:, block], loss_part[:, block]
            precondition = () if self.preconditioner is None else (self.preconditioner[block],)
            total = add_in_place(total, self._move(w, pull, anchor, rng.normal(w.shape[1]), *precondition))
        virial, square, mixed, distance = total
        expected = square * (self.step_size / 4) + position.shape[1]
        return state, Info(difference, virial, expected, mixed * (self.step_size / 8), distance, torch.ones_like(virial))

    def _move(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        if not self.compiled or len(self.target.anchor.values) > 1:
            return _move_block(self.target.localization, self.step_size / 2, math.sqrt(self.step_size), *tensors)
        inputs = (*self._scales, *tensors)
        width = tensors[0].shape
        if width not in self._moves:
            examples = tuple(tensor.clone() for tensor in inputs)  # tracing and compiling move them
            self._moves[width] = compile_graph(make_fx(lambda *given: _move_block(*given))(*examples), examples)
        return self._moves[width](*inputs)

    @cached_property
    def _scales(self) -> tuple[Tensor, ...]:
        # Numbers as tensors: what is compiled serves every rung and step size.
        numbers = torch.tensor([self.target.localization, self.step_size / 2, math.sqrt(self.step_size)], dtype=torch.float32)
        return tuple(numbers.to(self.target.anchor.values[0].device).unbind())

    @cached_property
    def _moves(self) -> dict[torch.Size, Call]:
        return {}


def _move_block(
    localization: float | Tensor, half: float | Tensor, root: float | Tensor, w: Tensor, pull: Tensor, anchor: Tensor, noise: Tensor,
    precondition: Tensor | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Move coordinates in place; (w − w*)·g, gᵀPg, gᵀP g_L and |w − w*|² before the move."""
    delta = w - anchor
    force = pull + delta * localization
    scaled = force
    if precondition is not None:
        scaled, noise = force * precondition, noise * precondition.sqrt()
    found = dot(delta, force), dot(scaled, force), dot(scaled, pull), dot(delta, delta)
    w.sub_(scaled * half).add_(noise * root)
    return found


def estimate_preconditioner(
    kernel: Langevin, state: LangevinState, batches: Batches, rng: Streams, *, steps: int
) -> tuple[Tensor, LangevinState]:
    """P = c / (√V + damping), V the mean squared gradient of a warm-up, c such that P has mean 1.

    Args:
        kernel: The kernel that warms up.
        state: Where it starts; consumed.
        batches: Its batches.
        rng: Its noise.
        steps: Length of the warm-up.

    Returns:
        The diagonal of P, (d,), the same for all chains, and the state after the warm-up.

    Raises:
        InputError: If there are no steps.
    """
    if steps < 1:
        raise InputError(f"got a warm-up of {steps} steps", "at least one", "raise the budget, or choose kernel='sgld'")
    square = torch.zeros_like(state.position[0])
    recorder = _Recorder(kernel.target, square)
    recording = Langevin(recorder, kernel.step_size, kernel.preconditioner)
    for _ in range(steps):
        state, _ = recording.step(state, batches.next(), rng=rng)
    square.div_(steps).sqrt_()
    typical = float(square.double().pow(2).mean().sqrt())
    square.add_(_DAMPING * typical if typical > 0 else 1.0).reciprocal_()
    return square.div_(square.mean()), state


@dataclass(frozen=True)
class _Recorder:
    """A target that remembers the squares of its forces."""

    inner: Target
    square: Tensor

    @property
    def nbeta(self) -> float:
        return self.inner.nbeta

    @property
    def localization(self) -> float:
        return self.inner.localization

    @property
    def anchor(self):  # type: ignore[no-untyped-def]
        return self.inner.anchor

    def force(self, position: Tensor, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        difference, force = self.inner.force(position, batch)
        for row in force:
            self.square.addcmul_(row, row, value=1 / len(force))
        return difference, force
