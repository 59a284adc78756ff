"""λ̂ by chains: sampling of exp(−U), U = nβ (L_n(w) − L_n(w*)) + (γ/2)|w − w*|², on minibatches or all data, for networks of any size.

The road has four stations. *Calibration* finds the step size from the measured correction of identity 2. A *ladder* of γ, from stiff to
soft, ends where the budget can still equilibrate the directions that the data leave free, which identity 1 checks; the value is carried on
to γ = 0. On a middle rung the temperature is doubled (with γ/nβ fixed), so that the *slope* of E[L] in 1/(nβ) gives λ without L(w*). The
*report* adds what was corrected, and what could only be bounded, to the error bar.

References:
    Lau et al. (2023), The local learning coefficient, arXiv:2308.12108; Watanabe (2013), A widely applicable Bayesian information
    criterion.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from germ.claim import Correction, Estimate, Provenance, collect_versions
from germ.errors import DivergenceError, InputError
from germ.estimators.chain_report import (
    RungSummary,
    bound_multiplicity,
    correct_for_localization,
    correct_for_minimum,
    correct_for_step,
    find_plateau,
    find_slope,
    summarize_rung,
)
from germ.sampling.binding import Binding, Restriction, bind_model
from germ.sampling.choosing import Choice, Clock, check_choice, choose_recipe
from germ.sampling.diagnostics import Summary, summarize
from germ.sampling.draws import DrawTree, make_draw_tree
from germ.sampling.ladder import Draws, run_ladder
from germ.sampling.planning import Rung, set_evaluation
from germ.sampling.recipe import Recipe, pack_recipe, unpack_recipe
from germ.sampling.trace import TraceStore
from germ.sampling.vectorized import Vectorized

Progress = Callable[[dict[str, float]], None]

_LOOKS = 256  # draws between two looks at the precision
_LEAST = 8  # draws that a run makes, whatever the budget
_FALL = 5.0  # standard errors by which the value has to fall for the ladder to end
_BALANCE = 0.03  # of identity 1: what it may be off without a warning


def estimate_by_chains(
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor],
    data: Any,
    *,
    seed: int = 0,
    precision: float = 0.03,
    budget: float = 60.0,
    parameters: Restriction | None = None,
    kernel: str | None = None,
    nbeta: float | None = None,
    localization: float | None = None,
    step_size: float | None = None,
    batch_size: int | None = None,
    chains: int | None = None,
    draws: int | None = None,
    burn_in: int | None = None,
    trace: str | os.PathLike[str] | None = None,
    on_failure: str = "raise",
    progress: Progress | None = None,
) -> Estimate:
    """The local learning coefficient at w*, λ̂ = nβ (E_β[L_n(w)] − L_n(w*)), by sampling; what is None is chosen by calibration.

    Holds for networks of any size, w* fitted to the data or not. The value belongs to the temperature nβ: the multiplicity and other
    terms of finite temperature are in the error bar, not in the value. It fails where chains leave w* for good (w* is not near a minimum).

    Args:
        model: The network, at w*; it is only read, and left as it was.
        loss: `loss(model, batch)`: losses in nats, per sample (batch,) or their mean.
        data: A tuple of tensors, a `Dataset` or a `DataLoader`: the n samples.
        seed: Seed of all randomness.
        precision: Relative standard error at which sampling stops.
        budget: Seconds after which it stops in any case.
        parameters: Names or patterns of the parameters that move, or masks by name; all by default.
        kernel: One of `germ.sampling.kernels.KERNELS`; "sgld" by default.
        nbeta: nβ; n / log n by default.
        localization: γ; by default a ladder that ends where the budget can still equilibrate, carried on to 0.
        step_size: ε; by default such that the correction of identity 2 is 40 % of the value.
        batch_size: Samples of a batch; about nβ/4 by default, all for kernels with an accept step.
        chains: C; 4 by default.
        draws: Draws of the last rung; by default what precision and budget ask for.
        burn_in: Steps that are left out at the start of each rung; three relaxation times 1/(εγ) by default.
        trace: Folder where draws are written while running, and from which an interrupted run goes on.
        on_failure: "raise" or "return" (an `Estimate` of nan with the reason) where a chain diverges.
        progress: Called with a dict of "done", "value" and "standard_error".

    Returns:
        λ̂ with its standard error, corrections, diagnostics and trace.

    Raises:
        InputError: For arguments out of range.
        DivergenceError: If a chain diverges; the message names chain, draw and remedy.
    """
    choice = Choice(kernel, nbeta, localization, step_size, batch_size, chains, draws, burn_in)
    check_choice(seed, precision, budget, choice)
    if on_failure not in ("raise", "return"):
        raise InputError(f"got on_failure={on_failure!r}", "'raise' or 'return'", "leave it out to raise")
    clock = Clock(budget)
    binding = bind_model(model, loss, data, parameters=parameters)
    store = None if trace is None else TraceStore(trace, fingerprint_run(binding, choice, seed))
    if store is not None and store.recipe is not None:
        clock = Clock(budget, store.spent)
        recipe, reasons = unpack_recipe(store.recipe["recipe"], store.load_recipe_tensors()), store.recipe["reasons"]
        set_evaluation(binding, **store.recipe["evaluation"])
    else:
        recipe, reasons = choose_recipe(binding, choice, seed, clock)
        if store is not None:
            plain, tensors = pack_recipe(recipe)
            compiled = isinstance(binding.evaluator, Vectorized) and binding.evaluator.compiled
            evaluation = {"vectorized": binding.vectorized, "compiled": compiled}
            store.begin({"recipe": plain, "reasons": reasons, "evaluation": evaluation}, tensors)
    watch = _Watch(recipe, clock, precision, progress, fixed=draws is not None)
    try:
        rungs, found = run_ladder(binding, recipe, watch=watch, store=store, spent=lambda: clock.spent)
    except DivergenceError as error:
        if on_failure == "raise":
            raise
        return _report(binding, recipe, reasons, watch.seen(), clock, error)
    if store is not None and not store.complete:
        store.finish(clock.spent)
    return _report(binding, replace(recipe, rungs=rungs), reasons, found, clock, None)


def fingerprint_run(binding: Binding, choice: Choice, seed: int) -> dict[str, str]:
    """What the draws of a run depend on, as digests: w*, data, options, seed."""

    def digest(tensors: Iterable[Tensor]) -> str:
        total = hashlib.sha256()
        for tensor in tensors:
            total.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
            total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return total.hexdigest()

    return {
        "parameters": digest(value for _, value in binding.anchor),
        "data": digest(binding.samples.leaves),
        "loss at w*": repr(binding.loss_at_center),
        "options": repr(choice),
        "seed": repr(seed),
    }


class _Watch:
    """Looks at the draws as they come: precision, budget, progress."""

    def __init__(self, recipe: Recipe, clock: Clock, precision: float, progress: Progress | None, *, fixed: bool) -> None:
        self.recipe, self.clock, self.precision, self.progress, self.fixed = recipe, clock, precision, progress, fixed
        self._draws: dict[str, Draws] = {}
        self._looked: dict[str, int] = {}
        self._ends: dict[str, float] = {}
        self._fallen = False

    def _plan_ends(self) -> None:
        # Counted from the first draw: workers have started by then.
        now, rungs = self.clock.spent, self.recipe.rungs
        steps = [(rung.burn_in + rung.draws) * rung.thin for rung in rungs]
        for index, rung in enumerate(rungs):
            self._ends[rung.name] = now + (self.clock.budget - now) * sum(steps[: index + 1]) / sum(steps)

    def __call__(self, group: int, rung: Rung, draws: Draws) -> int | None:
        self._draws[rung.name] = draws
        count = draws["difference"].shape[1]
        if self.progress is not None and count:
            found = summarize(rung.nbeta * draws["difference"] - draws["correction"])
            share = min(1.0, self.clock.spent / self.clock.budget)
            self.progress({"done": share, "value": found.mean, "standard_error": found.standard_error})
        if self.fixed or self.recipe.groups > 1:
            return None
        if self._fallen:
            return 0
        if not self._ends:
            self._plan_ends()
        # On a machine that is slower than planned each rung is cut by the same factor; the last keeps a few draws in any case.
        if self.clock.spent > self._ends[rung.name] and (rung.name != "main" or count >= _LEAST):
            return count
        # Looks happen after fixed numbers of draws, whatever the blocks: a run that was interrupted stops at the same draw.
        look = count // _LOOKS * _LOOKS
        if rung.name == "hot" or look <= self._looked.get(rung.name, 0):
            return None
        self._looked[rung.name] = look
        found = summarize((rung.nbeta * draws["difference"] - draws["correction"])[:, :look])
        if any(top.mean - found.mean > _FALL * math.hypot(top.standard_error, found.standard_error) for top in self._values(rung)):
            self._fallen = True
            return look
        if rung.name != "main":
            return None
        # Half again for the carry to γ = 0, and half of the variance left to the other corrections.
        precise = found.rhat < 1.05 and 1.5 * found.standard_error < 0.7 * self.precision * abs(found.mean)
        return look if precise else None

    def _values(self, before: Rung) -> list[Summary]:
        stiffer = [r for r in self.recipe.rungs if r.name not in ("hot", before.name) and r.name in self._draws]
        kept = [(r, self._draws[r.name]) for r in stiffer if self._draws[r.name]["difference"].shape[1] >= _LOOKS]
        return [summarize(r.nbeta * draws["difference"] - draws["correction"]) for r, draws in kept]

    def seen(self) -> list[Draws]:
        """Draws so far of each rung."""
        return [self._draws[rung.name] for rung in self.recipe.rungs if rung.name in self._draws]


def _report(
    binding: Binding, recipe: Recipe, reasons: dict[str, str], found: list[Draws], clock: Clock, failure: DivergenceError | None
) -> Estimate:
    rungs = {
        r.name: summarize_rung(r, draws, binding.dimension)
        for r, draws in zip(recipe.rungs, found, strict=False)
        if draws["difference"].shape[1]
    }
    cold = [r for name, r in rungs.items() if name != "hot"]
    top = find_plateau(cold) if cold else 0
    last = cold[top] if cold else None
    provenance = Provenance(
        method=f"chains ({recipe.kernel}), difference of mean losses at nβ = {recipe.rungs[-1].nbeta:.4g}",
        source="Lau et al. (2023), arXiv:2308.12108", reliability="sampled", seed=recipe.seed, seconds=clock.spent,
        settings=_list_settings(recipe) | {"reasons": reasons}, versions=collect_versions("torch", "numpy"),
    )  # fmt: skip
    trace = make_trace(recipe, found, last.rung.name if last is not None else "main")
    if failure is not None or last is None:
        why = str(failure) if failure is not None else "no draw was made within the budget"
        return Estimate(math.nan, math.nan, provenance, diagnostics={"n": binding.samples.size}, warnings=(why,), trace=trace)
    second, third = (cold[i] if i >= 0 else None for i in (top - 1, top - 2))
    fallen = cold[top + 1] if top + 1 < len(cold) else None
    step = correct_for_step(last, binding.dimension, momentum=recipe.kernel in ("sghmc", "sgnht"))
    corrections = [step, correct_for_localization(last, second, third, fallen)]
    middle, hot, slope = rungs.get("middle", last), rungs.get("hot"), (math.nan, math.nan)
    if hot is not None and cold.index(middle) <= top:
        slope = find_slope(middle, hot, cold[-1])
        corrections.append(correct_for_minimum(last, slope, middle))
    corrections.append(bound_multiplicity(last.rung.nbeta, last.value.mean, binding.dimension))
    value = last.value.mean + sum(c.amount for c in corrections[1:])
    error = math.hypot(last.value.standard_error, *(c.uncertainty for c in corrections))
    diagnostics = {
        "n": binding.samples.size, "nbeta": last.rung.nbeta, "chains": recipe.chains, "rhat": last.value.rhat, "ess": last.value.ess,
        "localization": last.rung.localization, "step_size": last.rung.step_size, "balance": last.balance,
        "slope": slope[0], "slope_error": slope[1], "loss_at_center": binding.loss_at_center, "raw": last.raw.mean,
        "ladder": {name: {"localization": r.rung.localization, "nbeta": r.rung.nbeta, "value": r.value.mean,
                          "standard_error": r.value.standard_error, "balance": r.balance} for name, r in rungs.items()},
    }  # fmt: skip
    return Estimate(
        value, error, provenance, diagnostics=diagnostics, corrections=tuple(corrections),
        warnings=tuple(_warn(last, value, corrections)), trace=trace,
    )  # fmt: skip


def _warn(last: RungSummary, value: float, corrections: list[Correction]) -> list[str]:
    warnings = []
    if value < 0:
        fell = -last.value.mean / last.rung.nbeta
        warnings.append(f"λ̂ is negative: w* is not a local minimum; the mean loss of the chains is {fell:.3g} nats below that at w*")
    if not last.value.rhat < 1.05:
        warnings.append(f"R-hat is {last.value.rhat:.3g}: the chains do not agree yet; raise budget=")
    if last.balance < 1 - max(_BALANCE, 3 * last.balance_error):
        warnings.append(
            f"identity 1 is at {last.balance:.2f} of its equilibrium: free directions still spread, as if γ were {last.localization:.3g}"
        )
    carried = corrections[1].amount
    if value > 0 and abs(carried) > 0.15 * value:
        warnings.append(
            f"the carry to γ = 0 is {carried / value:+.0%} of the value: λ̂ still depends on γ; a larger budget reaches a softer one"
        )
    return warnings


def _list_settings(recipe: Recipe) -> dict[str, Any]:
    main = recipe.rungs[-1]
    main = next((r for r in recipe.rungs if r.name == "main"), main)
    return {
        "kernel": recipe.kernel, "chains": recipe.chains, "batch_size": recipe.batch_size, "step_size": main.step_size, "nbeta": main.nbeta,
        "localization": main.localization, "draws": main.draws, "burn_in": main.burn_in * main.thin, "thin": main.thin,
        "rungs": [[r.name, r.nbeta, r.localization, r.step_size, r.burn_in, r.draws, r.thin] for r in recipe.rungs],
    }  # fmt: skip


def make_trace(recipe: Recipe, found: list[Draws], kept: str) -> DrawTree:
    """Draws in ArviZ's schema: `posterior` and `sample_stats` of the rung that is kept, and the other rungs under `ladder`."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for rung, draws in sorted(zip(recipe.rungs, found, strict=False), key=lambda pair: pair[0].name != kept):
        prefix = "" if rung.name == kept else f"ladder/{rung.name}/"
        value = rung.nbeta * draws["difference"] - draws["correction"]
        groups[f"{prefix}posterior"] = {"learning_coefficient": value, "loss_difference": draws["difference"]}
        groups[f"{prefix}sample_stats"] = {key: array for key, array in draws.items() if key != "difference"}
    return make_draw_tree(groups)
