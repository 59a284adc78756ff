"""Moves along fibres: to another point with the same values of some of the residuals, whatever the curvature.

Deep in {K < ε} the particles lie in a thin curved slab around the zero set of the residuals f. A straight move leaves it after a distance
of the slab's thickness; a move along a fibre {g(w) = const}, g = Ω f for a random q x R matrix Ω, does not. From x: draw t ~ N(0, σ² I),
project it onto the tangent space of the fibre, and return to the fibre along the normals at x by Newton's method. With the measure that
Lebesgue's induces on fibres, dH/√det(J Jᵀ), the move is accepted with probability

    min(1, [φ(y) √det J Jᵀ(x) exp(-|t'|²/2σ²)] / [φ(x) √det J Jᵀ(y) exp(-|t|²/2σ²)]),

t' the tangential part of x - y at y, if K(y) < ε and the way back from y leads to x.

References:
    Zappa, Holmes-Cerfon, Goodman (2018), Monte Carlo on manifolds: sampling densities and integrating functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]

_NEWTON = 5
_TOLERANCE = 1e-3  # of √ε: what Newton's method may leave
_MEMORY = 256
_INDEPENDENT = 1e-9  # least share of a row that is orthogonal to the rows before


@dataclass
class Cloud:
    """Particles of all islands in one batch, and what their moves have learned."""

    w: Tensor  # (R N, d)
    k: Tensor  # (R N,)
    log_prior: Tensor  # (R N,)
    islands: int
    jumps: dict[str, Tensor] = field(default_factory=dict)


def move_along_fibres(
    cloud: Cloud, divergence: Function, log_prior: Function, residuals: Function, epsilon: Tensor, generator: torch.Generator
) -> float:
    """Move every particle along the fibre of a random projection of the residuals; returns the share that moved."""
    count, d = cloud.w.shape
    x = cloud.w
    rank = int(torch.randint(1, min(d, residuals(x[:1]).shape[1] + 1), (1,), generator=generator)) if d > 1 else 0
    omega = torch.randn(residuals(x[:1]).shape[1], rank, generator=generator, dtype=torch.float64)
    scale = x.std(0).clamp_min(1e-300)  # coordinates in units of the cloud's spread

    def project(w: Tensor) -> Tensor:
        return residuals(w) @ omega

    g, q, r, regular = _factor(project, x, scale)
    key = f"fibre {rank}"
    sigma = _choose_width(cloud, key, count, generator)[:, None]
    z = sigma * torch.randn(count, d, generator=generator, dtype=torch.float64)
    t = z - _span(q, z)
    threshold = _TOLERANCE * epsilon.sqrt().repeat_interleave(count // cloud.islands) * omega.norm()
    y, landed = _land(project, x, t, g, q, r, scale, threshold)
    k, density = divergence(y), log_prior(y)
    ok = regular & landed & (k < epsilon.repeat_interleave(count // cloud.islands)) & torch.isfinite(density)
    index = ok.nonzero()[:, 0]
    if not len(index):
        return 0.0
    x, y, t, sigma = x[index], y[index], t[index], sigma[index]
    h, q2, r2, regular = _factor(project, y, scale)
    back = (x - y) / scale
    back = back - _span(q2, back)
    log_ratio = density[index] - cloud.log_prior[index] + _log_det(r)[index] - _log_det(r2)
    log_ratio += (t.pow(2).sum(1) - back.pow(2).sum(1)) / (2 * sigma[:, 0] ** 2)
    accept = torch.rand(len(index), generator=generator, dtype=torch.float64).log() < log_ratio
    home, landed = _land(project, y, back, h, q2, r2, scale, threshold[index])
    accept &= regular & landed & (((home - x) / scale).norm(dim=1) < 1e-2 * t.norm(dim=1))
    chosen = index[accept]
    cloud.w[chosen], cloud.k[chosen], cloud.log_prior[chosen] = y[accept], k[chosen], density[chosen]
    _remember(cloud, key, sigma[accept, 0], generator)
    return len(chosen) / count


def _factor(project: Function, w: Tensor, scale: Tensor) -> tuple[Tensor, list[Tensor], list[list[Tensor]], Tensor]:
    """g(w) and the QR factors of its scaled Jacobian's transpose, by Gram and Schmidt: columns q_i (P, d), entries r_ij (P,).

    The last value says where the rows are independent, (P,); elsewhere directions are rounding, and the move has to be refused.
    """
    with torch.enable_grad():
        v = w.detach().requires_grad_(True)
        g = project(v)
        rows = [torch.autograd.grad(g[:, i].sum(), v, retain_graph=True)[0] * scale for i in range(g.shape[1])]
    q: list[Tensor] = []
    r: list[list[Tensor]] = []
    regular = torch.ones(len(w), dtype=torch.bool)
    for row in rows:
        entries: list[Tensor] = []
        length = row.norm(dim=1)
        for _ in range(2):  # twice is enough
            for i, column in enumerate(q):
                part = (column * row).sum(1)
                row = row - part[:, None] * column
                if i < len(entries):
                    entries[i] = entries[i] + part
                else:
                    entries.append(part)
        norm = row.norm(dim=1).clamp_min(1e-300)
        regular &= norm > _INDEPENDENT * length
        q.append(row / norm[:, None])
        r.append([*entries, norm])
    return g.detach(), q, r, regular


def _span(q: list[Tensor], z: Tensor) -> Tensor:
    """The part of z in the span of the q_i."""
    total = torch.zeros_like(z)
    for column in q:
        total += (column * z).sum(1, keepdim=True) * column
    return total


def _log_det(r: list[list[Tensor]]) -> Tensor:
    return torch.stack([row[-1] for row in r]).log().sum(0)


def _land(
    project: Function, x: Tensor, t: Tensor, g: Tensor, q: list[Tensor], r: list[list[Tensor]], scale: Tensor, threshold: Tensor
) -> tuple[Tensor, Tensor]:
    """From x + t along the normals at x to the fibre {g = g(x)}; the point, and whether it was reached."""
    u = t.clone()
    for _ in range(_NEWTON):
        error = project(x + u * scale) - g
        coefficients: list[Tensor] = []
        for i, row in enumerate(r):
            rest = error[:, i]
            for j, c in enumerate(coefficients):
                rest = rest - row[j] * c
            coefficients.append(rest / row[-1])
        for c, column in zip(coefficients, q, strict=True):
            u = u - c[:, None] * column
    y = x + u * scale
    missed = (project(y) - g).norm(dim=1)
    return y, (missed < threshold) & torch.isfinite(y).all(1)


def _choose_width(cloud: Cloud, key: str, count: int, generator: torch.Generator) -> Tensor:
    memory = cloud.jumps.get(key)
    spread = torch.exp(2.0 * torch.rand(count, generator=generator, dtype=torch.float64) - 0.5)
    if memory is None:
        return torch.exp(-5 * torch.rand(count, generator=generator, dtype=torch.float64))
    learned = memory[torch.randint(len(memory), (count,), generator=generator)]
    return (learned * spread).clamp_max(2.0)


def _remember(cloud: Cloud, key: str, widths: Tensor, generator: torch.Generator) -> None:
    if len(widths) < 4:
        return
    sample = widths[torch.randint(len(widths), (_MEMORY // 4,), generator=generator)]
    memory = cloud.jumps.get(key)
    cloud.jumps[key] = sample if memory is None else torch.cat([memory, sample])[-_MEMORY:]
