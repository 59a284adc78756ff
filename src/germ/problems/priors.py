"""Priors as sums of independent parts, each with its density, its sampler and its support.

A prior on a simplex is written by stick-breaking: v_1, …, v_{H-1} in [0, 1] with a_1 = v_1, a_2 = (1 - v_1) v_2, …; Dirichlet(α, …, α) is
then a product of Beta(α, (H - i) α) (Connor and Mosimann 1969), and every prior of the zoo lives on a box.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.errors import InputError

Sampler = Callable[[int, torch.Generator], Tensor]


@dataclass(frozen=True)
class Prior:
    """A prior density φ on a box or on all of R^d.

    Args:
        dimension: d.
        log_density: w (P, d) to log φ(w), (P,), normalised; -inf outside the support.
        sample: (P, generator) to draws (P, d).
        support: Lower and upper ends, each (d,), possibly infinite; None for all of R^d.
    """

    dimension: int
    log_density: Callable[[Tensor], Tensor]
    sample: Sampler
    support: tuple[Tensor, Tensor] | None = None


def make_uniform_prior(lower: Sequence[float] | Tensor, upper: Sequence[float] | Tensor) -> Prior:
    """Uniform on a box.

    Args:
        lower: Lower ends, (d,).
        upper: Upper ends, (d,).

    Returns:
        The prior.

    Raises:
        InputError: If a side has no length.
    """
    low, high = (torch.as_tensor(v, dtype=torch.float64) for v in (lower, upper))
    if low.shape != high.shape or low.ndim != 1 or not bool((low < high).all()):
        raise InputError(f"a box from {low.tolist()} to {high.tolist()}", "lower < upper in every coordinate")
    volume = float((high - low).log().sum())

    def log_density(w: Tensor) -> Tensor:
        inside = ((w >= low) & (w <= high)).all(-1)
        return torch.where(inside, -volume, -math.inf) + 0.0 * w.sum(-1)

    def sample(count: int, generator: torch.Generator) -> Tensor:
        return low + (high - low) * torch.rand(count, len(low), generator=generator, dtype=torch.float64)

    return Prior(len(low), log_density, sample, (low, high))


def make_cube_prior(center: Tensor, radius: float) -> Prior:
    """Uniform on the cube of the given radius around a point (d,)."""
    return make_uniform_prior(center - radius, center + radius)


def make_gaussian_prior(dimension: int, scale: float = 1.0) -> Prior:
    """N(0, scale² I) in R^d."""
    if not scale > 0:
        raise InputError(f"got a prior of scale {scale!r}", "a positive scale")

    def log_density(w: Tensor) -> Tensor:
        return -0.5 * (w / scale).pow(2).sum(-1) - dimension * (math.log(scale) + 0.5 * math.log(2 * math.pi))

    def sample(count: int, generator: torch.Generator) -> Tensor:
        return scale * torch.randn(count, dimension, generator=generator, dtype=torch.float64)

    return Prior(dimension, log_density, sample)


def make_power_prior(exponents: Sequence[int]) -> Prior:
    """Density ∏ (h_j + 1)/2 |w_j|^h_j on [-1, 1]^d."""
    h = torch.tensor(list(exponents), dtype=torch.float64)
    constant = float(((h + 1) / 2).log().sum())
    one = torch.ones(len(h), dtype=torch.float64)

    def log_density(w: Tensor) -> Tensor:
        inside = (w.abs() <= 1).all(-1)
        return torch.where(inside, constant, -math.inf) + torch.special.xlogy(h, w.abs()).sum(-1)

    def sample(count: int, generator: torch.Generator) -> Tensor:
        u = 2 * torch.rand(count, len(h), generator=generator, dtype=torch.float64) - 1
        return u.sign() * u.abs() ** (1 / (h + 1))

    return Prior(len(h), log_density, sample, (-one, one))


def make_stick_breaking_prior(parts: int, alpha: float = 1.0) -> Prior:
    """Dirichlet(α, …, α) for `parts` weights, in the stick-breaking coordinates v (parts - 1,).

    Args:
        parts: Number of weights H.
        alpha: α > 0.

    Returns:
        The prior on [0, 1]^(H-1).
    """
    if not alpha > 0:
        raise InputError(f"got alpha={alpha!r}", "a positive Dirichlet parameter")
    rest = alpha * torch.arange(parts - 1, 0, -1, dtype=torch.float64)
    first = torch.full_like(rest, alpha)
    constant = float((torch.lgamma(first + rest) - torch.lgamma(first) - torch.lgamma(rest)).sum())

    def log_density(v: Tensor) -> Tensor:
        inside = ((v >= 0) & (v <= 1)).all(-1)
        x = v.clamp(0, 1)
        density = torch.special.xlogy(first - 1, x).sum(-1) + torch.special.xlog1py(rest - 1, -x).sum(-1)
        return torch.where(inside, constant + density, torch.tensor(-math.inf, dtype=v.dtype))

    def sample(count: int, generator: torch.Generator) -> Tensor:
        gamma = torch._standard_gamma(torch.full((count, parts), alpha, dtype=torch.float64), generator=generator)
        tail = gamma.flip(1).cumsum(1).flip(1)
        return gamma[:, :-1] / tail[:, :-1]

    return Prior(parts - 1, log_density, sample, (torch.zeros(parts - 1, dtype=torch.float64), torch.ones(parts - 1, dtype=torch.float64)))


def break_stick(v: Tensor) -> Tensor:
    """Weights a (…, H) on the simplex from stick-breaking coordinates v (…, H-1)."""
    one = v.new_ones(*v.shape[:-1], 1)
    return torch.cat([v, one], -1) * torch.cat([one, (1 - v).cumprod(-1)], -1)


def mend_stick(weights: Sequence[float]) -> Tensor:
    """Coordinates v (H-1,) of weights on the simplex: the inverse of `break_stick` (0 where nothing is left to break)."""
    v, left = [], 1.0
    for a in weights[:-1]:
        v.append(a / left if left > 0 else 0.0)
        left -= a
    return torch.tensor(v, dtype=torch.float64)


def join_priors(*parts: Prior) -> Prior:
    """The product of independent priors, coordinates in order."""
    sizes = [p.dimension for p in parts]

    def log_density(w: Tensor) -> Tensor:
        return torch.stack([p.log_density(x) for p, x in zip(parts, w.split(sizes, -1), strict=True)]).sum(0)

    def sample(count: int, generator: torch.Generator) -> Tensor:
        return torch.cat([p.sample(count, generator) for p in parts], 1)

    if all(p.support is None for p in parts):
        support = None
    else:
        infinite = [torch.full((p.dimension,), math.inf, dtype=torch.float64) for p in parts]
        ends = [p.support or (-top, top) for p, top in zip(parts, infinite, strict=True)]
        support = (torch.cat([low for low, _ in ends]), torch.cat([high for _, high in ends]))
    return Prior(sum(sizes), log_density, sample, support)
