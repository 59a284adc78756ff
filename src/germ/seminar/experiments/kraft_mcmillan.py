"""Kraft's and McMillan's theorems: prefix codes from lengths, unique decodability with a witness, Huffman against the entropy.

Word lengths l are those of a prefix code if and only if Σ 2^−l ≤ 1, and McMillan: no uniquely decodable code does better. So codes and
distributions are the same thing, l = −log₂ p, and the entropy is the least mean length. That is the bridge on which description lengths,
and with them free energies, can be called complexity.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from germ.errors import InputError
from germ.information.codes import (
    compute_expected_length,
    compute_kraft_sum,
    find_ambiguity,
    is_prefix_code,
    make_huffman_code,
    make_prefix_code,
    make_shannon_code,
)
from germ.information.entropy import compute_entropy
from germ.seminar.claims import claim_between, claim_close, claim_equal, claim_refused
from germ.seminar.experiment import Outcome, Size
from germ.units import convert_nats_to_bits


def run(size: Size, seed: int) -> Outcome:
    """Codes by hand, and Huffman's on random distributions.

    Args:
        size: How many random distributions.
        seed: Of the distributions.

    Returns:
        The outcome.
    """
    p = [1 / 2, 1 / 4, 1 / 8, 1 / 8]
    huffman = make_huffman_code(p)
    rng, trials = np.random.default_rng(seed), {"small": 200, "full": 2000}[size]
    gaps = []
    for _ in range(trials):
        q = rng.dirichlet(np.ones(rng.integers(2, 12)))
        gaps.append(compute_expected_length(make_huffman_code(q), q) - convert_nats_to_bits(compute_entropy(q)))
    q = rng.dirichlet(np.ones(9))
    shannon = compute_expected_length(make_shannon_code(q), q) - convert_nats_to_bits(compute_entropy(q))
    kraft = "Kraft 1949"
    claims = (
        claim_equal("Kraft sum of lengths 1, 2, 3, 3", Fraction(1), compute_kraft_sum([1, 2, 3, 3]), "by hand"),
        claim_equal("lengths 2, 3, 3, 3, 4 are those of a prefix code", True, is_prefix_code(make_prefix_code([2, 3, 3, 3, 4])), kraft),
        claim_refused("no code has the lengths 1, 2, 2, 2", lambda: make_prefix_code([1, 2, 2, 2]), "McMillan 1956", error=InputError,
                      hypothesis="5/4"),
        claim_equal("0, 01, 11 is decodable though no prefix code", (None, False),
                    (find_ambiguity(["0", "01", "11"]), is_prefix_code(["0", "01", "11"])), "Sardinas and Patterson 1953"),
        claim_equal("a text with two readings in 0, 01, 10", "010", find_ambiguity(["0", "01", "10"]), "0·10 = 01·0"),
        claim_close("expected length of Huffman's code for (1/2, 1/4, 1/8, 1/8), bits", 1.75, compute_expected_length(huffman, p),
                    "its entropy", tolerance=1e-14, reason="rounding"),
        claim_between(f"excess of Huffman's code over the entropy, least of {trials}", min(gaps), "no code beats the entropy",
                      lower=-1e-12),
        claim_between(f"excess of Huffman's code over the entropy, largest of {trials}", max(gaps), "H ≤ L < H + 1", upper=1),
        claim_between("excess of Shannon's code", shannon, "H ≤ L < H + 1", lower=0, upper=1),
    )  # fmt: skip
    return Outcome(claims, inputs={"distribution": "1/2, 1/4, 1/8, 1/8", "Huffman": ", ".join(huffman), "random distributions": trials})
