"""Conversions that are easy to get wrong, in one place: nats and bits, sums and means, n, β and nβ.

Conventions of the whole package: a loss is in **nats per sample**; n is the number of samples of the data set,
never of the batch; the tempered posterior is proportional to exp(-nβ L_n(w)) φ(w), so nβ multiplies a *mean* loss.
"""

from __future__ import annotations

import math

from germ.errors import InputError

NATS_PER_BIT = math.log(2.0)


def compute_default_nbeta(n: int) -> float:
    """WBIC's inverse temperature times n: nβ = n / log n (Watanabe 2013, Theorem 4).

    Args:
        n: Size of the data set, at least 3 so that log n > 1.

    Returns:
        nβ, dimensionless.

    Raises:
        InputError: If n < 3.

    Example:
        >>> round(compute_default_nbeta(10_000), 1)
        1085.7
    """
    if n < 3:
        raise InputError(
            f"got a data set of n = {n}", "n >= 3, so that n / log n is an inverse temperature", "give more data, or nbeta yourself"
        )
    return n / math.log(n)


def convert_bits_to_nats(bits: float) -> float:
    """One bit is log 2 nats."""
    return bits * NATS_PER_BIT


def convert_nats_to_bits(nats: float) -> float:
    """One nat is 1 / log 2 bits."""
    return nats / NATS_PER_BIT
