"""Torch generators from germ's seeds: one independent stream per chain, explicit everywhere."""

from __future__ import annotations

import torch

from germ.errors import InputError
from germ.rng import spawn_seeds


def make_generators(seed: int, chains: int, device: torch.device | str = "cpu", *, stream: int = 0) -> list[torch.Generator]:
    """One independent generator per chain, on the device where the chain's noise is drawn.

    The first generators do not depend on how many are asked for, so a run with more chains repeats the chains of a smaller one.
    Torch's own global generator is neither read nor moved.

    Args:
        seed: The user's seed, a non-negative integer.
        chains: How many generators, at least one.
        device: Where the generators live.
        stream: Names the purpose; different streams of one seed are independent.

    Returns:
        `chains` seeded generators.

    Raises:
        InputError: If `chains` is not a positive integer, or the seed not a non-negative one.

    Example:
        >>> first, second = make_generators(0, 2)
        >>> bool(torch.equal(torch.randn(3, generator=first), torch.randn(3, generator=second)))
        False
    """
    if isinstance(chains, bool) or not isinstance(chains, int) or chains < 1:
        raise InputError(f"got chains={chains!r}", "a positive integer", "pass e.g. chains=4")
    return [torch.Generator(device=device).manual_seed(value) for value in spawn_seeds(seed, chains, stream=stream)]
