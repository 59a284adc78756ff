"""Checks of bounds: none below the exact value, equality where it is known; and the errors that are known in print."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product

from germ.atlas.checks.check import Check, Disagreement, compare, find_pole, find_upper

ONE = Fraction(1)


def _require_at_least(case: str, bound: Fraction, value: Fraction, roads: str) -> None:
    if bound < value:
        raise Disagreement(f"{case}: {bound} below {value} ({roads})")


def check_variational() -> str:
    """A variational coefficient is never below the Bayesian one; without spare units or components it is the regular one."""
    for m, n, h in product(range(1, 7), repeat=3):
        for r in range(min(m, n, h) + 1):
            bound = find_upper("vb-linear", M=m, N=n, H=h, H0=r)
            _require_at_least(f"M={m} N={n} H={h} r={r}", bound, find_pole("rrr", M=m, N=n, H=h, r=r)[0], "VB, Bayes")
        full = min(m, n)
        if h == full:
            # All units used: every one of the H(M + N) weights costs 1/2.
            compare(f"M={m} N={n} H=H0={h}", find_upper("vb-linear", M=m, N=n, H=h, H0=h), Fraction(h * (m + n), 2), "VB, weights / 2")
        compare(f"M={m} N={n} H={h} H0=0", find_upper("vb-linear", M=m, N=n, H=h, H0=0), Fraction(h * full, 2), "VB, one layer at zero")
    for m, k in product(range(1, 4), range(1, 6)):
        for k0, phi in product(range(1, k + 1), (Fraction(1, 2), ONE, Fraction(3, 2), Fraction(2), Fraction(5))):
            bound = find_upper("vb-gmm", M=m, K=k, K0=k0, phi0=phi)
            exact = find_pole("mixture", H=k, r=k0, N=m, alpha=phi, weights=None)[0]
            _require_at_least(f"M={m} K={k} K0={k0} phi={phi}", bound, exact, "VB, Bayes")
            if k == k0:
                compare(f"M={m} K=K0={k}", bound, Fraction(m * k + k - 1, 2), "VB, parameters / 2")
            if phi <= Fraction(m + 1, 2):
                step = find_upper("vb-gmm", M=m, K=k + 1, K0=k0, phi0=phi) - bound
                compare(f"M={m} K={k} K0={k0} phi={phi}", step, phi, "one more spare component, phi")
    return "linear networks up to size 6, mixtures up to 5 components"


def check_mixture_bounds() -> str:
    """Bounds of sBIC and of Gaussian mixtures against exact mixtures, with equality for scalar parameters."""
    for h, n in product(range(1, 6), range(1, 4)):
        for r, alpha in product(range(1, h + 1), (Fraction(1, 2), ONE, Fraction(3, 2), Fraction(2))):
            bound = find_upper("mixture-sbic-bound", H=h, r=r, D=n, phi=alpha)
            exact = find_pole("mixture", H=h, r=r, N=n, alpha=alpha, weights=None)[0]
            _require_at_least(f"H={h} r={r} D={n} phi={alpha}", bound, exact, "sBIC, exact")
            if alpha <= Fraction(n, 2) or h == r:
                compare(f"H={h} r={r} D={n} phi={alpha}", bound, exact, "sBIC, exact with small alpha")
            emptied = Fraction(r * n + r - 1 + alpha * (h - r)) / 2
            merged = Fraction(h * n + r - 1, 2)
            compare(f"H={h} r={r} D={n} phi={alpha}", bound, min(emptied, merged), "sBIC, emptied or merged components")
        for r in range(1, h + 1):
            default = find_upper("mixture-sbic-bound", H=h, r=r, D=n, phi=None)
            compare(
                f"H={h} r={r} D={n}",
                default,
                find_upper("mixture-sbic-bound", H=h, r=r, D=n, phi=Fraction(n + 1, 2)),
                "sBIC, phi = (D+1)/2",
            )
            gmm = find_upper("mixture-gmm-bound", M=n, K=h, K0=r)
            compare(f"M={n} K={h} K0={r}", gmm, Fraction(r * n + r - 1 + h - r, 2), "GMM bound, emptied components at alpha = 1")
            _require_at_least(
                f"M={n} K={h} K0={r}", gmm, find_pole("mixture", H=h, r=r, N=n, alpha=ONE, weights=None)[0], "GMM bound, exact"
            )
    for alpha in (Fraction(1, 2), ONE, Fraction(3, 2), Fraction(2)):
        bound = find_upper("mixture-sbic-bound", H=2, r=1, D=2, phi=alpha)
        _require_at_least(f"location-scale, alpha={alpha}", bound, find_pole("mixture-locscale", alpha=alpha)[0], "sBIC, exact")
    return "up to 5 components"


def check_counting_bounds() -> str:
    """Bounds by counting dimensions at one point of the fibre: factor models, tensors, Markov and Boltzmann machines, ReLU networks."""
    for m, n, h in product(range(1, 6), repeat=3):
        for r in range(min(m, n, h) + 1):
            case = f"M={m} N={n} H={h} H0={r}"
            nmf = find_upper("nmf-bound", M=m, N=n, H=h, H0=r, phi_U=ONE, phi_V=ONE)
            cp = find_upper("tensor-cp-bound", dims=(m, n), H=h, H0=r)
            compare(case, nmf, cp, "NMF bound, two-way tensor bound")
            _require_at_least(case, cp, find_pole("rrr", M=m, N=n, H=h, r=r)[0], "two-way tensor bound, rrr")
            half = find_upper("nmf-bound", M=m, N=n, H=h, H0=r, phi_U=Fraction(1, 2), phi_V=Fraction(1, 2))
            compare(case, nmf - half, Fraction((h - r) * min(m, n), 4), "NMF bound, halved shapes")
    for dims in product(range(1, 5), repeat=3):
        compare(
            f"dims {dims}",
            find_upper("tensor-cp-bound", dims=dims, H=1, H0=0),
            find_pole("tensor-cp-rank1-zero", dims=dims)[0],
            "bound, rank 1",
        )
        regular = Fraction(sum(dims) - 2, 2)
        compare(f"dims {dims}", find_upper("tensor-cp-bound", dims=dims, H=1, H0=1), regular, "bound, Segre variety / 2")
    for k, m in product(range(1, 6), range(1, 6)):
        for k0 in range(1, k + 1):
            bound = find_upper("hmm-bound", K=k, K0=k0, M=m)
            if k == k0:
                compare(f"K=K0={k} M={m}", bound, Fraction(k * (k - 1) + k * (m - 1), 2), "HMM bound, parameters / 2")
            step = find_upper("hmm-bound", K=k + 1, K0=k0, M=m) - bound
            compare(f"K={k} K0={k0} M={m}", step, Fraction(k0, 2), "one more state, one entry a true state")
    for m, k in product(range(2, 7), range(1, 4)):
        for k0 in range(k + 1):
            if (k, k0) != (1, 0):
                compare(
                    f"M={m} K={k} K0={k0}",
                    find_upper("boltzmann-bipartite", M=m, K=k, K0=k0),
                    Fraction(m * (k0 + k), 4),
                    "Boltzmann, M/4 a spare and M/2 a true unit",
                )
    for widths in ((1, 2, 1), (3, 4, 2), (3, 4, 4, 1), (2, 1), (5, 3, 3, 2)):
        layers = [a * b + b for a, b in pairwise(widths)]
        compare(
            f"{widths}",
            find_upper("relu-deep-bound", true_widths=widths),
            Fraction(sum(layers) - sum(widths[1:-1]), 2),
            "bound, parameters less scalings",
        )
        if len(widths) == 2:
            compare(
                f"{widths}",
                find_upper("relu-deep-bound", true_widths=widths),
                find_pole("regular", d=layers[0])[0],
                "no hidden layer, regular",
            )
    for m, k in product(range(1, 7), range(7)):
        for f in range(min(k, m) + 1):
            if k <= m:
                _require_at_least(
                    f"m={m} k={k} l={f}",
                    Fraction(m * (m + 1), 4),
                    find_upper("factor-analysis", m=m, k=k, l=f),
                    "all covariances, factor analysis",
                )
    for m, n, h in product(range(1, 8), repeat=3):
        if h < min(m, n):
            # The manifold of maps of rank H, of dimension H(M + N - H), is where the fibre's maps lie.
            compare(
                f"M={m} N={n} H={h}",
                find_pole("rrr-underfit", M=m, N=n, H=h),
                (find_pole("rrr", M=m, N=n, H=h, r=h)[0], 1),
                "underfit, full true rank",
            )
    return "all bounds at or above exact values"


def check_printed_errors() -> str:
    """Errors known in print: m without + 1, weights of either sign, m = 1 in sBIC, quadratic K at the boundary, degree-2 nodes."""
    compare("scalar chain of depth 2", find_pole("dln", widths=(1, 1, 1), r=0), (Fraction(1, 2), 2), "m = a(ℓ-a) + 1, normal crossing")
    compare("signed weights, H = 4, r = 1", find_pole("mixture-signed", H=4, r=1)[0], Fraction(7, 6), "formula, Aoyagi")
    nonnegative = find_pole("mixture", H=4, r=1, N=1, alpha=ONE, weights=None)[0]
    compare("nonnegative weights, H = 4, r = 1", nonnegative, Fraction(5, 4), "formula, sum rule")
    for h, r in product(range(1, 7), range(1, 4)):
        if r <= h:
            signed, positive = find_pole("mixture-signed", H=h, r=r)[0], find_pole("mixture", H=h, r=r, N=1, alpha=ONE, weights=None)[0]
            compare(f"H={h} r={r}", signed == positive, h - r <= 2, "signed = nonnegative, H - r <= 2")
            if signed > positive:
                raise Disagreement(f"H={h} r={r}: signed {signed} above nonnegative {positive}, although it has more parameters")
    compare("two-dimensional locations", find_pole("mixture", H=3, r=1, N=2, alpha=ONE, weights=None)[1], 3, "m of mixture, not sBIC's 1")
    compare("location-scale", find_pole("mixture-locscale", alpha=ONE)[1], 3, "m of location-scale mixture, not sBIC's 1")
    boundary = find_pole("multinomial-boundary", alpha=(Fraction(2), Fraction(3)), zero=(0,), truth=None)[0]
    compare("zero cell", boundary, Fraction(2), "alpha, not alpha / 2: K is linear there")
    middle = find_pole(
        "gaussian-latent-forest", sup=(1, 1, 1, 1, 0, 1, 1), sub=(0,) * 7, edges=((1, 6), (2, 6), (6, 7), (7, 8), (3, 7), (4, 8), (5, 8))
    )
    compare("degree-2 node between inner nodes", middle, (Fraction(7, 2), 1), "forest, not sBIC's m = 2")
    outside = find_upper("factor-analysis", m=3, k=3, l=0)
    compare("factor analysis beyond the Ledermann range", outside, Fraction(3), "bound, not the formula's 15/4")
    return "six errors"


CHECKS = (
    Check("variational Bayes >= Bayes", ("vb-linear", "vb-gmm"), check_variational),
    Check("mixture bounds >= mixtures", ("mixture-sbic-bound", "mixture-gmm-bound", "mixture", "mixture-locscale"), check_mixture_bounds),
    Check(
        "counting bounds",
        ("nmf-bound", "tensor-cp-bound", "hmm-bound", "boltzmann-bipartite", "relu-deep-bound", "factor-analysis", "rrr-underfit"),
        check_counting_bounds,
    ),
    Check(
        "errors known in print",
        ("dln", "mixture-signed", "mixture", "mixture-locscale", "multinomial-boundary", "gaussian-latent-forest", "factor-analysis"),
        check_printed_errors,
    ),
)
