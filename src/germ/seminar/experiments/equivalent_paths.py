"""Two parameters of one reducible tanh network, connected by straight segments along which the function does not change.

The parameters of one function are not scattered points. As soon as one unit is spare they hang together: weight can be moved into it, the
unit that was left can be changed freely, and so on, as in a puzzle of sliding tiles. Where at least half of the units are spare, seven
straight pieces lead from anywhere to anywhere.
"""

from __future__ import annotations

import numpy as np

from germ.errors import InputError
from germ.networks.paths import Path, connect_networks
from germ.networks.reduction import compute_rank
from germ.networks.tanh import TanhNetwork
from germ.seminar.claims import claim_between, claim_equal, claim_refused
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size

_SOURCE = "Farrugia-Roberts 2023 (arXiv 2305.05089), Theorem 6.1"


def make_disguised(core: TanhNetwork, units: int, rng: np.random.Generator) -> TanhNetwork:
    """The function of a network with more units: silent, constant and split ones, in random order and with random signs.

    Args:
        core: A network of one input and one output.
        units: Number of units of the result.
        rng: Draws the disguise.

    Returns:
        A parameter of the same function.
    """
    a, b, c = (list(v.reshape(-1)) for v in (core.outgoing, core.incoming, core.bias))
    d = float(core.offset[0])
    while len(a) < units:
        kind, u, v = rng.integers(3), *(rng.integers(-8, 9, 2) / 4)
        if kind == 0 or (kind == 2 and not core.units):
            a, b, c = [*a, 0.0], [*b, u], [*c, v]  # silent
        elif kind == 1:
            a, b, c, d = [*a, u], [*b, 0.0], [*c, v], d - u * float(np.tanh(v))  # constant
        else:
            j = int(rng.integers(core.units))  # split
            a[j] -= u
            a, b, c = [*a, u], [*b, b[j]], [*c, c[j]]
    return TanhNetwork(a, b, c, [d]).replace_units(rng.permutation(units), rng.choice([-1, 1], units))


def run(size: Size, seed: int) -> Outcome:
    """Random functions of rank up to half of the units, each in two disguises.

    Args:
        size: How many.
        seed: Of the networks.

    Returns:
        The outcome.
    """
    rng, pairs, inputs = np.random.default_rng(seed), {"small": 150, "full": 2000}[size], np.linspace(-3, 3, 61)
    paths: dict[bool, list[Path]] = {True: [], False: []}
    deviation = 0.0
    for _ in range(pairs):
        units = int(rng.integers(2, 9))
        rank = int(rng.integers(0, units))
        places = rng.choice(80, rank, replace=False)
        core = TanhNetwork(rng.choice([-1.5, -1.0, 1.0, 2.0], rank), (1 + places // 10) / 4, (places % 10 - 5) / 4, [0.5])
        path = connect_networks(make_disguised(core, units, rng), make_disguised(core, units, rng))
        deviation = max(deviation, path.compute_deviation(inputs))
        paths[2 * rank <= units].append(path)
    # Two units in exchanged places beside two constant ones: both ends have to be merged, and the units to pass through the spare places.
    one, two = (np.tanh(1.0) / 2 - np.tanh(2.0) / 2, np.tanh(0.5))
    example = connect_networks(
        TanhNetwork([1.0, 2.0, 0.5, -0.5], [1.0, 2.0, 0.0, 0.0], [0.5, 0.0, 1.0, 2.0], [-one]),
        TanhNetwork([2.0, 1.0, 1.5, -0.5], [2.0, 1.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.5], [-two]),
    )
    irreducible = TanhNetwork([1.0, 2.0], [0.5, 1.0], [0.0, 0.25])
    swapped = irreducible.replace_units([1, 0], [1, -1])
    longest = {half: max(path.segments for path in found) for half, found in paths.items()}
    claims = (
        claim_between(f"most segments where the rank is at most half of the units, {len(paths[True])} pairs", longest[True], _SOURCE,
                      upper=7),
        claim_equal("segments between two parameters of one function with the places of its units exchanged", 7, example.segments,
                    "merge, move, transfer, move, transfer, move, split"),
        claim_between(f"largest change of f(x) along any of {pairs} paths, 0 ≤ rank < units ≤ 8", deviation, "equal functions; rounding",
                      upper=1e-12),
        claim_equal("connected pairs of higher rank, by longer paths", True, longest[False] > 7,
                    "one spare unit is enough to exchange all others"),
        claim_equal("rank of a network without a spare unit", 2, compute_rank(irreducible), "Sussmann 1992"),
        claim_refused("it is not connected to its image with the units exchanged", lambda: connect_networks(irreducible, swapped), _SOURCE,
                      error=InputError, hypothesis="irreducible"),
    )  # fmt: skip
    figure, axes = start_figure("corner of the path", "outgoing weight a")
    axes.plot(np.array([point.outgoing[:, 0] for point in example.points]), "o-", markersize=3)
    axes.legend([f"unit {i}" for i in range(1, 5)], fontsize="small", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    caption = (
        "Outgoing weights of four units along a path of seven segments between two parameters of one function of rank 2: merged, handed to "
        "spare units and split again, while the function stays the same."
    )
    return Outcome(claims, {"path": Illustration(figure, caption)}, {"pairs": pairs, "units": "2 to 8", "points on each segment": 20})
