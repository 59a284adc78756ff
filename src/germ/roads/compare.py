"""`germ.compare`: walk every road to a problem's learning coefficient and lay the answers side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from germ.errors import GermError, InputError
from germ.problems.problem import Problem
from germ.rng import check_seed
from germ.roads.comparison import Comparison, Row, judge
from germ.roads.roads import ROADS, Request


def compare(problem: Problem, *, roads: Sequence[str] | None = None, seed: int = 0, budget: float = 60.0) -> Comparison:
    """λ and m of a problem by every road that applies, compared in standard errors with the most reliable.

    All roads are asked about the same K, prior and truth. Exact resolution and sampling around w0 see the truth's neighbourhood; the atlas,
    volumes, WBIC and free energies see the whole prior. Where the problem says that its truth is not a deepest point, λ at w0 is
    compared with its own kind, and otherwise only has to be no smaller than the least.

    Args:
        problem: Of `germ.problems`, or your own.
        roads: Names from `germ.roads.roads.ROADS`; all by default.
        seed: Seed of all sampling.
        budget: Seconds for all roads, about: a share is the time limit of the engine and of sampling around w0, the rest is turned into
            fixed amounts of work.

    Returns:
        The comparison: `print`, `agree`, `rows`, `to_json`.

    Raises:
        InputError: For something that is not a Problem, unknown roads, or an impossible budget.

    Example:
        >>> from germ.problems import make_problem
        >>> found = compare(make_problem("normal-crossing", exponents=[1, 1]), roads=["exact", "atlas"])
        >>> found.agree, str(found["exact"].value), found["atlas"].multiplicity
        (True, '1/2', 2)

    References:
        Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, chapters 6 and 7.
    """
    check_seed(seed)
    if not isinstance(problem, Problem):
        raise InputError(f"got a {type(problem).__name__}", "a germ.problems Problem", 'make_problem("tanh", hidden=3), or one of your own')
    if isinstance(budget, bool) or not isinstance(budget, (int, float)) or not (math.isfinite(budget) and budget > 0):
        raise InputError(f"got budget={budget!r}", "a positive number of seconds", "leave budget out for the default")
    chosen = list(ROADS) if roads is None else list(roads)
    for name in chosen:
        if name not in ROADS:
            raise InputError(f"got the road {name!r}", f"of {', '.join(ROADS)}", "leave roads out for all of them")
    if not chosen:
        raise InputError("no road", f"at least one of {', '.join(ROADS)}")
    request = Request(seed, float(budget))
    rows = [_walk(name, problem, request) for name in ROADS if name in chosen]
    return Comparison(problem.name, problem.dimension, judge(_place(rows, problem)), seed, float(budget), problem.notes)


def _walk(name: str, problem: Problem, request: Request) -> Row:
    function, place = ROADS[name]
    start = time.perf_counter()
    try:
        claim = function(problem, request)
    except ImportError as error:
        return Row(name, None, time.perf_counter() - start, place, reason=str(error).splitlines()[0])
    except GermError as error:
        error.add_note(f"on the road {name!r} of the problem {problem.name!r}")
        raise
    return Row(name, claim, time.perf_counter() - start, place)


def _place(rows: list[Row], problem: Problem) -> list[Row]:
    """Mark rows as answers to one question where the problem says that λ at w0 is the least over the prior's support."""
    if problem.deepest:
        return [replace(row, place="both") for row in rows]
    boxed = problem.exact is not None and problem.exact.box is not None
    return [replace(row, place="prior") if row.road == "exact" and boxed else row for row in rows]
