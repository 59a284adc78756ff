"""What a loss must be: mean nats per sample, or one loss for each sample of the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from germ.errors import GermError, LossError
from germ.sampling.data import Samples
from germ.sampling.substitution import Substitution, preserved_random_state

_PROBE = 16  # samples that are looked at; enough to tell a sum from a mean, few enough to cost nothing
_SAME = 1e-3  # relative difference that counts as none, ...
_ROUNDINGS = 30  # ... or this many roundings of the loss's dtype


class LossFailedError(LossError):
    """The user's loss raised an error of its own, which is the cause of this one."""


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

    The same samples twice leave a mean as it is and double a sum; this is tried beside w*, since at w* the loss may be zero. A loss per
    sample has to be the same whatever else is in the batch, and every loss the same when it is asked again.

    Args:
        function: `loss(model, batch)`.
        substitution: The model and its free parameters.
        samples: The data.

    Returns:
        The loss with its kind.

    Raises:
        LossError: If it fails, is random, has no gradient, is not finite, has another shape, is a sum over the batch, or mixes samples.
    """
    count = min(_PROBE, samples.size)
    once = torch.arange(count)
    generator = torch.Generator().manual_seed(0)
    center = [entry.tensor.detach() for entry in substitution.free]
    beside = [value + (0.01 * torch.randn(value.shape, generator=generator)).to(value) for value in center]
    with preserved_random_state(samples.device), torch.no_grad():
        at_center = _call(function, substitution, center, samples, once)
        value = _call(function, substitution, beside, samples, once)
        again = _call(function, substitution, beside, samples, once)
        twice = _call(function, substitution, beside, samples, torch.cat([once, once]))
        _check_gradient(function, substitution, beside, samples, once[:2])
    if not torch.equal(value, again) and not _close(value, again):
        raise LossError(
            "the loss is random: the same parameters and samples gave two different values",
            "a function of parameters and samples",
            "use nn.Dropout rather than functional.dropout (modules are put into eval mode), and draw no noise in the loss",
        )
    if at_center.numel() == count and at_center.dim() >= 1 and twice.numel() == 2 * count:
        half = max(1, count // 2)
        with preserved_random_state(samples.device), torch.no_grad():
            part = _call(function, substitution, beside, samples, once[:half])
        if not _close(value.reshape(-1)[:half], part.reshape(-1)):
            raise LossError(
                "the loss of a sample depends on the other samples of its batch",
                "losses of single samples: L_n is their mean",
                "give BatchNorm track_running_stats=True, and compare samples with nothing outside themselves",
            )
        return Loss(function, per_sample=True)
    if at_center.numel() != 1 or twice.numel() != 1:
        raise LossError(
            f"the loss of a batch of {count} samples has shape {tuple(at_center.shape)}",
            f"shape ({count},), one loss per sample in nats, or a scalar, their mean",
            "reduce over everything but the samples, e.g. cross_entropy(..., reduction='none')",
        )
    first, second = float(value), float(twice)
    if not _close(value.reshape(()), twice.reshape(())):
        kind = "a sum over the batch" if abs(second - 2 * first) < 1e-2 * abs(second) else "neither a mean nor a sum over samples"
        raise LossError(
            f"the loss of {count} samples is {first:.6g}, and of the same samples twice {second:.6g}: {kind}",
            "the mean over the batch, in nats, or one loss per sample",
            "divide by the batch size, or return losses with reduction='none'",
        )
    return Loss(function, per_sample=False)


def check_finite(losses: Tensor) -> None:
    """Refuse data on which the loss at w* is not finite.

    Args:
        losses: Of all samples, or of chunks of them.

    Raises:
        LossError: With the first sample that is not finite.
    """
    bad = (~torch.isfinite(losses)).nonzero()
    if len(bad):
        raise LossError(
            f"the loss is {float(losses[bad[0, 0]])} at the given parameters"
            + (f", on sample {int(bad[0, 0])} and {len(bad) - 1} others of {len(losses)}" if len(losses) > 1 else ""),
            "finite losses at w*",
            "look for log(0), for overflow, and at the data: NaN in, NaN out",
        )


def _close(one: Tensor, other: Tensor) -> bool:
    share = max(_SAME, _ROUNDINGS * torch.finfo(one.dtype).eps)
    return one.shape == other.shape and float((one - other).abs().max()) <= share * float(one.abs().max()) + 1e-12


def _check_gradient(function: Any, substitution: Substitution, values: list[Tensor], samples: Samples, indices: Tensor) -> None:
    with torch.enable_grad():
        result = _call(function, substitution, [value.detach().requires_grad_() for value in values], samples, indices)
    if not result.requires_grad:
        raise LossError(
            "the loss has no gradient",
            "a loss that autograd can differentiate by the model's parameters",
            "remove torch.no_grad(), .detach(), .item(), NumPy and argmax from the loss",
        )


def _call(function: Any, substitution: Substitution, values: list[Tensor], samples: Samples, indices: Tensor) -> Tensor:
    batch = samples.batch(samples.take(indices))
    try:
        with substitution.substituted(values):
            result = function(substitution.model, batch)
    except GermError:
        raise
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        raise LossFailedError(
            f"the loss failed: {type(error).__name__}: {first[:200]}",
            f"loss(model, batch) to run on a batch like {describe_tree(batch)}, as the data give it",
            "try it: loss(model, batch) with the first samples; model and data have to share dtype and device",
        ) from error
    if not isinstance(result, Tensor) or not result.is_floating_point():
        raise LossError(
            f"the loss returned {f'a tensor of {result.dtype}' if isinstance(result, Tensor) else type(result).__name__}",
            "a floating-point tensor: losses of shape (batch,), or their mean",
            "return e.g. torch.nn.functional.cross_entropy(model(x), y, reduction='none')",
        )
    check_finite(result.detach().reshape(-1)) if result.numel() else None
    return result


def describe_tree(tree: Any) -> str:
    """Shapes and dtypes of a batch, in a few words."""
    if isinstance(tree, Tensor):
        return f"{str(tree.dtype).removeprefix('torch.')}{list(tree.shape)}"
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {describe_tree(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, (tuple, list)):
        return "(" + ", ".join(describe_tree(value) for value in tree) + ")"
    return type(tree).__name__
