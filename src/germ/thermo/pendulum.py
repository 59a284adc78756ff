"""The pendulum: its density of states is the period, and the separatrix is a singular energy level.

H(θ, p) = p²/2 + 1 - cos θ (unit mass, length and gravity). The phase-space area A(E) below energy E has the derivative dA/dE = T(E), the
period (both turns of a rotation). Near the separatrix E = 2, where H looks like the crossing xy, T has the logarithm that the pair
(λ, m) = (1, 2) of xy on both sides predicts.

References:
    Arnold (1989), Mathematical Methods of Classical Mechanics, §20; Abramowitz, Stegun, 17.3 (complete elliptic integrals).
"""

from __future__ import annotations

import math

from scipy.special import ellipe, ellipk, ellipkm1

from germ.errors import InputError

SEPARATRIX = 2.0


def compute_period(energy: float) -> float:
    """T(E) = dA/dE, the time of one oscillation, or of two half turns in both directions above the separatrix.

    Args:
        energy: E > 0, not 2.

    Returns:
        T; 2π at small energy.

    Raises:
        InputError: If E ≤ 0, or E = 2 where the period is infinite.

    Example:
        >>> [round(compute_period(1 - math.cos(math.radians(a))) / (2 * math.pi), 6) for a in (10, 90, 150, 179)]
        [1.001907, 1.180341, 1.762204, 3.901065]
    """
    _check(energy)
    if energy == SEPARATRIX:
        raise InputError("the energy 2 of the separatrix", "another energy", "the period diverges like -log |E - 2|")
    modulus = energy / 2  # sin² of half the amplitude
    if modulus < 1:
        return 4 * float(ellipkm1(1 - modulus))
    return 4 * float(ellipkm1((modulus - 1) / modulus)) / math.sqrt(modulus)


def compute_phase_space_area(energy: float) -> float:
    """A(E), the area of {H < E} in the cylinder of angles θ ∈ (-π, π].

    Args:
        energy: E > 0.

    Returns:
        The area; 16 at the separatrix.

    Raises:
        InputError: If E ≤ 0.

    Example:
        >>> compute_phase_space_area(2.0)
        16.0
    """
    _check(energy)
    m = energy / 2
    if m <= 1:
        elliptic_k = 0.0 if m == 1 else float(ellipk(m))
        return 16 * (float(ellipe(m)) - (1 - m) * elliptic_k)
    return 16 * math.sqrt(m) * float(ellipe(1 / m))


def _check(energy: float) -> None:
    if not (math.isfinite(energy) and energy > 0):
        raise InputError(f"the energy {energy!r}", "a positive number: the pendulum at rest has energy 0")
