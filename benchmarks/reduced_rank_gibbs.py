"""Gibbs sampling of reduced rank regression, y = B A x + N(0, I), entries of A and B ~ N(0, 1): an oracle without gradients or particles.

Given A the rows of B are independent and normal; given B the matrix A is normal with precision I + β B'B ⊗ X'X, which two small
eigendecompositions make diagonal. Written in NumPy, for many chains at once, each at its own inverse temperature.
"""

import math

import numpy as np


def run_gibbs(x, y, hidden, beta, sweeps, rng):
    """Log-likelihoods along chains at inverse temperatures beta (C,), (C, sweeps), after as many sweeps again that are thrown away."""
    beta = np.asarray(beta, float)[:, None, None]
    square, cross = x.T @ x, x.T @ y
    values, axes = np.linalg.eigh(square)
    a, eye = rng.normal(size=(len(beta), hidden, x.shape[1])), np.eye(hidden)
    record = np.empty((len(beta), sweeps))
    for sweep in range(-sweeps, sweeps):
        root = np.linalg.cholesky(eye + beta * a @ square @ a.mT)
        shift = np.linalg.solve(root, beta * a @ cross)
        b = np.linalg.solve(root.mT, shift + rng.normal(size=shift.shape)).mT
        strength, turn = np.linalg.eigh(b.mT @ b)
        precision = 1 + beta * strength[:, :, None] * values
        shift = turn.mT @ (beta * b.mT @ cross.T) @ axes
        a = turn @ (shift / precision + rng.normal(size=shift.shape) / np.sqrt(precision)) @ axes.T
        if sweep >= 0:
            c = b @ a
            record[:, sweep] = (c.mT * cross).sum((1, 2)) - 0.5 * ((c @ square) * c).sum((1, 2))
    return record - 0.5 * (y**2).sum() - 0.5 * y.size * math.log(2 * math.pi)


def integrate(x, y, hidden, rng, *, nodes=24, chains=16, sweeps=400, power=6):
    """F = ∫₀¹ E_β[−log p(D|w)] dβ by Gauss-Legendre in t, β = t^power, and its standard error over chains."""
    t, weight = np.polynomial.legendre.leggauss(nodes)
    t, weight = (t + 1) / 2, weight / 2
    means = -run_gibbs(x, y, hidden, np.repeat(t**power, chains), sweeps, rng).mean(1).reshape(nodes, chains)
    shares = (weight * power * t ** (power - 1)) @ means
    return shares.mean(), shares.std(ddof=1) / math.sqrt(chains)
