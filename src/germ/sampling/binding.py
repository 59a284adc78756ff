"""A model, its loss and its data bound for sampling in place: the user's own parameters are the anchor, nothing is copied.

`model.wrap_model` copies a small model to double precision; here the model stays where and as it is, whatever its size, and each evaluation
substitutes values for the duration of one call. Positions are (C, d) in single precision at least.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from germ.errors import LossError, ModelError
from germ.sampling.contract import Loss, check_finite, check_loss
from germ.sampling.data import Samples, read_data
from germ.sampling.kernels.parts import Anchor
from germ.sampling.sequential import Sequential
from germ.sampling.substitution import FreeParameter, Substitution, preserved_random_state
from germ.sampling.vectorized import Vectorized

Restriction = Sequence[str] | Mapping[str, Tensor]
_BLOCK = 1 << 20  # coordinates of a block: temporaries stay below 4 MB, and a block is far longer than the cost of a call


@dataclass
class Binding:
    """What kernels need to know of a model.

    Args:
        substitution: The model and its free parameters.
        loss: The checked loss.
        samples: The data.
        dtype: Dtype of positions.
        evaluator: Losses and gradients of C positions.
        anchor: w* in blocks.
        losses: Loss of each sample at w*, (n,), where the loss is per sample.
        chunk: Samples of one pass over the data at most, or 0 for no limit.
    """

    substitution: Substitution
    loss: Loss
    samples: Samples
    dtype: torch.dtype
    evaluator: Vectorized | Sequential
    anchor: Anchor
    losses: Tensor | None = None
    chunk: int = 0

    @property
    def dimension(self) -> int:
        """d, the number of coordinates that move."""
        return self.substitution.free[-1].stop

    @property
    def vectorized(self) -> bool:
        """Whether all chains run in one pass."""
        return isinstance(self.evaluator, Vectorized)

    def start(self, chains: int) -> Tensor:
        """C chains at w*, (C, d)."""
        out = torch.empty(chains, self.dimension, dtype=self.dtype, device=self.samples.device)
        for block, value in self.anchor:
            out[:, block] = value
        return out

    def reference(self, batch: Tensor | None, chains: int) -> Tensor:
        """L_b(w*) of each chain's batch, or of all samples, (C,)."""
        if self.losses is not None:
            return self.losses.mean().expand(chains) if batch is None else self.losses[batch.to(self.losses.device)].mean(1)
        if batch is None:
            return torch.full((chains,), self.loss_at_center, dtype=self.dtype, device=self.samples.device)
        return torch.stack([self._at_center(self.samples.take(row)) for row in batch])

    @property
    def loss_at_center(self) -> float:
        """L(w*) over all samples, exactly."""
        if self.losses is not None:
            return float(self.losses.double().mean())
        if self._total is None:
            size, chunk = self.samples.size, self.chunk or 1024
            total = 0.0
            for i in range(0, size, chunk):
                stop = min(i + chunk, size)
                total += float(self._at_center(self.samples.slice(i, stop))) * (stop - i)
            self._total = total / size
        return self._total

    _total: float | None = None

    def _at_center(self, leaves: tuple[Tensor, ...]) -> Tensor:
        values = [entry.tensor.detach() for entry in self.substitution.free]
        with torch.no_grad(), preserved_random_state(self.samples.device), self.substitution.substituted(values):
            return self.loss.mean(self.substitution.model, self.samples.batch(leaves)).to(self.dtype)


def bind_model(
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor],
    data: Any,
    *,
    parameters: Restriction | None = None,
    vectorized: bool = True,
    compiled: bool = False,
    chunk: int = 0,
) -> Binding:
    """Bind a model in place.

    Args:
        model: Any module; it is only read.
        loss: `loss(model, batch)` in nats, per sample (batch,) or their mean.
        data: Tensors, a `Dataset` or a `DataLoader`.
        parameters: Names or patterns of the parameters that move, or masks of the entries that move, by name.
        vectorized: All chains in one pass; otherwise one after the other.
        compiled: Whether `torch.compile` is used for vectorised gradients.
        chunk: Samples of one pass over the data at most.

    Returns:
        The binding.

    Raises:
        ModelError: If nothing can move, a parameter is not real or not finite, or the devices differ.
        LossError: If the loss is not a mean or per-sample loss, or ignores the model that it is given.
        DataError: If the data cannot be read.
    """
    chosen = select_parameters(model, parameters)
    devices = {p.device for _, p, _ in chosen}
    if len(devices) > 1:
        raise ModelError(f"free parameters on {sorted(map(str, devices))}", "one device", "move the model, or restrict parameters=")
    samples = read_data(data, devices.pop())
    free, start = [], 0
    for name, parameter, entries in chosen:
        count = parameter.numel() if entries is None else entries.numel()
        free.append(FreeParameter(name, parameter, start, start + count, entries))
        start += count
    dtype = torch.float64 if any(p.dtype == torch.float64 for _, p, _ in chosen) else torch.float32
    with preserved_random_state(samples.device):
        writes = any(buffer is not None for buffer in model.buffers())
        substitution = Substitution(model, tuple(free), copies_buffers=writes)
        checked = check_loss(loss, substitution, samples)
        _check_dependence(checked, substitution, samples)
    evaluator = (
        Vectorized(substitution, checked, samples, dtype, compiled) if vectorized else Sequential(substitution, checked, samples, dtype)
    )
    binding = Binding(substitution, checked, samples, dtype, evaluator, _anchor(free), chunk=chunk)
    if checked.per_sample:
        binding.losses = _losses_at_center(binding)
    check_finite(torch.tensor([binding.loss_at_center]) if binding.losses is None else binding.losses)
    return binding


def select_parameters(model: nn.Module, parameters: Restriction | None) -> list[tuple[str, nn.Parameter, Tensor | None]]:
    """The parameters that move, with the flat positions of the entries that move (None for all).

    Args:
        model: The model.
        parameters: Names, patterns, or masks by name.

    Returns:
        (name, parameter, entries) of each.

    Raises:
        ModelError: If a name matches nothing, a mask has another shape, or nothing can move.
    """
    _check_model(model)
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    known = [name for name, _ in named]
    patterns = [parameters] if isinstance(parameters, str) else _list_patterns(parameters)
    for pattern in patterns:
        if known and not any(fnmatch.fnmatchcase(name, pattern) for name in known):
            raise ModelError(f"parameters={pattern!r} matches nothing", f"one of {known[:12]} or a pattern", "see model.named_parameters()")
    chosen: list[tuple[str, nn.Parameter, Tensor | None]] = []
    for name, parameter in named:
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            continue
        if not parameter.is_floating_point():
            raise ModelError(f"parameter {name} has dtype {parameter.dtype}", "real parameters", "freeze it: requires_grad_(False)")
        if not bool(torch.isfinite(parameter).all()):
            raise ModelError(f"parameter {name} has non-finite values", "finite weights", "load a checkpoint that did not diverge")
        entries = None
        if isinstance(parameters, Mapping):
            mask = parameters[name] if name in parameters else next(m for k, m in parameters.items() if fnmatch.fnmatchcase(name, k))
            if mask.shape != parameter.shape or mask.dtype != torch.bool:
                raise ModelError(
                    f"the mask of {name} has shape {tuple(mask.shape)} and dtype {mask.dtype}",
                    f"shape {tuple(parameter.shape)} and dtype torch.bool",
                    "pass e.g. {name: parameter.abs() > 0}",
                )
            entries = mask.reshape(-1).nonzero().reshape(-1).to(parameter.device)
            if entries.numel() == 0:
                continue
        chosen.append((name, parameter, entries))
    if not chosen:
        raise ModelError(
            "no parameter requires a gradient", "at least one free parameter", "call model.requires_grad_(True), or check parameters="
        )
    return chosen


def _list_patterns(parameters: Any) -> list[str]:
    patterns = ["*"] if parameters is None else list(parameters) if isinstance(parameters, Iterable) else [parameters]
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise ModelError(
                f"parameters holds {pattern!r}", "names of parameters, patterns, or masks by name", "pass e.g. parameters=['encoder.*']"
            )
    return patterns


def _check_model(model: nn.Module) -> None:
    """Refuse models whose parameters cannot be replaced for the time of a call, before anything is touched."""
    if not isinstance(model, nn.Module):
        raise ModelError(f"got a {type(model).__name__} as the model", "a torch.nn.Module", "pass the network itself, with its weights")
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise ModelError("the model is a TorchScript module", "a module in Python", "pass the model that was scripted or traced")
    for name, parameter in model.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise ModelError(f"parameter {name} has no shape yet (a lazy module)", "a trained network", "call the model once on a batch")
        if parameter.is_meta:
            raise ModelError(f"parameter {name} is on the meta device: it has no values", "a trained network", "load its weights first")


def _anchor(free: list[FreeParameter]) -> Anchor:
    total = free[-1].stop
    values = []
    for entry in free:
        flat = entry.tensor.detach().reshape(-1)
        values.extend((flat if entry.chosen is None else flat[entry.chosen]).split(_BLOCK))
    if total <= 1 << 20:  # one block, since a call costs more than the copy
        return Anchor([torch.cat([v.to(torch.promote_types(v.dtype, torch.float32)) for v in values])])
    return Anchor(values)


def _check_dependence(loss: Loss, substitution: Substitution, samples: Samples) -> None:
    leaves = samples.slice(0, min(16, samples.size))
    values = [entry.tensor.detach() for entry in substitution.free]
    generator = torch.Generator().manual_seed(0)
    shifted = [v + 0.02 * (1 + v.abs().mean()) * torch.randn(v.shape, generator=generator).to(v) for v in values]
    results = []
    for point in (values, shifted):
        with torch.no_grad(), substitution.substituted(point):
            results.append(float(loss.mean(substitution.model, samples.batch(leaves))))
    if results[0] == results[1]:
        raise LossError(
            "the loss does not change when the parameters do",
            "a loss that calls the model it is given",
            "write loss = lambda model, batch: criterion(model(batch[0]), batch[1]), and not a closure over another model",
        )


def _losses_at_center(binding: Binding) -> Tensor:
    samples, substitution = binding.samples, binding.substitution
    values = [entry.tensor.detach() for entry in substitution.free]
    out, chunk = [], binding.chunk or 1024
    with torch.no_grad(), preserved_random_state(samples.device), substitution.substituted(values):
        for i in range(0, samples.size, chunk):
            leaves = samples.slice(i, min(i + chunk, samples.size))
            out.append(binding.loss.each(substitution.model, samples.batch(leaves)).to(binding.dtype))
    return torch.cat(out)
