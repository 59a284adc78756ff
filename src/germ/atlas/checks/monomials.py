"""Checks by the Newton linear program: families whose K is comparable to a sum of squares of monomials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, pairwise, product

from germ.atlas.answer import Pole
from germ.atlas.checks.check import Check, Disagreement, compare, find_pole
from germ.atlas.checks.program import matrix_rank, solve_program
from germ.atlas.formulas import FORMULAS
from germ.atlas.formulas.latent import FIVE_LEAVES, prune
from germ.atlas.formulas.newton import solve_newton_program
from germ.errors import InputError

Edge = tuple[int, ...]


def solve_letters(
    words: Sequence[Sequence[int]], costs: Sequence[Fraction | int], smooth: Fraction = Fraction(0)
) -> tuple[Fraction, int | None]:
    """λ and m of Σ (word)² plus a smooth part.

    Args:
        words: Each a list of indices of letters, repeated for powers.
        costs: Cost of each letter: its number of coordinates, or h + 1.
        smooth: λ of the equations that are solved.

    Returns:
        λ and m.
    """
    exponents = sorted({tuple(word.count(j) for j in range(len(costs))) for word in map(list, words)})
    if not exponents:
        return smooth, 1
    pole = solve_newton_program(exponents, [Fraction(c) for c in costs])
    return smooth + pole.learning_coefficient, pole.multiplicity


def enumerate_vertices(exponents: Sequence[Sequence[int]], costs: Sequence[Fraction]) -> tuple[Fraction, int]:
    """λ and m by all vertices of { w >= 0, <w, 2a> >= 1 }: no simplex method.

    Args:
        exponents: Exponent vectors.
        costs: h + 1.

    Returns:
        λ and 1 + the affine dimension of the optimal vertices.
    """
    n = len(costs)
    walls = [([Fraction(2 * x) for x in a], Fraction(1)) for a in exponents] + [
        ([Fraction(int(i == j)) for j in range(n)], Fraction(0)) for i in range(n)
    ]
    vertices = set()
    for chosen in combinations(walls, n):
        w = _solve([row for row, _ in chosen], [right for _, right in chosen])
        if w is not None and all(sum(x * y for x, y in zip(row, w, strict=True)) >= right for row, right in walls):
            vertices.add(tuple(w))
    prices = {w: sum((c * x for c, x in zip(costs, w, strict=True)), Fraction(0)) for w in vertices}
    best = [w for w in vertices if prices[w] == min(prices.values())]
    return min(prices.values()), 1 + matrix_rank([[a - b for a, b in zip(w, best[0], strict=True)] for w in best])


def _solve(rows: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    n, matrix = len(rows), [[*row, r] for row, r in zip(rows, right, strict=True)]
    for column in range(n):
        pivot = next((i for i in range(column, n) if matrix[i][column]), None)
        if pivot is None:
            return None
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        matrix[column] = [x / matrix[column][column] for x in matrix[column]]
        for i in range(n):
            if i != column and matrix[i][column]:
                matrix[i] = [a - matrix[i][column] * b for a, b in zip(matrix[i], matrix[column], strict=True)]
    return [row[n] for row in matrix]


def check_program() -> str:
    """The simplex method against the enumeration of all vertices, and monomial-ideal against normal-crossing and even-powers."""
    count = 0
    for n, k, most in ((1, 2, 3), (2, 2, 3), (2, 3, 3), (3, 2, 2), (3, 3, 1), (4, 4, 1)):
        vectors = [a for a in product(range(most + 1), repeat=n) if any(a)]
        for exponents in list(combinations(vectors, k))[:: 1 + len(vectors) ** k // 2000]:
            costs = [Fraction(1 + (i * sum(exponents[0])) % 3, 1 + i % 2) for i in range(n)]
            one = find_pole("monomial-ideal", exponents=exponents, h=tuple(c - 1 for c in costs))
            case = f"{exponents} at {[str(c) for c in costs]}"
            compare(case, one, enumerate_vertices(exponents, costs), "simplex method, all vertices")
            value, dimension = solve_program([[Fraction(2 * x) for x in a] for a in exponents], [Fraction(1)] * k, costs)
            compare(case, one, (value, 1 + dimension), "simplex method, another simplex method")
            count += 1
    for a in product(range(4), repeat=3):
        if any(a):
            one = find_pole("monomial-ideal", exponents=(a,), h=None)
            compare(f"{a}", find_pole("normal-crossing", k=a, h=None), one, "normal-crossing, monomial-ideal")
        if all(a):
            axes = tuple(tuple(a[i] * (i == j) for j in range(3)) for i in range(3))
            compare(
                f"{a}",
                find_pole("even-powers", powers=a),
                find_pole("monomial-ideal", exponents=axes, h=None),
                "even-powers, monomial-ideal",
            )
    units = tuple(tuple(int(i == j) for j in range(3)) for i in range(3))
    for h in product((Fraction(0), Fraction(1, 2), Fraction(2)), repeat=3):
        compare(f"h = {h}", find_pole("prior-zeros", h=h), find_pole("monomial-ideal", exponents=units, h=h), "prior-zeros, monomial-ideal")
    for d in range(1, 5):
        compare(f"d = {d}", find_pole("regular", d=d), find_pole("even-powers", powers=(1,) * d), "regular, even-powers")
        compare(f"d = {d}", find_pole("regular-nonrealizable", d=d), find_pole("prior-zeros", h=(Fraction(0),) * d), "regular, prior-zeros")
        compare(f"d = {d}", find_pole("morse-bott", codim=d, d=d + 2), find_pole("regular", d=d), "Morse-Bott, regular")
        compare(
            f"d = {d}",
            find_pole("semiregular", d1=1, d2=d, p=3),
            find_pole("even-powers", powers=(1,) + (3,) * d),
            "semiregular, even-powers",
        )
    return f"{count} ideals in up to 4 variables, λ and m"


def check_latent_classes() -> str:
    """Two classes with independent truth: all a δ_i δ_j."""
    cases = (
        [(k,) for k in range(2, 6)]
        + list(product(range(2, 5), repeat=2))
        + list(product(range(2, 5), repeat=3))
        + [(2,) * n for n in range(4, 8)]
    )
    for levels in cases:
        pairs = [(0, i + 1, j + 1) for i, j in combinations(range(len(levels)), 2)]
        found = solve_letters(pairs, [1, *(k - 1 for k in levels)], Fraction(sum(k - 1 for k in levels), 2))
        compare(f"levels {levels}", find_pole("latent-class-H2-r1", levels=levels), found, "closed form, linear program")
        if set(levels) == {2}:
            compare(
                f"n = {len(levels)}",
                find_pole("naive-bayes-binary", n=len(levels), case="all_independent"),
                found,
                "naive Bayes, linear program",
            )
    for n in range(2, 8):
        # One dependent pair: its margins and covariance are 3 equations, the other margins n - 2, and their δ vanish: n - 2 more.
        dependent = Fraction(3 + (n - 2) + (n - 2), 2)
        compare(
            f"n = {n}", find_pole("naive-bayes-binary", n=n, case="one_dependent_pair"), (dependent, 1), "naive Bayes, equations solved"
        )
        if n >= 3:
            compare(
                f"n = {n}", find_pole("naive-bayes-binary", n=n, case="generic"), (Fraction(2 * n + 1, 2), 1), "naive Bayes, parameters / 2"
            )
    return f"{len(cases)} tables, λ and m"


def _paths(edges: Sequence[Edge], leaves: set[int]) -> Iterator[list[int]]:
    """For each pair of leaves that is connected, the indices of the edges of its path."""
    around: dict[int, list[tuple[int, int]]] = {}
    for i, (a, b) in enumerate(edges):
        around.setdefault(a, []).append((b, i))
        around.setdefault(b, []).append((a, i))
    for start in leaves:
        found: dict[int, list[int]] = {start: []}
        stack = [start]
        while stack:
            v = stack.pop()
            for w, i in around.get(v, []):
                if w not in found:
                    found[w] = [*found[v], i]
                    stack.append(w)
        yield from (path for v, path in found.items() if v in leaves and v > start)


def solve_forest(model: Sequence[Edge], truth: Sequence[Edge], leaves: set[int], smooth: int) -> tuple[Fraction, int | None]:
    """λ and m of a latent forest: covariances are products of edges along paths; those of the truth are units.

    Args:
        model: Edges of the model.
        truth: Edges of the truth.
        leaves: Observed nodes.
        smooth: Number of equations solved besides the covariances (variances, or means and third moments).

    Returns:
        λ and m.
    """
    in_truth = set(truth)
    rows = [[Fraction(int(i in path)) for i in range(len(truth))] for path in _paths(truth, leaves)]
    removed = [i for i, e in enumerate(model) if e not in in_truth]
    words = [[removed.index(i) for i in path if i in removed] for path in _paths(model, leaves)]
    return solve_letters([w for w in words if w], [1] * len(removed), Fraction(smooth + (matrix_rank(rows) if rows else 0), 2))


def check_gaussian_forests() -> str:
    """Gaussian latent forests on the default tree and on the tripod: all pairs of forests."""
    count = 0
    for tree in (FIVE_LEAVES, ((1, 4), (2, 4), (3, 4)), ((1, 5), (2, 5), (5, 6), (3, 6), (4, 6))):
        leaves = {v for e in tree for v in e if sum(v in f for f in tree) == 1}
        forests = {prune(tuple(e for e, on in zip(tree, kept, strict=True) if on), leaves) for kept in product((0, 1), repeat=len(tree))}
        for model in forests:
            for truth in forests:
                if set(truth) <= set(model):
                    sup, sub = (tuple(int(e in forest) for e in tree) for forest in (model, truth))
                    one = find_pole("gaussian-latent-forest", sup=sup, sub=sub, edges=tree)
                    compare(f"{model} / {truth}", one, solve_forest(model, truth, leaves, len(leaves)), "closed form, linear program")
                    count += 1
    # An edge on no path between leaves changes nothing.
    one = find_pole("gaussian-latent-forest", sup=(1, 1, 1, 0, 0, 0, 0), sub=(0,) * 7, edges=FIVE_LEAVES)
    other = find_pole("gaussian-latent-forest", sup=(1, 1, 0, 0, 0, 0, 0), sub=(0,) * 7, edges=FIVE_LEAVES)
    compare("edge 6-7 on no path", one, other, "with the edge, without it")
    return f"{count} pairs of forests on three trees, λ and m"


def check_binary_trees() -> str:
    """Binary latent trees: all forests of the caterpillars with 2 to 5 leaves; other counts (l2, l0) are refused."""
    count = 0
    for n in range(2, 6):
        inner = list(range(n + 1, 2 * n - 1))
        ends = [inner[0], *inner, inner[-1]] if inner else []
        tree: tuple[Edge, ...] = (*((i + 1, v) for i, v in enumerate(ends)), *pairwise(inner)) if inner else ((1, 2),)
        leaves = set(range(1, n + 1))
        found = {}
        for kept in product((0, 1), repeat=len(tree)):
            truth = prune(tuple(e for e, on in zip(tree, kept, strict=True) if on), leaves)
            degree = {v: sum(v in e for e in truth) for v in inner}
            l2, l0 = (sum(d == k for d in degree.values()) for k in (2, 0))
            # Means of the leaves; a node of degree 3 in the truth has its skewness determined by a third moment.
            pole = solve_forest(tree, truth, leaves, n + sum(d == 3 for d in degree.values()))
            compare(
                f"caterpillar of {n} leaves, truth {truth}",
                find_pole("binary-latent-tree-interior", n_v=2 * n - 2, n_e=2 * n - 3, l2=l2, l0=l0),
                pole,
                "closed form, linear program",
            )
            found[l2, l0] = pole
            count += 1
        for l2, l0 in product(range(n), repeat=2):
            try:
                FORMULAS["binary-latent-tree-interior"](n_v=2 * n - 2, n_e=2 * n - 3, l2=l2, l0=l0)
                allowed = True
            except InputError:
                allowed = False
            compare(f"{n} leaves, l2 = {l2}, l0 = {l0}", allowed, (l2, l0) in found, "allowed, occurs")
    return f"{count} forests of four trees, λ and m"


def check_products() -> str:
    """Tensors, nonnegative factors, Boltzmann machines, diagonal networks, factor analysis with one factor: words in norms of blocks."""
    for dims in [d for n in (1, 2, 3) for d in product(range(1, 5), repeat=n)]:
        compare(
            f"dims {dims}", find_pole("tensor-cp-rank1-zero", dims=dims), solve_letters([range(len(dims))], dims), "tensor, linear program"
        )
    for m, n, h in product(range(1, 5), range(1, 5), range(1, 4)):
        found = solve_letters([(2 * i, 2 * i + 1) for i in range(h)], [m, n] * h)
        one = Fraction(1)
        compare(
            f"{m} x {h} x {n}", find_pole("nmf-bound", M=m, N=n, H=h, H0=0, phi_U=one, phi_V=one), found, "nmf at truth 0, linear program"
        )
    for m in range(2, 8):
        pairs = list(combinations(range(m), 2))
        compare(
            f"M = {m}", find_pole("boltzmann-bipartite", M=m, K=1, K0=0), solve_letters(pairs, [1] * m), "one hidden unit, linear program"
        )
        compare(
            f"m = {m}",
            find_pole("factor-analysis", m=m, k=1, l=0),
            solve_letters(pairs, [1] * m, Fraction(m, 2)),
            "one factor, linear program",
        )
    for d, depth in product(range(1, 4), range(1, 4)):
        for s in range(d + 1):
            free = [tuple(j * depth + i for i in range(depth)) for j in range(d - s)]
            untied = solve_letters(free, [1] * depth * (d - s), Fraction(s, 2))
            tied = solve_letters([(j,) * depth for j in range(d - s)], [1] * (d - s), Fraction(s, 2))
            compare(f"d={d} s={s} L={depth}", find_pole("diagonal-linear", d=d, s=s, L=depth, tied=False), untied, "free, linear program")
            compare(f"d={d} s={s} L={depth}", find_pole("diagonal-linear", d=d, s=s, L=depth, tied=True), tied, "tied, linear program")
    for p, k in product(range(1, 5), repeat=2):
        # W Wᵀ = 0: |W|⁴. The other ranks split off a Stiefel part of dimension rp - r(r-1)/2.
        for r in range(min(p, k) + 1):
            split = Fraction(sum(p - i for i in range(r)), 2)
            words = [(0, 0)] if r < min(p, k) else []
            found = solve_letters(words, [(p - r) * (k - r)] if words else [], split)
            compare(f"p={p} k={k} r={r}", find_pole("psd-factor", p=p, k=k, r=r), found, "psd-factor, linear program")
    for m in range(2, 9):
        for k in range(1, m):
            if (m - k) ** 2 >= m + k:
                # The saturated truth l = k is regular: dimension m + mk - k(k-1)/2.
                compare(
                    f"m={m} k={k}",
                    find_pole("factor-analysis", m=m, k=k, l=k),
                    (Fraction(2 * m + 2 * m * k - k * (k - 1), 4), 1),
                    "l = k, dimension / 2",
                )
    return "tensors, factors, Boltzmann machines, diagonal networks, λ and m"


def check_mixtures() -> str:
    """Mixtures: surplus weights times squares of shifts."""
    for spare, n, alpha in product(range(4), range(1, 4), (Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2))):
        for r in (1, 2):
            words = [(2 * i, 2 * i + 1, 2 * i + 1) for i in range(spare)]
            found = solve_letters(words, [alpha, Fraction(n)] * spare, Fraction(r - 1 + r * n, 2))
            one = find_pole("mixture", H=r + spare, r=r, N=n, alpha=alpha, weights=None)
            compare(f"H={r + spare} r={r} N={n} alpha={alpha}", one, found, "mixture, linear program")
    for alpha in (Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2), Fraction(5)):
        # a δ ε, a ε², a δ⁴ in weight, difference of means, shifted difference of variances; mean and variance are solved.
        found = solve_letters([(0, 1, 2), (0, 2, 2), (0, 1, 1, 1, 1)], [alpha, 1, 1], Fraction(1))
        compare(f"alpha = {alpha}", find_pole("mixture-locscale", alpha=alpha), found, "location-scale mixture, linear program")
    return "location and location-scale mixtures, λ and m"


def check_scaling() -> str:
    """The Newton program scales: powers of the ideal divide λ, a second copy doubles it and joins m."""
    for exponents in (((1, 0), (0, 2)), ((2, 0), (1, 1), (0, 3)), ((2, 1), (1, 2)), ((3, 1), (1, 1))):
        value, m = find_pole("monomial-ideal", exponents=exponents, h=None)
        assert m is not None
        squared = tuple(tuple(a + b for a, b in zip(x, y, strict=True)) for x in exponents for y in exponents)
        compare(f"{exponents} squared", find_pole("monomial-ideal", exponents=squared, h=None), (value / 2, m), "power, λ / 2")
        doubled = tuple((*x, 0, 0) for x in exponents) + tuple((0, 0, *x) for x in exponents)
        compare(f"{exponents} twice", find_pole("monomial-ideal", exponents=doubled, h=None), (2 * value, 2 * m - 1), "sum, sum rule")
        answer = FORMULAS["monomial-ideal"](exponents=tuple((y, x) for x, y in exponents), h=None)
        if answer != Pole(value, m):
            raise Disagreement(f"{exponents}: λ depends on the order of the variables")
    return "powers, sums and permutations of four ideals"


CHECKS = (
    Check(
        "Newton program = all vertices",
        (
            "monomial-ideal",
            "normal-crossing",
            "even-powers",
            "prior-zeros",
            "regular",
            "regular-nonrealizable",
            "morse-bott",
            "semiregular",
        ),
        check_program,
    ),
    Check("Newton program scales", ("monomial-ideal",), check_scaling),
    Check("latent classes by linear program", ("latent-class-H2-r1", "naive-bayes-binary"), check_latent_classes),
    Check("Gaussian latent forests by linear program", ("gaussian-latent-forest",), check_gaussian_forests),
    Check("binary latent trees by linear program", ("binary-latent-tree-interior",), check_binary_trees),
    Check(
        "products of blocks by linear program",
        ("tensor-cp-rank1-zero", "nmf-bound", "boltzmann-bipartite", "factor-analysis", "diagonal-linear", "psd-factor"),
        check_products,
    ),
    Check("mixtures by linear program", ("mixture", "mixture-locscale"), check_mixtures),
)
