"""Entropy, relative entropy and mutual information: exact values, the Gaussian formula, and estimates from counts.

H(p) is the mean number of bits that a sample of p needs, KL(p ‖ q) the mean number wasted by a code made for q. The divergence K of
learning theory is this waste, and the mean of log-likelihood ratios by which it is estimated is the empirical K_n. From few counts the
entropy comes out too small; a correction removes the bias to first order.
"""

from __future__ import annotations

import math

import numpy as np

from germ.information.entropy import (
    compute_entropy,
    compute_gaussian_relative_entropy,
    compute_mutual_information,
    compute_relative_entropy,
    estimate_entropy,
)
from germ.seminar.claims import claim_close, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.units import convert_nats_to_bits


def run(size: Size, seed: int) -> Outcome:
    """Values by hand, the chain rule on a noisy channel, and convergence of the estimate.

    Args:
        size: How many repetitions.
        seed: Of the samples.

    Returns:
        The outcome.
    """
    rng = np.random.default_rng(seed)
    p = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
    mean, variance = 0.8, 2.5
    q = np.array([0.1, 0.2, 0.3, 0.4])
    flip = 0.11
    channel = np.array([[(1 - flip) / 2, flip / 2], [flip / 2, (1 - flip) / 2]])
    capacity = 1 + flip * math.log2(flip) + (1 - flip) * math.log2(1 - flip)
    claims = [
        claim_close("H(1/2, 1/4, 1/8, 1/8) in bits", 1.75, convert_nats_to_bits(compute_entropy(p)), "by hand", tolerance=1e-14,
                    reason="rounding"),
        claim_close("KL(N(m, s²) ‖ N(0, 1)) = m²/2 + (s² − 1 − log s²)/2", mean**2 / 2 + (variance - 1 - math.log(variance)) / 2,
                    compute_gaussian_relative_entropy(mean, variance, 0.0, 1.0), "by hand", tolerance=1e-14, reason="rounding"),
        claim_close("information through a symmetric binary channel, in bits", capacity,
                    convert_nats_to_bits(compute_mutual_information(channel)), "1 − H(flip)", tolerance=1e-12, reason="rounding"),
    ]  # fmt: skip
    runs, n = {"small": 300, "full": 3000}[size], 2000
    log_ratio = np.log(p / q)[rng.choice(4, p=p, size=(runs * n,))]
    claims.append(
        claim_within_errors("KL(p ‖ q) as a mean of log-likelihood ratios", compute_relative_entropy(p, q), float(log_ratio.mean()),
                            float(log_ratio.std() / math.sqrt(len(log_ratio))), "the sum Σ p log(p/q)")
    )  # fmt: skip
    estimates = [estimate_entropy(rng.multinomial(60, p)) for _ in range(runs)]
    values = np.array([e.value for e in estimates])
    claims.append(
        claim_within_errors("entropy from 60 draws, averaged", compute_entropy(p), float(values.mean()),
                            float(values.std() / math.sqrt(runs)), "exact value; the bias left is O(1/n²)")
    )  # fmt: skip
    figure, axes = start_figure("number of draws", "estimate − H, nats", xscale="log")
    sizes = np.unique(np.geomspace(10, 20_000, 25).astype(int))
    found = [estimate_entropy(rng.multinomial(k, p)) for k in sizes]
    axes.errorbar(sizes, [e.value - compute_entropy(p) for e in found], [2 * e.standard_error for e in found], fmt="o", markersize=3)
    axes.axhline(0, color="0.5", linestyle="--")
    caption = "Entropy estimated from more and more draws, with bars of two standard errors."
    return Outcome(tuple(claims), {"convergence": Illustration(figure, caption)}, {"p": "1/2, 1/4, 1/8, 1/8", "repetitions": runs})
