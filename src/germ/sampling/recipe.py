"""What to run: a recipe repeats the same draws bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from germ.errors import InputError
from germ.sampling.kernels import HamiltonianMonteCarlo, Langevin, StochasticGradientHMC, Thermostat
from germ.sampling.kernels.parts import Kernel
from germ.sampling.kernels.target import LossTarget
from germ.sampling.planning import Rung

NOISE_STREAM, BATCH_STREAM, CALIBRATION_STREAM = 1, 2, 3


@dataclass(frozen=True)
class Recipe:
    """Everything that the draws depend on, apart from the model and the data.

    Args:
        kernel: Name of the kernel.
        seed: Seed.
        chains: C.
        groups: How many groups of chains run one after the other.
        batch_size: Samples of a batch.
        rungs: The ladder.
        processes: How many processes the chains are divided among.
        adaptive: Whether step sizes follow the correction from rung to rung.
        control_variate: Whether minibatch gradients are corrected by their value at w*.
        preconditioner: Diagonal of P, (d,), or None.
        leapfrog_steps: Of Hamiltonian Monte Carlo.
    """

    kernel: str
    seed: int
    chains: int
    groups: int
    batch_size: int
    rungs: tuple[Rung, ...]
    processes: int = 1
    adaptive: bool = False
    control_variate: bool = False
    preconditioner: Any = None
    leapfrog_steps: int = 10


def make_kernel(recipe: Recipe, target: LossTarget, step_size: float) -> Kernel:
    """The kernel of a recipe at a step size."""
    match recipe.kernel:
        case "sgld" | "rmsprop-sgld":
            compiled = getattr(target.binding.evaluator, "compiled", False) and target.binding.samples.device.type == "cpu"
            return Langevin(target, step_size, recipe.preconditioner, compiled)
        case "sghmc":
            return StochasticGradientHMC(target, step_size)
        case "sgnht":
            return Thermostat(target, step_size)
        case "mala":
            return HamiltonianMonteCarlo(target, step_size, leapfrog_steps=1, jitter=0.0)
        case "hmc":
            return HamiltonianMonteCarlo(target, step_size, leapfrog_steps=recipe.leapfrog_steps)
        case _:
            raise InputError(f"got kernel={recipe.kernel!r}", "a kernel of germ.sampling.kernels.KERNELS", "leave it out for 'sgld'")


def pack_recipe(recipe: Recipe) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A recipe as plain JSON values and tensors."""
    plain = vars(recipe) | {"rungs": [vars(r) for r in recipe.rungs], "preconditioner": None}
    return plain, {} if recipe.preconditioner is None else {"preconditioner": recipe.preconditioner}


def unpack_recipe(plain: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Recipe:
    """A recipe from what `pack_recipe` gave."""
    rungs = tuple(Rung(**r) for r in plain["rungs"])
    return Recipe(**plain | {"rungs": rungs, "preconditioner": tensors.get("preconditioner")})


def find_speed(recipe: Recipe) -> float:
    """How much faster than Langevin steps of the same ε a kernel relaxes directions that hardly pull."""
    match recipe.kernel:
        case "sghmc":
            return 2 / StochasticGradientHMC.friction  # overdamped: a push of momentum lasts 1/c steps
        case "hmc":
            return float(recipe.leapfrog_steps) ** 2
        case _:
            return 1.0
