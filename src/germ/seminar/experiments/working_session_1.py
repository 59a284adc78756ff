"""Exercise: how much worse than the truth does a Bayesian with a flat prior predict the next normal sample?

The generalisation error is the divergence from the truth to the predictive distribution, averaged over data sets. For a normal mean with
a flat prior it can be written down, and it shows the first law of the theory, n E[G_n] → λ, in the one case that needs no geometry.
"""

from __future__ import annotations

import math

import numpy as np

from germ.information.entropy import compute_gaussian_relative_entropy
from germ.seminar.claims import claim_close, claim_within_errors
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """E[G_n] = ½ log(1 + 1/n) for the mean of a normal distribution, by formula and by simulation.

    Args:
        size: How many data sets.
        seed: Of the data.

    Returns:
        The outcome.
    """
    rng, repetitions = np.random.default_rng(seed), {"small": 4000, "full": 100_000}[size]
    claims = []
    for n, known in ((1, 0.346574), (10, 0.047655)):
        # The predictive distribution is N(mean of the data, 1 + 1/n); G is its divergence from N(0, 1).
        means = rng.standard_normal((repetitions, n)).mean(1)
        losses = np.array([compute_gaussian_relative_entropy(0.0, 1.0, m, 1 + 1 / n) for m in means])
        exact = compute_gaussian_relative_entropy(0.0, 1.0, 0.0, 1 + 1 / n) + (1 / n) / (2 * (1 + 1 / n))
        claims.append(claim_close(f"½ log(1 + 1/n) at n = {n}", known, exact, "E over the mean of the data, by hand", tolerance=6e-7,
                                  reason="six decimals printed"))  # fmt: skip
        claims.append(
            claim_within_errors(f"E[G_n] at n = {n} over {repetitions} data sets", 0.5 * math.log(1 + 1 / n), float(losses.mean()),
                                float(losses.std() / math.sqrt(repetitions)), "the formula")
        )  # fmt: skip
    n = 1000
    claims.append(claim_close("n E[G_n] tends to λ = 1/2", 0.5, n * 0.5 * math.log(1 + 1 / n), "regular model, d = 1", tolerance=1e-3,
                              reason="−1/4n"))  # fmt: skip
    hint = "Hint: with a flat prior the posterior is N(mean, 1/n), so the predictive distribution is N(mean, 1 + 1/n)."
    return Outcome(tuple(claims), inputs={"model": "N(w, 1), flat prior, truth w = 0"}, notes=(hint,))
