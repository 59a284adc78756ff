"""Problems whose evidence is known exactly: closed forms, quadrature and exact sums, written without germ's samplers."""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from scipy.integrate import quad
from scipy.signal import convolve
from scipy.special import gammaln, logsumexp

import germ
from germ.problems.linear import make_reduced_rank_regression
from germ.problems.problem import Problem

F64 = torch.float64
LOG_2PI = math.log(2 * math.pi)


def log_normal(x, scale=1.0):
    return -0.5 * (x / scale) ** 2 - math.log(scale) - 0.5 * LOG_2PI


def normal_prior(dimension, scale):
    def log_prior(w):
        return log_normal(w, scale).sum(1)

    def sample(count, generator):
        return scale * torch.randn(count, dimension, generator=generator, dtype=F64)

    return log_prior, sample


def uniform_box(lower, upper):
    low, high = torch.tensor(lower, dtype=F64), torch.tensor(upper, dtype=F64)

    def log_prior(w):
        inside = ((w >= low) & (w <= high)).all(1)
        return torch.where(inside, -(high - low).log().sum() + 0.0 * w.sum(1), torch.full_like(w[:, 0], -torch.inf))

    def sample(count, generator):
        return low + (high - low) * torch.rand(count, len(lower), generator=generator, dtype=F64)

    return log_prior, sample, (low, high)


def make(name, dimension, log_likelihood, prior, support=None, simulate=None):
    return Problem(name, dimension, log_likelihood, prior[0], prior[1], simulate or (lambda n, g: ()), support=support)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def linear_regression(dimension, n, seed, *, ridge=False, scale=3.0):
    """y = Xw + N(0, 1), w ~ N(0, scale²): F from the marginal law y ~ N(0, 1 + scale² XXᵀ)."""
    g = generator(seed)
    x = torch.randn(n, dimension, generator=g, dtype=F64)
    if ridge:
        x[:, 1] = x[:, 0] + 0.01 * x[:, 1]
    y = x.sum(1) + torch.randn(n, generator=g, dtype=F64)
    problem = make("linear regression", dimension, lambda w, data: log_normal(data[1] - w @ data[0].T), normal_prior(dimension, scale))
    covariance = torch.eye(n, dtype=F64) + scale**2 * x @ x.T
    exact = 0.5 * (n * LOG_2PI + torch.logdet(covariance) + y @ torch.linalg.solve(covariance, y))
    return problem, (x, y), float(exact)


def product(n, seed, *, mean=0.0, scale=1.0):
    """y ~ N(ab, 1), a, b ~ N(0, scale²): b integrated in closed form, a by quadrature. The cross ab = 0 where mean = 0."""
    y = mean + torch.randn(n, generator=generator(seed), dtype=F64)
    problem = make("product", 2, lambda w, data: log_normal(data[0] - w.prod(1, keepdim=True)), normal_prior(2, scale))
    total = float(y.sum())

    def log_integrand(a):
        v = 1 + n * (scale * a) ** 2
        return -0.5 * np.log(v) + 0.5 * (a * total * scale) ** 2 / v + -0.5 * (a / scale) ** 2 - math.log(scale) - 0.5 * LOG_2PI

    grid = np.linspace(-10 * scale, 10 * scale, 400_001)
    top = log_integrand(grid).max()
    z = np.trapezoid(np.exp(log_integrand(grid) - top), grid)
    return problem, (y,), -float(log_normal(y).sum()) - math.log(z) - top


def two_means(n, seed, *, scale=2.0):
    """½N(a, 1) + ½N(b, 1), a, b ~ N(0, scale²): two copies of one mode; F on a fine grid."""
    g = generator(seed)
    x = torch.randn(n, generator=g, dtype=F64) + 2 * (torch.rand(n, generator=g, dtype=F64) < 0.3)

    def log_likelihood(w, data):
        return torch.logaddexp(log_normal(data[0] - w[:, :1]), log_normal(data[0] - w[:, 1:])) - math.log(2)

    problem = make("two means", 2, log_likelihood, normal_prior(2, scale))
    line = torch.linspace(-5, 6, 551, dtype=F64)
    grid = torch.cartesian_prod(line, line)
    table = torch.cat([log_likelihood(w, (x,)).sum(1) for w in grid.split(5000)]) + problem.log_prior(grid)
    return problem, (x,), -float(torch.logsumexp(table, 0)) - 2 * math.log(float(line[1] - line[0]))


def mixture_weight(n, seed):
    """(1 − a)N(0, 1) + aN(b, 1), a uniform on [0, 1], b on [−2, 2], truth N(0, 1): a crossing of ridges at the prior's edge."""
    x = torch.randn(n, generator=generator(seed), dtype=F64)
    prior = uniform_box([0.0, -2.0], [1.0, 2.0])

    def log_likelihood(w, data):
        a, b = w[:, :1], w[:, 1:]
        return torch.log1p(a * torch.expm1(b * data[0] - b * b / 2)) + log_normal(data[0])

    problem = make("mixture weight", 2, log_likelihood, prior, support=prior[2])
    # Gauss-Legendre in both, smooth integrand.
    node, weight = np.polynomial.legendre.leggauss(200)
    a, b = torch.tensor((node + 1) / 2), torch.tensor(2 * node)
    grid = torch.cartesian_prod(a, b)
    table = torch.cat([log_likelihood(w, (x,)).sum(1) for w in grid.split(4000)])
    logs = torch.tensor(np.log(weight / 2))
    return problem, (x,), -float(torch.logsumexp(table + torch.cartesian_prod(logs, logs).sum(1), 0))


def multinomial(counts):
    """Cells of a multinomial with a uniform prior on the simplex, by stick breaking; F by Dirichlet integrals."""
    counts = torch.tensor(counts, dtype=F64)
    k = len(counts)
    # v_j ~ Beta(1, k − j): the remaining stick's share.
    rest = torch.arange(k - 1, 0, -1, dtype=F64)

    def log_likelihood(w, data):
        logs = torch.cat([torch.log(w), torch.zeros_like(w[:, :1])], 1)
        left = torch.cat([torch.zeros_like(w[:, :1]), torch.log1p(-w).cumsum(1)], 1)
        return (logs + left)[:, data[0]]

    def log_prior(w):
        inside = ((w > 0) & (w < 1)).all(1)
        return torch.where(inside, (rest.log() + (rest - 1) * torch.log1p(-w)).sum(1), torch.full_like(w[:, 0], -torch.inf))

    def sample(count, g):
        return 1 - torch.rand(count, k - 1, generator=g, dtype=F64) ** (1 / rest)

    support = (torch.zeros(k - 1, dtype=F64), torch.ones(k - 1, dtype=F64))
    problem = make("multinomial", k - 1, log_likelihood, (log_prior, sample), support=support)
    data = (torch.repeat_interleave(torch.arange(k), counts.long()),)
    c = counts.numpy()
    return problem, data, -float(gammaln(k) + gammaln(c + 1).sum() - gammaln(c.sum() + k))


def cauchy_location(n, seed):
    """Cauchy observations with an unknown centre, one of them far away; F by adaptive quadrature."""
    u = torch.rand(n, generator=generator(seed), dtype=F64)
    x = torch.tan(math.pi * (u - 0.5)) + 1.0
    x[0] = 30.0

    def log_likelihood(w, data):
        return -torch.log1p((data[0] - w) ** 2) - math.log(math.pi)

    problem = make("cauchy location", 1, log_likelihood, normal_prior(1, 10.0))

    def log_density(c):
        w = torch.tensor([[c]], dtype=F64)
        return float(log_likelihood(w, (x,)).sum() + problem.log_prior(w))

    top = max(log_density(c) for c in np.linspace(-5, 40, 2000))
    z = quad(lambda c: math.exp(log_density(c) - top), -60, 60, limit=500, points=[float(x.median()), 30.0])[0]
    return problem, (x,), -top - math.log(z)


def two_islands(distance=10.0, small=0.2, narrow=0.2):
    """Evidence ∫ [(1 − s)N(w; −d/2, narrow²) + s N(w; d/2, 0.3²)] φ dw in 3 dimensions, φ = N(0, 6²): two far modes of unequal weight.

    At narrow = 0.1 the heavier mode has a share of 3 % at the temperatures where the modes part: a first-order transition.
    """
    d, prior_scale = 3, 6.0

    def log_likelihood(w, data):
        left = log_normal(w + distance / 2, narrow).sum(1) + math.log(1 - small)
        right = log_normal(w - distance / 2, 0.3).sum(1) + math.log(small)
        return torch.logaddexp(left, right)[:, None] + 0.0 * data[0]

    problem = make("two islands", d, log_likelihood, normal_prior(d, prior_scale))
    logs = [
        math.log(share) + d * float(log_normal(torch.tensor(distance / 2), math.hypot(prior_scale, scale)))
        for share, scale in ((1 - small, narrow), (small, 0.3))
    ]
    return problem, (torch.zeros(1, dtype=F64),), -float(np.logaddexp(*logs))


def latent_class(table):
    """Σ_k t_k a_ki b_kj, two classes, uniform priors on the interval and the simplices (Lin, Sturmfels & Xu 2009); F by an exact sum.

    Splitting each count u_ij = k_ij + rest between the classes gives Dirichlet integrals that depend on the margins of k only.
    """
    u = np.asarray(table)
    rows, columns = u.shape
    sizes = [1, *[rows - 1] * 2, *[columns - 1] * 2]
    # Stick breaking in each simplex: v_j ~ Beta(1, number of cells after j).
    rest = torch.cat([torch.arange(s, 0, -1, dtype=F64) for s in sizes])
    cells = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))

    def shares(v):
        logs = torch.cat([torch.log(v), torch.zeros_like(v[:, :1])], 1)
        return logs + torch.cat([torch.zeros_like(v[:, :1]), torch.log1p(-v).cumsum(1)], 1)

    def log_likelihood(w, data):
        t, a, c, b, d = (shares(v) for v in w.split(sizes, 1))
        first = t[:, :1] + a[:, cells[:, 0]] + b[:, cells[:, 1]]
        second = t[:, 1:] + c[:, cells[:, 0]] + d[:, cells[:, 1]]
        return torch.logaddexp(first, second)[:, data[0]]

    def log_prior(w):
        inside = ((w > 0) & (w < 1)).all(1)
        return torch.where(inside, (rest.log() + (rest - 1) * torch.log1p(-w)).sum(1), torch.full_like(w[:, 0], -torch.inf))

    def sample(count, g):
        return 1 - torch.rand(count, len(rest), generator=g, dtype=F64) ** (1 / rest)

    support = (torch.zeros(len(rest), dtype=F64), torch.ones(len(rest), dtype=F64))
    problem = make("latent classes", len(rest), log_likelihood, (log_prior, sample), support=support)
    data = (torch.repeat_interleave(torch.arange(u.size), torch.as_tensor(u.ravel())),)
    return problem, data, -_sum_latent_class(u)


def _sum_latent_class(u):
    total, product = int(u.sum()), np.ones((1,) * u.shape[1])
    log_rest = 0.0
    for row in u:
        k = np.meshgrid(*[np.arange(c + 1) for c in row], indexing="ij")
        size, part = int(row.sum()), sum(k)
        # C(u, k) r! (R − r)!/R!, all below one after the division: nothing overflows.
        logs = sum(gammaln(c + 1) - gammaln(x + 1) - gammaln(c - x + 1) for c, x in zip(row, k, strict=True))
        product = convolve(product, np.exp(logs + gammaln(part + 1) + gammaln(size - part + 1) - gammaln(size + 1)), method="direct")
        log_rest += gammaln(size + 1)
    c = np.meshgrid(*[np.arange(s) for s in product.shape], indexing="ij")
    columns, part = u.sum(0), sum(c)
    logs = np.log(product) + log_rest + sum(gammaln(x + 1) + gammaln(s - x + 1) for s, x in zip(columns, c, strict=True))
    logs += gammaln(part + 1) + gammaln(total - part + 1) - gammaln(total + 2)
    for cells in u.shape:
        logs += 2 * gammaln(cells) - gammaln(part + cells) - gammaln(total - part + cells)
    return float(logsumexp(logs))


LIN_TABLE = ((43, 16, 3), (6, 11, 10), (9, 18, 16))
LIN_FREE_ENERGY = 273.1911759072


def polynomial_regression(degree, n, seed, *, scale=3.0):
    """y = Σ_k w_k x^k + N(0, 1), w ~ N(0, scale²), truth 1 + x: the same data for all degrees."""
    g = generator(seed)
    x = torch.rand(n, generator=g, dtype=F64) * 2 - 1
    y = 1 + x + torch.randn(n, generator=g, dtype=F64)
    power = torch.arange(degree + 1)
    problem = make(
        f"degree {degree}", degree + 1, lambda w, data: log_normal(data[1] - w @ data[0] ** power[:, None]), normal_prior(degree + 1, scale)
    )
    design = x[:, None] ** power
    covariance = torch.eye(n, dtype=F64) + scale**2 * design @ design.T
    exact = 0.5 * (n * LOG_2PI + torch.logdet(covariance) + y @ torch.linalg.solve(covariance, y))
    return problem, (x, y), float(exact)


def reduced_rank(n, seed, *, hidden=3, outputs=5):
    """y = B a x + N(0, I), one input, all entries N(0, 1), truth 0: B a ~ N(0, |a|² I), so that F is an integral over |a|² ~ χ² only."""
    problem = make_reduced_rank_regression(1, outputs, hidden, 0)
    x, y = problem.simulate(n, generator(seed))
    square, cross = float(x.pow(2).sum()), (x.T @ y).numpy().ravel()

    def log_density(s):  # s = log |a|²
        v = 1 + np.exp(s) * square
        gain = -0.5 * outputs * np.log(v) + 0.5 * np.exp(s) * (cross**2).sum() / v
        return gain + 0.5 * hidden * s - 0.5 * np.exp(s) - 0.5 * hidden * math.log(2) - gammaln(hidden / 2)

    s = np.linspace(-40, 6, 200_001)
    return problem, (x, y), -float(log_normal(y).sum()) - float(logsumexp(log_density(s)) + math.log(s[1] - s[0]))


def reduced_rank_plane(n, seed, *, rank=1):
    """y = b a'x + N(0, I), two inputs and outputs: b in closed form, a on a polar grid (the angle's rule converges exponentially)."""
    problem = make_reduced_rank_regression(2, 2, 1, rank)
    x, y = problem.simulate(n, generator(seed))
    angle = torch.arange(720, dtype=F64) * math.pi / 720
    direction = torch.stack([angle.cos(), angle.sin()], 1)
    square, cross = (direction @ (x.T @ x) * direction).sum(1), (direction @ (x.T @ y)).pow(2).sum(1)
    s = torch.linspace(-40, 6, 20_001, dtype=F64)[:, None]  # log |a|², exponential law of mean 2
    v = 1 + s.exp() * square
    logs = -torch.log(v) + 0.5 * s.exp() * cross / v + s - 0.5 * s.exp() - math.log(2)
    return problem, (x, y), -float(log_normal(y).sum()) - float(torch.logsumexp(logs.flatten(), 0) + math.log(float(s[1] - s[0]) / 720))


PROBLEMS = {
    "conjugate, 1": lambda seed=0: linear_regression(1, 50, seed),
    "conjugate, 10": lambda seed=1: linear_regression(10, 100, seed),
    "conjugate, 20": lambda seed=0: linear_regression(20, 200, seed),
    "ridge": lambda seed=2: linear_regression(5, 100, seed, ridge=True),
    "crossing": lambda seed=0: product(1000, seed),
    "hyperbola": lambda seed=1: product(200, seed, mean=0.5),
    "copies": lambda seed=0: two_means(100, seed),
    "mixture at its edge": lambda seed=0: mixture_weight(200, seed),
    "empty cells": lambda seed=0: multinomial([[40, 0, 7, 0, 13], [0, 25, 0, 4, 31], [52, 3, 0, 5, 0]][seed % 3]),
    "far modes": lambda seed=0: two_islands(distance=10.0 - seed),
    "heavy tails": lambda seed=0: cauchy_location(20, seed),
    "latent classes": lambda seed=0: latent_class(LIN_TABLE if seed == 0 else draw_table(seed)),
    "reduced rank, 18": lambda seed=0: reduced_rank(200, seed),
    "reduced rank, rank 0 of 1": lambda seed=0: reduced_rank_plane(300, seed, rank=0),
    "reduced rank, rank 1 of 1": lambda seed=0: reduced_rank_plane(300, seed, rank=1),
}


def draw_table(seed):
    """150 counts of two independent variables of three states each."""
    return np.random.default_rng(seed).multinomial(150, np.outer([0.5, 0.3, 0.2], [0.4, 0.4, 0.2]).ravel()).reshape(3, 3)


def main():
    """Estimate every free energy at the default settings; print errors and times, and save them if asked."""
    parser = argparse.ArgumentParser(description="free energies beside exact values")
    parser.add_argument("--seeds", type=int, default=1, help="data sets of each problem")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds for each, as the clock on the wall counts them")
    parser.add_argument("--save", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name, build in PROBLEMS.items():
        for seed in range(chosen.seeds):
            problem, data, exact = build(seed)
            start = time.process_time()
            found = germ.estimate_free_energy(problem, data, seed=seed, budget=chosen.budget)
            seconds = time.process_time() - start
            numbers = {"value": found.value, "standard_error": found.standard_error, "exact": exact, "seconds": round(seconds, 1)}
            rows.append({"problem": name, "dimension": problem.dimension, "seed": seed, **numbers})
            error = found.value - exact
            bar = f"{error:+.3f} ± {found.standard_error:.3f}"
            print(f"{name:26s} d = {problem.dimension:2d}  F = {exact:10.4f}  error {bar}  {seconds:5.1f} s", flush=True)
    errors, bars = (np.array([abs(r["value"] - r["exact"]) for r in rows]), np.array([r["standard_error"] for r in rows]))
    print(f"within 0.1 nats: {(errors <= 0.1).mean():.0%}; within two standard errors: {(errors <= 2 * bars).mean():.0%}; of {len(rows)}")
    if chosen.save:
        chosen.save.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
