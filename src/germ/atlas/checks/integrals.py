"""Checks by integrals: distribution functions at the corner of the simplex, ν by direct integration, weights of polynomial networks."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

from germ.atlas.answer import Quadrature
from germ.atlas.checks.check import Check, Disagreement, compare, find_pole
from germ.atlas.formulas import FORMULAS


def check_simplex_corner() -> str:
    """Two cells, one of them zero: K = -log(1 - w), so V(ε) is a Beta distribution function, whose exponent at 0 is α."""
    from scipy import special  # half a second: only when checks run

    alphas = (Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2), Fraction(3))
    for a, b in product(alphas, repeat=2):
        volume = [special.betainc(float(a), float(b), -math.expm1(-eps)) for eps in (1e-9, 1e-7)]
        slope = math.log(volume[1] / volume[0]) / math.log(100)
        value, m = find_pole("multinomial-boundary", alpha=(a, b), zero=(0,), truth=None)
        if abs(slope - value) > 1e-5 or m != 1:
            raise Disagreement(f"alpha = ({a}, {b}): λ = {value}, m = {m} against a slope of {slope:.6f} (formula, Beta distribution)")
    for k in range(2, 6):
        ones = (Fraction(1),) * k
        compare(
            f"{k} positive cells",
            find_pole("multinomial-boundary", alpha=ones, zero=(), truth=None),
            (Fraction(k - 1, 2), 1),
            "formula, regular",
        )
        # A zero cell is independent of the proportions of the others (the Dirichlet's neutrality): its α adds.
        one = find_pole("multinomial-boundary", alpha=(*ones, Fraction(5, 2)), zero=(k,), truth=None)[0]
        compare(f"{k} positive cells and one zero", one, Fraction(k - 1, 2) + Fraction(5, 2), "formula, sum rule")
        by_truth = FORMULAS["multinomial-boundary"](alpha=(*ones, Fraction(5, 2)), zero=None, truth=(*(Fraction(1, k),) * k, Fraction(0)))
        compare(
            f"{k} cells by their probabilities",
            by_truth,
            FORMULAS["multinomial-boundary"](alpha=(*ones, Fraction(5, 2)), zero=(k,), truth=None),
            "truth, zero",
        )
    return "25 Beta distributions, slopes to 1e-5"


def _fluctuation(family_inputs: dict[str, object]) -> float:
    answer = FORMULAS["singular-fluctuation"](**family_inputs)
    if not isinstance(answer, Quadrature):
        raise Disagreement(f"{family_inputs}: {answer} instead of a number")
    return answer.value


def check_fluctuation() -> str:
    """ν = E[Var θ | ξ]/2 by integration over θ for each noise ξ, on the line and the half line; p/2 where the prior is flat."""
    import numpy as np

    for p in range(1, 7):
        regular = _fluctuation({"lam": Fraction(p, 2), "p": p, "half_line": False})
        if abs(regular - p / 2) > 1e-9:
            raise Disagreement(f"p = {p}: ν = {regular} against p/2 (formula, regular model)")
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    for lam, half in product((Fraction(1, 2), Fraction(1, 4), Fraction(1, 6)), (False, True)):
        # θ = ± u^(1/(2λ)) turns the prior |θ|^(2λ-1) dθ into du.
        u = (np.arange(200_000) + 0.5) / 200_000 * 12.0 ** (2 * float(lam))
        theta = u ** (1 / (2 * float(lam)))
        total = 0.0
        for xi, weight in zip(nodes, weights / np.sqrt(2 * np.pi), strict=True):
            sides = [(theta, 1)] if half else [(theta, 1), (-theta, 1)]
            moments = np.zeros(3)
            for t, _ in sides:
                density = np.exp(-t * t / 2 + xi * t - max(xi, 0) ** 2 / 2)
                moments += [density.sum(), (t * density).sum(), (t * t * density).sum()]
            mean, square = moments[1] / moments[0], moments[2] / moments[0]
            total += weight * (square - mean * mean) / 2
        found = _fluctuation({"lam": lam, "p": 1, "half_line": half})
        if abs(found - total) > 2e-4:
            raise Disagreement(f"lam = {lam}, half_line = {half}: ν = {found:.6f} against {total:.6f} (formula, direct integration)")
    return "six cases on the line and half line to 2e-4; flat priors to 1e-9"


def check_polynomial_network() -> str:
    """Two-parameter networks: expand the network; its least weighted form has no real zero besides the origin, so λ = 3/(2 degree)."""
    import sympy

    u, t, x, y = sympy.symbols("u t x y")
    layer = ((u, t**2), (t**2, (u - t) ** 2))  # u = t1 + t2, t = t1, t2 = u - t
    for r, depth in ((2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 2)):
        signal = [x, y]
        for step in range(depth):
            signal = [sum(w * (s if step == 0 else s**r) for w, s in zip(row, signal, strict=True)) for row in layer]
        coefficients = [c for s in signal for c in sympy.Poly(sympy.expand(s), x, y).coeffs()]
        terms = [dict(sympy.Poly(c, u, t).terms()) for c in coefficients]
        degree = min(2 * a + b for one in terms for a, b in one)
        leading = [sum(k * u**a * t**b for (a, b), k in one.items() if 2 * a + b == degree) for one in terms]
        leading = [f for f in leading if f != 0]
        common = leading[0]
        for f in leading[1:]:
            common = sympy.gcd(common, f)
        on_axis, off_axis = sympy.Poly(common.subs(t, 0), u), sympy.Poly(common.subs(t, 1), u)
        if on_axis.is_zero or off_axis.count_roots() > 0:
            raise Disagreement(f"r={r} L={depth}: the forms of degree {degree} share a real zero")
        compare(f"r={r} L={depth}", find_pole("pnn-2d", r=r, L=depth), (Fraction(3, 2 * degree), 1), "closed form, least weighted degree")
    return "six networks, λ and m"


CHECKS = (
    Check("zero cells = Beta distribution", ("multinomial-boundary",), check_simplex_corner),
    Check("fluctuation by direct integration", ("singular-fluctuation",), check_fluctuation),
    Check("polynomial networks by weighted degree", ("pnn-2d",), check_polynomial_network, tier="slow"),
)
