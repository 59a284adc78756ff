"""What a loss must be: mean nats per sample, or one loss for each sample of the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from germ.errors import LossError
from germ.sampling.data import Samples
from germ.sampling.substitution import Substitution

_PROBE = 16  # samples that are looked at; enough to tell a sum from a mean, few enough to cost nothing


@dataclass(frozen=True)
class Loss:
    """A user's loss, checked.

    Args:
        function: `loss(model, batch)`.
        per_sample: Whether it returns one loss per sample; otherwise their mean.
    """

    function: Callable[[nn.Module, Any], Tensor]
    per_sample: bool

    def mean(self, model: nn.Module, batch: Any) -> Tensor:
        """Mean loss of a batch, a scalar."""
        value = self.function(model, batch)
        return value.mean() if self.per_sample else value.reshape(())

    def each(self, model: nn.Module, batch: Any) -> Tensor:
        """Loss of each sample, (batch,); only where the loss is per sample."""
        return self.function(model, batch).reshape(-1)


def check_loss(function: Callable[[nn.Module, Any], Tensor], substitution: Substitution, samples: Samples) -> Loss:
    """Find out whether a loss is per sample or a mean, and refuse what is neither.

    The same samples twice leave a mean as it is and double a sum; this is tried beside w*, since at w* the loss may be zero.

    Args:
        function: `loss(model, batch)`.
        substitution: The model and its free parameters.
        samples: The data.

    Returns:
        The loss with its kind.

    Raises:
        LossError: If the value is not a tensor, not finite, of another shape, or a sum over the batch.
    """
    count = min(_PROBE, samples.size)
    once = torch.arange(count)
    generator = torch.Generator().manual_seed(0)
    values = []
    for entry in substitution.free:
        value = entry.tensor.detach()
        if entry.chosen is None:
            value = value + (0.01 * torch.randn(value.shape, generator=generator)).to(value)
        values.append(value)
    with torch.no_grad():
        at_center = _call(function, substitution, None, samples, once)
        beside = _call(function, substitution, values, samples, once)
        twice = _call(function, substitution, values, samples, torch.cat([once, once]))
    if at_center.numel() == count and at_center.dim() >= 1 and twice.numel() == 2 * count:
        return Loss(function, per_sample=True)
    if at_center.numel() != 1 or twice.numel() != 1:
        raise LossError(
            f"the loss of a batch of {count} samples has shape {tuple(at_center.shape)}",
            f"shape ({count},), one loss per sample in nats, or a scalar, their mean",
            "reduce over everything but the samples, e.g. cross_entropy(..., reduction='none')",
        )
    first, second = float(beside), float(twice)
    if abs(second - first) > 1e-3 * abs(first) + 1e-12:
        kind = "a sum over the batch" if abs(second - 2 * first) < 1e-2 * abs(second) else "neither a mean nor a sum over samples"
        raise LossError(
            f"the loss of {count} samples is {first:.6g}, and of the same samples twice {second:.6g}: {kind}",
            "the mean over the batch, in nats, or one loss per sample",
            "divide by the batch size, or return losses with reduction='none'",
        )
    return Loss(function, per_sample=False)


def _call(function: Any, substitution: Substitution, values: list[Tensor] | None, samples: Samples, indices: Tensor) -> Tensor:
    batch = samples.batch(samples.take(indices))
    if values is None:
        values = [entry.tensor.detach() for entry in substitution.free if entry.chosen is None]
        values = values if len(values) == len(substitution.free) else [entry.tensor.detach() for entry in substitution.free]
    with substitution.substituted(values):
        result = function(substitution.model, batch)
    if not isinstance(result, Tensor) or not result.is_floating_point():
        raise LossError(
            f"the loss returned {type(result).__name__}",
            "a floating-point tensor: losses of shape (batch,), or their mean",
            "return e.g. torch.nn.functional.cross_entropy(model(x), y, reduction='none')",
        )
    if not bool(torch.isfinite(result).all()):
        raise LossError(
            f"the loss is {result.reshape(-1)[~torch.isfinite(result.reshape(-1))][0].item()} at the given parameters",
            "finite losses at w*",
            "look for log(0), for overflow, and at the data: NaN in, NaN out",
        )
    return result
