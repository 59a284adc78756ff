"""K as a sum of squares: what a network's outputs say about the ideal of its zero set.

λ depends on K only up to constant factors from both sides (Watanabe 2009, Remark 7.2), so the mean loss may be replaced by its
Bregman part in the outputs z_i(w) = model(x_i; w),

    K(w) = |F(w)|² / 2,   F_i = H_i^(1/2) (z_i(w) − z_i(w*)) / √S,   H_i = ∂²ℓ_i/∂z² at w*,

which for the squared error is the excess loss without its noise, and for cross-entropy is the Kullback-Leibler divergence to second
order. It has an exact zero at w* whatever the labels are, so neither label noise nor rounded labels enter. S samples are enough as soon
as more of them add no new function to the span of the F_i; d generic members of an ideal already have the same integral closure.

References:
    Huneke, Swanson (2006), Integral Closure of Ideals, Rings, and Modules, Proposition 8.3.7 (reductions by generic members).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.func import jacfwd, jacrev
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_unflatten

from germ.sampling.model import WrappedModel

with warnings.catch_warnings():  # what forward derivatives load on first use warns about torch itself
    warnings.simplefilter("ignore")
    import torch._decomp.decompositions_for_jvp

_LARGEST_OUTPUT = 256  # entries of one sample's output: its Hessian is dense
_SAME_SPAN = 1e-11  # singular values below this share are rounding


class NotOutputsError(Exception):
    """The loss is not a convex function of one call of the model; the caller falls back to the losses themselves."""


@dataclass(frozen=True)
class Generators:
    """Functions F_1, ..., F_R that vanish together where K does, batched over C parameter vectors.

    Args:
        function: One flat parameter vector (d,) to F, (R,).
        count: R.
        scale: Size of the outputs of which F is a difference, in the units of F.
        forward: Whether derivatives are taken forward: fewer operations for a block, where the model's operations have them.
    """

    function: Callable[[Tensor], Tensor]
    count: int
    scale: float
    forward: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "_traces", {})

    def values(self, positions: Tensor) -> Tensor:
        """F, (C, R)."""
        return self._call("values", torch.vmap(self.function), positions)

    def energy(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """K = |F|²/2 and its gradient, (C,) and (C, d)."""

        def evaluate(positions: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                free = positions.detach().requires_grad_()
                value = torch.vmap(self.function)(free).pow(2).sum(1) / 2
                (gradient,) = torch.autograd.grad(value.sum(), free)
            return value.detach(), gradient

        return self._call("energy", evaluate, positions)

    def jacobian(self, positions: Tensor, block: Tensor) -> tuple[Tensor, Tensor]:
        """F and its derivative by the coordinates `block`, (C, R) and (C, R, p)."""

        def single(row: Tensor) -> tuple[Tensor, Tensor]:
            def moved(part: Tensor) -> tuple[Tensor, Tensor]:
                value = self.function(row.index_copy(0, block, part))
                return value, value

            slope, value = (jacfwd if self.forward else jacrev)(moved, has_aux=True)(row[block])
            return value, slope

        return self._call(("jacobian", int(block[0]), len(block)), torch.vmap(single), positions)

    def _call(self, kind: Any, function: Callable[[Tensor], Any], positions: Tensor) -> Any:
        traces: dict[Any, Callable[[Tensor], Any] | None] = self._traces  # type: ignore[attr-defined]
        key = (kind, positions.shape[0])
        with torch.no_grad():
            if key not in traces:  # most shapes are seen once
                traces[key] = None
                return function(positions)
            traced = traces[key]
            if traced is None:
                traced = traces[key] = _trace(function, positions)
            return traced(positions)


def _trace(function: Callable[[Tensor], Any], positions: Tensor) -> Callable[[Tensor], Any]:
    """The operations of a function without the Python around them, and without those whose result nobody reads (the loss itself)."""
    try:
        traced = make_fx(function)(positions)
        traced.graph.eliminate_dead_code()
        traced.recompile()
    except Exception:  # tracing is an optimisation; what it cannot follow runs as it is
        return function
    return traced  # type: ignore[no-any-return]


def read_generators(wrapped: WrappedModel, scale: float, generator: torch.Generator) -> Generators:
    """The generators F of a model whose loss is a convex function of its outputs.

    Args:
        wrapped: The model, at w*.
        scale: Typical size of the parameters.
        generator: Chooses the samples.

    Returns:
        The generators.

    Raises:
        NotOutputsError: If the loss calls the model other than once, depends on the parameters otherwise, or is not convex in the output.
    """
    order = torch.randperm(wrapped.size, generator=generator)
    size = int(capture_outputs(wrapped, wrapped.center, wrapped.samples.take(order[:1]))[0].numel())
    most = min(wrapped.size, max(16, math.ceil(2 * wrapped.dimension / size)))
    count, rank, previous = min(4, most), -1, None
    while True:
        found = _build(wrapped, order[:count], scale, generator)
        points = wrapped.center + scale * torch.randn(min(2 * found.count, 2 * wrapped.dimension) + 8, wrapped.dimension,
                                                      generator=generator, dtype=torch.float64)  # fmt: skip
        spectrum = torch.linalg.svdvals(found.values(points))
        before, rank = rank, int((spectrum > _SAME_SPAN * spectrum[0]).sum())
        if rank == before and previous is not None:
            return previous
        if count >= most:
            return found
        previous, count = found, min(2 * count, most)


def _build(wrapped: WrappedModel, indices: Tensor, scale: float, generator: torch.Generator) -> Generators:
    leaves = wrapped.samples.take(indices)
    reference, _, shape = capture_outputs(wrapped, wrapped.center, leaves)
    roots = _root_hessian(wrapped, reference, shape, leaves)
    weight = 1 / math.sqrt(len(indices))

    def function(row: Tensor) -> Tensor:
        difference = capture_outputs(wrapped, row, leaves)[0] - reference
        return (torch.einsum("soi,so->si", roots, difference) * weight).reshape(-1)

    beside = wrapped.center + scale * torch.randn(wrapped.dimension, generator=generator, dtype=torch.float64)
    found = Generators(function, reference.numel(), float(function(beside).norm() + function(wrapped.center * 0).norm()))
    _check_bregman(wrapped, found, reference, shape, leaves, scale, generator)
    return _choose_direction(found, wrapped.center)


def _choose_direction(found: Generators, center: Tensor) -> Generators:
    """Forward derivatives, or backward ones where an operation of the model has no forward one."""
    for candidate in (found, replace(found, forward=False)):
        try:
            candidate.jacobian(center[None], torch.arange(1))
        except (RuntimeError, NotImplementedError) as error:
            reason = str(error).splitlines()[0]
        else:
            return candidate
    raise NotOutputsError(f"no Jacobian of the outputs: {reason[:80]}")


def capture_outputs(wrapped: WrappedModel, row: Tensor, leaves: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Any]:
    """Outputs of the model's one call inside the loss.

    Args:
        wrapped: The model.
        row: Its parameters, (d,).
        leaves: S samples.

    Returns:
        The outputs, (S, o), the loss there, and how outputs are put together.

    Raises:
        NotOutputsError: If there is not one call with one row per sample.
    """
    model, substitution, calls = wrapped.substitution.model, wrapped.substitution, []
    count = leaves[0].shape[0]
    handle = model.register_forward_hook(lambda _module, _inputs, output: calls.append(output))
    try:
        with substitution.substituted(substitution.values(row)):
            value = wrapped.loss.function(model, wrapped.samples.batch(leaves))
    finally:
        handle.remove()
    if len(calls) != 1:
        raise NotOutputsError(f"the loss calls the model {len(calls)} times")
    parts, structure = tree_flatten(calls[0])
    if not all(isinstance(p, Tensor) and p.is_floating_point() and p.dim() >= 1 and p.shape[0] == count for p in parts):
        raise NotOutputsError("the outputs are not one tensor row per sample")
    flat = torch.cat([p.reshape(count, -1) for p in parts], 1).double()
    if not 0 < flat.shape[1] <= _LARGEST_OUTPUT:
        raise NotOutputsError(f"{flat.shape[1]} outputs per sample")
    return flat, value, ([p.shape[1:] for p in parts], structure)


def _replay(wrapped: WrappedModel, outputs: Tensor, shape: Any, leaves: tuple[Tensor, ...]) -> Tensor:
    """Losses of the samples, (S,), if these were the model's outputs; of a mean loss, S times the mean, (1,)."""
    shapes, structure = shape
    sizes = [math.prod(s) for s in shapes]
    parts = [p.reshape(p.shape[0], *s) for p, s in zip(outputs.split(sizes, 1), shapes, strict=True)]
    model, substitution = wrapped.substitution.model, wrapped.substitution
    with substitution.substituted(substitution.values(wrapped.center)):
        model.__dict__["forward"] = lambda *_args, **_kwargs: tree_unflatten(parts, structure)
        value = wrapped.loss.function(model, wrapped.samples.batch(leaves)).double().reshape(-1)
    return value if wrapped.loss.per_sample else value * outputs.shape[0]


def _root_hessian(wrapped: WrappedModel, outputs: Tensor, shape: Any, leaves: tuple[Tensor, ...]) -> Tensor:
    """H_i^(1/2) of each sample, (S, o, o), columns first."""
    free = outputs.detach().clone().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(_replay(wrapped, free, shape, leaves).sum(), free, create_graph=True)
        if not slope.requires_grad:
            raise NotOutputsError("the loss is linear in the outputs")
        rows = [torch.autograd.grad(slope[:, j].sum(), free, retain_graph=True)[0] for j in range(outputs.shape[1])]
    hessian = torch.stack(rows, 1)
    values, vectors = torch.linalg.eigh((hessian + hessian.mT) / 2)
    if not bool(torch.isfinite(values).all()) or float(values.min()) < -1e-8 * float(values.max()) or float(values.max()) <= 0:
        raise NotOutputsError("the loss is not convex in the outputs")
    return vectors * values.clamp_min(0).sqrt()[:, None, :]


def _check_bregman(
    wrapped: WrappedModel,
    found: Generators,
    reference: Tensor,
    shape: Any,
    leaves: tuple[Tensor, ...],
    scale: float,
    generator: torch.Generator,
) -> None:
    """Compare K with the Bregman part of the loss itself: they agree where the loss depends on the parameters through the outputs alone."""
    free = reference.detach().clone().requires_grad_()
    with torch.enable_grad():
        base = _replay(wrapped, free, shape, leaves)
        (slope,) = torch.autograd.grad(base.sum(), free)
    for size in (0.1, 0.03):
        row = wrapped.center + size * scale * torch.randn(wrapped.dimension, generator=generator, dtype=torch.float64)
        outputs, value, _ = capture_outputs(wrapped, row, leaves)
        total = float(value.double().sum()) * (1 if wrapped.loss.per_sample else len(reference))
        bregman = (total - float(base.detach().sum()) - float((slope * (outputs - reference)).detach().sum())) / len(reference)
        quadratic = float(found.values(row[None]).pow(2).sum()) / 2
        rounding = 1e-12 * (abs(total) + abs(float(base.detach().sum()))) / len(reference)
        if not 0.4 * quadratic - rounding < bregman < 2.5 * quadratic + rounding:
            raise NotOutputsError("the loss depends on the parameters other than through the outputs")
