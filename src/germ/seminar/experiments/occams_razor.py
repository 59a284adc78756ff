"""Balasubramanian's razor, term by term, against the exact evidence and the exact normalised maximum likelihood code.

The evidence of a regular model is its maximum likelihood times a razor: the volume of parameters that n samples cannot tell from the best
one, over the volume of all that they can tell apart, measured by √det I. That splits ½ d log n from terms that count geometry. Rissanen's
code reaches the same complexity without a prior. Where det I = 0 there is no razor, and d/2 has to be replaced by λ.
"""

from __future__ import annotations

import math

import numpy as np

from germ.errors import InputError
from germ.information.complexity import (
    compute_multinomial_complexity,
    compute_multinomial_evidence,
    compute_multinomial_fisher_volume,
    compute_razor,
)
from germ.seminar.claims import claim_close, claim_refused
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Coins and dice: complexities, volumes, evidence; and the refusal where the model is singular.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    coin = compute_multinomial_fisher_volume(2)
    claims = [
        claim_close(f"exact complexity of a coin, n = {n}", known, compute_multinomial_complexity(n, 2), "sum over all data sets",
                    tolerance=6e-9, reason="eight decimals printed")
        for n, known in ((10, 1.53906173), (1000, 3.69643119))
    ]  # fmt: skip
    claims += [
        claim_close(f"½ log(n/2π) + log π at n = {n}", known, compute_razor(0.0, n, coin, [[4.0]]).complexity, "Rissanen 1996",
                    tolerance=6e-9, reason="eight decimals printed")
        for n, known in ((10, 1.37708390), (1000, 3.67966899))
    ]  # fmt: skip
    claims += [
        claim_close(f"Fisher volume of {k} cells", known, compute_multinomial_fisher_volume(k), "orthant of a sphere of radius 2",
                    tolerance=1e-12, reason="rounding")
        for k, known in ((2, math.pi), (3, 2 * math.pi), (4, math.pi**2))
    ]  # fmt: skip
    n, heads = 5000, 1400
    w = heads / n
    fit = heads * math.log(w) + (n - heads) * math.log(1 - w)
    razor = compute_razor(fit, n, coin, [[1 / (w * (1 - w))]])
    claims.append(
        claim_close(f"razor of {heads} heads in {n} throws against the exact evidence", -compute_multinomial_evidence([heads, n - heads]),
                    razor.total, "Beta function, Jeffreys' prior", tolerance=1e-3, reason="order 1/n")
    )  # fmt: skip
    claims.append(
        claim_refused("no razor where the Fisher information is singular", lambda: compute_razor(0.0, 100, 1.0, np.diag([1.0, 0.0])),
                      "det I = 0: d/2 has to be replaced by λ", error=InputError, hypothesis="singular")
    )  # fmt: skip
    figure, axes = start_figure("n", "nats", xscale="log")
    grid = np.unique(np.geomspace(2, 20_000, 40).astype(int))
    for k in (2, 3, 6):
        volume = compute_multinomial_fisher_volume(k)
        line = axes.plot(grid, [compute_multinomial_complexity(int(x), k) for x in grid], label=f"{k} cells, exact")[0]
        asymptotic = [(k - 1) / 2 * math.log(x / (2 * math.pi)) + math.log(volume) for x in grid]
        axes.plot(grid, asymptotic, "--", color=line.get_color())
    axes.legend()
    caption = "Complexity of dice: exact (lines) and from dimension and volume (dashed)."
    return Outcome(tuple(claims), {"complexity": Illustration(figure, caption)}, {"data": f"{heads} heads in {n} throws"})
