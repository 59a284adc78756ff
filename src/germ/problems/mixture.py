"""Mixtures: Gaussian means, Poisson rates, binomial probabilities, with weights on the simplex.

K = E_q[δ - log(1 + δ)] with δ = p(x|w)/q(x) - 1: the form of Kullback and Leibler's divergence in which nothing cancels. The sum runs over
all x where there are finitely many, else over Gauss-Hermite nodes. λ is that of the moments Σ a_i b_i^k, with nonnegative weights.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from germ.errors import InputError
from germ.problems.priors import Prior, break_stick, join_priors, make_stick_breaking_prior, make_uniform_prior, mend_stick
from germ.problems.problem import Data, ExactGerm, Problem
from germ.problems.regression import check_positive

LogDensity = Callable[[Tensor, Tensor], Tensor]  # components (…, H, N), x (n, N) -> (…, n, H)
_COUNTS = 40  # Poisson counts above this have probability < 1e-25 at the rates of the zoo


def compute_bregman(delta: Tensor) -> Tensor:
    """δ - log(1 + δ) without cancellation at small δ."""
    series = delta**2 * (0.5 - delta * (1 / 3 - delta * (0.25 - delta * (0.2 - delta * (1 / 6 - delta / 7)))))
    small = delta.abs() < 1e-3
    return torch.where(small, series, delta - torch.log1p(torch.where(small, torch.zeros_like(delta), delta)))


def make_gaussian_mixture(components: int = 2, true_components: int = 1, *, dimension: int = 1, alpha: float = 1.0) -> Problem:
    """Mixture of N(b_i, I) in R^N, unknown means and weights; the truth has r components.

    Args:
        components: H.
        true_components: r, 1 to 3 (1 if N > 1), weights 1/r, means 0 for r = 1, else spread over [-1, 1].
        dimension: N, 1 to 3.
        alpha: Dirichlet parameter of the weights.

    Returns:
        The problem; parameters are stick-breaking coordinates of the weights, then the means. Data are (x (n, N),).

    Raises:
        InputError: For impossible sizes.
    """
    check_positive(components=components, true_components=true_components, dimension=dimension)
    if dimension > 3 or (dimension > 1 and true_components > 1):
        raise InputError(f"got dimension={dimension}, true_components={true_components}", "N ≤ 3, and one true component where N > 1")
    nodes, weights = np.polynomial.hermite_e.hermegauss({1: 40, 2: 16, 3: 10}[dimension])
    grid = torch.tensor(list(itertools.product(nodes, repeat=dimension)), dtype=torch.float64)
    mass = torch.tensor([math.prod(c) for c in itertools.product(weights / weights.sum(), repeat=dimension)], dtype=torch.float64)

    def log_density(b: Tensor, x: Tensor) -> Tensor:
        return -0.5 * (x[:, None, :] - b[..., None, :, :]).pow(2).sum(-1) - 0.5 * dimension * math.log(2 * math.pi)

    centers = _spread(true_components, -1, 1)
    # Nodes carry N(0, I); for r > 1 they are reweighted to the true mixture.
    base = log_density(torch.zeros(1, dimension, dtype=torch.float64), grid)[:, 0]
    spots = torch.tensor([[float(c)] * dimension for c in centers], dtype=torch.float64)
    mass = mass * (torch.logsumexp(log_density(spots, grid), 1) - math.log(true_components) - base).exp()
    location = make_uniform_prior([-2.0] * (components * dimension), [2.0] * (components * dimension))

    def draw(b: Tensor, generator: torch.Generator) -> Tensor:
        return b + torch.randn(b.shape, generator=generator, dtype=torch.float64)

    name = f"Gaussian mixture, {components} components, {true_components} true" + (f", in R^{dimension}" if dimension > 1 else "")
    return _make_mixture(name, components, centers, dimension, alpha, location, log_density, (grid, mass), draw)


def make_poisson_mixture(components: int = 2, true_components: int = 1, *, alpha: float = 1.0) -> Problem:
    """Mixture of Poisson distributions with unknown rates in [1/4, 3]; the truth has r components with rates from 1/2 to 2.

    Args:
        components: H.
        true_components: r.
        alpha: Dirichlet parameter of the weights.

    Returns:
        The problem. Data are (x (n, 1),).
    """
    check_positive(components=components, true_components=true_components)
    counts = torch.arange(_COUNTS, dtype=torch.float64)[:, None]

    def log_density(b: Tensor, x: Tensor) -> Tensor:
        return x * b.log()[..., None, :, 0] - b[..., None, :, 0] - torch.lgamma(x + 1)

    rates = make_uniform_prior([0.25] * components, [3.0] * components)
    name = f"Poisson mixture, {components} components, {true_components} true"
    centers = [Fraction(1)] if true_components == 1 else _spread(true_components, Fraction(1, 2), 2)
    return _make_mixture(
        name, components, centers, 1, alpha, rates, log_density, (counts, None), lambda b, g: torch.poisson(b, generator=g)
    )


def make_binomial_mixture(components: int = 2, true_components: int = 1, *, trials: int = 4, alpha: float = 1.0) -> Problem:
    """Mixture of binomial distributions with unknown probabilities in [1/20, 19/20].

    Args:
        components: H.
        true_components: r, with probabilities from 1/4 to 3/4 (1/2 for r = 1).
        trials: Number of trials, at least 2 r: fewer moments do not tell the true components apart.
        alpha: Dirichlet parameter of the weights.

    Returns:
        The problem. Data are (x (n, 1),), x from 0 to `trials`.

    Raises:
        InputError: For impossible sizes or too few trials.
    """
    check_positive(components=components, true_components=true_components, trials=trials)
    if trials < 2 * true_components:
        raise InputError(f"got trials={trials} for {true_components} true components", f"at least {2 * true_components}")
    counts = torch.arange(trials + 1, dtype=torch.float64)[:, None]
    choose = torch.tensor([math.log(math.comb(trials, k)) for k in range(trials + 1)], dtype=torch.float64)

    def log_density(b: Tensor, x: Tensor) -> Tensor:
        p = b[..., None, :, 0]
        return x * p.log() + (trials - x) * (1 - p).log() + choose[x[:, :1].long()]

    def draw(b: Tensor, generator: torch.Generator) -> Tensor:
        return torch.binomial(torch.full_like(b, trials), b, generator=generator)

    probabilities = make_uniform_prior([0.05] * components, [0.95] * components)
    name = f"binomial mixture of {trials} trials, {components} components, {true_components} true"
    centers = _spread(true_components, Fraction(1, 4), Fraction(3, 4))
    return _make_mixture(name, components, centers, 1, alpha, probabilities, log_density, (counts, None), draw, moments=trials)


def _make_mixture(
    name: str,
    components: int,
    centers: Sequence[Fraction],
    dimension: int,
    alpha: float,
    location: Prior,
    log_density: LogDensity,
    quadrature: tuple[Tensor, Tensor | None],
    draw: Callable[[Tensor, torch.Generator], Tensor],
    moments: int | None = None,
) -> Problem:
    true = len(centers)
    if true > components:
        raise InputError(f"got {true} true components of {components}", "at most as many as the model has")
    sticks = components - 1
    grid, mass = quadrature
    spots = torch.tensor([[float(c)] * dimension for c in centers], dtype=torch.float64)
    log_true = torch.logsumexp(log_density(spots, grid), 1) - math.log(true)
    mass = log_true.exp() if mass is None else mass

    def unpack(w: Tensor) -> tuple[Tensor, Tensor]:
        return break_stick(w[:, :sticks]), w[:, sticks:].unflatten(1, (components, dimension))

    def log_likelihood(w: Tensor, data: Data) -> Tensor:
        a, b = unpack(w)
        return torch.logsumexp(log_density(b, data[0]) + a.log()[:, None, :], -1)

    # δ = Σ a_i (p_i/q) - 1 is summed as Σ a_i expm1(log p_i - log q): at r = 1 each term vanishes where b_i is right.
    def divergence(w: Tensor) -> Tensor:
        a, b = unpack(w)
        delta = (torch.expm1(log_density(b, grid) - log_true[:, None]) @ a[..., None])[..., 0]
        return compute_bregman(delta) @ mass

    def simulate(count: int, generator: torch.Generator) -> Data:
        choice = torch.randint(true, (count,), generator=generator)
        return (draw(spots[choice], generator),)

    weights = [1 / true] * true + [0.0] * (components - true)
    # Superfluous components have weight zero and sit at a true location: the corner that both kinds of degeneration reach.
    truth = torch.cat([mend_stick(weights[::-1]), torch.cat([spots[:1].expand(components - true, -1), spots.flip(0)]).reshape(-1)])
    prior = join_priors(make_stick_breaking_prior(components, alpha), location) if sticks else location
    names = tuple(f"v{i}" for i in range(1, components)) + tuple(
        f"b{i}" if dimension == 1 else f"b{i}_{k}" for i in range(1, components + 1) for k in range(1, dimension + 1)
    )
    residuals = _make_moments(components, centers, dimension, moments)
    exact = _write_moments(components, centers, dimension, alpha, names, truth, moments)
    parameter = str(Fraction(alpha).limit_denominator(1000))
    return Problem(
        name=name, dimension=prior.dimension, log_likelihood=log_likelihood, log_prior=prior.log_density, sample_prior=prior.sample,
        simulate=simulate, truth=truth, divergence=divergence, residuals=residuals, exact=exact, support=prior.support, names=names,
        atlas=("mixture", {"H": components, "r": true, "N": dimension, "alpha": parameter}),
    )  # fmt: skip


def _spread(count: int, low: Fraction | int, high: Fraction | int) -> list[Fraction]:
    low, high = Fraction(low), Fraction(high)
    if count == 1:
        return [(low + high) / 2]
    return [low + (high - low) * i / (count - 1) for i in range(count)]


def _make_moments(components: int, centers: Sequence[Fraction], dimension: int, moments: int | None) -> Callable[[Tensor], Tensor]:
    """The moments Σ a_i b_i^k - Σ* up to the degree from which on they repeat, about the first center, where they cancel least."""
    true, sticks, origin = len(centers), components - 1, float(centers[0])
    top = components + true - 1 if moments is None else min(moments, components + true - 1)
    choices = [c for degree in range(1, top + 1) for c in itertools.combinations_with_replacement(range(dimension), degree)]
    shifted = [float(c - centers[0]) for c in centers]
    values = torch.tensor([sum(c ** len(choice) for c in shifted) / true for choice in choices], dtype=torch.float64)

    def residuals(w: Tensor) -> Tensor:
        a, b = break_stick(w[:, :sticks]), w[:, sticks:].unflatten(1, (components, dimension)) - origin
        products: dict[tuple[int, ...], Tensor] = {(): torch.ones_like(a)}
        for choice in choices:
            products[choice] = products[choice[:-1]] * b[:, :, choice[-1]]
        return torch.stack([(a * products[choice]).sum(1) for choice in choices], 1) - values

    return residuals


def _write_moments(
    components: int, centers: Sequence[Fraction], dimension: int, alpha: float, names: Sequence[str], truth: Tensor, moments: int | None
) -> ExactGerm:
    """The ideal of all moments up to the degree from which on they repeat: H + r - 1 (Newton's identities, as for the tanh network)."""
    true, left, weights = len(centers), "1", []
    for i in range(components - 1):
        weights.append(f"{left}*v{i + 1}")
        left = f"{left}*(1-v{i + 1})"
    weights.append(left)
    top = components + true - 1 if moments is None else min(moments, components + true - 1)
    texts = []
    for degree in range(1, top + 1):
        for choice in itertools.combinations_with_replacement(range(1, dimension + 1), degree):
            factors = ["*".join(f"b{i + 1}" if dimension == 1 else f"b{i + 1}_{k}" for k in choice) for i in range(components)]
            value = sum((c**degree for c in centers), Fraction(0)) / true
            texts.append("+".join(f"{a}*{f}" for a, f in zip(weights, factors, strict=True)) + (f" - {value}" if value else ""))
    point = {n: str(Fraction(v).limit_denominator(1000)) for n, v in zip(names, truth.tolist(), strict=True)}
    domain = "; ".join(f"v{i}>=0; 1-v{i}>=0" for i in range(1, components)) or None
    density = []
    for i in range(1, components):
        first, rest = Fraction(alpha).limit_denominator(1000) - 1, Fraction(alpha).limit_denominator(1000) * (components - i) - 1
        density += [f"abs({base})^({e})" for base, e in ((f"v{i}", first), (f"(1-v{i})", rest)) if e]
    return ExactGerm(tuple(texts), domain=domain, prior="*".join(density) or None, at=point)
