"""Coordinates without walls: a box of parameters, mapped onto all of R^d one parameter at a time.

Between two walls w = a + (b − a)/(1 + e^(−u)); with one wall w = a + e^u (or b − e^(−u)). The prior picks up log |dw/du|, so that
densities in u integrate to the same numbers. At a wall a posterior of width 1/n becomes one of width 1 in u: minima on the boundary, where
K vanishes to first order, are sampled at the same step as interior ones.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


class Coordinates:
    """The map u → w and the logarithm of its Jacobian.

    Args:
        support: Lower and upper ends, each (d,), entries may be infinite; None for all of R^d.

    Example:
        >>> box = Coordinates((torch.zeros(1), torch.ones(1)))
        >>> w, log_jacobian = box.parameters(torch.zeros(1, 1, dtype=torch.float64))
        >>> float(w), round(float(log_jacobian), 4)
        (0.5, -1.3863)
    """

    def __init__(self, support: tuple[Tensor, Tensor] | None) -> None:
        self.free = support is None or not bool(torch.isfinite(torch.cat([end.flatten() for end in support])).any())
        if support is None or self.free:
            return
        self.lower, self.upper = (end.to(torch.float64) for end in support)
        has_lower, has_upper = torch.isfinite(self.lower), torch.isfinite(self.upper)
        self.both, self.above, self.below = has_lower & has_upper, has_lower & ~has_upper, ~has_lower & has_upper
        self.start = torch.where(has_lower, self.lower, torch.zeros_like(self.lower))
        self.end = torch.where(has_upper, self.upper, torch.zeros_like(self.upper))

    def parameters(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Parameters w (P, d) and log |dw/du| (P,) at u (P, d)."""
        if self.free:
            return u, u.new_zeros(u.shape[0])
        width = self.end - self.start
        inside = torch.where(self.both, u, torch.zeros_like(u))
        half = torch.where(self.above | self.below, u, torch.zeros_like(u)).clamp(-700, 700)
        w = torch.where(self.both, self.start + width * torch.sigmoid(inside), u)
        w = torch.where(self.above, self.start + half.exp(), w)
        w = torch.where(self.below, self.end - (-half).exp(), w)
        log = torch.where(self.both, width.abs().clamp_min(1e-300).log() + logsigmoid(inside) + logsigmoid(-inside), torch.zeros_like(u))
        log = log + torch.where(self.above, half, torch.zeros_like(u)) - torch.where(self.below, half, torch.zeros_like(u))
        return w, log.sum(1)

    def unbounded(self, w: Tensor) -> Tensor:
        """Coordinates u (P, d) at w (P, d) in the support."""
        if self.free:
            return w
        share = ((w - self.start) / (self.end - self.start)).clamp(1e-300, 1 - 1e-16)
        u = torch.where(self.both, torch.log(share) - torch.log1p(-share), w)
        u = torch.where(self.above, (w - self.start).clamp_min(1e-300).log(), u)
        return torch.where(self.below, -(self.end - w).clamp_min(1e-300).log(), u)
