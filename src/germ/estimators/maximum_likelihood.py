"""The largest log-likelihood of a model, climbed to from posterior draws: what BIC and sBIC are counted from.

Singular models have several, and flat, maxima: the climb starts at the best draw of every island. Models with an unbounded likelihood (a
mixture that shrinks a component onto one observation) have none; the climb then does not end, which is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize

from germ.errors import DivergenceError
from germ.sampling.density import Density
from germ.sampling.posterior import Posterior

_ITERATIONS = 3000
_LARGEST_RISE = 50.0  # nats per parameter above the best draw: a typical draw is d/2 below the maximum of a regular model


@dataclass(frozen=True)
class Maximum:
    """A maximum of the likelihood.

    Args:
        value: Largest log p(D|w), nats of the whole data set.
        parameters: Where, (d,).
        spread: Difference between the best and the second-best climb, nats: 0 where two islands agree.
    """

    value: float
    parameters: np.ndarray
    spread: float


def maximize_likelihood(posterior: Posterior, starts: int = 4) -> Maximum:
    """Climb from the best draws of the likeliest islands by L-BFGS.

    Args:
        posterior: From `germ.sample_posterior`.
        starts: Number of climbs.

    Returns:
        The largest maximum found; a maximum on the boundary of the support is approached to the optimiser's tolerance.

    Raises:
        DivergenceError: If the likelihood rises without end.
    """
    density = Density(posterior.problem, posterior.data)
    tops = posterior.log_likelihood.argmax(1)
    order = np.argsort(-posterior.log_likelihood.max(1))[:starts]
    beta = torch.tensor([1.0, 0.0], dtype=torch.float64)  # with and without the data: the difference is the likelihood's

    def descend(u: np.ndarray) -> tuple[float, np.ndarray]:
        point = torch.from_numpy(np.array(u, dtype=np.float64))[None]
        found = density.evaluate(point.expand(2, -1), beta)
        value = float(found.log_likelihood[0])
        return -value if np.isfinite(value) else 1e300, (found.gradient[1] - found.gradient[0]).numpy()

    found = []
    for island in order:
        start = posterior.positions[island, tops[island]]
        result = minimize(descend, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS, "maxfun": 2 * _ITERATIONS})
        found.append((float(-result.fun), result.x))
    found.sort(key=lambda pair: -pair[0])
    value, u = found[0]
    best = float(posterior.log_likelihood.max())
    if value - best > _LARGEST_RISE * (posterior.problem.dimension + 1):
        raise DivergenceError(
            f"the likelihood rises from {best:.1f} nats at the best draw to {value:.1f}",
            "a likelihood that is bounded near the posterior",
            "compare by free energy, WAIC or LOO, which need no maximum",
        )
    w, _ = density.coordinates.parameters(torch.from_numpy(u)[None])
    return Maximum(value, w[0].detach().numpy(), value - found[1][0] if len(found) > 1 else 0.0)
