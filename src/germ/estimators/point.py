"""What kind of point w* is: at an exact zero of K, at the truth behind noisy labels, fitted to them, or outside the theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import chi2

from germ.sampling.model import WrappedModel
from germ.sampling.outputs import NotOutputsError, capture_outputs
from germ.sampling.splitting import compute_hessian

_DIRECTIONS, _MOST_DIRECTIONS = 32, 256
_MOST_LOSSES = 4_000_000  # directions times samples
_RANDOM = 1e-4  # probability with which the truth is taken for a fitted parameter, on each side
_FAR, _NEAR = (1e-3, 0.03, 1.0), 1e-4  # steps, of the typical size: rounded labels must not look like noise, nor cubes like slopes
_ROUNDING = 1e-14  # of a loss in double precision
_VISIBLE = 1e-11  # share of the loss by which it has to change to be more than rounding
_KINK_STEP = 1e-6  # of the typical size of the parameters; a smooth second difference is then 1e-12 of the outputs
_KINK_SAMPLES = 64
_NODES = 32  # on a line; with tanh and weights of size one coefficients fall below rounding by the twelfth
_SADDLE = 0.05  # negative curvature below this share of the largest is common in trained networks and left to the chains
_SADDLE_SAMPLES = 2000


@dataclass(frozen=True)
class Point:
    """What was found at w*.

    Args:
        noise: "none" (no sample's loss falls beside w*), "true" (it does, as noise makes it at the true parameter) or "fitted".
        failed: The hypothesis of the theory that fails, or "".
        explanation: How it fails.
        analytic: Whether the outputs are analytic in a neighbourhood of w*, and not only at it.
    """

    noise: str
    failed: str = ""
    explanation: str = ""
    analytic: bool = True


def examine_point(wrapped: WrappedModel, scale: float, generator: torch.Generator) -> Point:
    """Find out what kind of point w* is.

    Args:
        wrapped: The model.
        scale: Typical size of the parameters.
        generator: Source of randomness.

    Returns:
        The point.
    """
    noise = classify_noise(wrapped, scale, generator)
    share = _find_kink(wrapped, scale, generator)
    if share > 0:
        why = (
            f"{share:.0%} of the outputs have a kink at w* itself (a ReLU at zero, an absolute value); move w* off it, or use a smooth unit"
        )
        return Point(noise, "the loss is analytic at w*", why)
    if noise == "fitted" and wrapped.dimension <= 1000:
        why = _find_descent(wrapped, scale)
        if why:
            return Point(noise, "w* is a local minimum of the expected loss", why)
    return Point(noise, analytic=not find_kinks_nearby(wrapped, scale, generator))


def classify_noise(wrapped: WrappedModel, scale: float, generator: torch.Generator) -> str:
    """How the losses behave beside w*: "none", "true" (noise, and w* is the truth) or "fitted" (noise, and w* was fitted to it).

    Without noise no sample's loss falls below its value at w*. With noise a score test decides: at the truth the derivatives of the n
    losses along any direction have mean zero, so that their mean over its standard error, z, is standard normal. z² summed over the
    eigendirections of their covariance, from the stiffest on, has to look like χ² all the way. At a fitted parameter the sums are too
    small; where training has not ended they are too small at the stiff end, and too large at the flat one.

    Args:
        wrapped: The model.
        scale: Typical size of the parameters.
        generator: Source of randomness.

    Returns:
        One of the three words.
    """
    n, d = wrapped.size, wrapped.dimension
    directions = torch.randn(max(_DIRECTIONS, _MOST_DIRECTIONS), d, generator=generator, dtype=torch.float64)
    # As many of them as there are parameters, if n allows: covariances come from half of the samples.
    count = min(d, _MOST_DIRECTIONS, max(8, n // 8), max(16, _MOST_LOSSES // n))
    reference = wrapped.losses(wrapped.center[None])

    def compute_excess(step: float, rows: torch.Tensor) -> torch.Tensor:
        return torch.cat([wrapped.losses(wrapped.center + step * scale * chunk) - reference for chunk in rows.split(8)])

    def is_visible(change: torch.Tensor) -> bool:
        return float(change.pow(2).mean(1).max()) > (_VISIBLE * float(reference.abs().mean())) ** 2

    # Where derivatives vanish losses change less; K, of twice the order, stays far below them.
    steps = [step for step in _FAR if is_visible(compute_excess(step, directions[:8]))] or _FAR[-1:]
    excess = compute_excess(steps[0], directions[:_DIRECTIONS])
    if float((excess < -1e-9 * excess.abs().mean(1, keepdim=True)).double().mean()) < 0.01:
        return "none"
    slopes = (compute_excess(_NEAR, directions[:count]) - compute_excess(-_NEAR, directions[:count])) / 2  # K itself is even
    least = 1e-12
    if not is_visible(slopes):
        slopes, least = compute_excess(steps[0], directions[:count]), 1e-6  # with K in them
    order = torch.randperm(n, generator=generator)
    _, vectors = torch.linalg.eigh(torch.cov(slopes[:, order[: n // 2]]).reshape(count, count))
    score = vectors.T @ slopes
    variance = score[:, order[n // 2 :]].var(1)
    stiffest = variance.argsort(descending=True)
    rounding = (_ROUNDING * float(reference.abs().mean())) ** 2
    kept = stiffest[variance[stiffest] > max(least * float(variance.max()), rounding)]
    if not len(kept):
        return "fitted"
    statistic = (n * score.mean(1)[kept] ** 2 / variance[kept]).cumsum(0).numpy()
    low, high = chi2.ppf(np.array([[_RANDOM], [1 - _RANDOM]]), np.arange(1, len(statistic) + 1))
    return "true" if bool(((low < statistic) & (statistic < high)).all()) else "fitted"


def _look_along_a_line(wrapped: WrappedModel, generator: torch.Generator) -> Callable[[torch.Tensor], torch.Tensor]:
    """Outputs of some samples (losses, where the loss is not a function of outputs) at w* + s v, v random, as a function of s."""
    leaves = wrapped.samples.take(torch.randperm(wrapped.size, generator=generator)[:_KINK_SAMPLES])
    direction = torch.randn(wrapped.dimension, generator=generator, dtype=torch.float64)

    def outputs(step: float) -> torch.Tensor:
        row = wrapped.center + step * direction
        with torch.no_grad():
            try:
                return capture_outputs(wrapped, row, leaves)[0]
            except NotOutputsError:
                return wrapped.losses(row[None], torch.arange(min(_KINK_SAMPLES, wrapped.size)))

    return lambda steps: torch.stack([outputs(float(s)).reshape(-1) for s in steps])


def _find_kink(wrapped: WrappedModel, scale: float, generator: torch.Generator) -> float:
    """Share of outputs whose second difference at w* falls like the step, not like its square."""
    line, step = _look_along_a_line(wrapped, generator), _KINK_STEP * scale
    below, near_below, here, near, above = line(step * torch.tensor([-10.0, -1, 0, 1, 10], dtype=torch.float64))
    coarse, fine, slope = (above + below - 2 * here).abs(), (near + near_below - 2 * here).abs(), (near - here).abs()
    kinked = (fine > 1e-2 * slope) & (coarse < 30 * fine) & (fine > 1e-12)
    return float(kinked.double().mean())


def find_kinks_nearby(wrapped: WrappedModel, scale: float, generator: torch.Generator) -> bool:
    """Whether the outputs have kinks (ReLU, max, |·|) at parameters beside w*.

    Along a line through w* the Chebyshev coefficients of an analytic function fall geometrically, those of one with a kink like 1/k².

    Args:
        wrapped: The model.
        scale: Typical size of the parameters.
        generator: Source of randomness.

    Returns:
        Whether any output has one within 0.1 of the parameters' size.
    """
    nodes = torch.cos(math.pi * (torch.arange(_NODES, dtype=torch.float64) + 0.5) / _NODES)
    basis = torch.cos(torch.arange(_NODES, dtype=torch.float64)[:, None] * torch.arccos(nodes)) * 2 / _NODES
    line = _look_along_a_line(wrapped, generator)
    for width in (0.1, 0.02):  # what bends only on the longer line is analytic
        coefficients = (basis @ line(width * scale * nodes)).abs()
        smooth = coefficients[_NODES // 2 :].amax(0) <= 1e-6 * coefficients[1:4].amax(0) + 1e-12 * coefficients[0]
        if bool(smooth.all()):
            return False
    return True


def _find_descent(wrapped: WrappedModel, scale: float) -> str:
    """How the mean loss falls along the most negative curvature at a stationary point; "" where it does not."""
    energy = wrapped.energy("loss", torch.arange(min(wrapped.size, _SADDLE_SAMPLES)))
    hessian = compute_hessian(energy, wrapped.center, 1e-6 * scale)
    values, vectors = torch.linalg.eigh(hessian)
    gradient = energy(wrapped.center[None])[1][0]
    stationary = float(gradient.norm()) < 1e-2 * float(values.abs().max()) * scale
    if not stationary or float(values[0]) > -_SADDLE * float(values.abs().max()):
        return ""
    steps = torch.tensor([s * sign for s in (0.03, 0.1, 0.3) for sign in (1, -1)], dtype=torch.float64) * scale
    fall = -float(energy(wrapped.center + steps[:, None] * vectors[:, 0])[0].min())
    if fall * wrapped.size / math.log(wrapped.size) < 3:
        return ""
    return (
        f"the Hessian at w* has the eigenvalue {float(values[0]):.3g} (largest {float(values[-1]):.3g}) and the mean loss falls by "
        f"{fall:.3g} nats along it: w* is a saddle point; train on, or start from the minimum that it leads to"
    )


def describe_scale(center: np.ndarray | torch.Tensor) -> float:
    """Typical size of the parameters, at least 0.1: networks at the origin have theirs from the activations."""
    return max(0.1, float(np.sqrt(np.mean(np.asarray(center) ** 2))))
