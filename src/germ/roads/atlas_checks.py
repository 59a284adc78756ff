"""The atlas against measured volumes: checks for `germ atlas verify --slow` that need K only, not its algebra.

Each case is a model written down from its definition; λ and m come from how fast the volume of {K < ε} falls. A value of the atlas has to
be within three standard errors, which have to be small, and its m must not be ruled out. An upper bound must not be below what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from typing import Any

from germ.atlas.checks.check import Check, Disagreement, find_pole, find_upper
from germ.claim import Estimate, format_with_error
from germ.problems import make_problem
from germ.problems.potential import make_potential
from germ.problems.priors import make_power_prior
from germ.problems.problem import Problem
from germ.thermo.volume import estimate_volume_scaling

_WORK = 10.0  # millions of evaluations for each case
_SEED = 5
_LIMIT = 3.0  # standard errors
_COARSEST = 0.06  # relative standard error above which a case says nothing
_RARE = 0.0027


@dataclass(frozen=True)
class Case:
    """A family at given inputs, and a problem that has its λ.

    Args:
        family: Name of the family.
        inputs: Inputs of its formula, converted.
        make: Builds the problem.
        bound: Whether the formula is an upper bound.
    """

    family: str
    inputs: Mapping[str, Any]
    make: Callable[[], Problem]
    bound: bool = field(default=False)


def _zoo(name: str, **options: Any) -> Callable[[], Problem]:
    return lambda: make_problem(name, **options)


def _ideal(generators: Sequence[str]) -> Callable[[], Problem]:
    return lambda: make_potential(list(generators))


def _write_moments(terms: int, places: int, top: int) -> list[str]:
    """Σ_i a_i Π b_ik^l_k for all multi-indices |l| = 1, …, top."""
    indices = [l for l in product(range(top + 1), repeat=places) if 0 < sum(l) <= top]
    return ["+".join("*".join([f"a{i}", *(f"b{i}{'xyz'[k]}^{e}" for k, e in enumerate(l) if e)]) for i in range(terms)) for l in indices]


def _write_product(left: str, right: str, rows: int, inner: int, columns: int) -> list[list[str]]:
    return [["+".join(f"{left}{i}{k}*{right}{k}{j}" for k in range(inner)) for j in range(columns)] for i in range(rows)]


def _flatten(rows: Sequence[Sequence[str]]) -> list[str]:
    return [text for row in rows for text in row]


def _list_cases() -> tuple[Case, ...]:
    one = Fraction(1)
    both = _write_product("a", "b", 3, 2, 2)  # outputs and concepts from one hidden layer
    partial = _write_product("a", "b", 2, 1, 2)  # free concepts; a known one is the first input, and adds to the first column
    partial = [[f"{row[0]}+c{i}*d0", f"{row[1]}+c{i}*d1"] for i, row in enumerate(partial)]
    tensor = ["+".join(f"x{h}{i}*y{h}{j}*z{h}{k}" for h in range(2)) for i, j, k in product(range(2), repeat=3)]
    return (
        Case("relu-1d-zero", {"M": 2, "H": 2}, _zoo("relu", hidden=2, outputs=2)),
        Case("relu-1d-zero", {"M": 1, "H": 3}, _zoo("relu", hidden=3)),
        Case("relu-one-unit", {"M": 2, "N": 3}, _ideal([f"a{i}*b{j}" for i in range(2) for j in range(3)])),
        Case("vandermonde-H2", {"M": 1, "N": 2, "H": 2, "Q": 1}, _ideal(_write_moments(2, 2, 3))),
        Case("vandermonde-H3", {"M": 1, "N": 2, "H": 3, "Q": 1}, _ideal(_write_moments(3, 2, 4))),
        Case("multitask-linear", {"M": 2, "N": 2, "K": 1, "H": 2, "r": 0}, _ideal(_flatten(both))),
        Case("pcbm-linear", {"M": 2, "N": 2, "K1": 1, "K2": 1, "rprime": 0},
             lambda: make_potential(["d0-1", "d1", *_flatten(partial)], at=_place_partial())),
        Case("semiregular", {"d1": 1, "d2": 2, "p": 2}, _ideal(["x", "y^2+z^2"])),
        Case("prior-zeros", {"h": (Fraction(1), Fraction(2))}, _prior_zeros),
        Case("rrr", {"M": 2, "N": 2, "H": 2, "r": 0}, _zoo("rrr", inputs=2, outputs=2, hidden=2, rank=0)),
        Case("rrr-local", {"M": 2, "N": 2, "H": 2, "r": 0, "rankA": 2, "rankB": 0},
             _zoo("rrr", inputs=2, outputs=2, hidden=2, rank=0, layer_ranks=[2, 0])),
        Case("dln", {"widths": (1, 2, 2, 1), "r": 0}, _zoo("dln", widths=[1, 2, 2, 1])),
        Case("tanh-general", {"H": 2, "r": 1}, _zoo("tanh", hidden=2, true_units=1)),
        Case("mixture", {"H": 2, "r": 1, "N": 1, "alpha": one, "weights": None}, _zoo("poisson-mixture")),
        Case("mixture", {"H": 2, "r": 1, "N": 2, "alpha": one, "weights": None}, _zoo("gaussian-mixture", dimension=2)),
        Case("naive-bayes-binary", {"n": 3, "case": "all_independent"}, _zoo("latent-class")),
        Case("latent-class-H2-r1", {"levels": (2, 3)}, _zoo("latent-class", levels=[2, 3])),
        Case("factor-analysis", {"m": 3, "k": 1, "l": 0}, _zoo("factor-analysis", variables=3)),
        Case("tensor-cp-bound", {"dims": (2, 2, 2), "H": 2, "H0": 0}, _ideal(tensor), bound=True),
    )  # fmt: skip


def _place_partial() -> list[float]:
    """d0 = 1 where the names of the generators appear in order d0, d1, a…"""
    return [1.0] + [0.0] * 7


def _prior_zeros() -> Problem:
    return replace(make_potential(["x", "y"], prior=make_power_prior([1, 2])), exact=None)


CASES = _list_cases()


def check_volumes(family: str | None = None, *, work: float = _WORK) -> str:
    """λ and m of all cases, or of one family's, by volume scaling.

    Args:
        family: One family.
        work: Millions of evaluations for each case.

    Returns:
        One line.

    Raises:
        Disagreement: Where a value is off.
    """
    chosen = [case for case in CASES if family in (None, case.family)]
    for case in chosen:
        found = estimate_volume_scaling(case.make(), seed=_SEED, work=work, budget=3600.0)
        judge(case, found)
    return f"{len(chosen)} models of {len({case.family for case in chosen})} families within {_LIMIT:g} standard errors"


def judge(case: Case, found: Estimate) -> None:
    """Refuse a value of the atlas that a measurement rules out, or a measurement that rules out nothing.

    Args:
        case: The case.
        found: λ̂ from its volume.

    Raises:
        Disagreement: If they differ.
    """
    title = f"{case.family} {dict(case.inputs)}"
    measured = format_with_error(found.value, found.standard_error)
    if case.bound:
        upper = find_upper(case.family, **case.inputs)
        if found.value - _LIMIT * found.standard_error > float(upper):
            raise Disagreement(f"{title}: bound {upper} below {measured} (bound, volume)")
        return
    value, m = find_pole(case.family, **case.inputs)
    if found.standard_error > _COARSEST * found.value:
        raise Disagreement(f"{title}: {measured} is too uncertain to check {value} (atlas, volume)")
    if abs(found.value - float(value)) > _LIMIT * found.standard_error:
        raise Disagreement(f"{title}: {value} against {measured} (atlas, volume)")
    probabilities = found.diagnostics["multiplicity_probabilities"]
    if m is not None and (m > len(probabilities) or probabilities[m - 1] < _RARE):
        raise Disagreement(f"{title}: m = {m} is ruled out, {found.diagnostics['multiplicity']} found (atlas, volume)")


CHECKS = (Check("volume scaling", tuple(sorted({case.family for case in CASES})), check_volumes, "slow", per_family=True),)
