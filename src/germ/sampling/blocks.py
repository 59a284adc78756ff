"""Moves of whole layers: Gibbs sampling where the outputs are affine in a block of parameters, Metropolis where they are nearly so.

For the target exp(−t|F(w)|²/2 − |w − w*|²/2ρ²) and a block b in which F is affine, F = F₀ + J_b (w_b − w_b⁰), the conditional law of the
block is Gaussian with precision P = t JᵀJ + 1/ρ² and is drawn exactly. That is what carries a chain along a singular set: with the
other factor small, a layer moves over its whole range in one step, at any temperature. Where F is not affine the same Gaussian, with
the Jacobian of the other end for the way back, is a proposal.

The Gaussian step also gives the mean of t|F|²/2 over the block, given the others: recording it instead of the draw's own value
(Rao–Blackwell) leaves its mean and removes the part of the variance that the block makes.

References:
    Gelfand, Smith (1990), Sampling-based approaches to calculating marginal densities (Rao–Blackwell);
    Roberts, Sahu (1997), Updating schemes, correlation structure, blocking and parameterization for the Gibbs sampler;
    Neal (2003), Slice sampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.sampling.model import WrappedModel
from germ.sampling.outputs import Generators

_LARGEST_BLOCK = 256  # coordinates drawn together: a Cholesky factor each
_SHORT = 1e-7  # ratio of diagonal entries below which a Cholesky factor has lost the small eigenvalues, and QR takes over
_LARGEST_JACOBIAN = 4_000_000  # entries of Jacobians held at a time
_FLAT_MOVES = 3  # in each sweep
_LARGEST_SPLIT = 64  # a tensor in which F is not affine is moved entry by entry up to this size


@dataclass(frozen=True)
class Block:
    """Coordinates that move together.

    Args:
        coordinates: Their indices in the flat vector, (p,).
        affine: Whether F is affine in them.
    """

    coordinates: Tensor
    affine: bool


def find_blocks(wrapped: WrappedModel, generators: Generators, scale: float, generator: torch.Generator) -> list[Block]:
    """Cut the parameters into blocks in which F is affine, as large as they come.

    Tried in turn: the parameters of a module together, one tensor, single entries of a small tensor.

    Args:
        wrapped: The model.
        generators: F.
        scale: Typical size of the parameters.
        generator: Source of randomness.

    Returns:
        Blocks that cover all parameters.
    """
    modules: dict[str, list[Tensor]] = {}
    for entry in wrapped.substitution.free:
        modules.setdefault(entry.name.rpartition(".")[0], []).append(torch.arange(entry.start, entry.stop))
    here = wrapped.center + scale * torch.randn(2, wrapped.dimension, generator=generator, dtype=torch.float64)

    def affine(block: Tensor) -> bool:
        there = here.clone()
        there[:, block] += scale * torch.randn(2, len(block), generator=generator, dtype=torch.float64)
        (before, slope), after = generators.jacobian(here, block), generators.values(there)
        predicted = before + (slope @ (there - here)[:, block, None])[..., 0]
        return bool((after - predicted).norm() <= 1e-9 * after.norm())

    blocks: list[Block] = []
    for tensors in modules.values():
        together = torch.cat(tensors)
        for block in [together] if affine(together) else tensors:
            if affine(block):
                blocks += [Block(part, True) for part in block.split(_LARGEST_BLOCK)]
            elif len(block) <= _LARGEST_SPLIT:
                blocks += [Block(part, affine(part)) for part in block.split(1)]
            else:
                blocks += [Block(part, False) for part in block.split(_LARGEST_BLOCK)]
    return blocks


@dataclass(frozen=True)
class _Gaussian:
    mean: Tensor  # (C, p)
    factor: Tensor  # R with precision RᵀR, upper, (C, p, p)
    energy: Tensor  # mean of t|F|²/2, (C,)
    log_integral: Tensor  # up to a constant, (C,)


@dataclass(frozen=True)
class BlockSweep:
    """One move of every block, in random order.

    Args:
        generators: F.
        center: w*.
        width: ρ.
        blocks: The blocks.
        rng: Source of randomness.
        flat: A basis of directions in which K is flat at w*, (d, k): where single coordinates are moved, stiff ones would hold them.
    """

    generators: Generators
    center: Tensor
    width: float
    blocks: list[Block]
    rng: torch.Generator
    flat: Tensor | None = None

    def __call__(self, positions: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """Move all chains, (C, d), at inverse temperature t; return them and t|F|²/2, averaged over the sweep, (C,)."""
        total, count = torch.zeros(len(positions), dtype=torch.float64), 0
        for index in torch.randperm(len(self.blocks), generator=self.rng).tolist():
            block = self.blocks[index]
            if len(block.coordinates) == 1 and not block.affine:
                positions, energy = self._slice(positions, self._axis(int(block.coordinates)), t)
            else:
                rows = [self._move(part, block, t) for part in self._split(positions, block)]
                positions, energy = torch.cat([row[0] for row in rows]), torch.cat([row[1] for row in rows])
            total, count = total + energy, count + 1
        if self.flat is not None:
            for _ in range(_FLAT_MOVES):
                positions, energy = self._move_along_flats(positions, t, self.flat)
                total, count = total + energy, count + 1
        return positions, total / count

    def _move_along_flats(self, positions: Tensor, t: float, flat: Tensor) -> tuple[Tensor, Tensor]:
        """Slice along a direction that is flat at w*, then walk along those that are flat where the chain is."""
        if flat.shape[1]:
            direction = flat @ torch.randn(flat.shape[1], generator=self.rng, dtype=torch.float64)
            positions, _ = self._slice(positions, direction / direction.norm(), t)
        return self._move(positions, Block(torch.arange(len(self.center)), False), t, walk=True)

    def _move(self, positions: Tensor, block: Block, t: float, walk: bool = False) -> tuple[Tensor, Tensor]:
        """Draw a block from its linearised conditional law; or walk: take a step of its covariance, shortened to one of all scales.

        K is flat to first order along the step, so that t^(−1/4) of it is free where K is quartic.
        """
        here = positions[:, block.coordinates]
        mean, factor, value, energy = self._conditional(positions, block, t)
        noise = torch.randn(here.shape, generator=self.rng, dtype=torch.float64)
        size = torch.ones(len(here), 1, dtype=torch.float64)
        if walk:
            mean = here
            size = torch.exp(-0.25 * max(math.log(t), 0.0) * torch.rand(len(here), 1, generator=self.rng, dtype=torch.float64))
        there = mean + size * torch.linalg.solve_triangular(factor, noise[..., None], upper=True)[..., 0]
        moved = positions.index_copy(1, block.coordinates, there)
        if block.affine:
            return moved, energy
        back, other, new, _ = self._conditional(moved, block, t)
        returned = (other @ (here - (there if walk else back))[..., None])[..., 0] / size

        def prior(part: Tensor) -> Tensor:
            return ((part - self.center[block.coordinates]) / self.width).pow(2).sum(1) / 2

        change = t * (value - new).mul(value + new).sum(1) / 2 + prior(here) - prior(there)
        change += noise.pow(2).sum(1) / 2 - returned.pow(2).sum(1) / 2
        change += (other.diagonal(dim1=1, dim2=2).abs().log() - factor.diagonal(dim1=1, dim2=2).abs().log()).sum(1)
        accept = torch.log(torch.rand(len(here), generator=self.rng, dtype=torch.float64)) < change
        kept = torch.where(accept, new.pow(2).sum(1), value.pow(2).sum(1))
        return torch.where(accept[:, None], moved, positions), t * kept / 2

    def heat(self, positions: Tensor, t: float, following: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Weights for a change of temperature, with one affine block b integrated out: log of ∫exp(−t'K − ...)dw_b / ∫exp(−tK − ...)dw_b.

        They vary far less than exp(−(t' − t)K): what is left is what differs between parts of the singular set.

        Args:
            positions: Chains at t, (C, d).
            t: Inverse temperature.
            following: The next one, t'.

        Returns:
            Logarithms of the weights, (C,), and the draw of b at t' that has to follow.
        """
        affine = [block for block in self.blocks if block.affine]
        if not affine:
            return -(following - t) * self.generators.values(positions).pow(2).sum(1) / 2, lambda moved: moved
        block = affine[int(torch.randint(len(affine), (), generator=self.rng))]
        rows = []
        for part in self._split(positions, block):
            value, slope = self.generators.jacobian(part, block.coordinates)
            target = self._target(part, block, value, slope)
            rows.append(self._solve(slope, target, following).log_integral - self._solve(slope, target, t).log_integral)
        return torch.cat(rows), lambda moved: torch.cat([self._move(part, block, following)[0] for part in self._split(moved, block)])

    def _split(self, positions: Tensor, block: Block) -> tuple[Tensor, ...]:
        """Chains whose Jacobians are held at a time."""
        return positions.split(max(1, _LARGEST_JACOBIAN // (self.generators.count * len(block.coordinates))))

    def _target(self, positions: Tensor, block: Block, value: Tensor, slope: Tensor) -> Tensor:
        offset = positions[:, block.coordinates] - self.center[block.coordinates]
        return (slope @ offset[..., None]) - value[..., None]

    def _conditional(self, positions: Tensor, block: Block, t: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mean and factor R (P = RᵀR, upper) of the linearised conditional law, F, and the mean of t|F|²/2 under it."""
        value, slope = self.generators.jacobian(positions, block.coordinates)
        solved = self._solve(slope, self._target(positions, block, value, slope), t)
        return self.center[block.coordinates] + solved.mean, solved.factor, value, solved.energy

    def _solve(self, slope: Tensor, target: Tensor, t: float) -> _Gaussian:
        """The Gaussian exp(−t|J v − target|²/2 − |v|²/2ρ²)."""
        size = slope.shape[2]
        eye = torch.eye(size, dtype=torch.float64).expand(len(slope), -1, -1)
        precision = t * (slope.mT @ slope)
        precision.diagonal(dim1=1, dim2=2).add_(self.width**-2)
        lower, failed = torch.linalg.cholesky_ex(precision)
        diagonal = lower.diagonal(dim1=1, dim2=2).abs()
        if bool(failed.any()) or float((diagonal.amin(1) / diagonal.amax(1)).min()) < _SHORT:
            q, factor = torch.linalg.qr(torch.cat([math.sqrt(t) * slope, eye / self.width], 1))
            mean = torch.linalg.solve_triangular(factor, q.mT[:, :, : slope.shape[1]] @ (math.sqrt(t) * target), upper=True)
        else:
            factor, mean = lower.mT, torch.cholesky_solve(t * (slope.mT @ target), lower)
        spread = torch.linalg.solve_triangular(factor, eye, upper=True).pow(2).sum((1, 2)) / self.width**2
        least = t * (slope @ mean - target)[..., 0].pow(2).sum(1)
        prior = mean[..., 0].pow(2).sum(1) / self.width**2
        log_integral = -factor.diagonal(dim1=1, dim2=2).abs().log().sum(1) - (least + prior) / 2
        return _Gaussian(mean[..., 0], factor, (least + size - spread) / 2, log_integral)

    def _axis(self, j: int) -> Tensor:
        return torch.nn.functional.one_hot(torch.tensor(j), len(self.center)).double()

    def _slice(self, positions: Tensor, direction: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """Slice sampling along a unit vector, shrinking from a bracket of 12 ρ; coordinates are those of w − w* along it."""
        count, positions = len(positions), positions.clone()
        prior = 0.5 / self.width**2
        place = (positions - self.center) @ direction
        energy = t * self.generators.values(positions).pow(2).sum(1) / 2
        level = energy + prior * place**2
        level -= torch.log(torch.rand(count, generator=self.rng, dtype=torch.float64).clamp_min(1e-300))
        low = place - 12 * self.width * torch.rand(count, generator=self.rng, dtype=torch.float64)
        high, active = low + 12 * self.width, torch.arange(count)
        for _ in range(200):
            here = place[active]
            proposal = low + (high - low) * torch.rand(len(active), generator=self.rng, dtype=torch.float64)
            moved = positions[active] + (proposal - here)[:, None] * direction
            new = t * self.generators.values(pad_rows(moved, count))[: len(active)].pow(2).sum(1) / 2
            inside = new + prior * proposal**2 <= level[active]
            positions[active[inside]], energy[active[inside]] = moved[inside], new[inside]
            place[active[inside]] = proposal[inside]
            below = proposal < here
            low, high = torch.where(below, proposal, low)[~inside], torch.where(below, high, proposal)[~inside]
            active = active[~inside]
            if not len(active):
                break
        return positions, energy


def pad_rows(rows: Tensor, count: int) -> Tensor:
    """Rows up to the next power of two below `count`: few shapes, so that few traces are kept."""
    size = min(count, 1 << max(0, (len(rows) - 1)).bit_length())
    return torch.cat([rows, rows[:1].expand(size - len(rows), -1)])
