"""Entropy in physics is Shannon's entropy in other units: noble gases, Landauer's bound, Gibbs' distribution.

The entropy of a gas in joule per kelvin and the entropy of a distribution in bits are one quantity in two units; k_B log 2 is the price
of a bit. The absolute entropies of noble gases come out of counting states, the heat of erasing a bit out of the second law, and Gibbs'
distribution out of maximal entropy at given energy, which is also how the posterior arises.
"""

from __future__ import annotations

import numpy as np

from germ.information.entropy import compute_entropy, compute_relative_entropy
from germ.information.physics import (
    BOLTZMANN,
    compute_free_energy_excess,
    compute_gibbs_distribution,
    compute_landauer_bound,
    compute_maximum_entropy_distribution,
    compute_sackur_tetrode_entropy,
)
from germ.seminar.claims import claim_between, claim_close
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Tabulated entropies, the price of a bit, and the principle of maximal entropy.

    Args:
        size: How many rival distributions.
        seed: Of the rivals.

    Returns:
        The outcome.
    """
    claims = [
        claim_close(f"molar entropy of {name} at 298.15 K and 1 bar, J/(mol K)", known, compute_sackur_tetrode_entropy(weight),
                    "Sackur and Tetrode; JANAF tables", tolerance=2e-3, reason="atomic weight and constants as printed")
        for name, weight, known in (("helium", 4.002602, 126.153), ("neon", 20.1797, 146.329), ("argon", 39.948, 154.846))
    ]  # fmt: skip
    claims.append(
        claim_close("heat of erasing a bit at 300 K, J", 2.870979e-21, compute_landauer_bound(300.0), "k_B T log 2", tolerance=5e-28,
                    reason="seven digits printed")
    )  # fmt: skip
    coin = compute_entropy([0.9, 0.1])
    claims.append(
        claim_close("erasing a biased bit costs less, in the ratio of the entropies", coin / np.log(2),
                    compute_landauer_bound(300.0, coin) / compute_landauer_bound(300.0), "Landauer 1961", tolerance=1e-12,
                    reason="rounding")
    )  # fmt: skip
    die = np.arange(1.0, 7.0)
    best, beta = compute_maximum_entropy_distribution(die, 4.5)
    claims.append(claim_close("β of a die with mean 4.5", -0.37105, beta, "Jaynes' die", tolerance=6e-6, reason="five decimals printed"))
    rng, rivals = np.random.default_rng(seed), {"small": 300, "full": 20_000}[size]
    entropies = []
    null = np.linalg.svd(np.stack([np.ones(6), die]))[2][2:]  # directions that change neither sum nor mean
    for _ in range(rivals):
        move = rng.standard_normal(4) @ null
        reach = np.where(move < 0, -best / np.minimum(move, -1e-300), np.inf).min()
        entropies.append(compute_entropy(best + rng.random() * 0.99 * reach * move))
    claims.append(
        claim_between(f"entropy of the best of {rivals} other distributions with mean 4.5", max(entropies), "maximal entropy",
                      upper=compute_entropy(best))
    )  # fmt: skip
    energies, p = np.array([0.0, 0.4, 1.1, 3.0]), np.array([0.1, 0.2, 0.3, 0.4])
    claims.append(
        claim_close("excess of the free energy of p over Gibbs' at β = 1.7 is a relative entropy",
                    compute_relative_entropy(p, compute_gibbs_distribution(energies, 1.7)),
                    compute_free_energy_excess(p, energies, 1.7), "Gibbs' inequality", tolerance=1e-12, reason="rounding")
    )  # fmt: skip
    return Outcome(tuple(claims), inputs={"Boltzmann's constant": f"{BOLTZMANN} J/K", "rivals": rivals})
