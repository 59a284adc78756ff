"""What is asked: K or an ideal, at a point or over a box, with domain and prior, read into the root state of a resolution.

An ideal ⟨f_i⟩ means K = Σ f_i². A polynomial K is taken apart where it is visibly a sum Σ c g^{2k} with c > 0 (then the
g^k are generators); otherwise K itself is the generator, and has to be ≥ 0 on the domain near the points that count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mpoly, fmpq_poly

from germ.algebra.density import parse_prior
from germ.algebra.expression import Expression, as_text, collect_names, has_functions, make_ring, parse_polynomials, to_polynomial
from germ.algebra.real_roots import AlgebraicNumber
from germ.algebra.region import parse_box, parse_domain, parse_point
from germ.algebra.state import ANY, BASE, LOCAL, State, substitute
from germ.algebra.syntax import parse_tree
from germ.errors import InputError


@dataclass(frozen=True)
class Square:
    """A summand c·g^(2·power) of K."""

    coefficient: fmpq
    generator: fmpq_mpoly
    power: int


@dataclass(frozen=True)
class Question:
    """A problem with its root state.

    Args:
        kind: "polynomial" (K itself is the generator) or "ideal" (K = Σ f_i²).
        generators: The generators, in the user's coordinates.
        squares: How K was taken apart, where a polynomial was given; else empty.
        polynomial: K as it was given, if it was.
        point: Coordinates of the base point; None for a global problem.
        box: Intervals, where given.
        domain: Inequalities in the user's coordinates, without those of the box.
        prior: Factors in the user's coordinates.
        root: The state that the resolution starts from.
        notes: What the reader of the answer has to know (a truncated prior).
    """

    kind: str
    generators: tuple[fmpq_mpoly, ...]
    squares: tuple[Square, ...]
    polynomial: fmpq_mpoly | None
    point: tuple[fmpq | AlgebraicNumber, ...] | None
    box: Mapping[str, tuple[fmpq, fmpq]] | None
    domain: tuple[fmpq_mpoly, ...]
    prior: tuple[tuple[fmpq_mpoly, Fraction], ...]
    root: State
    notes: tuple[str, ...] = ()

    @property
    def factor(self) -> Fraction:
        """λ of K over the root's value."""
        return Fraction(1) if self.kind == "polynomial" else Fraction(1, 2)

    @property
    def full_domain(self) -> tuple[fmpq_mpoly, ...]:
        """The inequalities with those of the box."""
        return self.domain + box_inequalities(self.root, self.box)

    def evaluate(self, values: Sequence[fmpq]) -> fmpq:
        """K at a rational point (Σ f_i² for an ideal)."""
        ring = self.root.ring
        found = [constant_of(g.compose(*map(ring.constant, values), ctx=ring)) for g in self.generators]
        return found[0] if self.kind == "polynomial" else sum((v * v for v in found), fmpq(0))


def constant_of(p: fmpq_mpoly) -> fmpq:
    """The value of a constant polynomial."""
    return fmpq(0) if p.is_zero() else p.leading_coefficient()


def box_inequalities(state: State, box: Mapping[str, tuple[fmpq, fmpq]] | None) -> tuple[fmpq_mpoly, ...]:
    """The inequalities x − low ≥ 0, high − x ≥ 0 of a box."""
    if not box:
        return ()
    gens = dict(zip(state.names, state.gens, strict=True))
    return tuple(p for name in state.names for low, high in [box[name]] for p in (gens[name] - low, high - gens[name]))


def find_squares(text: str, names: Sequence[str]) -> tuple[Square, ...]:
    """Take K apart as Σ c·g^(2·power), c > 0, by the summands of its text, or as one square.

    Args:
        text: K.
        names: The ring's variables.

    Returns:
        The summands; empty if K is not visibly such a sum.
    """
    ring = make_ring(names)
    tree = parse_tree(text)
    parts = [to_polynomial(t, ring, text) for t in (tree.children if tree.kind == "sum" else (tree,))]
    squares = [_as_square(p) for p in parts if not p.is_zero()]
    if squares and all(s is not None for s in squares):
        return tuple(s for s in squares if s is not None)
    whole = _as_square(sum(parts, ring.constant(0)))
    return () if whole is None else (whole,)


def _as_square(p: fmpq_mpoly) -> Square | None:
    if p.is_zero() or p.is_constant():
        return None
    constant, factors = p.factor_squarefree()
    if constant < 0 or any(int(e) % 2 for _, e in factors):
        return None
    power = int(min(e for _, e in factors)) // 2
    if any(int(e) // 2 % power for _, e in factors):
        power = 1
    g = p.context().constant(1)
    for f, e in factors:
        g *= f ** (int(e) // 2 // power)
    return Square(constant, g, power)


def _collect(texts: Sequence[str], domain: Any, prior: Any) -> list[str]:
    """Variables in order of appearance, those of K first, then of the domain, then of the prior; but x, y, z among them in this order."""
    trees = [parse_tree(t) for t in texts]
    if domain:
        parts = domain.replace("≥", ">=").replace("≤", "<=").split(";") if isinstance(domain, str) else [as_text(d) for d in domain]
        sides = [side for part in parts for side in part.replace(">=", "<=").split("<=")]
        trees += [parse_tree(s) for s in sides if s.strip() and not set(s) & set("<>=")]
    if prior is not None:
        trees.append(parse_tree(as_text(prior)))
    names = collect_names(trees)
    usual = iter(n for n in ("x", "y", "z") if n in names)
    return [next(usual) if n in ("x", "y", "z") else n for n in names]


def read_question(
    subject: Expression | Sequence[Expression],
    *,
    at: Any = None,
    domain: Any = None,
    prior: Any = None,
    box: Any = None,
    everywhere: bool = False,
) -> Question:
    """Read a problem.

    Args:
        subject: K, or the generators of an ideal (a list or tuple).
        at: The base point; the origin by default, unless there is a box or `everywhere`.
        domain: Inequalities.
        prior: A density.
        box: Intervals for all variables, as text or as a mapping to pairs.
        everywhere: Whether the minimum over the whole domain is asked for.

    Returns:
        The problem with its root state.

    Raises:
        InputError: If K does not vanish at the point, is zero everywhere, or the point lies outside of the domain.
        ParseError: If a text cannot be read.
    """
    is_ideal = isinstance(subject, (list, tuple))
    texts = [as_text(t) for t in (subject if is_ideal else [subject])]
    if not texts:
        raise InputError("an ideal without generators", "at least one polynomial")
    names = _collect(texts, domain, prior)
    if not names:
        raise InputError(f"{texts[0]!r} has no variables", "a polynomial in parameters")
    given = parse_polynomials(texts, names)
    if all(g.is_zero() for g in given):
        raise InputError("K is zero everywhere", "a function with isolated or lower-dimensional zeros", "λ would be 0: every w is true")
    squares = () if is_ideal else find_squares(texts[0], names)
    kind = "ideal" if is_ideal or squares else "polynomial"
    generators = tuple(s.generator**s.power for s in squares) or tuple(given)
    inequalities = tuple(g for g in parse_domain(domain, names) if not _is_always_true(g)) if domain else ()
    density = parse_prior(prior, names) if prior is not None else None
    notes: tuple[str, ...] = ()
    if density is not None and density.remainder_order is not None:
        notes = (f"the prior was replaced by its Taylor polynomial of degree {density.remainder_order - 1}",)
    intervals = _read_box(box, names)
    point = None
    if at is not None or not (box or everywhere):
        point = parse_point(at, names) if at is not None else tuple(fmpq(0) for _ in names)
    factors = density.factors if density else ()
    ring = make_ring(names)
    n = len(names)
    plain = State(ring, (BASE,) * n, (0,) * n, (Fraction(0),) * n, (ANY,) * n, generators, domain=inequalities, prior=factors)
    everything = plain.change(domain=inequalities + box_inequalities(plain, intervals))
    root = everything if point is None else _centre(everything, point)
    question = Question(kind, generators, squares, None if is_ideal else given[0], point, intervals, inequalities, factors, root, notes)
    if point is not None and all(isinstance(v, fmpq) for v in point):
        _check_point(question, everything, [v for v in point if isinstance(v, fmpq)])
    return question


def _is_always_true(g: fmpq_mpoly) -> bool:
    return g.is_zero() or (g.is_constant() and g.leading_coefficient() > 0)


def _read_box(box: Any, names: Sequence[str]) -> dict[str, tuple[fmpq, fmpq]] | None:
    if not box:
        return None
    if isinstance(box, str):
        return parse_box(box, names)
    pairs = box.items() if isinstance(box, Mapping) else zip(names, box, strict=False)
    return parse_box(",".join(f"{name}={as_text(low)}:{as_text(high)}" for name, (low, high) in pairs), names)


def _centre(state: State, point: tuple[fmpq | AlgebraicNumber, ...]) -> State:
    """Shift a rational point to the origin; an algebraic coordinate stays a base variable that is a root of its polynomial."""
    ring = state.ring
    role = list(state.role)
    values: dict[int, fmpq_mpoly] = {}
    zero: list[fmpq_mpoly] = []
    extra: list[fmpq_mpoly] = []
    for i, v in enumerate(point):
        x = state.gens[i]
        if isinstance(v, AlgebraicNumber):
            zero.append(_in_variable(v.polynomial, x))
            extra += [x - v.low, v.high - x]
        else:
            role[i] = LOCAL
            values[i] = x + v
    return state.change(
        role=tuple(role),
        ideal=tuple(substitute(g, values) for g in state.ideal),
        zero=tuple(zero),
        domain=(*(substitute(g, values) for g in state.domain), *extra),
        prior=tuple((substitute(p, values), q) for p, q in state.prior),
    ).change(ring=ring)


def _in_variable(p: fmpq_poly, x: fmpq_mpoly) -> fmpq_mpoly:
    total = x.context().constant(0)
    for c in reversed(p.coeffs()):
        total = total * x + c
    return total


def _check_point(question: Question, everything: State, point: list[fmpq]) -> None:
    ring = question.root.ring
    values = list(map(ring.constant, point))
    shown = ", ".join(f"{n} = {v}" for n, v in zip(question.root.names, point, strict=True))
    for g in everything.domain:
        at = constant_of(g.compose(*values, ctx=ring))
        if at < 0:
            raise InputError(f"the point {shown} is outside of the domain: {g} = {at}", "a point where all inequalities hold")
    for g in question.generators:
        at = constant_of(g.compose(*values, ctx=ring))
        if at != 0:
            what = "K" if question.kind == "polynomial" or question.polynomial is not None else "the generator"
            raise InputError(
                f"{what} is not zero at the point {shown}: {g} = {at}",
                "a point where K vanishes",
                "give a true parameter with --at, or a --box",
            )


__all__ = ["Question", "Square", "has_functions", "read_question"]
