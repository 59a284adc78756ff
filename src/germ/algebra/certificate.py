"""The tree of a resolution printed as a certificate: plain JSON values, as `docs/certificates.md` specifies them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mpoly

from germ.algebra.evidence import Evidence, count_real_roots, to_univariate
from germ.algebra.question import Question
from germ.algebra.real_roots import AlgebraicNumber, halve
from germ.algebra.resolution import Node, Resolution, evaluate
from germ.algebra.state import BASE, DEPENDENT, LOCAL, VANISHING, State, substitute
from germ.algebra.witness import Witness


def make_certificate(question: Question, tree: Resolution) -> dict[str, Any]:
    """Write down what a tree proves.

    Args:
        question: The problem.
        tree: Its resolution.

    Returns:
        The certificate, of plain JSON values: λ and m where the tree is finished, else bounds.
    """
    is_exact = not tree.open_leaves and not tree.unattained and tree.best.threshold is not None
    lower, upper = (None if v is None else str(question.factor * v) for v in evaluate(tree))
    claim: dict[str, Any] = {"lambda": upper, "m": tree.best.multiplicity} if is_exact else {"lower": lower, "upper": upper}
    certificate = {
        "format": "germ certificate",
        "version": 1,
        "problem": _print_problem(question),
        "claim": claim,
        "nodes": [_print_node(node) for node in tree.nodes],
    }
    if tree.optimal is not None and tree.witness is not None:
        path = [tree.optimal]
        while (parent := tree.nodes[path[-1]].parent) is not None:
            path.append(parent)
        witness = _print_witness(tree.nodes[tree.optimal].state, tree.witness)
        certificate["optimal"] = {"node": tree.optimal, "path": path[::-1], "witness": witness}
    return certificate


def _print_problem(question: Question) -> dict[str, Any]:
    names = question.root.names
    has_point = question.point is not None
    problem: dict[str, Any] = {
        "kind": question.kind,
        "variables": list(names),
        "generators": list(map(str, question.generators)),
        "point": dict(zip(names, map(_print_number, question.point or ()), strict=True)) if has_point else None,
        "box": {n: list(map(str, question.box[n])) for n in names} if question.box and not has_point else None,
        "domain": list(map(str, question.full_domain if has_point else question.domain)),
        "prior": _print_prior(question.prior),
    }
    if question.squares:
        problem["polynomial"] = str(question.polynomial)
        problem["squares"] = [
            {"coefficient": str(s.coefficient), "generator": str(s.generator), "power": s.power} for s in question.squares
        ]  # fmt: skip
    return problem


def _print_number(value: fmpq | AlgebraicNumber) -> Any:
    if isinstance(value, AlgebraicNumber):
        coefficients = [str(c) for c in value.polynomial.coeffs()]
        return {"coefficients": coefficients, "interval": [str(value.low), str(value.high)]}
    return str(value)


def _print_prior(factors: tuple[tuple[fmpq_mpoly, Fraction], ...]) -> list[dict[str, str]]:
    return [{"polynomial": str(p), "exponent": str(q)} for p, q in factors]


def _print_node(node: Node) -> dict[str, Any]:
    return {"parent": node.parent, "state": _print_state(node.state), "step": _print_step(node), "children": list(node.children)}


def _print_state(state: State) -> dict[str, Any]:
    def coordinates(role: str) -> dict[str, Any]:
        return {
            n: {"N": state.N[i], "h": str(state.h[i]), "sign": state.sign[i]} for i, n in enumerate(state.names) if state.role[i] == role
        }  # fmt: skip

    printed: dict[str, Any] = {"local": coordinates(LOCAL), "base": coordinates(BASE), "ideal": list(map(str, state.ideal))}
    for key in ("relations", "zero", "nonzero", "domain"):
        if getattr(state, key):
            printed[key] = list(map(str, getattr(state, key)))
    if state.relations:
        printed["dependent"] = [n for n, r in zip(state.names, state.role, strict=True) if r in (DEPENDENT, VANISHING)]
        printed["vanishing"] = [n for n, r in zip(state.names, state.role, strict=True) if r == VANISHING]
    if state.prior:
        printed["prior"] = _print_prior(state.prior)
    return printed


def _print_step(node: Node) -> dict[str, Any]:
    state = node.state
    if node.step["kind"] == "monomial":
        step = {k: v for k, v in node.step.items() if k != "lambda"}
        value = node.step["lambda"]
        units = [{"monomial": _exponents(state, g.monoms()[0]), "unit": str(g.leading_coefficient())} for g in state.ideal]
        return _print(state, step) | {"lambda": "inf" if value is None else str(value), "units": units}
    return {str(k): _print(state, v, str(k)) for k, v in node.step.items()}


def _exponents(state: State, exponents: Any) -> dict[str, int]:
    return {n: int(e) for n, e in zip(state.names, exponents, strict=False) if e}


def _print(state: State, value: Any, key: str = "") -> Any:
    match value:
        case Evidence():
            return _print(state, value.data)
        case fmpq_mpoly() | fmpq() | Fraction():
            return str(value)
        case Mapping() if key == "modulo":
            return [str(value.get(k, 0)) for k in range(len(state.relations))]
        case Mapping():
            return {str(k): _print(state, v, str(k)) for k, v in value.items() if v is not None}
        case tuple() if key == "monomial":
            return _exponents(state, value)
        case list() | tuple():
            return [_print(state, v) for v in value]
    return value


def _print_witness(state: State, witness: Witness) -> dict[str, Any]:
    names = state.names
    constants = {i: state.ring.constant(v) for i, v in witness.values.items()}
    dependent = [i for i, r in enumerate(state.role) if r in (DEPENDENT, VANISHING)]
    intervals = {}
    for i, root in witness.roots.items():
        relation = to_univariate(substitute(state.relations[dependent.index(i)], constants), i)
        slope = relation.derivative()
        while count_real_roots(slope, root.low, root.high) or slope(root.low) == 0 or relation(root.low) * relation(root.high) >= 0:
            root = halve(root)
        intervals[names[i]] = [str(root.low), str(root.high)]
    return {"values": {names[i]: str(v) for i, v in witness.values.items()}, "intervals": intervals}
