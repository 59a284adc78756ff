"""How data sets move losses: generalisation and training losses over many data sets, a regular and a singular parameter.

With real data K is replaced by its empirical mean, and in the charts of a resolution nK_n = n u^2k − √n u^k ξ_n(u) with a Gaussian
process ξ. The fluctuation does not change λ but enters the losses: E[G_n] = λ/n, E[T_n] = (λ − 2ν)/n with the singular fluctuation ν, and
WAIC estimates G_n whatever λ and ν are.
"""

from __future__ import annotations

import math

import numpy as np

from germ.atlas import compute_value
from germ.claim import Estimate
from germ.seminar.claims import claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size


def _simulate(power: int, n: int, repetitions: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Bayes losses and functional variance of y = w^power x + N(0, 1), truth 0, by quadrature over w, one entry per data set."""
    w = np.linspace(-4, 4, 4001) if power == 1 else np.sign(g := np.linspace(-1, 1, 4001)) * 2.2 * np.abs(g)
    u = w**power
    found: dict[str, list[float]] = {"generalisation": [], "training": [], "variance": []}
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(41)
    node_weights = node_weights / node_weights.sum()
    for _ in range(repetitions):
        x, y = rng.standard_normal((2, n))
        log_weight = -0.5 * (u**2 * (x @ x) - 2 * u * (x @ y))
        weight = np.exp(log_weight - log_weight.max())
        keep = weight > 1e-12 * weight.max()
        v, p = u[keep], weight[keep] / weight[keep].sum()
        log_ratio = -0.5 * ((v[:, None] * x) ** 2 - 2 * v[:, None] * x * y)  # log p(y|x, w)/q(y|x)
        found["training"].append(-float(np.log(p @ np.exp(log_ratio)).mean()))
        found["variance"].append(float((p @ log_ratio**2 - (p @ log_ratio) ** 2).sum()))
        a, b = nodes[:, None], nodes[None, :]
        fresh = np.exp(-0.5 * ((v[:, None, None] * a) ** 2 - 2 * v[:, None, None] * a * b))
        found["generalisation"].append(-float(node_weights @ np.log(np.tensordot(p, fresh, 1)) @ node_weights))
    return {key: np.array(value) for key, value in found.items()}


def run(size: Size, seed: int) -> Outcome:
    """The models y = wx and y = w³x, truth w = 0.

    Args:
        size: How many data sets.
        seed: Of the data.

    Returns:
        The outcome.
    """
    n, repetitions = 100, {"small": 250, "full": 4000}[size]
    rng = np.random.default_rng(seed)
    published = compute_value("singular-fluctuation", lam="1/6", p=1)
    assert isinstance(published, Estimate)
    claims = []
    figure, axes = start_figure("n (generalisation loss − entropy)", "data sets")
    for name, power, lead, fluctuation in (("y = wx", 1, 0.5, 0.5), ("y = w³x", 3, 1 / 6, published.value)):
        found = _simulate(power, n, repetitions, rng)

        def check(what: str, expected: float, values: np.ndarray, source: str, name: str = name, slack: float = 0.02 * lead) -> None:
            error = float(values.std(ddof=1) / math.sqrt(len(values)))
            # The theory's remainder is o(1/n); at n = 100 it is a few percent of λ, added to the statistical error.
            claims.append(claim_within_errors(f"{name}: {what}", expected, float(values.mean()), math.hypot(error, slack), source))

        gray = "Watanabe 2009, Theorem 6.10"
        check("n E[G_n] = λ", lead, n * found["generalisation"], gray)
        check("n E[T_n] = λ − 2ν", lead - 2 * fluctuation, n * found["training"], gray)
        check("E[V]/2 = ν", fluctuation, found["variance"] / 2, "atlas: singular fluctuation, by quadrature")
        waic = n * found["training"] + found["variance"]
        check("n E[WAIC − G_n] = 0", 0.0, waic - n * found["generalisation"], "Watanabe 2010")
        axes.hist(n * found["generalisation"], bins=np.linspace(0, 3, 40).tolist(), alpha=0.6, label=name)
    axes.legend()
    caption = "Generalisation losses over data sets: the singular parameter (λ = 1/6) predicts better than the regular one (λ = 1/2)."
    return Outcome(tuple(claims), {"losses": Illustration(figure, caption)}, {"n": n, "data sets": repetitions})
