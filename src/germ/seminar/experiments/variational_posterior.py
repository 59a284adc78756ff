"""Variational posteriors: the best product of gamma laws on a standard form beside log Z, and a flow that learns a resolution.

A variational posterior is the best approximation within a family, and the gap between its bound (ELBO) and log Z is its divergence from
the true posterior. In the coordinates of a resolution, products of gamma laws get λ log n right and lose only (m − 1) log log n. In the
original coordinates a flow has to learn the resolution, as it does for the cusp.
"""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import torch
from torch import Tensor

from germ.estimators.variational import fit_gamma_posterior
from germ.estimators.variational_flow import estimate_elbo
from germ.seminar.claims import CheckedClaim, claim_between, claim_close, claim_within_errors
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.standard_form import make_standard_form


def run(size: Size, seed: int) -> Outcome:
    """The gap between ELBO and log Z for m = 1 and m = 2, and a flow fitted to the posterior of a cusp.

    Args:
        size: How long the flow is trained.
        seed: Of the flow.

    Returns:
        The outcome.
    """
    form, volume = make_standard_form([7, 5], [1, 3]), math.log(8)  # ∫ w₁ w₂³ = 1/8
    log_z = math.log(form.compute_partition_function(1e8)) - volume
    fit = fit_gamma_posterior((7, 5), (1, 3), 1e8)
    claims = [
        claim_close("log ∫ exp(−n w₁¹⁴w₂¹⁰) w₁w₂³ dw at n = 10⁸", -4.33885, log_z, "independent computation", tolerance=6e-6,
                    reason="five decimals printed"),
        claim_close("ELBO of the best product of gamma laws", -4.5867, fit.elbo, "code of Wei & Lau", tolerance=6e-5,
                    reason="four decimals printed"),
    ]  # fmt: skip
    draws = fit.sample(20_000, np.random.default_rng(seed))
    ratio = -1e8 * draws[:, 0] ** 14 * draws[:, 1] ** 10 + np.log(draws[:, 0] * draws[:, 1] ** 3) - fit.log_density(draws)
    claims.append(claim_within_errors("the same ELBO as a mean over draws", fit.elbo, float(ratio.mean()),
                                      float(ratio.std() / math.sqrt(len(ratio))), "the closed form"))  # fmt: skip
    sizes = np.geomspace(1e2, 1e16, 15)
    figure, axes = start_figure("n", "nats", xscale="log")
    for k, h, name in (((7, 5), (1, 3), "w₁¹⁴w₂¹⁰, m = 1"), ((1, 1), (0, 0), "w₁²w₂², m = 2")):
        shape = make_standard_form(k, h)
        exact = np.array([math.log(shape.compute_partition_function(n)) for n in sizes])
        bound = np.array([fit_gamma_posterior(k, h, n).normalized_elbo for n in sizes])
        line = axes.plot(sizes, exact, label=f"log Z, {name}")[0]
        axes.plot(sizes, bound, "--", color=line.get_color(), label=f"ELBO, {name}")
        claims.append(claim_between(f"least gap log Z − ELBO over 15 sizes of {name}", float((exact - bound).min()), "Jensen", lower=0.0))
        slope = -(bound[-1] - bound[-5]) / math.log(sizes[-1] / sizes[-5])
        claims.append(claim_close(f"λ as the slope of the ELBO of {name}", float(shape.learning_coefficient), float(slope),
                                  "λ log n is the leading term for any m", tolerance=1e-3, reason="next order"))  # fmt: skip
        gap = float((exact - bound)[-1] - (exact - bound)[-8])
        lost = (shape.multiplicity - 1) * math.log(math.log(sizes[-1]) / math.log(sizes[-8]))
        claims.append(claim_close(f"growth of the gap of {name} from n = 10⁹ to 10¹⁶", lost, gap, "(m − 1) log log n is lost",
                                  tolerance=0.06, reason="1/log n"))  # fmt: skip
    axes.legend(fontsize="small")
    caption = "ELBO (dashed) and log Z fall with the same slope −λ per e-fold; where m = 2 the gap grows like log log n."
    notes = () if importlib.util.find_spec("zuko") else ("The flow was left out: it needs zuko (pip install 'germ[flow]').",)
    if not notes:
        claims += _fit_flow({"small": 800, "full": 6000}[size], seed)
    return Outcome(tuple(claims), {"elbo": Illustration(figure, caption)}, {"n": "10² to 10¹⁶", "flow": "n = 1000, 6 couplings"}, notes)


def _fit_flow(steps: int, seed: int) -> list[CheckedClaim]:
    def log_density(w: Tensor) -> Tensor:
        return -1e3 * (w[:, 1] ** 2 - w[:, 0] ** 3) ** 2 - (w**2).sum(1) / 2 - math.log(2 * math.pi)

    axis = torch.linspace(-5, 5, 4001, dtype=torch.float64)
    parts = [log_density(torch.cartesian_prod(block, axis)).logsumexp(0) for block in axis.split(200)]
    log_z = float(torch.stack(parts).logsumexp(0)) + 2 * math.log(10 / 4000)
    found = estimate_elbo(log_density, 2, seed=seed, steps=steps)
    return [
        claim_between("ELBO of a flow on the cusp, n = 1000, less log Z by quadrature", found.value - log_z, "Jensen",
                      lower=-0.15, upper=4 * found.standard_error),
        claim_within_errors("log Z of the cusp from the flow's weights", log_z, found.diagnostics["log_evidence"],
                            found.diagnostics["log_evidence_error"], "quadrature on 4001 × 4001 points"),
    ]  # fmt: skip
