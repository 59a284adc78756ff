"""`check_certificate`: the tree as a whole: every step, the least value over the leaves, and a point where it is attained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from germ.checker.blowup import check_symmetry, read_renaming
from germ.checker.leaf import INFINITY, TRIVIAL, Value, check_empty, check_monomial, combine
from germ.checker.polynomial import Polynomial, parse
from germ.checker.state import Coordinate, State, read_fraction, read_integer, read_list, read_object, read_state, require
from germ.checker.steps import INNER, read_lower
from germ.checker.sturm import count_roots
from germ.checker.witness import check_witness
from germ.errors import CertificateError

MAX_BYTES = 200_000_000
_ANY = Coordinate(0, Fraction(0), "any")


@dataclass(frozen=True)
class Verdict:
    """What a certificate proves.

    Args:
        lower: Largest λ that is proved to be a lower bound.
        upper: Smallest λ that is proved to be an upper bound, or None.
        multiplicity: m, where λ is proved.
        nodes: Number of nodes that were checked.
        problem: The problem, as in the file.
    """

    lower: Fraction
    upper: Fraction | None
    multiplicity: int | None
    nodes: int
    problem: Mapping[str, Any]

    def __str__(self) -> str:
        if self.multiplicity is not None:
            return f"λ = {self.lower}, m = {self.multiplicity}: proved ({self.nodes} nodes checked)"
        return f"{self.lower} <= λ" + (f" <= {self.upper}" if self.upper is not None else "") + f": proved ({self.nodes} nodes checked)"


@dataclass(frozen=True)
class Node:
    """A node as read: its state, its step and its children."""

    state: State
    step: dict[str, Any]
    children: tuple[int, ...]


def load_certificate(path: Path) -> dict[str, Any]:
    """Read a certificate's JSON from a file.

    Args:
        path: The file.

    Returns:
        The document, not yet checked.

    Raises:
        CertificateError: If it is missing, too large, truncated or not JSON.
    """
    try:
        size = path.stat().st_size
        require(size <= MAX_BYTES, f"a file of {size} bytes", f"at most {MAX_BYTES}")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}", "a certificate written by germ rlct --certificate") from None
    except (ValueError, RecursionError) as error:
        raise CertificateError(f"{path} is not JSON: {error}", "a whole certificate file", "write it again; it may be truncated") from None
    return read_object(document)


def check_certificate(document: object) -> Verdict:
    """Check a certificate.

    Args:
        document: The parsed JSON.

    Returns:
        What it proves; equal to what it claims.

    Raises:
        CertificateError: At the first thing that does not hold, with the node.

    References:
        docs/certificates.md, which this follows step by step.
    """
    top = read_object(document, required=("format", "version", "problem", "claim", "nodes"), optional=("optimal",))
    require(top["format"] == "germ certificate" and top["version"] == 1, "another format", "germ certificate, version 1")
    problem = read_object(top["problem"], required=("kind", "variables", "generators"))
    require(problem["kind"] in ("polynomial", "ideal"), f"the kind {str(problem['kind'])[:40]!r}", "polynomial or ideal")
    nodes = _read_nodes(top["nodes"])
    require(_same_state(nodes[0].state, make_root(problem)), "node 0: a state that is not the problem's")
    values: dict[int, Value] = {}
    try:
        for index in range(len(nodes)):
            _check_node(nodes, index)
        _evaluate(nodes, values)
        return _conclude(top, problem, nodes, values)
    except RecursionError:
        raise CertificateError("a certificate nested too deeply", "expressions of moderate depth") from None


def _read_nodes(value: object) -> list[Node]:
    found, parents = [], []
    for index, entry in enumerate(read_list(value)):
        with _at(index):
            node = read_object(entry, required=("parent", "state", "step", "children"), optional=())
            step = read_object(node["step"], required=("kind",))
            children = tuple(read_integer(c, index + 1) for c in read_list(node["children"]))
            found.append(Node(read_state(node["state"]), step, children))
            parents.append(node["parent"])
    require(found, "no nodes")
    claimed = [(c, i) for i, node in enumerate(found) for c in node.children]
    require(
        sorted(c for c, _ in claimed) == list(range(1, len(found))), "nodes that are not a tree", "each node but the first has one parent"
    )
    require(parents[0] in (None, -1), "a parent of node 0", "null")
    for child, parent in claimed:
        require(parents[child] == parent, f"node {child}: parent {parents[child]}", f"{parent}")
    return found


class _at:  # noqa: N801 - reads as the context that it is
    """Say at which node something failed."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, CertificateError) and not error.got.startswith("node "):
            raise CertificateError(f"node {self.index}: {error.got}", error.expected, error.remedy) from None


def make_root(problem: Mapping[str, Any]) -> State:
    """The state of a problem's root: the germ at its point, or all base points of its box.

    Args:
        problem: The `problem` of a certificate.

    Returns:
        The state.

    Raises:
        CertificateError: If the problem is malformed.
    """
    variables = [str(x) for x in read_list(problem["variables"])]
    require(len(set(variables)) == len(variables) and all(x.isidentifier() for x in variables), f"the variables {variables}")
    ideal = [parse(g) for g in read_list(problem["generators"])]
    _check_squares(problem, ideal)
    domain = [parse(p) for p in read_list(problem.get("domain") or [])]
    prior = []
    for entry in read_list(problem.get("prior") or []):
        factor = read_object(entry, required=("polynomial", "exponent"), optional=())
        prior.append((parse(factor["polynomial"]), read_fraction(factor["exponent"])))
    if problem.get("box") is not None:
        require(problem.get("point") is None, "a point and a box", "one of them")
        box = read_object(problem["box"], required=tuple(variables), optional=())
        for x in variables:
            low, high = (parse(end) for end in read_list(box[x]))
            w = Polynomial.monomial({x: 1})
            domain += [w - low, high - w]
        return State({}, dict.fromkeys(variables, _ANY), ideal=tuple(ideal), domain=tuple(domain), prior=tuple(prior))
    if problem.get("point") is None:
        return State({}, dict.fromkeys(variables, _ANY), ideal=tuple(ideal), domain=tuple(domain), prior=tuple(prior))
    return _make_germ(read_object(problem["point"], required=tuple(variables), optional=()), tuple(ideal), domain, tuple(prior))


def _make_germ(
    point: Mapping[str, Any], ideal: tuple[Polynomial, ...], domain: list[Polynomial], prior: tuple[tuple[Polynomial, Fraction], ...]
) -> State:
    """The germ at a point; an algebraic coordinate stays a base coordinate, which its polynomial and its interval fix."""
    rational = {x: read_fraction(v) for x, v in point.items() if not isinstance(v, dict)}
    shift = {x: Polynomial.monomial({x: 1}) + Polynomial.constant(v) for x, v in rational.items()}
    state = State(
        dict.fromkeys(rational, _ANY), dict.fromkeys(point.keys() - rational.keys(), _ANY), ideal=ideal, domain=tuple(domain), prior=prior
    )
    state = state.map_polynomials(lambda p, key: p.substitute(shift))
    zero: list[Polynomial] = []
    interval: list[Polynomial] = []
    for x, value in point.items():
        if x in rational:
            continue
        root = read_object(value, required=("coefficients", "interval"), optional=())
        w = Polynomial.monomial({x: 1})
        coefficients = [read_fraction(c) for c in read_list(root["coefficients"])]
        low, high = (read_fraction(end) for end in read_list(root["interval"]))
        require(
            count_roots(coefficients, low, high) == 1, f"an interval of {x} with {count_roots(coefficients, low, high)} roots", "one root"
        )
        zero.append(sum(((w**k).scale(c) for k, c in enumerate(coefficients)), Polynomial.constant(0)))
        interval += [w - Polynomial.constant(low), Polynomial.constant(high) - w]
    return replace(state, zero=tuple(zero), domain=(*state.domain, *interval))


def _check_squares(problem: Mapping[str, Any], ideal: list[Polynomial]) -> None:
    if not problem.get("squares"):
        require(problem["kind"] == "ideal" or len(ideal) == 1, "a polynomial with several generators", "one generator")
        return
    require(problem["kind"] == "ideal", "squares of a polynomial", "kind ideal")
    total = Polynomial.constant(0)
    squares = read_list(problem["squares"])
    require(len(squares) == len(ideal), f"{len(squares)} squares for {len(ideal)} generators")
    for entry, generator in zip(squares, ideal, strict=True):
        item = read_object(entry, required=("coefficient", "generator", "power"), optional=())
        coefficient, g, power = read_fraction(item["coefficient"]), parse(item["generator"]), read_integer(item["power"], 1)
        require(coefficient > 0, f"a square with the coefficient {coefficient}", "a positive one")
        require(not g**power - generator, "a generator that is not the root of its square")
        total = total + (g ** (2 * power)).scale(coefficient)
    require(not parse(problem.get("polynomial")) - total, "the polynomial is not the sum of its squares")


def _same_state(a: State, b: State) -> bool:
    def normal(s: State) -> tuple[Any, ...]:
        lists = (s.relations, s.zero, s.nonzero, s.ideal, s.domain)
        return (
            dict(s.local), dict(s.base), s.dependent, s.vanishing, [[dict(p.terms) for p in row] for row in lists],
            [(dict(p.terms), q) for p, q in s.prior],
        )  # fmt: skip

    return normal(a) == normal(b)


def _check_node(nodes: list[Node], index: int) -> None:
    node = nodes[index]
    kind = node.step["kind"]
    with _at(index):
        if kind in INNER:
            children = [nodes[c].state for c in node.children]
            expected = INNER[kind](node.state, node.step, children)
            require(len(expected) == len(children), f"{len(children)} children of a step {kind}", f"{len(expected)}")
            for number, (wanted, child) in enumerate(zip(expected, children, strict=True)):
                require(_same_state(wanted, child), f"child {number} (node {node.children[number]}) is not what the step {kind} makes")
            return
        require(kind in ("monomial", "empty", "open", "same"), f"a step of the kind {str(kind)[:40]!r}", f"{', '.join(INNER)}, or a leaf")
        require(not node.children, f"children of a {kind} leaf", "none")
        if kind == "same":
            target = read_integer(node.step.get("node"))
            require(target < len(nodes), f"the node {target}", f"one of {len(nodes)}")
            check_symmetry(node.state, nodes[target].state, read_renaming(node.step.get("renaming", {}), node.state))


def _evaluate(nodes: list[Node], values: dict[int, Value]) -> None:
    """Lower bounds of all values, children before parents; a circle of `same` steps is refused."""
    pending: list[int] = [0]
    open_nodes: set[int] = set()
    while pending:
        index = pending[-1]
        node = nodes[index]
        needed = [read_integer(node.step.get("node"))] if node.step["kind"] == "same" else list(node.children)
        missing = [c for c in needed if c not in values]
        if missing:
            require(index not in open_nodes, f"node {index}: a step that rests on itself", "no circles")
            open_nodes.add(index)
            require(not open_nodes & set(missing), f"node {index}: a step that rests on itself", "no circles")
            pending.extend(missing)
            continue
        pending.pop()
        open_nodes.discard(index)
        if index not in values:
            with _at(index):
                values[index] = _value(node, [values[c] for c in needed])


def _value(node: Node, children: list[Value]) -> Value:
    match node.step["kind"]:
        case "monomial":
            return check_monomial(node.state, node.step)
        case "empty":
            return check_empty(node.state, node.step)
        case "open":
            return Value(read_lower(node.step), INFINITY)
        case "sum" | "product" as kind:
            return combine(kind, children)
        case _:
            return min(children, key=lambda v: v.key) if children else TRIVIAL


def _conclude(top: dict[str, Any], problem: Mapping[str, Any], nodes: list[Node], values: dict[int, Value]) -> Verdict:
    factor = Fraction(1) if problem["kind"] == "polynomial" else Fraction(1, 2)
    claim = read_object(top["claim"])
    reached = _check_optimal(top["optimal"], nodes, values) if top.get("optimal") is not None else None
    lower = values[0]
    if "lambda" in claim:
        require(reached is not None, "a claim of λ without an optimal leaf")
        assert reached is not None
        least, m = read_fraction(claim["lambda"]), read_integer(claim.get("m"), 1)
        require(reached.learning != INFINITY and factor * Fraction(reached.learning) == least and reached.multiplicity == m,
                f"the claim λ = {least}, m = {m}", f"what the optimal leaf shows: {reached}")  # fmt: skip
        require(lower.key >= reached.key, f"a leaf of the value {lower}, below the claim", f"at least {reached}")
        return Verdict(least, least, m, len(nodes), problem)
    claimed = read_object(claim, required=("lower", "upper"), optional=("m",))
    low = None if claimed["lower"] is None else read_fraction(claimed["lower"])
    high = None if claimed["upper"] is None else read_fraction(claimed["upper"])
    proved = INFINITY if lower.learning == INFINITY else factor * Fraction(lower.learning)
    require(low is None or low <= proved, f"the lower bound {low}", f"at most {proved}, which the tree shows")
    if high is not None:
        require(reached is not None and reached.learning != INFINITY, f"the upper bound {high} without an optimal leaf")
        assert reached is not None
        require(factor * Fraction(reached.learning) <= high, f"the upper bound {high}", f"at least {factor * Fraction(reached.learning)}")
    return Verdict(low or Fraction(0), high, None, len(nodes), problem)


def _check_optimal(value: object, nodes: list[Node], values: dict[int, Value]) -> Value:
    """The value that is attained: at one leaf, or at one leaf of each part of the sums and products above it."""
    entries = read_list(value) if isinstance(value, list) else [value]
    leaves: dict[int, dict[str, Any]] = {}
    above: dict[int, set[int]] = {}
    for entry in entries:
        item = read_object(entry, required=("node", "path", "witness"), optional=())
        path = [read_integer(i) for i in read_list(item["path"])]
        require(path and path[0] == 0 and path[-1] == item["node"] and max(path) < len(nodes), f"the path {path}", "from 0 to the leaf")
        for i, j in pairwise(path):
            require(j in nodes[i].children, f"the path {path}: {j} is no child of {i}")
            require(nodes[i].step["kind"] != "relax", f"the path {path} through the relaxed node {i}", "exact steps only")
            above.setdefault(i, set()).add(j)
        require(path[-1] not in leaves, f"the leaf {path[-1]} twice")
        leaves[path[-1]] = item

    def attained(index: int) -> Value:
        node = nodes[index]
        if index in leaves:
            with _at(index):
                require(node.step["kind"] == "monomial" and index not in above, f"an optimal {node.step['kind']}", "a monomial leaf")
                vanishing = {str(x) for x, w in zip(node.step["variables"], node.step.get("primal", []), strict=False)
                             if x in node.state.base and read_fraction(w) > 0}  # fmt: skip
                check_witness(node.state, leaves[index]["witness"], vanishing)
            return values[index]
        below = sorted(above[index])
        kind = node.step["kind"]
        if kind in ("sum", "product"):
            # A part without base points would leave the whole without any, so each part has to show one.
            require(below == sorted(node.children), f"node {index}: optimal leaves of some parts of a {kind} only", "all parts")
            return combine(kind, [attained(i) for i in below])
        require(len(below) == 1, f"node {index}: two optimal leaves of a {node.step['kind']}", "one")
        return attained(below[0])

    return attained(0)
