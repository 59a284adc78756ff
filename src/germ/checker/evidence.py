"""Evidence that a polynomial does not vanish on the base points, and which sign it has there."""

from __future__ import annotations

from fractions import Fraction

from germ.checker.polynomial import Polynomial, parse
from germ.checker.state import State, read_fraction, read_integer, read_list, read_object, require
from germ.checker.sturm import count_roots, evaluate

_SIDES = {"positive": 1, "nonnegative": 1, "negative": -1}
MAX_DEPTH = 30


def check_evidence(p: Polynomial, evidence: object, state: State, sign: int | None = None, depth: int = 0) -> int | None:
    """Check that p does not vanish on the base points of a state.

    Args:
        p: The polynomial.
        evidence: The object that says why.
        state: The state.
        sign: 1 or -1 where this sign is needed.
        depth: How many evidences contain this one.

    Returns:
        The sign of p, or None where the evidence does not say.

    Raises:
        CertificateError: If the evidence does not hold.
    """
    require(depth < MAX_DEPTH, "evidence nested too deeply", f"at most {MAX_DEPTH}")
    document = read_object(evidence, required=("why",))
    why = document["why"]
    require(isinstance(why, str) and why in _KINDS, f"evidence of the kind {str(why)[:40]!r}", f"one of {', '.join(_KINDS)}")
    p = state.on_base(p)
    require(p, "evidence that the zero polynomial does not vanish")
    found = _KINDS[why](p, document, state, depth)
    if sign is not None:
        require(found == sign, f"evidence ({why}) that {p} is {'+' if found == 1 else '-' if found == -1 else 'not zero'}",
                f"that it is {'positive' if sign == 1 else 'negative'}")  # fmt: skip
    return found


def monomial_sign(p: Polynomial, state: State) -> int | None:
    """The sign that one term can have near the base points: 1 where it is ≥ 0, -1 where it is ≤ 0, None where both."""
    ((monomial, coefficient),) = p.terms.items()
    sign = 1 if coefficient > 0 else -1
    for x, e in monomial:
        side = _SIDES.get(state.sign_of(x))
        if e % 2:
            if side is None:
                return None
            sign *= side
    return sign


def is_known_nonzero(variable: str, state: State) -> bool:
    """Whether a variable does not vanish on the base points by its sign or the list of what does not vanish."""
    if variable in state.local:
        return False
    return state.sign_of(variable) in ("positive", "negative") or any(_divides(variable, state.on_base(q)) for q in state.nonzero)


def _divides(variable: str, p: Polynomial) -> bool:
    return bool(p.terms) and all(any(x == variable for x, _ in m) for m in p.terms)


def _constant(p: Polynomial, document: dict, state: State, depth: int) -> int | None:
    value = p.value
    require(value is not None, f"{p} as a constant")
    assert value is not None
    return 1 if value > 0 else -1


def _known(p: Polynomial, document: dict, state: State, depth: int) -> int | None:
    if len(p.terms) == 1:
        ((monomial, coefficient),) = p.terms.items()
        if len(monomial) == 1 and monomial[0][1] == 1 and state.sign_of(monomial[0][0]) in ("positive", "negative"):
            return _SIDES[state.sign_of(monomial[0][0])] * (1 if coefficient > 0 else -1)
    index = read_integer(document.get("index"))
    require(index < len(state.nonzero), f"entry {index} of nonzero", f"0 to {len(state.nonzero) - 1}")
    whole = state.on_base(parse(document.get("cofactor", "1"))) * p
    require(whole.ratio(state.on_base(state.nonzero[index])), f"{p} as known not to vanish", "a factor of that entry of nonzero")
    return None


def _terms(p: Polynomial, document: dict, state: State, depth: int) -> int | None:
    if len(p.terms) == 1:
        ((monomial, _),) = p.terms.items()
        require(all(is_known_nonzero(x, state) for x, _ in monomial), f"{p} as not zero", "variables that do not vanish")
        return monomial_sign(p, state)
    signs = {monomial_sign(Polynomial({m: c}), state) for m, c in p.terms.items()}
    require(len(signs) == 1 and None not in signs, f"{p} as a sum of terms of one sign")
    sure = any(all(is_known_nonzero(x, state) for x, _ in m) for m in p.terms)
    require(sure, f"{p} as not zero by its terms", "a term in variables that do not vanish")
    return signs.pop()


def _sturm(p: Polynomial, document: dict, state: State, depth: int) -> int | None:
    require(len(p.variables) == 1, f"{p} for Sturm's theorem", "a polynomial in one variable")
    (x,) = p.variables
    coefficients = [c.value or Fraction(0) for c in p.coefficients(x)]
    side = state.sign_of(x)
    low, high = {"any": (None, None), "negative": (None, Fraction(0))}.get(side, (Fraction(0), None))
    roots = count_roots(coefficients, low, high) + (side == "nonnegative" and coefficients[0] == 0)
    require(roots == 0, f"{p} with {roots} real roots", "none")
    return 1 if evaluate(coefficients, Fraction(-1 if side == "negative" else 1)) > 0 else -1


def _quadratic(p: Polynomial, document: dict, state: State, depth: int) -> int | None:
    parts = p.coefficients(str(document.get("variable")))
    require(len(parts) == 3, f"{p} as quadratic in {document.get('variable')}")
    c, b, a = parts
    discriminant = state.on_base(a * c.scale(Fraction(4)) - b * b)
    lead = check_evidence(a, document.get("a"), state, None, depth + 1)
    if "derivative" not in document:
        check_evidence(discriminant, document.get("discriminant"), state, 1, depth + 1)
        return lead
    # 4a·p = (2av + b)² + (4ac − b²): a square that does not vanish plus something ≥ 0.
    weak = {monomial_sign(Polynomial({m: k}), state) for m, k in discriminant.terms.items()}
    require(weak <= {1}, f"the discriminant {discriminant}", "a sum of terms that are at least 0")
    slope = a.scale(Fraction(2)) * Polynomial.monomial({str(document["variable"]): 1}) + b
    check_evidence(slope, document["derivative"], state, None, depth + 1)
    return lead


def _product(p: Polynomial, document: dict, state: State, depth: int) -> int | None:
    constant = read_fraction(document.get("constant", "1"))
    product, sign = Polynomial.constant(constant), 1 if constant > 0 else -1
    known = True
    for entry in read_list(document.get("factors")):
        item = read_object(entry, required=("polynomial", "power", "why"))
        factor, power = parse(item["polynomial"]), read_integer(item["power"], 1)
        why = item["why"] if isinstance(item["why"], dict) else item
        found = check_evidence(factor, why, state, None, depth + 1)
        product = product * state.on_base(factor) ** power
        if power % 2:
            known = known and found is not None
            sign *= found or 1
    require(not (product - p), f"{p} as a product")
    return sign if known else None


def _combination(p: Polynomial, document: dict, state: State, depth: int) -> int | None:
    target, times = parse(document.get("target")), parse(document.get("times"))
    total = times * p
    for key, polynomials in (("zero", state.zero), ("relations", state.relations)):
        for index, factor in read_object(document.get(key, {})).items():
            require(index.isdecimal() and int(index) < len(polynomials), f"entry {index[:20]!r} of {key}", f"0 to {len(polynomials) - 1}")
            total = total + parse(factor) * polynomials[int(index)]
    require(not state.on_base(total - target), f"{target} as a combination")
    check_evidence(target, document.get("why_target", document.get("evidence")), state, None, depth + 1)
    return None


_KINDS = {
    "constant": _constant, "known": _known, "terms": _terms, "sturm": _sturm,
    "quadratic": _quadratic, "product": _product, "combination": _combination,
}  # fmt: skip
