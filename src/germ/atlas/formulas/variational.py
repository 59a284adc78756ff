"""Variational Bayes free energies, for contrast: a variational free energy is never below the Bayesian one, so each bounds λ above."""

from __future__ import annotations

from fractions import Fraction

from germ.atlas.answer import Interval, require

_REASON = "coefficient of log n in the variational free energy, which is never below the Bayesian free energy"


def compute_variational_linear(M: int, N: int, H: int, H0: int) -> Interval:
    """Linear network: (H0 (L + l) + (H - H0) l)/2 with L = max(M, N), l = min(M, N) (Nakajima & Watanabe 2007)."""
    require(H0 <= H, f"H0 = {H0}, H = {H}", "H0 <= H (the truth is in the model)")
    require(min(M, N) >= H0, f"H0 = {H0}, M = {M}, N = {N}", "true rank H0 <= min(M, N)")
    return Interval(None, Fraction(H0 * (M + N) + (H - H0) * min(M, N), 2), _REASON)


def compute_variational_gaussian_mixture(M: int, K: int, K0: int, phi0: Fraction) -> Interval:
    """Gaussian mixture: (K - K0) φ0 + (M K0 + K0 - 1)/2 for φ0 <= (M + 1)/2, else (M K + K - 1)/2 (Watanabe & Watanabe 2006)."""
    require(K0 <= K, f"K0 = {K0} true components, K = {K}", "K0 <= K (the truth is in the model)")
    require(phi0 > 0, f"phi0 = {phi0}", "a Dirichlet parameter phi0 > 0")
    if phi0 <= Fraction(M + 1, 2):
        return Interval(None, (K - K0) * phi0 + Fraction(M * K0 + K0 - 1, 2), _REASON)
    return Interval(None, Fraction(M * K + K - 1, 2), _REASON)
