"""Checks of Vandermonde types, tanh networks and mixtures of either sign: minima over resolutions and over allocations."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from germ.atlas.checks.check import Check, compare, find_pole, find_upper


def check_minimum_form() -> str:
    """Scalar Vandermonde: the closed form is the least over k of (M Q k(k+1) + 2H)/(4(1 + kQ)), and m = 2 iff two k attain it."""
    for m, h, q in product(range(1, 6), range(1, 40), range(1, 5)):
        values = [Fraction(m * q * k * (k + 1) + 2 * h, 4 * (1 + k * q)) for k in range(h + 2)]
        found = (min(values), min(2, values.count(min(values))))
        compare(f"M={m} H={h} Q={q}", find_pole("vandermonde-N1", M=m, H=h, Q=q), found, "closed form, minimum over k")
    return "975 cases, λ and m"


def check_tanh() -> str:
    """Tanh networks at truth 0 are Vandermonde with exponents 1, 3, 5, …"""
    for h in range(1, 60):
        compare(f"H={h}", find_pole("tanh-zero", H=h), find_pole("vandermonde-N1", M=1, H=h, Q=2), "tanh-zero, Vandermonde")
        compare(f"H={h}", find_pole("tanh-general", H=h, r=0), find_pole("tanh-zero", H=h), "no true unit, tanh-zero")
        compare(f"H={h}", find_pole("tanh-general", H=h, r=h), (Fraction(h), 1), "no spare unit, regular")
    return "H < 60, λ and m"


def check_several_inputs() -> str:
    """The lists for two and three terms at N = 1 are the scalar formula; at H = 1 it is a product of maximal ideals."""
    for m, q in product(range(1, 7), range(1, 6)):
        for family, h in (("vandermonde-H2", 2), ("vandermonde-H3", 3)):
            compare(
                f"M={m} H={h} Q={q}",
                find_upper(family, M=m, N=1, H=h, Q=q),
                find_pole("vandermonde-N1", M=m, H=h, Q=q)[0],
                f"{family}, scalar",
            )
            compare(
                f"M={m} H={h} Q={q}",
                _list_value(m, 1, h, q),
                find_pole("vandermonde-N1", M=m, H=h, Q=q)[0],
                "published list at N = 1, scalar",
            )
            for n in range(2, 5):
                compare(
                    f"M={m} N={n} H={h} Q={q}",
                    find_upper(family, M=m, N=n, H=h, Q=q),
                    _list_value(m, n, h, q),
                    f"{family}, list by weights",
                )
        compare(
            f"M={m} Q={q}", find_pole("vandermonde-H1", M=m, N=1, Q=q), find_pole("vandermonde-N1", M=m, H=1, Q=q), "vandermonde-H1, scalar"
        )
    return "M <= 6, N <= 4, Q <= 5"


def _list_value(m: int, n: int, h: int, q: int) -> Fraction:
    """The least over chains of blow-ups: b terms take their b_i to zero, a of the merged ones stay free, the others' a_i vanish.

    A chain of j steps has weights that grow by 1, 1 + Q, …: its price over its order, for j = 0, 1 and (three terms) 2.
    """
    free = [Fraction(b * n + (h - b) * m, 2) for b in range(h + 1)]
    one = [
        Fraction(b * n + (h - b) * m + q * (a * (n + a - b) + (h - a) * m), 2 * (q + 1))
        for b in range(2, h + 1)
        for a in range(1, b)
        if n + a >= b
    ]
    two = [Fraction(3 * n + q * (3 * n - 3 + 3 * m), 2 * (2 * q + 1))] if h == 3 else []
    return min(*free, *one, *two)


def _cluster(h: int) -> tuple[Fraction, int]:
    """A cluster of h units, without the sum of its weights: least over k of (k² + k + 2h)/(4(k+1)); m = 2 where two k attain it."""
    values = [Fraction(k * k + k + 2 * h, 4 * (k + 1)) for k in range(1, h + 2)]
    return min(values), min(2, values.count(min(values))) if h > 1 else 1


def check_allocations() -> str:
    """Tanh networks with r units and mixtures of either sign: all allocations of the spare units."""
    for h in range(1, 13):
        for r in range(h + 1):
            options: dict[tuple[int, int], set[tuple[Fraction, int]]] = {(0, h): {(Fraction(0), 1)}}
            for step in range(r):  # states: (units placed, units left) with the attainable (λ, m)
                after: dict[tuple[int, int], set[tuple[Fraction, int]]] = {}
                for (placed, left), found in options.items():
                    for size in range(1, left - (r - step - 1) + 1):
                        value, m = _cluster(size)
                        key = (placed + size, left - size)
                        after.setdefault(key, set()).update((v + Fraction(1, 2) + value, k + m - 1) for v, k in found)
                options = {key: {max((v, k) for v, k in found if v == w) for w, _ in found} for key, found in after.items()}
            ends = set()
            for (_, left), found in options.items():
                at_zero, order = find_pole("tanh-zero", H=left) if left else (Fraction(0), 1)
                ends |= {(v + at_zero, k + (order or 1) - 1) for v, k in found}
            least = min(v for v, _ in ends)
            compare(
                f"H={h} r={r}",
                find_pole("tanh-general", H=h, r=r),
                (least, max(k for v, k in ends if v == least)),
                "closed form, all allocations",
            )
            if r:
                spread = {(v - Fraction(1, 2), k) for (_, left), found in options.items() if left == 0 for v, k in found}
                least = min(v for v, _ in spread)
                signed = (least, max(k for v, k in spread if v == least))
                compare(f"H={h} r={r}", find_pole("mixture-signed", H=h, r=r), signed, "signed mixture, all allocations")
    return "H <= 12, all r, λ and m"


CHECKS = (
    Check("scalar Vandermonde = minimum over k", ("vandermonde-N1",), check_minimum_form),
    Check("tanh = Vandermonde", ("tanh-zero", "tanh-general", "vandermonde-N1"), check_tanh),
    Check("Vandermonde of two and three terms at N = 1", ("vandermonde-H1", "vandermonde-H2", "vandermonde-H3"), check_several_inputs),
    Check("allocations of spare units", ("tanh-general", "mixture-signed"), check_allocations),
)
