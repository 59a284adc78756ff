"""Mean-field approximation of a posterior in standard form: the best product of gamma laws, and how much it loses.

In coordinates that resolve the singularity the posterior is exp(−n ∏ w_j^{2k_j}) ∏ w_j^{h_j} on [0, 1]^d. Among products of densities
the one with the largest evidence lower bound (ELBO) satisfies q_j ∝ w_j^{h_j} exp(−r_j w_j^{2k_j}), r_j = n ∏_{i≠j} E[w_i^{2k_i}]: each
w_j^{2k_j} is a truncated gamma variable of shape λ_j = (h_j + 1)/(2k_j). The optimum has the right leading term −λ log n. With one
coordinate of smallest λ_j, that one takes up all of n; where m > 1 coordinates share it the product cannot follow the ridge between them,
and the term (m − 1) log log n is lost
(Wei & Lau 2023, arXiv:2302.06035).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincinv, gammaln, hyp1f1

from germ.errors import InputError

_TIE = 1e-10  # relative difference below which two λ_j are one: their rates then agree to rounding


@dataclass(frozen=True)
class GammaPosterior:
    """q(w) = ∏ q_j(w_j), q_j ∝ w_j^{h_j} exp(−r_j w_j^{2k_j}) on [0, 1].

    Args:
        exponents: k_j.
        prior_exponents: h_j.
        n: Size of the data set.
        rates: r_j.
        elbo: E_q[−n ∏ w^{2k} + Σ h_j log w_j − log q(w)] ≤ log ∫ exp(−n ∏ w^{2k}) ∏ w^{h} dw, nats.
    """

    exponents: tuple[float, ...]
    prior_exponents: tuple[float, ...]
    n: float
    rates: tuple[float, ...]
    elbo: float

    @property
    def shapes(self) -> tuple[float, ...]:
        """λ_j = (h_j + 1)/(2k_j), the shapes of the gamma laws."""
        return tuple((h + 1) / (2 * k) for k, h in zip(self.exponents, self.prior_exponents, strict=True))

    @property
    def normalized_elbo(self) -> float:
        """The ELBO for the normalised prior ∏ (h_j + 1) w_j^{h_j}."""
        return self.elbo + sum(math.log(h + 1) for h in self.prior_exponents)

    def log_density(self, w: np.ndarray) -> np.ndarray:
        """Log q at points (..., d) of the cube."""
        k, h, r = (np.array(v) for v in (self.exponents, self.prior_exponents, self.rates))
        constant = sum(_log_norm(*law) for law in zip(self.exponents, self.shapes, self.rates, strict=True))
        with np.errstate(divide="ignore"):
            return (np.where(h == 0, 0.0, h * np.log(w)) - r * w ** (2 * k)).sum(-1) - constant

    def sample(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Independent points (size, d)."""
        columns = []
        for k, lam, r in zip(self.exponents, self.shapes, self.rates, strict=True):
            u, mass = rng.random(size), gammainc(lam, r)
            if r < 1e-12:  # the law is the prior's to rounding
                columns.append(u ** (1 / (2 * k * lam)))
            elif mass > 1e-280:
                columns.append((gammaincinv(lam, u * mass) / r) ** (1 / (2 * k)))
            else:
                raise InputError(f"a shape of {lam:.4g} at the rate {r:.3g}", "shapes whose incomplete gamma function does not underflow",
                                 "lower the prior's exponents")  # fmt: skip
        return np.stack(columns, -1)


def fit_gamma_posterior(exponents: Sequence[float], prior_exponents: Sequence[float] | None, n: float) -> GammaPosterior:
    """The best mean-field approximation of exp(−n ∏ w_j^{2k_j}) ∏ w_j^{h_j} on [0, 1]^d.

    The stationary point is unique, so it is the maximum; it is found by one-dimensional root finding, in milliseconds.

    Args:
        exponents: k_j > 0.
        prior_exponents: h_j > −1; zeros by default.
        n: Size of the data set, positive.

    Returns:
        The posterior and its ELBO.

    Raises:
        InputError: If an exponent or n is out of range.

    Example:
        >>> fit = fit_gamma_posterior((7, 5), (1, 3), 1e8)  # log Z = -4.33885
        >>> round(fit.elbo, 4), [round(lam, 3) for lam in fit.shapes]
        (-4.5867, [0.143, 0.4])

    References:
        Wei & Lau (2023), Variational Bayesian neural networks via resolution of singularities, arXiv:2302.06035.
    """
    k = tuple(float(v) for v in exponents)
    h = tuple(float(v) for v in (prior_exponents if prior_exponents is not None else [0.0] * len(k)))
    if not k or len(h) != len(k) or not all(math.isfinite(v) and v > 0 for v in k) or not all(math.isfinite(v) and v > -1 for v in h):
        raise InputError(f"k = {k}, h = {h}", "as many h_j > -1 as k_j > 0", "leave coordinates with k_j = 0 out: they factorise")
    if not (math.isfinite(n) and n > 0):
        raise InputError(f"n = {n!r}", "a positive number", "pass the size of the data set")
    return GammaPosterior(k, h, float(n), *_solve(k, h, float(n)))


def _solve(k: tuple[float, ...], h: tuple[float, ...], n: float) -> tuple[tuple[float, ...], float]:
    """Rates and ELBO.

    At a stationary point r_j E_j = n ∏ E_i = c for all j. r E(r; λ) = λ − 1/∫_0^1 s^{λ−1} e^{r(1−s)} ds grows with r from 0 to λ, so that c
    fixes all rates and they grow with it, while the E_j fall: log n + Σ log E_j − log c has one root. It is found along the rate of a
    coordinate with the smallest λ, which is the largest.
    """
    shapes = [(b + 1) / (2 * a) for a, b in zip(k, h, strict=True)]
    least = min(shapes)

    def rates(log_rate: float) -> list[float]:
        c = math.exp(log_rate) * _mean(least, math.exp(log_rate))
        return [math.exp(log_rate if lam - least < _TIE * least else _invert(lam, c, log_rate)) for lam in shapes]

    def imbalance(log_rate: float) -> float:
        found = rates(log_rate)
        return (
            math.log(n)
            - log_rate
            - math.log(_mean(least, math.exp(log_rate)))
            + sum(math.log(_mean(*law)) for law in zip(shapes, found, strict=True))
        )

    high = math.log(n) + 1  # r = n ∏ E_i over the others, and these are below 1
    low = high - 2
    while imbalance(low) < 0:
        low -= 5
    found = rates(brentq(imbalance, low, high, xtol=1e-13))
    means = [_mean(*law) for law in zip(shapes, found, strict=True)]
    norms = sum(_log_norm(*law) for law in zip(k, shapes, found, strict=True))
    return tuple(found), norms + sum(r * e for r, e in zip(found, means, strict=True)) - n * math.prod(means)


def _invert(lam: float, c: float, log_largest: float) -> float:
    """Log r with r E(r; λ) = c."""

    def excess(log_rate: float) -> float:
        return math.exp(log_rate) * _mean(lam, math.exp(log_rate)) - c

    return float(brentq(excess, math.log(c) - 1e-9, log_largest + 1e-9, xtol=1e-13))


def _log_norm(k: float, lam: float, rate: float) -> float:
    """Log of ∫_0^1 w^{2kλ − 1} exp(−r w^{2k}) dw = γ(λ, r) r^{−λ}/(2k), γ the lower incomplete gamma function."""
    if rate < lam + 1:  # γ(λ, r) may underflow there; by Kummer's transformation it is r^λ e^{−r} M(1, λ + 1, r)/λ, a sum of positive terms
        return float(np.log(hyp1f1(1, lam + 1, rate)) - rate - math.log(2 * k * lam))
    return float(gammaln(lam) + np.log(gammainc(lam, rate)) - lam * math.log(rate) - math.log(2 * k))


def _mean(lam: float, rate: float) -> float:
    """E[t] of the density t^{λ−1} exp(−r t) on [0, 1]."""
    return math.exp(_log_norm(0.5, lam + 1, rate) - _log_norm(0.5, lam, rate))
