"""The search: blow up, split and change coordinates until every leaf is monomial; keep the tree, which is the proof.

The search goes depth first, zero sets before their complements (the deepest points usually hold the least value), and keeps the best value
that is attained at a real point. A branch whose monomial generators alone have a value that is no better is closed at once, since a larger
ideal has a larger value. Budgets of nodes and seconds turn what is left into `open` leaves, which give bounds instead of a hang.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from germ.algebra.leaf import INFINITE, Leaf, Value, solve_leaf
from germ.algebra.moves import Move, advance, settle, split, split_by_domain
from germ.algebra.state import State
from germ.algebra.witness import Witness, find_witness

MAX_DEPTH = 120
MAX_TERMS = 10_000  # of one generator; later steps would take longer than any budget
MAX_DEGREE = 5_000  # in one variable; the checker reads twice that


@dataclass
class Node:
    """One state of the tree.

    Args:
        state: The state.
        parent: Index of the node above.
        depth: Number of steps from the root.
        step: The step that was taken.
        children: Indices of the nodes below.
        value: A lower bound of the state's value, exact for monomial leaves.
    """

    state: State
    parent: int | None
    depth: int
    step: dict[str, Any] = field(default_factory=dict)
    children: list[int] = field(default_factory=list)
    value: Value | None = None


@dataclass(frozen=True)
class Budget:
    """Limits of a search.

    Args:
        seconds: Wall time.
        nodes: Nodes of the tree.
    """

    seconds: float = 20.0
    nodes: int = 20_000


@dataclass
class Resolution:
    """A tree with what it proves.

    Args:
        nodes: The tree; the root is the first.
        best: The least value that is attained, with the leaf and a real point.
        optimal: Index of that leaf.
        witness: A point there.
        unattained: Leaves whose value would be less, but where no real point was found.
        open_leaves: Leaves that were not finished.
        reason: Why they were not.
    """

    nodes: list[Node]
    best: Value = INFINITE
    optimal: int | None = None
    witness: Witness | None = None
    unattained: list[int] = field(default_factory=list)
    open_leaves: list[int] = field(default_factory=list)
    reason: str = ""


def resolve(root: State, budget: Budget) -> Resolution:
    """Build the tree of a state.

    Args:
        root: The state.
        budget: Limits.

    Returns:
        The tree and its best value.

    Raises:
        NotIntegrableError: If the volume form has no finite integral near a point.
    """
    search = _Search(root, budget)
    search.run()
    return search.result


class _Search:
    def __init__(self, root: State, budget: Budget) -> None:
        self.result = Resolution([Node(root, None, 0)])
        self.budget = budget
        self.undecided: list[int] = []
        self.stop = time.monotonic() + budget.seconds

    def run(self) -> None:
        result = self.result
        self.explore([0])
        while self.drop_dominated():  # real points were not found; the inequalities may decide whether there are any
            index = min(result.unattained, key=lambda k: result.nodes[k].depth)
            result.unattained.remove(index)
            node = result.nodes[index]
            move = self.refine(node.state)
            if move is None or time.monotonic() > self.stop:
                self.undecided.append(index)
                continue
            node.value = None
            self.explore(list(self.take(index, move)))
        result.unattained = self.undecided
        self.drop_dominated()

    def refine(self, state: State) -> Move | None:
        """Look closer at a leaf without a known real point: at the base variables that should be 0 there, then at the inequalities."""
        leaf = solve_leaf(state)
        if leaf is not None and leaf.zero_base and state.domain:
            return split(state, [state.gens[leaf.zero_base[0]]])
        return split_by_domain(state) or advance(state)

    def explore(self, stack: list[int]) -> None:
        """Visit all nodes below those of a stack."""
        while stack:
            index = stack.pop()
            stack += self.visit(index)

    def drop_dominated(self) -> bool:
        """Forget the leaves without a known real point that would not be better than the best; whether any are left."""
        result = self.result
        for index in list(result.unattained):
            value = result.nodes[index].value
            if value is not None and not value.dominates(result.best):
                result.unattained.remove(index)
        return bool(result.unattained)

    def visit(self, index: int) -> list[int]:
        """Take one step at a node; the children come back in the order in which a stack should hold them."""
        node = self.result.nodes[index]
        if time.monotonic() > self.stop or len(self.result.nodes) > self.budget.nodes or node.depth > MAX_DEPTH:
            return self.leave_open(index, "the budget of time, nodes or depth was spent")
        if _has_exploded(node.state):
            return self.leave_open(index, f"a polynomial grew beyond {MAX_TERMS} terms or degree {MAX_DEGREE}")
        move = settle(node.state)
        if move is not None:
            return self.take(index, move)
        leaf = solve_leaf(node.state)
        if leaf is not None:
            return self.close(index, leaf)
        if self.prune(index):
            return []
        move = advance(node.state)
        if move is None:
            return self.leave_open(index, "no move of the engine applies")
        return self.take(index, move)

    def take(self, index: int, move: Move) -> list[int]:
        node = self.result.nodes[index]
        node.step = move.step
        for state in move.children:
            node.children.append(len(self.result.nodes))
            self.result.nodes.append(Node(state, index, node.depth + 1))
        if not move.children:
            node.value = INFINITE
        return node.children

    def leave_open(self, index: int, reason: str) -> list[int]:
        self.result.nodes[index].step = {"kind": "open", "lower": None, "reason": reason}
        self.result.open_leaves.append(index)
        self.result.reason = self.result.reason or reason
        return []

    def close(self, index: int, leaf: Leaf) -> list[int]:
        """Finish a leaf: if its value would be the best, look for a real point, or split by the domain."""
        node, result = self.result.nodes[index], self.result
        if leaf.value.dominates(result.best):
            witness = find_witness(node.state, leaf.zero_base)
            if witness is not None:
                result.best, result.optimal, result.witness = leaf.value, index, witness
            else:
                result.unattained.append(index)
        node.value, node.step = leaf.value, leaf.step
        return []

    def prune(self, index: int) -> bool:
        """Close a node whose monomial generators alone show that it cannot beat the best value."""
        result, state = self.result, self.result.nodes[index].state
        keep = [k for k, g in enumerate(state.ideal) if len(g) == 1]
        if not keep or result.best.threshold is None or state.prior:
            return False
        smaller = state.change(ideal=tuple(state.ideal[k] for k in keep))
        leaf = solve_leaf(smaller)
        if leaf is None or leaf.value.dominates(result.best):
            return False
        children = self.take(index, Move({"kind": "relax", "keep": keep, "keep_domain": list(range(len(state.domain)))}, (smaller,)))
        child = result.nodes[children[0]]
        child.value, child.step = leaf.value, leaf.step
        return True


def _has_exploded(state: State) -> bool:
    polynomials = (*state.ideal, *state.relations, *state.zero, *state.nonzero, *state.domain, *(p for p, _ in state.prior))
    return any(len(g) > MAX_TERMS or (len(g) and max(g.degrees(), default=0) > MAX_DEGREE) for g in polynomials)


def evaluate(resolution: Resolution) -> tuple[Fraction | None, Fraction | None]:
    """Lower and upper bound of λ that the tree proves (None: nothing)."""
    upper = resolution.best.threshold
    if resolution.open_leaves:
        return None, upper
    lower = upper
    for index in resolution.unattained:
        value = resolution.nodes[index].value
        if value is not None and value.threshold is not None and (lower is None or value.threshold < lower):
            lower = value.threshold
    return lower, upper
