"""What kernels share: the target that they sample, and what a step reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from germ.sampling.kernels.streams import Streams


@dataclass(frozen=True)
class Anchor:
    """w*, cut into blocks of coordinates: of a large model they are the user's own parameters, not a copy.

    Args:
        values: One flat tensor per block.
    """

    values: Sequence[Tensor]

    def __iter__(self) -> Iterator[tuple[slice, Tensor]]:
        start = 0
        for value in self.values:
            yield slice(start, start + value.numel()), value
            start += value.numel()


class Target(Protocol):
    """U(w) = nβ (L(w) − L(w*)) + (γ/2)|w − w*|²; the loss may be estimated on a batch."""

    @property
    def nbeta(self) -> float:
        """nβ."""
        ...

    @property
    def localization(self) -> float:
        """γ."""
        ...

    @property
    def anchor(self) -> Anchor:
        """w*."""
        ...

    def force(self, position: Tensor, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        """The loss difference L_b(w) − L_b(w*), (C,), and the gradient of nβ L_b, (C, d), which the caller may overwrite."""
        ...


@dataclass(frozen=True)
class Info:
    """What one step measured, each (C,), at the position before the step.

    Args:
        difference: L_b(w) − L_b(w*), in nats per sample.
        virial: (w − w*)·g, with g the gradient of U that the step used.
        expected: What the mean of the virial is at stationarity, for this kernel: identity 1.
        correction: What the discretisation and the gradient noise add to nβ·difference, to first order: identity 2.
        distance: |w − w*|².
        acceptance: Probability of acceptance; 1 for kernels without an accept step.
    """

    difference: Tensor
    virial: Tensor
    expected: Tensor
    correction: Tensor
    distance: Tensor
    acceptance: Tensor


FIELDS = ("difference", "virial", "expected", "correction", "distance", "acceptance")


class Kernel(Protocol):
    """One way to move C chains; `init` and `step` are all that the driver uses. A frozen dataclass with the fields below."""

    @property
    def target(self) -> Target:
        """What is sampled."""
        ...

    @property
    def step_size(self) -> float:
        """ε, in units of squared length over energy: Langevin's convention for all kernels."""
        ...

    def init(self, position: Tensor) -> Any:
        """The state at a position, (C, d), which it takes over."""
        ...

    def step(self, state: Any, batch: Tensor | None, *, rng: Streams) -> tuple[Any, Info]:
        """Move every chain once. The state is consumed."""
        ...


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of each chain, (C,)."""
    return torch.linalg.vecdot(a, b)


def add_in_place(total: tuple[Tensor, ...], parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The sums so far plus those of one more block, in the memory of the first block's.

    A small tensor kept after each block would pin the large ones that are freed around it: on a model of 50 million parameters the memory
    of the process then doubles.

    Args:
        total: Sums of the blocks before, or ().
        parts: Those of this block.

    Returns:
        The sums.
    """
    if not total:
        return parts
    for sum_, part in zip(total, parts, strict=True):
        sum_ += part
    return total
