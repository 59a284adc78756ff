"""Roads through the posterior: λ̂ around w0, WBIC, and the growth of the free energy with n.

WBIC sees K at one n only. What separates it from λ has three parts, and the error bar holds all three: the Monte Carlo error; chance in the
data, which the spread over independent data sets measures; and the terms of the asymptotic form that log n does not make small,
−(m − 1) log log n and the next pole. m and the next pole are not known to this road, so that part is corrected by its mean under the same
prior over them that fits of volumes use, and its spread is added to the error (`germ.thermo.scaling`).
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from germ.claim import Claim, Correction, Estimate, Provenance, collect_versions
from germ.problems.problem import Data, Problem
from germ.rng import spawn_seeds
from germ.thermo.scaling import Slopes, describe_remainder, fit_slopes

_NETWORK_SAMPLES = 300
_WBIC_SAMPLES = 250
_LARGEST_N, _FIRST_LOG_N = 1e6, 1.0  # n to which the free energy is followed, and where its growth begins to count
_LONGEST_MEMORY = 0.5
_ISLANDS, _PARTICLES, _DRAWS = 4, 48, 150
_SMALL = 0.1  # root mean square of w0 below which it says nothing about scales
_DEEP = 25.0  # log nβ from which on the ladder's own extrapolation is taken
_STREAM = 11


class Network(nn.Module):
    """A problem's model as a module whose parameter starts at w0: means for a regression, else −log p of each observation."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        assert problem.truth is not None
        self.problem = problem
        # The estimator looks as far as the parameters are large; at the origin they say nothing, and the prior's width does.
        size = float(problem.truth.pow(2).mean().sqrt())
        width = float(problem.sample_prior(1000, torch.Generator().manual_seed(0)).std(0).mean())
        self.factor = width / _SMALL if size < _SMALL else 1.0
        self.w = nn.Parameter(problem.truth / self.factor)

    def forward(self, *data: Tensor) -> Tensor:
        """Means (n, o), or −log p (n,)."""
        if self.problem.regression is not None:
            return self.problem.regression(self.factor * self.w[None], data[0])[0]
        return -self.problem.log_likelihood(self.factor * self.w[None], data)[0]


def _square(model: nn.Module, batch: Data) -> Tensor:
    return 0.5 * (model(batch[0]) - batch[1]).pow(2).sum(-1)


def _negative_log_likelihood(model: nn.Module, batch: Data) -> Tensor:
    return model(*batch)


def estimate_from_network(problem: Problem, seed: int, budget: float) -> Claim:
    """λ̂ at w0 by `germ.estimate_learning_coefficient`.

    Args:
        problem: With a truth inside its support.
        seed: Seed of data and sampling.
        budget: Seconds.

    Returns:
        The estimate, or the hypothesis that fails.
    """
    from germ.estimators.learning_coefficient import estimate_learning_coefficient

    data = problem.simulate(_NETWORK_SAMPLES, torch.Generator().manual_seed(seed))
    loss = _negative_log_likelihood if problem.regression is None else _square
    found = estimate_learning_coefficient(Network(problem), loss, data, seed=seed, budget=budget, on_failure="return")
    if not isinstance(found, Estimate):
        return found
    reached = math.log(found.diagnostics.get("nbeta", 1.0))
    if reached >= _DEEP:
        return replace(found, trace=None)
    # A ladder that ends early cannot tell m and the next pole: what they change there belongs into the error.
    _, spread = describe_remainder(max(reached, 1.0), problem.dimension)
    note = Correction("short ladder", 0.0, spread, f"sampling ended at nβ = e^{reached:.0f}: m and the next pole are open there")
    error = math.hypot(found.standard_error, spread)
    return replace(found, trace=None, standard_error=error, corrections=(*found.corrections, note))


def estimate_from_wbic(problem: Problem, seed: int, budget: float) -> Estimate:
    """(WBIC − nL_n(w0))/log n, over independent data sets.

    Args:
        problem: The problem.
        seed: Seed of data and sampling.
        budget: Seconds; decides the number of data sets, not the clock.

    Returns:
        λ̂.
    """
    from germ.estimators.wbic import compute_wbic
    from germ.sampling.posterior import sample_posterior

    start, n = time.monotonic(), _WBIC_SAMPLES
    values, errors = [], []
    for value in spawn_seeds(seed, _count_data_sets(budget), stream=_STREAM):
        data = problem.simulate(n, torch.Generator().manual_seed(value))
        posterior = sample_posterior(problem, data, beta=1 / math.log(n), seed=value, islands=_ISLANDS, particles=_PARTICLES, draws=_DRAWS)
        wbic = compute_wbic(posterior)
        values.append((wbic.value - _least_loss(problem, data)) / math.log(n))
        errors.append(wbic.standard_error / math.log(n))
    return _report(
        problem, values, errors, math.log(n / math.log(n)), "WBIC above the loss at the truth", "Watanabe (2013), Theorem 4",
        {"n": n, "nbeta": n / math.log(n)}, seed, time.monotonic() - start,
    )  # fmt: skip


def estimate_from_growth(problem: Problem, seed: int, budget: float) -> Estimate:
    """The growth of F(n) = -log ∫ exp(-nK) φ dw with log n: the free energy without chance in the data, from the prior up to n = 10⁶.

    Particles climb through all n on the way; each step gives one slope dF/d log n, and λ and m are fitted as for volumes.

    Args:
        problem: With K as a function.
        seed: Seed of sampling.
        budget: Seconds; decides the number of particles, not the clock.

    Returns:
        λ̂.
    """
    from germ.estimators.evidence import compute_evidence
    from germ.sampling.posterior import sample_posterior

    start = time.monotonic()
    divergence = problem.divergence
    assert divergence is not None
    energy = replace(problem, log_likelihood=lambda w, data: -divergence(w)[:, None])
    one = (torch.zeros(1, 1, dtype=torch.float64),)
    particles = int(min(256, max(32, budget)))
    posterior = sample_posterior(energy, one, beta=_LARGEST_N, seed=seed, islands=2 * _ISLANDS, particles=particles, draws=particles)
    evidence, log_n = compute_evidence(posterior.ladder), np.log(posterior.ladder.temperatures[1:])
    length, middle = np.diff(log_n), 0.5 * (log_n[1:] + log_n[:-1])
    chosen = middle > _FIRST_LOG_N
    slopes = Slopes(middle[chosen], (-evidence.steps[1:] / length)[chosen], (evidence.step_errors[1:] / length)[chosen])
    fit = fit_slopes(slopes, problem.dimension)
    memory = float(np.nanmax(posterior.ladder.memory))
    warnings = () if memory < _LONGEST_MEMORY else (f"draws remember the n before (correlation {memory:.2f})",)
    return Estimate(
        fit.learning_coefficient, fit.standard_error,
        Provenance(
            "growth of the free energy of K", "Watanabe (2009), Theorem 6.7", "sampled", seed=seed, seconds=time.monotonic() - start,
            settings={"largest_n": _LARGEST_N, "particles": particles}, versions=collect_versions("torch", "numpy"),
        ),
        diagnostics={"multiplicity_probabilities": fit.probabilities, "misfit": fit.chi_square, "steps": len(slopes.x), "memory": memory},
        warnings=warnings,
    )  # fmt: skip


def _count_data_sets(budget: float) -> int:
    return min(12, max(5, round(budget / 10)))


def _least_loss(problem: Problem, data: Data) -> float:
    if problem.log_truth is not None:
        return -float(problem.log_truth(data).sum())
    assert problem.truth is not None
    return -float(problem.log_likelihood(problem.truth[None], data)[0].sum())


def _report(
    problem: Problem, values: list[float], errors: list[float], x: float, method: str, source: str, notes: dict[str, Any], seed: int,
    seconds: float,
) -> Estimate:  # fmt: skip
    from scipy.stats import t as student

    count = len(values)
    # Few data sets: ± 3 of these cover as often as for a normal law.
    widen = float(student.ppf(0.99865, count - 1)) / 3
    chance = widen * float(np.std(values, ddof=1)) / math.sqrt(count)
    own = float(np.sqrt(np.square(errors).sum())) / count
    shift, spread = describe_remainder(x, problem.dimension)
    corrections = (
        Correction("asymptotic form", shift, spread, f"m and the next pole are open: what they change at log n = {x:.1f}"),
        Correction("chance in the data", 0.0, chance, f"from the spread over {count} data sets"),
    )
    return Estimate(
        float(np.mean(values)) + shift, math.sqrt(chance**2 + own**2 + spread**2),
        Provenance(method, source, "sampled", seed=seed, seconds=seconds, versions=collect_versions("torch", "numpy")),
        diagnostics={"data_sets": count, "raw": float(np.mean(values))} | notes, corrections=corrections,
    )  # fmt: skip
