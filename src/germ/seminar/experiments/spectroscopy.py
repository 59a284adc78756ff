"""Critical points of a dispersion read as germs: Watson's integral, Pólya's walk, and (λ, m) of van Hove singularities.

Read backwards, a singular density of states tells which germ made it: the exponent is λ − 1, a logarithm means m = 2. Watson's integral
and Pólya's walk rest on the same density, since the walk returns by way of states at the band's edge. In learning theory nobody knows the
germ of a trained network; its density of states can be sampled.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from germ.algebra.rlct import compute_rlct
from germ.seminar.claims import claim_close, claim_equal, claim_within_errors, exact_pair
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.lattice import compute_cubic_density, compute_square_density, compute_watson_integral


def run(size: Size, seed: int) -> Outcome:
    """Exponents at the band edges, the logarithm of a saddle, return of a random walk.

    Args:
        size: How many walkers.
        seed: Of the walks.

    Returns:
        The outcome.
    """
    u = compute_watson_integral()
    claims = [
        claim_close("Watson's integral of the simple cubic lattice", 1.51638605915, u, "Watson 1939", tolerance=1e-9, reason="quadrature"),
        claim_close("probability that the walk returns", 0.340537329551, 1 - 1 / u, "Pólya 1921", tolerance=1e-9, reason="quadrature"),
    ]
    edges = [
        (
            "square lattice, band edge: E − E₀ = x² + y², a step in the density",
            "x**2+y**2",
            (Fraction(1), 1),
            "V ~ E^λ, density ~ E^(λ − 1)",
        ),
        ("cubic lattice, band edge: x² + y² + z²", "x**2+y**2+z**2", (Fraction(3, 2), 1), "density ~ √E"),
        ("a flat minimum x² + y⁴", "x**2+y**4", (Fraction(3, 4), 1), "density ~ E^(−1/4)"),
    ]
    claims += [claim_equal(f"(λ, m) at {name}", expected, exact_pair(compute_rlct(k)), source) for name, k, expected, source in edges]
    saddle = compute_rlct(["x*y"])
    claims.append(claim_equal("twice λ, and m, of (xy)²: the saddle of the square lattice", (Fraction(1), 2),
                              (2 * saddle.learning_coefficient, saddle.multiplicity), "m = 2: a logarithm"))  # type: ignore[union-attr, operator]  # fmt: skip
    step = compute_cubic_density(-6 + 1e-4) / compute_cubic_density(-6 + 1e-6)
    claims.append(claim_close("cubic band edge: density grows like E^(1/2) over two decades", 10.0, step, "λ = 3/2", tolerance=0.01,
                              reason="curvature of the band, and quadrature", relative=True))  # fmt: skip
    rng, walkers, steps = np.random.default_rng(seed), {"small": 4000, "full": 100_000}[size], 400
    position, returned = np.zeros((walkers, 3), int), np.zeros(walkers, bool)
    for _ in range(steps):
        position[np.arange(walkers), rng.integers(0, 3, walkers)] += rng.choice([-1, 1], walkers)
        returned |= ~position.any(1)
    share = float(returned.mean())
    # The walk is back at step s (even) with probability 2 (3/2πs)^{3/2}; the sum over later steps is what 400 steps miss, and a share 1/u²
    # of these visits are first returns of walks that have not been back and will not be back.
    late = 2 * (3 / (2 * np.pi)) ** 1.5 / np.sqrt(steps) / u**2
    claims.append(claim_within_errors(f"walkers of {walkers} that returned within {steps} steps, plus the tail", 1 - 1 / u,
                                      share + late, float(np.sqrt(share * (1 - share) / walkers)), "Pólya 1921"))  # fmt: skip
    figure, axes = start_figure("|E| from the band centre", "density of states", xscale="log")
    grid = np.geomspace(1e-8, 1, 100)
    axes.plot(grid, compute_square_density(grid))
    caption = "The square lattice near its band centre: a straight line over log E, the logarithm of a saddle with m = 2."
    return Outcome(tuple(claims), {"logarithm": Illustration(figure, caption)}, {"walkers": walkers, "steps": steps})
