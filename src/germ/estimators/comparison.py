"""`compare_models`: several models of the same observations, by evidence and by prediction, with standard errors of differences.

Free energy, WBIC, BIC and sBIC are about which model made the data; WAIC and leave-one-out about which predicts the next observation. Both
questions are asked of the same draws. Everything is in nats of the whole data set, smaller is better. A difference of free energies has
the Monte Carlo errors of both; a difference of predictive losses is a sum of paired differences over observations, whose standard error
is smaller than those of its terms.

References:
    Watanabe (2013), JMLR 14 (WBIC); Drton & Plummer (2017), JRSS B 79 (sBIC); Vehtari, Gelman & Gabry (2017), section 5 (paired
    differences).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from germ.claim import Estimate, Provenance, collect_versions, format_with_error
from germ.errors import GermError, InputError, MissingDependencyError
from germ.estimators.deviance import compute_bic
from germ.estimators.free_energy import compute_free_energy, estimate_free_energy
from germ.estimators.leave_one_out import estimate_loo
from germ.estimators.maximum_likelihood import maximize_likelihood
from germ.estimators.singular_bic import SIZES, compute_sbic
from germ.estimators.waic import estimate_waic
from germ.estimators.wbic import DRAWS, compute_wbic, estimate_wbic
from germ.problems.problem import Data, Problem
from germ.rng import check_seed, spawn_seeds
from germ.sampling.density import Density, check_data, is_same_data
from germ.sampling.posterior import Posterior, sample_posterior

_STREAM = 9
_SMALLEST_ERROR = 0.005  # nats: errors below it are not printed
CRITERIA = ("free energy", "WBIC", "BIC", "sBIC", "WAIC", "LOO")
_POINTWISE = {"WAIC": "waic", "LOO": "loo"}


@dataclass(frozen=True)
class Criterion:
    """One criterion of all models.

    Args:
        name: Its name.
        models: Names of the models.
        values: Nats of the whole data set, (M,); smaller is better.
        standard_errors: Of the values, (M,); nan where the criterion has none.
        differences: To the best model, (M,), 0 for the best.
        difference_errors: Standard errors of the differences, (M,); 0 for the best.
    """

    name: str
    models: tuple[str, ...]
    values: np.ndarray
    standard_errors: np.ndarray
    differences: np.ndarray
    difference_errors: np.ndarray

    @property
    def best(self) -> str:
        """The model with the smallest value."""
        return self.models[int(np.argmin(self.values))]


@dataclass(frozen=True)
class Comparison:
    """What `compare_models` found.

    Args:
        models: Names, in the order given.
        dimensions: Numbers of parameters.
        n: Number of observations.
        criteria: By name: "free energy", "WBIC", "BIC", "sBIC", "WAIC", "LOO".
        probabilities: Posterior probabilities of the models, equal before, from the free energies, (M,).
        missing: Criteria that could not be given, and why.
        warnings: What the reader must know, by model.
        provenance: Settings.
        estimates: Every estimate, by criterion and model.
    """

    models: tuple[str, ...]
    dimensions: tuple[int, ...]
    n: int
    criteria: Mapping[str, Criterion]
    probabilities: np.ndarray
    missing: Mapping[str, str]
    warnings: tuple[str, ...]
    provenance: Provenance
    estimates: Mapping[str, Mapping[str, Estimate]]

    def __str__(self) -> str:
        header = ["model", "d", *self.criteria, "probability"]
        rows = []
        for i, (model, dimension) in enumerate(zip(self.models, self.dimensions, strict=True)):
            cells = [_print_cell(c, i) for c in self.criteria.values()]
            rows.append([model, str(dimension), *cells, f"{self.probabilities[i]:.3f}"])
        best = ["best", "", *(c.best for c in self.criteria.values()), ""]
        widths = [max(len(row[k]) for row in [header, *rows, best]) for k in range(len(header))]
        lines = ["  ".join(cell.rjust(w) if k else cell.ljust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))).rstrip()
                 for row in [header, *rows, best]]  # fmt: skip
        head = f"n = {self.n}; nats of the whole data set: the best model's value, the others' differences from it"
        notes = [f"no {name}: {why}" for name, why in self.missing.items()] + [f"warning: {w}" for w in self.warnings]
        return "\n".join([head, *lines, *notes])


def compare_models(
    problems: Mapping[str, Problem],
    data: Data | Mapping[str, Data],
    *,
    seed: int = 0,
    rng: np.random.Generator | None = None,
    precision: float = 0.2,
    budget: float = 60.0,
    criteria: Sequence[str] = CRITERIA,
    particles: int = 128,
    draws: int = DRAWS,
) -> Comparison:
    """Free energy, WBIC, BIC, sBIC, WAIC and leave-one-out loss of several models of the same observations.

    sBIC is given where all problems are of one family of `germ.atlas` that differs in its size only; LOO where ArviZ is installed.

    Args:
        problems: Models by name, at least two.
        data: The observations: tensors with first dimension n ≥ 3; or one such tuple for each model, which must hold the same.
        seed: Seed of all randomness.
        rng: A NumPy generator that the seed is drawn from instead.
        precision: Wanted Monte Carlo standard error of each free energy and WBIC, nats.
        budget: Seconds for each free energy and WBIC after which sampling stops in any case.
        criteria: Which criteria; free energies are always estimated, for the probabilities.
        particles: Of each of 8 islands in the first climb, which is enough where it is as precise as asked.
        draws: Of each island at β = 1/log n, for WBIC.

    Returns:
        The table; printing it shows it. Standard errors of free energy and WBIC are Monte Carlo errors; those of WAIC and LOO are for
        observations drawn anew.

    Raises:
        InputError: For fewer than two models, if their observations differ, or for a criterion that there is not.

    Example:
        >>> import torch
        >>> from germ.problems.problem import Problem
        >>> def log_normal(x, s=1.0): return -0.5 * (x / s) ** 2 - math.log(s) - 0.5 * math.log(2 * math.pi)
        >>> def make(name, scale): return Problem(name, 1, lambda w, data: log_normal(data[0] - w), lambda w: log_normal(w, scale)[:, 0],
        ...     lambda count, g: scale * torch.randn(count, 1, generator=g, dtype=torch.float64), lambda n, g: ())
        >>> found = compare_models({"narrow": make("narrow", 1.0), "wide": make("wide", 100.0)}, (torch.linspace(-1, 1, 20).double(),))
        >>> found.criteria["free energy"].best
        'narrow'
        >>> bool(abs(found.criteria["free energy"].differences[1] - 0.5 * math.log(200001 / 21)) < 0.4)
        True
    """
    seed = check_seed(int(rng.integers(2**62)) if rng is not None else seed)
    began = time.monotonic()
    shared = _check(problems, data)
    for unknown in set(criteria) - set(CRITERIA):
        raise InputError(f"criterion {unknown!r}", f"some of {', '.join(CRITERIA)}", "check its name")
    names, n = tuple(problems), int(shared[0].shape[0])
    seeds = spawn_seeds(seed, 4 * len(names), stream=_STREAM)
    tempered = "WBIC" in criteria
    estimates: dict[str, dict[str, Estimate]] = {name: {} for name in CRITERIA}
    missing: dict[str, str] = {}
    heights: dict[str, float] = {}
    for i, (name, problem) in enumerate(problems.items()):
        hot = (
            sample_posterior(problem, shared, beta=1 / math.log(n), seed=seeds[4 * i], particles=particles, draws=draws)
            if tempered
            else None
        )
        posterior = sample_posterior(problem, shared, seed=seeds[4 * i + 1], particles=particles, start=hot)
        energy = compute_free_energy(posterior)
        if energy.standard_error > precision or energy.warnings:
            energy = estimate_free_energy(problem, shared, seed=seeds[4 * i + 2], precision=precision, budget=budget)
        estimates["free energy"][name] = energy
        if hot is not None:
            wbic = compute_wbic(hot, precision=precision)
            if wbic.standard_error > precision or wbic.warnings:
                wbic = estimate_wbic(problem, shared, seed=seeds[4 * i + 3], precision=precision, budget=budget)
            estimates["WBIC"][name] = wbic
        if {"BIC", "sBIC"} & set(criteria):
            heights[name] = maximize_likelihood(posterior).value
            estimates["BIC"][name] = compute_bic(heights[name], problem.dimension, n)
        _predict(name, posterior, criteria, estimates, missing)
    if "sBIC" in criteria:
        estimates["sBIC"] = _solve_sbic(problems, heights, n, missing)
    chosen = [c for c in CRITERIA if c in criteria or c == "free energy"]
    table = {c: collect_criterion(c, estimates[c], _POINTWISE.get(c)) for c in chosen if len(estimates[c]) == len(names)}
    log_evidence = -table["free energy"].values
    weights = np.exp(log_evidence - log_evidence.max())
    settings = {"precision": precision, "budget": budget}
    provenance = Provenance(
        "comparison of models", "Watanabe (2013); Drton & Plummer (2017); Vehtari et al. (2017)", "sampled", seed, time.monotonic() - began,
        settings, collect_versions("torch", "numpy"),
    )  # fmt: skip
    warnings = tuple(f"{name}, {c}: {w}" for c in table for name, found in estimates[c].items() for w in found.warnings)
    dimensions = tuple(p.dimension for p in problems.values())
    return Comparison(names, dimensions, n, table, weights / weights.sum(), missing, warnings, provenance, estimates)


def collect_criterion(name: str, estimates: Mapping[str, Estimate], pointwise: str | None = None) -> Criterion:
    """Values, differences to the best, and their standard errors.

    Args:
        name: Of the criterion.
        estimates: One for each model: sums over the data set; or means over observations, where `pointwise` is given.
        pointwise: Variable of `Estimate.pointwise` with each observation's term, in nats, whose differences are paired.

    Returns:
        The criterion, nats of the whole data set.

    Raises:
        InputError: If the models have different numbers of observations.
    """
    models, found = tuple(estimates), list(estimates.values())
    if pointwise is None:
        values, errors = np.array([e.value for e in found]), np.array([e.standard_error for e in found])
        best = int(np.argmin(values))
        spread = np.hypot(errors, errors[best])
    else:
        terms = [np.asarray(e.pointwise[pointwise], dtype=np.float64).ravel() for e in found]
        sizes = [len(t) for t in terms]
        if len(set(sizes)) > 1:
            raise InputError(f"{name} of {dict(zip(models, sizes, strict=True))} observations", "the same observations", "not comparable")
        n = sizes[0]
        values, errors = np.array([t.sum() for t in terms]), n * np.array([e.standard_error for e in found])
        best = int(np.argmin(values))
        noise = n * np.array([e.diagnostics.get("standard_error_monte_carlo", 0.0) for e in found])
        paired = np.array([math.sqrt(n) * (t - terms[best]).std(ddof=1) if n > 1 else math.nan for t in terms])
        spread = np.sqrt(paired**2 + noise**2 + noise[best] ** 2)
    spread[best] = 0.0
    return Criterion(name, models, values, errors, values - values[best], spread)


def _check(problems: Mapping[str, Problem], data: Data | Mapping[str, Data]) -> Data:
    if not isinstance(problems, Mapping) or len(problems) < 2:
        count = len(problems) if isinstance(problems, Mapping) else f"a {type(problems).__name__} of"
        raise InputError(f"got {count} models", "at least two, by name", 'pass {"H=1": problem, "H=2": other}')
    if isinstance(data, Mapping):
        if set(data) != set(problems):
            raise InputError(f"data for {sorted(data)}", f"data for each of {sorted(problems)}", "or one tuple of tensors for all models")
        first, *others = problems
        shared = check_data(data[first])
        for other in others:
            if not is_same_data(shared, check_data(data[other])):
                raise InputError(
                    f"{first!r} and {other!r} have different observations", "the same for all models", "they are not comparable"
                )
    else:
        shared = check_data(data)
    n = int(shared[0].shape[0])
    if n < 3:
        raise InputError(f"got {n} observations", "n >= 3: WBIC is at β = 1/log n, below 1", "give more data")
    import torch

    for name, problem in problems.items():
        width = Density(problem, shared).pointwise(problem.sample_prior(1, torch.Generator().manual_seed(0))).shape[1]
        if width != n:
            raise InputError(f"the log-likelihood of {name!r} has {width} terms", f"one for each of the {n} observations", "not comparable")
    return shared


def _predict(
    name: str,
    posterior: Posterior,
    criteria: Sequence[str],
    estimates: dict[str, dict[str, Estimate]],
    missing: dict[str, str],
) -> None:
    if not set(_POINTWISE) & set(criteria):
        return
    table = posterior.to_datatree()
    if "WAIC" in criteria:
        estimates["WAIC"][name] = estimate_waic(table)
    if "LOO" in criteria:
        try:
            estimates["LOO"][name] = estimate_loo(table)
        except MissingDependencyError as error:
            missing["LOO"] = str(error)


def _solve_sbic(problems: Mapping[str, Problem], heights: Mapping[str, float], n: int, missing: dict[str, str]) -> dict[str, Estimate]:
    labels = [p.atlas for p in problems.values()]
    families = {label[0] if label else None for label in labels}
    family = families.pop()
    if families or family not in SIZES:
        missing["sBIC"] = "the problems are not labelled as one family of the atlas with a size"
        return {}
    size, truth = SIZES[family]
    inputs = [dict(label[1]) for label in labels if label]
    rest = [{k: v for k, v in each.items() if k not in (size, truth)} for each in inputs]
    sizes = [each[size] for each in inputs]
    if any(each != rest[0] for each in rest) or len(set(sizes)) < len(sizes):
        missing["sBIC"] = f"the problems differ in more than {size}"
        return {}
    try:
        solved = compute_sbic(family, dict(zip(sizes, heights.values(), strict=True)), n=n, inputs=rest[0])
    except GermError as error:
        missing["sBIC"] = str(error)
        return {}
    values = dict(zip(solved.models, solved.values, strict=True))
    found = zip(problems, sizes, strict=True)
    return {name: Estimate(float(values[s]), math.nan, solved.provenance, "sBIC", {"n": n}) for name, s in found}


def _print_cell(criterion: Criterion, i: int) -> str:
    best = criterion.models[i] == criterion.best
    value, error = (
        (criterion.values[i], criterion.standard_errors[i]) if best else (criterion.differences[i], criterion.difference_errors[i])
    )
    sign = "" if best or value < 0 else "+"
    return sign + (format_with_error(value, error) if error >= _SMALLEST_ERROR else f"{value:.1f}" if math.isnan(error) else f"{value:.2f}")


def list_models(comparison: Comparison) -> Sequence[Mapping[str, Any]]:
    """The table as plain rows, e.g. for JSON: name, dimension, probability, and each criterion's value, error and difference.

    Args:
        comparison: From `compare_models`.

    Returns:
        One mapping for each model; numbers in nats, None where there is no error bar.
    """
    rows = []
    for i, (model, dimension) in enumerate(zip(comparison.models, comparison.dimensions, strict=True)):
        row: dict[str, Any] = {"model": model, "dimension": dimension, "probability": float(comparison.probabilities[i])}
        for name, c in comparison.criteria.items():
            cells = (c.values[i], c.standard_errors[i], c.differences[i], c.difference_errors[i])
            numbers = [float(x) if math.isfinite(x) else None for x in cells]
            row[name] = dict(zip(("value", "standard_error", "difference", "difference_error"), numbers, strict=True))
        rows.append(row)
    return rows
