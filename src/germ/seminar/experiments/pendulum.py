"""The pendulum's density of states is its period; at the separatrix it has the logarithm of the crossing xy.

A pendulum of energy E moves along a level curve of H = p²/2 + 1 − cos q. The area A(E) inside that curve is a volume V(ε) with H in the
place of K, and its derivative, the density of states, is the period. Small swings see the regular minimum, where λ = 1; at E = 2 the
curve passes through the saddle, where H − 2 looks like xy, and the multiplicity m = 2 shows as a logarithm: the period becomes infinite.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad

from germ.errors import InputError
from germ.seminar.claims import claim_close, claim_refused
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.pendulum import SEPARATRIX, compute_period, compute_phase_space_area


def run(size: Size, seed: int) -> Outcome:
    """Periods at four amplitudes, the area inside the separatrix, the logarithm on its two sides.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    claims = []
    for degrees, known in ((10, 1.001907), (90, 1.180341), (150, 1.762204), (179, 3.901065)):
        ratio = compute_period(1 - math.cos(math.radians(degrees))) / (2 * math.pi)
        statement = f"period at an amplitude of {degrees}° in units of the small one"
        claims.append(claim_close(statement, known, ratio, "elliptic integral, AGM", tolerance=5e-7, reason="six decimals printed"))
    area = quad(lambda q: 2 * math.sqrt(2 * (1 + math.cos(q))), -math.pi, math.pi)[0]
    claims.append(
        claim_close("area inside the separatrix", area, compute_phase_space_area(SEPARATRIX), "quadrature of p dq",
                    tolerance=1e-9, reason="quadrature")
    )  # fmt: skip
    for name, side in (("below", -1), ("above", 1)):
        slope = (compute_period(2 + side * 1e-9) - compute_period(2 + side * 1e-7)) / math.log(100)
        claims.append(
            claim_close(f"coefficient of −log|E − 2| {name} the separatrix", 2.0, slope,
                        "density of states of the crossing: λ = 1, m = 2 for K = |xy|",
                        tolerance=1e-5, reason="terms of order ΔE log ΔE are left out")
        )  # fmt: skip
    claims.append(
        claim_refused("the period at the separatrix", lambda: compute_period(SEPARATRIX), "infinite time",
                      error=InputError, hypothesis="separatrix")
    )  # fmt: skip
    figure, axes = start_figure("energy E", "T(E) / T(0)", ylim=(0, 4))
    for low, high in ((1e-3, 2 - 1e-6), (2 + 1e-6, 4.0)):
        energy = 2 + np.sign(low - 1.9) * np.geomspace(max(abs(high - 2), abs(low - 2)), 1e-6, 300)
        axes.plot(energy, [compute_period(e) / (2 * math.pi) for e in energy], color="C0")
    axes.axvline(SEPARATRIX, linestyle="--", color="0.5")
    caption = "Density of states of the pendulum, T(E) = dA/dE: a logarithm on both sides of the separatrix E = 2."
    return Outcome(tuple(claims), {"period": Illustration(figure, caption)}, {"Hamiltonian": "p²/2 + 1 − cos θ"})
