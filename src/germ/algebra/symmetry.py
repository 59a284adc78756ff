"""Symmetries of a state: renamings of coordinates, with signs, that carry its ideal to itself.

Variables are coloured by how they occur (refined until nothing changes), a renaming is built by trying variables of equal colour, and the
signs are a linear system over the field of two elements. The search gives up early: a symmetry that is not found costs time, never truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

from germ.algebra.state import ANY, State, terms_of

Renaming = dict[int, tuple[int, int]]  # variable -> (variable, ±1)
MAX_TRIALS = 40
MAX_TERMS = 2_000  # of all generators: beyond it a search takes longer than the charts that it saves


def find_symmetry(state: State, p: int, q: int, weights: dict[int, int]) -> Renaming | None:
    """A symmetry that moves p to q and keeps the weights.

    Args:
        state: The state; symmetries are only looked for where it has no relations.
        p: A local variable.
        q: Another.
        weights: Weights that have to be preserved.

    Returns:
        The renaming of the variables that it moves, or None.
    """
    if state.relations or state.role[p] != state.role[q] or sum(map(len, state.ideal)) > MAX_TERMS:
        return None
    marks = {i: (weights.get(i, 0),) for i in range(len(state.role))}
    return find_isomorphism(state, state, marks, {p: q})


def find_reflection(state: State, p: int) -> Renaming | None:
    """A symmetry that only changes signs, among them that of p."""
    if state.relations:
        return None
    identity = {i: i for i in range(len(state.role))}
    signs = _solve_signs(state, state, identity, forced={p: 1})
    return None if signs is None else {i: (i, -1 if s else 1) for i, s in signs.items() if s}


def find_isomorphism(left: State, right: State, marks: dict[int, Any], fixed: dict[int, int]) -> Renaming | None:
    """A renaming with signs that carries `left` to `right`.

    Args:
        left: A state without relations.
        right: Another, of the same ring.
        marks: What else a variable carries and has to keep.
        fixed: Images that are prescribed.

    Returns:
        The renaming, or None where none was found.
    """
    a, b = Colouring(left, marks), Colouring(right, marks)
    for i, j in fixed.items():
        a.individualize(i)
        b.individualize(j)
    trials = [MAX_TRIALS]
    for mapping in _match(a, b, trials):
        signs = _solve_signs(left, right, mapping, {})
        if signs is not None:
            return {i: (j, -1 if signs[i] else 1) for i, j in mapping.items() if i != j or signs[i]}
    return None


class Colouring:
    """Colours of a state's variables, stable under refinement: equal colours are a necessary condition for a symmetry."""

    def __init__(self, state: State, marks: dict[int, Any] | None = None) -> None:
        self.state = state
        self.lists: list[tuple[str, Sequence[Any]]] = [
            ("ideal", state.ideal), ("domain", state.domain), ("zero", state.zero), ("nonzero", state.nonzero),
        ]  # fmt: skip
        self.polynomials = [(kind, [(e, abs(c)) for e, c in terms_of(f)]) for kind, items in self.lists for f in items]
        self.polynomials += [(f"prior {q}", [(e, abs(c)) for e, c in terms_of(f)]) for f, q in state.prior]
        n = len(state.role)
        self.colours: list[int] = [
            hash((_number(state.role[i] + state.sign[i]), state.N[i], state.h[i], marks[i] if marks else 0)) for i in range(n)
        ]
        self.refine()

    def copy(self) -> Colouring:
        """The same colouring, to be refined separately."""
        other = object.__new__(Colouring)
        other.state, other.lists, other.polynomials, other.colours = self.state, self.lists, self.polynomials, list(self.colours)
        return other

    def individualize(self, i: int) -> None:
        """Give variable i a colour of its own."""
        self.colours[i] = hash((self.colours[i], 1))
        self.refine()

    def refine(self) -> None:
        """Let colours depend on the colours of the variables that a variable occurs with, until nothing new is told apart."""
        classes = len(set(self.colours))
        while True:
            touched: list[list[int]] = [[] for _ in self.colours]
            for kind, terms in self.polynomials:
                keys = [hash((int(c.p), int(c.q), tuple(sorted((self.colours[i], v) for i, v in enumerate(e) if v)))) for e, c in terms]
                whole = hash((_number(kind), tuple(sorted(keys))))
                for (e, _), key in zip(terms, keys, strict=True):
                    for i, v in enumerate(e):
                        if v:
                            touched[i].append(hash((whole, key, v)))
            self.colours = [hash((c, tuple(sorted(t)))) for c, t in zip(self.colours, touched, strict=True)]
            refined = len(set(self.colours))
            if refined == classes:
                return
            classes = refined

    def fingerprint(self) -> int:
        """Equal for isomorphic states."""
        return hash(tuple(sorted(self.colours)))


def _number(text: str) -> int:
    """A text as a number: Python's own hashes of texts differ from run to run."""
    return crc32(text.encode())


def _match(a: Colouring, b: Colouring, trials: list[int]) -> Iterator[dict[int, int]]:
    if sorted(a.colours) != sorted(b.colours):
        return
    classes: dict[int, list[int]] = {}
    for i, c in enumerate(a.colours):
        classes.setdefault(c, []).append(i)
    open_classes = [members for members in classes.values() if len(members) > 1 and _occurs(a, members[0])]
    if not open_classes:
        mapping: dict[int, int] = {}
        images: dict[int, list[int]] = {}
        for j, c in enumerate(b.colours):
            images.setdefault(c, []).append(j)
        for i, c in enumerate(a.colours):
            mapping[i] = images[c].pop(0)
        yield mapping
        return
    members = min(open_classes, key=len)
    first = members[0]
    for j, c in enumerate(b.colours):
        if c != a.colours[first]:
            continue
        trials[0] -= 1
        if trials[0] < 0:
            return
        left, right = a.copy(), b.copy()
        left.individualize(first)
        right.individualize(j)
        yield from _match(left, right, trials)


def _occurs(a: Colouring, i: int) -> bool:
    return any(e[i] for _, terms in a.polynomials for e, _ in terms)


def _solve_signs(left: State, right: State, mapping: dict[int, int], forced: dict[int, int]) -> dict[int, int] | None:
    """Signs (1 for minus) that make the renaming exact: generators and conditions up to sign, inequalities and priors... exactly.

    Unknowns: one bit for each variable of any sign, and one for each polynomial that may change sign as a whole.
    """
    n = len(left.role)
    bits = {i: 1 << k for k, i in enumerate(i for i in range(n) if left.sign[i] == ANY)}
    width = n
    equations: list[int] = []  # bit masks; the highest bit is the right-hand side
    lists: list[tuple[Sequence[Any], Sequence[Any], bool]] = [
        (left.ideal, right.ideal, True), (left.zero, right.zero, True), (left.nonzero, right.nonzero, True),
        (left.domain, right.domain, False),
        ([p for p, _ in left.prior], [p for p, _ in right.prior], True),
    ]  # fmt: skip
    for mine, theirs, up_to_sign in lists:
        targets = {frozenset((e, abs(c)) for e, c in terms_of(f)): dict(terms_of(f)) for f in theirs}
        if len(mine) != len(theirs):
            return None
        for f in mine:
            renamed = {}
            for e, c in terms_of(f):
                image = [0] * n
                for i, v in enumerate(e):
                    if v:
                        image[mapping[i]] = v
                renamed[tuple(image)] = (c, e)
            target = targets.get(frozenset((e, abs(c)) for e, (c, _) in renamed.items()))
            if target is None:
                return None
            whole = 0
            if up_to_sign:
                whole = 1 << width
                width += 1
            for moved, (c, e) in renamed.items():
                mask = whole
                for i, v in enumerate(e):
                    if v % 2:
                        mask ^= bits.get(i, 0)
                equations.append((mask << 1) | int((c > 0) != (target[moved] > 0)))
    equations += [(bits[i] << 1) | s for i, s in forced.items()]
    solution = _solve_bits(equations)
    if solution is None:
        return None
    return {i: int(bool(solution & (bits[i] << 1))) if i in bits else 0 for i in range(n)}


def _solve_bits(equations: list[int]) -> int | None:
    """Solve linear equations over two elements, each a mask with the right-hand side in bit 0; free unknowns are 0."""
    pivots: list[tuple[int, int]] = []
    for equation in equations:
        for bit, row in pivots:
            if equation & bit:
                equation ^= row
        if equation == 1:
            return None
        if equation == 0:
            continue
        bit = 1 << (equation.bit_length() - 1)
        pivots = [(b, r ^ equation if r & bit else r) for b, r in pivots]
        pivots.append((bit, equation))
    return sum(bit for bit, row in pivots if row & 1)
