"""`estimate_volume_scaling`: λ and m of a problem from how fast the volume of {K < ε} falls.

The road needs no proof and no data: only K itself. In low dimension particles follow {K < ε} by multilevel splitting
(`germ.thermo.splitting`); in high dimension they follow exp(-tK) φ, whose normalisation Z(t) = ∫ exp(-εt) dV(ε) has the same λ and m, by
annealed importance sampling. Either gives local slopes, from which `germ.thermo.scaling` takes λ, m and their uncertainty.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from germ.claim import Correction, Estimate, Provenance, collect_versions
from germ.errors import InputError
from germ.problems.priors import Prior, make_uniform_prior
from germ.problems.problem import Problem
from germ.rng import check_seed, spawn_seeds
from germ.sampling.annealing import anneal
from germ.thermo.scaling import Array, ScalingFit, Slopes, fit_slopes, measure_slopes
from germ.thermo.splitting import descend

Function = Callable[[Tensor], Tensor]

_ISLANDS = 8
_PILOT = 250  # particles of an island in the first descent
_LARGEST = 12_000
_SPLITTING_DIMENSION = 16
_STAGES = 4
_PILOT_SHARE = 0.3  # of the work, at most
_SAFE = 0.9
_DEPTH = 60.0  # of the first descent, in nats of ε; 27.6 is K = 1e-12
_DEEPEST = 120.0
_SHALLOWEST = 30.0
_LEVELS = 104.0  # nats of volume that are enough: where λ is large, more particles say more than more depth
_ANNEALED = 48  # particles of an island in high dimension
_TRAJECTORIES = 10
_SPAN = 22.0
_LATE = 5.0  # log t from which on slopes are used: in many dimensions many poles compete before
_BLOCKS = 24
_VIRIAL = 0.25  # mean deviation of E[v·∇U]/d from 1 at which annealed particles are taken for lost
_RESOLVED = 0.9  # probability above which m is named


@dataclass
class _Purse:
    """Evaluations of K that may be spent, and a time at which to give up in any case."""

    limit: float
    deadline: float
    spent: int = 0

    def count(self, function: Function) -> Function:
        """The function, its evaluations counted."""

        def counted(w: Tensor) -> Tensor:
            self.spent += len(w)
            return function(w)

        return counted

    def ask(self, limit: float) -> str:
        """Why to stop: "work" or "time", or nothing."""
        return "time" if time.monotonic() > self.deadline else "work" if self.spent > limit else ""


@dataclass(frozen=True)
class _Target:
    name: str
    dimension: int
    divergence: Function
    residuals: Function | None
    prior: Prior
    center: Tensor


def estimate_volume_scaling(
    problem: Problem | Function,
    *,
    box: tuple[Sequence[float], Sequence[float]] | None = None,
    residuals: Function | None = None,
    at: Sequence[float] | Tensor | None = None,
    radius: float | None = None,
    seed: int = 0,
    precision: float = 0.005,
    work: float = 40.0,
    budget: float = 600.0,
) -> Estimate:
    """Estimate λ and m from V(ε) = ∫_{K < ε} φ dw ~ c ε^λ (-log ε)^(m-1).

    Holds for any K ≥ 0 that is analytic near its zeros (λ is the least over the prior's support, or over a neighbourhood of `at`), as long
    as the range of ε that double precision allows shows the asymptotic form; a second pole close to λ, or a stratum of small volume with
    the least λ, can hide behind it. Dimension up to some 100.

    Args:
        problem: A Problem, or a function K: w (P, d) to (P,), with `box`.
        box: Lower and upper ends, for a function; the prior is uniform on the box.
        residuals: For a function: f with K comparable to Σ f_i², w (P, d) to (P, R), differentiable. Makes the descent reliable where the
            zero set is curved.
        at: A point: λ is that of its neighbourhood, the prior uniform on a cube around it.
        radius: Half the side of that cube; 1/4 by default.
        seed: Seed of all randomness.
        precision: Relative standard error at which sampling stops.
        work: Millions of evaluations of K at which it stops in any case, about. The estimate is a function of seed, precision and work.
        budget: Seconds after which it gives up; an estimate that ended so says "time" in `stopped` and depends on the machine.

    Returns:
        λ̂ with a standard error that holds noise, the choice of m and the next pole. `diagnostics`: "multiplicity" (m, or None where it is
        not resolved), "multiplicity_probabilities", "learning_coefficient_given_m", "log_epsilon" (the smallest reached),
        "stopped", "particles", "evaluations", "misfit", "slopes".

    Raises:
        InputError: For a function without box, impossible options, or a K that is negative, not finite or zero on an open set.

    Example:
        >>> found = estimate_volume_scaling(lambda w: w[:, 0] ** 2, box=([-1.0], [1.0]), work=2)
        >>> abs(found.value - 0.5) < 3 * found.standard_error, found.diagnostics["multiplicity"]
        (True, 1)

    References:
        Watanabe (2009), Theorem 7.1.
    """
    check_seed(seed)
    for name, number in (("budget", budget), ("precision", precision), ("work", work)):
        if not (isinstance(number, (int, float)) and math.isfinite(number) and number > 0):
            raise InputError(f"got {name}={number!r}", "a positive number", f"leave {name} out for the default")
    start = time.monotonic()
    purse = _Purse(1e6 * work, start + budget)
    target = _make_target(problem, box, residuals, at, radius, purse)
    _check_function(target, seed)
    high = target.dimension > _SPLITTING_DIMENSION
    run = _temper if high else _split
    slopes, fit, notes = run(target, seed, purse, precision)
    notes["evaluations"] = purse.spent
    return _report(target, slopes, fit, notes, seed, time.monotonic() - start, "annealing" if high else "multilevel splitting")


def _make_target(
    problem: Problem | Function,
    box: tuple[Sequence[float], Sequence[float]] | None,
    residuals: Function | None,
    at: Sequence[float] | Tensor | None,
    radius: float | None,
    purse: _Purse,
) -> _Target:
    point = None if at is None else torch.as_tensor(at, dtype=torch.float64)
    if radius is not None and (point is None or not radius > 0):
        raise InputError(f"got radius={radius!r} and at={at!r}", "a positive radius, with a point")
    if isinstance(problem, Problem):
        if box is not None or residuals is not None:
            raise InputError("box or residuals beside a Problem", "a Problem alone, which has its own", "use dataclasses.replace")
        if problem.residuals is None and problem.divergence is None:
            raise InputError(f"the problem {problem.name} without divergence", "one that gives `divergence` or `residuals`", "add it")
        f = None if problem.residuals is None else purse.count(problem.residuals)
        divergence: Function
        if f is not None:
            divergence = functools.partial(_sum_squares, f)  # comparable to K, and without its constants
        elif problem.divergence is not None:
            divergence = purse.count(problem.divergence)
        name, d = problem.name, problem.dimension
        prior = Prior(d, problem.log_prior, problem.sample_prior, problem.support)
        center = torch.zeros(d, dtype=torch.float64) if problem.truth is None else problem.truth
    else:
        if box is None:
            raise InputError("a function without box", "box=(lower ends, upper ends)", "say where the volume is measured")
        prior = make_uniform_prior(*box)
        name, d, f, divergence = "function", prior.dimension, residuals and purse.count(residuals), purse.count(problem)
        center = torch.zeros(d, dtype=torch.float64)
    if point is not None:
        if point.shape != (d,):
            raise InputError(f"a point of shape {tuple(point.shape)}", f"({d},)")
        half = 0.25 if radius is None else radius
        low, high = point - half, point + half
        if prior.support is not None:
            low, high = torch.maximum(low, prior.support[0]), torch.minimum(high, prior.support[1])
        prior, center = make_uniform_prior(low, high), point
    return _Target(name, d, divergence, f, prior, center)


def _sum_squares(residuals: Function, w: Tensor) -> Tensor:
    return residuals(w).pow(2).sum(1)


def _check_function(target: _Target, seed: int) -> None:
    w = target.prior.sample(1000, torch.Generator().manual_seed(seed))
    k = target.divergence(w).detach()
    if k.shape != (1000,):
        raise InputError(f"K of shape {tuple(k.shape)} for 1000 parameters", "(1000,)", "K has to be batched: w (P, d) to (P,)")
    if not bool(torch.isfinite(k).all()) or bool((k < 0).any()):
        index = int((~torch.isfinite(k) | (k < 0)).nonzero()[0])
        raise InputError(f"K = {float(k[index]):.4g} at w = {w[index].tolist()}", "finite values ≥ 0")
    if float((k == 0).double().mean()) > 0.01:
        raise InputError(
            f"K = 0 on {float((k == 0).double().mean()):.0%} of the prior", "zeros of volume 0", "there λ = 0: nothing to estimate"
        )


def _split(target: _Target, seed: int, purse: _Purse, precision: float) -> tuple[Slopes, ScalingFit, dict[str, object]]:
    """A small descent, then larger ones, as the precision and the log term need and the work allows."""
    size, depth, limit = _PILOT, _DEPTH, _PILOT_SHARE * purse.limit
    for value in spawn_seeds(seed, _STAGES):
        generator = torch.Generator().manual_seed(value)
        before, allotted = purse.spent, limit
        descent = descend(
            target.divergence, target.prior.log_density, target.prior.sample(_ISLANDS * size, generator), generator,
            residuals=target.residuals, islands=_ISLANDS, depth=depth, center=target.center, stop=lambda: purse.ask(allotted),  # noqa: B023
        )  # fmt: skip
        slopes = measure_slopes(-descent.log_levels.numpy(), descent.step, size)
        fit = fit_slopes(slopes, target.dimension)
        notes: dict[str, object] = {"particles": _ISLANDS * size, "stopped": descent.stopped, "moved": descent.moved[-1]}
        reached = -float(descent.log_levels[-1].mean())
        unfinished = descent.stopped == "work"
        depth = min(depth, max(_SHALLOWEST, _LEVELS / fit.learning_coefficient))
        ratio = depth / reached if unfinished or depth < reached else 1.0
        allowed = _SAFE * size * (purse.limit - purse.spent) / ((purse.spent - before) * ratio)
        if max(fit.probabilities) < _RESOLVED:
            wanted = min(_LARGEST, allowed)
            if descent.stopped == "depth" and depth == _DEPTH and wanted > 4 * size:
                wanted, depth = wanted * depth / _DEEPEST, _DEEPEST
        else:
            needed = size * (fit.standard_error / (precision * fit.learning_coefficient)) ** 2
            first = limit < purse.limit
            wanted = min(_LARGEST, allowed, 2 * needed if needed > size else 2 * size if first else 0)
        if descent.stopped == "time" or (wanted < 1.3 * size and not (unfinished and limit < purse.limit)):
            break
        size, limit = max(int(wanted), 64), purse.limit
    return slopes, fit, notes


def _temper(target: _Target, seed: int, purse: _Purse, precision: float) -> tuple[Slopes, ScalingFit, dict[str, object]]:
    """Annealed importance sampling of exp(-tK) times a Gaussian that the prior's draws suggest: λ and m need only a positive density.

    Runs with independent islands on the same temperatures, until the precision is reached or the work is done.
    """
    center, width, low, high = _choose_gaussian(target, seed)

    def energy(v: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            u = v.detach().requires_grad_(True)
            w = center + width * u
            k = target.divergence(w)
            gradient = torch.autograd.grad(k.sum(), u)[0]
        inside = ((w >= low) & (w <= high)).all(1)
        return torch.where(inside, k, math.inf).detach(), gradient

    ladder: list[float] | None = None
    means: list[Tensor] = []
    virial: list[list[float]] = []
    for value in spawn_seeds(seed, 64):
        before = purse.spent
        run = anneal(
            energy, target.dimension, 1.0, torch.Generator().manual_seed(value), islands=_ISLANDS, particles=_ANNEALED, moves=_TRAJECTORIES,
            span=_SPAN, ladder=ladder, deadline=purse.deadline,
        )  # fmt: skip
        if ladder is not None and len(run.temperatures) < len(ladder):
            break
        ladder = run.temperatures
        means.append(torch.stack(run.means))
        virial.append(run.virial)
        slopes = _average_levels(np.log(ladder), torch.cat(means, 1).numpy(), np.array(virial).mean(0))
        fit = fit_slopes(slopes, target.dimension, start=_LATE)
        tight = fit.standard_error < precision * fit.learning_coefficient and max(fit.probabilities) > _RESOLVED
        if tight or purse.ask(purse.limit - (purse.spent - before)):
            break
    stopped = "time" if time.monotonic() > purse.deadline else "depth"
    notes: dict[str, object] = {"particles": _ISLANDS * _ANNEALED * len(means), "stopped": stopped, "runs": len(means)}
    return slopes, fit, notes


def _choose_gaussian(target: _Target, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Center and widths (d,), and the box: a third of the way to the nearer end where there is one."""
    draws = target.prior.sample(2000, torch.Generator().manual_seed(seed))
    center, width = draws.mean(0), draws.std(0)
    infinite = torch.full_like(center, math.inf)
    low, high = target.prior.support or (-infinite, infinite)
    bounded = torch.isfinite(low) | torch.isfinite(high)
    center = torch.where(bounded, target.center.clamp(low + 0.05 * width, high - 0.05 * width), center)
    reach = torch.minimum(center - low, high - center) / 3
    return center, torch.where(bounded, torch.minimum(width, reach), width), low, high


def _average_levels(log_t: Array, means: Array, virial: Array) -> Slopes:
    """E[tK] as slopes d(-log Z)/d(log t), averaged over neighbouring levels, up to where the virial theorem fails."""
    window = np.ones(min(5, len(virial)))
    off = np.convolve(np.abs(virial - 1), window, "same") / np.convolve(np.ones_like(virial), window, "same")
    first = int(np.argmax(means.mean(1) > 0.5 * np.median(means.mean(1))))
    lost = np.nonzero(off[first:] > _VIRIAL)[0]
    end = first + int(lost[0]) if len(lost) and lost[0] >= 8 else len(log_t)
    edges = np.unique(np.linspace(first, end, min(_BLOCKS, end - first) + 1).round().astype(int))
    x, y, error = [], [], []
    for a, b in itertools.pairwise(edges):
        block = means[a:b].mean(0)
        x.append(log_t[a:b].mean())
        y.append(block.mean())
        error.append(block.std(ddof=1) / math.sqrt(len(block)))
    smooth = np.sqrt(np.convolve(np.square(error), np.ones(5), "same") / np.convolve(np.ones(len(error)), np.ones(5), "same"))
    return Slopes(np.array(x), np.array(y), np.maximum(smooth, 1e-9))


def _report(target: _Target, slopes: Slopes, fit: ScalingFit, notes: dict[str, object], seed: int, seconds: float, method: str) -> Estimate:
    probable = [(p, m) for m, p in enumerate(fit.probabilities, 1)]
    best, multiplicity = max(probable)
    resolved = multiplicity if best > _RESOLVED else None
    warnings = []
    if resolved is None:
        choices = " or ".join(str(m) for p, m in probable if p > 0.05)
        warnings.append(f"the log term is not resolved: m = {choices}; λ̂ and its error average over them")
    reached = float(slopes.x[-1])
    if reached < 15:
        warnings.append(f"ε = {math.exp(-reached):.1e} is the smallest reached: the asymptotic form may lie below; give a larger budget")
    if fit.chi_square > 2:
        warnings.append(f"the slopes do not follow the asymptotic form (χ² = {fit.chi_square:.1f} per degree of freedom)")
    if notes["stopped"] == "stuck":
        warnings.append("particles stopped moving: give `residuals`, or a smaller neighbourhood")
    given = {m: {"value": v, "standard_error": e} for m, (v, e) in enumerate(fit.by_multiplicity, 1) if fit.probabilities[m - 1] > 0.01}
    last = float(slopes.slope[-1])
    return Estimate(
        value=fit.learning_coefficient,
        standard_error=fit.standard_error,
        provenance=Provenance(
            method=f"volume scaling, {method}", source="Watanabe (2009), Theorem 7.1", reliability="sampled", seed=seed, seconds=seconds,
            settings={"problem": target.name, "dimension": target.dimension}, versions=collect_versions("torch", "numpy"),
        ),
        diagnostics={
            "multiplicity": resolved, "multiplicity_probabilities": fit.probabilities, "learning_coefficient_given_m": given,
            "log_epsilon": -reached, "misfit": fit.chi_square, "fit_from_log_epsilon": -fit.start, **notes,
            "slopes": {"x": slopes.x.tolist(), "slope": slopes.slope.tolist(), "error": slopes.error.tolist()},
        },
        corrections=(
            Correction("asymptotic form", fit.learning_coefficient - last, 0.0, "from the last slope to its limit: log term, next pole"),
        ),
        warnings=tuple(warnings),
    )  # fmt: skip
