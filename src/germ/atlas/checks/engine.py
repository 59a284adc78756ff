"""Checks by the exact engine: each case is the ideal of the model near the point where λ is least, resolved with proof.

Ideals are written from the model (products of matrices, moments, cumulants), not from the formula. Letters are local coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import Any

from germ.atlas.answer import Answer, Interval, Pole
from germ.atlas.checks.check import Check, Disagreement, NoRoad
from germ.atlas.formulas import FORMULAS
from germ.claim import Bound, Exact


@dataclass(frozen=True)
class Case:
    """A family at given inputs, and its ideal.

    Args:
        family: Name of the family.
        inputs: Inputs of its formula, converted.
        ideal: Generators.
        options: Point, domain and prior, as `compute_rlct` takes them.
    """

    family: str
    inputs: Mapping[str, Any]
    ideal: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)


def _matrix(name: str, rows: int, columns: int) -> list[list[str]]:
    return [[f"{name}{i}_{j}" for j in range(columns)] for i in range(rows)]


def _multiply(one: list[list[str]], other: list[list[str]]) -> list[list[str]]:
    return [["+".join(f"({a})*({b})" for a, b in zip(row, column, strict=True)) for column in zip(*other, strict=True)] for row in one]


def write_chain(widths: Sequence[int], ranks: Sequence[Sequence[int]]) -> tuple[list[str], dict[str, str]]:
    """The entries of W_L ⋯ W_1 minus the product at the point, and the point.

    Args:
        widths: Widths from input to output.
        ranks: For each layer the positions of the ones on its diagonal; all other entries are zero at the point.

    Returns:
        Generators, and the coordinates of the point.
    """
    point: dict[str, str] = {}
    total: list[list[str]] = []
    value: set[int] = set(range(widths[0]))
    for layer, (into, out) in enumerate(pairwise(widths)):
        weights = _matrix("abcd"[layer], out, into)
        point |= {weights[i][j]: str(int(i == j and i in ranks[layer])) for i in range(out) for j in range(into)}
        total = _multiply(weights, total) if layer else weights
        value &= set(ranks[layer])
    generators = [f"{total[i][j]}-{int(i == j and i in value)}" for i in range(widths[-1]) for j in range(widths[0])]
    return generators, point


def _chain_case(family: str, inputs: Mapping[str, Any], widths: Sequence[int], ranks: Sequence[Sequence[int]]) -> Case:
    generators, point = write_chain(widths, ranks)
    return Case(family, inputs, generators, {"at": point})


def _list_chains() -> list[Case]:
    cases = []
    for m, h, n in ((1, 1, 1), (2, 1, 2), (1, 2, 1), (2, 2, 1), (2, 2, 2), (2, 1, 3)):
        for r in range(min(m, h, n, 1) + 1):
            cases.append(_chain_case("rrr", {"M": m, "N": n, "H": h, "r": r}, (m, h, n), (range(r), range(r))))
    for (a, b), r in (((1, 0), 0), ((1, 1), 1), ((2, 1), 1), ((2, 0), 0)):
        local = {"M": 2, "N": 2, "H": 2, "r": r, "rankA": a, "rankB": b}
        cases.append(_chain_case("rrr-local", local, (2, 2, 2), (range(a), range(b))))
    shifted = {"M": 2, "N": 2, "H": 2, "r": 0, "rankA": 1, "rankB": 1}
    cases.append(_chain_case("rrr-local", shifted, (2, 2, 2), ((0,), (1,))))
    for widths in ((1, 1, 1, 1), (1, 1, 1, 1, 1), (1, 2, 1, 1), (2, 1, 1, 2)):
        cases.append(_chain_case("dln", {"widths": widths, "r": 0}, widths, ((), (), (), ())))
    cases.append(_chain_case("dln", {"widths": (2, 1, 2, 1), "r": 1}, (2, 1, 2, 1), ((0,), (0,), (0,))))
    cases.append(_chain_case("softmax-dln", {"widths": (2, 1, 3), "r": 0}, (2, 1, 2), ((), ())))
    cases.append(_chain_case("uniform-attention", {"v": 3, "e": 1}, (3, 1, 2), ((), ())))
    return cases


def _moments(weights: Sequence[str], places: Sequence[Sequence[str]], orders: Sequence[int]) -> list[str]:
    """Σ_i weight_i Π places_i^l for all multi-indices |l| in orders."""
    n = len(places[0])
    indices = [l for k in orders for l in product(range(k + 1), repeat=n) if sum(l) == k]
    return [
        "+".join("*".join([w, *(f"{b}**{e}" for b, e in zip(x, l, strict=True) if e)]) for w, x in zip(weights, places, strict=True))
        for l in indices
    ]


def _list_vandermonde() -> list[Case]:
    cases = []
    for m, h, q in ((1, 1, 2), (1, 2, 1), (1, 2, 2), (2, 2, 2), (2, 2, 1)):
        places = [[f"b{i}"] for i in range(h)]
        orders = [1 + q * k for k in range(h)]
        ideal = [g for row in range(m) for g in _moments([f"a{row}{i}" for i in range(h)], places, orders)]
        cases.append(Case("vandermonde-N1", {"M": m, "H": h, "Q": q}, ideal))
        if m == 1 and q == 2:
            cases.append(Case("tanh-zero", {"H": h}, ideal))
    cases.append(Case("vandermonde-H1", {"M": 2, "N": 2, "Q": 1}, [f"a{i}*b{j}" for i in range(2) for j in range(2)]))
    # A true unit and a spare one on it, x and y their distances from it: tanh(b x) and its derivatives are independent, so the ideal is
    # that of the centred moments, s the excess of the sum of weights.
    cases.append(Case("tanh-general", {"H": 2, "r": 1}, ["s", *(f"(1+s-a)*x**{k}+a*y**{k}" for k in (1, 2, 3))]))
    return cases


def _list_clusters() -> list[Case]:
    """Components on one true one, all but one of weight near zero."""
    cases = []
    for h in (2, 3):
        spare = [f"a{i}" for i in range(1, h)]
        ideal = _moments(["(1-" + "-".join(spare) + ")", *spare], [[f"b{i}"] for i in range(h)], range(1, h + 2))
        cases.append(Case("mixture-signed", {"H": h, "r": 1}, ideal))
        positive = {"H": h, "r": 1, "N": 1, "alpha": Fraction(1), "weights": None}
        cases.append(Case("mixture", positive, ideal, {"domain": "; ".join(f"{a}>=0" for a in spare)}))
    return cases


def _list_planes() -> list[Case]:
    """Vandermonde types with b in the plane."""
    cases = []
    for m, h, q in ((1, 2, 1), (2, 2, 1), (1, 2, 2), (2, 2, 2)):
        places, orders = [[f"b{i}x", f"b{i}y"] for i in range(h)], [1 + q * k for k in range(h)]
        ideal = [g for row in range(m) for g in _moments([f"a{row}{i}" for i in range(h)], places, orders)]
        cases.append(Case("vandermonde-H2", {"M": m, "N": 2, "H": h, "Q": q}, ideal))
    return cases


def _list_deep_strata() -> list[Case]:
    """Points of depth 3 at which only an interval is known."""
    strata: list[tuple[tuple[int, ...], int, tuple[tuple[int, ...], ...]]] = [
        ((2, 2, 2, 2), 0, ((0,), (), ())),
        ((2, 2, 2, 2), 0, ((0,), (1,), ())),
        ((2, 2, 2, 2), 0, ((0,), (0,), ())),
        ((2, 2, 2, 1), 0, ((), (0,), ())),
    ]
    strata += [((1, 2, 2, 1), 0, ((), (0,), ())), ((2, 1, 2, 1), 0, ((), (), (0,))), ((2, 2, 1, 2), 0, ((0,), (), ()))]
    return [
        _chain_case("dln-local", {"widths": widths, "r": r, "ranks": tuple(map(len, ones))}, widths, ones) for widths, r, ones in strata
    ]


def _list_mixtures() -> list[Case]:
    cases = []
    two = [f"(1-a)*b0**{k}+a*b1**{k}" for k in (1, 2, 3)]
    for alpha in (Fraction(1, 2), Fraction(1), Fraction(2)):
        inputs = {"H": 2, "r": 1, "N": 1, "alpha": alpha, "weights": None}
        cases.append(Case("mixture", inputs, two, {"domain": "a>=0", "prior": f"abs(a)**({alpha - 1})"}))
        plane = ["(1-a)*x0+a*x1", "(1-a)*y0+a*y1", "(1-a)*x0**2+a*x1**2", "(1-a)*x0*y0+a*x1*y1", "(1-a)*y0**2+a*y1**2"]
        cases.append(Case("mixture", inputs | {"N": 2}, plane, {"domain": "a>=0", "prior": f"abs(a)**({alpha - 1})"}))
        # Moments of a Gaussian mixture about the true mean 0 and variance 1, orders 1 to 4: v = variance - 1.
        raw = ["{b}", "{b}**2+{v}", "{b}**3+3*{b}*(1+{v})-3*{b}", "{b}**4+6*{b}**2*(1+{v})+3*(1+{v})**2-3-6*({b}**2+{v})"]
        ideal = [f"(1-a)*({g.format(b='b0', v='v0')})+a*({g.format(b='b1', v='v1')})" for g in raw]
        cases.append(Case("mixture-locscale", {"alpha": alpha}, ideal, {"domain": "a>=0", "prior": f"abs(a)**({alpha - 1})"}))
    return cases


def _list_others() -> list[Case]:
    pairs = list(combinations(range(3), 2))
    forest = ["x1*x2", "x4*x5", *(f"x{i}*y*z*x{j}" for i in (1, 2) for j in (4, 5))]
    return [
        Case("normal-crossing", {"k": (1, 2, 2), "h": (Fraction(0), Fraction(1), Fraction(0))}, ["x*y**2*z**2"], {"prior": "abs(y)"}),
        Case("monomial-ideal", {"exponents": ((2, 0), (1, 1), (0, 3)), "h": None}, ["x**2", "x*y", "y**3"]),
        Case("even-powers", {"powers": (1, 2, 3)}, ["x", "y**2", "z**3"]),
        Case("hyperplane", {"arrangement": "3 lines", "weights": None, "power": 2}, ["x*y*(x-y)"]),
        Case("hyperplane", {"arrangement": "B2", "weights": None, "power": 2}, ["x*y*(x-y)*(x+y)"]),
        Case("hyperplane", {"arrangement": "1,0,0;0,1,0;0,0,1;1,1,1", "weights": None, "power": 2}, ["x*y*z*(x+y+z)"]),
        Case("naive-bayes-binary", {"n": 2, "case": "all_independent"}, ["p", "q", "a*x*y"], {"domain": "a>=0"}),
        Case("latent-class-H2-r1", {"levels": (2, 3)}, ["p", "q0", "q1", "a*x*y0", "a*x*y1"], {"domain": "a>=0"}),
        Case("tensor-cp-rank1-zero", {"dims": (2, 2, 2)}, [f"x{i}*y{j}*z{k}" for i, j, k in product(range(2), repeat=3)]),
        Case("psd-factor", {"p": 2, "k": 2, "r": 0}, ["a**2+b**2", "a*c+b*d", "c**2+d**2"]),
        Case("psd-factor", {"p": 2, "k": 1, "r": 1}, ["a**2-1", "a*c", "c**2"], {"at": {"a": "1", "c": "0"}}),
        Case("factor-analysis", {"m": 3, "k": 1, "l": 0}, [*(f"l{i}*l{j}" for i, j in pairs), *(f"v{i}+l{i}**2" for i in range(3))]),
        Case("binary-latent-tree-interior", {"n_v": 4, "n_e": 3, "l2": 0, "l0": 1}, ["p", "q", "r", "x*y", "x*z", "y*z", "m*x*y*z"]),
        Case("boltzmann-bipartite", {"M": 3, "K": 1, "K0": 0}, [f"w{i}*w{j}" for i, j in pairs]),
        Case(
            "diagonal-linear", {"d": 2, "s": 1, "L": 2, "tied": False}, ["a*b-1", "c*d"], {"at": {"a": "1", "b": "1", "c": "0", "d": "0"}}
        ),
        Case(
            "nmf-bound", {"M": 2, "N": 2, "H": 1, "H0": 0, "phi_U": Fraction(1), "phi_V": Fraction(1)}, ["u0*v0", "u0*v1", "u1*v0", "u1*v1"]
        ),
        Case(
            "gaussian-latent-forest",
            {"sup": (1, 1, 1, 1, 0, 1, 1), "sub": (0,) * 7, "edges": ((1, 6), (2, 6), (6, 7), (7, 8), (3, 7), (4, 8), (5, 8))},
            [*(f"v{i}" for i in range(5)), *forest],
        ),
        Case("lda", {"M": 2, "N": 2, "H": 2, "rho": 0}, ["e+(w0+1/2)*d", "e+(w1+1/2)*d"]),
        Case("cbm-linear", {"M": 1, "N": 2, "K": 1, "rB": 0}, ["b0", "b1", "a*b0", "a*b1"]),
        Case("pnn-2d", {"r": 2, "L": 1}, ["s+t", "s**2", "t**2"]),
        Case("pnn-2d", {"r": 2, "L": 2}, _polynomial_network()),
        Case(
            "multinomial-boundary",
            {"alpha": (Fraction(1, 2), Fraction(1)), "zero": (0,), "truth": None},
            [],
            {"polynomial": "w", "domain": "w>=0", "prior": "abs(w)**(-1/2)"},
        ),
    ]


def _polynomial_network() -> list[str]:
    """Coefficients in x, y of W (W (x, y))² with W = ((s+t, s²), (s², t²))."""
    w = (("(s+t)", "(s**2)"), ("(s**2)", "(t**2)"))
    return [
        "+".join(f"{w[i][j]}*{weight}*{w[j][0]}**{a}*{w[j][1]}**{2 - a}" for j in range(2))
        for i in range(2)
        for a, weight in ((2, 1), (1, 2), (0, 1))
    ]


def _resolve(case: Case, seconds: float) -> Any:
    try:
        from germ.algebra.rlct import compute_rlct
    except ImportError as error:
        raise NoRoad(f"the exact engine is not installed: {error}") from None
    options = dict(case.options)
    return compute_rlct(options.pop("polynomial", None) or list(case.ideal), budget=seconds, **options)


def _compare_case(name: str, answer: Answer, found: Exact | Bound) -> None:
    low, high = (found.learning_coefficient,) * 2 if isinstance(found, Exact) else (found.lower or Fraction(0), found.upper)
    match answer:
        case Pole(value, m):
            agree = low <= value and (high is None or value <= high)
            agree &= not isinstance(found, Exact) or m in (None, found.multiplicity)
        case Interval(lower, upper):
            agree = (high is None or lower is None or lower <= high) and (upper is None or low <= upper)
        case _:
            agree = False
    if not agree:
        shown = f"({found.learning_coefficient}, {found.multiplicity})" if isinstance(found, Exact) else f"[{found.lower}, {found.upper}]"
        raise Disagreement(f"{name}: {answer} against {shown} (formula, exact engine)")


def compare_cases(cases: Sequence[Case], seconds: float) -> str:
    """Resolve each case and compare.

    Args:
        cases: The cases.
        seconds: Budget of each.

    Returns:
        How many were proved, and how many only bounded.

    Raises:
        Disagreement: If a proved value differs, or a bound excludes the formula's value.
        NoRoad: If the engine is missing.
    """
    proved = 0
    for case in cases:
        found = _resolve(case, seconds)
        name = f"{case.family} {dict(case.inputs)}"
        if not isinstance(found, Exact | Bound):
            raise Disagreement(f"{name}: {found} (exact engine)")
        proved += isinstance(found, Exact)
        _compare_case(name, FORMULAS[case.family](**case.inputs), found)
    return f"{proved} of {len(cases)} cases proved by resolution, the others bounded"


def check_small_cases() -> str:
    """Models of up to some ten parameters."""
    return compare_cases([*_list_chains(), *_list_vandermonde(), *_list_mixtures(), *_list_clusters(), *_list_others()], 10.0)


def _list_larger() -> list[Case]:
    """Models where resolution takes longer and may end in bounds."""
    deep = ((1, 2, 2, 1), (2, 2, 2, 1), (2, 2, 2, 2), (3, 2, 2, 2), (2, 3, 2), (3, 3, 3))
    cases = [_chain_case("dln", {"widths": widths, "r": 0}, widths, ((),) * (len(widths) - 1)) for widths in deep]
    for h, q in ((3, 1), (3, 2), (4, 1)):
        ideal = _moments([f"a{i}" for i in range(h)], [[f"b{i}"] for i in range(h)], [1 + q * k for k in range(h)])
        cases.append(Case("vandermonde-N1", {"M": 1, "H": h, "Q": q}, ideal))
    factors = [f"v{i}+x{i}**2+y{i}**2" for i in range(5)] + [f"x{i}*x{j}+y{i}*y{j}" for i, j in combinations(range(5), 2)]
    cases.append(Case("factor-analysis", {"m": 5, "k": 2, "l": 0}, factors))
    return [*cases, *_list_planes(), *_list_deep_strata()]


def check_larger_cases() -> str:
    """Deeper chains, b in the plane, three and four units, two factors, strata of depth 3."""
    return compare_cases(_list_larger(), 20.0)


def _families(cases: Sequence[Case]) -> tuple[str, ...]:
    return tuple(sorted({c.family for c in cases}))


CHECKS = (
    Check(
        "exact engine, small models",
        _families([*_list_chains(), *_list_vandermonde(), *_list_mixtures(), *_list_clusters(), *_list_others()]),
        check_small_cases,
    ),
    Check("exact engine, larger models", _families(_list_larger()), check_larger_cases, tier="slow"),
)
