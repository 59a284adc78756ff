"""Tight-binding electrons: densities of states of chain, square and cubic lattice, with their van Hove singularities.

Electrons on a lattice have energies E(k) on a torus of wave vectors, and the density of states is ∫ δ(E − E(k)). It is smooth except at
critical points of E(k): a minimum gives a step in two dimensions, a saddle a logarithm. These van Hove singularities are the learning
coefficients of the germs x² + y² (λ = 1, m = 1) and xy (λ = 1, m = 2).
"""

from __future__ import annotations

import math

import numpy as np

from germ.seminar.claims import claim_between, claim_close
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.lattice import compute_chain_density, compute_cubic_density, compute_square_density, estimate_spectral_density


def run(size: Size, seed: int) -> Outcome:
    """Closed forms, their moments, and the kernel polynomial method on a finite lattice.

    Args:
        size: Side of the finite lattice.
        seed: Of the random vectors.

    Returns:
        The outcome.
    """
    claims = [
        claim_close(f"density of the square lattice at E = {e:g}", known, float(compute_square_density(e)), "elliptic integral",
                    tolerance=6e-11, reason="ten decimals printed")
        for e, known in ((0.1, 0.2571435779), (1.0, 0.1419107581))
    ]  # fmt: skip
    claims.append(claim_close("its step at the band edge", 1 / (4 * math.pi), float(compute_square_density(4.0)),
                              "a minimum in two dimensions: λ = 1, m = 1", tolerance=1e-12, reason="rounding"))  # fmt: skip
    slope = (float(compute_square_density(1e-6)) - float(compute_square_density(1e-4))) / math.log(100)
    claims.append(
        claim_close("coefficient of −log|E| at the band centre", 1 / (2 * math.pi**2), slope, "two saddles xy: λ = 1, m = 2",
                    tolerance=1e-6, reason="order E² log E")
    )  # fmt: skip
    claims.append(claim_close("density of the chain at E = 1", 1 / (math.pi * math.sqrt(3)), float(compute_chain_density(1.0)),
                              "1/(π√(4 − E²))", tolerance=1e-12, reason="rounding"))  # fmt: skip
    grid = np.linspace(-6, 6, 241)
    cubic = np.array([compute_cubic_density(e) for e in grid])
    step = grid[1] - grid[0]
    claims.append(claim_close("the cubic lattice's density integrates to 1", 1.0, float(cubic.sum() * step), "counting states",
                              tolerance=2e-3, reason="grid of 241 points"))  # fmt: skip
    claims.append(
        claim_close("its second moment 2dt²", 6.0, float((cubic * grid**2).sum() * step), "closed walks of two steps", tolerance=0.02,
                    reason="grid of 241 points")
    )  # fmt: skip
    side = {"small": 150, "full": 400}[size]

    def apply(v: np.ndarray) -> np.ndarray:
        w = v.reshape(side, side, -1)
        return -np.sum([np.roll(w, s, a) for s in (-1, 1) for a in (0, 1)], 0).reshape(v.shape)

    found = estimate_spectral_density(apply, side**2, (-4.01, 4.01), np.random.default_rng(seed), moments=96, vectors=12)
    inner = (abs(found.energy) > 0.6) & (abs(found.energy) < 3.5)
    worst = float(np.abs(found.density[inner] / compute_square_density(found.energy[inner]) - 1).max())
    claims.append(claim_between(f"kernel polynomials on {side} × {side} sites: largest relative error away from the singularities",
                                worst, "closed form", upper=0.1))  # fmt: skip
    figure, axes = start_figure("energy E / t", "states per site and energy", ylim=(0, 0.42))
    fine = np.linspace(-6, 6, 1200)
    axes.plot(fine, compute_chain_density(fine), label="chain", linewidth=1)
    axes.plot(fine, compute_square_density(fine + 1e-7), label="square", linewidth=1)
    axes.plot(grid, cubic, label="cubic", linewidth=1)
    axes.plot(found.energy[::8], found.density[::8], ".", color="C1", markersize=3, label=f"square, {side} × {side} sites, sampled")
    axes.legend(fontsize="small")
    caption = "Van Hove singularities: inverse square root (chain), step and logarithm (square), square-root kinks (cubic)."
    return Outcome(tuple(claims), {"densities": Illustration(figure, caption)}, {"dispersion": "E(k) = −2t Σ cos k", "sites": side**2})
