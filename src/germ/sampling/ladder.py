"""Run a ladder of rungs: the same chains, at one γ and nβ after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from germ.sampling.binding import Binding
from germ.sampling.driver import run_chains
from germ.sampling.generators import make_generators
from germ.sampling.kernels.metropolis import MetropolisState
from germ.sampling.kernels.parts import FIELDS, Kernel
from germ.sampling.kernels.streams import Batches, Streams
from germ.sampling.kernels.target import LossTarget
from germ.sampling.planning import Rung
from germ.sampling.recipe import BATCH_STREAM, NOISE_STREAM, Recipe, make_kernel

Draws = dict[str, np.ndarray]
Watch = Callable[[int, Rung, Draws], bool]


def run_ladder(binding: Binding, recipe: Recipe, *, watch: Watch | None = None) -> list[dict[str, np.ndarray]]:
    """Run all chains through all rungs, group by group.

    Args:
        binding: The model.
        recipe: What to run.
        watch: Called after each block with the group, the rung, and its draws so far; the rung ends early where it says so.

    Returns:
        For each rung one (chain, draw) array per field of `Info`; rungs that no chain reached are left out.

    Raises:
        DivergenceError: If a chain diverges.
    """
    size = recipe.chains // recipe.groups
    parts: list[list[Draws]] = [[] for _ in recipe.rungs]
    noise = make_generators(recipe.seed, recipe.chains, binding.samples.device, stream=NOISE_STREAM)
    order = make_generators(recipe.seed, recipe.chains, stream=BATCH_STREAM)
    for group in range(recipe.groups):
        own = slice(group * size, (group + 1) * size)
        rng, batches = Streams(noise[own], binding.dtype), Batches(binding.samples.size, recipe.batch_size, order[own])
        state: Any = None
        for index, rung in enumerate(recipe.rungs):
            target = LossTarget(binding, rung.nbeta, rung.localization, control_variate=recipe.control_variate)
            kernel = make_kernel(recipe, target, rung.step_size)
            state = kernel.init(binding.start(size)) if state is None else _carry(kernel, state)
            seen = _Seen(rung)

            def enough(group: int = group, seen: _Seen = seen) -> bool:
                return watch is not None and watch(group, seen.rung, seen.draws())

            _, state = run_chains(
                kernel, state, batches, rng, draws=rung.burn_in + rung.draws, thin=rung.thin, first_chain=own.start,
                first_draw=-rung.burn_in, record=seen.record, stop=enough,
            )  # fmt: skip
            parts[index].append(seen.draws())
    return [join_groups(part) for part in parts]


def join_groups(parts: list[Draws]) -> Draws:
    """Chains of several groups side by side, cut to the shortest."""
    shortest = min(part[FIELDS[0]].shape[1] for part in parts)
    return {key: np.concatenate([part[key][:, :shortest] for part in parts]) for key in FIELDS}


class _Seen:
    """Draws of a rung as they come, burn-in left out."""

    def __init__(self, rung: Rung) -> None:
        self.rung, self._blocks = rung, [np.empty((len(FIELDS), 0, 0))]

    def record(self, chains: slice, draw: int, state: Any, arrays: Draws) -> None:
        values = np.stack([arrays[key] for key in FIELDS])[:, :, max(0, -draw) :]
        if self._blocks[0].shape[1] == 0:
            self._blocks = [values]
        else:
            self._blocks.append(values)

    def draws(self) -> Draws:
        self._blocks = [np.concatenate(self._blocks, 2)]
        return dict(zip(FIELDS, self._blocks[0], strict=True))


def _carry(kernel: Kernel, state: Any) -> Any:
    # What an accept step remembers belongs to the target of the last rung; momentum does not.
    return kernel.init(state.position) if isinstance(state, MetropolisState) else state
