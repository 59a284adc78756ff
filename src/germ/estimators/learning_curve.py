"""λ from how the generalisation loss falls with the size n of the data set: E[G_n] = S + λ/n − (m − 1)/(n log n) + o(1/(n log n)).

S is the entropy of the truth. It is about averages over data sets: a table of R data sets by several sizes is needed. They may grow (the
same one at all sizes), since every row is fitted by itself and the spread of the rows is the error. What the law leaves out falls only like
1/log n where m > 1; how far the answer moves without the smallest size is part of the error, and so is m where it is not given.

References:
    Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, chapter 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import t as student

from germ.claim import Correction, Estimate, NotApplicable, Provenance, collect_versions
from germ.errors import DataError, InputError

_LEAST_ROWS = 4
_MULTIPLICITIES = (1, 2, 3)  # averaged over where none is given: χ² tells them apart by chance only


def fit_learning_curve(sizes: Sequence[int], excess: Any, *, multiplicity: int | None = None) -> Estimate | NotApplicable:
    """λ as the mean of n (G_n − S) + (m − 1)/log n over sizes, all weighted alike: n (G_n − S) is equally spread at all n.

    Args:
        sizes: Sizes n of the data sets, at least three different ones, each at least 3.
        excess: G_n − S in nats per sample, (R, sizes): Bayes generalisation losses, or criteria for them (WAIC, LOO) minus S_n.
        multiplicity: m, if it is known; otherwise m = 1, 2, 3 are averaged over.

    Returns:
        λ̂ with the standard error over data sets; or `NotApplicable` where n (G_n − S) keeps growing, as where the model
        cannot reach a loss of S.

    Raises:
        InputError: If the sizes or m are out of range.
        DataError: If the table has another shape, fewer than four rows, or numbers that are not finite.

    Example:
        >>> n = np.array([100, 1000, 10_000])
        >>> z = np.random.default_rng(0).normal(size=(400, 3))
        >>> found = fit_learning_curve(n, z**2 / (2 * n), multiplicity=1)  # a regular parameter, λ = 1/2
        >>> bool(abs(found.value - 0.5) < 3 * found.standard_error < 0.1)
        True
    """
    n, table = _check(sizes, excess, multiplicity)
    scaled = table * n
    x = np.log(n) - np.log(n).mean()
    growth, error = _summarize(scaled @ x / (x @ x))
    if growth > 3 * error and growth * math.log(n[-1] / n[0]) > abs(float(scaled.mean())):
        return NotApplicable(
            "G_n − S falls like 1/n",
            f"n (G_n − S) grows by {growth:.3g} ± {error:.2g} for each factor e of n: the loss has another limit than S, or the range of n "
            "is not yet asymptotic. Subtract the least loss in the model's reach, nL_n(w₀)/n",
            Provenance("learning curve", "Watanabe (2009), chapter 6"),
        )

    def estimate(m: int, skip: int) -> np.ndarray:
        return np.asarray((scaled + (m - 1) / np.log(n))[:, skip:].mean(1))

    return _average(n, multiplicity, estimate)


def _check(sizes: Sequence[int], excess: Any, multiplicity: int | None) -> tuple[np.ndarray, np.ndarray]:
    n, table = np.asarray(sizes, dtype=np.float64), np.asarray(excess, dtype=np.float64)
    if n.ndim != 1 or len(np.unique(n)) < 3 or not (np.isfinite(n).all() and n.min() >= 3):
        raise InputError(f"got sizes {n.tolist()}", "at least three different sizes n >= 3, so that log n > 1", "measure at more sizes")
    if multiplicity is not None and (isinstance(multiplicity, bool) or not isinstance(multiplicity, int) or multiplicity < 1):
        raise InputError(f"got multiplicity={multiplicity!r}", "an integer m >= 1", "leave it out where m is not known")
    if table.ndim != 2 or table.shape[1] != len(n) or len(table) < _LEAST_ROWS:
        raise DataError(
            f"got a table of shape {table.shape} for {len(n)} sizes",
            f"({_LEAST_ROWS} or more data sets, {len(n)})",
            "give one row for each data set: the laws are about averages over data sets, and the error is their spread",
        )
    if not np.isfinite(table).all():
        bad = np.argwhere(~np.isfinite(table))[0]
        raise DataError(f"the entry of data set {bad[0]}, size {n[bad[1]]:g} is {table[tuple(bad)]}", "finite numbers", "leave it out")
    order = np.argsort(n)
    return n[order], table[:, order]


def _summarize(rows: np.ndarray) -> tuple[float, float]:
    """Mean and an error such that ± 2 of it cover as often as for a normal law."""
    widen = float(student.ppf(0.97725, len(rows) - 1)) / 2
    return float(rows.mean()), widen * float(rows.std(ddof=1)) / math.sqrt(len(rows))


def _average(n: np.ndarray, multiplicity: int | None, estimate: Callable[[int, int], np.ndarray]) -> Estimate:
    candidates = [multiplicity] if multiplicity is not None else list(_MULTIPLICITIES)
    each = np.array([estimate(m, 0) for m in candidates])
    rows, without = each.mean(0), np.mean([estimate(m, 1) for m in candidates], 0)
    value, error = _summarize(rows)
    moved, noise = _summarize(without - rows)
    drift, unknown = math.sqrt(max(0.0, moved**2 - noise**2)), float(each.mean(1).std())
    listed = ", ".join(f"λ = {v:.3g} for m = {m}" for m, v in zip(candidates, each.mean(1), strict=True))
    corrections = [Correction("finite n", 0.0, drift, f"without n = {n[0]:g} the answer moves by {moved:+.2g} ± {noise:.1g}")]
    if multiplicity is None:
        corrections.append(Correction("multiplicity", 0.0, unknown, f"not given, and averaged over: {listed}"))
    provenance = Provenance(
        "learning curve",
        "Watanabe (2009), chapter 6",
        "sampled",
        settings={"sizes": n.tolist(), "multiplicity": multiplicity},
        versions=collect_versions("numpy"),
    )
    diagnostics = {
        "data_sets": len(rows), "smallest_n": float(n[0]), "largest_n": float(n[-1]), "standard_error_data_sets": error,
        "multiplicities": candidates, "values": each.mean(1).tolist(),
    }  # fmt: skip
    return Estimate(value, math.hypot(error, unknown, drift), provenance, "λ̂", diagnostics, tuple(corrections))
