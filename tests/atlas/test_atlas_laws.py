"""Laws that hold for every family: 0 <= λ <= d/2, 1 <= m <= d, and no answer but a claim or an error of germ's own."""

import random
from fractions import Fraction
from itertools import pairwise

import pytest

from germ.atlas import compute_value, list_families, load_family
from germ.claim import Bound, Estimate, Exact, NotApplicable, to_json
from germ.errors import GermError

# Number of parameters, where the family's inputs fix it (the prior of these is positive and bounded).
PARAMETERS = {
    "regular": lambda d: d,
    "even-powers": lambda powers: len(powers),
    "rrr": lambda M, N, H, r: H * (M + N),
    "rrr-underfit": lambda M, N, H: H * (M + N),
    "rrr-local": lambda M, N, H, r, rankA, rankB: H * (M + N),
    "dln": lambda widths, r: sum(a * b for a, b in pairwise(widths)),
    "dln-local": lambda widths, r, ranks: sum(a * b for a, b in pairwise(widths)),
    "diagonal-linear": lambda d, s, L, tied: d if tied else d * L,
    "vandermonde-N1": lambda M, H, Q: H * (M + 1),
    "vandermonde-H1": lambda M, N, Q: M + N,
    "vandermonde-H2": lambda M, N, H, Q: H * (M + N),
    "vandermonde-H3": lambda M, N, H, Q: H * (M + N),
    "tanh-zero": lambda H: 2 * H,
    "tanh-general": lambda H, r: 2 * H,
    "relu-1d-zero": lambda M, H: H * (M + 1),
    "mixture-signed": lambda H, r: 2 * H - 1,
    "latent-class-H2-r1": lambda levels: 1 + 2 * sum(k - 1 for k in levels),
    "naive-bayes-binary": lambda n, case: 2 * n + 1,
    "binary-latent-tree-interior": lambda n_v, n_e, l2, l0: n_v + n_e,
    "factor-analysis": lambda m, k, l: m * (k + 1),
    "psd-factor": lambda p, k, r: p * k,
    "lda": lambda M, N, H, rho: (M - 1) * H + (H - 1) * N,
    "tensor-cp-rank1-zero": lambda dims: sum(dims),
    "tensor-cp-bound": lambda dims, H, H0: H * sum(dims),
    "vb-linear": lambda M, N, H, H0: H * (M + N),
    "hmm-bound": lambda K, K0, M: K * (K - 1) + K * (M - 1),
}


def draw(entry, rng):
    """Small inputs of the right kinds, often impossible together."""
    given = {}
    for i in entry.inputs:
        low = i.minimum or 0
        numbers = [rng.randint(low, low + 4) for _ in range(rng.randint(1, 4))]
        match i.kind:
            case "integer":
                value = numbers[0]
            case "rational":
                value = Fraction(rng.randint(-1, 6), rng.randint(1, 3))
            case "boolean":
                value = rng.random() < 0.5
            case "choice":
                value = rng.choice(i.choices)
            case "text":
                value = rng.choice(["3 lines", "braid A3", "B4", "boolean 2", "generic 5 in 3", "1,0;0,1;1,2", "E8", "x"])
            case "integers" if i.name in ("sup", "sub"):
                value = [rng.randint(0, 1) for _ in range(7)]  # the default tree has seven edges
            case "integers":
                value = numbers
            case "rationals":
                value = [Fraction(rng.randint(0, 5), rng.randint(1, 3)) for _ in numbers]
            case _:
                value = [[rng.randint(low, low + 2) for _ in range(3)] for _ in numbers]
        if not (i.optional and rng.random() < 0.6):
            given[i.name] = value
    return given


@pytest.mark.parametrize("name", list_families())
def test_answers_are_claims_and_errors_are_ours(name):
    entry, rng, answers = load_family(name), random.Random(name), 0
    for _ in range(300):
        given = draw(entry, rng)
        try:
            claim = compute_value(name, **given)
        except GermError:
            continue
        answers += 1
        assert to_json(claim)["kind"] in {"exact", "bound", "estimate", "not_applicable"}
        if isinstance(claim, NotApplicable | Estimate):
            continue
        value = claim.learning_coefficient if isinstance(claim, Exact) else claim.upper
        m = claim.multiplicity if isinstance(claim, Exact) else None
        assert value >= 0
        if isinstance(claim, Bound) and claim.lower is not None:
            assert claim.lower <= claim.upper
        assert m is None or m >= 1
        if name in PARAMETERS:
            d = PARAMETERS[name](**given)
            assert value <= Fraction(d, 2), (given, claim)
            assert m is None or m <= d, (given, claim)
    assert entry.kind == "open" or answers > 0


def test_more_model_never_lowers_the_bound_of_the_same_truth():
    """λ grows with the model where models are nested: width, components, factors, units."""
    nested = [
        ("rrr", "H", {"M": 5, "N": 4, "r": 2}, range(2, 8)),
        ("tanh-general", "H", {"r": 2}, range(2, 30)),
        ("mixture", "H", {"r": 2, "N": 2, "alpha": Fraction(3, 4)}, range(2, 8)),
        ("mixture-signed", "H", {"r": 1}, range(1, 30)),
        ("factor-analysis", "k", {"m": 10, "l": 1}, range(1, 6)),
        ("psd-factor", "k", {"p": 5, "r": 2}, range(2, 8)),
        ("lda", "H", {"M": 5, "N": 6, "rho": 1}, range(2, 9)),
        ("vandermonde-N1", "H", {"M": 2, "Q": 3}, range(1, 40)),
    ]
    for family, name, rest, sizes in nested:
        values = [compute_value(family, **rest, **{name: size}).learning_coefficient for size in sizes]
        assert values == sorted(values), family


def test_symmetries():
    assert compute_value("dln", widths=[3, 5, 2, 4], r=1) != compute_value("dln", widths=[3, 5, 2, 4], r=2)
    for widths, turned in (([3, 5, 2, 4], [4, 2, 5, 3]), ([3, 5, 2, 4], [3, 2, 5, 4])):
        one, other = compute_value("dln", widths=widths, r=1), compute_value("dln", widths=turned, r=1)
        assert (one.learning_coefficient, one.multiplicity) == (other.learning_coefficient, other.multiplicity)
    a = compute_value("rrr-local", M=4, N=6, H=5, r=1, rankA=2, rankB=3)
    b = compute_value("rrr-local", M=6, N=4, H=5, r=1, rankA=3, rankB=2)
    assert (a.learning_coefficient, a.multiplicity) == (b.learning_coefficient, b.multiplicity)
