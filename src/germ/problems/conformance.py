"""`check_problem`: does a Problem keep what it promises? The same suite for the zoo's problems and for a user's own.

Everything is tested from outside, by simulation, with a fixed number of draws:

* a density p integrates to one if E_q[g/p] does, q = p the truth and g any normalised density within its support;
* E_q[p(x|w)/q(x)] = 1 at parameters near the truth;
* no parameter that is found by search has a smaller mean loss on fresh data than the truth has;
* `divergence`, the exact form and the simulated K are comparable: along rays into the truth, and from points of the zero set, their ratio
  stays within a constant. The simulated K is the mean of r - 1 - log r, r = p(x|w)/q(x), whose terms are all ≥ 0: it has a small relative
  error however small K is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from germ.errors import GermError, ProblemError
from germ.problems.potential import compile_polynomials
from germ.problems.problem import Data, Problem, Summarizable
from germ.rng import spawn_seeds

_SAMPLES = 4000
_DESCENT_SAMPLES = 500  # the search for a better parameter may overfit: it is judged on fresh samples
_SIGMAS = 5.0  # of a check that fails by chance: 6e-7
_RAYS = 12
_SCALES = (0.1, 0.03, 0.01, 0.003)  # distances from the truth, in units of the prior's spread
_UNKNOWN = "not tested: neither truth nor log_truth is given"
_COMPARABLE = 300.0  # how much the ratio of comparable functions may vary from scale to scale along one ray
_OUTCOMES = 1024  # discrete outcomes up to this number are summed over


@dataclass(frozen=True)
class Check:
    """One promise that was tested and kept.

    Args:
        name: What was tested.
        detail: What was measured; starts with "not tested" where the problem gives nothing to test.
    """

    name: str
    detail: str


def check_problem(problem: Problem, *, seed: int = 0) -> tuple[Check, ...]:
    """Test a Problem against its contract.

    Args:
        problem: Any Problem.
        seed: Seed of all randomness.

    Returns:
        The checks, all passed.

    Raises:
        ProblemError: At the first promise that is broken, with the parameter that shows it.

    Example:
        >>> from germ.problems import make_problem
        >>> [check.name for check in check_problem(make_problem("cusp"))][:3]
        ['shapes', 'prior', 'truth']
    """
    tests: list[Callable[[Problem, torch.Generator], str]] = [
        _check_shapes, _check_prior, _check_truth, _check_density, _check_ratio, _check_divergence, _check_exact, _check_gradients,
    ]  # fmt: skip
    done = []
    for test, value in zip(tests, spawn_seeds(seed, len(tests)), strict=True):
        detail = test(problem, torch.Generator().manual_seed(value))
        done.append(Check(test.__name__.removeprefix("_check_"), detail))
    return tuple(done)


def _fail(problem: Problem, got: str, expected: str, remedy: str = "") -> None:
    raise ProblemError(f"{problem.name}: {got}", expected, remedy)


def _format(w: Tensor) -> str:
    shown = ", ".join(f"{v:.4g}" for v in w.tolist()[:12])
    return f"w = ({shown}{', …' if len(w) > 12 else ''})"


def _check_shapes(problem: Problem, generator: torch.Generator) -> str:
    d, state = problem.dimension, generator.get_state()
    w, data = problem.sample_prior(3, generator), problem.simulate(7, generator)
    likelihood = problem.log_likelihood(w, data)
    shapes = {
        "sample_prior(3)": (w.shape, (3, d)), "log_prior": (problem.log_prior(w).shape, (3,)), "log_likelihood": (likelihood.shape, (3, 7)),
    }  # fmt: skip
    if problem.residuals is not None and (problem.residuals(w).ndim, len(problem.residuals(w))) != (2, 3):
        _fail(problem, f"residuals of shape {tuple(problem.residuals(w).shape)}", "(3, R)")
    if problem.divergence is not None:
        shapes["divergence"] = (problem.divergence(w).shape, (3,))
    if problem.truth is not None:
        shapes["truth"] = (problem.truth.shape, (d,))
    for name, (got, expected) in shapes.items():
        if tuple(got) != expected:
            _fail(problem, f"{name} has shape {tuple(got)}", f"{expected}, with d = {d}, P = 3 parameters, n = 7 samples")
    if any(len(x) != 7 for x in data):
        _fail(problem, f"simulate(7) gives first dimensions {[len(x) for x in data]}", "7 for every tensor")
    if w.dtype != torch.float64 or likelihood.dtype != torch.float64:
        _fail(
            problem, f"parameters in {w.dtype}, log-likelihood in {likelihood.dtype}", "torch.float64: K has to be followed down to 1e-12"
        )
    if not torch.allclose(problem.log_likelihood(w[1:2], data)[0], likelihood[1], rtol=1e-9, atol=1e-9):
        _fail(problem, "the log-likelihood of a parameter depends on the others in its batch", "rows that are independent")
    if isinstance(problem.log_likelihood, Summarizable):
        short = problem.log_likelihood.summarize(data)(w)
        if not torch.allclose(short, likelihood.sum(1), rtol=1e-9, atol=1e-9):
            _fail(problem, f"the summarized log-likelihood is {short.tolist()}", f"{likelihood.sum(1).tolist()}, the sum over observations")
    generator.set_state(state)
    if not torch.equal(problem.sample_prior(3, generator), w):
        _fail(problem, "the same generator gives other draws of the prior", "no randomness but the generator's")
    if problem.names and len(problem.names) != d:
        _fail(problem, f"{len(problem.names)} names for {d} parameters", "one for each")
    return f"d = {d}"


def _check_prior(problem: Problem, generator: torch.Generator) -> str:
    draws = problem.sample_prior(2 * _SAMPLES, generator)
    fitted, fresh = draws[:_SAMPLES], draws[_SAMPLES:]
    log_density = problem.log_prior(fresh)
    if not bool(torch.isfinite(log_density).all()):
        index = int((~torch.isfinite(log_density)).nonzero()[0])
        _fail(problem, f"log prior {float(log_density[index])} at its own draw {_format(fresh[index])}", "a finite density at every draw")
    if problem.support is not None:
        low, high = problem.support
        if bool(((draws < low) | (draws > high)).any()):
            _fail(problem, "draws of the prior outside `support`", "support = the box that the prior lives on")
        beyond = torch.where(torch.isfinite(high), high + 1, torch.zeros_like(high))[None]
        if bool(torch.isfinite(problem.log_prior(beyond)).any()):
            _fail(problem, f"a finite log prior at {_format(beyond[0])}", "-inf outside `support`")
    return "density integrates to " + _integrate(
        problem, fitted, fresh, log_density, "the prior", "normalise log_prior, or correct the draws"
    )


def _integrate(problem: Problem, fitted: Tensor, fresh: Tensor, log_density: Tensor, what: str, remedy: str) -> str:
    """Test E[g/p] = 1 with g a product of histograms or normals fitted to other draws."""
    log_g = torch.zeros(len(fresh), dtype=torch.float64)
    for old, new in zip(fitted.T, fresh.T, strict=True):
        spread = old.std()
        if spread == 0:
            continue
        z = (old - old.mean()) / spread
        if (
            abs(float(z.pow(3).mean())) < 0.2 and abs(float(z.pow(4).mean()) - 3) < 0.5
        ):  # normal: a histogram would have to cut the tails off
            s = 0.95 * spread
            log_g += -0.5 * ((new - old.mean()) / s) ** 2 - s.log() - 0.5 * math.log(2 * math.pi)
        else:
            edges = torch.quantile(old, torch.linspace(0, 1, 17, dtype=torch.float64))
            width = (edges[1:] - edges[:-1]).clamp_min(1e-300)
            # Bins with little density may touch its zeros, where g/p has no variance: they are left out of g.
            kept = width < 2.5 * width.median()
            index = torch.bucketize(new.contiguous(), edges)
            inside = (index > 0) & (index < 17) & kept[(index - 1).clamp(0, 15)]
            log_g += torch.where(inside, -(int(kept.sum()) * width[(index - 1).clamp(0, 15)]).log(), -math.inf)
    return _compare_with_one(problem, torch.exp(log_g - log_density), what, remedy)


def _compare_with_one(problem: Problem, ratio: Tensor, what: str, remedy: str) -> str:
    mean, error = float(ratio.mean()), float(ratio.std()) / math.sqrt(len(ratio))
    if not math.isfinite(mean) or (abs(mean - 1) > _SIGMAS * error + 0.02 and error < 0.2):
        _fail(problem, f"{what} integrates to {mean:.4g} ± {error:.2g}", "1", remedy)
    return f"{mean:.3f} ± {error:.3f}" + ("" if error < 0.2 else " (not resolved)")


def _log_truth(problem: Problem, data: Data) -> Tensor:
    if problem.log_truth is not None:
        return problem.log_truth(data)
    if problem.truth is None:
        raise ProblemError(f"{problem.name}: neither `truth` nor `log_truth`", "one of them", "say what simulate draws from")
    return problem.log_likelihood(problem.truth[None], data)[0]


def _check_density(problem: Problem, generator: torch.Generator) -> str:
    """The truth's density, absolutely: constants that a ratio would cancel."""
    if problem.truth is None and problem.log_truth is None:
        return _UNKNOWN
    data = problem.simulate(2 * _SAMPLES, generator)
    outcome, covariates = data[-1].reshape(2 * _SAMPLES, -1), [x.reshape(2 * _SAMPLES, -1).double() for x in data[:-1]]
    remedy = "include every constant: -log(2π)/2, factorials, Jacobians"
    if bool((outcome == outcome.round()).all()):
        values = [column.unique() for column in outcome.T]
        if math.prod(map(len, values)) > _OUTCOMES:
            return "not tested: too many discrete outcomes"
        total = torch.zeros(8, dtype=torch.float64)
        for choice in itertools.product(*values):
            y = torch.stack(choice).reshape(1, *data[-1].shape[1:]).expand(8, *data[-1].shape[1:]).to(data[-1].dtype)
            total += _log_truth(problem, (*(x[:8] for x in data[:-1]), y)).exp()
        if float((total - 1).abs().max()) > 0.02:
            _fail(problem, f"the truth's density sums to {float(total[0]):.4g} over the outcomes", "1", remedy)
        return f"density sums to {float(total.mean()):.4f}"
    design = torch.cat([torch.ones(2 * _SAMPLES, 1, dtype=torch.float64), *covariates], 1)
    residual = outcome - design @ torch.linalg.lstsq(design[:_SAMPLES], outcome[:_SAMPLES]).solution
    # Whitened, so that g may be a product; the determinant goes to the density.
    root = torch.linalg.cholesky(residual[:_SAMPLES].T.cov().reshape(residual.shape[1], -1) + 1e-12 * torch.eye(residual.shape[1]).double())
    white = torch.linalg.solve_triangular(root, residual.T, upper=False).T
    log_density = _log_truth(problem, tuple(x[_SAMPLES:] for x in data)) + root.diagonal().log().sum()
    return "density integrates to " + _integrate(problem, white[:_SAMPLES], white[_SAMPLES:], log_density, "the truth's density", remedy)


def _near_truth(problem: Problem, data: Data, generator: torch.Generator, count: int) -> Tensor:
    """Parameters on segments from the truth to prior draws, where log p/q has a standard deviation below one half."""
    draws = problem.sample_prior(count, generator)
    if problem.truth is None:
        return draws
    few, share = tuple(x[:500] for x in data), torch.ones(count, 1, dtype=torch.float64)
    for _ in range(12):
        w = problem.truth + share * (draws - problem.truth)
        wide = ~((problem.log_likelihood(w, few) - _log_truth(problem, few)).std(1) < 0.5)
        if not bool(wide.any()):
            break
        share[wide] /= 2
    return problem.truth + share * (draws - problem.truth)


def _check_ratio(problem: Problem, generator: torch.Generator) -> str:
    if problem.truth is None and problem.log_truth is None:
        return _UNKNOWN
    data = problem.simulate(_SAMPLES, generator)
    ratio = (problem.log_likelihood(_near_truth(problem, data, generator, 8), data) - _log_truth(problem, data)).exp()
    remedy = "p(x|w) has to be normalised at every w, and simulate has to draw from the truth"
    shown = [_compare_with_one(problem, row, "E[p(x|w)/q(x)], which", remedy) for row in ratio]
    return f"E[p/q] = {shown[0]} at one of 8 parameters"


def _check_truth(problem: Problem, generator: torch.Generator) -> str:
    if problem.truth is None:
        return "not tested: no truth is given"
    truth = problem.truth
    if (
        not bool(torch.isfinite(problem.log_prior(truth[None]).clamp_max(1e300)).all())
        and float(problem.log_prior(truth[None])) == -math.inf
    ):
        edge = problem.sample_prior(1, generator)
        if not bool(torch.isfinite(problem.log_prior(truth[None] + 1e-9 * (edge - truth))).all()):
            _fail(problem, f"the truth {_format(truth)} outside the prior", "a truth in the closure of the prior's support")
    data, fresh = problem.simulate(_DESCENT_SAMPLES, generator), problem.simulate(_SAMPLES, generator)
    draws = problem.sample_prior(24, generator)
    local = truth + torch.logspace(-3, 0, 24, dtype=torch.float64)[:, None] * (problem.sample_prior(24, generator) - truth)
    start = torch.cat([draws, local])
    found = _descend(lambda w: -problem.log_likelihood(w, data).mean(1), start, problem)
    candidates = torch.cat([start, found])
    gain = (problem.log_likelihood(candidates, fresh) - problem.log_likelihood(truth[None], fresh)).nan_to_num(-1e9)
    # Where the gain has hardly any spread the standard error is no guide: rounding sets the floor.
    error = (gain.std(1) / math.sqrt(_SAMPLES)).clamp_min(1e-9)
    score = gain.mean(1) / error
    best = int((gain.mean(1) - _SIGMAS * error).argmax()) if float(score.max()) > _SIGMAS else int(score.argmax())
    if float(score[best]) > _SIGMAS:
        w = candidates[best]
        _fail(
            problem, f"the truth does not minimise K: {_format(w)} has a mean loss smaller by {float(gain[best].mean()):.4g} nats "
            f"({float(score[best]):.0f} standard errors)", "no parameter better than the truth on fresh data",
            "correct `truth`, `simulate` or `log_likelihood`",
        )  # fmt: skip
    if problem.divergence is not None:
        reached = torch.cat([candidates, _descend(problem.divergence, start, problem)])
        values, here = problem.divergence(reached).nan_to_num(math.inf), float(problem.divergence(truth[None]))
        if float(values.min()) < here - 1e-12 * max(1.0, abs(here)) or here < -1e-15:
            w = reached[int(values.argmin())]
            _fail(
                problem,
                f"divergence {here:.4g} at the truth, {float(values.min()):.4g} at {_format(w)}",
                "its least value, ≥ 0, at the truth",
            )
        if problem.log_truth is None and here > 1e-12:
            _fail(problem, f"divergence {here:.4g} at the truth", "0, since the truth is p(x|w0)")
    return f"none of {len(candidates)} parameters is better; the best is at {float(score[best]):+.1f} standard errors"


def _descend(loss: Callable[[Tensor], Tensor], start: Tensor, problem: Problem, steps: int = 150) -> Tensor:
    """Adam on each row, kept within the support."""
    w = start.clone().requires_grad_(True)
    spread = start.std(0).clamp_min(1e-3)
    optimizer = torch.optim.Adam([w], lr=0.03 * float(spread.mean()))
    for _ in range(steps):
        optimizer.zero_grad()
        loss(w).nan_to_num(0.0).sum().backward()  # type: ignore[no-untyped-call]
        if w.grad is not None:
            w.grad.nan_to_num_(0.0)
        optimizer.step()
        if problem.support is not None:
            low, high = problem.support
            with torch.no_grad():
                w.copy_(torch.maximum(torch.minimum(w, high), low))
    return w.detach()


def _simulate_divergence(problem: Problem, w: Tensor, data: Data) -> Tensor:
    """E[r - 1 - log r], r = p(x|w)/q(x), which is K(w) where densities are normalised."""
    log_ratio = problem.log_likelihood(w, data) - _log_truth(problem, data)
    small = log_ratio.abs() < 1e-4
    term = torch.where(small, log_ratio**2 * (0.5 + log_ratio / 6), torch.expm1(log_ratio) - log_ratio)
    return term.mean(1)


def _rays(problem: Problem, center: Tensor, generator: torch.Generator) -> Tensor:
    """Points (rays, scales, d) on segments from a center to prior draws."""
    draws = problem.sample_prior(_RAYS, generator)
    return center + torch.tensor(_SCALES, dtype=torch.float64)[None, :, None] * (draws - center)[:, None, :]


def _compare(problem: Problem, first: Tensor, second: Tensor, points: Tensor, names: tuple[str, str]) -> str:
    """Both (rays, scales): the ratio may vary by a constant only, however close to the center."""
    ratio = (first / second).log()
    bad = ~torch.isfinite(ratio)
    if bool(bad.any()):
        tiny = bad & (first.abs() < 1e-22) & (second.abs() < 1e-22)
        if bool((bad & ~tiny).any()):
            i, j = (bad & ~tiny).nonzero()[0].tolist()
            _fail(problem, f"{names[0]} = {float(first[i, j]):.3g} and {names[1]} = {float(second[i, j]):.3g} at {_format(points[i, j])}",
                  "two functions with the same zeros")  # fmt: skip
        ratio = torch.where(bad, torch.zeros_like(ratio), ratio)
    drift = (ratio[:, 0] - ratio[:, -1]).abs()
    if float(drift.max()) > math.log(_COMPARABLE):
        i = int(drift.argmax())
        _fail(
            problem, f"{names[0]} / {names[1]} goes from {float(ratio[i, 0].exp()):.3g} to {float(ratio[i, -1].exp()):.3g} on the way from "
            f"{_format(points[i, 0])} to {_format(points[i, -1])}", "comparable functions: a ratio between two constants",
            "correct the exponents or the missing terms of one of them",
        )  # fmt: skip
    return f"ratio {float(ratio.min().exp()):.2g} to {float(ratio.max().exp()):.2g}, drift at most {float(drift.max().exp()):.2g}"


def _check_divergence(problem: Problem, generator: torch.Generator) -> str:
    if problem.divergence is None or problem.truth is None:
        return "not tested: no divergence or no truth is given"
    data, points = problem.simulate(_SAMPLES, generator), _rays(problem, problem.truth, generator)
    flat = points.reshape(-1, problem.dimension)
    given, simulated = (f.reshape(points.shape[:2]) for f in (problem.divergence(flat), _simulate_divergence(problem, flat, data)))
    detail = _compare(problem, given, simulated, points, ("divergence", "simulated K"))
    if problem.residuals is not None:
        squares = problem.residuals(flat).pow(2).sum(1).reshape(points.shape[:2])
        detail += "; residuals: " + _compare(problem, squares, given, points, ("the sum of squared residuals", "divergence"))
    residuals = problem.residuals
    energy = problem.divergence if residuals is None else lambda w: residuals(w).pow(2).sum(1)
    zeros = _descend(energy, problem.sample_prior(16, generator), problem, steps=600)
    values, actual = energy(zeros), _simulate_divergence(problem, zeros, data)
    reached = values < 1e-6
    if bool((reached & (actual > 1e-6 + 3e4 * values)).any()):
        i = int((actual * reached).argmax())
        got = f"divergence {float(values[i]):.2g} where the simulated K is {float(actual[i]):.2g}: {_format(zeros[i])}"
        _fail(problem, got, "zeros of the divergence where K is zero", "a term is missing from the divergence")
    return f"{detail}; {int(reached.sum())} other zeros agree"


def _check_exact(problem: Problem, generator: torch.Generator) -> str:
    if problem.exact is None or problem.divergence is None or not problem.names:
        return "not tested: no exact form, no divergence, or no names"
    exact, texts = problem.exact, problem.exact.expression
    try:
        f = compile_polynomials([texts] if isinstance(texts, str) else list(texts), problem.names)
    except GermError as error:
        return f"not tested: {error.got}"
    at = torch.tensor([_to_float((exact.at or {}).get(n, "0")) for n in problem.names], dtype=torch.float64)
    points = _rays(problem, at, generator)
    values = f(points.reshape(-1, problem.dimension))
    k = (values[:, 0] if isinstance(texts, str) else values.pow(2).sum(1)).reshape(points.shape[:2])
    return _compare(
        problem, k, problem.divergence(points.reshape(-1, problem.dimension)).reshape(k.shape), points, ("the exact form", "divergence")
    )


def _to_float(text: str) -> float:
    numerator, _, denominator = str(text).partition("/")
    return float(numerator) / float(denominator or 1)


def _check_gradients(problem: Problem, generator: torch.Generator) -> str:
    data = problem.simulate(50, generator)
    w = (
        _near_truth(problem, problem.simulate(500, generator), generator, 6)
        if problem.truth is not None
        else problem.sample_prior(6, generator)
    )
    functions = {"log_likelihood": lambda v: problem.log_likelihood(v, data).sum(1), "log_prior": problem.log_prior}
    if problem.divergence is not None:
        functions["divergence"] = problem.divergence
    worst = 0.0
    for name, function in functions.items():
        v = w.clone().requires_grad_(True)
        value = function(v)
        gradient = torch.autograd.grad(value.sum(), v)[0] if value.requires_grad else torch.zeros_like(w)
        direction = torch.randn(w.shape, generator=generator, dtype=torch.float64)
        size = 1e-5
        change = (function(w + size * direction) - function(w - size * direction)).detach() / (2 * size)
        usable = torch.isfinite(change)
        error = ((gradient * direction).sum(1) - change)[usable].abs()
        scale = (gradient.norm(dim=1) * direction.norm(dim=1))[usable] + 1e-4 * (1 + value.detach()[usable].abs())
        share = float((error / scale).max()) if bool(usable.any()) else 0.0
        if not share < 1e-3:
            _fail(
                problem, f"the gradient of {name} differs from central differences by {share:.2g} of its size near {_format(w[0])}",
                "gradients by automatic differentiation that are right", "avoid detach, rounding and in-place steps",
            )  # fmt: skip
        worst = max(worst, share)
    return f"relative difference to central differences at most {worst:.1g}"
