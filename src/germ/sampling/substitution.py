"""Run a model with other parameter values, and leave no trace in it.

A loss is a Python function that calls the user's own module, perhaps through a closure, a submodule or a helper; so the values are
put where the module keeps its parameters, for the duration of one call, and everything that the call may change is put back
(`substituted`): parameters, buffers (the running statistics of BatchNorm), train/eval flags, plain attributes. The user's tensors are
never written. A model is not to be used by another thread meanwhile.
"""

from __future__ import annotations

import random
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class FreeParameter:
    """One parameter that moves, and where its values sit in the flat vector.

    Args:
        name: Its first name in the model; tied weights are one parameter.
        tensor: The user's parameter.
        start: First coordinate in the flat vector.
        stop: One past the last coordinate.
        chosen: Flat positions inside the parameter that move, or None for all of it.
    """

    name: str
    tensor: Tensor
    start: int
    stop: int
    chosen: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its coordinates: the parameter's own, or one dimension where only some entries move."""
        return tuple(self.tensor.shape) if self.chosen is None else (self.stop - self.start,)

    def value(self, coordinates: Tensor) -> Tensor:
        """The parameter with these coordinates, in the parameter's dtype; differentiable."""
        cast = coordinates.to(self.tensor.dtype)
        if self.chosen is None:
            return cast
        return self.tensor.detach().reshape(-1).index_copy(0, self.chosen, cast).view(self.tensor.shape)


@dataclass(frozen=True)
class Substitution:
    """Where a model keeps its parameters, and which of them move.

    Args:
        model: The user's module.
        free: The parameters that move, in the order of the flat vector.
        copies_buffers: Whether each call gets its own copy of the buffers: needed where a forward pass in eval mode writes to them.
        plain_attention: Whether attention runs as single operations: the fused ones have no batching rule and no forward derivative.
    """

    model: nn.Module
    free: tuple[FreeParameter, ...]
    copies_buffers: bool = False
    plain_attention: bool = False

    @property
    def sizes(self) -> list[int]:
        """Number of coordinates of each free parameter."""
        return [entry.stop - entry.start for entry in self.free]

    def values(self, row: Tensor) -> list[Tensor]:
        """The free parameters at one flat vector, as views of it where dtype and restriction allow; differentiable."""
        return [entry.value(part.view(entry.shape)) for entry, part in zip(self.free, row.split(self.sizes), strict=True)]

    @contextmanager
    def substituted(self, values: Sequence[Tensor]) -> Iterator[list[Callable[[], bool]]]:
        """Run the body with these values of the free parameters, the others constant, in eval mode; then put everything back.

        Yields one question for each copied buffer: was it written?
        """
        modules = list(self.model.modules())
        saved = [(m, dict(m.__dict__), dict(m._parameters), dict(m._buffers)) for m in modules]
        options = torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled()
        written: list[Callable[[], bool]] = []
        replaced = {id(entry.tensor): value for entry, value in zip(self.free, values, strict=True)}
        try:
            # The fused inference kernels of attention have no batching rule, and round differently from the training path.
            torch.backends.mha.set_fastpath_enabled(False)
            torch.backends.cuda.enable_flash_sdp(options[1] and not self.plain_attention)  # asked on the CPU, too
            for module, attributes, parameters, buffers in saved:
                for key, parameter in parameters.items():
                    if parameter is not None:
                        module._parameters[key] = replaced.get(id(parameter), parameter.detach())  # type: ignore[assignment]
                for key, buffer in buffers.items() if self.copies_buffers else ():
                    if buffer is not None:
                        module._buffers[key] = copy = buffer.clone()
                        written.append(lambda m=module, k=key, c=copy: m._buffers.get(k) is not c or c._version > 0)  # type: ignore[misc]
                module.__dict__["training"] = False
                if "_flat_weights_names" in attributes:
                    _refresh_recurrent(module)
            yield written
        finally:
            _until_done(lambda: _restore(saved, *options))


def _refresh_recurrent(module: nn.Module) -> None:
    # Recurrent layers keep a second list of their weights, and would repack the storage of weights they do not know.
    weights = [module._parameters.get(name) for name in module._flat_weights_names]  # type: ignore[union-attr]
    module.__dict__["_flat_weights"] = weights
    module.__dict__["_flat_weight_refs"] = [None if w is None else weakref.ref(w) for w in weights]


def _restore(saved: list[tuple[nn.Module, dict, dict, dict]], fastpath: bool, flash: bool) -> None:
    torch.backends.mha.set_fastpath_enabled(fastpath)
    torch.backends.cuda.enable_flash_sdp(flash)
    for module, attributes, parameters, buffers in saved:
        for current, original in (
            (module.__dict__, attributes),
            (attributes["_parameters"], parameters),
            (attributes["_buffers"], buffers),
        ):
            current.update(original)
            for key in [key for key in current if key not in original]:
                del current[key]


def _until_done(restore: Callable[[], None]) -> None:
    """Run an idempotent clean-up to its end, also when Ctrl-C arrives in the middle of it; then let the interrupt through."""
    interrupt = None
    while True:
        try:
            restore()
            break
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


@contextmanager
def preserved_random_state(device: torch.device) -> Iterator[None]:
    """Run the body and put the global random states (Python, NumPy, torch, the device) back to where they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the caller's global state is what is preserved
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
