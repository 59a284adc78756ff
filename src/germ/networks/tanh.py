"""`TanhNetwork`: one hidden layer of tanh units, f(x) = d + Σ_i a_i tanh(b_i·x + c_i), as a value.

A unit is a triple of its outgoing weights a_i in R^M, its incoming weights b_i in R^N and its bias c_i. Two operations never change f:
to permute units, and to change the sign of (a_i, b_i, c_i), since tanh is odd. For a network that cannot be made smaller these h! 2^h
images are all parameters that give f (Sussmann 1992); for one that can there are continua of others (`germ.networks.reduction`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from germ.errors import BudgetError, InputError

Array = NDArray[Any]

MOST_IMAGES = 500_000


@dataclass(frozen=True, eq=False)
class TanhNetwork:
    """f(x) = d + Σ_i a_i tanh(b_i·x + c_i).

    Entries may be floats or Fractions; what is compared is compared exactly.

    Args:
        outgoing: a, (h, M); (h,) for one output.
        incoming: b, (h, N); (h,) for one input.
        bias: c, (h,); zeros by default.
        offset: d, (M,); zeros by default.
    """

    outgoing: Array
    incoming: Array
    bias: Array
    offset: Array

    def __init__(self, outgoing: ArrayLike, incoming: ArrayLike, bias: ArrayLike | None = None, offset: ArrayLike | None = None) -> None:
        a, b = _columns(outgoing), _columns(incoming)
        c = _numbers(np.zeros(len(a)) if bias is None else bias)
        d = _numbers(np.zeros(a.shape[1]) if offset is None else offset).reshape(-1)
        if not len(a) == len(b) == len(c) or c.ndim != 1 or d.shape != a.shape[1:]:
            raise InputError(f"outgoing {a.shape}, incoming {b.shape}, bias {c.shape}, offset {d.shape}", "(h, M), (h, N), (h,) and (M,)")
        for name, value in zip(("outgoing", "incoming", "bias", "offset"), (a, b, c, d), strict=True):
            object.__setattr__(self, name, value)

    @property
    def units(self) -> int:
        """Number of hidden units h."""
        return len(self.outgoing)

    @property
    def parameters(self) -> int:
        """Number of parameters, h (M + N + 1) + M."""
        return self.outgoing.size + self.incoming.size + self.bias.size + self.offset.size

    def evaluate(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """F at some inputs.

        Args:
            inputs: (n, N); (n,) for one input.

        Returns:
            Outputs, (n, M).

        Example:
            >>> TanhNetwork([2.0], [1.0], offset=[1.0]).evaluate([0.0]).tolist()
            [[1.0]]
        """
        x, a, b, c, d = _columns(inputs), *(v.astype(float) for v in (self.outgoing, self.incoming, self.bias, self.offset))
        return np.asarray(d + np.tanh(x @ b.T + c) @ a)

    def compute_jacobian(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Derivatives of all outputs at all inputs by all parameters, in the order a, b, c, d.

        Args:
            inputs: (n, N); (n,) for one input.

        Returns:
            (n M, parameters).
        """
        x, a, b, c = _columns(inputs), *(v.astype(float) for v in (self.outgoing, self.incoming, self.bias))
        t = np.tanh(x @ b.T + c)
        n, m = len(x), a.shape[1]
        slope = (1 - t**2)[:, None, :] * a.T[None]  # (n, M, h)
        by_outgoing = np.einsum("nh,mk->nmhk", t, np.eye(m)).reshape(n, m, -1)
        by_incoming = (slope[..., None] * x[:, None, None, :]).reshape(n, m, -1)
        by_offset = np.broadcast_to(np.eye(m), (n, m, m))
        return np.concatenate([by_outgoing, by_incoming, slope, by_offset], 2).reshape(n * m, -1)

    def replace_units(self, order: ArrayLike, signs: ArrayLike) -> TanhNetwork:
        """The same function with its units permuted and with signs changed.

        Args:
            order: Which unit comes first, second, …
            signs: +1 or -1 for each unit in its new place.

        Returns:
            The image.
        """
        o, s = np.asarray(order), np.asarray(signs)
        return TanhNetwork(self.outgoing[o] * s[:, None], self.incoming[o] * s[:, None], self.bias[o] * s, self.offset)

    def list_images(self) -> Iterator[TanhNetwork]:
        """All h! 2^h images under permutations and changes of sign, repeated where the network has a symmetry.

        Yields:
            The images.

        Raises:
            BudgetError: For more than half a million of them.
        """
        if factorial(self.units) * 2**self.units > MOST_IMAGES:
            raise BudgetError(
                f"{self.units} units: {factorial(self.units) * 2**self.units} images", f"at most {MOST_IMAGES}", "fewer units"
            )
        for order in permutations(range(self.units)):
            for signs in product((1, -1), repeat=self.units):
                yield self.replace_units(order, signs)

    def to_tuple(self) -> tuple[Any, ...]:
        """All parameters, to be compared or hashed; -0.0 is 0.0."""
        return tuple(x + 0 for v in (self.outgoing, self.incoming, self.bias, self.offset) for x in v.reshape(-1).tolist())

    def interpolate(self, other: TanhNetwork, t: float) -> TanhNetwork:
        """The point (1 - t) self + t other of the straight segment between two parameters of one shape.

        Args:
            other: Where it ends.
            t: From 0 to 1.

        Returns:
            The parameter in between.
        """
        if self.outgoing.shape != other.outgoing.shape or self.incoming.shape != other.incoming.shape:
            raise InputError("networks of different shapes", "one number of units, inputs and outputs")
        names = ("outgoing", "incoming", "bias", "offset")
        return TanhNetwork(*((1 - t) * getattr(self, name) + t * getattr(other, name) for name in names))


def _numbers(value: ArrayLike) -> Array:
    array = np.asarray(value)
    if array.dtype != object:
        array = array.astype(float)
        if not np.isfinite(array).all():
            raise InputError("a weight that is not finite", "finite numbers")
    return array


def _columns(value: ArrayLike) -> Array:
    array = _numbers(value)
    if array.ndim not in (1, 2):
        raise InputError(f"an array of shape {array.shape}", "one row for each unit or input")
    return array[:, None] if array.ndim == 1 else array
