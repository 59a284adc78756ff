"""Latent class models: a hidden class, and categorical features that are independent given the class.

The truth has fewer classes than the model. K is the finite sum over all cells, in the form in which nothing cancels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from germ.errors import InputError
from germ.problems.mixture import compute_bregman
from germ.problems.priors import Prior, break_stick, join_priors, make_stick_breaking_prior, make_uniform_prior
from germ.problems.problem import Data, ExactGerm, Problem
from germ.problems.regression import check_positive

_CELLS = 4096
_MARGIN = 0.05  # binary features have probabilities in [margin, 1 - margin]: away from 0, where K is not analytic


def make_latent_class(levels: Sequence[int] = (2, 2, 2), classes: int = 2) -> Problem:
    """A latent class model whose truth is independence of all features (one class), with uniform marginals.

    Args:
        levels: Number of levels of each feature, each at least 2.
        classes: Number of classes of the model.

    Returns:
        The problem; parameters are stick-breaking coordinates of the class weights, then of each feature given class 1, 2, …
        Data are (cells (n,),), the index of the observed cell.

    Raises:
        InputError: For impossible sizes or more than 4096 cells.
    """
    check_positive(classes=classes, **{f"levels[{i}]": k for i, k in enumerate(levels)})
    if not levels or min(levels) < 2 or math.prod(levels) > _CELLS:
        raise InputError(f"got levels={list(levels)}", f"at least one feature of two levels, and at most {_CELLS} cells")
    cells = torch.tensor(list(itertools.product(*[range(k) for k in levels])))
    mass, sticks, width = 1 / len(cells), classes - 1, sum(k - 1 for k in levels)
    log_true = torch.full((len(cells),), math.log(mass), dtype=torch.float64)
    prior = _make_prior(levels, classes)

    def excess(w: Tensor) -> Tensor:
        """δ = p/q - 1 for each cell, as Σ_c a_c (∏_j p_cj/q_j - 1) with the product minus one taken by expm1, (P, cells)."""
        total = torch.zeros(len(w), len(cells), dtype=w.dtype)
        weights, start = break_stick(w[:, :sticks]), sticks
        for c in range(classes):
            log_ratio = torch.zeros_like(total)
            for j, k in enumerate(levels):
                p = break_stick(w[:, start : start + k - 1])
                start += k - 1
                log_ratio = log_ratio + torch.log1p(k * p - 1)[:, cells[:, j]]
            total = total + weights[:, c : c + 1] * torch.expm1(log_ratio)
        return total

    def log_likelihood(w: Tensor, data: Data) -> Tensor:
        return (torch.log1p(excess(w)) + log_true)[:, data[0]]

    def simulate(count: int, generator: torch.Generator) -> Data:
        return (torch.randint(len(cells), (count,), generator=generator),)

    uniform = [Fraction(1, k - i) for k in levels for i in range(k - 1)]
    truth = torch.tensor([0.0] * sticks + [float(v) for v in uniform] * classes, dtype=torch.float64)
    names = tuple(f"t{c}" for c in range(1, classes)) + tuple(
        f"p{c}_{j}_{i}" for c in range(1, classes + 1) for j, k in enumerate(levels, 1) for i in range(1, k)
    )
    label = None
    if classes == 2:
        binary = set(levels) == {2}
        label = (
            ("naive-bayes-binary", {"n": len(levels), "case": "all_independent"})
            if binary
            else ("latent-class-H2-r1", {"levels": list(levels)})
        )
    return Problem(
        name=f"latent class model, {classes} classes, levels {'x'.join(map(str, levels))}, independent truth",
        dimension=sticks + classes * width, log_likelihood=log_likelihood, log_prior=prior.log_density, sample_prior=prior.sample,
        simulate=simulate, truth=truth, divergence=lambda w: mass * compute_bregman(excess(w)).sum(1),
        residuals=lambda w: math.sqrt(mass / 2) * excess(w),
        exact=_write_cells(levels, classes, names, [Fraction(0)] * sticks + uniform * classes), atlas=label,
        support=prior.support, names=names,
    )  # fmt: skip


def _make_prior(levels: Sequence[int], classes: int) -> Prior:
    parts = [make_stick_breaking_prior(classes)] if classes > 1 else []
    for _ in range(classes):
        parts += [make_uniform_prior([_MARGIN], [1 - _MARGIN]) if k == 2 else make_stick_breaking_prior(k) for k in levels]
    return join_priors(*parts)


def _write_cells(levels: Sequence[int], classes: int, names: Sequence[str], truth: Sequence[Fraction]) -> ExactGerm:
    """The ideal of all cells' probabilities minus the truth's; its last cell follows from the others."""
    left, weights = "1", []
    for c in range(1, classes):
        weights.append(f"{left}*t{c}")
        left = f"{left}*(1-t{c})"
    weights.append(left)
    texts = []
    for cell in list(itertools.product(*[range(k) for k in levels]))[:-1]:
        terms = []
        for c in range(1, classes + 1):
            factors = []
            for j, (level, k) in enumerate(zip(cell, levels, strict=True), 1):
                factors += [f"(1-p{c}_{j}_{i})" for i in range(1, level + 1)] + ([f"p{c}_{j}_{level + 1}"] if level < k - 1 else [])
            terms.append("*".join([weights[c - 1], *factors]))
        texts.append(f"{'+'.join(terms)} - 1/{math.prod(levels)}")
    domain = "; ".join(f"t{c}>=0; 1-t{c}>=0" for c in range(1, classes)) or None
    density = "*".join(f"(1-t{c})^{classes - c - 1}" for c in range(1, classes) if classes - c > 1) or None
    return ExactGerm(tuple(texts), domain=domain, prior=density, at={n: str(v) for n, v in zip(names, truth, strict=True)})
