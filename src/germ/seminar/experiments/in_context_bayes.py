"""Bayesian prediction in context: for finitely many tasks, for Gaussian ones, and why the first does not generalise to the second.

A sequence model that is trained to its optimum predicts like a Bayesian whose prior is the distribution of training tasks. If these are
finitely many it need only find out which of them the prompt is about, and does so after a few examples. On a task it has never seen it is
then worse than ridge regression, which assumes less. Which of the two a network becomes, and when in training, is what learning
coefficients are to tell.
"""

from __future__ import annotations

import numpy as np

from germ.networks.in_context import predict_by_ridge, predict_from_tasks
from germ.seminar.claims import claim_between, claim_close
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Sixteen tasks in four dimensions, noise of variance 1/4, and a one-dimensional grid of tasks.

    Args:
        size: How many prompts.
        seed: Of tasks and prompts.

    Returns:
        The outcome.
    """
    rng, prompts, d, variance = np.random.default_rng(seed), {"small": 10_000, "full": 200_000}[size], 4, 0.25
    x, y, q = rng.normal(size=(6, 1)), rng.normal(size=6), rng.normal(size=1)
    grid = np.linspace(-12, 12, 4001)[:, None]
    from_grid, _ = predict_from_tasks(x, y, q, grid, variance=variance, log_prior=-0.5 * grid[:, 0] ** 2)
    ridge, _ = predict_by_ridge(x, y, q, variance=variance)
    claims = [
        claim_close("mean over a grid of 4001 tasks with Gaussian weights", float(ridge), float(from_grid), "ridge regression",
                    tolerance=1e-10, reason="trapezoidal rule on an analytic integrand")
    ]  # fmt: skip
    known = rng.normal(size=(16, d))
    curves: dict[str, list[float]] = {"finite, known task": [], "ridge, known task": [], "finite, new task": [], "ridge, new task": []}
    lengths, surest = (1, 2, 4, 8, 16), []
    for n in lengths:
        for kind in ("known", "new"):
            chosen = rng.integers(0, len(known), prompts)
            tasks = known[chosen] if kind == "known" else rng.normal(size=(prompts, d))
            x, q = rng.normal(size=(prompts, n, d)), rng.normal(size=(prompts, d))
            y = np.einsum("pnd,pd->pn", x, tasks) + np.sqrt(variance) * rng.normal(size=(prompts, n))
            truth = (tasks * q).sum(1)
            finite, weights = predict_from_tasks(x, y, q, known, variance=variance)
            guess, _ = predict_by_ridge(x, y, q, variance=variance)
            gap = (guess - truth) ** 2 - (finite - truth) ** 2
            error = float(gap.std() / np.sqrt(prompts))
            sign, better = (1, "mean over the known tasks") if kind == "known" else (-1, "ridge regression")
            claims.append(
                claim_between(f"{kind} task, {n} example{'s' * (n > 1)}: how much better is the {better}, in standard errors",
                              sign * float(gap.mean()) / error, "the Bayesian mean under the right prior is optimal", lower=3)
            )  # fmt: skip
            curves[f"finite, {kind} task"].append(float(((finite - truth) ** 2).mean()))
            curves[f"ridge, {kind} task"].append(float(((guess - truth) ** 2).mean()))
            if kind == "known":
                surest.append(float(weights[np.arange(prompts), chosen].mean()))
    claims += [
        claim_between("mean posterior weight of the true task after 16 examples", surest[-1], "the posterior concentrates", lower=0.99),
        claim_between(
            "least growth of that weight from one length to the next", float(np.diff(surest).min()), "more examples tell more", lower=0
        ),
    ]
    figure, axes = start_figure("examples in the prompt", "mean squared error", xscale="log", yscale="log")
    for label, series in curves.items():
        axes.plot(lengths, series, "o-" if "finite" in label else "s--", markersize=3, label=label)
    axes.legend(fontsize="small", frameon=False)
    caption = "Error of both Bayesians on tasks that one of them knows, and on new ones: knowing the tasks helps, until they are others."
    inputs = {"d": d, "known tasks": len(known), "noise": f"variance {variance}", "prompts": prompts}
    return Outcome(tuple(claims), {"errors": Illustration(figure, caption)}, inputs)
