"""Jets of the cusp: dimensions of J_m, the log canonical threshold that they show, and a count over a finite field.

A jet of order m is a polynomial curve that solves the equation up to terms of order m + 1. The more singular a variety, the more jets it
has, and Mustață's theorem makes this exact: the log canonical threshold of f is the least of codim J_m/(m + 1) over all m. For the cusp
the minimum 5/6 is reached at m = 5, 11, …; the real λ of K = f² is half of the real threshold.
"""

from __future__ import annotations

from fractions import Fraction

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from germ.algebra.jets import JetTable, compute_jet_dimensions
from germ.algebra.point_counts import count_jets
from germ.seminar.claims import claim_close, claim_equal
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Jets of the cusp y² = x³ up to order 11 (small) or 35 (full).

    Args:
        size: How far.
        seed: Ignored.

    Returns:
        The outcome.
    """
    cusp, order, prime = "y^2 - x^3", {"small": 11, "full": 35}[size], 31
    table = compute_jet_dimensions(cusp, order)
    counts = [count_jets(cusp, prime, m) for m in range(6)]
    dimensions = tuple(r.dimension for r in table.rows)
    mustata = "Mustață 2002, corollary 0.2"
    claims = (
        claim_equal("dim J_m for m = 0 … 11", (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14), dimensions[:12], "contact orders by hand"),
        claim_equal("log canonical threshold of the cusp", Fraction(5, 6), table.threshold, "1/2 + 1/3, Howald 2001"),
        claim_equal("least codim J_m / (m + 1)", Fraction(5, 6), table.rows[-1].running, mustata),
        claim_equal("orders that attain it", tuple(range(5, order + 1, 6)), table.attained, "m + 1 divisible by 6"),
        claim_close("dim J_5 from the jets counted over F_31", dimensions[5], counts[5].dimension_hint, "Lang-Weil", tolerance=0.02,
                    reason=f"the count is p^7 (1 + O(1/p)) with p = {prime}"),
    )  # fmt: skip
    caption = f"codim J_m / (m + 1) of the cusp against m: never below 5/6, equal to it at m = {', '.join(map(str, table.attained))}."
    return Outcome(claims, {"ratios": Illustration(_draw(table), caption)}, {"curve": cusp, "orders": f"0 to {order}", "prime": prime})


def _draw(table: JetTable) -> Figure:
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([r.order for r in table.rows], [float(r.ratio) for r in table.rows], "o-")
    if table.threshold is not None:
        axes.axhline(float(table.threshold), linestyle="--", color="0.4")
        axes.annotate(
            f"threshold {table.threshold}",
            (table.rows[-1].order, float(table.threshold)),
            (0, -4),
            textcoords="offset points",
            ha="right",
            va="top",
        )
    axes.set(xlabel="order m", ylabel="codim J_m / (m + 1)", ylim=(0.75, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
