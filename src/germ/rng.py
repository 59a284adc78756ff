"""Randomness: one seed in, independent streams out, no global state.

Every stochastic function of germ takes `seed` or a generator. Streams are spawned with NumPy's
`SeedSequence`, whose children are independent by construction, and handed to whichever library draws
the numbers. This file does not import torch; `germ.sampling.generators` turns the seeds into torch generators.
"""

from __future__ import annotations

import numpy as np

from germ.errors import InputError


def check_seed(seed: int) -> int:
    """Return `seed` if it is a non-negative integer, else raise `InputError`."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"got seed={seed!r}", "a non-negative integer", "pass e.g. seed=0")
    return int(seed)


def spawn_seeds(seed: int, count: int, *, stream: int = 0) -> list[int]:
    """Derive independent 63-bit seeds from one seed.

    Args:
        seed: The user's seed, a non-negative integer.
        count: How many seeds are wanted.
        stream: Names the purpose; different streams of the same seed are independent.

    Returns:
        `count` integers in [0, 2**63), the same for the same arguments on every platform.

    Example:
        >>> spawn_seeds(0, 2) == spawn_seeds(0, 3)[:2]
        True
    """
    sequence = np.random.SeedSequence(check_seed(seed), spawn_key=(stream,))
    return [int(child.generate_state(1, np.uint64)[0] >> np.uint64(1)) for child in sequence.spawn(count)]


def spawn_generators(seed: int, count: int, *, stream: int = 0) -> list[np.random.Generator]:
    """Derive independent NumPy generators from one seed (see `spawn_seeds`)."""
    return [np.random.Generator(np.random.PCG64(s)) for s in spawn_seeds(seed, count, stream=stream)]
