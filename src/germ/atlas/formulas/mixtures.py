"""Mixtures: how much surplus components cost, which depends on the prior of their weights.

With weights on the simplex all second moments add up without cancelling, so K near the truth is a sum of squares of
Σ a - a*, first moments and Σ a_i |b_i|²: the sum rule gives λ. With weights of either sign moments can cancel, and λ is smaller.
"""

from __future__ import annotations

from fractions import Fraction

from germ.atlas.answer import Interval, Pole, require
from germ.atlas.formulas.vandermonde import cluster_units


def _require_components(H: int, r: int) -> None:
    require(r <= H, f"r = {r} true components, H = {H}", "r <= H (the truth is in the model)")


def compute_mixture(H: int, r: int, N: int, alpha: Fraction, weights: tuple[Fraction, ...] | None) -> Pole:
    """λ = (r - 1 + rN + (H - r) min(α, N/2))/2, m = 1 + (H - r) [α = N/2]: Dirichlet(α) weights, parameters in R^N."""
    _require_components(H, r)
    require(alpha > 0, f"alpha = {alpha}", "a Dirichlet parameter alpha > 0")
    if weights is not None:
        require(len(weights) == r, f"{len(weights)} true weights, r = {r}", "one weight a true component")
        require(all(w > 0 for w in weights), f"weights = {[str(w) for w in weights]}", "positive true weights")
        require(sum(weights) == 1, f"weights sum to {sum(weights)}", "true weights that sum to 1")
    tie = alpha == Fraction(N, 2)
    return Pole((r - 1 + r * N + (H - r) * min(alpha, Fraction(N, 2))) / 2, 1 + (H - r) * tie)


def compute_signed_mixture(H: int, r: int) -> Pole:
    """Scalar parameter, weights of either sign that sum to 1: all surplus in one cluster of H - r + 1 components."""
    _require_components(H, r)
    cluster = cluster_units(H - r + 1)
    return Pole(Fraction(2 * (r - 1), 2) + cluster.learning_coefficient, cluster.multiplicity)


def compute_location_scale_mixture(alpha: Fraction) -> Pole:
    """Two Gaussians of unknown mean and variance, one true: λ = 1 + min(α, 1)/2, m = 1, 3, 2 for α <, =, > 1.

    In the weight a and the differences δ of means, ε of variances (shifted by δ²/3), K is comparable to the squares of a δ ε, a ε² and
    a δ⁴; mean and variance add 1. The Newton program gives α/2 (the weight vanishes) against 1/2 (an edge of solutions in δ, ε).
    """
    require(alpha > 0, f"alpha = {alpha}", "a Dirichlet parameter alpha > 0")
    return Pole(1 + min(alpha, Fraction(1)) / 2, 1 if alpha < 1 else 3 if alpha == 1 else 2)


def compute_sbic_bound(H: int, r: int, D: int, phi: Fraction | None) -> Interval:
    """min{r D + r - 1 + φ (H - r), H D + r - 1}/2: surplus weights at zero, or surplus components on a true one."""
    _require_components(H, r)
    phi = Fraction(D + 1, 2) if phi is None else phi
    require(phi > 0, f"phi = {phi}", "a Dirichlet parameter phi > 0")
    return Interval(
        None, min(r * D + r - 1 + phi * (H - r), Fraction(H * D + r - 1)) / 2, "two points of the fibre, of which others may be deeper"
    )


def compute_gaussian_mixture_bound(M: int, K: int, K0: int) -> Interval:
    """(K + M K0 - 1)/2: means in R^M, uniform weights, surplus weights at zero."""
    require(K0 <= K, f"K0 = {K0} true components, K = {K}", "K0 <= K (the truth is in the model)")
    return Interval(None, Fraction(K + M * K0 - 1, 2), "one point of the fibre, of which others may be deeper")
