"""Shears x → x + q(other variables) that make the generators shorter: the coordinates in which a germ was written, found again.

A shear turns one term into many, in ratios that tell it: (x + c·m)^k·r holds x^k·r and k·c·x^(k−1)·m·r. So each pair of terms votes for
the shear that would remove one of them with the help of the other, and what has most votes is tried. The whole of q comes at once where a
generator is a polynomial in x whose second coefficient is a multiple of the first (Tschirnhaus): there x + q is its hypersurface of
maximal contact. Generators are looked at factor by factor, and a factor that is smooth becomes a coordinate in this way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from flint import fmpq_mpoly

from germ.algebra.coordinates import Step, change_linearly
from germ.algebra.state import LOCAL, State, coefficients_in, degree_in, terms_of, variables_of

MAX_SIZE = 3_000  # terms of all generators together; beyond it the search takes longer than it can save
MAX_FACTORED = 1_000  # terms of a generator that is factored
MAX_PAIRED = 150  # terms of a factor that vote, those of least degree
MAX_CANDIDATES = 12


def undo_shear(state: State) -> Step | None:
    """The shear that leaves the fewest terms in the factors of the generators, the domain and the volume form.

    Args:
        state: A state before its first blow-up (later exponents tie the coordinates down).

    Returns:
        The step and the new state; None where no shear leaves fewer terms.
    """
    if any(state.N) or any(state.h) or state.relations:
        return None
    factors = _factors(state)
    size = sum(map(len, factors))
    if size > MAX_SIZE or all(len(f) < 2 for f in factors):
        return None
    best: tuple[int, Step] | None = None
    for i, q in _candidates(state, factors):
        g = state.gens[i] + q
        found = change_linearly(state, i, g, stays_base=state.role[i] != LOCAL)
        if found is None:
            continue
        images = [f.compose(*[state.gens[i] - q if k == i else x for k, x in enumerate(state.gens)], ctx=state.ring) for f in factors]
        length = sum(map(len, images))
        if length < (size if best is None else best[0]):
            best = length, found
    return best[1] if best else None


def _factors(state: State) -> list[fmpq_mpoly]:
    found = []
    for p in (*state.ideal, *state.domain, *(p for p, _ in state.prior)):
        found += [f for f, _ in p.factor()[1]] if 1 < len(p) <= MAX_FACTORED else [p]
    return found


def _candidates(state: State, factors: Sequence[fmpq_mpoly]) -> Iterator[tuple[int, fmpq_mpoly]]:
    """Free variables x with polynomials q without x, such that x + q may be the better coordinate; those with most votes first."""
    votes: Counter[tuple[int, str]] = Counter()
    polynomials: dict[str, fmpq_mpoly] = {}
    settled = {i for g in state.ideal if len(g) == 1 for i in variables_of(g)}  # a step back from them would lead in a circle
    for f in factors:
        if len(f) < 2:
            continue
        found = list(_complete_power(state, f))
        found += _vote(state, f)
        for i, q in found:
            if i in settled:
                continue
            key = str(q)
            votes[i, key] += 1
            polynomials[key] = q
    ranked = sorted(votes.items(), key=lambda v: (-v[1], int(polynomials[v[0][1]].total_degree()), v[0]))
    allowed = ((i, polynomials[key]) for (i, key), _ in ranked)
    yield from islice(((i, q) for i, q in allowed if state.role[i] != LOCAL or state.restrict(q).is_zero()), MAX_CANDIDATES)


def _complete_power(state: State, f: fmpq_mpoly) -> Iterator[tuple[int, fmpq_mpoly]]:
    """Variables x in which f = c·(x + q)^d + terms of degree at most d − 2 in x, with q."""
    for i in variables_of(f):
        if state.is_free(i):
            *_, second, first = coefficients_in(f, i)
            q, remainder = divmod(second, first * degree_in(f, i))
            if remainder.is_zero() and not q.is_zero():
                yield i, q


def _vote(state: State, f: fmpq_mpoly) -> Iterator[tuple[int, fmpq_mpoly]]:
    """For each two terms whose quotient is c·m/x with a monomial m without x: x and the shear that removes the second."""
    terms = sorted(terms_of(f), key=lambda t: sum(t[0]))[:MAX_PAIRED]
    for e, b in terms:
        for d, a in terms:
            falls = [k for k, (u, v) in enumerate(zip(e, d, strict=True)) if v < u]
            if len(falls) != 1:
                continue
            i = falls[0]
            if e[i] - d[i] == 1 and state.is_free(i):
                m = tuple(0 if k == i else v - u for k, (u, v) in enumerate(zip(e, d, strict=True)))
                if any(m):
                    yield i, state.ring.from_dict({m: a / (b * e[i])})
