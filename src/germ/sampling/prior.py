"""Does the prior integrate to one? A check by bridge sampling, because evidence means nothing where it does not.

The normaliser of φ is estimated between the prior's own draws and a normal law fitted to other draws of it. It is 1 for a proper,
normalised prior that its sampler draws from; a flat prior on an unbounded space, a forgotten constant, a sampler of another law all show.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from germ.errors import ProblemError
from germ.sampling.density import Density

_DRAWS = 4096
_BLOCKS = 16
_TOLERANCE = 0.05  # nats, added to six standard errors: a constant that matters, and not the tail of a clumsy fit


def check_prior(density: Density, generator: torch.Generator) -> float:
    """The logarithm of ∫ φ(w) dw as estimated, near 0; raises where it is not.

    Args:
        density: The posterior whose prior is checked.
        generator: Source of randomness.

    Returns:
        The estimate in nats; nan where the fitted law and the prior do not overlap enough to tell.

    Raises:
        ProblemError: If the prior is not finite at its own draws, or does not integrate to one.
    """
    u = density.draw_prior(2 * _DRAWS, generator)
    if not bool(torch.isfinite(u).all()):
        raise ProblemError("sample_prior returned nan or infinite parameters", "draws from a proper prior", _REMEDY)
    own = _log_prior(density, u)
    if not bool(torch.isfinite(own).all()):
        share = float((~torch.isfinite(own)).double().mean())
        raise ProblemError(
            f"log φ is not finite at {share:.1%} of the draws of sample_prior", "a density and a sampler of the same prior", _REMEDY
        )
    fit, test = u[:_DRAWS], u[_DRAWS:]
    centre = fit.median(0).values
    # Scales from quartiles, which heavy tails do not move; correlations where there are draws enough.
    quartile = torch.quantile(fit, torch.tensor([0.25, 0.75], dtype=torch.float64), dim=0)
    scale = ((quartile[1] - quartile[0]) / 1.349).clamp_min(1e-12)
    standard = ((fit - centre) / scale).clamp(-4, 4)
    dimension = density.dimension
    correlation = standard.T @ standard / _DRAWS if 20 * dimension < _DRAWS else torch.eye(dimension, dtype=torch.float64)
    factor = scale[:, None] * torch.linalg.cholesky(correlation + 1e-6 * torch.eye(dimension, dtype=torch.float64))
    proposal = centre + torch.randn(_DRAWS, dimension, generator=generator, dtype=torch.float64) @ factor.T
    low = _log_prior(density, proposal) - _log_normal(proposal, centre, factor)
    high = own[_DRAWS:] - _log_normal(test, centre, factor)
    value, error = _compare(low, high)
    if abs(value) > _TOLERANCE + 6 * error:
        raise ProblemError(
            f"the prior does not integrate to one over the draws of its sampler: log ∫ φ(w) dw = {value:.3g} ± {error:.2g}",
            "0: a proper, normalised density, drawn from by sample_prior",
            _REMEDY,
        )
    return value


_REMEDY = "give a proper prior with its normalising constant, or use WAIC and LOO, which need no evidence"


def _log_prior(density: Density, u: Tensor) -> Tensor:
    with torch.no_grad():
        w, log_jacobian = density.coordinates.parameters(u)
        return torch.nan_to_num(density.log_prior(w) + log_jacobian, nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


def _log_normal(u: Tensor, centre: Tensor, factor: Tensor) -> Tensor:
    z = torch.linalg.solve_triangular(factor, (u - centre).T, upper=False)
    return -0.5 * z.pow(2).sum(0) - factor.diagonal().log().sum() - 0.5 * u.shape[1] * math.log(2 * math.pi)


def _compare(low: Tensor, high: Tensor) -> tuple[float, float]:
    """Root of Σ σ(low − r) = Σ σ(r − high), and its standard error from blocks; (0, inf) where the two laws hardly overlap."""
    a, b = low.numpy(), high.numpy()
    left, right = -1e4, 1e4
    for _ in range(80):
        middle = (left + right) / 2
        left, right = (middle, right) if _gap(a, b, middle).sum() > 0 else (left, middle)
    overlap = (1 / (2 + np.exp(np.clip(a - left, -700, 700)) + np.exp(-np.clip(a - left, -700, 700)))).mean()
    overlap += (1 / (2 + np.exp(np.clip(b - left, -700, 700)) + np.exp(-np.clip(b - left, -700, 700)))).mean()
    if overlap < 0.005:
        return 0.0, math.inf
    blocks = _gap(a.reshape(_BLOCKS, -1), b.reshape(_BLOCKS, -1), left).mean(1)
    return left, float(blocks.std(ddof=1) / math.sqrt(_BLOCKS) / overlap)


def _gap(a: np.ndarray, b: np.ndarray, root: float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(a - root, -700, 700))) - 1 / (1 + np.exp(np.clip(b - root, -700, 700)))
