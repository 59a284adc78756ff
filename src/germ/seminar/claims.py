"""Claims of an experiment: what was expected, what came out, and a verdict by a stated rule.

A claim is made by one of these, each of which decides the verdict by its own rule:

* `claim_equal`: expected and computed are the same exact value (ints, fractions, polynomials, booleans, tuples of them; no floats);
* `claim_close`: a computed float lies within a stated tolerance of the expected one, and the reason for the tolerance is stated too;
* `claim_within_errors`: a random result lies within k standard errors of the truth;
* `claim_between`: a number lies between bounds;
* `claim_refused`: a call raises the error, or returns the `NotApplicable`, that it should, because a hypothesis fails.

`source` says where the expected value comes from: a theorem, a publication, or a second computation that shares nothing with the first.
A comparison with nan fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any

from germ.claim import Claim, Exact, NotApplicable
from germ.errors import GermError, InputError


@dataclass(frozen=True)
class CheckedClaim:
    """A statement, what was expected, what came out, and the verdict.

    Args:
        statement: One sentence.
        expected: The expected value, as printed.
        computed: The computed value, as printed.
        error: How far apart they are, as printed, with the allowance.
        passed: The verdict.
        source: Where the expected value comes from.
        rule: How the verdict was reached.
    """

    statement: str
    expected: str
    computed: str
    error: str
    passed: bool
    source: str
    rule: str

    @property
    def verdict(self) -> str:
        """The verdict as a word, "pass" or "fail"."""
        return "pass" if self.passed else "fail"


def claim_equal(statement: str, expected: Any, computed: Any, source: str) -> CheckedClaim:
    """Expected and computed are the same, exactly.

    Args:
        statement: One sentence.
        expected: An int, fraction, text, polynomial, boolean, None, or a tuple or list of those.
        computed: The same.
        source: Where the expected value comes from.

    Returns:
        The claim.

    Raises:
        InputError: For floats, which are compared by `claim_close`.

    Example:
        >>> claim_equal("lct of the cusp", Fraction(5, 6), Fraction(10, 12), "Howald 2001").verdict
        'pass'
    """
    for value in (expected, computed):
        if _holds_float(value):
            raise InputError(f"the float {value!r} in an exact claim ({statement})", "exact values", "use claim_close")
    passed = bool(expected == computed)
    return CheckedClaim(statement, _show(expected), _show(computed), "0" if passed else "differs", passed, source, "equal exactly")


def claim_close(
    statement: str, expected: float, computed: float, source: str, *, tolerance: float, reason: str, relative: bool = False
) -> CheckedClaim:
    """A computed number lies within a stated tolerance of the expected one.

    Args:
        statement: One sentence.
        expected: The expected number.
        computed: The computed number.
        source: Where the expected value comes from.
        tolerance: Largest difference allowed.
        reason: Why the difference may be that large: digits printed in the source, discretisation, terms left out, ...
        relative: Whether the tolerance is a fraction of the expected value.

    Returns:
        The claim.

    Example:
        >>> claim_close("period at 90 degrees", 1.180341, 1.18034060, "table", tolerance=1e-6, reason="six decimals printed").error
        '4e-07 ≤ 1e-06 (six decimals printed)'
    """
    allowed = abs(float(expected)) * tolerance if relative else tolerance
    difference = abs(float(computed) - float(expected))
    passed = bool(difference <= allowed)
    error = f"{difference:.2g} {'≤' if passed else '>'} {allowed:.2g} ({reason})"
    return CheckedClaim(
        statement, _show(expected), _show(computed), error, passed, source, f"within {tolerance:g}{' relative' if relative else ''}"
    )


def claim_within_errors(
    statement: str, expected: float, computed: float, standard_error: float, source: str, *, allowed: float = 4.0
) -> CheckedClaim:
    """A random result lies within some standard errors of the expected value.

    Args:
        statement: One sentence.
        expected: The truth.
        computed: The estimate.
        standard_error: Of the estimate (together with that of the expected value, if it has one); positive.
        source: Where the expected value comes from.
        allowed: How many standard errors; 4 fails by chance once in 16,000.

    Returns:
        The claim.

    Example:
        >>> claim_within_errors("mean", 0.0, 0.3, 0.1, "symmetry").error
        '3.0 standard errors ≤ 4'
    """
    deviation = abs(float(computed) - float(expected)) / standard_error if standard_error > 0 else math.nan
    passed = bool(deviation <= allowed)
    error = f"{deviation:.1f} standard errors {'≤' if passed else '>'} {allowed:g}"
    shown = f"{float(computed):.6g} ± {standard_error:.2g}"
    return CheckedClaim(statement, _show(expected), shown, error, passed, source, f"within {allowed:g} standard errors")


def claim_between(
    statement: str, computed: float | Fraction, source: str, *, lower: float | Fraction | None = None, upper: float | Fraction | None = None
) -> CheckedClaim:
    """A number lies between bounds.

    Args:
        statement: One sentence.
        computed: The number.
        source: Where the bounds come from.
        lower: Lower bound, or None.
        upper: Upper bound, or None.

    Returns:
        The claim.

    Example:
        >>> claim_between("Kraft sum", Fraction(7, 8), "Kraft 1949", upper=1).verdict
        'pass'
    """
    passed = bool((lower is None or computed >= lower) and (upper is None or computed <= upper) and computed == computed)
    expected = {(True, True): f"{_show(lower)} to {_show(upper)}", (True, False): f"≥ {_show(lower)}", (False, True): f"≤ {_show(upper)}"}
    shown = expected.get((lower is not None, upper is not None))
    if shown is None:
        raise InputError(f"no bounds for {statement!r}", "lower or upper")
    return CheckedClaim(statement, shown, _show(computed), "inside" if passed else "outside", passed, source, "between bounds")


def claim_refused(
    statement: str, call: Callable[[], Any], source: str, *, error: type[GermError] | None = None, hypothesis: str = ""
) -> CheckedClaim:
    """The library refuses to answer, because a hypothesis fails.

    Args:
        statement: One sentence.
        call: The call, without arguments.
        source: Which theorem's hypothesis fails.
        error: The error that it has to raise; None: it has to return `NotApplicable`.
        hypothesis: Words that the message or the `NotApplicable` has to contain, in any case.

    Returns:
        The claim; another error, or an answer, fails it.

    Example:
        >>> from germ.algebra.jets import compute_jet_dimensions
        >>> claim_refused("no jets of the zero ideal", lambda: compute_jet_dimensions("0", 2, ["x"]), "", error=InputError).verdict
        'pass'
    """
    wanted = f"{error.__name__ if error else 'not applicable'}{f': {hypothesis}' if hypothesis else ''}"
    try:
        answer = call()
    except GermError as raised:
        got, text, right = type(raised).__name__, str(raised), error is not None and isinstance(raised, error)
    else:
        right = error is None and isinstance(answer, NotApplicable)
        got, text = (
            ("not applicable", f"{answer.hypothesis}. {answer.explanation}")
            if isinstance(answer, NotApplicable)
            else ("an answer", str(answer))
        )
    passed = right and hypothesis.casefold() in text.casefold()
    shown = f"{got}: {' '.join(text.split())}"
    return CheckedClaim(statement, wanted, shown[:200], "refused" if passed else "not refused so", passed, source, "refuses")


def exact_pair(answer: Claim) -> tuple[Fraction | str, int | None]:
    """λ and m of an exact answer; the answer's text and None where it is none, so that a claim about it fails and shows it.

    Args:
        answer: What a road to λ returned.

    Returns:
        The pair.
    """
    return (answer.learning_coefficient, answer.multiplicity) if isinstance(answer, Exact) else (str(answer), None)


def _holds_float(value: Any) -> bool:
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_holds_float, value))
    return isinstance(value, float) or type(value).__name__ in ("float64", "float32", "ndarray", "Tensor")


def _show(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_show, value))
    if isinstance(value, (str, int, Rational)):
        return str(value)
    try:
        return f"{float(value):.10g}"
    except (TypeError, ValueError):
        return str(value)
