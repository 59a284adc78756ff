"""Stochastic complexity of regular models: the exact normalised maximum likelihood code, and Balasubramanian's razor term by term.

The razor of a model with Jeffreys' prior is its Bayesian evidence. For a regular d-dimensional family and n samples,

    -log R = -log p(D|ŵ) + (d/2) log(n/2π) + log ∫ √det I dw + ½ log(det J/det I) + O(1/n),

I the expected and J the observed Fisher information per sample at ŵ: fit, dimension, volume of the model in units of distinguishable
distributions, and how robust the fit is. The first three terms are also the asymptotic length of the normalised maximum likelihood code.
A singular model has no such expansion, as det I vanishes; d/2 then becomes λ.

References:
    Balasubramanian (1997), Statistical inference, Occam's razor, and statistical mechanics on the space of probability distributions;
    Rissanen (1996), Fisher information and stochastic complexity; Kontkanen, Myllymäki (2007), A linear-time algorithm for computing the
    multinomial stochastic complexity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, xlogy

from germ.errors import InputError

MAX_SAMPLES = 10_000_000


def compute_multinomial_complexity(n: int, cells: int) -> float:
    """The parametric complexity log Σ_D max_w p(D|w) of n draws from k cells, exactly up to rounding.

    Cost: O(n + k).

    Args:
        n: Number of draws, from 0 to ten million.
        cells: k ≥ 1.

    Returns:
        The regret of the normalised maximum likelihood code, in nats.

    Raises:
        InputError: If n or k is out of range.

    Example:
        >>> round(compute_multinomial_complexity(10, 2), 8)
        1.53906173
    """
    if not (isinstance(n, int) and 0 <= n <= MAX_SAMPLES and isinstance(cells, int) and cells >= 1):
        raise InputError(f"n={n!r} draws from {cells!r} cells", f"whole numbers, n from 0 to {MAX_SAMPLES} and at least one cell")
    if n == 0 or cells == 1:
        return 0.0
    h = np.arange(n + 1, dtype=float)
    terms = gammaln(n + 1) - gammaln(h + 1) - gammaln(n - h + 1) + xlogy(h, h / n) + xlogy(n - h, (n - h) / n)
    previous, current = 0.0, float(np.logaddexp.reduce(terms))
    # C(n, k+2) = C(n, k+1) + (n/k) C(n, k)
    for k in range(1, cells - 1):
        previous, current = current, float(np.logaddexp(current, math.log(n / k) + previous))
    return current


def compute_multinomial_fisher_volume(cells: int) -> float:
    """∫ √det I over the simplex of k cells: π^{k/2}/Γ(k/2), the volume of the positive orthant of a sphere of radius 2.

    Args:
        cells: k ≥ 2.

    Returns:
        The volume.

    Raises:
        InputError: If k < 2.

    Example:
        >>> [round(compute_multinomial_fisher_volume(k) / math.pi, 6) for k in (2, 3, 4)]
        [1.0, 2.0, 3.141593]
    """
    if cells < 2:
        raise InputError(f"{cells} cells", "at least 2")
    return math.exp(cells / 2 * math.log(math.pi) - float(gammaln(cells / 2)))


@dataclass(frozen=True)
class Razor:
    """The terms of -log R, in nats.

    Args:
        fit: -log p(D|ŵ).
        dimension: (d/2) log(n/2π).
        volume: log ∫ √det I dw.
        robustness: ½ log(det J/det I).
    """

    fit: float
    dimension: float
    volume: float
    robustness: float

    @property
    def total(self) -> float:
        """Their sum."""
        return self.fit + self.dimension + self.volume + self.robustness

    @property
    def complexity(self) -> float:
        """What is added to the fit, without the robustness of this data set: the asymptotic parametric complexity."""
        return self.dimension + self.volume


def compute_razor(
    log_likelihood: float, n: int, fisher_volume: float, expected: ArrayLike, observed: ArrayLike | None = None
) -> Razor:  # fmt: skip
    """Balasubramanian's razor of a regular model.

    Args:
        log_likelihood: log p(D|ŵ) of all n samples, nats.
        n: Number of samples.
        fisher_volume: ∫ √det I dw over the model.
        expected: I at ŵ, (d, d), per sample.
        observed: J at ŵ, the Hessian of the mean loss, (d, d); I where it is left out.

    Returns:
        The four terms.

    Raises:
        InputError: If a matrix is not positive definite: then the model is singular there, and λ takes the place of d/2.

    Example:
        >>> razor = compute_razor(0.0, 1000, math.pi, [[4.0]])
        >>> round(razor.complexity, 8)
        3.67966899
    """
    i = np.atleast_2d(np.asarray(expected, float))
    j = i if observed is None else np.atleast_2d(np.asarray(observed, float))
    if n < 1 or not fisher_volume > 0:
        raise InputError(f"n={n}, fisher_volume={fisher_volume}", "positive numbers")
    signs = [np.linalg.slogdet(m) for m in (i, j)]
    if any(np.linalg.eigvalsh(m)[0] <= 0 for m in (i, j)):
        raise InputError(
            f"a Fisher information with the eigenvalues {np.round(np.linalg.eigvalsh(i), 6)}", "a positive definite matrix",
            "the model is singular at this parameter: use its learning coefficient, germ.compute_rlct",
        )  # fmt: skip
    robustness = float(signs[1][1] - signs[0][1]) / 2
    return Razor(-log_likelihood, len(i) / 2 * math.log(n / (2 * math.pi)), math.log(fisher_volume), robustness)


def compute_multinomial_evidence(counts: Sequence[int], concentration: float = 0.5) -> float:
    """The log evidence log p(D) of one sequence with these counts under a symmetric Dirichlet prior (½: Jeffreys').

    Args:
        counts: How often each cell occurred.
        concentration: α > 0.

    Returns:
        The log evidence, nats.

    Raises:
        InputError: If counts are negative or α is not positive.

    Example:
        >>> round(compute_multinomial_evidence([1, 1]), 6)   # B(3/2, 3/2)/B(1/2, 1/2) = 1/8
        -2.079442
    """
    c = np.asarray(counts, float)
    if (c < 0).any() or not concentration > 0:
        raise InputError(f"counts {counts}, concentration {concentration}", "counts of at least 0 and a positive concentration")
    k, a = len(c), concentration
    return float(gammaln(k * a) - gammaln(c.sum() + k * a) + (gammaln(c + a) - gammaln(a)).sum())
