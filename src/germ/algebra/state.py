"""States of a resolution: an ideal, a volume form and a domain near a set of base points, in coordinates.

A state is a germ of integrals ∫ |x^N J|^{-z} |x|^h ∏|p|^q dx along a set B of real points: the *local* coordinates are 0 on B, the *base*
coordinates move along it, restricted by signs, by `zero` polynomials that vanish and by `nonzero` polynomials that do not. *Dependent*
variables are analytic functions of the coordinates, given by as many relations; they carry algebraic numbers such as √2.
`docs/certificates.md` defines all of this and says what a state's value (λ, m) is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

ANY, NONNEGATIVE, POSITIVE, NEGATIVE = "any", "nonnegative", "positive", "negative"
LOCAL, BASE, DEPENDENT, VANISHING = "l", "b", "d", "z"  # VANISHING: a dependent variable that is 0 on B

MAX_FACTORED = 1_500  # terms of a polynomial that is factored
MAX_FACTORED_DEGREE = 1_000

Prior = tuple[fmpq_mpoly, Fraction]
Monomial = tuple[int, ...]


@dataclass(frozen=True)
class State:
    """A germ of integrals along B.

    Args:
        ring: The ring of coordinates and dependent variables.
        role: One of LOCAL, BASE, DEPENDENT, VANISHING for each variable.
        N: Exponents of the coordinates in front of the ideal.
        h: Exponents of the coordinates in the volume form.
        sign: ANY, NONNEGATIVE, POSITIVE or NEGATIVE for each variable.
        ideal: Generators of J.
        relations: Polynomials that define the dependent variables, in the order of those.
        zero: Polynomials that vanish on B.
        nonzero: Polynomials that do not vanish on B.
        domain: Inequalities g ≥ 0 of the domain.
        prior: Factors (p, q) of the volume form.
    """

    ring: fmpq_mpoly_ctx
    role: tuple[str, ...]
    N: tuple[int, ...]
    h: tuple[Fraction, ...]
    sign: tuple[str, ...]
    ideal: tuple[fmpq_mpoly, ...]
    relations: tuple[fmpq_mpoly, ...] = ()
    zero: tuple[fmpq_mpoly, ...] = ()
    nonzero: tuple[fmpq_mpoly, ...] = ()
    domain: tuple[fmpq_mpoly, ...] = ()
    prior: tuple[Prior, ...] = ()

    def change(self, **fields: Any) -> State:
        """A state with some fields changed."""
        return replace(self, **fields)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the ring's variables."""
        return tuple(self.ring.names())

    @cached_property
    def gens(self) -> tuple[fmpq_mpoly, ...]:
        """The ring's variables."""
        return tuple(self.ring.gens())

    @cached_property
    def vanishing(self) -> frozenset[int]:
        """Indices of the variables that are 0 on B."""
        return frozenset(i for i, r in enumerate(self.role) if r in (LOCAL, VANISHING))

    @cached_property
    def coordinates(self) -> tuple[int, ...]:
        """Indices of local and base variables."""
        return tuple(i for i, r in enumerate(self.role) if r in (LOCAL, BASE))

    @cached_property
    def local(self) -> tuple[int, ...]:
        """Indices of local variables."""
        return tuple(i for i, r in enumerate(self.role) if r == LOCAL)

    @cached_property
    def known(self) -> tuple[fmpq_mpoly, ...]:
        """The polynomials that are listed as nonzero, on B; their factors do not vanish there either."""
        return tuple(self.restrict(p) for p in self.nonzero)

    @cached_property
    def unit_variables(self) -> frozenset[int]:
        """Indices of the base and dependent variables that divide an entry of `nonzero` or have a strict sign."""
        listed = {i for p in self.known if not p.is_zero() for i, e in enumerate(terms_of(p.term_content())[0][0]) if e}
        return frozenset(listed | {i for i, s in enumerate(self.sign) if s in (POSITIVE, NEGATIVE)})

    @cached_property
    def _zeros(self) -> list[fmpq_mpoly]:
        zero = self.ring.constant(0)
        return [zero if i in self.vanishing else g for i, g in enumerate(self.gens)]

    def restrict(self, p: fmpq_mpoly) -> fmpq_mpoly:
        """P on B: local variables set to 0."""
        return p.compose(*self._zeros, ctx=self.ring) if self.vanishing and not p.is_constant() else p

    @cached_property
    def evidence_cache(self) -> dict[str, Any]:
        """What is known about polynomials on B; filled by `germ.algebra.evidence`."""
        return {}

    def is_free(self, i: int) -> bool:
        """Whether variable i is a coordinate without exponents and with any sign."""
        return self.role[i] in (LOCAL, BASE) and not self.N[i] and not self.h[i] and self.sign[i] == ANY

    def monomial(self, exponents: Monomial) -> fmpq_mpoly:
        """The monomial with these exponents."""
        return self.ring.from_dict({tuple(exponents): 1})


def make_monic(p: fmpq_mpoly) -> fmpq_mpoly:
    """P over its leading coefficient."""
    if p.is_zero():
        return p
    c = p.leading_coefficient()
    return p if c == 1 else p / c


def terms_of(p: fmpq_mpoly) -> list[tuple[Monomial, fmpq]]:
    """The terms of p: exponents as ints, coefficients."""
    return [(tuple(map(int, e)), c) for e, c in zip(p.monoms(), p.coeffs(), strict=True)]


def content_of(p: fmpq_mpoly, allowed: tuple[int, ...] | frozenset[int]) -> Monomial:
    """Exponents of the greatest monomial in the allowed variables that divides p."""
    e = terms_of(p.term_content())[0][0]
    return tuple(v if v and i in allowed else 0 for i, v in enumerate(e))


def degree_in(p: fmpq_mpoly, i: int) -> int:
    """Degree of p in variable i (0 for the zero polynomial)."""
    return 0 if p.is_zero() else int(p.degrees()[i])


def coefficients_in(p: fmpq_mpoly, i: int) -> list[fmpq_mpoly]:
    """Coefficients of p as a polynomial in variable i, lowest first."""
    ring = p.context()
    parts: list[dict[Monomial, fmpq]] = [{} for _ in range(degree_in(p, i) + 1)]
    for e, c in terms_of(p):
        parts[e[i]][(*e[:i], 0, *e[i + 1 :])] = c
    return [ring.from_dict(d) for d in parts]


def factors_of(p: fmpq_mpoly) -> tuple[fmpq, list[tuple[fmpq_mpoly, int]]]:
    """A constant and the irreducible factors of p with their powers; p itself where it is too long to be factored in little time."""
    if len(p) > MAX_FACTORED or p.total_degree() > MAX_FACTORED_DEGREE:
        return fmpq(1), [(p, 1)]
    constant, factors = p.factor()
    return constant, [(f, int(power)) for f, power in factors]


def variables_of(p: fmpq_mpoly) -> list[int]:
    """Indices of the variables that occur in p."""
    return [] if p.is_constant() else [i for i, d in enumerate(p.degrees()) if d > 0]


def substitute(p: fmpq_mpoly, values: dict[int, fmpq_mpoly]) -> fmpq_mpoly:
    """P with polynomials of the same ring in place of variables."""
    ring = p.context()
    return p if p.is_constant() else p.compose(*[values.get(i, g) for i, g in enumerate(ring.gens())], ctx=ring)
