"""Linear attention performs gradient descent on its prompt: one layer is one step, between knowing nothing and the Bayesian optimum.

A transformer that was trained on many regression problems solves a new one from the examples in its prompt, without any change of its
weights. For linear attention there is no riddle: with suitable weights a layer computes exactly what one step of gradient descent on the
prompt's least-squares loss would, and more layers are more steps. The best that any predictor can do is the Bayesian mean, which for
Gaussian tasks is ridge regression.
"""

from __future__ import annotations

import numpy as np

from germ.networks.in_context import predict_by_attention, predict_by_descent, predict_by_ridge
from germ.seminar.claims import claim_between, claim_close, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Prompts of linear regression in four dimensions, noise of variance 1/4.

    Args:
        size: How many prompts.
        seed: Of the prompts.

    Returns:
        The outcome.
    """
    rng, prompts, d, variance, rate = np.random.default_rng(seed), {"small": 4000, "full": 100_000}[size], 4, 0.25, 0.2
    claims, losses = [], []
    lengths = (2, 4, 8, 16, 32)
    for n in lengths:
        tasks, x, q = rng.normal(size=(prompts, d)), rng.normal(size=(prompts, n, d)), rng.normal(size=(prompts, d))
        y = np.einsum("pnd,pd->pn", x, tasks) + np.sqrt(variance) * rng.normal(size=(prompts, n))
        truth = (tasks * q).sum(1)
        ridge, spread = predict_by_ridge(x, y, q, variance=variance)
        one, ten = (predict_by_attention(x, y, q, rate=rate, layers=layers) for layers in (1, 10))
        if n == 8:
            for layers, attended in ((1, one), (10, ten)):
                difference = float(np.abs(attended - predict_by_descent(x, y, q, rate=rate, steps=layers)).max())
                scale = float(np.abs(attended).max())
                claims.append(
                    claim_between(f"relative difference of attention and descent, {layers} deep", difference / scale,
                                  "von Oswald et al. 2023, Proposition 1; rounding", upper=1e-12)
                )  # fmt: skip
        squares = (ridge - truth) ** 2
        claims.append(
            claim_within_errors(f"squared error of ridge regression with {n} examples", float(spread.mean()), float(squares.mean()),
                                float((squares - spread).std() / np.sqrt(prompts)), "the posterior's own variance")
        )  # fmt: skip
        errors = [np.mean((guess - truth) ** 2) for guess in (np.zeros_like(truth), one, ten, ridge)]
        losses.append(errors)
        claims.append(
            claim_between(f"squared error of one layer with {n} examples", float(errors[1]),
                          "ridge regression is optimal, no step the start", lower=float(errors[3]), upper=float(errors[0]))
        )  # fmt: skip
    x, y, q = rng.normal(size=(50, 3)), rng.normal(size=50), rng.normal(size=3)
    least = float(q @ np.linalg.lstsq(x, y, rcond=None)[0])
    claims.append(
        claim_close("300 layers on one prompt of 50 examples", least, float(predict_by_attention(x, y, q, rate=0.5, layers=300)),
                    "least squares", tolerance=1e-9, reason="descent converges geometrically")
    )  # fmt: skip
    figure, axes = start_figure("examples in the prompt", "mean squared error", xscale="log", yscale="log")
    for label, series in zip(("no step", "1 layer", "10 layers", "ridge (Bayes)"), np.array(losses).T, strict=True):
        axes.plot(lengths, series, "o-", markersize=3, label=label)
    axes.legend(fontsize="small", frameon=False)
    caption = "Error against the length of the prompt: attention with one and ten layers between knowing nothing and the Bayesian optimum."
    inputs = {"d": d, "noise": f"variance {variance}", "step size": rate, "prompts": prompts}
    return Outcome(tuple(claims), {"lengths": Illustration(figure, caption)}, inputs)
