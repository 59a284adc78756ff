"""Multilevel splitting: particles follow the prior into {K < ε} as ε falls, and count the volume that is left.

Each island of particles has its own levels. At a level the island's ε drops to the p-quantile of its K, the particles above are replaced
by copies of those below, and all are moved by slice sampling within {K < ε}. So after l levels V(ε_l) = p^l, up to the noise of the
quantiles; independent islands say how large it is.

Near a singular zero set the slices have all lengths from √ε to one, so moves come in several kinds, each exact for the prior restricted to
{K < ε}:

* along one coordinate, or along the difference of two particles, over a bracket whose width repeats a jump accepted at the level before;
* scaling of a block of coordinates about a center by e^s, alone or against a second block scaled by e^-s. These are the directions in which
  products of parameters stay constant; their Jacobian e^(s·size) goes into the slice.

References:
    Kahn and Harris (1951), splitting; Cérou, Del Moral, Furon, Guyader (2012), Sequential Monte Carlo for rare event estimation;
    Skilling (2006), Nested sampling; Neal (2003), Slice sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.thermo.fibre import Cloud, move_along_fibres

Function = Callable[[Tensor], Tensor]

_FIBRE_SWEEPS = 0.5  # moves along fibres at each level, in units of d
_KEEP = 0.5  # p, the share of particles that survive a level
_SHRINKS = 10  # evaluations in one slice; a particle that has found no point by then stays
_MEMORY = 512  # accepted jumps remembered for each kind of move
_WIDE = 0.15  # share of brackets with the full width


@dataclass
class Descent:
    """The levels of all islands.

    Args:
        log_levels: log ε_l of each island, (levels, R); -log V(ε_l) = (l + 1) step.
        step: Mean of -log of the volume's share that a level keeps.
        moved: Share of particles moved by a move, level by level.
        stopped: Why the descent ended: "depth", "rounding", "stuck", or what `stop` said.
        particles: The last particles, (R, N, d).
        values: Their K, (R, N).
    """

    log_levels: Tensor
    step: float
    moved: list[float]
    stopped: str
    particles: Tensor
    values: Tensor


def descend(
    divergence: Function,
    log_prior: Function,
    particles: Tensor,
    generator: torch.Generator,
    *,
    residuals: Function | None = None,
    islands: int = 8,
    sweeps: float = 2.0,
    depth: float = 60.0,
    center: Tensor | None = None,
    stop: Callable[[], str] = lambda: "",
) -> Descent:
    """Follow {K < ε} downwards.

    Args:
        divergence: K, batched.
        log_prior: log φ, batched; -inf outside the support.
        particles: Draws of the prior, (R N, d).
        generator: Source of all randomness.
        residuals: Functions f with K comparable to Σ f_i², differentiable, for moves along their fibres.
        islands: R.
        sweeps: Moves at each level, in units of d (at least 4 moves).
        depth: Stop when all islands have -log ε above this.
        center: Center of the scaling moves, (d,).
        stop: Asked after each level; a reason to stop, or nothing.

    Returns:
        The levels.
    """
    count, d = particles.shape
    center = torch.zeros(d, dtype=torch.float64) if center is None else center
    with torch.no_grad():
        cloud = Cloud(particles.clone(), divergence(particles), log_prior(particles), islands)
        full = float((particles.quantile(0.99, dim=0) - particles.quantile(0.01, dim=0)).max()) if count > 1 else 1.0
        levels: list[Tensor] = []
        moved: list[float] = []
        stopped = "depth"
        moves = max(4, round(sweeps * d))
        while True:
            epsilon = _drop(cloud, generator)
            if float(epsilon.min()) == 0:
                stopped = "rounding"
                break
            levels.append(epsilon.log())
            rates = [_move(cloud, divergence, log_prior, epsilon, center, full, generator) for _ in range(moves)]
            moved.append(sum(rates) / len(rates))
            if residuals is not None and d > 1:
                for _ in range(max(2, round(_FIBRE_SWEEPS * d))):
                    move_along_fibres(cloud, divergence, log_prior, residuals, epsilon, generator)
            if float(levels[-1].max()) < -depth:
                break
            if len(levels) % 2 == 0 and _is_rounded(cloud, divergence, generator):
                stopped = "rounding"
                break
            if reason := stop():
                stopped = reason
                break
            if moved[-1] < 0.01:
                stopped = "stuck"
                break
    shape = (islands, count // islands)
    last = (cloud.w.unflatten(0, shape), cloud.k.unflatten(0, shape))
    return Descent(torch.stack(levels), _get_step(count // islands), moved, stopped, *last)


def _get_step(size: int) -> float:
    """E[-log U] for the level of N particles: halfway, on the log scale, between the order statistics k = ⌊pN⌋ and k + 1 of N uniforms.

    E[log U_(k)] = ψ(k) - ψ(N + 1); with -log p in its place, λ̂ of 165 particles would be 1.3 % low.
    """
    kept = torch.tensor(float(int(_KEEP * size)), dtype=torch.float64)
    psi = torch.special.digamma
    return float(psi(torch.tensor(size + 1.0, dtype=torch.float64)) - 0.5 * (psi(kept) + psi(kept + 1)))


def _drop(cloud: Cloud, generator: torch.Generator) -> Tensor:
    """Lower every island's ε to the p-quantile of its K and replace the particles above; returns ε, (R,)."""
    k = cloud.k.unflatten(0, (cloud.islands, -1))
    size = k.shape[1]
    kept = int(_KEEP * size)
    order = k.argsort(1)
    # ε lies between the last survivor and the first that is replaced.
    epsilon = (k.gather(1, order[:, kept - 1 : kept]) * k.gather(1, order[:, kept : kept + 1])).sqrt()[:, 0]
    shuffled = torch.rand(k.shape[0], kept, generator=generator, dtype=torch.float64).argsort(1)
    source = order[:, :kept].gather(1, shuffled).repeat(1, -(-(size - kept) // kept))[:, : size - kept]
    index = torch.cat([order[:, :kept], source], 1) + size * torch.arange(k.shape[0])[:, None]
    index = index.reshape(-1)
    cloud.w, cloud.k, cloud.log_prior = cloud.w[index], cloud.k[index], cloud.log_prior[index]
    return epsilon


def _is_rounded(cloud: Cloud, divergence: Function, generator: torch.Generator) -> bool:
    """Whether K has reached what double precision can tell: one unit in the last place of w changes it by a third for 2 % of particles."""
    w = cloud.w[:1024]
    sign = torch.randint(0, 2, w.shape, generator=generator).double() * 2 - 1
    changed = divergence(w * (1 + sign * 2.0**-52))
    return bool(((changed / cloud.k[:1024]).log().abs() > 0.3).double().mean() > 0.02)


def _move(
    cloud: Cloud, divergence: Function, log_prior: Function, epsilon: Tensor, center: Tensor, full: float, generator: torch.Generator
) -> float:
    """One slice move of a random kind for all particles; returns the share that moved."""
    count = len(cloud.w)
    path, key, widest = _choose_path(cloud, center, full, generator)
    rand = lambda n: torch.rand(n, generator=generator, dtype=torch.float64)  # noqa: E731
    memory = cloud.jumps.get(key)
    width = torch.full((count,), widest, dtype=torch.float64)
    if memory is not None and len(memory):
        # A point of a bracket of width W that contains 0 has |s| = W/4.5 (geometric mean): brackets have to be wider than jumps by more
        # than that, or the memory would shrink for ever.
        learned = memory[torch.randint(len(memory), (count,), generator=generator)] * torch.exp(3.0 * rand(count) + 0.5)
        width = torch.where(rand(count) < _WIDE, width, learned.clamp_max(widest))
    low = -width * rand(count)
    high = low + width
    height = cloud.log_prior + rand(count).clamp_min(1e-300).log()
    bound = epsilon.repeat_interleave(count // cloud.islands)
    active = torch.arange(count)
    accepted: list[Tensor] = []
    for _ in range(_SHRINKS):
        s = low[active] + (high - low)[active] * rand(len(active))
        w, log_jacobian = path(active, s)
        density = log_prior(w)
        k = divergence(w)
        ok = (k < bound[active]) & (density + log_jacobian >= height[active])
        hit = active[ok]
        cloud.w[hit], cloud.k[hit], cloud.log_prior[hit] = w[ok], k[ok], density[ok]
        accepted.append(s[ok].abs())
        active, s = active[~ok], s[~ok]
        low[active] = torch.where(s < 0, s, low[active])
        high[active] = torch.where(s < 0, high[active], s)
        if not len(active):
            break
    jumps = torch.cat(accepted)
    if len(jumps) > 16:
        sample = jumps[torch.randint(len(jumps), (_MEMORY // 4,), generator=generator)]
        cloud.jumps[key] = sample if memory is None else torch.cat([memory, sample])[-_MEMORY:]
    return len(jumps) / count


def _choose_path(
    cloud: Cloud, center: Tensor, full: float, generator: torch.Generator
) -> tuple[Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], str, float]:
    """A family of curves through all particles: (indices, s) to points and log Jacobian; its name; the widest bracket."""
    count, d = cloud.w.shape
    pick = lambda n: int(torch.randint(n, (1,), generator=generator))  # noqa: E731
    zero = torch.zeros((), dtype=torch.float64)
    kind = pick(10)
    snapshot = cloud.w.clone()
    if kind < 5 or d == 1:
        j = pick(d)

        def along_coordinate(index: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
            w = snapshot[index]
            w[:, j] += s
            return w, zero

        return along_coordinate, f"coordinate {j}", 2 * full
    if kind < 7:
        size = count // cloud.islands
        first, second = (torch.randint(size, (count,), generator=generator) + (torch.arange(count) // size) * size for _ in range(2))
        direction = snapshot[first] - snapshot[second]

        def along_difference(index: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
            return snapshot[index] + s[:, None] * direction[index], zero

        return along_difference, "difference", 2.0
    a, b = sorted((pick(d), pick(d)))
    signs = torch.zeros(d, dtype=torch.float64)
    if kind == 7:
        signs[a : b + 1] = 1
    elif kind == 8:
        signs[a : b + 1] = 1
        c, e = sorted((pick(d), pick(d)))
        signs[c : e + 1] = -1
    else:
        signs[a], signs[b] = 1, -1
    total = float(signs.sum())

    def scale(index: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        w = snapshot[index]
        return center + (w - center) * torch.exp(s[:, None] * signs), s * total

    return scale, f"scale {kind}", 4.0
