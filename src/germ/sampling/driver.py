"""The one driver of all kernels: steps, records, watches for divergence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from germ.errors import DivergenceError
from germ.sampling.kernels.metropolis import HamiltonianMonteCarlo
from germ.sampling.kernels.parts import FIELDS, Kernel
from germ.sampling.kernels.streams import Batches, Streams

_WATCH = 16  # draws between looks for divergence
_PATIENCE = 1.0  # seconds after which a block ends earlier, so that slow models are watched too

# record(chains, draw, state, arrays): a slice, the index of the first new draw, the state after the block, (chain, draw) arrays by field.
Record = Callable[[slice, int, Any, dict[str, np.ndarray]], None]


def run_chains(
    kernel: Kernel,
    state: Any,
    batches: Batches,
    rng: Streams,
    *,
    draws: int,
    thin: int = 1,
    first_chain: int = 0,
    first_draw: int = 0,
    record: Record | None = None,
    stop: Callable[[], bool] | None = None,
) -> tuple[dict[str, np.ndarray], Any]:
    """Run C chains for a number of draws.

    Args:
        kernel: The kernel.
        state: Its state; consumed.
        batches: Batches of the chains.
        rng: Noise of the chains.
        draws: How many draws.
        thin: Steps from one draw to the next; what a draw records is the mean over its steps.
        first_chain: Number of the first chain, for messages and for `record`.
        first_draw: Number of the first draw, likewise.
        record: Called with each block of draws as it is complete.
        stop: Asked after each block; the run ends early where it says so.

    Returns:
        One (chain, draw) array per field of `Info`, and the state.

    Raises:
        DivergenceError: If a chain has a value that is not finite, or a loss far outside what it can have.
    """
    blocks: list[np.ndarray] = []
    done = 0
    while done < draws:
        most = min(_WATCH, draws - done)
        # Written into one place: small tensors that stay would cut up the memory that large models free and ask for again in each step.
        rows = torch.empty(most, thin, len(FIELDS), *state.position.shape[:1], dtype=state.position.dtype, device=state.position.device)
        made, began = 0, time.monotonic()
        while made < most and (not made or time.monotonic() - began < _PATIENCE):
            for index in range(thin):
                state, info = kernel.step(state, batches.next(), rng=rng)
                torch.stack([getattr(info, field) for field in FIELDS], out=rows[made, index])
            made += 1
        values = rows[:made].double().mean(1).permute(1, 2, 0).cpu().numpy()  # field, chain, draw
        _check(values, kernel, state.position.shape[1], first_chain, first_draw + done)
        if record is not None:
            chains = slice(first_chain, first_chain + values.shape[1])
            record(chains, first_draw + done, state, dict(zip(FIELDS, values, strict=True)))
        blocks.append(values)
        done += made
        if stop is not None and stop():
            break
    return dict(zip(FIELDS, np.concatenate(blocks, 2), strict=True)), state


def adapt_step_size(
    kernel: HamiltonianMonteCarlo, state: Any, batches: Batches, rng: Streams, *, steps: int, acceptance: float | None = None
) -> tuple[HamiltonianMonteCarlo, Any]:
    """Find the step size of a kernel with an accept step, from its acceptance.

    Args:
        kernel: Where to begin.
        state: Its state; consumed.
        batches: All samples.
        rng: Noise.
        steps: Steps of the search.
        acceptance: Wanted acceptance; 0.57 for one leapfrog step (MALA) and 0.75 for more by default.

    Returns:
        The kernel with its step size (the geometric mean of the second half of the search), and the state.
    """
    wanted = acceptance if acceptance is not None else 0.57 if kernel.leapfrog_steps == 1 else 0.75
    logarithm, kept = math.log(kernel.step_size), []
    for index in range(steps):
        state, info = replace(kernel, step_size=math.exp(logarithm)).step(state, batches.next(), rng=rng)
        logarithm += 4 * (float(info.acceptance.mean()) - wanted) / (index + 10) ** 0.6
        if index >= steps // 2:
            kept.append(logarithm)
    return replace(kernel, step_size=math.exp(sum(kept) / max(1, len(kept)))), state


def _check(values: np.ndarray, kernel: Kernel, dimension: int, first_chain: int, first_draw: int) -> None:
    bad = ~np.isfinite(values).all(0)
    # A chain that only climbs is lost before it overflows: in equilibrium the virial has mean about d and spread about √d.
    bad |= np.abs(values[FIELDS.index("virial")]) > 1e4 * dimension
    if not bad.any():
        return
    chain, draw = np.argwhere(bad)[np.argmin(np.argwhere(bad)[:, 1])]
    raise DivergenceError(
        f"chain {first_chain + chain} diverged at draw {first_draw + draw}: loss difference "
        f"{values[FIELDS.index('difference'), chain, draw]:.3g}, |w − w*|² = {values[FIELDS.index('distance'), chain, draw]:.3g}",
        "chains that stay near w*",
        f"use a smaller step_size than {kernel.step_size:.3g}, a larger localization than {kernel.target.localization:.3g}, or leave both "
        "out to have them chosen",
    )
