"""A group of chains that can be moved, stopped, written down and taken up again: in this process, or in several (`workers`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from germ.sampling.driver import run_chains
from germ.sampling.generators import make_generators
from germ.sampling.kernels.metropolis import MetropolisState
from germ.sampling.kernels.parts import Kernel
from germ.sampling.kernels.streams import Batches, Streams
from germ.sampling.kernels.target import LossTarget
from germ.sampling.planning import Rung
from germ.sampling.recipe import BATCH_STREAM, NOISE_STREAM, Recipe, make_kernel
from germ.sampling.trace import pack_state, unpack_state

Draws = dict[str, np.ndarray]


class Engine(Protocol):
    """Chains of one group."""

    def enter(self, rung: Rung) -> None:
        """Go on at another rung; at w* if this is the first."""
        ...

    def restore(self, rung: Rung, tensors: Mapping[str, Tensor]) -> None:
        """Go on where `pack` was called, at a rung."""
        ...

    def advance(self, draws: int, first_draw: int) -> Draws:
        """Make so many draws."""
        ...

    def pack(self) -> dict[str, Tensor]:
        """All that the next draws depend on."""
        ...

    def close(self) -> None:
        """Let go of what the engine holds."""
        ...


class LocalEngine:
    """Chains in this process.

    Args:
        binding: The model, or what `workers` makes of it.
        recipe: What to run.
        chains: Which of the recipe's chains.
    """

    def __init__(self, binding: Any, recipe: Recipe, chains: slice) -> None:
        self.binding, self.recipe, self.chains = binding, recipe, chains
        device = binding.samples.device
        self._rng = Streams(make_generators(recipe.seed, recipe.chains, device, stream=NOISE_STREAM)[chains], binding.dtype)
        order = make_generators(recipe.seed, recipe.chains, stream=BATCH_STREAM)[chains]
        self._batches = Batches(binding.samples.size, recipe.batch_size, order)
        self._state: Any = None
        self._kernel: Kernel
        self._thin = 1

    def enter(self, rung: Rung) -> None:
        """Go on at another rung; at w* if this is the first."""
        self._use(rung)
        if self._state is None:
            self._state = self._kernel.init(self._start())
        elif isinstance(self._state, MetropolisState):
            # What an accept step remembers belongs to the target of the last rung; momentum does not.
            self._state = self._kernel.init(self._state.position)

    def restore(self, rung: Rung, tensors: Mapping[str, Tensor]) -> None:
        """Go on where `pack` was called, at a rung."""
        self._use(rung)
        self._rng.unpack(tensors)
        self._batches.unpack(tensors)
        self._state = unpack_state(self._kernel.init(self._start()), tensors)

    def advance(self, draws: int, first_draw: int) -> Draws:
        """Make so many draws."""
        fields, self._state = run_chains(
            self._kernel, self._state, self._batches, self._rng, draws=draws, thin=self._thin, first_chain=self.chains.start,
            first_draw=first_draw,
        )  # fmt: skip
        return fields

    def pack(self) -> dict[str, Tensor]:
        """All that the next draws depend on."""
        return pack_state(self._state) | self._rng.pack() | self._batches.pack()

    def close(self) -> None:
        """Nothing is held."""

    def _start(self) -> Tensor:
        return self.binding.start(self.chains.stop - self.chains.start)

    def _use(self, rung: Rung) -> None:
        target = LossTarget(self.binding, rung.nbeta, rung.localization, control_variate=self.recipe.control_variate)
        self._kernel, self._thin = make_kernel(self.recipe, target, rung.step_size), rung.thin
