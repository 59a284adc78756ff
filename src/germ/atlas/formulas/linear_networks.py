"""Products of matrices: reduced rank regression, deep linear networks, and models that reduce to them.

All rest on two theorems. Aoyagi & Watanabe (2005): λ and m of {(A, B) : BA = T}. Aoyagi (2024): the same for a product of any number of
layers. The local values at other points of the same fibre (`compute_local_reduced_rank`) follow by splitting off the solvable equations.
"""

from __future__ import annotations

from fractions import Fraction

from germ.atlas.answer import Interval, Pole, require


def reduce_rank(M: int, N: int, H: int, r: int) -> Pole:
    """λ and m of reduced rank regression at its deepest point; sizes may be 0 here.

    Args:
        M: Inputs.
        N: Outputs.
        H: Hidden width.
        r: Rank of the true map, r <= min(M, N, H).

    Returns:
        The pole (Aoyagi & Watanabe 2005, Main Theorem).

    Example:
        >>> reduce_rank(6, 6, 4, 3)
        Pole(learning_coefficient=Fraction(15, 1), multiplicity=2, note='', reliability=None)
    """
    if N + r > M + H:
        return Pole(Fraction(H * M - H * r + N * r, 2))
    if M + r > N + H:
        return Pole(Fraction(H * N - H * r + M * r, 2))
    if H + r > M + N:
        return Pole(Fraction(M * N, 2))
    odd = (M + H + N + r) % 2
    return Pole(Fraction(2 * (H + r) * (M + N) - (M - N) ** 2 - (H + r) ** 2 + odd, 8), 1 + odd)


def _require_rank(r: int, sizes: tuple[int, ...], names: str) -> None:
    require(
        r <= min(sizes),
        f"rank r = {r}, {names} = {', '.join(map(str, sizes))}",
        f"r <= min({names})",
        "a map through these widths has no such rank",
    )


def compute_reduced_rank(M: int, N: int, H: int, r: int) -> Pole:
    """Reduced rank regression y = BAx, global."""
    require(
        r <= H,
        f"rank r = {r}, hidden width H = {H}",
        "r <= H (the truth is in the model)",
        "the family rrr-underfit has the case of a true rank above the hidden width",
    )
    _require_rank(r, (M, N, H), "M, N, H")
    return reduce_rank(M, N, H, r)


def compute_underfit_reduced_rank(M: int, N: int, H: int) -> Pole:
    """True rank above H with distinct singular values: the best maps of rank H form a smooth manifold of maps."""
    require(min(M, N) > H, f"H = {H}, M = {M}, N = {N}", "H < min(M, N), so that a true rank above H exists", "use the family rrr")
    return Pole(Fraction(H * (M + N - H), 2))


def compute_local_reduced_rank(M: int, N: int, H: int, r: int, rankA: int, rankB: int) -> Pole:
    """Reduced rank regression at a point of the fibre where A (H x M) and B (N x H) have given ranks.

    MN - (M - rankA)(N - rankB) of the equations BA = T have independent differentials and are solved; the others are a product of an
    (N - rankB) x (H - rankA - rankB + r) and an (H - rankA - rankB + r) x (M - rankA) matrix near zero.
    """
    a, b = rankA, rankB
    _require_rank(r, (M, N, H), "M, N, H")
    require(a <= min(M, H), f"rankA = {a}, A is {H} x {M}", "rankA <= min(M, H)")
    require(b <= min(N, H), f"rankB = {b}, B is {N} x {H}", "rankB <= min(N, H)")
    require(r <= min(a, b), f"r = {r}, rankA = {a}, rankB = {b}", "the rank of BA is at most the ranks of A and B")
    require(a + b - r <= H, f"rankA + rankB - r = {a + b - r}, H = {H}", "rank BA >= rankA + rankB - H (Sylvester)")
    rest = reduce_rank(M - a, N - b, H - a - b + r, 0)
    return Pole(Fraction(M * N - (M - a) * (N - b), 2) + rest.learning_coefficient, rest.multiplicity)


def multiply_layers(widths: tuple[int, ...], r: int) -> Pole:
    """λ and m of a deep linear network at its deepest point (Aoyagi 2024); widths may be 0 here.

    With M^(s) = width_s - r, take the ℓ + 1 smallest with sum S such that S >= ℓ max of them and S < ℓ min of the rest. With
    a = S - (⌈S/ℓ⌉ - 1) ℓ:  λ = (r (H_1 + H_{L+1}) - r²)/2 + a(ℓ-a)/(4ℓ) - ℓ(ℓ-1)/4 (S/ℓ)² + Σ_{i<j} M_i M_j / 2,  m = a(ℓ-a) + 1.
    """
    excess = sorted(w - r for w in widths)
    total = squares = 0
    for i, size in enumerate(excess):
        total, squares = total + size, squares + size * size
        if i and total >= i * size and (i + 1 == len(excess) or total < i * excess[i + 1]):
            break
    else:  # pragma: no cover - the condition holds for some prefix (Aoyagi 2024, Lemma)
        raise AssertionError(f"no layer set for {widths}, {r}")
    l, a = i, total - (-(-total // i) - 1) * i
    value = Fraction(r * (widths[0] + widths[-1]) - r * r, 2) + Fraction(a * (l - a), 4 * l)
    value += -Fraction(l - 1, 4 * l) * total * total + Fraction(total * total - squares, 4)
    return Pole(value, a * (l - a) + 1)


def compute_deep_linear(widths: tuple[int, ...], r: int) -> Pole:
    """Deep linear network, global."""
    require(len(widths) >= 2, f"{len(widths)} width", "at least an input and an output width")
    require(
        r <= min(widths), f"rank r = {r}, smallest width {min(widths)}", "r <= every width", "a map through these widths has no such rank"
    )
    return multiply_layers(widths, r)


def compute_local_deep_linear(widths: tuple[int, ...], r: int, ranks: tuple[int, ...]) -> Pole | Interval:
    """Deep linear network at a point whose layers have given ranks: exact at depth 2 or at ranks r, else an interval."""
    require(len(widths) >= 2, f"{len(widths)} width", "at least an input and an output width")
    require(len(ranks) == len(widths) - 1, f"{len(ranks)} ranks, {len(widths) - 1} layers", "one rank a layer")
    for i, rank in enumerate(ranks):
        most = min(widths[i], widths[i + 1])
        require(r <= rank <= most, f"layer {i + 1} of rank {rank}", f"r = {r} <= rank <= min of its widths = {most}")
    least = sum(ranks) - sum(widths[1:-1])
    require(r >= least, f"r = {r}, ranks {list(ranks)}", f"rank of the product >= sum of the ranks - inner widths = {least} (Sylvester)")
    kept = [i for i, rank in enumerate(ranks) if not widths[i] == widths[i + 1] == rank]  # invertible layers are coordinates
    if not kept:
        return Pole(Fraction(widths[0] * widths[-1], 2))
    sizes, rest = (widths[0], *(widths[i + 1] for i in kept)), tuple(ranks[i] for i in kept)
    if len(rest) == 1:
        return Pole(Fraction(sizes[0] * sizes[1], 2))
    if len(rest) == 2:
        return compute_local_reduced_rank(sizes[0], sizes[2], sizes[1], r, rest[0], rest[1])
    if set(rest) == {r}:
        return multiply_layers(sizes, r)
    lower, upper = multiply_layers(sizes, r).learning_coefficient, Fraction(sizes[0] * sizes[-1], 2)
    return Interval(
        lower, upper, "the ranks of the layers do not fix the orbit at depth >= 3: between the deepest point and all equations independent"
    )


def compute_softmax_linear(widths: tuple[int, ...], r: int) -> Pole:
    """Softmax output: the logits matter up to a common shift, so the output width is one less; r is the rank of the centred map."""
    require(len(widths) >= 2, f"{len(widths)} width", "at least an input and an output width")
    require(widths[-1] >= 2, f"{widths[-1]} class", "at least two classes")
    return compute_deep_linear((*widths[:-1], widths[-1] - 1), r)


def compute_uniform_attention(v: int, e: int) -> Pole:
    """One softmax attention head of embedding width e over v tokens, uniform truth: reduced rank regression (v, v - 1, e, 0)."""
    return reduce_rank(v, v - 1, e, 0)


def compute_concept_bottleneck(M: int, N: int, K: int, rB: int) -> Pole:
    """Y = ABx and c = Bx: the concepts fix B (KN equations), then A on the range of B (M rank B)."""
    _require_rank(rB, (K, N), "K, N")
    return Pole(Fraction(K * N + M * rB, 2))


def compute_multitask(M: int, N: int, K: int, H: int, r: int) -> Pole:
    """Y and concepts as outputs of one hidden layer: reduced rank regression with M + K outputs."""
    return compute_reduced_rank(N, M + K, H, r)


def compute_partial_concept_bottleneck(M: int, N: int, K1: int, K2: int, rprime: int) -> Pole:
    """K2 observed concepts (B2 of full rank) solve K2 (M + N) equations; the K1 tacit ones leave a reduced rank regression."""
    require(K2 <= N, f"K2 = {K2}, N = {N}", "K2 <= N (the observed concepts are independent)")
    _require_rank(rprime, (N - K2, M, K1), "N - K2, M, K1")
    return Pole(Fraction(K2 * (M + N), 2) + (rest := reduce_rank(N - K2, M, K1, rprime)).learning_coefficient, rest.multiplicity)


def compute_diagonal_linear(d: int, s: int, L: int, tied: bool) -> Pole:
    """θ_j = u_j^L (tied) or Π_l u_jl, with s of d true coordinates different from 0."""
    require(s <= d, f"s = {s}, d = {d}", "s <= d true coordinates different from zero")
    return Pole(Fraction(s, 2) + Fraction(d - s, 2 * L)) if tied else Pole(Fraction(d, 2), 1 + (d - s) * (L - 1))
