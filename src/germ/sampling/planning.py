"""Choices that a run needs and a user should not: how the model is evaluated, how large a batch is, how long each rung of the ladder.

Each choice is a number with a reason in one line; both are recorded in the result.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from germ.sampling.binding import Binding
from germ.sampling.sequential import Sequential
from germ.sampling.vectorized import Vectorized

LARGEST_VECTORIZED = 4_000_000  # parameters: beyond, C gradients at a time cost more memory than the batched pass saves
_TOGETHER = 1 << 28  # coordinates of all chains together (1 GB) up to which chains share a group
_FLOOR = 0.02  # softest γ of a ladder in units of 1/rms(w*)²: free directions then move by seven times the size of a weight
_STIFFER = 0.03  # of the steps: each rung above 9γ, up to γ = 1/rms(w*)²
_SHARES = (0.08, 0.18, 0.2, 0.54)  # of the steps: rungs 9γ, 3γ, the hot rung, γ; each relaxes as 1/(εγ), with some left for the mean
_RELAXATIONS = 3.0  # burn-in in units of 1/(εγ): variances of free directions are then within e⁻³ of their values
_LENGTH = 7.0  # length of the last rung in the same unit
_DRAWS = 4000  # recorded draws of a rung at most; what a draw records is the mean over its steps


@dataclass(frozen=True)
class Rung:
    """One stage of the ladder.

    Args:
        name: What it is for.
        nbeta: nβ.
        localization: γ.
        step_size: ε.
        burn_in: Draws that are left out before the first that counts.
        draws: Draws that count.
        thin: Steps from draw to draw.
    """

    name: str
    nbeta: float
    localization: float
    step_size: float
    burn_in: int
    draws: int
    thin: int = 1


def choose_evaluation(binding: Binding, chains: int, batch_size: int) -> str:
    """Vectorised or one chain after the other: whichever gradient is faster, measured; the binding is set to it.

    Args:
        binding: The bound model, vectorised.
        chains: C.
        batch_size: Samples of a batch.

    Returns:
        The reason.
    """
    sequential = Sequential(binding.substitution, binding.loss, binding.samples, binding.dtype)
    if binding.dimension > LARGEST_VECTORIZED:
        binding.evaluator = sequential
        return f"one chain after the other: {binding.dimension:,} parameters"
    positions = binding.start(chains)
    batch = torch.arange(batch_size)[None].expand(chains, -1).contiguous()
    if not isinstance(binding.evaluator, Vectorized):
        binding.evaluator = sequential
        return "one chain after the other, as asked"
    try:
        fast = _time(lambda: binding.evaluator.gradient(positions, [(batch, 1.0)]))
    except Exception as error:
        # vmap cannot follow every model; an error of the model itself shows again, and is raised, in the other road.
        binding.evaluator = sequential
        return f"one chain after the other: not vectorisable ({str(error).splitlines()[0][:60] if str(error) else type(error).__name__})"
    slow = _time(lambda: sequential.gradient(positions, [(batch, 1.0)]))
    if slow < fast:
        binding.evaluator = sequential
    return (
        f"{'one chain after the other' if slow < fast else 'all chains in one pass'}: {1e3 * slow:.3g} against {1e3 * fast:.3g} ms a step"
    )


def set_evaluation(binding: Binding, *, vectorized: bool, compiled: bool) -> None:
    """Evaluate as an earlier run did."""
    if vectorized and isinstance(binding.evaluator, Vectorized):
        binding.evaluator.set_compiled(compiled)
    else:
        binding.evaluator = Sequential(binding.substitution, binding.loss, binding.samples, binding.dtype)


def _time(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(3):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def choose_batch_size(n: int, nbeta: float) -> int:
    """nβ/4, between 64 and 512.

    For a log loss with Fisher information I at w*, the thermal part of E|g|² is nβ tr I and the part of the batches (nβ)² tr I / b, so
    the step that a given correction allows is ∝ 1/(1 + nβ/b), and samples per unit of relaxation ∝ b + nβ: b = nβ/4 is within 25 % of
    the least.

    Args:
        n: Samples.
        nbeta: nβ.

    Returns:
        b.

    Example:
        >>> choose_batch_size(10_000, 1085.7)
        256
    """
    wanted = 2 ** round(math.log2(max(1.0, nbeta / 4)))
    return min(n, max(64, min(512, wanted)))


def count_groups(binding: Binding, chains: int) -> int:
    """How many groups of chains run one after the other: one where all fit, else one per chain."""
    return 1 if binding.dimension * chains <= _TOGETHER and binding.dimension <= LARGEST_VECTORIZED else chains


def find_scale(binding: Binding) -> float:
    """1 / rms(w*)², the γ at which free directions move by the size of a weight; at most 100, since w* may be 0."""
    squares = sum(float(value.double().pow(2).sum()) for _, value in binding.anchor)
    return 1 / max(squares / binding.dimension, 0.01)


def plan_rungs(
    *,
    step_size: float,
    speed: float = 1.0,
    nbeta: float,
    steps: int,
    scale: float,
    localization: float | None,
    burn_in: int | None,
    draws: int | None,
) -> list[Rung]:
    """The ladder: from 1/rms(w*)² down by factors of 3 to 9γ, 3γ, 3γ at twice the temperature, γ.

    Args:
        step_size: ε.
        speed: How much faster than Langevin steps of size ε the kernel relaxes free directions.
        nbeta: nβ.
        steps: Steps of each chain that the budget allows.
        scale: 1/rms(w*)².
        localization: γ if it was given; then only it and its hot twin are run.
        burn_in: Steps of burn-in of each rung if they were given.
        draws: Draws of the last rung if they were given; earlier rungs take a third.

    Returns:
        The rungs, in the order in which they run.
    """
    shares: tuple[float, ...] = (0.7, 0.3)
    if localization is not None:
        rungs = [("main", nbeta, localization, step_size), ("hot", nbeta / 2, localization / 2, 2 * step_size)]
    else:
        gamma = max(_FLOOR * scale, _LENGTH / (speed * step_size * _SHARES[3] * max(steps, 8)))
        # However few steps there are: a γ beyond 1/ε would throw the chains about instead of holding them.
        gamma = min(gamma, 1 / (9 * step_size))
        wanted, allowed = math.log(scale / (9 * gamma), 3), math.log(1 / (9 * gamma * step_size), 3)
        stiffer = max(0, min(4, math.ceil(wanted), math.floor(allowed)))
        shares = (_STIFFER,) * stiffer + tuple((1 - _STIFFER * stiffer) * share for share in _SHARES)
        rungs = [(f"stiff-{i}", nbeta, 9 * gamma * 3**i, step_size) for i in range(stiffer, 0, -1)] + [
            ("stiff", nbeta, 9 * gamma, step_size),
            ("middle", nbeta, 3 * gamma, step_size),
            ("hot", nbeta / 2, 3 * gamma / 2, 2 * step_size),
            ("main", nbeta, gamma, step_size),
        ]
    planned = []
    for share, (name, beta, localization_, epsilon) in zip(shares, rungs, strict=True):
        length = max(8, round(share * steps))
        relaxation = _RELAXATIONS / (speed * epsilon * localization_) if localization_ > 0 else math.inf
        if draws is not None:
            count, thin, burn = (draws if name == "main" else max(8, draws // 3)), 1, math.ceil(min(draws, relaxation))
        else:
            burn = math.ceil(min(0.5 * length, relaxation))
            thin = max(1, math.ceil((length - burn) / _DRAWS))
            count, burn = max(4, (length - burn) // thin), math.ceil(burn / thin)
        planned.append(Rung(name, beta, localization_, epsilon, burn if burn_in is None else math.ceil(burn_in / thin), count, thin))
    return planned
