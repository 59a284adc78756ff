"""All chains in one pass: the loss of a small model, batched over a leading chain axis.

`torch.vmap` turns the user's loss of one parameter vector into the loss of C vectors; linear layers become one batched matrix product.
One call is then traced to a flat list of tensor operations (`make_fx`), which runs at about the speed of code written by hand for C chains:
no module is called again, no autograd graph is built. The list depends on the shapes only, so it is kept per shape; and the compiler takes
it as it is (`operations`).
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any, Literal

import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from germ.sampling.contract import Loss
from germ.sampling.data import Samples
from germ.sampling.operations import Call, compile_graph, simplify_graph
from germ.sampling.substitution import Substitution

Kind = Literal["mean", "each", "gradient"]
Selection = Tensor | slice  # (C, b) indices, chain by chain, or the same consecutive samples for all chains
_TRACES_KEPT = 64  # per model; a run uses three kinds of call with two shapes each


class Vectorized:
    """The loss of C parameter vectors at once.

    Args:
        substitution: How to put values into the model.
        loss: The user's loss, checked.
        samples: The data.
        dtype: The dtype of results.
        compiled: Whether gradients at drawn batches are compiled.
    """

    def __init__(self, substitution: Substitution, loss: Loss, samples: Samples, dtype: torch.dtype, compiled: bool = False) -> None:
        self.substitution, self.loss, self.samples, self.dtype, self.compiled = substitution, loss, samples, dtype, compiled
        self._traces: OrderedDict[tuple, Call] = OrderedDict()

    def set_compiled(self, compiled: bool) -> None:
        """Compile gradients from now on, or no longer."""
        if compiled != self.compiled:
            self.compiled = compiled
            self._traces.clear()

    def mean(self, positions: Tensor, selection: Selection) -> Tensor:
        """Mean loss of each chain on its samples, (C,)."""
        return self._call("mean", positions, selection)[0]

    def each(self, positions: Tensor, selection: Selection) -> Tensor:
        """Loss of each chain on each of its samples, (C, b)."""
        return self._call("each", positions, selection)[0]

    def gradient(self, positions: Tensor, parts: list[tuple[Selection, float]], out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Weighted sum over parts of the mean loss and its gradient, (C,) and (C, d); the gradient is added to `out` if that is given."""
        if len(parts) == 1 and parts[0][1] == 1 and out is None:
            loss, gradient = self._call("gradient", positions, parts[0][0])
            return loss, gradient
        total, total_gradient = torch.zeros_like(positions[:, 0]), torch.zeros_like(positions) if out is None else out
        for selection, weight in parts:
            loss, gradient = self._call("gradient", positions, selection)
            total.add_(loss, alpha=weight)
            total_gradient.add_(gradient, alpha=weight)
        return total, total_gradient

    def _call(self, kind: Kind, positions: Tensor, selection: Selection) -> tuple[Tensor, ...]:
        drawn = isinstance(selection, Tensor)
        inputs: tuple[Tensor, ...]
        if isinstance(selection, slice):
            inputs = self.samples.slice(selection.start, selection.stop)
        else:
            inputs = (selection,) if self.samples.resident else self.samples.take(selection)
        key = (kind, drawn, positions.shape[0], inputs[0].shape[: 2 if drawn else 1])
        with torch.no_grad():
            call = self._traces.get(key)
            if call is None:
                call = self._traces[key] = self.trace(kind, drawn, positions, inputs)
                if len(self._traces) > _TRACES_KEPT:
                    self._traces.popitem(last=False)
            return call(positions, *inputs)

    def trace(self, kind: Kind, drawn: bool, positions: Tensor, inputs: tuple[Tensor, ...]) -> Call:
        """A fast function for calls of this shape; the untraced one where tracing fails."""
        function = self.function(kind, drawn)
        positions = positions.detach().contiguous()
        try:
            with _calm():
                graph, constants = _lift(make_fx(function)(positions, *inputs))
        except Exception:
            # Tracing is an optimisation; what it cannot follow runs as it is, and real errors surface there.
            return function
        run = compile_graph(graph, (positions, *inputs, *constants)) if self.compiled and kind == "gradient" and drawn else graph
        return lambda *arguments: run(*arguments, *constants)

    def export(self, kind: Kind, positions: Tensor, indices: Tensor) -> tuple[GraphModule, tuple[Tensor, ...]]:
        """The operations of a call at drawn batches of resident data, of (positions, indices, *constants), and the constants."""
        with torch.no_grad(), _calm():
            return _lift(make_fx(self.function(kind, True))(positions.detach().contiguous(), indices))

    def function(self, kind: Kind, drawn: bool) -> Call:
        """The untraced function of (positions, *inputs); for drawn batches `inputs` are indices if the data are resident, else samples."""
        single = self._samplewise if kind == "each" else self._mean
        batched = torch.vmap(single, in_dims=(0, 0 if drawn else None))

        def evaluate(positions: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
            leaves = self.samples.take(inputs[0]) if drawn and self.samples.resident else inputs
            if kind != "gradient":
                with torch.no_grad():
                    return (batched(positions, leaves),)
            with torch.enable_grad():
                free = positions.detach().requires_grad_()
                loss = batched(free, leaves)
                (gradient,) = torch.autograd.grad(loss.sum(), free)
            return loss.detach(), gradient

        return evaluate

    def _mean(self, row: Tensor, leaves: tuple[Tensor, ...]) -> Tensor:
        with self.substitution.substituted(self.substitution.values(row)):
            return self.loss.mean(self.substitution.model, self.samples.batch(leaves)).to(self.dtype)

    def _samplewise(self, row: Tensor, leaves: tuple[Tensor, ...]) -> Tensor:
        with self.substitution.substituted(self.substitution.values(row)):
            if self.loss.per_sample:
                return self.loss.each(self.substitution.model, self.samples.batch(leaves)).to(self.dtype)

            def one(sample: tuple[Tensor, ...]) -> Tensor:
                batch = self.samples.batch([leaf[None] for leaf in sample])
                return self.loss.mean(self.substitution.model, batch).to(self.dtype)

            return torch.vmap(one)(leaves)


def _lift(graph: GraphModule) -> tuple[GraphModule, tuple[Tensor, ...]]:
    """Turn the tensors that tracing captured (data, frozen parameters, buffers) into trailing inputs."""
    constants: dict[str, Tensor] = {}
    placeholders = [node for node in graph.graph.nodes if node.op == "placeholder"]
    last = placeholders[-1]
    lifted: dict[str, Any] = {}
    for node in list(graph.graph.nodes):
        if node.op != "get_attr":
            continue
        name = str(node.target)
        if name not in lifted:
            constants[name] = getattr(graph, name)
            with graph.graph.inserting_after(last):
                last = lifted[name] = graph.graph.placeholder(f"constant_{len(lifted)}")
        node.replace_all_uses_with(lifted[name])
        graph.graph.erase_node(node)
    for name in constants:
        delattr(graph, name)
    return simplify_graph(graph), tuple(constants.values())


class _calm(warnings.catch_warnings):  # noqa: N801 - reads as the context that it is
    """Silence vmap's remark that an operation runs chain by chain: the result is the same."""

    def __enter__(self) -> Any:
        log = super().__enter__()
        warnings.filterwarnings("ignore", message="There is a performance drop")
        return log
