"""Vandermonde-type singularities <Σ_i a_ki b_i^(1+nQ)> (Aoyagi 2009, 2019) and the tanh networks that they describe."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from germ.atlas.answer import Pole, require
from germ.claim import Reliability


def compute_scalar_vandermonde(M: int, H: int, Q: int) -> Pole:
    """b_i scalar: λ = (M Q k (k+1) + 2 H)/(4 (1 + k Q)), k = max{i : 2H >= M (i (i-1) Q + 2 i)}, m = 2 iff equality."""
    # The positive root of MQ i² + (2 - Q) M i - 2H, by the integer square root.
    b = (2 - Q) * M
    k = (isqrt(b * b + 8 * M * Q * H) - b) // (2 * M * Q)
    assert M * (k * (k - 1) * Q + 2 * k) <= 2 * H < M * (k * (k + 1) * Q + 2 * (k + 1))
    equal = k >= 1 and M * (k * (k - 1) * Q + 2 * k) == 2 * H
    return Pole(Fraction(M * Q * k * (k + 1) + 2 * H, 4 * (1 + k * Q)), 2 if equal else 1)


def compute_single_vandermonde(M: int, N: int, Q: int) -> Pole:
    """H = 1: the ideal is <a_k> <b_j>, so λ = min(M, N)/2."""
    return Pole(Fraction(min(M, N), 2), 1 + (M == N))


def compute_vandermonde_pair(M: int, N: int, H: int, Q: int) -> Pole:
    """H = 2, b_i in R^N (Aoyagi 2019, Theorem 6)."""
    require(H == 2, f"H = {H}", "H = 2 in this family", "use vandermonde-H1, vandermonde-H3, or vandermonde-N1 for scalar b")
    if N == 1:
        return compute_scalar_vandermonde(M, H, Q)
    values = [Fraction(b * N + (2 - b) * M, 2) for b in range(3)]
    return Pole(min(*values, Fraction(2 * N + Q * (N - 1 + M), 2 * Q + 2)), None)


def compute_vandermonde_triple(M: int, N: int, H: int, Q: int) -> Pole:
    """H = 3, b_i in R^N (Aoyagi 2019, Theorem 6)."""
    require(H == 3, f"H = {H}", "H = 3 in this family", "use vandermonde-H1, vandermonde-H2, or vandermonde-N1 for scalar b")
    if N == 1:
        return compute_scalar_vandermonde(M, H, Q)
    values = [Fraction(b * N + (3 - b) * M, 2) for b in range(4)]
    for b in (2, 3):
        values += [Fraction(b * N + (3 - b) * M + Q * (a * (N + a - b) + (3 - a) * M), 2 * (Q + 1)) for a in range(1, b)]
    values.append(Fraction(3 * N + Q * (3 * N - 3 + 3 * M), 2 * (2 * Q + 1)))
    return Pole(min(values), None)


def compute_tanh_zero(H: int) -> Pole:
    """Σ_{i<=H} a_i tanh(b_i x) at truth 0: λ = (H + i² + i)/(4 i + 2), i = ⌊√H⌋, m = 2 iff i² = H; λ = 0 for no unit."""
    i = isqrt(H)
    return Pole(Fraction(H + i * i + i, 4 * i + 2), 2 if H and i * i == H else 1)


def cluster_units(h: int) -> Pole:
    """H units around one true nonzero unit, without the sum of their weights: λ = (i² + i + 2h)/(4 (i + 1)), i = max{i² + i <= 2h}.

    One unit is regular in b (λ = 1/2). m = 2 where 2h = i² + i and h > 1.
    """
    i = (isqrt(1 + 8 * h) - 1) // 2
    return Pole(Fraction(i * i + i + 2 * h, 4 * (i + 1)), 2 if h > 1 and i * i + i == 2 * h else 1)


def compute_tanh_general(H: int, r: int) -> Pole:
    """Truth with r distinct nonzero units: the least sum over allocations of the H - r spare units.

    The values of zero and of clusters are concave in the number of units, so the least sum puts all spare units in one place.
    """
    require(r <= H, f"r = {r} true units, H = {H}", "r <= H (the truth is in the model)")
    spare = H - r
    at_zero = compute_tanh_zero(spare)
    options = [(r + at_zero.learning_coefficient, at_zero.multiplicity or 1)]
    if r:
        cluster = cluster_units(spare + 1)
        options.append((r - Fraction(1, 2) + cluster.learning_coefficient, cluster.multiplicity or 1))
    value = min(options)[0]
    best = [m for v, m in options if v == value]
    # The cluster formula is recalled; its values for at most five units were confirmed by volume scaling.
    doubtful: Reliability | None = "recalled, unverified" if r and spare + 1 > 5 else None
    return Pole(value, max(best), reliability=doubtful)
