"""Checks of linear networks: ranks of partial products, Smith forms, strata, and models that reduce to one another."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement, product

from germ.atlas.checks.check import Check, Disagreement, compare, find_pole
from germ.atlas.checks.program import solve_program
from germ.atlas.formulas import FORMULAS
from germ.claim import Bound, Exact


def _sizes(most: int) -> list[tuple[int, int, int, int]]:
    sizes = product(range(1, most + 1), repeat=3)
    return [(m, n, h, r) for m, n, h in sizes for r in range(min(m, n, h) + 1)]


def check_depth_two() -> str:
    """A deep linear network of depth 2 is reduced rank regression."""
    for m, n, h, r in _sizes(7):
        one, other = find_pole("rrr", M=m, N=n, H=h, r=r), find_pole("dln", widths=(m, h, n), r=r)
        compare(f"M={m} N={n} H={h} r={r}", one, other, "rrr, dln of depth 2")
    return f"{len(_sizes(7))} sizes up to 7, λ and m"


def check_strata() -> str:
    """The global theorem is the least local value over all strata, with the largest m, and is attained at ranks r."""
    for m, n, h, r in _sizes(6):
        ranks = [(a, b) for a in range(r, min(m, h) + 1) for b in range(r, min(n, h) + 1) if a + b - r <= h]
        values = [find_pole("rrr-local", M=m, N=n, H=h, r=r, rankA=a, rankB=b) for a, b in ranks]
        least = min(v for v, _ in values)
        best = (least, max(k for v, k in values if v == least and k is not None))
        case = f"M={m} N={n} H={h} r={r}"
        compare(case, find_pole("rrr", M=m, N=n, H=h, r=r), best, "theorem, minimum over strata")
        compare(case, find_pole("rrr-local", M=m, N=n, H=h, r=r, rankA=r, rankB=r), best, "stratum of ranks r, minimum over strata")
    return f"{len(_sizes(6))} sizes up to 6, all strata, λ and m"


def find_fibre_codimension(widths: tuple[int, ...], r: int) -> int:
    """Codimension of {W_L ⋯ W_1 = T}, rank T = r: least over the ranks of partial products, plus the dimension of the maps of rank r.

    With ρ_i the rank of W_i ⋯ W_1, a layer that takes ρ_{i-1} to ρ_i has codimension (ρ_{i-1} - ρ_i)(width_i - ρ_i).

    Args:
        widths: Widths.
        r: Rank.

    Returns:
        The codimension; λ is half of it (Lehalleur & Rimányi 2024).
    """
    best = {widths[0]: 0}
    for width in widths[1:]:
        after = range(r, min(width, max(best)) + 1)
        best = {s: min(c + (q - s) * (width - s) for q, c in best.items() if q >= s) for s in after if any(q >= s for q in best)}
    return best[r] + r * (widths[0] + widths[-1] - r)


def check_fibre_codimension() -> str:
    """λ of deep linear networks is half the codimension of the fibre, whatever the order of the inner widths."""
    cases = [w for length in (2, 3, 4, 5) for w in combinations_with_replacement(range(1, 6), length)]
    cases += [(8, 8, 11, 11, 11, 13, 13, 13, 15), (13, 8, 11, 15, 8, 11, 13, 11, 13), (50, 20, 30, 40, 25), (7, 13, 7, 12, 8, 9)]
    count = 0
    for widths in cases:
        for order in {widths, widths[::-1], widths[1:] + widths[:1]}:
            for r in range(min(widths) + 1):
                value, _ = find_pole("dln", widths=order, r=r)
                compare(f"widths={order} r={r}", value, Fraction(find_fibre_codimension(order, r), 2), "dln, codimension of the fibre / 2")
                count += 1
    return f"{count} chains of depth 1 to 8, λ"


def check_scalar_chain() -> str:
    """A chain of scalars is the normal crossing w_1 ⋯ w_L."""
    for depth in range(1, 9):
        crossing = find_pole("normal-crossing", k=(1,) * depth, h=None)
        compare(f"depth {depth}", find_pole("dln", widths=(1,) * (depth + 1), r=0), crossing, "dln, normal crossing")
    return "depth 1 to 8, λ and m"


def solve_smith_program(depth: int) -> tuple[Fraction, int]:
    """λ and m of a product of `depth` 2 × 2 matrices at zero, by the Smith forms diag(t^x, t^(x+y)) of the layers.

    A layer of Smith form (x, x + y) has volume t^(4x + y). Multiplying a form of gap v by a layer of gap y adds x to the least order, and
    an extra c <= min(v, y) at the price t^c of alignment; the gap becomes v + y - 2c. Minimise the price subject to order >= 1/2.

    Args:
        depth: Number of layers.

    Returns:
        λ and m.
    """
    n = 3 * depth - 1  # x_1..x_L, y_1..y_L, c_2..c_L
    c = {i: 2 * depth + i - 1 for i in range(1, depth)}
    order = [Fraction(int(j < depth or j >= 2 * depth)) for j in range(n)]
    rows, gap = [order], [Fraction(0)] * n
    gap[depth] = Fraction(1)
    for i in range(1, depth):
        for bound in (list(gap), [Fraction(int(j == depth + i)) for j in range(n)]):
            bound[c[i]] -= 1
            rows.append(bound)
        gap[depth + i] += 1
        gap[c[i]] -= 2
    costs = [Fraction(4)] * depth + [Fraction(1)] * (n - depth)
    value, dimension = solve_program(rows, [Fraction(1, 2)] + [Fraction(0)] * (len(rows) - 1), costs)
    return value, 1 + dimension


def check_smith_forms() -> str:
    """2 × 2 layers: m = 1, 3, 5, 7 for depth 2 to 5, which decides for a(ℓ-a) + 1 against the printed a(ℓ-a)."""
    for depth in range(2, 6):
        compare(f"depth {depth}", find_pole("dln", widths=(2,) * (depth + 1), r=0), solve_smith_program(depth), "dln, Smith forms")
    return "depth 2 to 5, λ and m"


def check_reductions() -> str:
    """Models that are reduced rank regression in other words."""
    sizes = _sizes(5)
    for m, n, h, r in sizes:
        case = f"{m}, {n}, {h}, {r}"
        value, multiplicity = find_pole("rrr", M=m, N=n, H=h, r=r)
        compare(case, find_pole("rrr", M=n, N=m, H=h, r=r), (value, multiplicity), "rrr transposed, rrr")
        compare(
            case, find_pole("pcbm-linear", N=m, M=n, K1=h, K2=0, rprime=r), (value, multiplicity), "pcbm without observed concepts, rrr"
        )
        if r >= 1 and m >= 2:
            lda = find_pole("lda", M=m, N=n, H=h, rho=r - 1)
            compare(case, lda, (value - Fraction(n, 2), multiplicity), "lda, rrr - N/2")
        if n >= 2:
            compare(case, find_pole("multitask-linear", M=1, N=m, K=n - 1, H=h, r=r), (value, multiplicity), "multitask, rrr")
        compare(case, find_pole("softmax-dln", widths=(m, h, n + 1), r=r), (value, multiplicity), "softmax, rrr")
        if r == 0 and m == n + 1:
            compare(case, find_pole("uniform-attention", v=m, e=h), (value, multiplicity), "uniform attention, rrr")
        if r == 0 and h == 1:
            compare(case, find_pole("vandermonde-H1", M=m, N=n, Q=1), (value, multiplicity), "vandermonde-H1, rrr of hidden width 1")
            compare(case, find_pole("relu-one-unit", M=m, N=n), (value, multiplicity), "one ReLU unit, rrr of hidden width 1")
        if r == 0 and m == 1:
            halves = [(find_pole("rrr", M=1, N=n, H=i, r=0) if i else (Fraction(0), 1), h - i) for i in range(h + 1)]
            sums = [_add(one, find_pole("rrr", M=1, N=n, H=j, r=0) if j else (Fraction(0), 1)) for one, j in halves]
            least = min(v for v, _ in sums)
            best = (least, max(k for v, k in sums if v == least))
            compare(case, find_pole("relu-1d-zero", M=n, H=h), best, "relu-1d-zero, two half lines")
    for m, n, k in product(range(1, 5), repeat=3):
        for r in range(min(k, n) + 1):
            # c = Bx fixes B; then y = A (Bx) fixes A on the range of B, of dimension r.
            compare(f"{m}, {n}, {k}, {r}", find_pole("cbm-linear", M=m, N=n, K=k, rB=r), (Fraction(k * n + m * r, 2), 1), "cbm, equations")
    return f"{len(sizes)} sizes up to 5, λ and m"


def _add(one: tuple[Fraction, int | None], other: tuple[Fraction, int | None]) -> tuple[Fraction, int]:
    return one[0] + other[0], (one[1] or 1) + (other[1] or 1) - 1


def check_local_chains() -> str:
    """Layer ranks: depth 2 is rrr-local; invertible layers drop out; ranks r give the global value; else the interval starts there."""
    from germ.atlas.value import compute_value

    for m, n, h, r in _sizes(4):
        for a, b in product(range(r, min(m, h) + 1), range(r, min(n, h) + 1)):
            if a + b - r <= h:
                local = find_pole("rrr-local", M=m, N=n, H=h, r=r, rankA=a, rankB=b)
                compare(
                    f"{m}, {h}, {n}; {r}; {a}, {b}",
                    find_pole("dln-local", widths=(m, h, n), r=r, ranks=(a, b)),
                    local,
                    "dln-local, rrr-local",
                )
                padded = find_pole("dln-local", widths=(m, m, h, n), r=r, ranks=(m, a, b))
                compare(f"{m}, {h}, {n}; {r}; {a}, {b}", padded, local, "an invertible layer more, rrr-local")
    for widths in product(range(1, 4), repeat=4):
        for r in range(min(widths) + 1):
            whole = find_pole("dln", widths=widths, r=r)
            if FORMULAS["dln-local"](widths=widths, r=r, ranks=(r, r, r)) != FORMULAS["dln"](widths=widths, r=r):
                raise Disagreement(f"{widths}, {r}: dln-local at ranks r is not dln")
            for ranks in product(range(r, 4), repeat=3):
                if all(q <= min(widths[i : i + 2]) for i, q in enumerate(ranks)) and r >= sum(ranks) - sum(widths[1:-1]):
                    claim = compute_value("dln-local", widths=list(widths), r=r, ranks=list(ranks))
                    assert isinstance(claim, Exact | Bound)
                    low = claim.learning_coefficient if isinstance(claim, Exact) else claim.lower
                    if low is None or low < whole[0]:
                        raise Disagreement(f"{widths}, {r}, {ranks}: local value {low} below the global {whole[0]}")
    return "depth 2 up to size 4, depth 3 up to size 3"


CHECKS = (
    Check("linear network of depth 2 = reduced rank regression", ("rrr", "dln"), check_depth_two),
    Check("minimum over strata = theorem", ("rrr", "rrr-local"), check_strata),
    Check("codimension of fibres", ("dln",), check_fibre_codimension),
    Check("chain of scalars = normal crossing", ("dln", "normal-crossing"), check_scalar_chain),
    Check("Smith forms of 2 × 2 layers", ("dln",), check_smith_forms),
    Check(
        "reductions to reduced rank regression",
        (
            "rrr",
            "lda",
            "multitask-linear",
            "pcbm-linear",
            "cbm-linear",
            "softmax-dln",
            "uniform-attention",
            "vandermonde-H1",
            "relu-one-unit",
            "relu-1d-zero",
        ),
        check_reductions,
    ),
    Check("linear networks at given layer ranks", ("dln-local", "rrr-local", "dln"), check_local_chains),
)
