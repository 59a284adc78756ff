"""The two-dimensional Ising model: Onsager's energy and the critical point, beside exact transfer matrices.

The square lattice of spins is the simplest model with a phase transition, and one of few that are solved. Onsager's energy and Yang's
magnetisation stand beside exact sums over all states of small lattices. The heat capacity, the variance of the energy, peaks where the
phase changes; in learning theory the variance of nK plays the same part.
"""

from __future__ import annotations

import math

import numpy as np

from germ.information.physics import (
    CRITICAL_TEMPERATURE,
    compute_ising_energy,
    compute_ising_magnetisation,
    compute_ising_torus,
)
from germ.seminar.claims import claim_between, claim_close, claim_equal
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Energies on tori against the infinite lattice.

    Args:
        size: Side of the torus.
        seed: Ignored.

    Returns:
        The outcome.
    """
    side = {"small": 8, "full": 10}[size]
    onsager, two_states = "Onsager 1944", "two ground states, 2^N states"
    claims = [
        claim_close("critical temperature", 2.269185314213, CRITICAL_TEMPERATURE, "sinh(2/T) = 1", tolerance=1e-12,
                    reason="digits printed"),
        claim_close("energy per spin at the critical point", -math.sqrt(2), compute_ising_energy(CRITICAL_TEMPERATURE), onsager,
                    tolerance=1e-9, reason="the logarithm is multiplied by zero"),
        claim_close("magnetisation at T = 2", (1 - math.sinh(1) ** -4) ** 0.125, compute_ising_magnetisation(2.0), "Yang 1952",
                    tolerance=1e-12, reason="rounding"),
        claim_equal("magnetisation above the critical point is zero", True, compute_ising_magnetisation(2.27) == 0.0, "Yang 1952"),
    ]  # fmt: skip
    for temperature in (1.0, 6.0):
        claims.append(
            claim_close(f"energy per spin of the {side} × {side} torus at T = {temperature:g}", compute_ising_energy(temperature),
                        compute_ising_torus(side, temperature)[1], onsager, tolerance=2e-4, reason="finite size, away from T_c")
        )  # fmt: skip
    cold = compute_ising_torus(side, 0.1)[0] - 2 * side**2 / 0.1
    hot = compute_ising_torus(side, 1e6)[0] / side**2
    claims.append(claim_close("entropy of the ground state", math.log(2), cold, two_states, tolerance=1e-6, reason="e^−80 excitations"))
    claims.append(claim_close("entropy per spin of the hot state", math.log(2), hot, two_states, tolerance=1e-9, reason="order 1/T²"))
    temperatures = np.linspace(1.2, 4.0, 57)
    capacity = [(compute_ising_energy(t + 1e-3) - compute_ising_energy(t - 1e-3)) / 2e-3 for t in temperatures]
    peak = float(temperatures[int(np.argmax(capacity))])
    claims.append(claim_between("where the heat capacity is largest on the grid", peak, "T_c", lower=2.2, upper=2.32))
    figure, axes = start_figure("temperature T", "heat capacity per spin", xlim=(1.2, 4.0))
    axes.plot(temperatures, capacity, label="infinite lattice (Onsager)")
    coarse = np.linspace(1.2, 4.0, 22)
    small = [(compute_ising_torus(6, t + 1e-2)[1] - compute_ising_torus(6, t - 1e-2)[1]) / 2e-2 for t in coarse]
    axes.plot(coarse, small, "o", markersize=3, label="6 × 6 torus, exact")
    axes.axvline(CRITICAL_TEMPERATURE, linestyle="--", color="0.5")
    axes.legend()
    caption = "Heat capacity of the square Ising model: the infinite lattice has a logarithm at T_c, a torus only a bump."
    return Outcome(tuple(claims), {"capacity": Illustration(figure, caption)}, {"torus": f"{side} × {side}"})
