"""Hamiltonian Monte Carlo with nK as potential: the leapfrog's energy error, its reversibility, and ⟨nK⟩ of a crossing.

Take nK as a potential, add kinetic energy, and let a particle roll: Hamiltonian Monte Carlo proposes where it arrives. The leapfrog
integrator is symmetric and reversible, so that its energy error is of second order and the chain can be made exact by acceptance. Near a
crossing the walls steepen with n, and the step has to shrink with them.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from germ.estimators.monte_carlo import compute_effective_sample_size
from germ.sampling.generators import make_generators
from germ.sampling.kernels.metropolis import HamiltonianMonteCarlo
from germ.sampling.kernels.streams import Streams
from germ.sampling.kernels.target import PlainTarget
from germ.seminar.claims import claim_close, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size

_N = 100.0


def _crossing(w: Tensor) -> tuple[Tensor, Tensor]:
    """K = x²y² and its gradient."""
    x, y = w.unbind(1)
    return x**2 * y**2, torch.stack([2 * x * y**2, 2 * x**2 * y], 1)


def run(size: Size, seed: int) -> Outcome:
    """Trajectories of H = |p|²/2 + nK + |w|²/2 for K = x²y², n = 100, and chains of the same target.

    Args:
        size: Length of the chains.
        seed: Of starts, momenta and chains.

    Returns:
        The outcome.
    """
    generator = torch.Generator().manual_seed(seed)
    target = PlainTarget(_crossing, torch.zeros(2, dtype=torch.float64), nbeta=_N, localization=1.0)
    start, momentum = (torch.randn(64, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    steps = np.array([16, 32, 64, 128, 256]) * 8
    rows = []
    for count in steps:
        kernel = HamiltonianMonteCarlo(target, 1.0, leapfrog_steps=int(count))
        difference, force, distance = kernel.evaluate(start)
        before = _N * difference + distance / 2 + (momentum**2).sum(1) / 2
        end, out, difference, force, distance = kernel.integrate(start.clone(), momentum.clone(), force, 1 / float(count))
        rows.append((_N * difference + distance / 2 + (out**2).sum(1) / 2 - before).abs())
        back, there, *_ = kernel.integrate(end.clone(), -out, force, 1 / float(count))
    # Of each trajectory, then the median: where the error changes sign as h falls, its ratio at two h has no meaning.
    order = float((rows[-2] / rows[-1]).log2().median())
    errors = [float(row.median()) for row in rows]
    distance_back = float(torch.maximum((back - start).abs().max(), (there + momentum).abs().max()))
    claims = [
        claim_close("order of the leapfrog's energy error in the step's length", 2.0, order, "Störmer and Verlet's method is symmetric",
                    tolerance=0.05, reason="next order, h⁴"),
        claim_close("distance from the start after flipping the momentum and going back", 0.0, distance_back, "reversibility",
                    tolerance=1e-8, reason="rounding"),
    ]  # fmt: skip
    mean, acceptance, stderr = _sample(target, {"small": 3000, "full": 40_000}[size], seed)
    claims.append(claim_within_errors("⟨nK⟩ by Hamiltonian Monte Carlo", _quadrature(), mean, stderr, "quadrature"))
    figure, axes = start_figure("step length h", "energy error, median", xscale="log", yscale="log")
    h = 1 / steps
    axes.plot(h, errors, "o-", label="leapfrog on nK + |w|²/2")
    axes.plot(h, errors[-1] * (h / h[-1]) ** 2, "--", label="h²")
    axes.legend()
    caption = "The energy error of trajectories of length 1 falls like h²; the accept step removes what is left of it."
    inputs = {"K": "x²y²", "n": int(_N), "acceptance": round(acceptance, 3)}
    return Outcome(tuple(claims), {"error": Illustration(figure, caption)}, inputs)


def _sample(target: PlainTarget, draws: int, seed: int) -> tuple[float, float, float]:
    kernel = HamiltonianMonteCarlo(target, 0.15**2, leapfrog_steps=8)
    rng = Streams(make_generators(seed, 8), torch.float64)
    state = kernel.init(torch.full((8, 2), 0.3, dtype=torch.float64))
    rows, accepted = [], []
    for index in range(draws + 200):
        state, info = kernel.step(state, None, rng=rng)
        if index >= 200:
            rows.append(_N * info.difference)
            accepted.append(info.acceptance)
    energy = torch.stack(rows, 1).numpy()
    error = float(energy.std() / math.sqrt(compute_effective_sample_size(energy)))
    return float(energy.mean()), float(torch.stack(accepted).mean()), error


def _quadrature() -> float:
    """⟨nK⟩ with y integrated in closed form: given x, y ~ N(0, 1/(1 + 2nx²))."""
    x = np.linspace(-9, 9, 200_001)
    precision = 1 + 2 * _N * x**2
    weight = np.exp(-(x**2) / 2) / np.sqrt(precision)
    return float((weight * _N * x**2 / precision).sum() / weight.sum())
