"""Factor models and factorisations: factor analysis, W Wᵀ, stochastic and nonnegative matrices, tensors."""

from __future__ import annotations

from fractions import Fraction

from germ.atlas.answer import Interval, Pole, require
from germ.atlas.formulas.linear_networks import reduce_rank


def compute_factor_analysis(m: int, k: int, l: int) -> Pole | Interval:
    """λ = ((k + 2) m + l (m - k + 1))/4 below the Ledermann bound (m - k)² >= m + k; a bound beyond it.

    Variances and the l true factors solve m + m l - l (l - 1)/2 equations; the k - l spare factors of m - l rows enter as a quartic.
    """
    require(k <= m, f"k = {k} factors, m = {m} variables", "k <= m")
    require(l <= k, f"l = {l} true factors, k = {k}", "l <= k (the truth is in the model)")
    value, saturated = Fraction((k + 2) * m + l * (m - k + 1), 4), Fraction(m * (m + 1), 4)
    if m - k >= 0 and (m - k) ** 2 >= m + k:
        return Pole(value)
    if (m, k) == (2, 1):
        # One covariance λ_1 λ_2: a normal crossing at truth 0, a submersion at any other.
        return Pole(Fraction(3, 2), 2 if l == 0 else 1, reliability="derived here")
    upper = min(value, saturated) if l == 0 else saturated
    return Interval(None, upper, "outside the Ledermann range (m - k)² >= m + k, where the formula can exceed dim/2", "derived here")


def compute_psd_factor(p: int, k: int, r: int) -> Pole:
    """Σ = W Wᵀ of true rank r: λ = (r p - r (r - 1)/2)/2 + (p - r)(k - r)/4; the rest is |W'|⁴ on the boundary of the cone."""
    require(r <= min(p, k), f"r = {r}, p = {p}, k = {k}", "r <= min(p, k)")
    return Pole(Fraction(2 * r * p - r * (r - 1), 4) + Fraction((p - r) * (k - r), 4))


def compute_lda(M: int, N: int, H: int, rho: int) -> Pole:
    """Latent Dirichlet allocation: λ = (M - 1)/2 + λ_RRR(M - 1, N - 1, H - 1, ρ), with ρ the affine rank of the true columns."""
    require(rho <= min(M, N, H) - 1, f"rho = {rho}, M = {M}, N = {N}, H = {H}", "rho <= min(M, N, H) - 1 (affine rank)")
    rest = reduce_rank(M - 1, N - 1, H - 1, rho)
    return Pole(Fraction(M - 1, 2) + rest.learning_coefficient, rest.multiplicity)


def compute_nmf(M: int, N: int, H: int, H0: int, phi_U: Fraction, phi_V: Fraction) -> Pole | Interval:
    """Nonnegative factorisation with gamma priors: ((H - H0) min(M φ_U, N φ_V) + H0 (M + N - 1))/2; exact for H0 = 0."""
    require(H0 <= H, f"H0 = {H0}, H = {H}", "H0 <= H (the truth is in the model)")
    require(min(M, N) >= H0, f"H0 = {H0}, M = {M}, N = {N}", "nonnegative rank H0 <= min(M, N)")
    require(phi_U > 0 and phi_V > 0, f"phi_U = {phi_U}, phi_V = {phi_V}", "positive shapes of the priors")
    value = ((H - H0) * min(M * phi_U, N * phi_V) + H0 * (M + N - 1)) / 2
    if H0 == 0:
        return Pole(value, 1 + H * (M * phi_U == N * phi_V), reliability="derived here")
    return Interval(None, value, "a bound; equality is known for H0 = 0 only")


def compute_zero_tensor(dims: tuple[int, ...]) -> Pole:
    """Canonical polyadic model of rank 1 at the zero tensor: a product of maximal ideals."""
    return Pole(Fraction(min(dims), 2), dims.count(min(dims)))


def compute_tensor_bound(dims: tuple[int, ...], H: int, H0: int) -> Interval:
    """(H0 (Σ d - (k - 1)) + (H - H0) min d)/2: true terms regular up to scaling, spare terms zero through one factor."""
    require(H0 <= H, f"H0 = {H0}, H = {H}", "H0 <= H (the truth is in the model)")
    value = Fraction(H0 * (sum(dims) - len(dims) + 1) + (H - H0) * min(dims), 2)
    return Interval(None, value, "one point of the fibre, of which others may be deeper")
