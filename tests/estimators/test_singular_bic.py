"""sBIC: the fixed-point equations themselves, in high precision; limits; atlas families; refusals."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import germ
from germ.errors import InputError


def solve_by_iteration(fits, coefficients, n, contains, prior, digits=60):
    """L_i as the mean of L'_ij weighted by L_j P_j: iterate the definition, smallest models first, in many digits."""
    with mpmath.workdps(digits):
        terms = {
            (i, j): mpmath.exp(fits[i]) * mpmath.mpf(n) ** (-mpmath.mpf(lam)) * mpmath.log(n) ** (m - 1)
            for (i, j), (lam, m) in coefficients.items()
        }
        values = {}
        for i in fits:
            below = [j for j in fits if j != i and contains(i, j)]

            def rest(value, i=i, below=below):
                known = {**values, i: value}
                return sum((value - terms[i, j]) * known[j] * mpmath.mpf(prior[j]) for j in [*below, i])

            low, high = (f(terms[i, j] for j in [*below, i]) for f in (min, max))  # a mean lies between
            for _ in range(400):
                middle = (low + high) / 2
                low, high = (middle, high) if rest(middle) < 0 else (low, middle)
            values[i] = (low + high) / 2
        return {i: mpmath.log(v) for i, v in values.items()}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(3, 10**6), st.floats(0.1, 400))
def test_the_equations_are_solved(seed, count, n, spread):
    rng = np.random.default_rng(seed)
    fits = {i: -1000 + spread * float(rng.normal()) for i in range(count)}
    prior = {i: float(rng.uniform(0.1, 3)) for i in range(count)}
    coefficients = {(i, j): (float(rng.uniform(0, 1 + i)), int(rng.integers(1, 4))) for i in range(count) for j in range(i + 1)}
    found = germ.compute_sbic(lambda i, j: coefficients[i, j], fits, n=n, prior=prior)
    expected = solve_by_iteration(fits, coefficients, n, lambda i, j: j <= i, prior, digits=400)
    for model, value in zip(found.models, found.log_marginal, strict=True):
        assert value == pytest.approx(float(expected[model]), abs=1e-9, rel=1e-12)
    assert found.probabilities.sum() == pytest.approx(1)


def test_regular_families_give_bic():
    fits = {2: -310.0, 3: -305.0, 7: -304.9}
    found = germ.compute_sbic(lambda i, j: (i / 2, 1), fits, n=500)
    np.testing.assert_allclose(found.values, [-fits[k] + k / 2 * math.log(500) for k in fits], rtol=1e-13)
    assert found.best == 2 if found.values[0] < found.values[1] else 3


def test_partial_orders():
    """Two models side by side in a large one: {}, {a}, {b}, {a, b}; the order in which they are given does not matter."""
    models = [frozenset("ab"), frozenset("a"), frozenset(), frozenset("b")]
    fits = {m: -50.0 + len(m) for m in models}
    coefficients = {(i, j): (len(i) / 2 - 0.2 * (len(i) - len(j)), 1) for i in models for j in models if j <= i}
    found = germ.compute_sbic(lambda i, j: coefficients[i, j], fits, n=60, contains=lambda i, j: j <= i)
    ordered = dict(sorted(fits.items(), key=lambda item: len(item[0])))
    expected = solve_by_iteration(ordered, coefficients, 60, lambda i, j: j <= i, dict.fromkeys(models, 1))
    assert {m: round(float(v), 9) for m, v in expected.items()} == {
        m: round(float(v), 9) for m, v in zip(found.models, found.log_marginal, strict=True)
    }
    with pytest.raises(InputError, match="circle"):
        germ.compute_sbic(lambda i, j: (1, 1), {"a": 0.0, "b": 0.0}, n=10, contains=lambda i, j: True)


def test_atlas_families():
    found = germ.compute_sbic("rrr", {1: -900.0, 2: -700.0, 3: -600.0, 4: -598.0}, n=500, inputs={"M": 6, "N": 6})
    assert found.coefficients[3, 3] == (13.5, 1)
    assert found.coefficients[4, 3] == (15.0, 2)
    factors = germ.compute_sbic("factor-analysis", {0: -900.0, 1: -700.0, 2: -699.0}, n=200, inputs={"m": 6})
    assert factors.coefficients[2, 1] == (7.25, 1)
    mixture = germ.compute_sbic("mixture", {1: -50.0, 2: -49.0, 3: -48.9}, n=100, inputs={"N": 1, "alpha": 1})
    assert mixture.coefficients[2, 1] == (0.75, 1)
    with pytest.raises(InputError, match="one of rrr"):
        germ.compute_sbic("unknown", {1: 0.0}, n=10)
    with pytest.raises(InputError, match="an exact λ"):
        germ.compute_sbic("factor-analysis", {3: -1.0, 0: -2.0}, n=200, inputs={"m": 3})  # outside Ledermann's range


def choose_rank(seed, n=500, noise=1.0):
    """Reduced rank regression 6 → H → 6 of true rank 3, two of its three singular values weak: what BIC and sBIC choose."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    u, v = (np.linalg.qr(rng.normal(size=(6, 6)))[0][:, :3] for _ in range(2))
    y = x @ (u * np.array([1.0, 0.3, 0.18])) @ v.T + noise * rng.normal(size=(n, 6))
    whole, *_ = np.linalg.lstsq(x, y, rcond=None)
    _, s, vt = np.linalg.svd(x @ whole, full_matrices=False)
    base = ((y - x @ whole) ** 2).sum()
    fits = {h: -(base + (s[h:] ** 2).sum()) / 2 - 3 * n * np.log(2 * np.pi) for h in range(1, 7)}
    sbic = germ.compute_sbic("rrr", fits, n=n, inputs={"M": 6, "N": 6})
    bic = {h: -fits[h] + h * (12 - h) / 2 * np.log(n) for h in fits}
    return sbic.best, min(bic, key=bic.get)


def test_sbic_finds_the_rank_more_often_than_bic():
    chosen = np.array([choose_rank(seed) for seed in range(60)])
    right = (chosen == 3).mean(0)
    assert right[0] > right[1] + 0.1
    assert (chosen[:, 0] <= 4).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({}, {"n": 10}), "no fits"),
        (({1: np.nan}, {"n": 10}), "finite number of nats"),
        (({1: 0.0}, {"n": 2}), "at least 3"),
        (({1: 0.0}, {"n": 10, "prior": {1: 0.0}}), "positive number for each model"),
        (({1: 0.0, 2: 0.0}, {"n": 10, "prior": {1: 1.0}}), "positive number for each model"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        germ.compute_sbic(lambda i, j: (1.0, 1), arguments[0], **arguments[1])
    with pytest.raises(InputError, match="λ >= 0"):
        germ.compute_sbic(lambda i, j: (-1.0, 1), {1: 0.0}, n=10)
