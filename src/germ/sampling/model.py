"""From a user's model, loss and data to an energy of flat parameter vectors, in double precision.

The model is copied once and the copy converted; the user's own is never written, not even read again. Small models only: the energy is
evaluated for all chains in one pass.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from germ.errors import LossError, ModelError
from germ.sampling.binding import select_parameters
from germ.sampling.contract import Loss, LossFailedError, check_finite, check_loss
from germ.sampling.data import Samples, read_data
from germ.sampling.substitution import FreeParameter, Substitution
from germ.sampling.vectorized import Vectorized

Energy = Callable[[Tensor], tuple[Tensor, Tensor]]  # (C, d) -> values (C,), gradients (C, d)
Kind = Literal["loss", "square"]
LARGEST_DIMENSION = 4000  # free parameters: the Hessian at w* is dense
_CHUNK = 4096  # samples of one pass


class NotBatchedError(Exception):
    """The model cannot be copied to double precision and followed by torch.vmap; the caller samples it in place."""


@dataclass(frozen=True)
class WrappedModel:
    """A model, loss and data set as functions of a flat parameter vector.

    Args:
        substitution: The copied model and its free parameters.
        loss: The checked loss.
        samples: The data, floating leaves in double precision.
        center: The parameters as given, w*, shape (d,).
        unit: Relative rounding of the parameters in the dtype they came in.
    """

    substitution: Substitution
    loss: Loss
    samples: Samples
    center: Tensor
    unit: float

    @property
    def size(self) -> int:
        """n, the number of samples."""
        return self.samples.size

    @property
    def dimension(self) -> int:
        """d, the number of free parameters."""
        return int(self.center.numel())

    def losses(self, positions: Tensor, indices: Tensor | None = None) -> Tensor:
        """Loss of each chain on each sample, (C, b), in nats."""
        batched = torch.vmap(self._vectorized._samplewise, in_dims=(0, None))
        leaves = self.samples.leaves if indices is None else self.samples.take(indices)
        with torch.no_grad():
            return torch.cat([batched(positions, part) for part in zip(*(leaf.split(_CHUNK) for leaf in leaves), strict=True)], 1)

    def energy(self, kind: Kind, indices: Tensor) -> Energy:
        """The excess loss over w* ("loss": mean of f_i = l_i(w) − l_i(w*)), or half its mean square ("square"), with gradient."""
        leaves = self.samples.take(indices)
        function = self._vectorized._mean if kind == "loss" and not self.loss.per_sample else self._vectorized._samplewise
        batched = torch.vmap(function, in_dims=(0, None))
        with torch.no_grad():
            reference = batched(self.center[None], leaves)

        def evaluate(positions: Tensor, reference: Tensor, *leaves: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                free = positions.detach().requires_grad_()
                excess = batched(free, leaves) - reference
                excess = excess if excess.dim() == 2 else excess[:, None]
                value = excess.mean(1) if kind == "loss" else (excess * excess).mean(1) / 2
                (gradient,) = torch.autograd.grad(value.sum(), free)
            return value.detach(), gradient

        traces: dict[int, Callable[..., tuple[Tensor, Tensor]]] = {}

        def call(positions: Tensor) -> tuple[Tensor, Tensor]:
            count = positions.shape[0]
            if count not in traces:
                try:
                    traces[count] = make_fx(evaluate)(positions, reference, *leaves)
                except Exception:  # tracing is an optimisation; what it cannot follow runs as it is
                    traces[count] = evaluate
            with torch.no_grad():
                return traces[count](positions, reference, *leaves)

        return call

    @property
    def _vectorized(self) -> Vectorized:
        return Vectorized(self.substitution, self.loss, self.samples, torch.float64)


def wrap_model(
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor],
    data: Any,
    *,
    parameters: Sequence[str] | None = None,
    largest: int = LARGEST_DIMENSION,
) -> WrappedModel:
    """Copy a model to double precision and read its data.

    Args:
        model: Any module.
        loss: `loss(model, batch)` with losses in nats, per sample (batch,) or their scalar mean. It has to call the model that it is given.
        data: Tensors, a `Dataset` or a `DataLoader`.
        parameters: Names or patterns ("encoder.*") of the parameters that move; all that require gradients by default.
        largest: Largest number of free parameters.

    Returns:
        The wrapped model.

    Raises:
        ModelError: If nothing can move, a parameter is not real, or there are too many.
        NotBatchedError: If the model cannot be copied or vectorised.
        LossError: If the loss is not a mean or per-sample loss, or ignores the model that it is given.
        DataError: If the data cannot be read.
    """
    named = [(name, p) for name, p, _ in select_parameters(model, parameters)]
    count = sum(p.numel() for _, p in named)
    if count > largest:
        raise ModelError(
            f"{count:,} free parameters",
            f"at most {largest:,}: the estimate splits the Hessian at w*, which is dense",
            "restrict it to a component with parameters=['layer.*']",
        )
    double = _copy_in_double(model)
    wanted = {name for name, _ in named}
    free, start = [], 0
    for name, p in double.named_parameters():
        if name in wanted:
            free.append(FreeParameter(name, p, start, start + p.numel()))
            start += p.numel()
    samples = read_data(data, torch.device("cpu"))
    samples = replace(samples, leaves=tuple(leaf.double() if leaf.is_floating_point() else leaf for leaf in samples.leaves))
    substitution = Substitution(double, tuple(free), copies_buffers=True, plain_attention=True)
    try:
        checked = check_loss(loss, substitution, samples)
    except LossFailedError as error:
        raise NotBatchedError(f"the loss fails on a double precision copy of model and data ({error.got})") from error
    center = torch.cat([entry.tensor.detach().reshape(-1) for entry in free])
    unit = max(torch.finfo(p.dtype).eps for _, p in named) / 2
    wrapped = WrappedModel(substitution, checked, samples, center, unit)
    _check_dependence(wrapped)
    check_finite(wrapped.losses(center[None])[0])
    return wrapped


def _copy_in_double(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model).double().cpu().eval()
    except (RuntimeError, TypeError, AttributeError, NotImplementedError) as error:
        raise NotBatchedError(f"the model cannot be copied to double precision ({_first_line(error)})") from error


def _check_dependence(wrapped: WrappedModel) -> None:
    """Refuse a loss that ignores the model that it is given, and find out whether torch.vmap follows the model."""
    probe, center = torch.arange(min(16, wrapped.size)), wrapped.center
    shifted = center + 0.01 * torch.randn(center.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    try:
        both = wrapped.losses(torch.stack([center, shifted]), probe)
        wrapped.energy("loss", probe)(center[None])
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise NotBatchedError(f"torch.vmap does not follow the model ({_first_line(error)})") from error
    if bool((both[0] == both[1]).all()):
        raise LossError(
            "the loss does not change when the parameters do",
            "a loss that calls the model it is given",
            "write loss = lambda model, batch: criterion(model(batch[0]), batch[1]), and not a closure over another model",
        )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:100]}"
