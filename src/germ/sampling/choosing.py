"""What the user chose, completed by calibration into a recipe; each choice that was made here explains itself in one line."""

from __future__ import annotations

import contextlib
import math
import os
import time
from dataclasses import dataclass, replace
from numbers import Integral, Real

import torch

from germ.errors import DivergenceError, InputError
from germ.rng import check_seed
from germ.sampling.binding import Binding
from germ.sampling.calibration import CORRECTION_SHARE, calibrate_step_size, estimate_stiffness
from germ.sampling.driver import adapt_step_size, run_chains
from germ.sampling.generators import make_generators
from germ.sampling.kernels import KERNELS, NEEDS_FULL_DATA, HamiltonianMonteCarlo, Langevin
from germ.sampling.kernels.langevin import estimate_preconditioner
from germ.sampling.kernels.streams import Batches, Streams
from germ.sampling.kernels.target import LossTarget
from germ.sampling.planning import choose_batch_size, choose_evaluation, count_groups, find_scale, plan_rungs
from germ.sampling.recipe import CALIBRATION_STREAM, Recipe, find_speed, make_kernel
from germ.sampling.vectorized import Vectorized
from germ.sampling.workers import is_portable
from germ.units import compute_default_nbeta

_SETUP = 0.15  # of the budget: what calibration may take
_USED = 0.92  # of the budget: what is planned for; the rest is for the report
_STIFF = 2.0  # ε times stiffness at most; Langevin steps are unstable at 4, and stiffness varies along the chain
_CHAINS = 4
_START, _SPEEDUP = 5.0, 0.6  # seconds until workers are ready, and what two processes leave of the time of a step
_WORTH_WORKERS, _WORTH_COMPILING = 25.0, 150.0  # seconds of sampling


@dataclass(frozen=True)
class Choice:
    """What a user chose; None is left to calibration."""

    kernel: str | None = None
    nbeta: float | None = None
    localization: float | None = None
    step_size: float | None = None
    batch_size: int | None = None
    chains: int | None = None
    draws: int | None = None
    burn_in: int | None = None


class Clock:
    """Wall time of a run.

    Args:
        budget: Seconds.
        spent: Seconds that were spent before, by a run that was interrupted.
    """

    def __init__(self, budget: float, spent: float = 0.0) -> None:
        self.budget, self._began = budget, time.monotonic() - spent

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began


def check_choice(seed: int, precision: float, budget: float, choice: Choice) -> None:
    """Refuse arguments out of range.

    Args:
        seed: Seed.
        precision: Relative standard error.
        budget: Seconds.
        choice: The rest.

    Raises:
        InputError: With the argument and its range.
    """
    check_seed(seed)
    if choice.kernel is not None and choice.kernel not in KERNELS:
        raise InputError(f"got kernel={choice.kernel!r}", f"one of {', '.join(KERNELS)}", "leave it out for 'sgld'")
    numbers = {"precision": precision, "budget": budget, "nbeta": choice.nbeta, "localization": choice.localization}
    for name, number in (numbers | {"step_size": choice.step_size}).items():
        good = isinstance(number, Real) and not isinstance(number, bool) and math.isfinite(number) and number > 0
        if number is not None and not good:
            raise InputError(f"got {name}={number!r}", "a positive number", f"leave {name} out to have it chosen")
    least = {"batch_size": 1, "chains": 1, "draws": 4, "burn_in": 0}
    for name, low in least.items():
        count = getattr(choice, name)
        if count is not None and (isinstance(count, bool) or not isinstance(count, Integral) or count < low):
            raise InputError(f"got {name}={count!r}", f"an integer, {low} or more", f"leave {name} out to have it chosen")


def choose_recipe(binding: Binding, choice: Choice, seed: int, clock: Clock) -> tuple[Recipe, dict[str, str]]:
    """Complete a choice by calibration.

    Args:
        binding: The model; its evaluator is chosen here.
        choice: What the user chose.
        seed: Seed.
        clock: Time.

    Returns:
        The recipe, and one line for each choice that was made here.

    Raises:
        InputError: If a kernel with an accept step is to run on minibatches.
    """
    n, reasons = binding.samples.size, {}
    name = choice.kernel or "sgld"
    nbeta = choice.nbeta if choice.nbeta is not None else compute_default_nbeta(n)
    if name in NEEDS_FULL_DATA and choice.batch_size is not None and choice.batch_size < n:
        raise InputError(
            f"got kernel={name!r} with batch_size={choice.batch_size}", f"all {n} samples: its accept step needs the exact loss",
            "leave out batch_size, or choose kernel='sgld'",
        )  # fmt: skip
    batch = n if name in NEEDS_FULL_DATA else choice.batch_size or choose_batch_size(n, nbeta)
    chains = choice.chains or _CHAINS
    reasons["evaluation"] = choose_evaluation(binding, chains, min(batch, n))
    groups = count_groups(binding, chains)
    recipe = Recipe(name, seed, chains, groups, min(batch, n), ())
    began = time.monotonic()
    recipe, step_size, seconds = _calibrate(binding, recipe, choice, nbeta, began + _SETUP * clock.budget, reasons)
    left = _USED * clock.budget - clock.spent
    planned = left if choice.draws is None else 2.5 * seconds * (choice.draws + (choice.burn_in or choice.draws))
    recipe, seconds = _choose_means(binding, recipe, planned, seconds, reasons)
    steps = max(8, int((left - (_START if recipe.processes > 1 else 0.0)) / (seconds * groups)))
    rungs = plan_rungs(
        step_size=step_size, speed=find_speed(recipe), nbeta=nbeta, steps=steps, scale=find_scale(binding),
        localization=choice.localization, burn_in=choice.burn_in, draws=choice.draws,
    )  # fmt: skip
    given = "as asked"
    reasons["nbeta"] = given if choice.nbeta is not None else f"n / log n = {nbeta:.4g}"
    reasons["batch_size"] = given if choice.batch_size else "all samples" if batch >= n else "about nβ/4, between 64 and 512"
    reasons["chains"] = given if choice.chains else "enough to compare"
    reasons["localization"] = given if choice.localization else (
        f"a ladder from 1/rms(w*)² to the softest γ that relaxes within {steps:,} steps; what is kept ends before the value falls"
    )  # fmt: skip
    adaptive = choice.step_size is None and name not in NEEDS_FULL_DATA
    return replace(recipe, rungs=tuple(rungs), adaptive=adaptive), reasons


def _choose_means(binding: Binding, recipe: Recipe, planned: float, seconds: float, reasons: dict[str, str]) -> tuple[Recipe, float]:
    """Compilation and processes, judged by the seconds of sampling that are planned; the recipe, and the seconds of a step with them."""
    evaluator, told = binding.evaluator, f"{planned:.0f} s of sampling are planned"
    if isinstance(evaluator, Vectorized) and recipe.batch_size < binding.samples.size:
        evaluator.set_compiled(planned > _WORTH_COMPILING)
        reasons["compilation"] = f"{'pays' if evaluator.compiled else 'does not pay'}: {told}, {_WORTH_COMPILING:.0f} would be worth it"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if recipe.chains % 2 or recipe.groups > 1 or cores < 2 or planned < _WORTH_WORKERS or not is_portable(binding, recipe):
        reasons["processes"] = f"this one: {told} on {cores} cores, with {recipe.chains} chains"
        return recipe, seconds
    reasons["processes"] = f"two, one thread each: {told}"
    return replace(recipe, processes=2), _SPEEDUP * seconds


def _choose_stiffness_samples(binding: Binding, target: LossTarget, batches: Batches, seconds: float) -> torch.Tensor | None:
    """As many samples as 16 gradients in the given time allow, all of them where they fit."""
    n, first = binding.samples.size, batches.next()
    if first is None:
        return None
    center = binding.start(1)
    target.force(center, first[:1])
    began = time.monotonic()
    target.force(center, first[:1])
    affordable = int(first.shape[1] * seconds / 16 / max(1e-6, time.monotonic() - began))
    if affordable >= n:
        return None
    # All samples in a random order would cost memory: the strided ones are as good, and stay below a pass of 4096.
    count = max(first.shape[1], min(affordable, 4096, n))
    return torch.arange(count)[None] * (n // count)


def _calibrate(
    binding: Binding, recipe: Recipe, choice: Choice, nbeta: float, deadline: float, reasons: dict[str, str]
) -> tuple[Recipe, float, float]:
    """The recipe with its preconditioner, the step size, and the seconds of one step of one group."""
    size = recipe.chains // recipe.groups
    rng = Streams(make_generators(recipe.seed, size, binding.samples.device, stream=CALIBRATION_STREAM), binding.dtype)
    order = make_generators(recipe.seed, size, stream=CALIBRATION_STREAM + 1)
    batches = Batches(binding.samples.size, recipe.batch_size, order)
    # The step size hardly depends on γ, as long as γ is small against the stiffness.
    target = LossTarget(binding, nbeta, choice.localization if choice.localization is not None else 0.1 * find_scale(binding))
    looked = _choose_stiffness_samples(binding, target, batches, 0.03 * (deadline - time.monotonic()) / _SETUP)
    stiffness = estimate_stiffness(target, looked, rng)
    # The ladder begins at γ = 1/rms(w*)², which is stiffer than U only where the data hardly speak.
    stiffest = 0.0 if choice.localization is not None else _STIFF * find_scale(binding)
    stiffness = max(stiffness, stiffest)
    epsilon = choice.step_size or 0.5 * _STIFF / stiffness
    if recipe.kernel == "rmsprop-sgld":
        steps = 64
        precondition, _ = estimate_preconditioner(
            Langevin(target, epsilon / 2), Langevin(target, epsilon).init(binding.start(size)), batches, rng, steps=steps
        )
        recipe = replace(recipe, preconditioner=precondition)
        stiffness = max(stiffest, estimate_stiffness(target, looked, rng, preconditioner=precondition))
        epsilon = choice.step_size or 0.5 * _STIFF / stiffness
    kernel = make_kernel(recipe, target, epsilon)
    began, made = time.monotonic(), 4
    with contextlib.suppress(DivergenceError):  # a step size that was asked for diverges again where its draws count
        run_chains(kernel, kernel.init(binding.start(size)), batches, rng, draws=made)
    seconds = (time.monotonic() - began) / made
    if choice.step_size is not None:
        reasons["step_size"] = "as asked"
        return recipe, choice.step_size, seconds
    if isinstance(kernel, HamiltonianMonteCarlo):
        kernel, _ = adapt_step_size(
            kernel, kernel.init(binding.start(size)), batches, rng, steps=max(8, min(200, int((deadline - time.monotonic()) / seconds)))
        )
        reasons["step_size"] = f"from the acceptance; stiffness of U {stiffness:.3g}"
        return recipe, kernel.step_size, seconds
    began = time.monotonic()
    kernel, made, share = calibrate_step_size(
        kernel, batches, rng, lambda: binding.start(size), largest=_STIFF / stiffness, deadline=lambda: time.monotonic() > deadline
    )
    seconds = (time.monotonic() - began) / max(1, made)
    bound = "the stiffness of U" if kernel.step_size > 0.9 * _STIFF / stiffness else f"a correction of {CORRECTION_SHARE:.0%} of the value"
    reasons["step_size"] = f"{bound} sets it (measured: {share:.0%}; stiffness {stiffness:.3g})"
    return recipe, kernel.step_size, seconds
