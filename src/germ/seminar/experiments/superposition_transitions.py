"""Bayesian against dynamical transitions in the toy model of superposition: at which sample size the posterior leaves the pentagon.

Pentagon and hexagon are phases of the posterior. The pentagon with its absent feature switched off has the smaller λ, 7 against 17/2, the
hexagon the smaller loss, so that the free energies cross at one n: below it the posterior prefers the simpler shape. A phase that is
worse in both is never preferred, whatever n. Descent knows nothing of this: it goes down in loss and stops where it is caught.
"""

from __future__ import annotations

import numpy as np

from germ.networks.superposition import compute_superposition_hessian, find_polygon
from germ.seminar.claims import claim_close, claim_equal
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.phases import Phase, find_transition


def run(size: Size, seed: int) -> Outcome:
    """Six features in two dimensions.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    claims = []
    shapes = {"5-gon": find_polygon(5), "5-gon+": find_polygon(5, positive=1), "6-gon": find_polygon(6)}
    spectra = {name: np.linalg.eigvalsh(compute_superposition_hessian(s.weights, s.bias)) for name, s in shapes.items()}
    values = {name: int((np.abs(spectrum) > 1e-6).sum()) / 2 for name, spectrum in spectra.items()}
    for factor, expected, convention in ((0.5, 1010, "K = L/2, noise of variance 1"), (1.0, 445, "K = L")):
        phases = {name: Phase(factor * s.loss, values[name]) for name, s in shapes.items()}
        crossing = find_transition(phases["5-gon"], phases["6-gon"])
        claims += [
            claim_close(f"n at which the hexagon overtakes the pentagon, {convention}", expected, crossing or 0.0,
                        "independent computation", tolerance=0.6, reason="rounded to integers"),
            claim_equal(f"n at which it overtakes the pentagon with a live absent feature, {convention}", "always ahead",
                        find_transition(phases["5-gon+"], phases["6-gon"]) or "always ahead", "the same λ and a higher loss"),
        ]  # fmt: skip
        for n, winner in ((100, "5-gon"), (5000, "6-gon")):
            energies = {name: phase.compute_free_energy(n) for name, phase in phases.items()}
            best = min(energies, key=energies.__getitem__)
            claims.append(claim_equal(f"phase of least free energy at n = {n}, {convention}", winner, best, "small n: λ; large n: loss"))
    figure, axes = start_figure("n", "free energy less that of the 6-gon", xscale="log")
    sizes = np.geomspace(30, 10_000, 200)
    phases = {name: Phase(0.5 * s.loss, values[name]) for name, s in shapes.items()}
    for name in ("5-gon", "5-gon+"):
        axes.plot(sizes, [phases[name].compute_free_energy(n) - phases["6-gon"].compute_free_energy(n) for n in sizes], label=name)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_ylim(-7, 12)
    axes.legend(frameon=False)
    caption = "Free energies of both pentagons above that of the hexagon: below zero the posterior prefers the pentagon, up to n ≈ 1010."
    inputs = {name: f"L = {s.loss:.6f}, λ = {values[name]:g}" for name, s in shapes.items()}
    return Outcome(tuple(claims), {"free-energies": Illustration(figure, caption)}, inputs)
