"""The splitting lemma at w*: what is regular is counted, what is left is sampled.

Where the Hessian H of K at w* has rank r, coordinates exist in which K = |u|² + g(v), u in R^r, and g(v) = min over u. So
λ(K) = r/2 + λ(g): only g, on the kernel of H, needs sampling. The minimum is found by Newton's method with H fixed; ∇g is the v-part of
∇K there (envelope theorem).

References:
    Arnold, Gusein-Zade, Varchenko (1985), Singularities of Differentiable Maps I, §11.1 (splitting lemma);
    Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, Remark 7.2 (λ of a sum in separate variables).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.sampling.model import Energy

_ZERO = 1e-9  # eigenvalues below this share of the largest count as zero: central differences resolve about 1e-10
_LOCAL = 0.05  # width of the neighbourhood in units of the distance at which the smallest regular eigenvalue could vanish
_NEWTON_STEPS = 12


@dataclass
class ResidualGerm:
    """g(v) = min over u of K(w* + Q_r u + Q_k v).

    Args:
        energy: K and its gradient.
        center: w*, (d,).
        eigenvalues: The r nonzero eigenvalues of the Hessian.
        regular: Their eigenvectors Q_r, (d, r).
        kernel: A basis Q_k of the kernel, (d, k).
        width: Standard deviation ρ of the Gaussian neighbourhood in v.
        steps: Newton steps.
    """

    energy: Energy
    center: Tensor
    eigenvalues: Tensor
    regular: Tensor
    kernel: Tensor
    width: float
    steps: int = 0

    @property
    def rank(self) -> int:
        """Rank of the Hessian, r."""
        return self.regular.shape[1]

    def __call__(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """The residual g and its gradient, (C,) and (C, k)."""
        w = self.center + v @ self.kernel.T
        value, gradient = self.energy(w)
        for _ in range(self.steps):
            w = w - (gradient @ self.regular / self.eigenvalues) @ self.regular.T
            value, gradient = self.energy(w)
        return value, gradient @ self.kernel

    def slack(self) -> float:
        """How far K falls below K(w*) along the regular directions, by the size of its gradient: 0 at an exact minimum."""
        gradient = self.energy(self.center[None])[1][0] @ self.regular
        return float((gradient**2 / self.eigenvalues).sum()) / 2

    def calibrate(self, v: Tensor) -> None:
        """Use as many Newton steps as ∇g needs to settle to 1e-3."""
        if self.rank == 0 or v.shape[1] == 0:
            return
        previous = self(v)[1]
        for steps in range(1, _NEWTON_STEPS + 1):
            self.steps = steps
            current = self(v)[1]
            change = (current - previous).norm(dim=1) / current.norm(dim=1).clamp_min(1e-300)
            if float(change.median()) < 1e-3:
                break
            previous = current


def split_germ(energy: Energy, center: Tensor, scale: float) -> ResidualGerm:
    """Split K at w* into its regular part and the residual germ.

    Args:
        energy: K and its gradient.
        center: w*.
        scale: Typical size of the parameters.

    Returns:
        The residual germ. Costs 2 d gradients.
    """
    eigenvalues, basis = torch.linalg.eigh(compute_hessian(energy, center, 1e-6 * scale))
    top = float(eigenvalues.max())
    nonzero = eigenvalues > max(_ZERO * top, 1e-280)
    # A Hessian that is nothing but rounding of higher-order terms is zero.
    if top <= 1e-10 * float(energy(center[None] + scale * basis.T[-1:])[0].abs().max()) / scale**2:
        nonzero = torch.zeros_like(nonzero)
    regular = eigenvalues[nonzero]
    ratio = math.sqrt(float(regular.min()) / top) if regular.numel() else 1.0 / _LOCAL
    germ = ResidualGerm(energy, center, regular, basis[:, nonzero], basis[:, ~nonzero], _LOCAL * scale * ratio)
    return germ


def compute_hessian(energy: Energy, center: Tensor, size: float) -> Tensor:
    """The Hessian by central differences of the gradient.

    Args:
        energy: K and its gradient.
        center: Where.
        size: Step of the differences.

    Returns:
        A symmetric matrix, (d, d).
    """
    rows = []
    for block in torch.eye(center.numel(), dtype=center.dtype).split(128):
        rows.append((energy(center + size * block)[1] - energy(center - size * block)[1]) / (2 * size))
    hessian = torch.cat(rows)
    return (hessian + hessian.T) / 2
