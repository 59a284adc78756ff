"""Phases of a posterior: neighbourhoods of critical points with their loss, λ and m, and the sample size at which one overtakes another.

The free energy of a phase is F(n) = nL + λ log n − (m − 1) log log n + O(1). At small n the simplest phase has most of the posterior, at
large n the most accurate one; a first-order transition is where two of them cross (Watanabe 2009, section 7.6).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from germ.errors import InputError

_LARGEST = 1e15


@dataclass(frozen=True)
class Phase:
    """A phase.

    Args:
        loss: L, mean nats per sample.
        learning_coefficient: λ.
        multiplicity: m.
    """

    loss: float
    learning_coefficient: float
    multiplicity: int = 1

    def compute_free_energy(self, n: float) -> float:
        """The free energy nL + λ log n − (m − 1) log log n.

        Args:
            n: Samples, more than e.

        Returns:
            The free energy up to its bounded terms.

        Raises:
            InputError: For n <= e, where log log n is no large number but none.
        """
        if not n > math.e:
            raise InputError(f"n = {n}", "more than e samples")
        return n * self.loss + self.learning_coefficient * math.log(n) - (self.multiplicity - 1) * math.log(math.log(n))


def find_transition(simple: Phase, accurate: Phase) -> float | None:
    """The sample size from which on the more accurate of two phases has the smaller free energy.

    Bounded terms are left out, so that the size is meaningful up to a factor of 1 + O(1/log n).

    Args:
        simple: The phase of the higher loss.
        accurate: The phase of the lower loss.

    Returns:
        n; None if the accurate phase is preferred at all n from 3 on, or the transition lies beyond 10^15.

    Raises:
        InputError: If the losses are not in that order.

    Example:
        >>> round(find_transition(Phase(0.01, 1.0), Phase(0.0, 2.0)))   # n = 100 log n
        647
    """
    from scipy.optimize import brentq

    if not simple.loss > accurate.loss:
        raise InputError(
            f"losses {simple.loss:g} and {accurate.loss:g}", "a simple phase of higher loss than the accurate one", "exchange them"
        )

    def gap(log_n: float) -> float:
        n = math.exp(log_n)
        return simple.compute_free_energy(n) - accurate.compute_free_energy(n)

    # From the largest n downwards, so that the last crossing is found; the gap grows like n there.
    grid = [math.log(3) + k / 16 for k in range(int(16 * (math.log(_LARGEST) - math.log(3))) + 1)]
    if gap(grid[-1]) <= 0:
        return None
    for low, high in zip(grid[-2::-1], grid[:0:-1], strict=True):
        if gap(low) <= 0:
            return math.exp(brentq(gap, low, high, xtol=1e-12))
    return None
