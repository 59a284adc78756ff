"""Evidence that a polynomial does not vanish on a set B of base points, and its sign there: small proofs that a checker can repeat.

Each kind of evidence is listed in `docs/certificates.md`. A search may fail to find any: None means "not known", never "vanishes".
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import fmpq, fmpq_mpoly, fmpq_poly

from germ.algebra.state import (
    ANY,
    BASE,
    NEGATIVE,
    NONNEGATIVE,
    POSITIVE,
    State,
    coefficients_in,
    degree_in,
    terms_of,
    variables_of,
)

MAX_FACTOR_TERMS = 200  # factoring larger polynomials takes longer than the blow-up that makes it unnecessary
MAX_COMBINATION_DEGREE = 12
MAX_COMBINATION_TERMS = 60
MAX_COMBINATION_WORK = 100  # product of the numbers of terms: with more, eliminations take long and hardly ever end in a known sign


@dataclass(frozen=True)
class Evidence:
    """A proof that a polynomial does not vanish on B.

    Args:
        sign: +1 or −1 where the proof shows a sign, else 0.
        data: The fields of the certificate, with flint polynomials in place of text.
    """

    sign: int
    data: dict[str, Any]


def find_evidence(state: State, p: fmpq_mpoly, depth: int = 3) -> Evidence | None:
    """Look for a proof that p does not vanish on B.

    Args:
        state: Where B is described.
        p: A polynomial of the state's ring.
        depth: How many proofs may be nested.

    Returns:
        The evidence, with a sign where one was found; None if there is none or it was not found.
    """
    q = state.restrict(p)
    if q.is_constant():
        return None if q.is_zero() else Evidence(1 if q.leading_coefficient() > 0 else -1, {"why": "constant"})
    key = str(q)
    cached = state.evidence_cache.get(key)
    if cached is None or (cached[0] is None and cached[1] < depth):
        cached = _search(state, q, depth), depth
        state.evidence_cache[key] = cached
    return cached[0]


def _search(state: State, q: fmpq_mpoly, depth: int) -> Evidence | None:
    found = _by_terms(state, q) or _by_list(state, q)
    if found is not None and found.sign:
        return found
    variables = variables_of(q)
    if len(variables) == 1:
        found = _by_sturm(state, q, variables[0]) or found
        if found is not None:
            return found
    if depth <= 0:
        return found
    if len(q) <= MAX_FACTOR_TERMS:
        found = found or _by_factors(state, q, depth)
        if found is None or not found.sign:
            found = _by_discriminant(state, q, depth) or found
    return found or _by_combination(state, q, depth)


def _by_list(state: State, q: fmpq_mpoly) -> Evidence | None:
    """Q divides an entry of `nonzero`."""
    for k, entry in enumerate(state.known):
        if entry.is_zero() or entry.total_degree() < q.total_degree():
            continue
        quotient, remainder = divmod(entry, q)
        if remainder.is_zero():
            return Evidence(0, {"why": "known", "index": k, "cofactor": quotient})
    return None


def _monomial_sign(state: State, exponents: tuple[int, ...]) -> tuple[int, bool]:
    """Sign of a monomial on B (0: unknown) and whether it is known not to vanish."""
    sign = 1
    for i, e in enumerate(exponents):
        if e % 2 and state.sign[i] == ANY:
            sign = 0
        elif e % 2 and state.sign[i] == NEGATIVE:
            sign = -sign
    return sign, all(i in state.unit_variables for i, e in enumerate(exponents) if e)


def _by_terms(state: State, q: fmpq_mpoly) -> Evidence | None:
    sign, any_strict = 0, False
    terms = terms_of(q)
    for e, c in terms:
        s, strict = _monomial_sign(state, e)
        if len(terms) == 1 and strict and s == 0:
            return Evidence(0, {"why": "terms"})
        s *= 1 if c > 0 else -1
        if s == 0 or s == -sign:
            return None
        sign, any_strict = s, any_strict or strict
    return Evidence(sign, {"why": "terms"}) if any_strict else None


def weak_sign(state: State, q: fmpq_mpoly) -> int:
    """+1 if q ≥ 0 on B because all its terms are, −1 if q ≤ 0, 0 if that is not seen."""
    signs = {_monomial_sign(state, e)[0] * (1 if c > 0 else -1) for e, c in terms_of(q)}
    return signs.pop() if len(signs) == 1 else 0


def to_univariate(q: fmpq_mpoly, i: int) -> fmpq_poly:
    """A polynomial in variable i alone as a univariate one."""
    dense = [fmpq(0)] * (degree_in(q, i) + 1)
    for e, c in terms_of(q):
        dense[e[i]] = c
    return fmpq_poly(dense)


def sturm_chain(p: fmpq_poly) -> list[fmpq_poly]:
    """Sturm's chain of the square-free part of p."""
    g = p.gcd(p.derivative())
    chain = [p // g]
    chain.append(chain[0].derivative())
    while chain[-1].degree() > 0:
        chain.append(-(chain[-2] % chain[-1]))
    return chain


def count_real_roots(p: fmpq_poly, low: fmpq | None = None, high: fmpq | None = None) -> int:
    """Distinct real roots of p in (low, high]; None is infinity."""
    if p.degree() <= 0:
        return 0
    chain = sturm_chain(p)

    def changes(at: fmpq | None, side: int) -> int:
        if at is None:
            values = [q[q.degree()] * (side ** q.degree()) for q in chain if q != 0]
        else:
            values = [q(at) for q in chain]
        signs = [v > 0 for v in values if v != 0]
        return sum(a != b for a, b in pairwise(signs))

    return changes(low, -1) - changes(high, 1)


def _by_sturm(state: State, q: fmpq_mpoly, i: int) -> Evidence | None:
    p, s = to_univariate(q, i), state.sign[i]
    zero = fmpq(0)
    if s == ANY:
        roots, at = count_real_roots(p), zero
    elif s in (NONNEGATIVE, POSITIVE):
        roots = count_real_roots(p, zero, None) + (s == NONNEGATIVE and p(zero) == 0)
        at = fmpq(1)
    else:
        roots, at = count_real_roots(p, None, zero) - (p(zero) == 0), fmpq(-1)
    if roots:
        return None
    return Evidence(1 if p(at) > 0 else -1, {"why": "sturm"})


def _by_factors(state: State, q: fmpq_mpoly, depth: int) -> Evidence | None:
    constant, factors = q.factor()
    if len(factors) == 1 and int(factors[0][1]) == 1:
        return None
    parts, sign = [], 1 if constant > 0 else -1
    for f, power in factors:
        found = find_evidence(state, f, depth - 1)
        if found is None:
            return None
        if int(power) % 2:
            sign *= found.sign
        parts.append({"polynomial": f, "power": int(power), "why": found})
    return Evidence(sign, {"why": "product", "constant": constant, "factors": parts})


def _by_discriminant(state: State, q: fmpq_mpoly, depth: int) -> Evidence | None:
    for i in variables_of(q):
        if degree_in(q, i) != 2:
            continue
        c, b, a = coefficients_in(q, i)
        lead = find_evidence(state, a, depth - 1)
        if lead is None or not lead.sign:
            continue
        discriminant = 4 * a * c - b * b
        data: dict[str, Any] = {"why": "quadratic", "variable": state.names[i], "a": lead}
        found = find_evidence(state, discriminant, depth - 1)
        if found is not None and found.sign > 0:
            return Evidence(lead.sign, data | {"discriminant": found})
        if found is None and weak_sign(state, discriminant) > 0:
            slope = find_evidence(state, 2 * a * state.gens[i] + b, 0)
            if slope is not None:
                return Evidence(lead.sign, data | {"derivative": slope})
    return None


def _by_combination(state: State, q: fmpq_mpoly, depth: int) -> Evidence | None:
    """A·q + Σ A_k zero_k + Σ A_k relation_k = something that does not vanish, by eliminating a variable."""
    if len(q) > MAX_COMBINATION_TERMS:
        return None
    used = set(variables_of(q))
    for kind, polynomials in (("zero", state.zero), ("relations", state.relations)):
        for k, original in enumerate(polynomials):
            z = state.restrict(original)
            if len(z) * len(q) > MAX_COMBINATION_WORK:
                continue
            for i in variables_of(z):
                if i not in used or degree_in(q, i) + degree_in(z, i) > MAX_COMBINATION_DEGREE:
                    continue
                target, times, other = eliminate(q, z, i)
                if target.is_zero() or (not target.is_constant() and set(variables_of(target)) >= used | set(variables_of(z))):
                    continue
                found = find_evidence(state, target, depth - 2)
                if found is not None:
                    data = {"why": "combination", "target": target, "why_target": found, "times": times, kind: {str(k): other}}
                    return Evidence(0, data)
    return None


def eliminate(p: fmpq_mpoly, q: fmpq_mpoly, i: int) -> tuple[fmpq_mpoly, fmpq_mpoly, fmpq_mpoly]:
    """Find r = A·p + B·q of lower degree in variable i than both, free of it if p and q have no common factor in it.

    The extended Euclidean algorithm with pseudo-division over the other variables.

    Args:
        p: A polynomial.
        q: A polynomial of positive degree in variable i.
        i: Index of the variable.

    Returns:
        r, A, B.
    """
    ring = p.context()
    x, zero, one = ring.gen(i), ring.constant(0), ring.constant(1)
    upper, lower = (p, one, zero), (q, zero, one)
    if degree_in(p, i) < degree_in(q, i):
        upper, lower = lower, upper
    while degree_in(lower[0], i) > 0:
        lead = coefficients_in(lower[0], i)[-1]
        current = upper
        while not current[0].is_zero() and degree_in(current[0], i) >= degree_in(lower[0], i):
            top = coefficients_in(current[0], i)[-1]
            common = top.gcd(lead)
            left, right = lead / common, (top / common) * x ** (degree_in(current[0], i) - degree_in(lower[0], i))
            current = (
                left * current[0] - right * lower[0],
                left * current[1] - right * lower[1],
                left * current[2] - right * lower[2],
            )
        upper, lower = lower, current
        if len(lower[0]) > 4 * MAX_COMBINATION_TERMS:
            return zero, zero, zero
    r, a, b = lower
    if not r.is_zero() and not (a.is_constant() and b.is_constant()):
        common = r.gcd(a).gcd(b)
        if not common.is_constant():
            r, a, b = r / common, a / common, b / common
    return r, a, b


def is_unit(state: State, p: fmpq_mpoly) -> bool:
    """Whether p is proved not to vanish on B."""
    return find_evidence(state, p) is not None


def is_monomial_nonnegative(state: State, exponents: tuple[int, ...]) -> bool:
    """Whether a monomial is ≥ 0 near B within the domain: even exponents but in variables of sign nonnegative or positive."""
    return all(not e % 2 or state.sign[i] in (NONNEGATIVE, POSITIVE) for i, e in enumerate(exponents))


__all__ = ["BASE", "Evidence", "count_real_roots", "eliminate", "find_evidence", "is_monomial_nonnegative", "is_unit", "sturm_chain",
           "to_univariate", "weak_sign"]  # fmt: skip
