"""The record of a tempered run: inverse temperatures from the prior upwards, and log-likelihoods drawn at each.

Every evidence estimator (`germ.estimators.evidence`) is a function of this record alone, whichever sampler made it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TemperatureLadder:
    """Log-likelihoods along inverse temperatures.

    Args:
        temperatures: Inverse temperatures β_0 = 0 < ... < β_K, (K + 1,), on the log-likelihood: p(D|w)^β φ(w).
        log_likelihoods: log p(D|w) in nats at each level, each (islands, draws); islands are independent.
        acceptance: Mean acceptance probability at each level; nan at the prior, which is drawn from directly.
        memory: Correlation of the log-likelihood with its value when the level began (with exchanges: one sweep before); nan at the prior.
        swaps: Share of accepted exchanges between neighbouring levels, (K,); None where there are none.
    """

    temperatures: np.ndarray
    log_likelihoods: tuple[np.ndarray, ...]
    acceptance: np.ndarray
    memory: np.ndarray
    swaps: np.ndarray | None = None

    @property
    def means(self) -> np.ndarray:
        """E_β[log p(D|w)] at each level, (K + 1,); -inf where the prior has parameters that exclude the data."""
        return np.array([values.mean() for values in self.log_likelihoods])

    @property
    def variances(self) -> np.ndarray:
        """Var_β[log p(D|w)] at each level, (K + 1,); nan where the mean is infinite."""
        return np.array([values.var() if np.isfinite(values).all() else np.nan for values in self.log_likelihoods])
