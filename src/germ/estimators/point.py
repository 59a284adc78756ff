"""What kind of point w* is: at an exact zero of K, at the truth behind noisy labels, fitted to them, or outside the theory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import chi2

from germ.sampling.model import WrappedModel
from germ.sampling.outputs import NotOutputsError, capture_outputs
from germ.sampling.splitting import compute_hessian

_DIRECTIONS = 32
_RANDOM = 1e-4  # probability with which the truth is taken for a fitted parameter, on each side
_FAR, _NEAR = 1e-3, 1e-6  # steps, of the typical size: rounded labels must not look like noise, nor K beside noise like a fit
_VISIBLE = 1e-9  # share of the loss by which it has to change to be more than rounding
_KINK_STEP = 1e-6  # of the typical size of the parameters; a smooth second difference is then 1e-12 of the outputs
_KINK_SAMPLES = 64
_SADDLE = 0.05  # negative curvature below this share of the largest is common in trained networks and left to the chains
_SADDLE_SAMPLES = 2000


@dataclass(frozen=True)
class Point:
    """What was found at w*.

    Args:
        noise: "none" (no sample's loss falls beside w*), "true" (it does, as noise makes it at the true parameter) or "fitted".
        failed: The hypothesis of the theory that fails, or "".
        explanation: How it fails.
    """

    noise: str
    failed: str = ""
    explanation: str = ""


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
    return Point(noise)


def classify_noise(wrapped: WrappedModel, scale: float, generator: torch.Generator) -> str:
    """How the losses behave beside w*: "none", "true" (noise, and w* is the truth) or "fitted" (noise, and w* was fitted to it).

    Without noise no sample's loss falls below its value at w*. With noise, the mean excess losses f̄ in some directions are compared with
    their covariance C: at the truth T = n f̄ᵀ C⁻¹ f̄ follows χ² (they are means of independent terms of mean K ≈ 0), at a fitted parameter
    f̄ = K and T is near 0, and away from both T is large.

    Args:
        wrapped: The model.
        scale: Typical size of the parameters.
        generator: Source of randomness.

    Returns:
        One of the three words.
    """
    directions = torch.randn(_DIRECTIONS, wrapped.dimension, generator=generator, dtype=torch.float64)
    reference = wrapped.losses(wrapped.center[None])

    def compute_excess(step: float) -> torch.Tensor:
        return torch.cat([wrapped.losses(wrapped.center + step * scale * chunk) - reference for chunk in directions.split(8)])

    excess = compute_excess(_FAR)
    if float((excess < -1e-9 * excess.abs().mean(1, keepdim=True)).double().mean()) < 0.01:
        return "none"
    near = compute_excess(_NEAR)
    if float(near.abs().mean()) > _VISIBLE * float(reference.abs().mean()):
        excess = near
    mean, n = excess.mean(1), wrapped.size
    values, vectors = torch.linalg.eigh(torch.cov(excess))
    kept = values > 1e-3 * values[-1]  # directions of the noise itself; what K adds is of second order
    statistic = n * float(((vectors.T @ mean)[kept] ** 2 / values[kept]).sum())
    low, high = chi2.ppf([_RANDOM, 1 - _RANDOM], int(kept.sum()))
    return "true" if low < statistic < high else "fitted"


def _find_kink(wrapped: WrappedModel, scale: float, generator: torch.Generator) -> float:
    """Share of outputs whose second difference falls like the step, not like its square."""
    leaves = wrapped.samples.take(torch.randperm(wrapped.size, generator=generator)[:_KINK_SAMPLES])
    direction = torch.randn(wrapped.dimension, generator=generator, dtype=torch.float64)

    def outputs(row: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            try:
                return capture_outputs(wrapped, row, leaves)[0]
            except NotOutputsError:
                return wrapped.losses(row[None], torch.arange(min(_KINK_SAMPLES, wrapped.size)))

    def bend(step: float) -> torch.Tensor:
        ends = [outputs(wrapped.center + sign * step * scale * direction) for sign in (1, -1)]
        return (ends[0] + ends[1] - 2 * outputs(wrapped.center)).abs()

    coarse, fine, slope = (
        bend(10 * _KINK_STEP),
        bend(_KINK_STEP),
        (outputs(wrapped.center + _KINK_STEP * scale * direction) - outputs(wrapped.center)).abs(),
    )
    kinked = (fine > 1e-2 * slope) & (coarse < 30 * fine) & (fine > 1e-12)
    return float(kinked.double().mean())


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
