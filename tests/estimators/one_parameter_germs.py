"""One-parameter models y = f(w) x + noise whose true regression is zero: posterior draws and generalisation loss by quadrature.

log p(y|x, w) − log q(y|x) = f y x − f² x²/2, so that everything depends on f = f(w) alone, and K = E f²/2.
"""

import numpy as np

GRID = np.linspace(-1.6, 1.6, 4001)
# name: f, grid, λ, ν (ν by quadrature over the limit law of ξ, atlas "singular-fluctuation")
MODELS = {
    "w": (lambda w: w, GRID, 1 / 2, 0.5),
    "w^3": (lambda w: w**3, GRID, 1 / 6, 0.278366),
    "w^5": (lambda w: w**5, GRID, 1 / 10, 0.206135),
    "w>=0": (lambda w: w, GRID[GRID >= 0], 1 / 2, 0.202182),
    "w^2": (lambda w: w**2, GRID, 1 / 4, 0.172973),
    "w^4": (lambda w: w**4, GRID, 1 / 8, 0.137856),
}


def draw_data(n, rng):
    return rng.normal(size=n), rng.normal(size=n)


def draw_posterior(f, grid, data, draws, rng, beta=1.0):
    """f(w_s) of independent posterior draws, (4, draws/4), for a flat prior on the grid."""
    x, y = data
    values = f(grid)
    energy = beta * ((y @ x) * values - (x @ x) / 2 * values**2)
    cumulative = np.cumsum(np.exp(energy - energy.max()))
    return values[np.searchsorted(cumulative, rng.random((4, draws // 4)) * cumulative[-1])]


def log_ratio(f, data):
    """log p(y_i|x_i, w_s) − log q(y_i|x_i), (chain, draw, n)."""
    x, y = data
    return f[:, :, None] * (x * y) - f[:, :, None] ** 2 * (x * x / 2)


_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
_X, _Y = (a.ravel() for a in np.meshgrid(_NODES, _NODES))
_W = np.outer(_WEIGHTS, _WEIGHTS).ravel() / _WEIGHTS.sum() ** 2


def generalization(f):
    """Bayes and Gibbs generalisation losses minus the entropy, by Gauss-Hermite quadrature over (x, y)."""
    values = log_ratio(f, (_X, _Y)).reshape(f.size, -1)
    return -_W @ np.log(np.exp(values).mean(0)), -_W @ values.mean(0)
