"""The renormalisable condition: whether the log density ratio has relatively finite variance, E[f²] ≤ c E[f] near the optimal parameters.

f(x, w) = log p(x|w₀) − log p(x|w) with w₀ an optimal parameter. The free-energy formula F_n = nS_n + λ log n − … needs a constant c with
E[f²] ≤ c E[f]. It holds wherever the truth is in the model, and where the optimal distribution is unique; where two optimal parameters
give different distributions E[f] vanishes between them and E[f²] does not: then F_n has a term of order √n, and λ says nothing about it.

References:
    Watanabe (2010), Asymptotic learning curve and renormalizable condition in statistical learning theory, Definition 2 and Theorem 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student
from torch import Tensor

from germ.claim import NotApplicable, Provenance
from germ.errors import InputError
from germ.problems.problem import Data, Problem

_GROWTH = 0.4  # power of n in the variance above which the law is in doubt: 0 under it, 1 where a term of order √n is random
_CLEAR = 0.99865  # one-sided level of three standard errors


@dataclass(frozen=True)
class RelativeVariance:
    """E[f²] against E[f] at several parameters.

    Args:
        divergence: E[f] ± its standard error, (P,) each, in nats.
        divergence_error: The standard error.
        second_moment: E[f²], (P,).
        n: Number of samples.
    """

    divergence: np.ndarray
    divergence_error: np.ndarray
    second_moment: np.ndarray
    n: int

    @property
    def ratio(self) -> np.ndarray:
        """E[f²] over the largest E[f] that the samples allow (two standard errors), (P,): it stays bounded as n grows, or grows like √n."""
        return self.second_moment / np.maximum(np.abs(self.divergence) + 2 * self.divergence_error, 1e-300)


def estimate_relative_variance(problem: Problem, points: Tensor, data: Data, optimal: Tensor | None = None) -> RelativeVariance:
    """E[f] and E[f²] at given parameters, from samples of the truth.

    Args:
        problem: The model.
        points: Parameters, (P, d).
        data: n samples of the truth, not those that the parameters were chosen by.
        optimal: w₀, (d,); `problem.truth` by default.

    Returns:
        The moments.

    Raises:
        InputError: If no optimal parameter is known, or there are fewer than two samples.
    """
    center = problem.truth if optimal is None else optimal
    if center is None:
        raise InputError(f"the problem {problem.name!r} without a truth", "an optimal parameter", "give optimal=")
    n = data[0].shape[0]
    if n < 2:
        raise InputError(f"{n} samples", "at least two")
    f = (problem.log_likelihood(center[None], data) - problem.log_likelihood(points, data)).detach().double().numpy()
    return RelativeVariance(f.mean(1), f.std(1, ddof=1) / math.sqrt(n), (f**2).mean(1), n)


def find_growing_spread(sizes: np.ndarray, excess: np.ndarray) -> NotApplicable | None:
    """Whether the spread of F_n − nS_n over data sets grows with n, or its mean falls, both of which λ log n + O_p(1) excludes.

    Args:
        sizes: Sizes n, at least two different ones, (N,).
        excess: F_n − nS_n, or F_n − nL_n(w₀) at an optimal w₀, in nats, (data sets, N), four data sets or more.

    Returns:
        None where neither is clear of its error; else the refusal, with what was seen.
    """
    n, table = np.asarray(sizes, dtype=np.float64), np.asarray(excess, dtype=np.float64)
    x = np.log(n) - np.log(n).mean()

    def power(rows: np.ndarray) -> float:
        return float(np.log(np.maximum(rows.var(0, ddof=1), 1e-300)) @ x / (x @ x))

    count = len(table)
    found = power(table)
    left_out = np.array([power(np.delete(table, k, 0)) for k in range(count)])
    error = math.sqrt((count - 1) * left_out.var())
    slopes = table @ x / (x @ x)
    slope, slope_error = float(slopes.mean()), float(slopes.std(ddof=1)) / math.sqrt(count)
    clear = float(student.ppf(_CLEAR, count - 1))
    if found > _GROWTH and found > clear * error:
        seen = f"the variance of F_n − nS_n over data sets grows like n^({found:.2f} ± {error:.2f}), where λ log n + O_p(1) has n^0"
    elif -slope > clear * slope_error:
        seen = f"F_n − nS_n falls with n, by {-slope:.3g} ± {slope_error:.2g} for each factor e, where λ log n grows"
    else:
        return None
    return NotApplicable(
        "the log density ratio has relatively finite variance (renormalisable condition)",
        f"{seen}: F_n has a random term of order √n, as where two optimal parameters give different distributions, and λ says nothing "
        "about it",
        Provenance("growth of the free energy", "Watanabe (2010), Theorem 2"),
    )
