"""How many components? Mixtures of one, two, three Gaussians, compared by evidence and by prediction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from germ.claim import format_with_error
from germ.estimators.comparison import Comparison, compare_models
from germ.plots.models import plot_models
from germ.problems.mixture import make_gaussian_mixture
from germ.tour.section import Effort, Section, start_figure, write_figure, write_table

_TRUE = 2


def make_posterior(effort: Effort, seed: int, tell: Callable[[float], None]) -> Section:
    """The section.

    Args:
        effort: How much.
        seed: Seed of the data and the sampling.
        tell: Called with the share that is done.

    Returns:
        The section.
    """
    truth = make_gaussian_mixture(components=_TRUE, true_components=_TRUE)
    data = truth.simulate(effort.observations, torch.Generator().manual_seed(seed))
    models = {f"{h} component{'s' if h > 1 else ''}": make_gaussian_mixture(components=h) for h in range(1, effort.components + 1)}
    tell(0.05)
    found = compare_models(models, data, seed=seed, precision=effort.precision, budget=effort.budget)
    tell(1.0)
    body = f"""
<p>{effort.observations} observations are drawn from a mixture of {_TRUE} Gaussians. A model with more components than needed is
singular: its superfluous weights and means are not identified, and BIC, which charges (log n)/2 for every parameter, charges too much. The
free energy F = −log ∫ p(data|w) φ(w) dw is computed itself here, from the prior upwards, with its Monte Carlo error.</p>
{_list(found)}
{_draw(found)}
<p>Free energy, WBIC, BIC and sBIC ask which model made the data; WAIC and leave-one-out (LOO) which predicts the next observation.
{_judge(found)}</p>"""
    code = (
        'germ.compare_models({"1": one, "2": two, "3": three}, data)\ngerm.estimate_free_energy(two, data)\n'
        "# draws from elsewhere:  germ criteria posterior.nc"
    )
    sizes = ", ".join(model.split()[0] for model in found.models)
    finding = f"odds of {sizes} components: {_list_odds(found, 'free energy')} by evidence, {_list_odds(found, 'BIC')} by BIC"
    return Section("posterior", "A posterior that is singular", finding, body, code)


def _list(found: Comparison) -> str:
    rows = []
    for i, model in enumerate(found.models):
        cells = []
        for c in found.criteria.values():
            error = c.difference_errors[i]
            best = model == c.best
            cells.append("best" if best else format_with_error(c.differences[i], error) if error > 0.005 else f"{c.differences[i]:.2f}")
        rows.append([f"{model}, d = {found.dimensions[i]}", *cells])
    caption = f"Nats above each criterion's best model, n = {found.n}"
    return write_table(caption, ["model", *found.criteria], rows)


def _draw(found: Comparison) -> str:
    with start_figure(size=(4.8, 3.4)) as (figure, ax):
        plot_models(found, ax=ax)
    told = "; ".join(
        f"{name}: " + ", ".join(f"{m} {v:+.1f}" for m, v in zip(c.models, c.differences, strict=True)) for name, c in found.criteria.items()
    )
    caption = "Differences to each criterion's best model, nats of the whole data set, two standard errors. Logarithmic above 1."
    return write_figure(figure, "models", f"Differences to the best model, in nats. {told}.", caption)


def _judge(found: Comparison) -> str:
    """What BIC charges beyond the free energy from the true size to the largest model."""
    if len(found.models) <= _TRUE:
        return ""
    energy, bic = (found.criteria[name].values[[_TRUE - 1, -1]] for name in ("free energy", "BIC"))
    told = (
        f"With equal odds before, the evidence leaves them at {_list_odds(found, 'free energy')}; BIC would have said "
        f"{_list_odds(found, 'BIC')}. From {found.models[_TRUE - 1]} to {found.models[-1]} the free energy changes by "
        f"{energy[1] - energy[0]:+.1f} nats and BIC by {bic[1] - bic[0]:+.1f}."
    )
    return told.replace("-", "−")


def _list_odds(found: Comparison, criterion: str) -> str:
    """Probabilities of the models as a criterion has them, e.g. "0.00 : 0.32 : 0.68"."""
    weights = np.exp(-found.criteria[criterion].differences)
    return " : ".join(f"{p:.2f}" for p in weights / weights.sum())
