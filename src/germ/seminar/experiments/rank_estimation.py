"""The rank of a tanh network, and its least rank within a small distance: greedy bounds, exact search, and why the search is hard.

Two parameters of different size can be the same function; the smallest number of units that does it is the rank. Trained networks are
never exactly reducible but may lie near a smaller one, and the least rank within ε of every weight measures how simple they nearly are.
To group units so that as many as possible merge or cancel contains the covering of points by squares, which is why only bounds can be had
quickly.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from germ.networks.proximity import bound_proximate_rank, compute_proximate_rank, count_covering_squares, make_covering_network
from germ.networks.reduction import compute_rank
from germ.networks.tanh import TanhNetwork
from germ.seminar.claims import claim_between, claim_equal
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size

_PAPER = "Farrugia-Roberts 2023 (arXiv 2306.02834)"


def run(size: Size, seed: int) -> Outcome:
    """One network of five units, random networks, and coverings of points in the plane.

    Args:
        size: How many random instances.
        seed: Of the instances.

    Returns:
        The outcome.
    """
    rng, instances = np.random.default_rng(seed), {"small": 40, "full": 400}[size]
    outgoing, incoming = (11, 9, 2, 13, 10), (11, 12, 6, 13, 10)  # tenths
    rounded = TanhNetwork([k / 10 for k in outgoing], [k / 10 for k in incoming])
    exact = TanhNetwork(*(np.array([Fraction(k, 10) for k in weights], object) for weights in (outgoing, incoming)))
    claims = [
        claim_equal(f"greedy bound of the example within ε = {radius}, weights in floating point", bound,
                    bound_proximate_rank(rounded, radius), f"asserted by the authors' code, {_PAPER}" if radius > 0.05 else "by hand")
        for radius, bound in ((1.0, 1), (0.1, 4), (0.05, 5))
    ]  # fmt: skip
    tenth = Fraction(1, 10)
    claims += [
        claim_equal("the same bound within ε = 1/10 for exact weights", 3, bound_proximate_rank(exact, tenth),
                    "by hand: 1 is within 1/10 of 11/10, but not in floating point"),
        claim_equal("least rank within ε = 1/10, by search over all groupings", 3, compute_proximate_rank(exact, tenth),
                    "by hand: {1, 1.1, 1.2}, {1.3}, {0.6}"),
    ]  # fmt: skip
    gaps, wrong_at_zero = [], 0
    for _ in range(instances):
        network = TanhNetwork(rng.integers(-3, 4, 6) / 4, rng.integers(-6, 7, 6) / 4, rng.integers(-4, 5, 6) / 4)
        gaps.append(bound_proximate_rank(network, 0.5) - compute_proximate_rank(network, 0.5))
        wrong_at_zero += compute_proximate_rank(network, 0) != compute_rank(network)
    claims += [
        claim_between(f"least excess of the greedy bound over the truth, {instances} random networks of six units", min(gaps),
                      "an upper bound is never below", lower=0),
        claim_equal("networks whose least rank within ε = 0 is not their rank", 0, wrong_at_zero, "the definition"),
    ]  # fmt: skip
    different, picture = 0, None
    for _ in range(instances):
        points = [tuple(Fraction(int(k)) for k in rng.integers(0, 12, 2)) for _ in range(7)]
        radius = Fraction(int(rng.integers(2, 6)), 2)
        squares = count_covering_squares(points, radius)
        different += compute_proximate_rank(make_covering_network(points, radius), radius) != squares
        picture = picture or (points, radius, squares)
    claims.append(
        claim_equal(f"of {instances} coverings of seven points by squares, those whose number is not the least rank of their network", 0,
                    different, f"{_PAPER}: covering points is a case of it, which makes it NP-complete")
    )  # fmt: skip
    figure, axes = start_figure("b + shift", "c + shift", size=(4.2, 3.8), aspect="equal")
    assert picture is not None
    points, radius, squares = picture
    for x, y in points:
        axes.fill(
            *zip(*((x + i * radius, y + j * radius) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))), strict=True), alpha=0.12, color="C0"
        )
    axes.plot([float(x) for x, _ in points], [float(y) for _, y in points], "ko")
    caption = (
        f"Seven units as points (b, c) with the squares that ε = {radius} lets them reach. Units whose squares share a point can become "
        f"one: the least rank is the least number of points that meet all squares, here {squares}. To find it is NP-complete."
    )
    note = "The rank of a parameter jumps at the slightest change; the least rank within ε of every weight does not."
    return Outcome(
        tuple(claims), {"covering": Illustration(figure, caption)},
        {"example": "a = (1.1, 0.9, 0.2, 1.3, 1), b = (1.1, 1.2, 0.6, 1.3, 1), c = 0", "random instances": instances}, (note,),
    )  # fmt: skip
