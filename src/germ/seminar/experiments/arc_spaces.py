"""Jets and arcs of the node and of a tacnode: contact loci, Mustață's formula, and counts over finite fields.

An arc is a jet of infinite order. Ein, Lazarsfeld and Mustață count arcs by their order of contact with the variety, and the codimension
of contact of order p is p times the threshold where p is divisible enough. Over a field of p elements jets can be counted one by one, and
their number grows like p to the power of their dimension.
"""

from __future__ import annotations

from fractions import Fraction

from germ.algebra.jets import compute_contact_codimension, compute_jet_dimensions
from germ.algebra.point_counts import count_jets
from germ.seminar.claims import claim_close, claim_equal
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Dimensions of jets for several curves, and Igusa's count of the node.

    Args:
        size: How far.
        seed: Ignored.

    Returns:
        The outcome.
    """
    order = {"small": 11, "full": 30}[size]
    node = compute_jet_dimensions("x*y", order)
    curves = {"node xy": "x*y", "cusp y² − x³": "y^2 - x^3", "tacnode y² − x⁴": "y^2 - x^4", "E₈ y³ − x⁵": "y^3 - x^5"}
    known = {"node xy": Fraction(1), "cusp y² − x³": Fraction(5, 6), "tacnode y² − x⁴": Fraction(3, 4), "E₈ y³ − x⁵": Fraction(8, 15)}
    tables = {name: compute_jet_dimensions(f, order) for name, f in curves.items()}
    claims = [
        claim_equal(f"dim J_m of the node for m = 0 … {order}", tuple(range(1, order + 2)), tuple(r.dimension for r in node.rows),
                    "J_m is of pure dimension m + 1: a local complete intersection with lct 1 (Mustață)"),
    ]  # fmt: skip
    claims += [claim_equal(f"lct of the {name}", known[name], table.threshold, "1/a + 1/b, Howald 2001") for name, table in tables.items()]
    contact = compute_contact_codimension("y^2 - x^3", 6)
    claims.append(claim_equal("codimension of contact of order 6 with the cusp: 6 lct", 5, contact, "Ein, Lazarsfeld and Mustață 2004"))
    prime = 11
    count = count_jets("x*y", prime, 1).count
    by_hand = 2 * (prime - 1) * prime + prime**2
    claims.append(claim_equal(f"1-jets of the node over F_{prime}", by_hand, count, "smooth points lift in p ways, the origin in p²"))
    hint = count_jets("y^2 - x^3", 31, 5).dimension_hint
    claims.append(
        claim_close("dim J₅ of the cusp from its count over F_31", 7.0, hint, "Lang and Weil", tolerance=0.02, reason="1 + O(1/p)")
    )
    figure, axes = start_figure("order m", "codim J_m / (m + 1)")
    for name, table in tables.items():
        axes.plot([r.order for r in table.rows], [float(r.ratio) for r in table.rows], "o-", markersize=3, label=name)
    axes.legend(fontsize="small")
    caption = "Four plane curves: the ratios never fall below the log canonical threshold, and touch it periodically."
    return Outcome(tuple(claims), {"ratios": Illustration(figure, caption)}, {"curves": ", ".join(curves), "orders": f"0 to {order}"})
