"""Run a ladder of rungs: the same chains, at one γ and nβ after the other, on disk where a trace is kept.

After each rung the step size is corrected once more, by the share that the correction of identity 2 had on it: softer chains see stiffer
directions than calibration did.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import numpy as np

from germ.sampling.binding import Binding
from germ.sampling.calibration import CORRECTION_SHARE
from germ.sampling.engine import Draws, Engine, LocalEngine
from germ.sampling.kernels.parts import FIELDS
from germ.sampling.planning import Rung
from germ.sampling.recipe import Recipe
from germ.sampling.trace import Position, TraceStore
from germ.sampling.workers import ProcessPool

_BLOCK_SECONDS = 0.2  # between looks at the draws

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
    for group in range(recipe.groups):
        own = slice(group * size, (group + 1) * size)
        engine: Engine = ProcessPool(binding, recipe, own) if recipe.processes > 1 else LocalEngine(binding, recipe, own)
        with closing(engine):
            for index, rung in enumerate(rungs):
                runner = _Runner(engine, _Seen(rung, own), Position(group, index, -rung.burn_in, False), watch, store, spent)
                runner.run()
                parts[index].append(runner.seen.draws())
                if group == 0 and recipe.adaptive:
                    rungs[index + 1 :] = _adapt_steps(rung, runner.seen.draws(), rungs[index + 1 :])
    return tuple(rungs), [join_groups(part) for part in parts]


def join_groups(parts: list[Draws]) -> Draws:
    """Chains of several groups side by side, cut to the shortest."""
    shortest = min(part[FIELDS[0]].shape[1] for part in parts)
    return {key: np.concatenate([part[key][:, :shortest] for part in parts]) for key in FIELDS}


def _adapt_steps(rung: Rung, draws: Draws, later: list[Rung]) -> list[Rung]:
    if not draws["correction"].size:
        return later
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
    """One rung of one group: what was committed is read, the rest is run, looked at, and committed."""

    def __init__(self, engine: Engine, seen: _Seen, here: Position, watch: Watch | None, store: TraceStore | None, spent: Clock) -> None:
        self.engine, self.seen, self.here, self.watch, self.store, self.spent = engine, seen, here, watch, store, spent

    def run(self) -> None:
        at = self.store.position if self.store is not None else None
        rung = self.seen.rung
        reached = at is not None and (self.here.group, self.here.rung) <= (at.group, at.rung)
        if self.store is not None and at is not None and reached:
            self.seen.preload(self.store.load_draws(rung.name, self.seen.chains))
            if (self.here.group, self.here.rung) < (at.group, at.rung) or self.store.complete:
                return
            self.here = at
            self.engine.restore(rung, self.store.load_state())
            if at.done:
                return
        else:
            self.engine.enter(rung)
        self._run_blocks(rung)
        self._commit(done=True)

    def _run_blocks(self, rung: Rung) -> None:
        count, stopped = 1, False
        while self.here.row < rung.draws and not stopped:
            count = min(count, rung.draws - self.here.row)
            began = time.monotonic()
            arrays = self.engine.advance(count, self.here.row)
            pace = (time.monotonic() - began) / count
            self.seen.add(self.here.row, arrays)
            self.here = replace(self.here, row=self.here.row + count)
            count = max(1, min(2 * count, int(_BLOCK_SECONDS / max(pace, 1e-9))))
            if self.store is not None and self.store.is_due():
                self._commit(done=False)
            kept = self.watch(self.here.group, rung, self.seen.draws()) if self.watch is not None else None
            if kept is not None:
                self.seen.keep(kept)
                stopped = True

    def _commit(self, *, done: bool) -> None:
        if self.store is None:
            return
        self.here = replace(self.here, done=done)
        rung = self.seen.rung
        self.store.commit(self.here, rung.name, self.seen.chains, rung.nbeta, self.seen.draws(), self.engine.pack(), self.spent())
