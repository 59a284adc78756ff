"""Fibre ideals: statistical models that map polynomially into a regular model.

Let p(w) be the coordinates of a regular model (cell probabilities; means and covariances of a Gaussian). The Kullback-Leibler divergence
is an analytic function of p with a nondegenerate minimum at p(w_0), so near the fibre K(w) is comparable to |p(w) − p(w_0)|²: λ and m
are those of the ideal ⟨p_i(w) − p_i(w_0)⟩. Where a true cell probability is zero, or a covariance is singular, the truth lies on the
boundary of the regular model, K is not comparable to squares, and the call is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flint import fmpq, fmpq_mat, fmpq_mpoly

from germ.algebra.expression import Expression, parse_polynomials
from germ.algebra.region import parse_point
from germ.errors import InputError


@dataclass(frozen=True)
class FibreIdeal:
    """⟨p_i(w) − p_i(w_0)⟩.

    Args:
        generators: The differences that are not identically zero.
        names: The parameters.
        point: w_0.
    """

    generators: tuple[fmpq_mpoly, ...]
    names: tuple[str, ...]
    point: tuple[fmpq, ...]


def make_discrete_fibre_ideal(
    probabilities: Sequence[Expression], truth: Mapping[str, object], names: Sequence[str] | None = None
) -> FibreIdeal:
    """The fibre ideal of a discrete model.

    Args:
        probabilities: One polynomial for each cell, with sum one.
        truth: The true parameter, exact numbers by name.
        names: The parameters; by default those that occur.

    Returns:
        The ideal, with the point.

    Raises:
        InputError: If the cells do not add up to one, or one is not positive at the truth.

    Example:
        >>> found = make_discrete_fibre_ideal(["t*a + (1-t)*b", "1 - t*a - (1-t)*b"], {"t": "1/2", "a": "1/3", "b": "1/3"})
        >>> str(found.generators[0]), len(found.generators)
        ('t*a - t*b + b - 1/3', 2)
    """
    cells = parse_polynomials(probabilities, names)
    total = sum(cells[1:], cells[0])
    if total != 1:
        raise InputError(f"cells whose probabilities add up to {total}", "one", "add the cell that is missing")
    ideal, values = _subtract(cells, truth)
    for i, value in enumerate(values):
        if value <= 0:
            remedy = "move the truth into the interior" if value == 0 else "correct the truth"
            raise InputError(f"the probability {value} of cell {i + 1} at the truth", "a positive probability", remedy)
    return ideal


def make_gaussian_fibre_ideal(
    mean: Sequence[Expression], covariance: Sequence[Sequence[Expression]], truth: Mapping[str, object], names: Sequence[str] | None = None
) -> FibreIdeal:
    """The fibre ideal of a Gaussian model with polynomial mean and covariance.

    Args:
        mean: The mean vector.
        covariance: The covariance matrix, symmetric.
        truth: The true parameter, exact numbers by name.
        names: The parameters; by default those that occur.

    Returns:
        The ideal, with the point.

    Raises:
        InputError: For a matrix that is not symmetric, or not positive definite at the truth.

    Example:
        >>> found = make_gaussian_fibre_ideal([0, 0], [["1+a^2", "a*b"], ["a*b", "1+b^2"]], {"a": 0, "b": 0})
        >>> [str(g) for g in found.generators]
        ['a^2', 'a*b', 'b^2']
    """
    d = len(mean)
    if len(covariance) != d or any(len(row) != d for row in covariance):
        raise InputError(f"a covariance of {len(covariance)} rows for a mean of {d} entries", f"{d} × {d}")
    entries = parse_polynomials([*mean, *(c for row in covariance for c in row)], names)
    matrix = [entries[d + d * i : d + d * (i + 1)] for i in range(d)]
    if any(matrix[i][j] != matrix[j][i] for i in range(d) for j in range(i)):
        raise InputError("a covariance that is not symmetric", "a symmetric matrix")
    ideal, _values = _subtract(entries[:d] + [matrix[i][j] for i in range(d) for j in range(i, d)], truth)
    at_truth = [[m(*ideal.point) if len(ideal.point) else m.leading_coefficient() for m in row] for row in matrix]
    for k in range(1, d + 1):
        if fmpq_mat(k, k, [at_truth[i][j] for i in range(k) for j in range(k)]).det() <= 0:
            raise InputError("a covariance that is not positive definite at the truth", "positive leading minors", "move the truth")
    return ideal


def _subtract(polynomials: Sequence[fmpq_mpoly], truth: Mapping[str, object]) -> tuple[FibreIdeal, list[fmpq]]:
    names = tuple(polynomials[0].context().names())
    point = []
    for coordinate in parse_point(dict(truth), names):
        if not isinstance(coordinate, fmpq):
            raise InputError("an irrational truth", "rational parameters")
        point.append(coordinate)
    values = [fmpq(p(*point)) for p in polynomials]
    differences = [p - v for p, v in zip(polynomials, values, strict=True)]
    generators = tuple(g for g in differences if not g.is_zero())
    if not generators:
        raise InputError("a model whose distribution does not depend on the parameters", "at least one moment that varies")
    return FibreIdeal(generators, names, tuple(point)), values
