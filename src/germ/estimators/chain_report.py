"""From the draws of a ladder to one `Estimate`: pure functions of (chain, draw) arrays.

With y = nβ (L_b(w) − L_b(w*)) − correction of identity 2, each rung gives A = E[y] at its γ and temperature.
The value is A of the last rung, carried on to γ = 0: for curvature h the deficit of a direction is ½γ/(h + γ), a sum over directions grows
as γ^c with c ≤ 1, and c is measured on three rungs. The slope of E[L] in 1/(nβ), between the middle rung and its hot twin, is
2A_hot − A_middle: it does not know L(w*), and what it has too much says how far above the minimum w* lies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from germ.claim import Correction
from germ.sampling.diagnostics import Summary, summarize
from germ.sampling.planning import Rung

Draws = Mapping[str, np.ndarray]
_STEP_UNCERTAINTY = 0.03  # of the correction: identity 2 is exact on quadratics, and was within 2 % of the correction where it was measured
# The same with momentum where all directions are free: heat that batches put into stiff directions spreads to those that γ holds, and is
# taken from the loss all the same. On a 10-10-10-10 network of rank 5 that was 0.3 of the correction (40.2 against 44.5 of long HMC).
_MOMENTUM_UNCERTAINTY = 0.4
_CARRY_UNCERTAINTY = 0.4  # of the carry to γ = 0: the exponent changes along the ladder
_LEAST_EXPONENT = 0.5  # a smaller one would be a plateau that the ladder does not see
_HALF_A_POLE = math.sqrt(0.5)  # root mean square of m − 1, for m = 1 or 2 with equal odds


@dataclass(frozen=True)
class RungSummary:
    """What one rung says.

    Args:
        rung: The rung.
        value: nβ E[L − L(w*)], corrected by identity 2.
        raw: The same, not corrected.
        correction: Mean of the correction.
        balance: E[(w − w*)·g] over what identity 1 demands; 1 in equilibrium.
        balance_error: Its standard error.
        localization: γ that acts: larger than the rung's where free directions have not spread.
        distance: E|w − w*|².
    """

    rung: Rung
    value: Summary
    raw: Summary
    correction: float
    balance: float
    balance_error: float
    localization: float
    distance: float


def summarize_rung(rung: Rung, draws: Draws, dimension: int) -> RungSummary:
    """Summaries of one rung.

    Args:
        rung: The rung.
        draws: One (chain, draw) array per field of `Info`.
        dimension: d.

    Returns:
        The summary.
    """
    raw = rung.nbeta * draws["difference"]
    gap, expected = summarize(draws["virial"] - draws["expected"]), float(draws["expected"].mean())
    distance = float(draws["distance"].mean())
    missing = max(0.0, -gap.mean) if -gap.mean > 3 * gap.standard_error else 0.0
    spread = rung.localization * distance
    acting = rung.localization * (spread + missing) / spread if spread > 0 and missing > 0 else rung.localization
    return RungSummary(
        rung, summarize(raw - draws["correction"]), summarize(raw), float(draws["correction"].mean()),
        1 + gap.mean / expected, gap.standard_error / abs(expected), acting, distance,
    )  # fmt: skip


def correct_for_step(last: RungSummary, dimension: int, *, momentum: bool) -> Correction:
    """What identity 2 took away; with momentum it is less certain, the more directions the data leave free."""
    free = min(1.0, max(0.0, 1 - 2 * last.value.mean / dimension))
    share = _STEP_UNCERTAINTY + (_MOMENTUM_UNCERTAINTY * free if momentum else 0.0)
    return Correction(
        "step size", -last.correction, share * abs(last.correction),
        f"discretisation and gradient noise at ε = {last.rung.step_size:.3g}, measured by identity 2",
    )  # fmt: skip


def find_plateau(rungs: Sequence[RungSummary]) -> int:
    """The softest rung before the value falls.

    As γ falls, A rises towards its limit, as long as the chains stay where K vanishes as it does at w*. On a trained network they find
    lower losses in the end, and A falls, to −∞ if one lets it: what is softer than the top is not about w*.

    Args:
        rungs: At one temperature, from stiff to soft, at least one.

    Returns:
        An index.
    """
    top = 0
    for index in range(1, len(rungs)):
        rise = rungs[index].value.mean - rungs[top].value.mean
        if rise < -3 * math.hypot(rungs[index].value.standard_error, rungs[top].value.standard_error):
            break
        top = index
    return top


def correct_for_localization(
    last: RungSummary, middle: RungSummary | None, stiff: RungSummary | None, fallen: RungSummary | None = None
) -> Correction:
    """The carry to γ = 0 along A(γ) = A(0) − b γ^c through the rungs.

    Args:
        last: The softest rung that is kept.
        middle: The rung before it at the same temperature, or None where there is none.
        stiff: The rung before that.
        fallen: A softer rung whose value is lower, if there is one.

    Returns:
        What is added to the value of the last rung.
    """
    if fallen is not None:
        rise = 0.0 if middle is None else last.value.mean - middle.value.mean
        unclear = max(abs(rise) / 2, min(abs(last.value.mean - fallen.value.mean), abs(last.value.mean)) / 2)
        told = f"at γ = {last.localization:.3g}, before chains find lower losses (at {fallen.localization:.3g}); no limit to carry it on to"
        return Correction("localisation", 0.0, unclear, told)
    if middle is None or middle.localization <= 1.02 * last.localization:
        return Correction("localisation", 0.0, 0.0, f"the value is that at γ = {last.localization:.3g}; no limit was taken")
    ratio = math.log(middle.localization / last.localization)
    rise, exponent = last.value.mean - middle.value.mean, 1.0
    if stiff is not None and stiff.localization > 1.02 * middle.localization and rise > 0:
        before = middle.value.mean - stiff.value.mean
        exponent = math.log(max(before, 1e-9 * rise) / rise) / math.log(stiff.localization / middle.localization)
        exponent = min(1.0, max(_LEAST_EXPONENT, exponent))
    share = 1 / math.expm1(exponent * ratio)
    amount = share * rise
    # The variance of (1 + share) A_last − share A_middle, less that of A_last, which is counted already.
    noise = ((1 + share) ** 2 - 1) * last.value.standard_error**2 + (share * middle.value.standard_error) ** 2
    return Correction(
        "localisation", amount, math.hypot(math.sqrt(noise), _CARRY_UNCERTAINTY * amount),
        f"γ = {middle.localization:.3g} and {last.localization:.3g} carried on to 0 as γ^{exponent:.2g}",
    )  # fmt: skip


def find_slope(middle: RungSummary, hot: RungSummary, last: RungSummary) -> tuple[float, float]:
    """λ from the slope of E[L] in 1/(nβ), between the middle rung and its hot twin, whose γ/nβ is the same.

    Where K grows as |w|^2k, A depends on γ and nβ through γ/(nβ)^(1/k): the twin is as stiff as the middle rung for k = 1, and as one of a
    γ smaller by √2 for k = 2. What that would change is read off the ladder; half of it is taken away, and all of it is uncertain.

    Args:
        middle: The middle rung.
        hot: Its hot twin.
        last: The last rung of the ladder; the middle one again where there is no ladder.

    Returns:
        The slope and its standard error.
    """
    ratio = middle.rung.nbeta / hot.rung.nbeta
    softer = 0.0
    if middle.localization > 1.02 * last.localization:
        share = math.log(ratio) / 2 / math.log(middle.localization / last.localization)
        softer = share * (last.value.mean - middle.value.mean)
    value = (ratio * (hot.value.mean - softer / 2) - middle.value.mean) / (ratio - 1)
    error = math.hypot(ratio * hot.value.standard_error, middle.value.standard_error, ratio * softer) / (ratio - 1)
    return value, error


def correct_for_minimum(last: RungSummary, slope: tuple[float, float], middle: RungSummary) -> Correction:
    """What the slope has more than the difference: nβ (L(w*) − min L), where it is significant and the value is positive.

    Args:
        last: The last rung.
        slope: λ from the slope, and its error.
        middle: The rung that the slope belongs to.

    Returns:
        The correction; zero where slope and difference agree, or differ as finite temperatures make them differ.
    """
    excess = slope[0] - middle.value.mean
    error = math.hypot(slope[1], middle.value.standard_error)
    agrees = abs(excess) < 2 * error
    if excess > 3 * error and last.value.mean > 0:
        return Correction(
            "minimum", excess, error, f"w* lies {excess / last.rung.nbeta:.3g} nats above the local minimum (slope over 1/nβ)"
        )
    if agrees or excess > 0:
        return Correction(
            "minimum", 0.0, 0.0, f"slope over 1/nβ gives {slope[0]:.4g} ± {slope[1]:.2g} at {middle.value.mean:.4g}: they agree"
        )
    return Correction(
        "temperature", 0.0, -excess - error, f"slope over 1/nβ gives {slope[0]:.4g} ± {slope[1]:.2g}: terms of finite temperature remain"
    )


def bound_multiplicity(nbeta: float, value: float, dimension: int) -> Correction:
    """The term −(m − 1)/log nβ, which one temperature cannot see: bounded.

    Args:
        nbeta: nβ.
        value: λ̂.
        dimension: d; where λ̂ is d/2 the model is regular, and m = 1.

    Returns:
        A correction of zero with its uncertainty.
    """
    singular = min(1.0, max(0.0, (dimension / 2 - value) / 0.5))
    logarithm = math.log(max(nbeta, math.e))
    return Correction(
        "multiplicity", 0.0, _HALF_A_POLE * singular / logarithm, f"(m − 1)/log nβ is {1 / logarithm:.2g} for each unit of m − 1, m unknown"
    )


def agree(values: Sequence[tuple[float, float]]) -> bool:
    """Whether numbers with standard errors lie within two sigma of each other, pair by pair."""
    return all(abs(a[0] - b[0]) <= 2 * math.hypot(a[1], b[1]) for i, a in enumerate(values) for b in values[:i])
