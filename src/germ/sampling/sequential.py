"""One chain after the other, in place: the loss of a large model.

The parameters are views of the chain's row of positions, and the backward pass accumulates straight into its row of gradients, so that
nothing of the size of the model is allocated here. Works for every model that autograd can differentiate.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from germ.sampling.contract import Loss
from germ.sampling.data import Samples
from germ.sampling.substitution import Substitution, preserved_random_state

Selection = Tensor | slice  # as in germ.sampling.vectorized


class Sequential:
    """The loss of C parameter vectors, one at a time.

    Args:
        substitution: How to put values into the model.
        loss: The user's loss, checked.
        samples: The data.
        dtype: The dtype of results.
        draws: Whether a forward pass moves the global random state, which is then put back after each call.
    """

    def __init__(self, substitution: Substitution, loss: Loss, samples: Samples, dtype: torch.dtype, draws: bool = False) -> None:
        self.substitution, self.loss, self.samples, self.dtype, self.draws = substitution, loss, samples, dtype, draws

    def mean(self, positions: Tensor, selection: Selection) -> Tensor:
        """Mean loss of each chain on its samples, (C,)."""
        with torch.no_grad():
            losses = []
            for chain, row in enumerate(positions.detach()):
                with self._model_at(list(self._split(row))):
                    losses.append(self.loss.mean(self.substitution.model, self._batch(selection, chain)).to(self.dtype))
            return torch.stack(losses)

    def each(self, positions: Tensor, selection: Selection) -> Tensor:
        """Loss of each chain on each of its samples, (C, b)."""
        with torch.no_grad():
            rows = []
            for chain, row in enumerate(positions.detach()):
                with self._model_at(list(self._split(row))):
                    rows.append(self._samplewise(self._leaves(selection, chain)))
            return torch.stack(rows)

    def gradient(self, positions: Tensor, parts: list[tuple[Selection, float]], out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Weighted sum over parts of the mean loss and its gradient, (C,) and (C, d); the gradient is added to `out` if that is given."""
        gradients = torch.zeros_like(positions, requires_grad=False) if out is None else out
        losses = torch.zeros_like(gradients[:, 0])
        for chain, (row, gradient) in enumerate(zip(positions.detach(), gradients, strict=True)):
            leaves = [part.detach().requires_grad_() for part in self._split(row)]
            for leaf, place in zip(leaves, self._split(gradient), strict=True):
                leaf.grad = place  # backward adds to it in place
            for selection, weight in parts:
                with torch.enable_grad(), self._model_at(leaves):
                    loss = self.loss.mean(self.substitution.model, self._batch(selection, chain)).to(self.dtype)
                    (loss * weight).backward(inputs=leaves)
                losses[chain] += loss.detach() * weight
                del loss
        return losses, gradients

    @contextmanager
    def _model_at(self, coordinates: list[Tensor]) -> Iterator[None]:
        values = [entry.value(part) for entry, part in zip(self.substitution.free, coordinates, strict=True)]
        random_state = preserved_random_state(self.samples.device) if self.draws else nullcontext()
        with random_state, self.substitution.substituted(values):
            yield

    def _split(self, row: Tensor) -> Iterator[Tensor]:
        return (row[entry.start : entry.stop].view(entry.shape) for entry in self.substitution.free)

    def _leaves(self, selection: Selection, chain: int) -> tuple[Tensor, ...]:
        if isinstance(selection, slice):
            return self.samples.slice(selection.start, selection.stop)
        return self.samples.take(selection[chain])

    def _batch(self, selection: Selection, chain: int) -> object:
        return self.samples.batch(self._leaves(selection, chain))

    def _samplewise(self, leaves: tuple[Tensor, ...]) -> Tensor:
        model = self.substitution.model
        if self.loss.per_sample:
            return self.loss.each(model, self.samples.batch(leaves)).to(self.dtype)
        count = leaves[0].shape[0]
        singles = (self.samples.batch([leaf[i : i + 1] for leaf in leaves]) for i in range(count))
        return torch.stack([self.loss.mean(model, batch).to(self.dtype) for batch in singles])
