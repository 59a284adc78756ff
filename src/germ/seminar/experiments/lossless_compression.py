"""Tanh networks made as small as they can be without any change of their outputs, and a canonical form to compare functions by.

A network can be cut down to its rank without any change of its outputs: drop silent units, turn constant ones into a bias, merge equal
and opposite ones. What is left is unique up to order and signs, and sorting makes it a canonical form: two networks are the same function
if and only if their canonical forms agree.
"""

from __future__ import annotations

import numpy as np

from germ.networks.reduction import compress_network, compute_rank, find_reductions, is_equivalent
from germ.networks.tanh import TanhNetwork
from germ.seminar.claims import claim_between, claim_equal
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.seminar.experiments.equivalent_paths import make_disguised


def run(size: Size, seed: int) -> Outcome:
    """Random functions of known rank, hidden among spare units.

    Args:
        size: How many.
        seed: Of the networks.

    Returns:
        The outcome.
    """
    rng, count, inputs = np.random.default_rng(seed), {"small": 300, "full": 5000}[size], np.linspace(-4, 4, 161)
    worst = 0.0
    wrong_rank = reducible = changed = confused = 0
    sizes = []
    for _ in range(count):
        units = int(rng.integers(1, 25))
        rank = int(rng.integers(0, min(units, 12) + 1))
        places = rng.choice(160, rank, replace=False)
        core = TanhNetwork(rng.choice([-1.5, -1.0, 1.0, 2.0], rank), (1 + places // 10) / 4, (places % 10 - 5) / 4, [0.5])
        network = make_disguised(core, units, rng)
        small = compress_network(network)
        worst = max(worst, float(np.abs(small.evaluate(inputs) - network.evaluate(inputs)).max()))
        wrong_rank += small.units != rank
        reducible += bool(find_reductions(small))
        changed += not is_equivalent(compress_network(make_disguised(core, units, rng)), small)
        other = TanhNetwork(core.outgoing, core.incoming, core.bias, core.offset + 2.0**-20)
        confused += is_equivalent(other, small)
        sizes.append((units, small.units))
    wide = rng.normal(size=(6, 3))
    vector = TanhNetwork(rng.normal(size=(6, 2)), wide, rng.normal(size=6))
    doubled = TanhNetwork(
        np.r_[vector.outgoing / 2, -vector.outgoing / 2], np.r_[wide, -wide], np.r_[vector.bias, -vector.bias], vector.offset
    )
    points = rng.normal(size=(50, 3))
    difference = np.abs(compress_network(doubled).evaluate(points) - doubled.evaluate(points))
    claims = (
        claim_between(f"largest change of an output, {count} networks of up to 24 units", worst, "lossless; rounding", upper=1e-12),
        claim_equal("networks whose compressed size is not the rank that they were made with", 0, wrong_rank, "Sussmann 1992"),
        claim_equal("compressed networks that can be made smaller still", 0, reducible, "compression ends at the rank"),
        claim_equal("functions in two disguises with two canonical forms", 0, changed, "the canonical form depends on the function only"),
        claim_equal("different functions (offset changed by 2⁻²⁰) with one canonical form", 0, confused, "and it determines the function"),
        claim_equal("rank of six random units with three inputs and two outputs, each split into opposite halves", 6, compute_rank(doubled),
                    "Sussmann 1992 for several inputs"),
        claim_between("largest change of its outputs", float(difference.max()), "lossless; rounding", upper=1e-12),
    )  # fmt: skip
    figure, axes = start_figure("units before", "units after", size=(4.6, 3.4))
    jitter = rng.uniform(-0.25, 0.25, (len(sizes), 2))
    axes.plot(*(np.array(sizes) + jitter).T, ".", markersize=4)
    axes.plot([0, 24], [0, 24], color="0.6", linewidth=1)
    caption = (
        "Units of random networks before and after compression (points moved a little so as not to hide one another): never above the line."
    )
    return Outcome(claims, {"sizes": Illustration(figure, caption)}, {"networks": count})
