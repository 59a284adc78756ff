"""All small tanh networks by rank: the Fisher information loses rank at a network exactly where the network can be made smaller.

Parameter space is layered by rank. The top layer, where no unit is spare, is regular; each layer below consists of singular parameters,
and the Fisher information counts how many directions are lost. What it cannot see is how flat these directions are: that is λ, computed
here at three parameters of one function.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np

from germ.algebra.moments import compute_moment_ideal
from germ.algebra.rlct import compute_rlct
from germ.information.fisher import compute_fisher_information
from germ.networks.reduction import compute_fisher_rank, compute_rank, find_reductions
from germ.networks.tanh import TanhNetwork
from germ.seminar.claims import claim_equal, exact_pair
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Every network of up to two (small) or three (full) units with small weights, and λ on two strata.

    Args:
        size: How many units.
        seed: Ignored.

    Returns:
        The outcome.
    """
    most = {"small": 2, "full": 3}[size]
    nodes, weights = np.polynomial.legendre.leggauss(60)
    units = [(a, b, c) for a in (0.0, 1.0, -2.0) for b in (0.0, 0.5, -0.5, 1.5) for c in (0.0, 0.75, -0.75)]
    networks = [TanhNetwork(*zip(*choice, strict=True)) for h in range(1, most + 1) for choice in product(units, repeat=h)]
    disagree = wrong_count = 0
    strata: Counter[tuple[int, int]] = Counter()
    for network in networks:
        information = compute_fisher_information(network.compute_jacobian(3 * nodes), weights / 2, tolerance=1e-12)
        disagree += information.is_regular == bool(find_reductions(network))
        wrong_count += information.rank != compute_fisher_rank(network)
        strata[network.units, compute_rank(network)] += 1
    claims = [
        claim_equal(f"of {len(networks)} networks, those that are reducible and regular, or irreducible and singular", 0, disagree,
                    "Fukumizu 1996: singular if and only if one of Sussmann's conditions holds"),
        claim_equal("those whose Fisher rank is not the number of independent derivatives", 0, wrong_count,
                    "1, tanh, tanh′ and x tanh′ of different units are independent"),
        claim_equal("those whose rank is not below the number of units although a condition holds", 0,
                    sum(bool(find_reductions(n)) != (compute_rank(n) < n.units) for n in networks), "Sussmann 1992"),
    ]  # fmt: skip
    # No bias: K is comparable to the squares of the moments, so that λ at a point of a stratum is exact.
    ideal = compute_moment_ideal("tanh", 2, truth=[((1,), (1,))])
    half = Fraction(1, 2)
    for where, at, value in (
        ("rank 1: a silent unit", {"a1": 1, "b1": 1, "a2": 0, "b2": Fraction(1, 3)}, Fraction(3, 2)),
        ("rank 1: the silent unit where its incoming weight vanishes too", {"a1": 1, "b1": 1, "a2": 0, "b2": 0}, Fraction(3, 2)),
        ("rank 1: two equal units", {"a1": half, "b1": 1, "a2": half, "b2": 1}, Fraction(5, 4)),
    ):
        answer = compute_rlct(list(ideal.generators), at={k: str(v) for k, v in at.items()})
        found, _ = exact_pair(answer)
        claims.append(claim_equal(f"λ of a network of two units at a truth of {where}", value, found, "1 + λ of what is left; regular: 2"))
    figure, axes = start_figure("units", "share of the networks", size=(4.6, 3.2))
    bottom = np.zeros(most)
    for rank in range(most + 1):
        total = np.array([sum(v for (h, _), v in strata.items() if h == size_) for size_ in range(1, most + 1)])
        share = np.array([strata[size_, rank] for size_ in range(1, most + 1)]) / total
        axes.bar(range(1, most + 1), share, 0.6, bottom, label=f"rank {rank}")
        bottom += share
    axes.set_xticks(range(1, most + 1))
    axes.legend(fontsize="small", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    caption = "Networks with weights from a small grid, by rank. Those below full rank are the singular ones."
    note = "The deeper the stratum, the smaller λ: two equal units share one function in more ways than one unit and a silent one do."
    inputs = {"networks": len(networks), "a": "0, 1, −2", "b": "0, ±1/2, 3/2", "c": "0, ±3/4", "inputs x": "uniform on [−3, 3]"}
    return Outcome(tuple(claims), {"strata": Illustration(figure, caption)}, inputs, (note,))
