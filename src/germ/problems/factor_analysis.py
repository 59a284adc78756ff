"""Factor analysis: x ~ N(0, Λ Λᵀ + diag ψ) with k factors, the truth with l of them.

The zero set is the orbit of (Λ0, 0) under rotations of the factors; λ = [(k + 2) m + l (m - k + 1)]/4 for generic truth and k below the
Ledermann bound (Drton and Plummer 2017, Table 2).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from germ.errors import InputError
from germ.problems.priors import join_priors, make_gaussian_prior, make_uniform_prior
from germ.problems.problem import Data, ExactGerm, Problem
from germ.problems.regression import check_positive, check_rank

_VARIANCES = (0.1, 4.0)  # the uniform prior of ψ


def make_factor_analysis(variables: int = 4, factors: int = 1, true_factors: int = 0) -> Problem:
    """A factor analysis model.

    `divergence` is |L⁻¹ Σ L⁻ᵀ - I|²/4 with L the Cholesky factor of the true covariance: K to second order in the covariance.

    Args:
        variables: m.
        factors: k, fewer than m.
        true_factors: l ≤ k; the true loadings are generic integers over two, the true ψ are one.

    Returns:
        The problem; parameters are Λ (m, k) row by row, then ψ (m,). Data are (x (n, m),).

    Raises:
        InputError: For impossible sizes.
    """
    check_positive(variables=variables, factors=factors)
    check_rank("true_factors", true_factors, factors)
    m, k = variables, factors
    if k >= m:
        raise InputError(f"got factors={k} for {m} variables", "fewer factors than variables")
    loadings = torch.zeros(m, k, dtype=torch.float64)
    for j in range(true_factors):
        for i in range(m):
            loadings[i, j] = ((3 * i + 2 * j * i + 1) % 5 - 2 or 2) / 2
    sigma = loadings @ loadings.mT + torch.eye(m, dtype=torch.float64)
    inverse = torch.linalg.inv(torch.linalg.cholesky(sigma))
    truth = torch.cat([loadings.reshape(-1), torch.ones(m, dtype=torch.float64)])
    prior = join_priors(make_gaussian_prior(m * k), make_uniform_prior([_VARIANCES[0]] * m, [_VARIANCES[1]] * m))

    def covariance(w: Tensor) -> Tensor:
        load = w[:, : m * k].unflatten(1, (m, k))
        return load @ load.mT + torch.diag_embed(w[:, m * k :])

    upper = torch.triu_indices(m, m)
    weight = torch.where(upper[0] == upper[1], 0.5, math.sqrt(0.5)).double()

    def residuals(w: Tensor) -> Tensor:
        error = inverse @ (covariance(w) - sigma) @ inverse.mT
        return weight * error[:, upper[0], upper[1]]

    def log_likelihood(w: Tensor, data: Data) -> Tensor:
        factor = torch.linalg.cholesky(covariance(w))
        white = torch.linalg.solve_triangular(factor, data[0].mT.expand(len(w), -1, -1), upper=False)
        log_det = factor.diagonal(dim1=1, dim2=2).log().sum(1)
        return -0.5 * white.pow(2).sum(1) - log_det[:, None] - 0.5 * m * math.log(2 * math.pi)

    def simulate(count: int, generator: torch.Generator) -> Data:
        z = torch.randn(count, m, generator=generator, dtype=torch.float64)
        return (z @ torch.linalg.cholesky(sigma).mT,)

    names = tuple(f"l{i}_{j}" for i in range(1, m + 1) for j in range(1, k + 1)) + tuple(f"s{i}" for i in range(1, m + 1))
    texts = []
    for i in range(1, m + 1):
        for j in range(i, m + 1):
            entry = "+".join(f"l{i}_{c}*l{j}_{c}" for c in range(1, k + 1)) + (f"+s{i}" if i == j else "")
            texts.append(f"{entry} - ({round(float(4 * sigma[i - 1, j - 1]))}/4)")
    point = {n: f"{round(2 * v)}/2" for n, v in zip(names, truth.tolist(), strict=True)}
    return Problem(
        name=f"factor analysis, {m} variables, {k} factors, {true_factors} true", dimension=m * k + m, log_likelihood=log_likelihood,
        log_prior=prior.log_density, sample_prior=prior.sample, simulate=simulate, truth=truth,
        divergence=lambda w: residuals(w).pow(2).sum(1), residuals=residuals,
        exact=ExactGerm(tuple(texts), at=point), atlas=("factor-analysis", {"m": m, "k": k, "l": true_factors}),
        support=prior.support, names=names,
    )  # fmt: skip
