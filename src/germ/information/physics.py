"""Entropy in physics: the ideal gas, the price of a bit, distributions of maximal entropy, and the two-dimensional Ising model.

Thermodynamic entropy is k_B times Shannon's entropy, in nats, of the microstate given the macrostate. Gibbs' distribution maximises it at
a given mean energy, and the relative entropy to Gibbs' distribution is the excess of the free energy, βF[p] - βF = D(p‖p_β): the identity
that Bayesian learning shares with physics, with nL_n for the energy.

References:
    Sackur (1911), Tetrode (1912); Landauer (1961); Szilard (1929); Jaynes (1957); Onsager (1944), Kaufman (1949), Yang (1952).
    Constants: SI of 2019 (exact) and CODATA 2018 for the atomic mass constant.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ellipk, logsumexp

from germ.errors import InputError
from germ.information.entropy import check_distribution, compute_entropy

BOLTZMANN = 1.380649e-23  # J/K, exact
AVOGADRO = 6.02214076e23  # 1/mol, exact
PLANCK = 6.62607015e-34  # J s, exact
ATOMIC_MASS = 1.66053906660e-27  # kg
CRITICAL_TEMPERATURE = 2 / math.log(1 + math.sqrt(2))  # of the square Ising model, in units of J/k_B


def compute_sackur_tetrode_entropy(atomic_weight: float, temperature: float = 298.15, pressure: float = 1e5) -> float:
    """Molar entropy of a monatomic ideal gas, S/R = log((2πm k_B T/h²)^{3/2} k_B T/p) + 5/2.

    Args:
        atomic_weight: Mass of an atom in atomic mass units.
        temperature: T in kelvin.
        pressure: p in pascal.

    Returns:
        S in J/(mol K).

    Raises:
        InputError: If an argument is not positive.

    Example:
        >>> round(compute_sackur_tetrode_entropy(4.002602), 3)
        126.153
    """
    _check_positive(atomic_weight=atomic_weight, temperature=temperature, pressure=pressure)
    wavelength = PLANCK / math.sqrt(2 * math.pi * atomic_weight * ATOMIC_MASS * BOLTZMANN * temperature)
    volume = BOLTZMANN * temperature / pressure
    return BOLTZMANN * AVOGADRO * (math.log(volume / wavelength**3) + 2.5)


def compute_landauer_bound(temperature: float, nats: float = math.log(2)) -> float:
    """The least heat of erasing information: k_B T times the entropy in nats (one bit by default).

    Szilard's engine is the converse: it gains at most this much work from as much information.

    Args:
        temperature: T in kelvin.
        nats: Erased entropy.

    Returns:
        Heat in joule.

    Raises:
        InputError: If an argument is not positive.

    Example:
        >>> f"{compute_landauer_bound(300):.6e}"
        '2.870979e-21'
    """
    _check_positive(temperature=temperature, nats=nats)
    return BOLTZMANN * temperature * nats


def compute_gibbs_distribution(energies: ArrayLike, inverse_temperature: float) -> NDArray[np.float64]:
    """p_β ∝ exp(-βE), of maximal entropy among distributions with its mean energy.

    Args:
        energies: Energies of the states.
        inverse_temperature: β.

    Returns:
        The distribution.
    """
    e = -inverse_temperature * np.asarray(energies, float)
    return np.exp(e - logsumexp(e))


def compute_maximum_entropy_distribution(energies: ArrayLike, mean: float) -> tuple[NDArray[np.float64], float]:
    """The distribution of maximal entropy with a given mean energy, and its β.

    Args:
        energies: Energies of the states, at least two different ones.
        mean: The mean, strictly between the least and the largest energy.

    Returns:
        The distribution, and β (negative above the mean of all states).

    Raises:
        InputError: If no distribution with full support has this mean.

    Example:
        >>> p, beta = compute_maximum_entropy_distribution([1, 2, 3, 4, 5, 6], 4.5)   # Jaynes' die
        >>> [round(x, 3) for x in p.tolist()]
        [0.054, 0.079, 0.114, 0.165, 0.24, 0.347]
    """
    e = np.asarray(energies, float)
    if not e.min() < mean < e.max():
        raise InputError(f"a mean of {mean}", f"strictly between {e.min()} and {e.max()}")
    scale = e.max() - e.min()
    reach = 50.0
    while (compute_gibbs_distribution(e, reach / scale) @ e - mean) * (compute_gibbs_distribution(e, -reach / scale) @ e - mean) > 0:
        reach *= 2
    beta = brentq(lambda b: compute_gibbs_distribution(e, b / scale) @ e - mean, -reach, reach, xtol=1e-14) / scale
    return compute_gibbs_distribution(e, beta), float(beta)


def compute_free_energy_excess(probabilities: ArrayLike, energies: ArrayLike, inverse_temperature: float) -> float:
    """β(F[p] - F) with F[p] = ⟨E⟩_p - S(p)/β and F = -log Z/β; equal to D(p‖p_β) ≥ 0.

    Args:
        probabilities: p.
        energies: E of the same states.
        inverse_temperature: β.

    Returns:
        The excess in nats.
    """
    p, e = check_distribution(probabilities), np.asarray(energies, float)
    return float(inverse_temperature * (p @ e) - compute_entropy(p) + logsumexp(-inverse_temperature * e))


def compute_ising_energy(temperature: float) -> float:
    """Energy per spin of the infinite square Ising model without field, in units of J (Onsager).

    u = -coth(2K) (1 + (2/π)(2 tanh²2K - 1) 𝐊(k)), k = 2 sinh 2K/cosh² 2K, K = 1/T.

    Args:
        temperature: k_B T/J.

    Returns:
        u, between -2 and 0.

    Raises:
        InputError: If the temperature is not positive.

    Example:
        >>> round(compute_ising_energy(CRITICAL_TEMPERATURE), 6)
        -1.414214
    """
    _check_positive(temperature=temperature)
    double = 2 / temperature
    modulus = 2 * math.sinh(double) / math.cosh(double) ** 2 if double < 300 else 0.0
    factor = 2 * math.tanh(double) ** 2 - 1
    elliptic = 0.0 if abs(factor) < 1e-14 else factor * float(ellipk(min(modulus**2, 1 - 1e-16)))
    return -(1 + 2 / math.pi * elliptic) / math.tanh(double)


def compute_ising_magnetisation(temperature: float) -> float:
    """Spontaneous magnetisation (1 - sinh(2/T)⁻⁴)^{1/8} below the critical temperature, 0 above (Yang).

    Args:
        temperature: k_B T/J.

    Returns:
        Magnetisation per spin.

    Raises:
        InputError: If the temperature is not positive.
    """
    _check_positive(temperature=temperature)
    if temperature >= CRITICAL_TEMPERATURE:
        return 0.0
    return 1.0 if temperature < 0.01 else (1 - math.sinh(2 / temperature) ** -4) ** 0.125


def compute_ising_torus(side: int, temperature: float) -> tuple[float, float]:
    """The log partition function and mean energy of the Ising model on a side × side torus, by transfer matrix: exact up to rounding.

    Cost: O(side · 4^side).

    Args:
        side: 2 to 10; with 2, each pair of neighbours has two bonds.
        temperature: k_B T/J.

    Returns:
        log Z, and ⟨E⟩/J per spin.

    Raises:
        InputError: If the side is out of range.

    Example:
        >>> round(compute_ising_torus(2, 1e9)[0], 6)   # 4 log 2
        2.772589
    """
    if not 2 <= side <= 10:
        raise InputError(f"a side of {side}", "2 to 10: the transfer matrix has 4^side entries")
    _check_positive(temperature=temperature)
    spins = 1 - 2 * ((np.arange(2**side)[:, None] >> np.arange(side)) & 1)
    within = (spins * np.roll(spins, 1, 1)).sum(1)
    bonds = spins @ spins.T + (within[:, None] + within[None]) / 2

    def log_partition(beta: float) -> float:
        values = np.linalg.eigvalsh(np.exp(beta * (bonds - bonds.max())))
        return beta * bonds.max() * side + side * math.log(values[-1]) + math.log(((values / values[-1]) ** side).sum())

    beta = 1 / temperature
    step = 1e-4 * beta  # central difference: relative error 1e-8
    slope = (log_partition(beta + step) - log_partition(beta - step)) / (2 * step)
    return float(log_partition(beta)), float(-slope / side**2)


def _check_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not (math.isfinite(number) and number > 0):
            raise InputError(f"{name}={number!r}", "a positive number")
