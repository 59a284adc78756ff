"""Tight-binding electrons on square lattices: densities of states with van Hove singularities, which are germs of the dispersion.

E(k) = -2t Σ cos k_i on a d-dimensional lattice, momenta uniform. A critical point of E contributes to the density of states what its germ
says: a minimum in two dimensions, K = x² + y² with (λ, m) = (1, 1), a step; a saddle, xy with (1, 2) on both sides, a logarithm. The
lattice's Green function at the band edge decides whether a random walk returns (Pólya), through Watson's integral.

References:
    Van Hove (1953), The occurrence of singularities in the elastic frequency distribution of a crystal; Economou (2006), Green's functions
    in quantum physics, chapter 5; Watson (1939), Three triple integrals; Weiße et al. (2006), The kernel polynomial method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.special import ellipkm1, ive

from germ.errors import InputError

Array = NDArray[np.float64]


def compute_chain_density(energy: ArrayLike, hopping: float = 1.0) -> Array:
    """The density of states of the chain, 1/(π √(4t² - E²)) inside the band.

    Args:
        energy: E.
        hopping: t > 0.

    Returns:
        States per site and energy; 0 outside the band, infinite at its edges.

    Raises:
        InputError: If t is not positive.
    """
    e = _scaled(energy, hopping)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(abs(e) <= 2, 1 / (math.pi * np.sqrt(np.maximum(4 - e * e, 0))), 0.0) / hopping


def compute_square_density(energy: ArrayLike, hopping: float = 1.0) -> Array:
    """The density of states of the square lattice, 𝐊(√(1 - (E/4t)²))/(2π² t).

    Args:
        energy: E.
        hopping: t > 0.

    Returns:
        States per site and energy; a logarithm at E = 0, steps of 1/(4πt) at the edges ±4t.

    Raises:
        InputError: If t is not positive.

    Example:
        >>> compute_square_density([0.1, 1.0, 4.0]).round(10).tolist()
        [0.2571435779, 0.1419107581, 0.0795774715]
    """
    e = _scaled(energy, hopping)
    return np.where(abs(e) <= 4, ellipkm1(np.minimum((e / 4) ** 2, 1.0)), 0.0) / (2 * math.pi**2 * hopping)


def compute_cubic_density(energy: float, hopping: float = 1.0) -> float:
    """The density of states of the simple cubic lattice: the square lattice's, averaged over the third momentum.

    Args:
        energy: E.
        hopping: t > 0.

    Returns:
        States per site and energy, relative error below 1e-7.

    Raises:
        InputError: If t is not positive.
    """
    e = float(_scaled(energy, hopping))
    if abs(e) >= 6:
        return 0.0
    # Kinks and the logarithm of the integrand sit where e + 2 cos k is 0 or ±4.
    special = sorted(math.acos((x - e) / 2) for x in (-4.0, 0.0, 4.0) if abs(x - e) < 2)
    edges = [0.0, *special, math.pi]
    total = 0.0
    for a, b in pairwise(edges):
        if b - a > 1e-12:
            middle = (a + b) / 2
            # Substitution k = middle + half·sin flattens the end points.
            half = (b - a) / 2
            total += quad(
                lambda s, c=middle, r=half: _square(e + 2 * math.cos(c + r * math.sin(s))) * r * math.cos(s),
                -math.pi / 2, math.pi / 2, epsrel=1e-8, epsabs=1e-9, limit=400,
            )[0]  # fmt: skip
    return total / math.pi / hopping


def compute_watson_integral() -> float:
    """Watson's integral of the simple cubic lattice, ∫_0^∞ e^{-s} I₀(s/3)³ ds: the expected number of visits of the walk to its start.

    Returns:
        u; the walk returns with probability 1 - 1/u (Pólya).

    Example:
        >>> u = compute_watson_integral()
        >>> round(u, 9), round(1 - 1 / u, 9)
        (1.516386059, 0.34053733)
    """

    def integrand(s: float) -> float:
        return float(ive(0, s / 3)) ** 3

    split = 1e3
    head = sum(quad(integrand, a, b, epsabs=1e-14, epsrel=1e-13, limit=200)[0] for a, b in ((0, 3), (3, 30), (30, split)))
    # I₀(x) e^{-x} = (2πx)^{-1/2} (1 + 1/(8x) + 9/(128x²) + …); the cube, integrated from the split onwards.
    x = split / 3
    lead = (2 * math.pi * x) ** -1.5 * 3 * x
    tail = lead * (2 + (3 / 8) / x * (2 / 3) + (33 / 128) / x**2 * (2 / 5))
    return head + tail


@dataclass(frozen=True)
class SpectralDensity:
    """A density of states from random vectors.

    Args:
        energy: Grid, (k,).
        density: States per dimension and energy, (k,), smeared by Jackson's kernel.
        standard_error: From the spread over random vectors, (k,).
        width: Resolution of the kernel at the band centre, in energy.
    """

    energy: Array
    density: Array
    standard_error: Array
    width: float


def estimate_spectral_density(
    apply: Callable[[Array], Array],
    dimension: int,
    bounds: tuple[float, float],
    rng: np.random.Generator,
    *,
    moments: int = 256,
    vectors: int = 16,
    points: int = 401,
) -> SpectralDensity:
    """The density of states of a symmetric operator by the kernel polynomial method.

    Args:
        apply: Multiplies the operator onto vectors, (dimension, v) to (dimension, v).
        dimension: Size of the operator.
        bounds: An interval that contains the spectrum.
        rng: Source of the random vectors.
        moments: Chebyshev moments; resolution is π (b - a)/2 over their number.
        vectors: Random sign vectors, at least 2.
        points: Size of the energy grid.

    Returns:
        The density with its standard error.

    Raises:
        InputError: If the spectrum leaves the bounds, or numbers are out of range.
    """
    low, high = bounds
    if not (low < high and moments >= 8 and vectors >= 2 and dimension >= 1):
        raise InputError(f"bounds {bounds}, {moments} moments, {vectors} vectors", "low < high, at least 8 moments and 2 vectors")
    center, half = (low + high) / 2, (high - low) / 2
    start = rng.choice([-1.0, 1.0], size=(dimension, vectors))
    previous, current = start, (apply(start) - center * start) / half
    mu = np.empty((moments, vectors))
    mu[0], mu[1] = (start * previous).sum(0), (start * current).sum(0)
    for k in range(2, moments):
        previous, current = current, 2 * (apply(current) - center * current) / half - previous
        mu[k] = (start * current).sum(0)
    if not np.isfinite(mu).all() or np.abs(mu).max() > 1.01 * dimension:
        raise InputError(f"Chebyshev moments up to {np.abs(mu).max():.3g}", f"at most the dimension {dimension}", "widen bounds=")
    order = np.arange(moments)
    q = math.pi / (moments + 1)
    jackson = ((moments - order + 1) * np.cos(q * order) + np.sin(q * order) / np.tan(q)) / (moments + 1)
    x = np.cos(np.linspace(math.pi, 0, points + 2)[1:-1])
    basis = np.cos(order[:, None] * np.arccos(x)) * (jackson * np.where(order == 0, 1, 2))[:, None]
    rows = (mu / dimension).T @ basis / (math.pi * np.sqrt(1 - x * x) * half)
    return SpectralDensity(center + half * x, rows.mean(0), rows.std(0, ddof=1) / math.sqrt(vectors), math.pi * half / moments)


def _square(e: float) -> float:
    # The logarithm at 0 is integrable; rounding may put a node of the quadrature right on it.
    return float(compute_square_density(e if abs(e) > 1e-150 else 1e-150))


def _scaled(energy: ArrayLike, hopping: float) -> Array:
    if not (math.isfinite(hopping) and hopping > 0):
        raise InputError(f"hopping={hopping!r}", "a positive number")
    return np.asarray(energy, float) / hopping
