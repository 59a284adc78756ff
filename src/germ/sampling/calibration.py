"""Step size without a knob: from the stiffness of U at w*, then from the size of the measured correction.

Identity 2 says how much the discretisation and the gradient noise add to nβ E[L − L(w*)]; it is measured, not feared. So the step is made
as large as the identity can carry: the correction is steered to a fixed share of the corrected value. On a 10-10-10-10 linear network the
corrected value moves by less than one per cent for shares up to 0.55, and is 2 % low at 1 to 1.7; chains mix in proportion to the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from germ.errors import DivergenceError
from germ.sampling.driver import run_chains
from germ.sampling.kernels.streams import Batches, Streams
from germ.sampling.kernels.target import LossTarget

CORRECTION_SHARE = 0.4  # wanted: correction / corrected value
_BLOCK = 32  # steps between two changes of the step size
_LONGEST = 40  # blocks


def estimate_stiffness(
    target: LossTarget, batch: Tensor | None, rng: Streams, *, steps: int = 8, preconditioner: Tensor | None = None
) -> float:
    """Largest eigenvalue of P^½ ∇²U P^½ at w*, by power iteration on differences of gradients.

    Args:
        target: U.
        batch: The samples, (1, m), or None for all. A small batch has stiffer directions than the data set.
        rng: Directions.
        steps: Iterations; the eigenvalue is some 20 % low after eight, which the first step size allows for.
        preconditioner: Diagonal of P, (d,).

    Returns:
        The eigenvalue in absolute value, γ included (of P, at most).
    """
    root = None if preconditioner is None else preconditioner.sqrt()
    reach = 1e-3 * max(1e-2, math.sqrt(sum(float(anchor.double().pow(2).sum()) for _, anchor in target.anchor)))
    direction = rng.normal(target.binding.dimension)[:1]
    value = 0.0
    for _ in range(steps):
        direction.div_(direction.norm())
        direction = target.bend(direction if root is None else direction.mul_(root), batch, reach)
        if root is not None:
            direction.mul_(root)
        value = float(direction.norm())
        if not (math.isfinite(value) and value > 0):
            return target.localization or 1.0
    # γ shifts all eigenvalues alike; with P by at most γ max P.
    return value + target.localization * (1.0 if preconditioner is None else float(preconditioner.max()))


def calibrate_step_size(
    kernel: Any, batches: Batches, rng: Streams, start: Callable[[], Tensor], *, largest: float, deadline: Callable[[], bool]
) -> tuple[Any, int, float]:
    """Steer the correction to its share.

    Args:
        kernel: Where to begin.
        batches: Its batches.
        rng: Its noise.
        start: Makes new chains at w*, (C, d).
        largest: A step size that is not passed: stiff directions become unstable at 4 / stiffness.
        deadline: Says when it is time to stop.

    Returns:
        The kernel with its step size, the steps made, and the share that was measured last.

    Raises:
        DivergenceError: If no step size keeps the chains near w*.
    """
    state, made, share, failures, calm = kernel.init(start()), 0, math.nan, 0, 0
    for index in range(_LONGEST):
        try:
            fields, state = run_chains(kernel, state, batches, rng, draws=_BLOCK)
        except DivergenceError:
            failures += 1
            if failures > 8:
                raise
            kernel, state, calm = replace(kernel, step_size=kernel.step_size / 4), kernel.init(start()), 0
            continue
        made += _BLOCK
        late = {key: value[:, _BLOCK // 2 :].mean() for key, value in fields.items()}
        corrected = kernel.target.nbeta * late["difference"] - late["correction"]
        # Where w* is not a minimum the loss falls and the value is negative: its size still says what a correction is worth.
        share = float(late["correction"] / max(abs(corrected), 1e-300))
        factor = float(np.clip(CORRECTION_SHARE / max(share, 1e-9), 1 / 3, 2.0))
        factor = min(factor, 1.0 if failures else largest / kernel.step_size)
        calm = calm + 1 if 0.8 < factor < 1.25 else 0
        if calm >= 3 or deadline():
            break
        # The share settles with the chains: steps change by less and less, so that a block's noise does not decide.
        kernel = replace(kernel, step_size=kernel.step_size * factor ** (1.0 if index < 12 else 0.5))
    return kernel, made, share
