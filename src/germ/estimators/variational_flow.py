"""A normalising flow as a resolution of singularities: a learned map from standard form to the parameters.

Hironaka's theorem says that some map w = g(ξ) brings any analytic K into standard form; a flow learns one from the posterior alone. The
base is what the posterior is in standard form (`germ.estimators.variational`): |ξ_j|^{2k_j} is a gamma variable of shape λ_j, with a
random sign, and λ_j and k_j are learned with the map. The ELBO is a lower bound of log Z whatever was learned; weights p/q on fresh samples
give an estimate of log Z itself, and their effective number says whether it can be trusted. A Gaussian base is the special case λ = 1/2,
k = 1.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from germ.claim import Estimate, Provenance, collect_versions
from germ.errors import DivergenceError, InputError, MissingDependencyError
from germ.rng import check_seed

_FEWEST = 0.01  # share of effective weights below which the estimate of log Z is not to be trusted


class GammaBase(nn.Module):
    """Independent coordinates ξ_j with |ξ_j|^{2k_j} ~ Gamma(λ_j, 1) and a random sign.

    Args:
        dimension: d.
        learn: Whether λ_j and k_j are learned; otherwise they stay at 1/2 and 1, where ξ_j ~ N(0, 1/2).
    """

    def __init__(self, dimension: int, learn: bool) -> None:
        super().__init__()
        start = torch.zeros(dimension, dtype=torch.float64)
        self.log_shape = nn.Parameter(start + math.log(0.5), requires_grad=learn)
        self.log_exponent = nn.Parameter(start.clone(), requires_grad=learn)

    def sample(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Points (size, d), differentiable in λ and k, and their log density (size,)."""
        lam, k = self.log_shape.exp(), self.log_exponent.exp()
        # Gamma(λ) = Gamma(λ + 1) U^{1/λ}: in logarithms, since for small λ most of a gamma variable underflows
        boosted = torch._standard_gamma((lam + 1).expand(size, -1).contiguous(), generator=generator)
        uniform = torch.rand(boosted.shape, generator=generator, dtype=torch.float64).clamp_min(1e-300)
        log_t = boosted.log() + uniform.log() / lam
        sign = torch.randint(0, 2, boosted.shape, generator=generator) * 2.0 - 1.0
        log_xi = log_t / (2 * k)
        log_density = (self.log_exponent - torch.lgamma(lam) + (2 * k * lam - 1) * log_xi - log_t.exp()).sum(-1)
        return sign * log_xi.exp(), log_density


def estimate_elbo(
    log_density: Callable[[Tensor], Tensor],
    dimension: int,
    *,
    seed: int = 0,
    base: Literal["gamma", "gaussian"] = "gamma",
    steps: int = 2000,
    batch: int = 256,
    transforms: int = 6,
    hidden: int = 32,
    samples: int = 20_000,
) -> Estimate:
    """Fit a flow to an unnormalised posterior, and give its ELBO beside an estimate of log Z.

    ELBO = E_q[log p̃(w) − log q(w)] ≤ log Z = log ∫ p̃(w) dw. A flow is a diffeomorphism: what it cannot separate (modes far apart, walls
    of a support) shows as a low `weight_ess`; a mode that it never visits shows nowhere, and both numbers are then too low. Cost: `steps`
    gradient steps on `batch` points.

    Args:
        log_density: w (P, d), double precision, to log p̃(w), (P,), finite everywhere and differentiable, e.g. −n K(w) + log φ(w).
        dimension: d ≥ 2 (couplings need two groups of coordinates).
        seed: Seed of initial weights and samples.
        base: "gamma" (the standard form's law, learned) or "gaussian".
        steps: Gradient steps (Adam, cosine schedule).
        batch: Samples a step.
        transforms: Affine couplings.
        hidden: Width of their networks.
        samples: Fresh samples of the final ELBO.

    Returns:
        The ELBO in nats with its Monte Carlo error. Diagnostics: `log_evidence` (from weights p̃/q, the same samples), its standard error,
        `weight_ess` (effective share of the weights), `shapes` (the λ_j learned), and `history` (ELBO every 100 steps).

    Raises:
        MissingDependencyError: If zuko is not installed.
        InputError: If an argument is out of range, or log_density has another shape.
        DivergenceError: If the ELBO is not finite.

    References:
        Wei & Lau (2023), arXiv:2302.06035; Dinh et al. (2017), Density estimation using Real NVP.
    """
    started = time.monotonic()
    check_seed(seed)
    if dimension < 2 or min(steps, batch, transforms, hidden) < 1 or samples < 2:
        raise InputError(
            f"dimension={dimension}, steps={steps}, batch={batch}, transforms={transforms}, hidden={hidden}, samples={samples}",
            "dimension >= 2, positive counts",
            "in one dimension use quadrature",
        )
    if base not in ("gamma", "gaussian"):
        raise InputError(f"base={base!r}", "'gamma' or 'gaussian'", "leave it out for the standard form's law")
    generator = torch.Generator().manual_seed(seed)
    flow = _make_flow(dimension, transforms, hidden, seed)
    origin = GammaBase(dimension, learn=base == "gamma")

    def draw(size: int) -> tuple[Tensor, Tensor]:
        xi, log_q = origin.sample(size, generator)
        w, log_jacobian = flow().inv.call_and_ladj(xi)
        value = log_density(w)
        if value.shape != (size,):
            raise InputError(
                f"log_density returned shape {tuple(value.shape)} for {size} points", f"({size},)", "sum over the observations"
            )
        return value, log_q - log_jacobian

    history = _train(draw, [*flow.parameters(), *(p for p in origin.parameters() if p.requires_grad)], steps, batch)
    with torch.no_grad():
        chunks = [draw(min(5000, samples - k)) for k in range(0, samples, 5000)]
        ratio = torch.cat([value - log_q for value, log_q in chunks])
    if not bool(torch.isfinite(ratio).all()):
        raise DivergenceError(
            "log p − log q is not finite at some samples", "a finite log_density everywhere", "give fewer steps, or a prior"
        )
    weight = (ratio - ratio.max()).exp()
    log_evidence = float(ratio.max() + weight.mean().log())
    share = float(weight.sum() ** 2 / (weight**2).sum() / samples)
    notes = (
        () if share > _FEWEST else (f"only {share:.1%} of the weights are effective: log_evidence is no more than a second lower bound",)
    )
    return Estimate(
        float(ratio.mean()), float(ratio.std() / math.sqrt(samples)),
        Provenance(
            f"affine coupling flow, {base} base", "Wei & Lau (2023), arXiv:2302.06035", "sampled", seed, time.monotonic() - started,
            {"steps": steps, "batch": batch, "transforms": transforms, "hidden": hidden}, collect_versions("torch", "zuko"),
        ),
        "ELBO (nats)",
        {
            "log_evidence": log_evidence, "log_evidence_error": float(weight.std() / weight.mean() / math.sqrt(samples)),
            "weight_ess": share, "shapes": origin.log_shape.exp().tolist(), "exponents": origin.log_exponent.exp().tolist(),
            "history": history, "samples": samples,
        },
        (), notes,
    )  # fmt: skip


def _make_flow(dimension: int, transforms: int, hidden: int, seed: int) -> Any:
    validated = torch.distributions.Distribution._validate_args
    try:  # zuko turns the checks of torch's distributions off for everybody: put back
        import zuko
    except ImportError as error:
        raise MissingDependencyError(
            "zuko is not installed", "zuko, for the couplings of the flow", "pip install 'germ[flow]'; or use fit_gamma_posterior"
        ) from error
    finally:
        torch.distributions.Distribution.set_default_validate_args(validated)
    state = torch.random.get_rng_state()
    try:  # zuko's layers draw their weights from torch's global generator, which is put back
        torch.manual_seed(seed)
        flow = zuko.flows.NICE(dimension, transforms=transforms, hidden_features=(hidden, hidden)).transform.double()
    finally:
        torch.random.set_rng_state(state)
    return flow


def _train(draw: Callable[[int], tuple[Tensor, Tensor]], parameters: list[Tensor], steps: int, batch: int) -> list[float]:
    optimizer = torch.optim.Adam(parameters, lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    history = []
    for step in range(steps):
        optimizer.zero_grad()
        value, log_q = draw(batch)
        elbo = (value - log_q).mean()
        if not bool(torch.isfinite(elbo)):
            raise DivergenceError(
                f"the ELBO is {float(elbo.detach())} at step {step}", "a finite log_density everywhere", "check log_density, add a prior"
            )
        (-elbo).backward()
        nn.utils.clip_grad_norm_(parameters, 10.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            history.append(float(elbo.detach()))
    return history
