"""λ and m do not depend on coordinates, generators, scales or spectators: the same germ in many disguises."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from germ import Exact, compute_rlct
from germ.algebra.expression import parse_polynomials

POOL = {
    "cusp": (["x^2-y^3"], "5/12", 1),
    "node": (["x^2-y^2"], "1/2", 2),
    "whitney": (["x^2-y^2*z"], "1/2", 2),
    "tanh": (["a*b+c*d", "a*b^3+c*d^3"], "2/3", 1),
    "rank": (["a*c", "a*d", "b*c", "b*d"], "1", 2),
    "sqrt2": (["y^2-2*x^2", "x^3"], "1/2", 2),
    "t345": (["y^2-x*z", "x^3-y*z", "x^2*y-z^2"], "13/18", 1),
    "cone": (["x^2+y^2-z^2"], "1/2", 1),
    "mono": (["x^3*y", "x*y^4"], None, None),
    "parabola": (["y-x^2", "x^3"], "2/3", 1),
}
germs = st.sampled_from(sorted(POOL))
small = st.fractions(-2, 2, max_denominator=3)
nonzero = small.filter(lambda q: q != 0)


def read(name):
    polynomials = parse_polynomials(POOL[name][0])
    return polynomials, list(polynomials[0].context().names())


def substitute(polynomials, names, values):
    texts = []
    for p in polynomials:
        terms = [
            "*".join([f"({c})"] + [f"({values[n]})^{int(k)}" for n, k in zip(names, e, strict=True) if k]) for e, c in p.to_dict().items()
        ]
        texts.append("+".join(terms))
    return texts


def answer(subject, **options):
    found = compute_rlct(subject, budget=20, **options)
    assert isinstance(found, Exact), found
    return found.learning_coefficient, found.multiplicity


EXPECTED = {name: answer(POOL[name][0]) for name in POOL}


@pytest.mark.parametrize("name", [n for n in POOL if POOL[n][1]])
def test_the_pool_has_its_known_values(name):
    assert EXPECTED[name] == (Fraction(POOL[name][1]), POOL[name][2])


@given(germs, st.randoms(use_true_random=False), st.lists(nonzero, min_size=4, max_size=4))
@settings(max_examples=25, deadline=None)
def test_permutations_and_scales_of_variables(name, random, scales):
    polynomials, names = read(name)
    images = names[:]
    random.shuffle(images)
    values = {n: f"({q})*{i}" for n, i, q in zip(names, images, scales, strict=False)}
    assert answer(substitute(polynomials, names, values)) == EXPECTED[name]


@given(germs, st.lists(small, min_size=4, max_size=4))
@settings(max_examples=25, deadline=None)
def test_points_off_the_origin(name, shifts):
    polynomials, names = read(name)
    values = {n: f"{n}-({q})" for n, q in zip(names, shifts, strict=False)}
    point = dict(zip(names, shifts, strict=False))
    assert answer(substitute(polynomials, names, values), at=point) == EXPECTED[name]


@given(germs, st.integers(0, 3), st.integers(0, 3), nonzero, st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_shears(name, i, j, q, power):
    polynomials, names = read(name)
    i, j = i % len(names), j % len(names)
    if i == j:
        return
    values = {n: n for n in names} | {names[i]: f"{names[i]}+({q})*{names[j]}^{power}"}
    assert answer(substitute(polynomials, names, values)) == EXPECTED[name]


@st.composite
def shears(draw):
    """A shear of the variable of an index: terms of degree 2 to 4 in the others, as exponents with coefficients."""
    term = st.tuples(st.lists(st.integers(0, 2), min_size=3, max_size=3).filter(lambda e: 2 <= sum(e) <= 4), nonzero)
    return draw(st.integers(0, 3)), draw(st.lists(term, min_size=1, max_size=3))


def shear(polynomials, names, index, terms):
    i = index % len(names)
    others = names[:i] + names[i + 1 :]
    texts = [f"({c})*" + "*".join(f"{n}^{k}" for n, k in zip(others, e, strict=False)) for e, c in terms if any(e[: len(others)])]
    values = {n: n for n in names} | {names[i]: "+".join([names[i], *texts])}
    return parse_polynomials(substitute(polynomials, names, values), names)


@given(germs, shears(), shears(), st.lists(small, min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_two_shears_of_several_terms_off_the_origin(name, first, second, shifts):
    polynomials, names = read(name)
    sheared = shear(shear(polynomials, names, *first), names, *second)
    values = {n: f"{n}-({q})" for n, q in zip(names, shifts, strict=False)}
    point = dict(zip(names, shifts, strict=False))
    assert answer(substitute(sheared, names, values), at=point) == EXPECTED[name]


@given(germs, nonzero, small, st.sampled_from(["1", "1+x", "2-y^2", "1+x^2+y"]))
@settings(max_examples=25, deadline=None)
def test_equivalent_generators(name, scale, q, unit):
    generators = list(POOL[name][0])
    first = f"({scale})*({generators[0]})"
    others = [f"({g})+({q})*({generators[0]})" for g in generators[1:]]
    units = unit if {"x", "y"} <= set("".join(generators)) else "1"
    assert answer([f"({units})*({first})", *others, f"x*({generators[0]})" if units != "1" else first]) == EXPECTED[name]


@given(germs)
@settings(max_examples=8, deadline=None)
def test_spectators_change_nothing(name):
    names = read(name)[1]
    generators = [*POOL[name][0], f"({POOL[name][0][0]})*(u_1+u_2^2)"]
    assert answer(generators) == EXPECTED[name]
    assert answer(POOL[name][0], at=dict.fromkeys(names, 0)) == EXPECTED[name]


@given(germs, st.integers(1, 3))
@settings(max_examples=10, deadline=None)
def test_sums_in_new_variables_add(name, power):
    value, m = EXPECTED[name]
    assert answer([*POOL[name][0], f"u^{power}"]) == (value + Fraction(1, 2 * power), m)
    assert answer([*POOL[name][0], f"u*v^{power}"]) == (value + Fraction(1, 2 * power), m + (power == 1))


@given(germs, st.integers(1, 3))
@settings(max_examples=10, deadline=None)
def test_products_with_new_variables_take_the_minimum(name, power):
    value, m = EXPECTED[name]
    other = Fraction(1, 2 * power)
    expected = (value, m) if value < other else (other, 1) if other < value else (value, m + 1)
    assert answer([f"u^{power}*({g})" for g in POOL[name][0]]) == expected


@given(st.sampled_from(["cusp", "node", "whitney", "cone"]), germs)
@settings(max_examples=8, deadline=None)
def test_products_of_two_germs(left, right):
    polynomials, names = read(right)
    renamed = substitute(polynomials, names, {n: f"{n}_2" for n in names})
    (a, m), (b, k) = EXPECTED[left], EXPECTED[right]
    expected = (a, m) if a < b else (b, k) if b < a else (a, m + k)
    assert answer([f"({f})*({g})" for f in POOL[left][0] for g in renamed]) == expected


def test_opposite_generators_do_not_delete_each_other():
    assert answer(["x-y", "y-x"]) == (Fraction(1, 2), 1)
