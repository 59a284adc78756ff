"""U of a model: a gradient estimator plus localisation.

Gradient estimators: all samples; a minibatch; a minibatch with a control variate at w*, g_b(w) − g_b(w*) + g(w*), whose noise vanishes as
w → w*. The loss is always reported as the difference L_b(w) − L_b(w*) on the same samples, so that the noise of the batch cancels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from germ.errors import InputError
from germ.sampling.binding import Binding
from germ.sampling.kernels.parts import Anchor
from germ.sampling.sequential import Sequential
from germ.sampling.vectorized import Selection

_CHUNK = 4096  # samples of a pass over all data, as long as the binding does not ask for fewer


class LossTarget:
    """U(w) = nβ (L(w) − L(w*)) + (γ/2)|w − w*|² of a model.

    Args:
        binding: The model, loss and data.
        nbeta: nβ, positive.
        localization: γ, zero or more.
        control_variate: Whether minibatch gradients are corrected by their value at w*: twice the cost, and two more vectors of memory.

    Raises:
        InputError: For nβ or γ out of range.
    """

    def __init__(self, binding: Binding, nbeta: float, localization: float, *, control_variate: bool = False) -> None:
        if not (nbeta > 0 and nbeta < float("inf")):
            raise InputError(f"got nbeta={nbeta!r}", "a positive number", "leave it out for n / log n")
        if not (localization >= 0 and localization < float("inf")):
            raise InputError(f"got localization={localization!r}", "a number, zero or more", "leave it out to have it chosen")
        self.binding, self.nbeta, self.localization = binding, float(nbeta), float(localization)
        self.anchor: Anchor = binding.anchor
        self._center: Tensor | None = None
        self._slope: Tensor | None = None
        self._scratch: Tensor | None = None
        if control_variate and binding.samples.size > 0:
            self._center = binding.start(1)
            self._slope = binding.evaluator.gradient(self._center, self._all())[1]

    def force(self, position: Tensor, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        """The loss difference on the batch, (C,), and the gradient of nβ L, (C, d), which the next call overwrites."""
        chains = position.shape[0]
        parts: list[tuple[Selection, float]] = self._all() if batch is None else [(batch, 1.0)]
        loss, gradient = self.binding.evaluator.gradient(position, parts, self._buffer(position))
        reference = self.binding.reference(batch, chains)
        if batch is not None and self._center is not None and self._slope is not None:
            gradient = gradient - self.binding.evaluator.gradient(self._center.expand(chains, -1), parts)[1] + self._slope
        return loss - reference, gradient.mul_(self.nbeta)

    def _buffer(self, position: Tensor) -> Tensor | None:
        # Of large models the gradient has one place for all steps: memory that is freed and asked for again is not given back in one piece.
        if not isinstance(self.binding.evaluator, Sequential) or self._center is not None:
            return None
        if self._scratch is None or self._scratch.shape != position.shape:
            self._scratch = torch.zeros_like(position)
        return self._scratch.zero_()

    def bend(self, direction: Tensor, batch: Tensor | None, reach: float) -> Tensor:
        """∇²(nβ L) v at w*, by central differences of gradients over a distance.

        Two vectors of the size of the model are held, and `direction` is one of them.

        Args:
            direction: v, (1, d); consumed.
            batch: Samples, (1, m), or None for all.
            reach: The distance, for v of length 1.

        Returns:
            The product, (1, d).
        """
        parts: list[tuple[Selection, float]] = self._all() if batch is None else [(batch, 1.0)]
        position = direction.mul_(reach)
        for block, anchor in self.anchor:
            position[:, block] += anchor
        change = self.binding.evaluator.gradient(position, parts, self._buffer(position))[1]
        for block, anchor in self.anchor:
            position[:, block].neg_().add_(anchor, alpha=2)
        self.binding.evaluator.gradient(position, [(selection, -weight) for selection, weight in parts], change)
        if change is self._scratch:
            self._scratch = position  # the caller keeps the other one
        return change.mul_(self.nbeta / (2 * reach))

    def _all(self) -> list[tuple[Selection, float]]:
        size = self.binding.samples.size
        chunk = min(size, self.binding.chunk or _CHUNK)
        return [(slice(i, min(i + chunk, size)), (min(i + chunk, size) - i) / size) for i in range(0, size, chunk)]


class PlainTarget:
    """U of a function that is not a model, for checks: the loss and gradient are given.

    Args:
        function: (C, d) to losses (C,) and gradients (C, d).
        center: w*, (d,).
        nbeta: nβ.
        localization: γ.
    """

    def __init__(
        self, function: Callable[[Tensor], tuple[Tensor, Tensor]], center: Tensor, *, nbeta: float = 1.0, localization: float = 0.0
    ) -> None:
        self.function, self.nbeta, self.localization = function, nbeta, localization
        self.anchor = Anchor([center])
        self._reference = function(center[None])[0]

    def force(self, position: Tensor, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        """The loss difference, (C,), and the gradient of nβ L, (C, d)."""
        loss, gradient = self.function(position)
        return loss - self._reference, self.nbeta * gradient
