"""Lists of tensor operations, as tracing gives them: shortened, and compiled.

A traced gradient is full of operations that do nothing (a view of the same shape, a detach, a product with one) and of weight gradients
that are computed transposed and then copied; without them it runs a tenth faster. A compiled list is kept for the life of the process
under its own text and the layout of its inputs: a second model of the same shapes compiles nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

Call = Callable[..., tuple[Tensor, ...]]

_COMPILED_KEPT = 64

# Compiled functions by (operations, input layout). They hold no tensors, and the key is everything that they depend on.
_compiled: OrderedDict[tuple, Call] = OrderedDict()

_aten = torch.ops.aten
_RESHAPES = {_aten.view.default, _aten._unsafe_view.default, _aten.expand.default}
_NEUTRAL = {_aten.mul.Scalar, _aten.pow.Tensor_Scalar, _aten.div.Scalar}


def simplify_graph(graph: GraphModule) -> GraphModule:
    """Drop operations that do nothing, and compute weight gradients in the layout of the weights.

    Args:
        graph: From `make_fx`; changed.

    Returns:
        The same graph module; it computes the same numbers, up to the order of a matrix product's sums.
    """
    node: Any  # its arguments are typed as anything that a graph can hold
    for node in list(graph.graph.nodes):
        if node.op != "call_function":
            continue
        if _is_turned(node) and _is_turned(node.args[0]):
            node.replace_all_uses_with(node.args[0].args[0])
        elif _does_nothing(node):
            node.replace_all_uses_with(node.args[0])
        else:
            _turn_product(graph, node)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def _shape(node: Any) -> tuple[int, ...] | None:
    meta = node.meta.get("tensor_meta") if isinstance(node, Node) else None
    return None if meta is None else tuple(meta.shape)


def _does_nothing(node: Any) -> bool:
    if node.target is _aten.detach.default:
        return True
    if node.target in _RESHAPES:
        return _shape(node) is not None and _shape(node) == _shape(node.args[0])
    if node.target is _aten.clone.default:
        return isinstance(node.args[0], Node) and node.args[0].target is _aten.bmm.default
    if node.target in _NEUTRAL and node.args[1] == 1:
        before, after = node.args[0].meta.get("tensor_meta"), node.meta.get("tensor_meta")
        return before is not None and after is not None and before.dtype == after.dtype
    return False


def _is_turned(node: Any) -> bool:
    return isinstance(node, Node) and node.target is _aten.transpose.int and set(node.args[1:]) == {1, 2}


def _turn_product(graph: GraphModule, node: Any) -> None:
    """(xᵀ g)ᵀ becomes gᵀ x, batch by batch."""
    if not _is_turned(node):
        return
    product: Any = node.args[0]
    if not (isinstance(product, Node) and product.target is _aten.bmm.default and _is_turned(product.args[0])):
        return
    turned_left: Any = product.args[0]
    left, right = turned_left.args[0], product.args[1]
    with graph.graph.inserting_before(node):
        turned = graph.graph.call_function(_aten.transpose.int, (right, 1, 2))
        straight = graph.graph.call_function(_aten.bmm.default, (turned, left))
    straight.meta = node.meta
    node.replace_all_uses_with(straight)


def compile_graph(graph: GraphModule, inputs: tuple[Tensor, ...]) -> Call:
    """The compiled operations, from the process's store if they were compiled before; as they are where nothing can compile them.

    Args:
        graph: Operations.
        inputs: Examples, on which it is run once; every later call has the same shapes, strides and dtypes.

    Returns:
        A function of the inputs.
    """
    layout = tuple((t.shape, t.stride(), t.dtype, t.device) for t in inputs)
    key = (graph.code, layout, torch.get_num_threads())
    if key not in _compiled:
        try:
            from torch import _inductor as inductor

            with torch.no_grad():
                # The compiler behind torch.compile without its checks of the inputs, which cost 20 µs a call: the key is the check.
                run = inductor.compile(graph, list(inputs))
                run(*inputs)
        except Exception:
            run = graph  # without a compiler on the machine, the operations run as they are
        _compiled[key] = run
        if len(_compiled) > _COMPILED_KEPT:
            _compiled.popitem(last=False)
    return _compiled[key]
