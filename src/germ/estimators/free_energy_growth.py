"""λ and m from the growth of the free energy with n: F_n − nS_n = λ log n − (m − 1) log log n + O_p(1).

The term of m is small, and over the sizes that can be sampled it looks much like a smaller λ: a fit gives λ for each m, and how well each m
fits. What cannot be told apart goes into the error bar. Where the truth is not renormalisable the growth has a term of order √n, and no m
fits: that is said, too.

References:
    Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, Main Theorem 6.2; Watanabe (2010), Asymptotic learning curve and
    renormalizable condition in statistical learning theory (where it fails).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.special import softmax
from scipy.stats import chi2

from germ.claim import Estimate, NotApplicable, Provenance, collect_versions
from germ.errors import DataError, InputError, ProblemError
from germ.estimators.free_energy import estimate_free_energy
from germ.estimators.relative_variance import find_growing_spread
from germ.problems.problem import Data, Problem
from germ.rng import check_seed, spawn_seeds

_STREAM = 11
_UNLIKELY = 0.01
_NEXT = 2.0  # nats: γ + 2 log 2 = 1.96 for the crossing x²y² on the unit square


def fit_free_energy_growth(sizes: ArrayLike, excess: ArrayLike, errors: ArrayLike, *, largest_multiplicity: int = 4) -> Estimate:
    """Fit λ for each m by weighted least squares, and weigh the m by how well they fit.

    Args:
        sizes: n, at least three different ones above e, (N,).
        excess: F_n − nS_n, nats, on average over data sets, (N,).
        errors: Standard errors of `excess`, independent of one another, (N,).
        largest_multiplicity: Largest m that is tried; m ≤ d.

    Returns:
        λ averaged over m; its error has the spread between the m in it. Diagnostics: `multiplicity` that fits best, `probabilities` of
        all m, `by_multiplicity` (λ for each), `chi_squared` of the best fit.

    Raises:
        InputError: For arrays that do not belong together, too few sizes, or n ≤ e.
        DataError: For numbers that are not finite, or errors that are not positive.

    Example:
        >>> n = np.array([1e2, 1e3, 1e4, 1e5, 1e6])
        >>> found = fit_free_energy_growth(n, 1.5 * np.log(n) - np.log(np.log(n)) + 3, np.full(5, 1e-3))
        >>> round(found.value, 3), found.diagnostics["multiplicity"]
        (1.5, 2)
    """
    n, f, e = (np.asarray(a, dtype=np.float64) for a in (sizes, excess, errors))
    if not (n.shape == f.shape == e.shape and n.ndim == 1):
        raise InputError(f"got shapes {n.shape}, {f.shape}, {e.shape}", "sizes, excess and errors of one length", "pass one of each")
    if not (np.isfinite(n).all() and np.isfinite(f).all() and np.isfinite(e).all() and (e > 0).all()):
        raise DataError("numbers that are not finite, or errors that are not positive", "F_n − nS_n with its error", "leave them out")
    if len(np.unique(n)) < 3 or n.min() <= math.e:
        raise InputError(f"got sizes {n.tolist()[:6]}", "at least three different n > e", "add sizes: the fit has two unknowns for each m")
    if isinstance(largest_multiplicity, bool) or largest_multiplicity < 1:
        raise InputError(f"got largest_multiplicity={largest_multiplicity!r}", "an integer >= 1", "leave it out")
    fits = [_fit(n, f, e, m) for m in range(1, int(largest_multiplicity) + 1)]
    values, spreads, misfits, evidences = (np.array(column) for column in zip(*fits, strict=True))
    weights = softmax(evidences)
    value = float(weights @ values)
    error = math.sqrt(float(weights @ (spreads**2 + (values - value) ** 2)))
    best = int(np.argmin(misfits))
    warnings = []
    chance = float(chi2.sf(misfits[best], len(n) - 2))
    if chance < _UNLIKELY:
        warnings.append(
            f"no m fits (χ² = {misfits[best]:.1f} for {len(n) - 2} degrees of freedom): the growth is not λ log n − (m − 1) log log n at "
            "these sizes. The truth may not be renormalisable, or n too small"
        )
    diagnostics = {
        "multiplicity": best + 1,
        "probabilities": [round(float(w), 4) for w in weights],
        "by_multiplicity": values.tolist(),
        "chi_squared": float(misfits[best]),
        "n": int(n.max()),
    }
    provenance = Provenance(
        "growth of the free energy with n", "Watanabe (2009), Main Theorem 6.2", "sampled", settings={"sizes": n.tolist()},
        versions=collect_versions("numpy", "scipy"),
    )  # fmt: skip
    return Estimate(value, error, provenance, diagnostics=diagnostics, warnings=tuple(warnings))


def _fit(n: np.ndarray, f: np.ndarray, e: np.ndarray, m: int) -> tuple[float, float, float, float]:
    """λ, its standard error, χ² and the logarithm of the evidence of one m."""
    target, design = (f + (m - 1) * np.log(np.log(n))) / e, np.stack([np.log(n), np.ones_like(n)], 1) / e[:, None]
    occam = 0.0
    if m > 1:
        # Z is n^−λ times a polynomial in log n of degree m − 1: its next coefficient gives a term b/log n, b of order m − 1.
        scale = _NEXT * (m - 1)
        design = np.block([[design, (1 / np.log(n) / e)[:, None]], [np.zeros((1, 2)), np.array([[1 / scale]])]])
        target, occam = np.append(target, 0.0), -math.log(scale)
    covariance = np.linalg.inv(design.T @ design)
    fit = covariance @ design.T @ target
    misfit = float(((target - design @ fit) ** 2).sum())
    return float(fit[0]), math.sqrt(covariance[0, 0]), misfit, 0.5 * float(np.linalg.slogdet(covariance)[1]) + occam - 0.5 * misfit


def estimate_free_energy_growth(
    problem: Problem,
    sizes: Sequence[int] = (50, 200, 800, 3200),
    *,
    datasets: int = 8,
    seed: int = 0,
    precision: float = 0.1,
    budget: float = 20.0,
) -> Estimate | NotApplicable:
    """Simulate data sets of several sizes from the truth, estimate their free energies, and fit the growth.

    Args:
        problem: With a truth.
        sizes: n, at least three.
        datasets: Independent data sets of each size, at least three: from their spread comes the error.
        seed: Seed of all randomness.
        precision: Monte Carlo standard error of each free energy, nats.
        budget: Seconds for each free energy.

    Returns:
        As `fit_free_energy_growth`; diagnostics also have `excess` and `excess_errors`, for `plot_free_energy_growth`. `NotApplicable`
        where the spread over data sets grows with n: then there is a random term of order √n.

    Raises:
        InputError: For fewer than three sizes or data sets.
        ProblemError: If the problem has no truth.

    References:
        Watanabe (2009), Main Theorem 6.2.
    """
    seed = check_seed(seed)
    if len(set(sizes)) < 3 or min(sizes) < 3 or datasets < 3:
        raise InputError(f"got sizes {list(sizes)} and {datasets} data sets", "three or more of each, n >= 3", "ask for more")
    began = time.monotonic()
    seeds = iter(spawn_seeds(seed, 2 * len(sizes) * datasets, stream=_STREAM))
    rows = np.empty((len(sizes), datasets))
    for i, n in enumerate(sizes):
        for j in range(datasets):
            data = problem.simulate(int(n), torch.Generator().manual_seed(next(seeds)))
            found = estimate_free_energy(problem, data, seed=next(seeds), precision=precision, budget=budget)
            rows[i, j] = found.value + float(_compute_log_truth(problem, data).sum())
    if datasets > 3 and (refused := find_growing_spread(np.asarray(sizes, float), rows.T)) is not None:
        return refused
    excess, errors = rows.mean(1), rows.std(1, ddof=1) / math.sqrt(datasets)
    fit = fit_free_energy_growth(np.asarray(sizes, float), excess, errors, largest_multiplicity=min(4, problem.dimension))
    settings = {"sizes": list(sizes), "datasets": datasets, "precision": precision}
    provenance = Provenance(
        fit.provenance.method, fit.provenance.source, "sampled", seed, time.monotonic() - began, settings, fit.provenance.versions
    )
    diagnostics = dict(fit.diagnostics) | {"excess": excess.tolist(), "excess_errors": errors.tolist()}
    return Estimate(fit.value, fit.standard_error, provenance, diagnostics=diagnostics, warnings=fit.warnings)


def _compute_log_truth(problem: Problem, data: Data) -> torch.Tensor:
    if problem.log_truth is not None:
        return problem.log_truth(data)
    if problem.truth is None:
        raise ProblemError(f"{problem.name!r} has no truth", "truth= or log_truth=: S_n is the entropy of the truth", "give one of them")
    return problem.log_likelihood(problem.truth[None], data)[0]
