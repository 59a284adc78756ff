"""Newton polyhedra: what the exponents alone say about λ, and when they say everything.

The Newton polyhedron Γ of f is the convex hull of all e + R^n_{≥0}, x^e a term of f. The diagonal enters Γ at the point (d, …, d): d is the
*distance*, and 1/d a number that every blow-up of monomial type can reach. Let m be the codimension of the smallest face that contains the
point.

* Always λ(|f|) ≤ 1/d near the origin, because |f| ≤ C·Σ|x^e| (upper bound for K itself, where K = f ≥ 0).
* If f is *nondegenerate over the reals* (no face polynomial f_F of a compact face F has a singular zero with all coordinates real and not
  zero) and 1/d < 1, or f ≥ 0, then λ(|f|) = 1/d, with multiplicity m. If 1/d ≥ 1 and f changes sign, the zero set itself caps λ at 1.

So Newton diagrams decide most textbook germs; where a face is degenerate, `germ.algebra.resolution` goes on with other coordinates. The
witness that `find_degenerate_faces` returns is a point to look at: there the blow-up that the face belongs to meets a singular zero.

References: Varchenko (1976); Arnold, Gusein-Zade, Varchenko, Singularities of Differentiable Maps II, chapter 8; Lin (2011), chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb, gcd

from flint import fmpq_mpoly, fmpz_mat

from germ.algebra.blowup import prune_exponents
from germ.algebra.expression import Expression, parse_polynomial
from germ.algebra.lifting import approximate, lift
from germ.algebra.linear_program import solve_linear_program
from germ.algebra.resolution import Budget, resolve
from germ.algebra.state import ANY, BASE, Monomial, State, terms_of
from germ.errors import BudgetError, InputError

MAX_CANDIDATES = 60_000  # sets of exponents and directions that may span a facet


@dataclass(frozen=True)
class Face:
    """A compact face.

    Args:
        exponents: The exponents of terms on it.
        dimension: Its dimension.
        weights: Positive weights w with w·e least exactly on the face: the blow-up that belongs to it.
        polynomial: f_F, the terms of f on the face.
    """

    exponents: tuple[Monomial, ...]
    dimension: int
    weights: tuple[int, ...]
    polynomial: fmpq_mpoly


@dataclass(frozen=True)
class NewtonPolyhedron:
    """The Newton polyhedron of a polynomial at the origin.

    Args:
        polynomial: f.
        vertices: Its vertices.
        facets: Pairs (w, k): Γ lies in w·e ≥ k, w ≥ 0 primitive; coordinate hyperplanes (k = 0) are left out.
        faces: All compact faces, of small dimension first.
        distance: d, the diagonal enters at (d, …, d).
        multiplicity: Codimension of the smallest face that contains this point.
    """

    polynomial: fmpq_mpoly
    vertices: tuple[Monomial, ...]
    facets: tuple[tuple[tuple[int, ...], int], ...]
    faces: tuple[Face, ...]
    distance: Fraction
    multiplicity: int


def compute_newton_polyhedron(polynomial: Expression) -> NewtonPolyhedron:
    """Vertices, facets, compact faces, distance and multiplicity.

    Args:
        polynomial: f with f(0) = 0, not zero.

    Returns:
        The polyhedron.

    Raises:
        InputError: If f is zero or does not vanish at the origin.
        BudgetError: If there are too many exponents for the dimension.

    Example:
        >>> found = compute_newton_polyhedron("x^2 + y^3")
        >>> found.facets, str(found.distance), found.multiplicity
        ((((3, 2), 6),), '6/5', 1)
    """
    f = parse_polynomial(polynomial)
    if f.is_zero() or f.context().nvars() == 0:
        raise InputError(f"the polynomial {f}", "one that is not constant")
    exponents = prune_exponents({e for e, _ in terms_of(f)})
    if not any(exponents[0]):
        raise InputError(f"{f} is not zero at the origin", "f(0) = 0", "shift the variables to a zero")
    facets = _find_facets(exponents)
    program = solve_linear_program(exponents, [1] * len(exponents[0]))
    faces = _find_faces(f, facets)
    vertices = tuple(face.exponents[0] for face in faces if face.dimension == 0)
    return NewtonPolyhedron(f, vertices, tuple(facets), tuple(faces), 1 / program.value, program.face_dimension + 1)


def _find_facets(exponents: list[Monomial]) -> list[tuple[tuple[int, ...], int]]:
    """Every facet is spanned by exponents and coordinate directions: try all sets of n of them that contain an exponent."""
    n = len(exponents[0])
    if comb(len(exponents) + n, n) > MAX_CANDIDATES:
        raise BudgetError(f"a Newton polyhedron of {len(exponents)} exponents in {n} variables", "fewer", "germ rlct needs no faces")
    found: dict[tuple[int, ...], int] = {}
    directions = [tuple(int(i == k) for i in range(n)) for k in range(n)]
    for size in range(1, n + 1):
        for points in combinations(exponents, size):
            for rays in combinations(directions, n - size):
                rows = [[a - b for a, b in zip(p, points[0], strict=True)] for p in points[1:]] + [list(r) for r in rays]
                w = _find_normal(rows, n)
                if w is None or w in found:
                    continue
                level = sum(a * b for a, b in zip(w, points[0], strict=True))
                if level > 0 and all(sum(a * b for a, b in zip(w, e, strict=True)) >= level for e in exponents):
                    found[w] = level
    return sorted(found.items())


def _find_normal(rows: list[list[int]], n: int) -> tuple[int, ...] | None:
    """The primitive w ≥ 0 orthogonal to the rows, if it is unique."""
    if n == 1:
        return (1,)
    kernel, nullity = fmpz_mat(rows).nullspace()
    if nullity != 1:
        return None
    w = [int(kernel[i, 0]) for i in range(n)]
    if any(v < 0 for v in w):
        w = [-v for v in w]
    if any(v < 0 for v in w):
        return None
    common = gcd(*w)
    return tuple(v // common for v in w)


def _find_faces(f: fmpq_mpoly, facets: list[tuple[tuple[int, ...], int]]) -> list[Face]:
    """Compact faces: intersections of facets whose normals together are positive."""
    terms = terms_of(f)
    n = f.context().nvars()
    every = facets + [(tuple(int(i == k) for i in range(n)), 0) for k in range(n)]
    on_facet = [frozenset(e for e, _ in terms if sum(a * b for a, b in zip(w, e, strict=True)) == k) for w, k in every]
    sets: set[frozenset[Monomial]] = {s for s in on_facet if s}
    new = set(sets)
    while new:
        new = {a & b for a in new for b in on_facet if a & b} - sets
        sets |= new
    faces = []
    for members in sets:
        normals = [w for (w, _), s in zip(every, on_facet, strict=True) if members <= s]
        weights = tuple(sum(w[i] for w in normals) for i in range(n))
        if not all(weights):
            continue
        points = sorted(members)
        rows = [[a - b for a, b in zip(p, points[0], strict=True)] for p in points[1:]]
        dimension = fmpz_mat(rows).rank() if rows else 0
        part = f.context().from_dict({e: c for e, c in terms if e in members})
        faces.append(Face(tuple(points), dimension, weights, part))
    return sorted(faces, key=lambda face: (face.dimension, face.exponents))


@dataclass(frozen=True)
class Degeneracy:
    """A face on which f is degenerate over the reals, or may be.

    Args:
        face: The face.
        witness: A singular real zero of f_F with no coordinate zero (approximate where it is not rational); None where it is not decided
            whether there is one.
    """

    face: Face
    witness: tuple[Fraction, ...] | None


def find_degenerate_faces(polyhedron: NewtonPolyhedron, *, seconds: float = 5.0) -> list[Degeneracy]:
    """The compact faces whose polynomials have singular real zeros off the coordinate hyperplanes; none: f is nondegenerate over R.

    On a face f_F is weighted homogeneous, so that a zero of all x_i ∂f_F/∂x_i is a zero of f_F. Whether these polynomials have a common
    real zero is decided by the moves that the resolution uses for sets of base points.

    Args:
        polyhedron: From `compute_newton_polyhedron`.
        seconds: Limit for each face.

    Returns:
        The degenerate faces with witnesses, and those that were not decided.

    Example:
        >>> [d.witness for d in find_degenerate_faces(compute_newton_polyhedron("(y-x^2)^2 + x^6"))]
        [(Fraction(1, 1), Fraction(1, 1))]
        >>> find_degenerate_faces(compute_newton_polyhedron("y^2 - x^3"))
        []
    """
    found = []
    for face in polyhedron.faces:
        if len(face.exponents) < 2:
            continue
        f = face.polynomial
        n = f.context().nvars()
        gens = f.context().gens()
        derivatives = tuple(d for i in range(n) if not (d := f.derivative(i)).is_zero())
        zero = (Fraction(0),) * n
        state = State(f.context(), (BASE,) * n, (0,) * n, zero, (ANY,) * n, (), zero=(f, *derivatives), nonzero=tuple(gens))
        tree = resolve(state, Budget(seconds))
        if tree.witness is not None and tree.optimal is not None:
            point = lift(tree.nodes, tree.optimal, approximate(tree.nodes[tree.optimal].state, tree.witness))
            found.append(Degeneracy(face, tuple(Fraction(int(v.p), int(v.q)) for v in point)))
        elif tree.open_leaves or tree.unattained:
            found.append(Degeneracy(face, None))
    return found
