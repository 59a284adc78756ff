"""sBIC: a Bayesian information criterion for families of nested singular models (Drton & Plummer 2017).

If the truth were known to lie in the submodel M_j of M_i, the marginal likelihood of M_i would be, to leading order,

    L'_ij = p(x|ŵ_i) n^(−λ_ij) (log n)^(m_ij − 1).

It is not known; so each L(M_i) is the average of L'_ij over j ≤ i, weighted by the posterior probabilities of the submodels, which are
again L(M_j):

    L(M_i) = Σ_{j ≤ i} L'_ij L(M_j) P(M_j) / Σ_{j ≤ i} L(M_j) P(M_j).

These equations are triangular. With b = Σ_{j<i} L(M_j)P(M_j) − L'_ii P(M_i) and c = Σ_{j<i} L'_ij L(M_j)P(M_j), L(M_i) is the one
positive root of P(M_i) L² + b L − c = 0; for a smallest model it is L'_ii. Everything is done in logarithms, for L underflows at any
real n.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from germ.claim import Bound, Exact, Provenance
from germ.errors import InputError

Coefficients = Callable[[Any, Any], tuple[float, int]]

# Which inputs of an atlas family are the size of the model and the size of the truth inside it.
SIZES: dict[str, tuple[str, str]] = {
    "rrr": ("H", "r"),
    "factor-analysis": ("k", "l"),
    "mixture": ("H", "r"),
    "psd-factor": ("k", "r"),
    "lda": ("H", "rho"),
}


@dataclass(frozen=True)
class SingularBIC:
    """sBIC of the models of one family.

    Args:
        models: The models, smaller ones first.
        values: −log L(M_i), nats of the whole data set, on the free energy's scale: smaller is better.
        log_marginal: log L(M_i), Drton & Plummer's sBIC itself.
        probabilities: Posterior probabilities of the models under the prior given.
        coefficients: (λ_ij, m_ij) for all j ≤ i, by (i, j).
        provenance: Source and settings.
    """

    models: tuple[Any, ...]
    values: np.ndarray
    log_marginal: np.ndarray
    probabilities: np.ndarray
    coefficients: Mapping[tuple[Any, Any], tuple[float, int]]
    provenance: Provenance

    @property
    def best(self) -> Any:
        """The model with the largest marginal likelihood."""
        return self.models[int(np.argmin(self.values))]

    def __str__(self) -> str:
        rows = zip(self.models, self.values, self.probabilities, strict=True)
        return "\n".join(f"{m!s:>8}  sBIC = {v:.2f} nats  probability {p:.3f}" for m, v, p in rows)


def compute_sbic(
    family: str | Coefficients,
    fits: Mapping[Any, float],
    *,
    n: int,
    inputs: Mapping[str, Any] | None = None,
    contains: Callable[[Any, Any], bool] | None = None,
    prior: Mapping[Any, float] | None = None,
) -> SingularBIC:
    """Solve the fixed-point equations for all models of a family.

    Args:
        family: A family of `germ.atlas` with a size (see `SIZES`), or a function (i, j) → (λ_ij, m_ij): the coefficients of M_i at a truth
            in M_j.
        fits: The models, as their sizes or any names, with their largest log-likelihoods log p(x|ŵ_i), nats of the whole data set.
        n: Size of the data set, at least 3.
        inputs: The atlas family's other inputs, e.g. {"M": 6, "N": 6} for "rrr".
        contains: (i, j) → whether M_j is a submodel of M_i; by default j <= i.
        prior: P(M_i) up to a factor; equal by default.

    Returns:
        sBIC of each model. No error bar: it leaves out the O_p(1) of the marginal likelihood, as BIC does.

    Raises:
        InputError: If a fit is not finite, n is too small, the order is not a partial order, or the atlas does not know a coefficient.

    Example:
        >>> regular = compute_sbic(lambda i, j: (i / 2, 1), {1: -120.0, 2: -118.5}, n=100)
        >>> [round(float(v), 2) for v in regular.values]  # regular models: BIC
        [122.3, 123.11]

    References:
        Drton & Plummer (2017), A Bayesian information criterion for singular models, JRSS B 79, section 3.
    """
    if not fits:
        raise InputError("no fits", "models with their largest log-likelihoods", "pass e.g. {1: -120.3, 2: -118.0}")
    if isinstance(n, bool) or not math.isfinite(n) or n < 3:
        raise InputError(f"got n = {n!r}", "a data set of at least 3, so that log n > 1", "pass the number of observations")
    for model, value in fits.items():
        if not math.isfinite(value):
            raise InputError(f"the log-likelihood of {model!r} is {value!r}", "a finite number of nats", "fit the model again")
    below = contains or (lambda i, j: j <= i)
    models = _sort(list(fits), below)
    weights = {m: 1.0 if prior is None else float(prior.get(m, math.nan)) for m in models}
    if not all(math.isfinite(w) and w > 0 for w in weights.values()):
        raise InputError(f"prior probabilities {dict(weights)}", "a positive number for each model", "leave prior out for equal ones")
    find = _look_up(family, inputs) if isinstance(family, str) else family
    log_l: dict[Any, float] = {}
    coefficients = {}
    for i in models:
        terms = {}
        for j in (m for m in models if m == i or below(i, m)):
            lam, m = find(i, j)
            if not (math.isfinite(lam) and lam >= 0 and m >= 1):
                raise InputError(f"λ = {lam!r}, m = {m!r} for a truth in {j!r} as a point of {i!r}", "λ >= 0 and m >= 1")
            coefficients[i, j] = (float(lam), int(m))
            terms[j] = float(fits[i]) - float(lam) * math.log(n) + (int(m) - 1) * math.log(math.log(n))
        log_l[i] = _solve(i, terms, log_l, weights)
    values = np.array([log_l[m] for m in models])
    posterior = values + np.log([weights[m] for m in models])
    name = family if isinstance(family, str) else getattr(family, "__name__", "function")
    provenance = Provenance("sBIC", "Drton & Plummer (2017), JRSS B 79", settings={"family": name, "n": int(n), **dict(inputs or {})})
    return SingularBIC(tuple(models), -values, values, np.exp(posterior - logsumexp(posterior)), coefficients, provenance)


def _solve(i: Any, terms: Mapping[Any, float], log_l: Mapping[Any, float], weights: Mapping[Any, float]) -> float:
    """Logarithm of the positive root of P L² + b L − c = 0, without leaving logarithms."""
    own = terms[i]
    smaller = [j for j in terms if j != i]
    if not smaller:
        return own
    log_weight = np.array([log_l[j] + math.log(weights[j]) for j in smaller])
    log_p = math.log(weights[i])
    # Everything relative to the unit u: L = u l, c = u² c', b = u b'.
    log_sum = float(logsumexp(log_weight))
    log_c = float(logsumexp([terms[j] + w for j, w in zip(smaller, log_weight, strict=True)]))
    unit = max(log_sum - log_p, own, (log_c - log_p) / 2)
    b = math.exp(log_sum - log_p - unit) - math.exp(own - unit)
    c = math.exp(log_c - log_p - 2 * unit)
    root = math.sqrt(b * b + 4 * c)
    if b <= 0:
        return unit + math.log((root - b) / 2)
    # 2c/(b + root), with c kept as a logarithm: it may underflow where the root does not
    return log_c - log_p - unit + math.log(2 / (b + root))


def _sort(models: list[Any], below: Callable[[Any, Any], bool]) -> list[Any]:
    ordered: list[Any] = []
    rest = list(models)
    while rest:
        free = [m for m in rest if not any(other != m and below(m, other) for other in rest)]
        if not free:
            raise InputError(f"the models {rest} contain one another in a circle", "a partial order", "check contains=")
        ordered += free
        rest = [m for m in rest if m not in free]
    return ordered


def _look_up(family: str, inputs: Mapping[str, Any] | None) -> Coefficients:
    if family not in SIZES:
        raise InputError(
            f"family {family!r}", f"one of {', '.join(SIZES)}", "or pass a function (i, j) -> (λ, m), e.g. from germ.atlas.compute_value"
        )
    from germ.atlas import compute_value

    size, truth = SIZES[family]

    def find(i: Hashable, j: Hashable) -> tuple[float, int]:
        claim = compute_value(family, **{**dict(inputs or {}), size: i, truth: j})
        if isinstance(claim, Exact):
            return float(claim.learning_coefficient), claim.multiplicity
        if isinstance(claim, Bound) and claim.lower is not None and claim.lower == claim.upper:
            return float(claim.lower), 1  # λ known, m not published: as Drton & Plummer do
        raise InputError(
            f"the atlas has {claim} for {family}, {size} = {i}, {truth} = {j}", "an exact λ", "pass a function (i, j) -> (λ, m)"
        )

    return find
