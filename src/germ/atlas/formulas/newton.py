"""Monomials: normal crossings, monomial ideals, and the exact linear program behind them.

For K = Σ (x^{a_i})² and a prior (or Jacobian) Π |x_j|^{h_j} near the origin,

    λ = min { <w, h + 1> : w >= 0, <w, 2 a_i> >= 1 for all i },    m = 1 + dim of the set of minimisers w

(Varchenko 1976; Howald 2001 for ideals; Lin 2011 for λ and m of statistical models).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from germ.algebra.linear_program import solve_linear_program
from germ.atlas.answer import Pole, require
from germ.errors import BudgetError

# Entries of a tableau that a second or so of exact pivoting can carry.
_LARGEST_TABLEAU = 10_000


def solve_newton_program(exponents: Sequence[Sequence[int]], costs: Sequence[Fraction]) -> Pole:
    """λ and m of K = Σ (x^a)² with Jacobian exponents costs - 1.

    Args:
        exponents: k exponent vectors a of length n, none of them zero.
        costs: h + 1 > 0, length n. A block of b coordinates that enters by its norm only is one letter of cost b (its volume is
            r^(b-1) dr).

    Returns:
        The pole.

    Raises:
        BudgetError: If the tableau would be too large for exact arithmetic.

    Example:
        >>> solve_newton_program([[1, 0], [0, 2]], [Fraction(1), Fraction(1)])
        Pole(learning_coefficient=Fraction(3, 4), multiplicity=1, note='', reliability=None)
    """
    n, k = len(costs), len(exponents)
    if n * (n + k) > _LARGEST_TABLEAU:
        raise BudgetError(
            f"{k} monomials in {n} variables",
            f"n (n + k) <= {_LARGEST_TABLEAU}",
            "leave out monomials that others divide, or variables that do not occur",
        )
    program = solve_linear_program([[2 * x for x in a] for a in exponents], costs)
    return Pole(program.value, 1 + program.face_dimension)


def compute_normal_crossing(k: tuple[int, ...], h: tuple[Fraction, ...] | None) -> Pole:
    """λ = min_j (h_j + 1)/(2 k_j), m = number of j that attain it, for K = Π w_j^{2 k_j} and a prior ~ Π |w_j|^{h_j}."""
    h = (Fraction(0),) * len(k) if h is None else h
    require(len(h) == len(k), f"{len(k)} exponents k, {len(h)} exponents h", "as many of h as of k")
    require(any(k), f"k = {list(k)}", "at least one k_j > 0 (otherwise K has no zero)")
    require(all(x > -1 for x in h), f"h = {[str(x) for x in h]}", "exponents of the prior h_j > -1, so that it is integrable")
    ratios = [(x + 1) / (2 * a) for a, x in zip(k, h, strict=True) if a]
    return Pole(min(ratios), ratios.count(min(ratios)))


def compute_monomial_ideal(exponents: tuple[tuple[int, ...], ...], h: tuple[Fraction, ...] | None) -> Pole:
    """The Newton linear program for K = Σ_i (x^{a_i})²."""
    n = len(exponents[0])
    require(all(len(a) == n for a in exponents), f"lengths {sorted({len(a) for a in exponents})}", "exponent vectors of one length")
    require(all(any(a) for a in exponents), "an exponent vector of zeros, the monomial 1", "an ideal that vanishes at the origin")
    h = (Fraction(0),) * n if h is None else h
    require(len(h) == n, f"{n} variables, {len(h)} exponents h", "one exponent h a variable")
    require(all(x > -1 for x in h), f"h = {[str(x) for x in h]}", "exponents of the prior h_j > -1, so that it is integrable")
    return solve_newton_program(sorted(set(exponents)), [x + 1 for x in h])
