"""Singular fluctuation ν of models whose K is |θ|² in some θ of R^p under an isotropic singular prior |θ|^(2λ-p).

At inverse temperature 1, E[WAIC] and the generalisation error exceed the truth's by λ/n, the training error by (λ - 2ν)/n
(Watanabe 2009, chapter 6). The posterior in √n θ is that of a Gaussian shift with noise ξ ~ N(0, 1_p), and by Stein's identity
ν = E[Var]/2 = E[ξ·<θ>]/2:

    ν = E[ ρ d/dρ log 1F1(λ; p/2; ρ²/2) ] / 2,   ρ² ~ χ²_p,

and on the half line θ >= 0 with 1F1 replaced by a parabolic cylinder function.
"""

from __future__ import annotations

import math
from fractions import Fraction

from germ.atlas.answer import Outside, Quadrature, require

_LARGEST = 100
# ρ and ξ this far out have density below 1e-17, also for p = 100.
_REACH = 9.0


def compute_fluctuation(lam: Fraction, p: int, half_line: bool) -> Quadrature | Outside:
    """ν by one-dimensional quadrature.

    Args:
        lam: λ of the model.
        p: Dimension of θ.
        half_line: θ >= 0 (p = 1), e.g. y = w² x.

    Returns:
        ν and the quadrature's error.
    """
    require(0 < lam <= _LARGEST, f"lam = {lam}", f"0 < lam <= {_LARGEST}")
    require(not half_line or p == 1, f"half_line with p = {p}", "half_line only with p = 1")
    if lam < Fraction(1, 1000):
        return Outside("λ >= 1/1000", "the quadrature loses digits where the prior is nearly concentrated at θ = 0")
    value, error = _integrate_half_line(float(lam)) if half_line else _integrate_ball(float(lam), p)
    # Special functions of scipy carry some 1e-12 relative error; the quadrature reports its own.
    return Quadrature(value, error + 1e-11 * value, "ν")


def _integrate_ball(a: float, p: int) -> tuple[float, float]:
    from scipy import integrate, special  # half a second: only where ν is asked for

    b, scale = p / 2, (1 - p / 2) * math.log(2) - math.lgamma(p / 2)

    def integrand(rho: float) -> float:
        z = rho * rho / 2
        mean = 2 * z * (a / b) * special.hyp1f1(a + 1, b + 1, z) / special.hyp1f1(a, b, z)
        return mean / 2 * rho ** (p - 1) * math.exp(scale - z)

    return integrate.quad(integrand, 0, math.sqrt(p) + _REACH, epsabs=1e-12, epsrel=1e-11, limit=200)


def _integrate_half_line(a: float) -> tuple[float, float]:
    from scipy import integrate, special

    def integrand(s: float) -> float:
        mean = 2 * a * special.pbdv(-2 * a - 1, -s)[0] / special.pbdv(-2 * a, -s)[0]
        return s * mean / 2 * math.exp(-s * s / 2) / math.sqrt(2 * math.pi)

    return integrate.quad(integrand, -_REACH, _REACH, epsabs=1e-12, epsrel=1e-11, limit=200)
