"""`sample_posterior`: draws from a posterior that may be singular, with the record that its evidence is read from.

Bayesian models with several explanations of the same data have posteriors with ridges, crossings and copies of modes. Chains that start
somewhere stay there; particles that come from the prior do not. `Posterior` is a value: draws, log-likelihoods and the ladder of inverse
temperatures, as recorded. Everything else (WBIC, free energy, WAIC, λ) is computed from it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from germ.claim import collect_versions
from germ.errors import InputError
from germ.problems.problem import Data, Problem
from germ.rng import check_seed
from germ.sampling.density import Density, is_same_data
from germ.sampling.generators import make_generators
from germ.sampling.particles import Camp, Climb, climb
from germ.sampling.temperatures import TemperatureLadder

Method = Literal["particles", "parallel tempering"]
_LARGEST_TABLE = 200_000_000  # entries of a log-likelihood table made at once: 1.6 GB


@dataclass(frozen=True)
class Posterior:
    """Draws from p(D|w)^β φ(w)/Z(β).

    Args:
        problem: The model.
        data: The observations.
        beta: Inverse temperature on the summed log-likelihood; 1 is the posterior.
        draws: Parameters w, (chain, draw, d); chains are independent islands.
        log_likelihood: log p(D|w), summed over observations, in nats, (chain, draw).
        log_prior: log φ(w), (chain, draw).
        positions: The same draws in unbounded coordinates u, (chain, draw, d).
        scores: ∇_u [β log p(D|w(u)) + log φ(w(u)) |dw/du|], (chain, draw, d): for zero-variance estimators.
        ladder: The record along inverse temperatures.
        method: The sampler.
        seed: Its seed.
        seconds: Wall time.
        settings: Its settings.
    """

    problem: Problem = field(repr=False)
    data: Data = field(repr=False)
    beta: float
    draws: np.ndarray = field(repr=False)
    log_likelihood: np.ndarray = field(repr=False)
    log_prior: np.ndarray = field(repr=False)
    positions: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    ladder: TemperatureLadder = field(repr=False)
    method: Method = "particles"
    seed: int = 0
    seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        chains, draws, d = self.draws.shape
        return (
            f"posterior of {self.problem.name} at β = {self.beta:.4g}: {chains} chains of {draws} draws, d = {d}, "
            f"n = {self.data[0].shape[0]} ({self.method}, {len(self.ladder.temperatures)} temperatures, {self.seconds:.1f} s)"
        )

    def iterate_pointwise(self, rows: int | None = None) -> Iterator[np.ndarray]:
        """Values log p(x_i|w) in blocks of `rows` draws, each (rows, n), in the order of draws.reshape(-1, d)."""
        density = Density(self.problem, self.data)
        flat = torch.from_numpy(self.draws.reshape(-1, self.problem.dimension))
        for block in flat.split(rows or density.chunk):
            yield density.pointwise(block).numpy()

    def compute_pointwise(self) -> np.ndarray:
        """Values log p(x_i|w) of every draw and observation in nats, (chain, draw, n).

        Returns:
            The table.

        Raises:
            InputError: If the table would exceed 1.6 GB.
        """
        chains, draws, _ = self.draws.shape
        n = self.data[0].shape[0]
        if chains * draws * n > _LARGEST_TABLE:
            raise InputError(
                f"a log-likelihood table of {chains} × {draws} × {n} entries",
                f"at most {_LARGEST_TABLE:,}",
                "stream it with posterior.iterate_pointwise(), or thin the draws",
            )
        return np.concatenate(list(self.iterate_pointwise())).reshape(chains, draws, -1)

    def to_datatree(self, *, pointwise: bool = True) -> xr.DataTree:
        """The draws in ArviZ's schema.

        Args:
            pointwise: Whether to include the group `log_likelihood`.

        Returns:
            Groups posterior (one variable for each name of the problem, else "w"), log_likelihood, sample_stats, and tempering: mean
            and variance of log p(D|w) at each inverse temperature.
        """
        chains, draws, _ = self.draws.shape
        index = {"chain": np.arange(chains), "draw": np.arange(draws)}
        names = self.problem.names
        if len(names) == self.problem.dimension and len(set(names)) == len(names):
            variables: dict[str, Any] = {name: (("chain", "draw"), self.draws[:, :, i]) for i, name in enumerate(names)}
        else:
            variables = {"w": (("chain", "draw", "w_dim_0"), self.draws)}
        plain = ("chain", "draw")
        stats = {"lp": (plain, self.beta * self.log_likelihood + self.log_prior), "total_log_likelihood": (plain, self.log_likelihood)}
        levels = {
            "mean_log_likelihood": ("inverse_temperature", self.ladder.means),
            "variance_log_likelihood": ("inverse_temperature", self.ladder.variances),
            "acceptance_rate": ("inverse_temperature", self.ladder.acceptance),
        }
        groups = {
            "posterior": xr.Dataset(variables, coords=index),
            "sample_stats": xr.Dataset(stats, coords=index),
            "tempering": xr.Dataset(levels, coords={"inverse_temperature": self.ladder.temperatures}),
        }
        if pointwise:
            table = self.compute_pointwise()
            coords = index | {"observation": np.arange(table.shape[2])}
            groups["log_likelihood"] = xr.Dataset({"log_likelihood": (("chain", "draw", "observation"), table)}, coords=coords)
        for group in groups.values():
            group.attrs |= {"inference_library": "germ", "problem": self.problem.name, "beta": self.beta, "seed": self.seed}
            group.attrs |= {"sampling_method": self.method, "sampling_time": self.seconds}
        return xr.DataTree.from_dict(groups)


def sample_posterior(
    problem: Problem,
    data: Data,
    *,
    beta: float = 1.0,
    seed: int = 0,
    rng: np.random.Generator | None = None,
    method: Method = "particles",
    islands: int = 8,
    particles: int = 128,
    draws: int = 500,
    start: Posterior | None = None,
) -> Posterior:
    """Draw from p(D|w)^β φ(w), starting at the prior.

    Holds for any prior that can be drawn from and any log-likelihood with a gradient. Reaching a mode that no particle of the prior and no
    hotter posterior leads to is beyond it; islands that then disagree show in R-hat and in the error of the evidence.
    Costs some 10 to 40 temperatures × 8 to 64 moves × 2 to 16 gradients of islands · particles log-likelihoods.

    Args:
        problem: The model and its prior.
        data: Observations: tensors with first dimension n.
        beta: Inverse temperature β > 0; 1 for the posterior, 1/log n for WBIC.
        seed: Seed of all randomness.
        rng: A NumPy generator that the seed is drawn from instead.
        method: "particles" (sequential Monte Carlo over β), or "parallel tempering" from where the particles arrive.
        islands: Independent groups; the chains of the result. At least two.
        particles: Particles (or, for parallel tempering, nothing) in each island.
        draws: Least number of draws from each island.
        start: The posterior of the same problem and data at a smaller β, by particles, to go on from instead of the prior.

    Returns:
        The posterior; its ladder begins at the prior in any case.

    Raises:
        InputError: For β ≤ 0, counts that are too small, or a start that is not of this climb.

    Example:
        >>> from germ.problems.problem import Problem
        >>> def log_normal(x): return -0.5 * x * x - 0.5 * math.log(2 * math.pi)
        >>> mean = Problem("normal mean", 1, lambda w, data: log_normal(data[0] - w), lambda w: log_normal(w)[:, 0],
        ...     lambda count, generator: torch.randn(count, 1, generator=generator, dtype=torch.float64),
        ...     lambda n, generator: (torch.randn(n, generator=generator, dtype=torch.float64),))
        >>> posterior = sample_posterior(mean, (torch.full((9,), 1.0, dtype=torch.float64),))
        >>> bool(abs(posterior.draws.mean() - 0.9) < 0.02)
        True

    References:
        Del Moral, Doucet, Jasra (2006); Dau & Chopin (2022); Geyer (1991), parallel tempering.
    """
    seed = check_seed(int(rng.integers(2**62)) if rng is not None else seed)
    _check_arguments(beta, method, islands, particles, draws)
    began = time.monotonic()
    density = Density(problem, data)
    generator = make_generators(seed, 1)[0]
    last = math.ceil(draws / particles)
    camp = None
    if start is not None:
        _check_start(start, problem, density.data, beta, method)
        islands, camp = start.draws.shape[0], Camp(start.ladder, torch.from_numpy(start.positions))
    settings = {"islands": islands, "particles": particles, "draws": draws}
    found = climb(density, float(beta), generator, islands=islands, particles=particles, last_moves=last, camp=camp)
    if method == "parallel tempering":
        from germ.sampling.parallel_tempering import exchange

        found, settings = exchange(density, found, generator, draws=draws), {"islands": islands, "draws": draws}
    return _collect(problem, density, found, float(beta), method, seed, time.monotonic() - began, settings)


def _collect(
    problem: Problem, density: Density, found: Climb, beta: float, method: Method, seed: int, seconds: float, settings: dict[str, Any]
) -> Posterior:
    def lay(x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:])

    positions = lay(found.positions)
    w, log_jacobian = density.coordinates.parameters(positions.flatten(0, 1))
    prior = lay(found.log_prior) - log_jacobian.view(positions.shape[:2])
    return Posterior(
        problem,
        density.data,
        beta,
        w.view_as(positions).numpy(),
        lay(found.log_likelihood).numpy(),
        prior.numpy(),
        positions.numpy(),
        lay(found.gradient).numpy(),
        found.ladder,
        method,
        seed,
        seconds,
        settings | {"versions": collect_versions("torch", "numpy")},
    )


def _check_start(start: Posterior, problem: Problem, data: Data, beta: float, method: str) -> None:
    if (start.method, method) != ("particles", "particles"):
        raise InputError(f"a start by {start.method}, to go on by {method}", "particles both times", "leave start out")
    if start.beta >= beta:
        raise InputError(f"a start at β = {start.beta:.4g} for β = {beta:.4g}", "a start at a smaller β", "leave start out")
    if start.problem is not problem or not is_same_data(start.data, data):
        raise InputError(f"a start of {start.problem.name!r} with other data or parameters", "the same problem and data", "leave start out")


def _check_arguments(beta: float, method: str, islands: int, particles: int, draws: int) -> None:
    if isinstance(beta, bool) or not isinstance(beta, (int, float, np.floating)) or not (math.isfinite(beta) and beta > 0):
        raise InputError(f"got beta={beta!r}", "a finite inverse temperature β > 0", "use beta=1 for the posterior, 1/log(n) for WBIC")
    if method not in ("particles", "parallel tempering"):
        raise InputError(f"got method={method!r}", '"particles" or "parallel tempering"', "leave method out for the default")
    for name, count, least in (("islands", islands, 2), ("particles", particles, 4), ("draws", draws, 4)):
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < least:
            raise InputError(f"got {name}={count!r}", f"an integer of at least {least}", f"leave {name} out for the default")
