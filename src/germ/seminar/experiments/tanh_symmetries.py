"""All parameters of one tanh network: h! 2^h images where it is irreducible, whole continua where one of four conditions holds.

Since tanh is odd, changing the signs of a unit's weights changes nothing, and neither does exchanging units. If none of Sussmann's four
conditions holds, these h! 2^h images are all parameters of the function. If one holds there is a continuum of others, along which the
Fisher information is blind: the network is singular.
"""

from __future__ import annotations

import numpy as np

from germ.information.fisher import compute_fisher_information
from germ.networks.reduction import compress_network, compute_class_dimension, compute_rank, find_reductions, is_equivalent
from germ.networks.tanh import TanhNetwork
from germ.seminar.claims import claim_equal
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Images of irreducible networks, one network for each condition, and dimensions of the sets of equals.

    Args:
        size: Ignored.
        seed: Of weights.

    Returns:
        The outcome.
    """
    rng, claims = np.random.default_rng(seed), []
    generic = TanhNetwork([1.0, -2.0, 1.5, 0.5, 3.0], [0.5, 1.0, 1.5, 2.0, 2.5], [0.25, 0.0, -1.0, 0.5, 1.0])
    canonical = compress_network(generic)
    images = list(generic.list_images())
    claims += [
        claim_equal("different images of an irreducible network of five units", 3840, len({n.to_tuple() for n in images}), "5! · 2⁵"),
        claim_equal("those with another canonical form", 0, sum(not is_equivalent(n, canonical) for n in images[::7]), "the same function"),
    ]
    twin = TanhNetwork([1.0, 2.0, 1.0], [0.5, 1.0, 0.5])
    claims.append(
        claim_equal(
            "different images of three units, two of them equal", 24, len({n.to_tuple() for n in twin.list_images()}), "3! · 2³ / 2"
        )
    )
    examples = {
        "outgoing weights 0": TanhNetwork([1.0, 0.0], [0.5, 1.0]),
        "incoming weights 0": TanhNetwork([1.0, 2.0], [0.5, 0.0], [0.0, 0.25]),
        "equal units": TanhNetwork([1.0, 2.0], [0.5, 0.5], [0.25, 0.25]),
        "opposite units": TanhNetwork([1.0, 2.0], [0.5, -0.5], [0.25, -0.25]),
    }
    for condition, network in examples.items():
        found = [reduction.condition for reduction in find_reductions(network)]
        claims.append(claim_equal(f"{condition}: the condition that is found, and the rank", ([condition], 1),
                                  (found, compute_rank(network)), "Sussmann 1992: one of four conditions"))  # fmt: skip
    claims.append(claim_equal("conditions found for the network of five units", 0, len(find_reductions(generic)), "it is irreducible"))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    rows = [(h, r) for h in range(1, 5) for r in range(h + 1)]
    hidden = []
    for h, r in rows:
        a = np.r_[rng.choice([-2.0, -1.0, 1.0, 2.0], r), np.zeros(h - r)]
        network = TanhNetwork(a, np.linspace(0.5, 2.0, h), rng.uniform(-1, 1, h))
        information = compute_fisher_information(network.compute_jacobian(4 * nodes), weights / 2, tolerance=1e-13)
        hidden.append(network.parameters - information.rank)
    expected = tuple(compute_class_dimension(h, r) for h, r in rows)
    claims.append(
        claim_equal("directions that the Fisher information does not see at a parameter with h − r silent units, all r ≤ h ≤ 4", expected,
                    tuple(hidden), "dimension 2(h − r) of the set of equals")
    )  # fmt: skip
    figure, axes = start_figure("units h", "dimension of the set of equals", size=(4.6, 3.2))
    for r in range(4):
        sizes = np.arange(max(r, 1), 7)
        axes.plot(sizes, [compute_class_dimension(int(h), r) for h in sizes], "o-", label=f"rank {r}")
    axes.legend(fontsize="small", frameon=False)
    caption = "Dimension of the set of all parameters that give one function, by units and rank: 0, isolated images, only where h = r."
    return Outcome(tuple(claims), {"dimensions": Illustration(figure, caption)}, {"model": "f(x) = d + Σ a tanh(bx + c)"})
