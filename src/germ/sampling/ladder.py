"""Run a ladder of rungs: the same chains, at one γ and nβ after the other, on disk where a trace is kept.

After each rung the step size is corrected once more, by the share that the correction of identity 2 had on it: softer chains see stiffer
directions than calibration did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from germ.sampling.binding import Binding
from germ.sampling.calibration import CORRECTION_SHARE
from germ.sampling.driver import run_chains
from germ.sampling.generators import make_generators
from germ.sampling.kernels.metropolis import MetropolisState
from germ.sampling.kernels.parts import FIELDS, Kernel
from germ.sampling.kernels.streams import Batches, Streams
from germ.sampling.kernels.target import LossTarget
from germ.sampling.planning import Rung
from germ.sampling.recipe import BATCH_STREAM, NOISE_STREAM, Recipe, make_kernel
from germ.sampling.trace import Position, TraceStore, pack_state, unpack_state

Draws = dict[str, np.ndarray]
# Called after each block with the group, the rung and its draws so far; says how many of them to keep if the rung is to end, or None.
Watch = Callable[[int, Rung, Draws], int | None]
Clock = Callable[[], float]


def run_ladder(
    binding: Binding, recipe: Recipe, *, watch: Watch | None = None, store: TraceStore | None = None, spent: Clock = lambda: 0.0
) -> tuple[tuple[Rung, ...], list[Draws]]:
    """Run all chains through all rungs, group by group.

    Args:
        binding: The model.
        recipe: What to run.
        watch: Asked after each block whether the rung is to end.
        store: Trace on disk, which also says where to go on.
        spent: Seconds of the run so far, for the trace.

    Returns:
        The rungs with the step sizes that they had, and for each one (chain, draw) array per field of `Info`.

    Raises:
        DivergenceError: If a chain diverges.
        TraceError: If the trace cannot be read or written.
    """
    size = recipe.chains // recipe.groups
    rungs, parts = list(recipe.rungs), [[] for _ in recipe.rungs]  # type: tuple[list[Rung], list[list[Draws]]]
    noise = make_generators(recipe.seed, recipe.chains, binding.samples.device, stream=NOISE_STREAM)
    order = make_generators(recipe.seed, recipe.chains, stream=BATCH_STREAM)
    for group in range(recipe.groups):
        own = slice(group * size, (group + 1) * size)
        rng, batches = Streams(noise[own], binding.dtype), Batches(binding.samples.size, recipe.batch_size, order[own])
        state: Any = None
        for index, rung in enumerate(rungs):
            here, at = Position(group, index, -rung.burn_in, False), store.position if store is not None else None
            seen = _Seen(rung, own)
            if store is not None and at is not None and (here.group, here.rung) <= (at.group, at.rung):
                seen.preload(store.load_draws(rung.name, own))
                if (here.group, here.rung) == (at.group, at.rung):
                    here = at
            target = LossTarget(binding, rung.nbeta, rung.localization, control_variate=recipe.control_variate)
            kernel = make_kernel(recipe, target, rung.step_size)
            if store is not None and here == at and not store.complete:
                tensors = store.load_state()
                rng.unpack(tensors)
                batches.unpack(tensors)
                state = unpack_state(kernel.init(binding.start(size)), tensors)
            if at is None or (group, index) > (at.group, at.rung) or (here == at and not at.done):
                if here != at:
                    state = kernel.init(binding.start(size)) if state is None else _carry(kernel, state)
                runner = _Runner(seen, here, rng, batches, watch, store, spent)
                _, state = run_chains(
                    kernel, state, batches, rng, draws=rung.draws - here.row, thin=rung.thin, first_chain=own.start,
                    first_draw=here.row, record=runner.record, stop=runner.stop,
                )  # fmt: skip
                runner.commit(state, done=True)
            parts[index].append(seen.draws())
            if group == 0 and recipe.adaptive:
                rungs[index + 1 :] = _adapt_steps(rungs[index], seen.draws(), rungs[index + 1 :])
    return tuple(rungs), [join_groups(part) for part in parts]


def join_groups(parts: list[Draws]) -> Draws:
    """Chains of several groups side by side, cut to the shortest."""
    shortest = min(part[FIELDS[0]].shape[1] for part in parts)
    return {key: np.concatenate([part[key][:, :shortest] for part in parts]) for key in FIELDS}


def _adapt_steps(rung: Rung, draws: Draws, later: list[Rung]) -> list[Rung]:
    correction = float(draws["correction"].mean())
    corrected = rung.nbeta * float(draws["difference"].mean()) - correction
    if not (correction > 0 and corrected > 0):
        return later
    factor = min(1.25, max(0.4, CORRECTION_SHARE * corrected / correction))
    return [replace(r, step_size=factor * r.step_size) for r in later]


class _Seen:
    """Draws of a rung as they come, burn-in left out."""

    def __init__(self, rung: Rung, chains: slice) -> None:
        self.rung, self.chains, self._blocks = rung, chains, [np.empty((len(FIELDS), chains.stop - chains.start, 0))]

    def preload(self, draws: Draws) -> None:
        self._blocks = [np.stack([draws[key] for key in FIELDS])]

    def add(self, draw: int, arrays: Draws) -> None:
        self._blocks.append(np.stack([arrays[key] for key in FIELDS])[:, :, max(0, -draw) :])

    def keep(self, count: int) -> None:
        self._blocks = [np.concatenate(self._blocks, 2)[:, :, :count]]

    def draws(self) -> Draws:
        self._blocks = [np.concatenate(self._blocks, 2)]
        return dict(zip(FIELDS, self._blocks[0], strict=True))


class _Runner:
    """What happens after each block of draws: keep them, look at them, commit them."""

    def __init__(
        self, seen: _Seen, here: Position, rng: Streams, batches: Batches, watch: Watch | None, store: TraceStore | None, spent: Clock
    ) -> None:
        self.seen, self.here, self.rng, self.batches, self.watch, self.store, self.spent = seen, here, rng, batches, watch, store, spent

    def record(self, chains: slice, draw: int, state: Any, arrays: Draws) -> None:
        self.seen.add(draw, arrays)
        self.here = replace(self.here, row=draw + arrays[FIELDS[0]].shape[1])
        if self.store is not None and self.store.is_due():
            self.commit(state, done=False)

    def stop(self) -> bool:
        count = self.watch(self.here.group, self.seen.rung, self.seen.draws()) if self.watch is not None else None
        if count is not None:
            self.seen.keep(count)
        return count is not None

    def commit(self, state: Any, *, done: bool) -> None:
        if self.store is None:
            return
        tensors = pack_state(state) | self.rng.pack() | self.batches.pack()
        self.here = replace(self.here, done=done)
        rung = self.seen.rung
        self.store.commit(self.here, rung.name, self.seen.chains, rung.nbeta, self.seen.draws(), tensors, self.spent())


def _carry(kernel: Kernel, state: Any) -> Any:
    # What an accept step remembers belongs to the target of the last rung; momentum does not.
    return kernel.init(state.position) if isinstance(state, MetropolisState) else state
