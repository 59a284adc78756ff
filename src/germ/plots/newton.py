"""The Newton diagram of a polynomial in two variables: monomials, polyhedron, the diagonal, and the face it meets."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from germ.algebra.expression import Expression, parse_polynomial
from germ.errors import InputError

Point = tuple[int, int]


def compute_newton_vertices(exponents: list[Point]) -> list[Point]:
    """Vertices of the Newton polyhedron conv(exponents) + R²_{≥0}, from left to right.

    Args:
        exponents: Exponents of monomials.

    Returns:
        The vertices.

    Example:
        >>> compute_newton_vertices([(0, 6), (2, 2), (4, 0), (3, 3), (1, 5)])
        [(0, 6), (2, 2), (4, 0)]
    """
    chain: list[Point] = []
    for p in sorted(set(exponents)):
        if chain and p[1] >= chain[-1][1]:
            continue
        while len(chain) > 1:
            (a, b), (c, d) = chain[-2:]
            if (c - a) * (p[1] - b) - (d - b) * (p[0] - a) > 0:
                break
            chain.pop()
        chain.append(p)
    return chain


def compute_newton_distance(vertices: list[Point]) -> tuple[Fraction, list[Point]]:
    """Where the diagonal (t, t) enters the polyhedron, and the face there.

    Args:
        vertices: From `compute_newton_vertices`.

    Returns:
        t, and the face: two vertices for a compact edge, one for a vertex or an unbounded edge's end.

    Example:
        >>> compute_newton_distance([(0, 3), (2, 0)])
        (Fraction(6, 5), [(0, 3), (2, 0)])
    """
    for (a, b), (c, d) in itertools.pairwise(vertices):
        t = Fraction(a * d - b * c, (a - c) - (b - d))
        if a < t < c:
            return t, [(a, b), (c, d)]
    a, b = min(vertices, key=max)
    return Fraction(max(a, b)), [(a, b)]


def plot_newton_polyhedron(polynomial: Expression, ax: Any = None, names: Sequence[str] | None = None) -> Any:
    """Draw the Newton polyhedron of a germ in two variables at the origin, with the diagonal and the face that it meets.

    1/t is the Newton bound λ ≤ 1/t, with equality for nondegenerate germs with 1/t ≤ 1; a diagonal through a vertex gives m = 2.

    Args:
        polynomial: A polynomial in two variables.
        ax: Matplotlib axes; new ones by default.
        names: The two variables, that of the horizontal axis first; by default in order of first appearance.

    Returns:
        The axes.

    Raises:
        InputError: If there are not two variables, or the polynomial is zero.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    p = parse_polynomial(polynomial, names)
    names = p.context().names()
    if len(names) != 2:
        raise InputError(f"a polynomial in {len(names)} variables", "two variables", "drop the plot, or set variables to numbers")
    if p.is_zero():
        raise InputError("the zero polynomial", "a polynomial that is not zero")
    if ax is None:
        _, ax = plt.subplots(figsize=(5, 5), layout="constrained")
    exponents = [(int(a), int(b)) for a, b in p.monoms()]
    vertices = compute_newton_vertices(exponents)
    t, face = compute_newton_distance(vertices)
    top = max(max(e) for e in vertices) + 1.5
    outline = [(vertices[0][0], top), *vertices, (top, vertices[-1][1]), (top, top)]
    ax.fill(*zip(*outline, strict=True), color="#cfe0f3", zorder=0, label="Newton polyhedron")
    ax.plot(*zip(*outline[:-1], strict=True), color="#1f5a96", lw=1.6)
    if len(face) == 2:
        ax.plot(*zip(*face, strict=True), color="#c0392b", lw=3.5, label="face on the diagonal")
    shown = np.array([e for e in exponents if max(e) <= top])
    ax.plot(shown[:, 0], shown[:, 1], "o", color="#1f3a56", ms=6, label="monomials")
    ax.plot([0, top], [0, top], "--", color="#666666", lw=1)
    ax.plot([float(t)], [float(t)], "D", color="#c0392b", ms=7, label=f"t = {t}, 1/t = {1 / t if t else '∞'}")
    ax.set(xlim=(-0.3, top), ylim=(-0.3, top), xlabel=f"exponent of {names[0]}", ylabel=f"exponent of {names[1]}", aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(str(p) if len(str(p)) < 50 else f"{len(p)} terms")
    ax.legend(loc="upper right", fontsize="small")
    return ax
