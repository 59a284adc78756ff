"""Chains in several processes, one thread each: on small models a second core is worth more to other chains than to the same ones.

No process is forked (a fork copies locked thread pools), and nothing of the user's is pickled. A worker is a fresh interpreter that gets
the traced list of tensor operations that one gradient is (`vectorized`), the tensors that it uses, and the recipe; over its standard input
come requests, over its standard output go draws. It ends when its input does, so that none outlives a process that was killed.
"""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from germ.errors import DivergenceError
from germ.sampling.binding import Binding
from germ.sampling.engine import Draws, LocalEngine
from germ.sampling.kernels.parts import FIELDS, Anchor
from germ.sampling.operations import compile_graph
from germ.sampling.planning import Rung
from germ.sampling.recipe import Recipe
from germ.sampling.vectorized import Vectorized

_LARGEST = 1 << 28  # bytes that are sent to each worker at most


@dataclass
class GraphBinding:
    """What kernels need to know of a model, without the model.

    Args:
        graph: The gradient of C chains as a list of operations, of (positions, indices, *constants).
        constants: Its tensors.
        losses: Loss of each sample at w*, (n,).
        anchor: w*.
        dtype: Dtype of positions.
        compiled: Whether the list is compiled.
    """

    graph: Any
    constants: tuple[Tensor, ...]
    losses: Tensor
    anchor: Anchor
    dtype: torch.dtype
    compiled: bool

    def __post_init__(self) -> None:
        self.samples = SimpleNamespace(size=len(self.losses), device=self.losses.device)
        self.evaluator = self
        self._run: Any = None

    def start(self, chains: int) -> Tensor:
        """C chains at w*, (C, d)."""
        return torch.cat(list(self.anchor.values)).to(self.dtype).expand(chains, -1).clone()

    def reference(self, batch: Tensor, chains: int) -> Tensor:
        """L_b(w*), (C,)."""
        return self.losses[batch].mean(1)

    def gradient(self, positions: Tensor, parts: list[tuple[Tensor, float]], out: None = None) -> tuple[Tensor, Tensor]:
        """Mean loss of each chain on its batch and its gradient, (C,) and (C, d)."""
        inputs = (positions, parts[0][0], *self.constants)
        with torch.no_grad():
            if self._run is None:
                self._run = compile_graph(self.graph, inputs) if self.compiled else self.graph
            return self._run(*inputs)


def is_portable(binding: Binding, recipe: Recipe) -> bool:
    """Whether workers can run a recipe: vectorised, on minibatches of resident data on the CPU, with losses per sample."""
    samples = binding.samples
    size = sum(leaf.nbytes for leaf in samples.leaves)
    return (
        isinstance(binding.evaluator, Vectorized) and binding.losses is not None and samples.resident and samples.device.type == "cpu"
        and recipe.batch_size < samples.size and not recipe.control_variate and size < _LARGEST and bool(sys.executable)
    )  # fmt: skip


class ProcessPool:
    """An engine over worker processes.

    Args:
        binding: The model; `is_portable`.
        recipe: What to run; its chains are divided among `recipe.processes`.
        chains: Which of the recipe's chains.
    """

    def __init__(self, binding: Binding, recipe: Recipe, chains: slice) -> None:
        count = chains.stop - chains.start
        bounds = [chains.start + count * i // recipe.processes for i in range(recipe.processes + 1)]
        self._slices = [slice(a, b) for a, b in pairwise(bounds)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self._workers: list[subprocess.Popen[bytes]] = []
        try:
            for own in self._slices:
                command = [sys.executable, "-m", "germ.sampling.workers"]
                # A session of its own: Ctrl-C is for the parent, which closes the pipes.
                self._workers.append(
                    subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True)
                )
                self._send(len(self._workers) - 1, (export_binding(binding, recipe, own), recipe, own))
            for index in range(len(self._workers)):
                self._receive(index)
        except BaseException:
            self.close()
            raise

    def enter(self, rung: Rung) -> None:
        """Go on at another rung; at w* if this is the first."""
        self._all("enter", [(rung,)] * len(self._workers))

    def restore(self, rung: Rung, tensors: Mapping[str, Tensor]) -> None:
        """Go on where `pack` was called, at a rung."""
        parts = [{k.split("/", 1)[1]: v for k, v in tensors.items() if k.startswith(f"{i}/")} for i in range(len(self._workers))]
        self._all("restore", [(rung, part) for part in parts])

    def advance(self, draws: int, first_draw: int) -> Draws:
        """Make so many draws."""
        found = self._all("advance", [(draws, first_draw)] * len(self._workers))
        return {key: np.concatenate([part[key] for part in found]) for key in FIELDS}

    def pack(self) -> dict[str, Tensor]:
        """All that the next draws depend on."""
        found = self._all("pack", [()] * len(self._workers))
        return {f"{index}/{key}": value for index, part in enumerate(found) for key, value in part.items()}

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.kill()
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except BrokenPipeError:
                        continue

    def _all(self, name: str, arguments: list[tuple]) -> list[Any]:
        for index, argument in enumerate(arguments):
            self._send(index, (name, argument))
        return [self._receive(index) for index in range(len(arguments))]

    def _send(self, index: int, message: Any) -> None:
        pipe = self._workers[index].stdin
        assert pipe is not None
        pickle.dump(message, pipe)
        pipe.flush()

    def _receive(self, index: int) -> Any:
        pipe = self._workers[index].stdout
        assert pipe is not None
        answer = pickle.load(pipe)
        if isinstance(answer, _Failure):
            raise DivergenceError(*answer.parts) if answer.parts else RuntimeError(f"a worker failed: {answer.text}")
        return answer


def export_binding(binding: Binding, recipe: Recipe, chains: slice) -> GraphBinding:
    """A binding without the model.

    Args:
        binding: The model.
        recipe: What will be run.
        chains: The chains of one worker.

    Returns:
        What is sent to the worker.
    """
    evaluator, count = binding.evaluator, chains.stop - chains.start
    assert isinstance(evaluator, Vectorized)
    assert binding.losses is not None
    indices = torch.arange(recipe.batch_size).expand(count, -1).contiguous()
    graph, constants = evaluator.export("gradient", binding.start(count), indices)
    anchor = Anchor([value.detach().clone() for _, value in binding.anchor])
    return GraphBinding(graph, constants, binding.losses, anchor, binding.dtype, evaluator.compiled)


@dataclass(frozen=True)
class _Failure:
    parts: tuple[str, str, str] | None
    text: str


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends.

    Args:
        source: Pickled requests of the parent process.
        sink: Pickled answers.
    """
    torch.set_num_threads(1)
    importlib.import_module("torch._higher_order_ops.triton_kernel_wrap")  # torch.fx forgets to, before it reads a graph
    try:
        binding, recipe, chains = pickle.load(source)
    except EOFError:
        return
    engine = LocalEngine(binding, recipe, chains)
    answer: Any = "ready"
    while True:
        pickle.dump(answer, sink)
        sink.flush()
        try:
            name, arguments = pickle.load(source)
        except EOFError:
            return
        try:
            answer = getattr(engine, name)(*arguments)
        except DivergenceError as error:
            answer = _Failure((error.got, error.expected, error.remedy), str(error))
        except Exception as error:
            answer = _Failure(None, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    # The module runs under its own name, so that both sides pickle the same classes.
    from germ.sampling import workers

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print goes to the standard error, not between the answers
    workers.serve(sys.stdin.buffer, out)
