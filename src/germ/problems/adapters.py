"""Models written elsewhere as a `Problem`: a log density with its gradient (Stan-like), a PyMC model, a NumPyro model.

The observations belong to the model, so an adapter returns the problem together with its `data`, which are the numbers 0 … n − 1 of the
observations; a subset of them gives the likelihood of that subset. Parameters are the model's unconstrained ones (PyMC's value variables,
NumPyro's and Stan's unconstrained space) in one vector, the prior with the Jacobian, so that every sampler of germ works on R^d. λ does not
depend on coordinates. Neither package is needed to import this file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from germ.errors import InputError, MissingDependencyError, ProblemError
from germ.problems.problem import Data, Problem

Value = Callable[[np.ndarray], np.ndarray]
Pullback = Callable[[np.ndarray, np.ndarray], np.ndarray]


class _Foreign(torch.autograd.Function):
    """A function of rows (P, d) to (P, k) in NumPy, and its pullback (P, d), (P, k) to (P, d)."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, value: Value, pullback: Pullback) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(w)
        ctx.pullback = pullback
        return torch.as_tensor(np.array(value(w.detach().numpy()), float).reshape(len(w), -1))

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (w,) = ctx.saved_tensors
        return torch.as_tensor(np.array(ctx.pullback(w.detach().numpy(), cotangent.numpy()), float).reshape(w.shape)), None, None


def _by_row(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda *inputs: np.array([np.asarray(function(*rows), float) for rows in zip(*inputs, strict=True)])


def make_density_problem(
    name: str,
    dimension: int,
    observations: int,
    *,
    log_likelihood: Value,
    log_likelihood_pullback: Pullback,
    log_prior: Value,
    log_prior_gradient: Value,
    sample_prior: Callable[[int, np.random.Generator], np.ndarray],
    names: tuple[str, ...] = (),
) -> tuple[Problem, Data]:
    """A problem from functions of one parameter vector, in NumPy: what Stan's `log_density` with a `log_lik` block and others give.

    Args:
        name: A short name.
        dimension: d.
        observations: n.
        log_likelihood: w (d,) to log p(x_i|w), (n,).
        log_likelihood_pullback: w (d,) and weights (n,) to Σ weight_i ∇ log p(x_i|w), (d,).
        log_prior: w (d,) to log φ(w), normalised.
        log_prior_gradient: w (d,) to its gradient, (d,).
        sample_prior: (P, generator) to P draws from φ, (P, d).
        names: Names of the parameters.

    Returns:
        The problem and its data.

    Raises:
        InputError: For counts that are not positive.
        ProblemError: If a function returns another shape, or the pullback is not the derivative.
    """
    if dimension < 1 or observations < 1:
        raise InputError(f"dimension={dimension}, observations={observations}", "positive whole numbers")
    _check_functions(dimension, observations, log_likelihood, log_likelihood_pullback, log_prior, log_prior_gradient, sample_prior)
    value, pullback, prior, slope = (_by_row(f) for f in (log_likelihood, log_likelihood_pullback, log_prior, log_prior_gradient))
    return _make_problem(name, dimension, observations, value, pullback, prior, slope, sample_prior, names)


def _make_problem(
    name: str, dimension: int, observations: int, value: Value, pullback: Pullback, prior: Value, gradient: Value,
    sample: Callable[[int, np.random.Generator], np.ndarray], names: tuple[str, ...],
) -> tuple[Problem, Data]:  # fmt: skip
    """The problem of functions of rows of parameter vectors."""

    def likelihood(w: Tensor, data: Data) -> Tensor:
        return _Foreign.apply(w, value, pullback)[:, data[0].long()]

    def log_prior(w: Tensor) -> Tensor:
        return _Foreign.apply(w, prior, lambda rows, weight: weight * gradient(rows))[:, 0]

    def draw(count: int, generator: torch.Generator) -> Tensor:
        seed = int(torch.randint(2**31, (1,), generator=generator))
        return torch.as_tensor(np.asarray(sample(count, np.random.default_rng(seed)), float))

    def simulate(count: int, generator: torch.Generator) -> Data:
        raise ProblemError(f"{name!r} was asked to simulate data", "the data of the model", "use the data that came with the problem")

    problem = Problem(name, dimension, likelihood, log_prior, draw, simulate, names=names)
    return problem, (torch.arange(observations, dtype=torch.float64),)


def _check_functions(
    dimension: int, observations: int, value: Value, pullback: Pullback, prior: Value, gradient: Value,
    sample: Callable[[int, np.random.Generator], np.ndarray],
) -> None:  # fmt: skip
    rng = np.random.default_rng(0)
    w = np.asarray(sample(2, rng), float)
    if w.shape != (2, dimension):
        raise ProblemError(f"sample_prior returned shape {w.shape} for 2 draws", f"(2, {dimension})", "return draws × parameters")
    w, weight, step = w[0], rng.normal(size=observations), rng.normal(size=dimension)
    for name, found, shape in (
        ("log_likelihood", value(w), (observations,)), ("log_likelihood_pullback", pullback(w, weight), (dimension,)),
        ("log_prior_gradient", gradient(w), (dimension,)),
    ):  # fmt: skip
        if np.shape(found) != shape:
            raise ProblemError(f"{name} returned shape {np.shape(found)}", f"{shape}", "give one value an observation, or a parameter")
    for name, along, slope in (
        ("log_likelihood_pullback", lambda t: float(weight @ np.asarray(value(w + t * step))), float(np.dot(pullback(w, weight), step))),
        ("log_prior_gradient", lambda t: float(np.asarray(prior(w + t * step)).reshape(())), float(np.dot(gradient(w), step))),
    ):
        h = 1e-4
        numeric = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
        scale = abs(numeric) + abs(slope) + 1e-6 * abs(along(0.0)) + 1e-6
        if np.isfinite(numeric) and not abs(numeric - slope) < 1e-3 * scale:
            raise ProblemError(f"{name} gives the slope {slope:.6g} where differences give {numeric:.6g}", "the derivative",
                               "correct the gradient")  # fmt: skip


def make_pymc_problem(model: Any, name: str = "PyMC model") -> tuple[Problem, Data]:
    """A PyMC model with continuous free variables as a problem.

    Args:
        model: A `pymc.Model` with observed variables.
        name: A short name.

    Returns:
        The problem, over the model's value variables in one vector, and its data.

    Raises:
        MissingDependencyError: If PyMC is not installed.
        InputError: If the model has discrete free variables, potentials or nothing observed.
    """
    try:
        import pymc
        import pytensor
        from pytensor import tensor
        from pytensor.graph.replace import vectorize_graph
    except ImportError as error:
        raise MissingDependencyError("PyMC is not installed", "PyMC, which made the model", "pip install pymc") from error
    if model.discrete_value_vars or model.potentials or not model.observed_RVs:
        raise InputError(
            f"{len(model.discrete_value_vars)} discrete variables, {len(model.potentials)} potentials, {len(model.observed_RVs)} observed",
            "continuous variables, no potentials, something observed",
            "sum discrete variables out; write potentials as priors or observed variables",
        )
    free, values = model.free_RVs, [model.rvs_to_values[rv] for rv in model.free_RVs]
    start = model.initial_point()
    shapes = [np.shape(start[v.name]) for v in values]
    sizes = [int(np.prod(s)) for s in shapes]
    vector = tensor.dvector("w")
    edges = np.cumsum([0, *sizes])
    pieces = {v: vector[a:b].reshape(s).astype(v.dtype) for v, a, b, s in zip(values, edges, edges[1:], shapes, strict=False)}
    each = tensor.concatenate([term.ravel() for term in model.logp(vars=model.observed_RVs, sum=False)])
    log_prior = model.logp(vars=free)
    each, log_prior = pytensor.clone_replace([each, log_prior], pieces)
    weight, vectors, weights = tensor.dvector("weight"), tensor.dmatrix("w"), tensor.dmatrix("weight")
    outputs = [each, tensor.grad((weight * each).sum(), vector), log_prior, tensor.grad(log_prior, vector)]
    outputs = vectorize_graph(outputs, {vector: vectors, weight: weights})
    # pymc's compile, unlike pytensor's own, turns impossible parameters (a scale that underflows) into −inf
    value, pullback, prior, slope = (
        pymc.pytensorf.compile([vectors, weights] if k == 1 else [vectors], output) for k, output in enumerate(outputs)
    )
    transforms = [model.rvs_to_transforms[rv] for rv in free]
    forward = [t.forward(rv, *rv.owner.inputs) if t is not None else rv for rv, t in zip(free, transforms, strict=True)]

    def sample(count: int, rng: np.random.Generator) -> np.ndarray:
        drawn = pymc.draw(forward, draws=count, random_seed=rng)
        return np.concatenate([np.reshape(x, (count, -1)) for x in drawn], 1)

    dimension = int(edges[-1])
    observations = int(value(np.zeros((1, dimension))).size)
    names = _number([v.name for v in values], sizes)
    return _make_problem(name, dimension, observations, value, pullback, prior, slope, sample, names)


def make_numpyro_problem(model: Callable[..., Any], *arguments: Any, name: str = "NumPyro model", **keywords: Any) -> tuple[Problem, Data]:
    """A NumPyro model with continuous latent variables as a problem.

    Args:
        model: The model function.
        *arguments: Its arguments, the observed data among them.
        name: A short name.
        **keywords: Its keyword arguments.

    Returns:
        The problem, over the unconstrained latent variables in one vector, and its data.

    Raises:
        MissingDependencyError: If NumPyro is not installed.
        InputError: If nothing is observed.
    """
    try:
        import jax
        from jax.flatten_util import ravel_pytree
        from numpyro.infer import Predictive, util
    except ImportError as error:
        raise MissingDependencyError("NumPyro is not installed", "NumPyro, which made the model", "pip install numpyro") from error
    double = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    with double(True):
        key = jax.random.PRNGKey(0)
        information = util.initialize_model(key, model, model_args=arguments, model_kwargs=keywords)
        point = jax.tree.map(lambda x: x.astype("float64"), information.param_info.z)
        flat, unravel = ravel_pytree(point)

        def each(w: Any) -> Any:
            sites = util.constrain_fn(model, arguments, keywords, unravel(w))
            found = util.log_likelihood(model, sites, *arguments, batch_ndims=0, parallel=False, **keywords)
            return jax.numpy.concatenate([jax.numpy.ravel(found[site]) for site in sorted(found)])

        def prior(w: Any) -> Any:
            return -util.potential_energy(model, arguments, keywords, unravel(w)) - each(w).sum()

        if not util.log_likelihood(model, util.constrain_fn(model, arguments, keywords, point), *arguments, batch_ndims=0, **keywords):
            raise InputError("a model without observed sites", "observed sites", "pass the data to the model")
        functions = [each, lambda w, weight: jax.vjp(each, w)[1](weight)[0], prior, jax.grad(prior)]
        value, pullback, log_prior, slope = (jax.jit(jax.vmap(f)) for f in functions)
        count = int(each(flat).size)

    def run(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
        def call(*inputs: np.ndarray) -> np.ndarray:
            rows = len(inputs[0])
            size = 1 << (rows - 1).bit_length()  # powers of two, so that few numbers of rows are compiled for
            with double(True):
                padded = (jax.numpy.asarray(np.concatenate([x, np.broadcast_to(x[:1], (size - rows, *x.shape[1:]))])) for x in inputs)
                return np.asarray(function(*padded))[:rows]

        return call

    def sample(draws: int, rng: np.random.Generator) -> np.ndarray:
        with double(True):
            key = jax.random.PRNGKey(int(rng.integers(2**31)))
            sites = Predictive(model, num_samples=draws, return_sites=list(point))(key, *arguments, **keywords)
            rows = [ravel_pytree(util.unconstrain_fn(model, arguments, keywords, {s: sites[s][i] for s in point}))[0] for i in range(draws)]
            return np.stack([np.asarray(row, float) for row in rows])

    sizes = [int(np.size(v)) for v in jax.tree.leaves(point)]
    names = _number(sorted(point), sizes)
    return _make_problem(name, flat.size, count, run(value), run(pullback), run(log_prior), run(slope), sample, names)


def _number(names: list[str], sizes: list[int]) -> tuple[str, ...]:
    return tuple(f"{n}[{i}]" if size > 1 else n for n, size in zip(names, sizes, strict=True) for i in range(size))
