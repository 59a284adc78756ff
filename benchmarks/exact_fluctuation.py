"""Models whose singular fluctuation ν is known: exact posterior draws and generalisation losses, written without germ's samplers.

Regressions y = θ·x + noise whose true θ is zero, x normal: log p(y|x, θ) − log q(y|x) = θ·x y − (θ·x)²/2. In one parameter, θ = f(w)
under a flat prior in w; in p parameters θ = b a with a in R^p, b in R, whose prior is |θ|^(1 − p): the whole neighbourhood of 0 counts.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
# ab, a in R^p: λ = 1/2, ν
PRODUCTS = {2: 0.699658, 3: 0.845746, 5: 1.070494}


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


def draw_product_posterior(p, n, draws, rng):
    """Log ratios (4, draws/4, n) at independent draws of θ = b a under the prior |θ|^(1 − p), for an orthonormal design XᵀX = n.

    The radius has density ∝ exp(−n r²/2) ∫ exp(r |s| cos φ) sin^(p−2) φ dφ, s = Xᵀy; the angle to s then its own.
    """
    x = np.linalg.qr(rng.normal(size=(n, p)))[0] * np.sqrt(n)
    y = rng.normal(size=n)
    s = x.T @ y
    length = np.linalg.norm(s)
    radius, angle = np.linspace(0, 12 / np.sqrt(n), 1201)[1:], np.linspace(0, np.pi, 801)
    table = radius[:, None] * length * np.cos(angle) - n * radius[:, None] ** 2 / 2
    table = np.exp(table - table.max()) * np.sin(angle) ** (p - 2)
    cumulative = np.cumsum(table.ravel())
    index = np.searchsorted(cumulative, rng.random(draws) * cumulative[-1])
    r, phi = radius[index // len(angle)], angle[index % len(angle)]
    across = rng.normal(size=(draws, p))
    across -= np.outer(across @ s, s) / length**2
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    theta = r[:, None] * (np.cos(phi)[:, None] * s / length + np.sin(phi)[:, None] * across)
    mean = theta.reshape(4, draws // 4, p) @ x.T
    return mean * y - mean**2 / 2


@dataclass(frozen=True)
class Fluctuation:
    """A model with known ν.

    Args:
        nu: ν at β = 1.
        draw: (draws, rng) to log ratios (4, draws/4, n) of a fresh data set at posterior draws.
    """

    nu: float
    draw: Callable[[int, np.random.Generator], np.ndarray]


def make_fluctuations(n=400):
    """All models at n observations, by name."""

    def one(f, grid):
        def draw(draws, rng):
            data = draw_data(n, rng)
            return log_ratio(draw_posterior(f, grid, data, draws, rng), data)

        return draw

    found = {name: Fluctuation(nu, one(f, grid)) for name, (f, grid, _, nu) in MODELS.items()}
    return found | {
        f"ab, a in R^{p}": Fluctuation(nu, lambda draws, rng, p=p: draw_product_posterior(p, n, draws, rng)) for p, nu in PRODUCTS.items()
    }


_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
_X, _Y = (a.ravel() for a in np.meshgrid(_NODES, _NODES))
_W = np.outer(_WEIGHTS, _WEIGHTS).ravel() / _WEIGHTS.sum() ** 2


def generalization(f):
    """Bayes and Gibbs generalisation losses minus the entropy, by Gauss-Hermite quadrature over (x, y)."""
    values = log_ratio(f, (_X, _Y)).reshape(f.size, -1)
    return -_W @ np.log(np.exp(values).mean(0)), -_W @ values.mean(0)
