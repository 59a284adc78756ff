"""Real log canonical thresholds: the learning coefficient λ and its multiplicity m of a polynomial or an ideal, with proof.

K ≥ 0 is the Kullback–Leibler divergence or a function comparable to it, vol{K < ε} ~ c ε^λ (−log ε)^(m−1) near a point (or over a box).
`compute_rlct` reads the problem (`question`), builds the tree of blow-ups (`resolution`), and hands the tree back as a certificate.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from flint import fmpq

from germ.algebra.analytic import find_polynomial_ideal
from germ.algebra.blowup import MAX_EXPONENTS, local_exponents
from germ.algebra.certificate import make_certificate
from germ.algebra.expression import Expression, as_text, collect_names, has_functions
from germ.algebra.leaf import NotIntegrableError
from germ.algebra.lifting import approximate, lift, points_near
from germ.algebra.linear_program import solve_linear_program
from germ.algebra.question import Question, constant_of, read_question
from germ.algebra.resolution import Budget, Resolution, evaluate, resolve
from germ.algebra.series import compute_order
from germ.algebra.syntax import parse_tree
from germ.algebra.taylor import reduce_analytic
from germ.algebra.witness import find_witness
from germ.claim import Bound, Exact, NotApplicable, Provenance, collect_versions
from germ.errors import InputError

SOURCE = "Hironaka (1964), Watanabe (2009, chapters 2 and 6); docs/certificates.md"
TAYLOR_ORDERS = (6, 10, 16)
MAX_CHECKED_LEAVES = 60  # leaves near which the sign of K is looked at


def compute_rlct(
    subject: Expression | Sequence[Expression],
    *,
    at: Any = None,
    domain: Any = None,
    prior: Any = None,
    box: Any = None,
    everywhere: bool = False,
    budget: float | Budget = 20.0,
) -> Exact | Bound | NotApplicable:
    """λ and m of K, or of Σ f_i² for the generators f_i of an ideal, by blowing up until everything is monomial.

    The integral ∫ K^{-z} φ dw over a small neighbourhood of the point within the domain has its first pole at z = λ, of order m. The search
    ends for most germs of statistical models with few parameters; where it does not within the budget, bounds come back.

    Args:
        subject: K (text, sympy expression, polynomial; analytic functions are expanded at the point), or a list of generators.
        at: The base point: "1/2, 0", "x=sqrt(2), y=0", a dict or a sequence. The origin by default.
        domain: Inequalities: "x>=0; y<=x^2", or a list of them.
        prior: The density up to a positive factor; its zeros and poles count: "abs(y)**(1/2)".
        box: Intervals "-1:2,-1:1" or a dict. Without `at` the least λ over the box is computed.
        everywhere: Whether the least λ over all of the domain is computed.
        budget: Seconds, or a Budget.

    Returns:
        Exact with a certificate; Bound where the budget ended or reality was not decided; NotApplicable where the prior has no finite
        integral near the point.

    Raises:
        InputError: If K is negative somewhere near, not zero at the point, zero everywhere, or the domain is empty there.
        ParseError: If a text cannot be read.

    Example:
        >>> print(compute_rlct("x**2*y**2"))
        λ = 1/2, m = 2, exact (Newton polyhedron, nondegenerate)
        >>> found = compute_rlct(["a*b+c*d", "a*b**3+c*d**3"])
        >>> found.learning_coefficient, found.multiplicity
        (Fraction(2, 3), 1)

    References:
        Watanabe, Algebraic Geometry and Statistical Learning Theory (2009), Theorem 6.7 and Definition 2.7; Lin, Algebraic Methods for
        Evaluating Integrals in Bayesian Statistics (2011), chapter 3.
    """
    start = time.monotonic()
    limits = _read_budget(budget)
    texts = [as_text(t) for t in (subject if isinstance(subject, (list, tuple)) else [subject])]
    if any(has_functions(parse_tree(t)) for t in texts):
        return _compute_analytic(subject, texts, start, limits, at=at, domain=domain, prior=prior, box=box, everywhere=everywhere)
    return _compute(read_question(subject, at=at, domain=domain, prior=prior, box=box, everywhere=everywhere), start, limits)


def _read_budget(budget: float | Budget) -> Budget:
    try:
        limits = budget if isinstance(budget, Budget) else Budget(seconds=float(budget))
    except (TypeError, ValueError):
        raise InputError(f"a budget of {budget!r}", "seconds, as a number, or a Budget") from None
    if not limits.seconds > 0 or limits.nodes < 1:
        raise InputError(f"a budget of {limits.seconds:g} seconds and {limits.nodes} nodes", "positive numbers")
    return limits


def _provenance(method: str, start: float, limits: Budget) -> Provenance:
    seconds = round(time.monotonic() - start, 6)
    settings = {"budget_seconds": limits.seconds, "budget_nodes": limits.nodes}
    return Provenance(method, SOURCE, "derived here", None, seconds, settings, collect_versions("python-flint"))


def _compute(question: Question, start: float, limits: Budget) -> Exact | Bound | NotApplicable:
    try:
        tree = resolve(question.root, limits)
    except NotIntegrableError as found:
        provenance = _provenance("blow-ups", start, limits)
        explanation = f"On a divisor the volume form behaves like |t|^({found.exponent}) dt: its integral near the point is infinite."
        return NotApplicable("the prior has a finite integral", explanation, provenance)
    if question.kind == "polynomial":
        _check_sign(question, tree)
    lower, upper = evaluate(tree)
    leaves = sum(1 for node in tree.nodes if not node.children)
    details: dict[str, Any] = {"charts": leaves, "nodes": len(tree.nodes), "point": _describe_point(question, tree)}
    if question.notes:
        details["notes"] = list(question.notes)
    if not tree.open_leaves and not tree.unattained:
        if tree.best.threshold is None:
            _refuse_empty(question)
        assert tree.best.threshold is not None
        provenance = _provenance(_describe_method(tree), start, limits)
        return Exact(question.factor * tree.best.threshold, tree.best.multiplicity, provenance, make_certificate(question, tree), details)
    low, high = _bounds(question, lower, upper)
    reason = tree.reason or "where the least value seems to be attained, no real point was found"
    provenance = _provenance("blow-ups", start, limits)
    return Bound(
        low,
        high,
        reason,
        provenance,
        None,
        make_certificate(question, tree),
        details | {"open": len(tree.open_leaves) + len(tree.unattained)},
    )


def _describe_method(tree: Resolution) -> str:
    kinds = {node.step.get("kind") for node in tree.nodes}
    return "Newton polyhedron, nondegenerate" if kinds <= {"rewrite", "comparable", "monomial", "reduce"} else "blow-ups"


def _refuse_empty(question: Question) -> None:
    if question.point is None:
        raise InputError("K has no zero in the interior of the domain", "a domain that contains true parameters")
    if not question.full_domain or not all(isinstance(v, fmpq) for v in question.point):
        shown = ", ".join(f"{n} = {v}" for n, v in _describe_point(question, None).items())
        raise InputError(f"K is not zero at the point {shown}, or the domain has no interior near it", "a point where K vanishes")
    raise InputError("the domain has no interior near the point", "inequalities that leave an open set", "drop one of them")


def _bounds(question: Question, lower: Fraction | None, upper: Fraction | None) -> tuple[Fraction | None, Fraction | None]:
    """Bounds of λ: those of the tree, the order of K (from below), and the Newton polyhedron at the point (from above)."""
    low = None if lower is None else question.factor * lower
    high = None if upper is None else question.factor * upper
    root = question.root
    if question.point is None or root.zero:
        return low, high
    if all(q > 0 for _, q in root.prior):
        orders = [order for g in root.ideal if (order := compute_order(g)) is not None]
        by_order = question.factor / min(orders)
        low = by_order if low is None else max(low, by_order)
    if not root.domain and not root.prior:
        if sum(map(len, root.ideal)) <= MAX_EXPONENTS:
            divisor = solve_linear_program(local_exponents(root, root.ideal), [1] * len(root.local)).value
        else:  # the point's own divisor is enough
            divisor = Fraction(len(root.local), min(order for g in root.ideal if (order := compute_order(g)) is not None))
        high = question.factor * divisor if high is None else min(high, question.factor * divisor)
    return low, high


def _describe_point(question: Question, tree: Resolution | None) -> dict[str, str]:
    """The base point; for a global problem, one where the least value is attained."""
    names = question.root.names
    if question.point is not None:
        return {
            n: str(v) if isinstance(v, fmpq) else f"root of {v.polynomial} in ({v.low}, {v.high})"
            for n, v in zip(names, question.point, strict=True)
        }
    if tree is None or tree.witness is None or tree.optimal is None:
        return {}
    values = approximate(tree.nodes[tree.optimal].state, tree.witness)
    point = lift(tree.nodes, tree.optimal, values)
    return {n: ("≈ " + f"{float(v):.9g}" if tree.witness.roots and v.q > 10**6 else str(v)) for n, v in zip(names, point, strict=True)}


def _check_sign(question: Question, tree: Resolution) -> None:
    """Look for K < 0 near the leaves, in all orthants."""
    shift = [v if isinstance(v, fmpq) else fmpq(0) for v in question.point] if question.point else None
    leaves = [i for i, node in enumerate(tree.nodes) if node.step.get("kind") == "monomial"]
    for index in leaves[:MAX_CHECKED_LEAVES]:
        state = tree.nodes[index].state
        witness = find_witness(state, ())
        if witness is None:
            continue
        for near in points_near(state, witness):
            try:
                point = lift(tree.nodes, index, near)
            except ZeroDivisionError:
                continue
            if shift:
                point = [a + b for a, b in zip(point, shift, strict=True)]
            value = question.evaluate(point)
            if value < 0 and _is_inside(question, point):
                shown = ", ".join(f"{n} = {v}" for n, v in zip(question.root.names, point, strict=True))
                raise InputError(
                    f"K is negative: K = {value} at {shown}",
                    "K ≥ 0 on the domain near the point",
                    "for K = f² give f as an ideal: --ideal; or restrict the domain",
                )


def _is_inside(question: Question, point: list[Any]) -> bool:
    ring = question.root.ring
    values = [ring.constant(v) for v in point]
    return all(constant_of(g.compose(*values, ctx=ring)) >= 0 for g in question.full_domain)


def _compute_analytic(
    subject: Any, texts: list[str], start: float, limits: Budget, *, at: Any, domain: Any, prior: Any, box: Any, everywhere: bool
) -> Exact | Bound | NotApplicable:
    """Analytic K: polynomials times units exactly; else its Taylor polynomial where that decides, bounds where it does not."""
    is_ideal = isinstance(subject, (list, tuple))
    if at is None and not box and not everywhere:
        polynomials = find_polynomial_ideal(texts, is_ideal=is_ideal)
        if polynomials is not None:
            if any(not collect_names([parse_tree(p)]) for p in polynomials):
                raise InputError(f"K is not zero at the origin: {', '.join(texts)}", "a point where K vanishes", "give one with --at")
            answer = _compute(read_question(polynomials, domain=domain, prior=prior), start, limits)
            return replace(answer, provenance=replace(answer.provenance, method=f"polynomials times units, {answer.provenance.method}"))
    if box or everywhere:
        raise InputError(
            "an analytic K over a box", "a polynomial, or a point", "give the point with at=…; over a box K has to be a polynomial"
        )
    if domain or prior is not None:
        raise InputError(
            "an analytic K with a domain or a prior", "an analytic K alone, or a polynomial K", "replace K by its leading terms"
        )
    whole = "+".join(f"({t})**2" for t in texts) if is_ideal else texts[0]
    for order in TAYLOR_ORDERS:
        found = reduce_analytic(whole, order, at)
        if found.comparable is not None:
            question = read_question(found.comparable)
            answer = _compute(question, start, limits)
            if isinstance(answer, Exact):
                details = {**answer.details, "taylor_order": order, "comparable_to": str(found.comparable)}
                method = f"Taylor polynomial of order {order}, {answer.provenance.method}"
                return Exact(
                    answer.learning_coefficient, answer.multiplicity, _provenance(method, start, limits), answer.certificate, details
                )
            return answer
    provenance = _provenance(f"Taylor polynomial of order {TAYLOR_ORDERS[-1]}", start, limits)
    return Bound(found.lower, found.upper, found.reason, provenance)
