"""Cooling of whole networks by moves of whole layers, and how long a ladder of temperatures has to be.

Chains start from the Gaussian neighbourhood exp(−|w − w*|²/2ρ²) and are moved at rising inverse temperatures t, a fixed ratio apart: a
Gibbs draw of a layer forgets the last temperature at once, so small steps are not needed. Chains are weighted and resampled within their
island, since components of the singular set, between which no move leads, lose weight at different rates.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.sampling.annealing import Ladder, resample
from germ.sampling.blocks import BlockSweep
from germ.sampling.outputs import Generators

_RATIO = 0.7  # log of the ratio of temperatures
_ONSET = 0.1  # tK of the residual germ at which the ladder starts
_LEAST_LEVELS = 16  # whatever the deadline
_NEWTON_STEPS = 12
_LAST_SWEEPS = 16  # moves at the last, whose energies are the draws of the trace
_FIRST_SWEEPS = 8  # moves before the first temperature is measured
_ROUNDING = 0.05  # what the rounding of w* may add to λ at the highest temperature
_PRECISION = 1e-13  # of F relative to the outputs of which it is a difference, in double precision
# With σ the singular values and μ of them falling along one direction x = (distance to where they vanish), the weight of a point is
# x^(−μ) exp(−(x − x*)²/2ρ²): it has a barrier that keeps chains about w* where μρ²/x*² < 1/4; sum of (Δσ/σ)² is that number.
_CHANGE = 0.025
_EXACT = 1e-12  # share of the largest singular value of J that is rounding where parameters are exact
_COARSEST = 1e-3  # share of the largest singular value that may be rounding: half precision does not tell zeros of J from small values
_WIDEST = 0.2  # of the typical size of the parameters
# At w* = 0 nothing tells a size but the activations, which bend at 1: the wider, the earlier higher orders are seen, but a deeper
# singular point at distance 1, e^(−50) away in weight, must not be.
_AT_THE_ORIGIN = 0.1


@dataclass(frozen=True)
class Spectrum:
    """J at w*, split by its singular values into a regular part and what is zero up to the rounding of w*.

    Args:
        eigenvalues: The nonzero eigenvalues of JᵀJ, the Hessian of K, (r,), descending.
        directions: Their eigenvectors, (d, r).
        rounding: Sum of the others.
        constant: Whether J has the same rank everywhere near w*: W₀ is then smooth at w* and λ = r/2 (Morse–Bott).
        unclear: Whether the smallest nonzero singular value is not far above the rounding.
    """

    eigenvalues: Tensor
    directions: Tensor
    rounding: float
    constant: bool
    unclear: bool

    @property
    def rank(self) -> int:
        """Their number r."""
        return len(self.eigenvalues)

    @property
    def flat(self) -> Tensor:
        """A basis of the kernel of J, (d, d − r)."""
        return torch.linalg.qr(self.directions, mode="complete")[0][:, self.rank :]

    def regular(self, t: float, width: float) -> float:
        """E[tK] of the quadratic part alone in a neighbourhood of width ρ: r/2 as t → ∞."""
        scaled = t * self.eigenvalues * width**2
        return float((scaled / (1 + scaled)).sum()) / 2


def read_spectrum(generators: Generators, center: Tensor, scale: float, unit: float, rng: torch.Generator) -> Spectrum:
    """The regular part of K at w*.

    Args:
        generators: F.
        center: w*.
        scale: Typical size of the parameters.
        unit: Relative rounding of w*.
        rng: Source of randomness.

    Returns:
        The spectrum.
    """
    everything = torch.arange(len(center))
    beside = center + 0.1 * scale * torch.randn(2, len(center), generator=rng, dtype=torch.float64)
    ranks = []
    least = max(1e-8, 300 * unit)
    for point, share in ((beside[0], _EXACT), (beside[1], _EXACT), (center, least)):  # only w* is rounded
        _, singular, basis = torch.linalg.svd(generators.jacobian(point[None], everything)[1][0], full_matrices=False)
        ranks.append(int((singular > share * singular[0]).sum()) if float(singular[0]) > 1e-100 else 0)
    # At the origin of a homogeneous germ J is zero, not small: compare with J beside it.
    rank = ranks[2]
    small = singular[rank:]
    unclear = rank > 0 and len(small) > 0 and float(small[0]) > 0.03 * float(singular[rank - 1])
    unclear = unclear or least > _COARSEST
    return Spectrum(singular[:rank] ** 2, basis[:rank].T, float(small.pow(2).sum()), rank == max(ranks), unclear)


def choose_width(generators: Generators, center: Tensor, spectrum: Spectrum, scale: float, rng: torch.Generator) -> float:
    """The largest ρ within which the regular directions stay regular: other, deeper singular points are then outside.

    Args:
        generators: F.
        center: w*.
        spectrum: The regular part.
        scale: Typical size of the parameters.
        rng: Source of randomness.

    Returns:
        ρ.
    """
    width = _WIDEST * scale if bool((center != 0).any()) else _AT_THE_ORIGIN
    if spectrum.rank == 0:
        return width
    everything = torch.arange(len(center))
    steps = torch.randn(6, len(center), generator=rng, dtype=torch.float64)
    steps -= steps @ spectrum.directions @ spectrum.directions.T
    regular = spectrum.eigenvalues.sqrt()
    while width > 1e-6 * scale:
        beside = _newton(generators, spectrum, center + width * steps)
        moved = torch.linalg.svdvals(generators.jacobian(beside, everything)[1] @ spectrum.directions)
        if float((moved / regular - 1).pow(2).sum(1).median()) < _CHANGE:
            break
        width /= 1.5
    return width


def anneal_blocks(
    sweep: BlockSweep,
    spectrum: Spectrum,
    *,
    chains: int,
    islands: int,
    sweeps: int,
    span: float,
    largest: float,
    deadline: float,
    again: Ladder | None = None,
) -> Ladder:
    """Cool from the neighbourhood of w* into the germ.

    Args:
        sweep: How chains move.
        spectrum: The quadratic part, whose energy is known.
        chains: C, a multiple of `islands`.
        islands: Groups R within which chains are resampled, from whose spread the error comes.
        sweeps: Sweeps at each temperature; the energies of all but the first are kept.
        span: Stop this far, in log t, above the temperature at which more than the quadratic part is seen.
        largest: Stop at this t.
        deadline: Stop at this time (`time.monotonic`), after as many temperatures as an extrapolation needs.
        again: A ladder whose temperatures are used again.

    Returns:
        The ladder; its means are those of tK less the quadratic part.
    """
    result, per, rng = Ladder(), chains // islands, sweep.rng
    t, positions = _start(sweep, spectrum, chains, None if again is None else again.temperatures[0])
    stop = min(largest, t * math.exp(span))
    for _ in range(_FIRST_SWEEPS):
        positions, _ = sweep(positions, t)
    while True:
        following = t * math.exp(_RATIO)
        if again is not None:
            ended = len(result.temperatures) + 1 == len(again.temperatures)
        else:
            ended = following > stop
        late = time.monotonic() > deadline and len(result.temperatures) >= _LEAST_LEVELS
        ended, rows = ended or late, []
        for _ in range(_LAST_SWEEPS if ended else sweeps):
            positions, kept = sweep(positions, t)
            rows.append(kept)
        excess = torch.stack(rows[1:]).mean(0).view(islands, per) - spectrum.regular(t, sweep.width)
        result.temperatures.append(t)
        result.means.append(excess.mean(1))
        result.variances.append(excess.var(1))
        result.virial.append(1.0)
        if ended:
            break
        logarithm, draw = sweep.heat(positions, t, following)
        positions, t = draw(positions[resample(logarithm.view(islands, per), rng)]), following
    result.particles, result.energies = positions.view(islands, per, -1), torch.stack(rows[1:], 1)
    return result


def _start(sweep: BlockSweep, spectrum: Spectrum, chains: int, t: float | None) -> tuple[float, Tensor]:
    """Chains at the temperature where the residual germ, K minimised over the regular directions, begins to be seen."""
    noise = sweep.width * torch.randn(chains, len(sweep.center), generator=sweep.rng, dtype=torch.float64)
    along = noise @ spectrum.directions
    positions = sweep.center + noise - along @ spectrum.directions.T
    positions = _newton(sweep.generators, spectrum, positions)
    residual = float(sweep.generators.values(positions).pow(2).sum(1).median()) / 2
    regular = 1 / float(spectrum.eigenvalues[-1]) / sweep.width**2 if spectrum.rank else 0.0
    t = max(_ONSET / max(residual, 1e-280), regular) if t is None else t
    return t, positions + along / (1 + t * spectrum.eigenvalues * sweep.width**2).sqrt() @ spectrum.directions.T


def compute_first_temperature(sweep: BlockSweep, spectrum: Spectrum, chains: int) -> float:
    """Temperature t at which the residual germ begins to be seen.

    Args:
        sweep: How chains move.
        spectrum: The regular part.
        chains: Points that are looked at.

    Returns:
        t.
    """
    return _start(sweep, spectrum, chains, None)[0]


def _newton(generators: Generators, spectrum: Spectrum, positions: Tensor) -> Tensor:
    """Minimise K over the regular directions: steps with the Hessian at w*, halved in each chain until K falls."""
    if spectrum.rank == 0:
        return positions
    value, gradient = generators.energy(positions)
    size = torch.ones_like(value)
    for _ in range(_NEWTON_STEPS):
        step = (gradient @ spectrum.directions / spectrum.eigenvalues) @ spectrum.directions.T
        there = positions - size[:, None] * step
        new, slope = generators.energy(there)
        better = new < value
        size = torch.where(better, (2 * size).clamp(max=1.0), size / 4)
        positions, gradient = torch.where(better[:, None], there, positions), torch.where(better[:, None], slope, gradient)
        value = torch.where(better, new, value)
    return positions


def compute_largest_temperature(generators: Generators, center: Tensor, spectrum: Spectrum, width: float) -> float:
    """Temperature t above which what is measured is the rounding of w*, or of F, and no longer the germ.

    Args:
        generators: F.
        center: w*.
        spectrum: With what the rounding of w* does to J.
        width: ρ.

    Returns:
        t.
    """
    # F is a difference of outputs: exact to double precision times the outputs, but at the origin to its own size.
    outputs = generators.scale if bool((center != 0).any()) else 0.0
    return _ROUNDING / max(spectrum.rounding * width**2 / 2, (_PRECISION * outputs) ** 2, 1e-250)
