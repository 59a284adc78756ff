"""Tanh networks: symmetries, ranks, paths of constant function, and least ranks within a distance."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from germ.errors import BudgetError, InputError
from germ.networks.paths import connect_networks
from germ.networks.proximity import bound_proximate_rank, compute_proximate_rank, count_covering_squares, make_covering_network
from germ.networks.reduction import (
    compress_network,
    compute_class_dimension,
    compute_fisher_rank,
    compute_rank,
    find_reductions,
    is_equivalent,
)
from germ.networks.tanh import TanhNetwork

INPUTS = np.linspace(-3, 3, 41)
QUARTERS = st.integers(-6, 6).map(lambda k: k / 4)


@st.composite
def functions(draw, most=4):
    """Distinct units of positive incoming weight: an irreducible network."""
    places = draw(st.lists(st.tuples(st.integers(1, 8), st.integers(-6, 6)), max_size=most, unique=True))
    weights = draw(st.lists(st.sampled_from([-2.0, -1.0, 0.5, 3.0]), min_size=len(places), max_size=len(places)))
    return TanhNetwork(weights, [b / 4 for b, _ in places], [c / 4 for _, c in places], [draw(QUARTERS)])


@st.composite
def disguises(draw, core, spare):
    """The function of `core` with `spare` more units."""
    a, b, c = (list(v.reshape(-1)) for v in (core.outgoing, core.incoming, core.bias))
    d = float(core.offset[0])
    for _ in range(spare):
        kind, u, v = draw(st.integers(0, 3)), draw(QUARTERS), draw(QUARTERS)
        if kind == 0:
            a, b, c = [*a, 0.0], [*b, u], [*c, v]
        elif kind == 1 or not core.units:
            a, b, c, d = [*a, u], [*b, 0.0], [*c, v], d - u * np.tanh(v)
        else:
            j = draw(st.integers(0, core.units - 1))
            s = 1 if kind == 2 else -1
            a[j] -= u
            a, b, c = [*a, s * u], [*b, s * b[j]], [*c, s * c[j]]
    order = draw(st.permutations(range(len(a))))
    signs = draw(st.lists(st.sampled_from([-1, 1]), min_size=len(a), max_size=len(a)))
    return TanhNetwork(a, b, c, [d]).replace_units(order, signs)


@st.composite
def pairs(draw):
    core, spare = draw(functions()), draw(st.integers(1, 5))
    return core, draw(disguises(core, spare)), draw(disguises(core, spare))


@given(pairs())
def test_compression_keeps_the_function_and_ends_at_the_rank(drawn):
    core, one, two = drawn
    small = compress_network(one)
    assert np.abs(small.evaluate(INPUTS) - one.evaluate(INPUTS)).max() < 1e-12
    assert small.units == compute_rank(two) == core.units
    assert find_reductions(small) == ()
    assert find_reductions(one) != ()
    assert is_equivalent(one, two)
    assert is_equivalent(core, two)
    moved = TanhNetwork(two.outgoing, two.incoming, two.bias, two.offset + 0.125)
    assert not is_equivalent(one, moved)


@given(pairs())
def test_paths_keep_the_function_and_are_short_at_low_rank(drawn):
    core, one, two = drawn
    path = connect_networks(one, two)
    assert path.points[0] is one
    assert path.points[-1].to_tuple() == two.to_tuple()
    assert path.compute_deviation(INPUTS, 5) < 1e-12
    if 2 * core.units <= one.units:
        assert path.segments <= 7


def test_a_broken_path_is_seen():
    one = TanhNetwork([1.0, 0.0], [0.5, 1.0])
    path = connect_networks(one, TanhNetwork([0.0, 1.0], [1.0, 0.5]))
    straight = type(path)((path.points[0], path.points[-1]))
    assert straight.compute_deviation(INPUTS) > 0.01 > 1e-12 > path.compute_deviation(INPUTS)


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [
        (TanhNetwork([1.0], [0.5]), TanhNetwork([-1.0], [-0.5]), "irreducible"),
        (TanhNetwork([1.0, 0.0], [0.5, 1.0]), TanhNetwork([1.0, 0.0], [0.25, 1.0]), "functions"),
        (TanhNetwork([1.0, 0.0], [0.5, 1.0]), TanhNetwork([1.0], [0.5]), "shapes"),
    ],
)
def test_no_path(one, two, words):
    with pytest.raises(InputError, match=words):
        connect_networks(one, two)


@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(-2, 2), st.integers(-1, 1)), min_size=1, max_size=3))
def test_fisher_rank_is_that_of_the_jacobian(units):
    network = TanhNetwork([float(a) for a, _, _ in units], [b / 2 for _, b, _ in units], [c / 2 for _, _, c in units])
    values = np.linalg.svd(network.compute_jacobian(np.linspace(-4, 4, 300)), compute_uv=False)
    assert int((values > 1e-9 * values[0]).sum()) == compute_fisher_rank(network)
    assert (compute_fisher_rank(network) < network.parameters) == bool(find_reductions(network))


def test_fisher_rank_of_several_inputs_and_outputs():
    rng = np.random.default_rng(1)
    for _ in range(60):
        h = int(rng.integers(1, 4))
        network = TanhNetwork(rng.integers(-1, 2, (h, 2)), rng.integers(-1, 2, (h, 2)) / 2, rng.integers(-1, 2, h) / 2)
        values = np.linalg.svd(network.compute_jacobian(2 * rng.normal(size=(300, 2))), compute_uv=False)
        assert int((values > 1e-9 * values[0]).sum()) == compute_fisher_rank(network)


def test_jacobian_is_the_derivative():
    rng = np.random.default_rng(2)
    a, b, c, d = rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=2)
    w, shapes = np.concatenate([v.reshape(-1) for v in (a, b, c, d)]), [v.shape for v in (a, b, c, d)]
    x, h = rng.normal(size=(4, 2)), 1e-5

    def evaluate(w):
        parts = np.split(w, np.cumsum([np.prod(s) for s in shapes])[:-1])
        return TanhNetwork(*(p.reshape(s) for p, s in zip(parts, shapes, strict=True))).evaluate(x).reshape(-1)

    slopes = np.stack([(evaluate(w + h * e) - evaluate(w - h * e)) / (2 * h) for e in np.eye(len(w))], 1)
    assert np.allclose(slopes, TanhNetwork(a, b, c, d).compute_jacobian(x), atol=1e-8)


@pytest.mark.parametrize("h", [1, 2, 3, 4])
def test_images_of_an_irreducible_network(h):
    network = TanhNetwork(np.arange(1, h + 1), np.arange(1, h + 1) / 2, np.ones(h))
    images = {image.to_tuple() for image in network.list_images()}
    assert len(images) == [2, 8, 48, 384][h - 1]
    assert compute_class_dimension(h, h) == 0
    assert compute_class_dimension(h, 0, inputs=3) == 4 * h


def test_too_many_images():
    with pytest.raises(BudgetError, match="7 units"):
        next(TanhNetwork(np.ones(7), np.ones(7)).list_images())


def test_greedy_bound_in_floating_point_and_exactly():
    a, b = (11, 9, 2, 13, 10), (11, 12, 6, 13, 10)
    rounded = TanhNetwork([k / 10 for k in a], [k / 10 for k in b])
    exact = TanhNetwork([Fraction(k, 10) for k in a], [Fraction(k, 10) for k in b])
    assert [bound_proximate_rank(rounded, e) for e in (1.0, 0.1, 0.05)] == [1, 4, 5]
    assert [bound_proximate_rank(exact, Fraction(1, k)) for k in (1, 10, 20)] == [1, 3, 5]
    assert [compute_proximate_rank(exact, Fraction(1, k)) for k in (1, 10, 20)] == [0, 3, 3]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6), st.integers(1, 8))
def test_covering_points_is_a_case_of_the_least_rank(points, radius):
    network = make_covering_network(points, Fraction(radius, 2))
    number = count_covering_squares(points, Fraction(radius, 2))
    assert compute_proximate_rank(network, Fraction(radius, 2)) == number <= bound_proximate_rank(network, Fraction(radius, 2))


@given(pairs(), st.integers(0, 4))
def test_least_rank_within_a_distance(drawn, quarters):
    _, one, _ = drawn
    exact = TanhNetwork(*(np.vectorize(Fraction, otypes=[object])(v) for v in (one.outgoing, one.incoming, one.bias)))
    radius = Fraction(quarters, 8)
    least, bound = compute_proximate_rank(exact, radius), bound_proximate_rank(exact, radius)
    assert least <= bound <= one.units
    assert least <= compute_rank(one)
    assert compute_proximate_rank(exact, radius + Fraction(1, 8)) <= least
    assert compute_proximate_rank(exact, 0) == compute_rank(exact)
    rng = np.random.default_rng(quarters)
    nudged = TanhNetwork(*(v + float(radius) * rng.uniform(-1, 1, v.shape) for v in (one.outgoing, one.incoming, one.bias)))
    assert compute_proximate_rank(nudged, 2 * float(radius) + 1e-9) <= compute_rank(one), "the triangle inequality"


@pytest.mark.parametrize(
    "call",
    [
        lambda: TanhNetwork([1.0], [1.0, 2.0]),
        lambda: TanhNetwork([float("nan")], [1.0]),
        lambda: TanhNetwork([1.0], [1.0], offset=[1.0, 2.0]),
        lambda: bound_proximate_rank(TanhNetwork([1.0], [1.0]), -1),
        lambda: TanhNetwork([1.0], [1.0]).interpolate(TanhNetwork([1.0, 1.0], [1.0, 2.0]), 0.5),
    ],
)
def test_impossible_inputs(call):
    with pytest.raises(InputError, match="expected"):
        call()


@pytest.mark.parametrize(
    "call", [lambda: compute_proximate_rank(TanhNetwork(np.ones(11), np.ones(11)), 1), lambda: count_covering_squares([(0, 0)] * 21, 1)]
)
def test_searches_that_would_take_too_long(call):
    with pytest.raises(BudgetError, match="at most"):
        call()
