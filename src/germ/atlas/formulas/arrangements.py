"""Hyperplane arrangements: λ and m of |Π l_i^{s_i}| from the lattice of flats.

    λ = min over flats W of codim W / Σ_{l_i ⊇ W} s_i,    m = length of the longest chain of flats that attain it.

The blow-up of all flats is a normal crossing (De Concini & Procesi 1995) whose divisors have these ratios; divisors that meet are nested
sets, and a nested set of m optimal irreducible flats is a chain of m optimal flats. For the reflections of an irreducible Coxeter group
of Coxeter number h the origin is the only optimal flat and λ = 2/h; for the braid arrangement this is the first pole of Mehta's
integral.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction

from germ.atlas.answer import Pole, require
from germ.errors import BudgetError

_MOST_HYPERPLANES = 12
_MOST_DIMENSIONS = 40
_LARGEST = 10**9
_FORMS = "'3 lines', 'braid A2' (or B3, D4, E6, E7, E8, F4, G2, H3, H4), 'boolean 3', 'generic 5 in 3', or normals such as '1,0;0,1;1,1'"

# Coxeter numbers h = 2 (number of reflections) / rank.
_COXETER: dict[str, Callable[[int], int]] = {
    "A": lambda n: n + 1, "B": lambda n: 2 * n, "C": lambda n: 2 * n, "D": lambda n: 2 * n - 2,
    "E": lambda n: {6: 12, 7: 18, 8: 30}[n], "F": lambda n: {4: 12}[n], "G": lambda n: {2: 6}[n], "H": lambda n: {2: 5, 3: 10, 4: 30}[n],
}  # fmt: skip


def compute_arrangement(arrangement: str, weights: tuple[int, ...] | None, power: int) -> Pole:
    """λ and m of |f|^power for the product f of the linear forms of an arrangement (K = f² has power 2).

    Args:
        arrangement: A named arrangement, or its normals.
        weights: Exponents s_i of the forms; all 1 by default.
        power: Exponent of the whole product.

    Returns:
        The pole.

    Example:
        >>> compute_arrangement("braid A3", None, 2)
        Pole(learning_coefficient=Fraction(1, 4), multiplicity=1, note='', reliability=None)
    """
    text = arrangement.strip()
    if named := _read_named(text):
        require(weights is None, f"weights for {text!r}", "weights with explicit normals only", "write the normals out")
        pole = named
    else:
        normals = _read_normals(text)
        require(
            weights is None or len(weights) == len(normals), f"{len(weights or ())} weights, {len(normals)} normals", "one weight a normal"
        )
        pole = solve_arrangement(normals, weights or (1,) * len(normals))
    return Pole(pole.learning_coefficient / power, pole.multiplicity)


def _read_named(text: str) -> Pole | None:
    if found := re.fullmatch(r"(\d{1,9}) (?:concurrent )?lines?", text):
        return _generic(int(found[1]), 2)
    if found := re.fullmatch(r"(?:boolean|coordinate) (\d{1,9})", text):
        return _generic(int(found[1]), int(found[1]))
    if found := re.fullmatch(r"generic (\d{1,9}) in (\d{1,9})", text):
        return _generic(int(found[1]), int(found[2]))
    if found := re.fullmatch(r"(?:braid|reflection|Coxeter)? ?([A-H])_?(\d{1,9})", text):
        return _coxeter(found[1], int(found[2]))
    return None


def _generic(n: int, d: int) -> Pole:
    """N hyperplanes through 0 in R^d, any d of them independent."""
    require(n >= 1 and d >= 1, f"{n} hyperplanes in dimension {d}", "at least one hyperplane in at least one dimension")
    require(d > 1 or n == 1, f"{n} hyperplanes in dimension 1", "one hyperplane in dimension 1 (its only one is 0)")
    if n <= d:
        return Pole(Fraction(1), n)
    return Pole(Fraction(d, n))


def _coxeter(letter: str, rank: int) -> Pole:
    if letter == "D" and rank == 2:
        return Pole(Fraction(1), 2)
    try:
        number = _COXETER[letter](rank)
    except KeyError:
        number = 0
    least = {"A": 1, "B": 1, "C": 1, "D": 3}.get(letter, 2)
    require(
        rank >= least and number > 0,
        f"arrangement {letter}{rank}",
        "a finite Coxeter group: A1, B1, D2, E6, E7, E8, F4, G2, H2, H3, H4 and up",
    )
    return Pole(Fraction(2, number))


def _read_normals(text: str) -> tuple[tuple[int, ...], ...]:
    try:
        rows = json.loads(text) if text.startswith("[") else [[int(x) for x in row.split(",")] for row in text.split(";")]
        good = isinstance(rows, list) and all(isinstance(row, list) and all(type(x) is int for x in row) for row in rows)
    except (ValueError, RecursionError):
        good = False
    require(good, f"arrangement {text[:80]!r}", _FORMS)
    require(
        bool(rows) and len({len(row) for row in rows}) == 1 and all(map(any, rows)),
        f"normals {text[:80]!r}",
        "non-zero normals of one length",
    )
    require(all(abs(x) <= _LARGEST for row in rows for x in row), f"normals {text[:80]!r}", f"entries up to {_LARGEST}")
    return tuple(tuple(row) for row in rows)


def _list_ranks(planes: list[tuple[Fraction, ...]]) -> list[int]:
    """The rank of every set of hyperplanes, sets as bit masks: each extends an echelon basis of the set without its last member."""
    bases: list[list[tuple[int, tuple[Fraction, ...]]]] = [[]]
    for mask in range(1, 1 << len(planes)):
        last = mask.bit_length() - 1
        basis, vector = bases[mask ^ (1 << last)], planes[last]
        for pivot, row in basis:
            if vector[pivot]:
                vector = tuple(a - vector[pivot] * b for a, b in zip(vector, row, strict=True))
        lead = next((k for k, x in enumerate(vector) if x), None)
        bases.append(basis if lead is None else [*basis, (lead, tuple(x / vector[lead] for x in vector))])
    return [len(basis) for basis in bases]


def solve_arrangement(normals: tuple[tuple[int, ...], ...], weights: tuple[int, ...]) -> Pole:
    """λ and m of Π |<n_i, x>|^{s_i} by enumeration of all sets of hyperplanes.

    The least rank / weight over all sets is attained by closed ones, the flats. Cost: 2^n reductions of a vector for n hyperplanes.

    Args:
        normals: Integer normals n_i, not zero; proportional ones are one hyperplane with the sum of their weights.
        weights: s_i >= 1.

    Returns:
        The pole.

    Raises:
        BudgetError: If there are more hyperplanes than can be enumerated.
    """
    merged: dict[tuple[Fraction, ...], int] = {}
    for normal, weight in zip(normals, weights, strict=True):
        lead = next(x for x in normal if x)
        key = tuple(Fraction(x, lead) for x in normal)
        merged[key] = merged.get(key, 0) + weight
    if len(merged) > _MOST_HYPERPLANES or len(normals[0]) > _MOST_DIMENSIONS:
        raise BudgetError(
            f"{len(merged)} hyperplanes in dimension {len(normals[0])}",
            f"at most {_MOST_HYPERPLANES} in dimension at most {_MOST_DIMENSIONS}",
            "name the arrangement, if it is a Coxeter one",
        )
    ranks, s = _list_ranks(list(merged)), list(merged.values())
    total = [0]
    for mask in range(1, len(ranks)):
        low = mask & -mask
        total.append(total[mask ^ low] + s[low.bit_length() - 1])
    value = min(Fraction(ranks[mask], total[mask]) for mask in range(1, len(ranks)))
    # chain[mask]: the longest chain of optimal flats within mask. An optimal set is closed, since a larger one of its rank would be better.
    chain = [0]
    for mask in range(1, len(ranks)):
        below = max(chain[mask ^ (1 << i)] for i in range(len(s)) if mask >> i & 1)
        chain.append(below + (ranks[mask] * value.denominator == value.numerator * total[mask]))
    return Pole(value, chain[-1])
