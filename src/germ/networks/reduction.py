"""Which tanh networks can be made smaller without a change of their function, the smallest one, and how large the set of equals is.

A network is reducible if and only if one of four things holds (Sussmann 1992): a unit with outgoing weights 0; a unit with incoming
weights 0; two units with equal incoming weights and bias; two units with opposite ones. Taking all of that away leaves a network that is
determined by the function up to order and signs, so that its size, the rank of the parameter, is a property of the function.

Reducible parameters are where the model is singular: the Fisher information loses rank exactly there (Fukumizu 1996), because the
functions 1, tanh(b_i·x + c_i) and their derivatives are linearly independent for units that differ by more than a sign.

References:
    Sussmann (1992), Uniqueness of the weights for minimal feedforward nets with a given input-output map.
    Fukumizu (1996), A regularity condition of the information matrix of a multilayer perceptron network.
    Farrugia-Roberts (2022), Structural degeneracy in neural networks, chapters 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from germ.networks.tanh import Array, TanhNetwork

Condition = Literal["outgoing weights 0", "incoming weights 0", "equal units", "opposite units"]


@dataclass(frozen=True)
class Reduction:
    """A reason why a network can be made smaller.

    Args:
        condition: Which of the four.
        units: The unit or the two units.
    """

    condition: Condition
    units: tuple[int, ...]


def find_reductions(network: TanhNetwork) -> tuple[Reduction, ...]:
    """All reasons why a network can be made smaller; none for an irreducible one.

    Args:
        network: The network.

    Returns:
        The conditions that hold.

    Example:
        >>> [r.condition for r in find_reductions(TanhNetwork([1.0, 2.0, 0.0], [0.5, -0.5, 1.0]))]
        ['outgoing weights 0', 'opposite units']
    """
    found = [Reduction("outgoing weights 0", (i,)) for i in range(network.units) if not network.outgoing[i].any()]
    found += [Reduction("incoming weights 0", (i,)) for i in range(network.units) if not network.incoming[i].any()]
    rows = _incoming_rows(network)
    for i, j in combinations(range(network.units), 2):
        if rows[i] == rows[j]:
            found.append(Reduction("equal units", (i, j)))
        elif rows[i] == tuple(-x for x in rows[j]):
            found.append(Reduction("opposite units", (i, j)))
    return tuple(found)


def _incoming_rows(network: TanhNetwork) -> list[tuple[Any, ...]]:
    return [(*b, c) for b, c in zip(network.incoming.tolist(), network.bias.tolist(), strict=True)]


def choose_sign(incoming: tuple[Any, ...]) -> int:
    """The sign that makes the first weight other than 0 positive.

    Args:
        incoming: Incoming weights of a unit.

    Returns:
        1 or -1.
    """
    return next((1 if x > 0 else -1 for x in incoming if x != 0), 1)


def group_units(network: TanhNetwork) -> tuple[dict[tuple[Any, ...], list[tuple[int, int]]], list[int]]:
    """Units that are equal up to sign.

    Args:
        network: The network.

    Returns:
        Incoming weights and bias, of positive sign, to the units (number, sign) that have them; and the units of incoming weights 0.
    """
    groups: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
    constant = []
    for i, row in enumerate(_incoming_rows(network)):
        if not any(row[:-1]):
            constant.append(i)
            continue
        sign = choose_sign(row[:-1])
        groups.setdefault(tuple(sign * x + 0 for x in row), []).append((i, sign))
    return groups, constant


def compress_network(network: TanhNetwork, *, tolerance: float = 0.0) -> TanhNetwork:
    """The smallest network of the same function, its units in a fixed order and of positive sign: a canonical form.

    Args:
        network: The network.
        tolerance: Sums of outgoing weights up to this size count as 0, for weights whose sums are rounded.

    Returns:
        The network; equal functions have equal canonical forms up to rounding (Sussmann 1992).

    Example:
        >>> smaller = compress_network(TanhNetwork([1.0, 2.0, 3.0], [0.5, -0.5, 0.0], [0.1, -0.1, 0.2]))
        >>> smaller.outgoing.tolist(), smaller.incoming.tolist()
        ([[-1.0]], [[0.5]])
    """
    groups, constant = group_units(network)
    offset = network.offset
    for i in constant:
        offset = offset + network.outgoing[i] * np.tanh(float(network.bias[i]))
    rows, sums = [], []
    for row in sorted(groups):
        total = sum(sign * network.outgoing[i] for i, sign in groups[row])
        if any(abs(x) > tolerance for x in total):
            rows.append(row)
            sums.append(total)
    inputs, outputs = network.incoming.shape[1], network.outgoing.shape[1]
    incoming = np.array([row[:-1] for row in rows], network.incoming.dtype).reshape(len(rows), inputs)
    return TanhNetwork(np.array(sums).reshape(len(rows), outputs), incoming, np.array([row[-1] for row in rows]), offset)


def compute_rank(network: TanhNetwork, *, tolerance: float = 0.0) -> int:
    """Number of units of the smallest network of the same function.

    Args:
        network: The network.
        tolerance: As in `compress_network`.

    Returns:
        The rank.
    """
    return compress_network(network, tolerance=tolerance).units


def is_equivalent(first: TanhNetwork, second: TanhNetwork, *, tolerance: float = 1e-12) -> bool:
    """Whether two networks are the same function, by their canonical forms.

    Args:
        first: A network.
        second: A network, of any number of units.
        tolerance: Difference that rounding may make in the weights of the canonical forms.

    Returns:
        Whether they are.
    """
    one, two = compress_network(first, tolerance=tolerance), compress_network(second, tolerance=tolerance)
    same_shape = one.outgoing.shape == two.outgoing.shape and one.incoming.shape == two.incoming.shape
    return same_shape and all(abs(x - y) <= tolerance for x, y in zip(one.to_tuple(), two.to_tuple(), strict=True))


def compute_class_dimension(units: int, rank: int, *, inputs: int = 1, outputs: int = 1) -> int:
    """Dimension of the set of all parameters of h units that give one function of rank r: (h - r)(max(N, M) + 1).

    A spare unit has free incoming weights and bias where its outgoing weights are 0 (N + 1), and free outgoing weights and bias where its
    incoming weights are 0 (M + 1; the offset makes up for the constant). Sharing an active unit's place frees fewer.

    Args:
        units: h.
        rank: r.
        inputs: N.
        outputs: M.

    Returns:
        The dimension; 0 for an irreducible network, of which there are only images.
    """
    return (units - rank) * (max(inputs, outputs) + 1)


def compute_fisher_rank(network: TanhNetwork) -> int:
    """Rank of the Fisher information of y = f(x) + noise, by counting linearly independent derivatives of f.

    With distinct units up to sign: M constants; for each place (b, c) the M functions tanh and, for each dimension that the outgoing
    weights at that place span, tanh' and x_j tanh'; units of incoming weights 0 add the linear functions x_j.

    Args:
        network: The network.

    Returns:
        The rank for inputs whose distribution has a density; less than the number of parameters exactly where the network is reducible.

    Example:
        >>> compute_fisher_rank(TanhNetwork([1.0, 2.0], [0.5, 1.0])), compute_fisher_rank(TanhNetwork([1.0, 0.0], [0.5, 1.0]))
        (7, 5)
    """
    groups, constant = group_units(network)
    inputs, outputs = network.incoming.shape[1], network.outgoing.shape[1]
    spans = [_span(network.outgoing[[i for i, _ in members]]) for members in groups.values()]
    return outputs + sum(outputs + span * (inputs + 1) for span in spans) + (_span(network.outgoing[constant]) * inputs if constant else 0)


def _span(rows: Array) -> int:
    return int(np.linalg.matrix_rank(rows.astype(float)))
