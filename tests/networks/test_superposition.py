"""The toy model of superposition: its exact loss, gradient and Hessian, and its polygons."""

import numpy as np
import pytest

from germ.errors import InputError
from germ.networks.superposition import (
    compute_feature_dimensionality,
    compute_superposition_gradient,
    compute_superposition_hessian,
    compute_superposition_loss,
    descend,
    find_polygon,
)


def make_point(seed, m=2, n=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, n)), 0.5 * rng.normal(size=n)


@pytest.mark.parametrize("seed", range(6))
def test_loss_is_the_mean_of_simulated_losses(seed):
    weights, bias = make_point(seed)
    rng, count = np.random.default_rng(100 + seed), 200_000
    inputs = np.eye(5)[rng.integers(0, 5, count)] * rng.random((count, 1))
    losses = ((inputs - np.maximum(inputs @ (weights.T @ weights) + bias, 0)) ** 2).sum(1)
    assert abs(losses.mean() - compute_superposition_loss(weights, bias)) < 4.5 * losses.std() / np.sqrt(count)


@pytest.mark.parametrize("seed", range(4))
def test_gradient_and_hessian_are_derivatives(seed):
    weights, bias = make_point(seed, 3, 4)
    by_weights, by_bias = compute_superposition_gradient(weights, bias)
    rng, h = np.random.default_rng(seed), 1e-5
    u, v = rng.normal(size=weights.shape), rng.normal(size=bias.shape)
    values = [compute_superposition_loss(weights + t * u, bias + t * v) for t in (-h, 0, h)]
    assert (values[2] - values[0]) / (2 * h) == pytest.approx((by_weights * u).sum() + by_bias @ v, rel=1e-8, abs=1e-8)
    direction = np.concatenate([u.reshape(-1), v])
    curvature = direction @ compute_superposition_hessian(weights, bias) @ direction
    h = 1e-3
    values = [compute_superposition_loss(weights + t * u, bias + t * v) for t in (-h, 0, h)]
    assert (values[2] - 2 * values[1] + values[0]) / h**2 == pytest.approx(curvature, rel=2e-2, abs=2e-2)


@pytest.mark.parametrize("seed", range(3))
def test_rotations_and_permutations_do_not_change_the_loss(seed):
    weights, bias = make_point(seed)
    c, s = np.cos(0.7), np.sin(0.7)
    order = np.random.default_rng(seed).permutation(5)
    loss = compute_superposition_loss(weights, bias)
    assert compute_superposition_loss(np.array([[c, -s], [s, c]]) @ weights, bias) == pytest.approx(loss, rel=1e-12)
    assert compute_superposition_loss(weights[:, order], bias[order]) == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize(
    ("corners", "positive", "loss", "length", "bias", "rank"),
    [
        (6, 0, 0.0481924, 1.320526, -0.618135, 17),
        (5, 0, 0.0687436, 1.170460, -0.282297, 14),
        (5, 1, 0.0617991, 1.170460, -0.282297, 17),
    ],
)
def test_polygons_of_six_features(corners, positive, loss, length, bias, rank):
    found = find_polygon(corners, positive=positive)
    assert (found.loss, found.length, found.corner_bias) == pytest.approx((loss, length, bias), abs=6e-7)
    by_weights, by_bias = compute_superposition_gradient(found.weights, found.bias)
    assert max(np.abs(by_weights).max(), np.abs(by_bias).max()) < 1e-8
    values = np.linalg.eigvalsh(compute_superposition_hessian(found.weights, found.bias))
    assert int((values > 1e-6).sum()) == rank
    assert values.min() > -1e-8


def test_the_square_is_a_kink():
    square = find_polygon(4)
    assert square.loss == pytest.approx(1 / 9, abs=1e-12)
    assert find_polygon(4, positive=2).loss == pytest.approx(1 / 9 - 1 / 72, abs=1e-12)
    with pytest.raises(InputError, match="kink"):
        compute_superposition_hessian(square.weights, square.bias)


def test_dimensions_add_up():
    for k in range(3, 8):
        angles = 2 * np.pi * np.arange(k) / k
        assert compute_feature_dimensionality([np.cos(angles), np.sin(angles)]) == pytest.approx(np.full(k, 2 / k))


def test_descent_goes_down():
    weights, bias = make_point(3, 2, 6)
    end, end_bias, losses = descend(weights, bias, step=0.1, steps=300)
    assert len(losses) == 301
    assert np.diff(losses).max() <= 1e-12
    assert losses[-1] == compute_superposition_loss(end, end_bias) < losses[0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: compute_superposition_loss([[1.0, 2.0]], [0.0]),
        lambda: compute_superposition_loss([[1.0, float("nan")]], [0.0, 0.0]),
        lambda: find_polygon(2),
        lambda: find_polygon(7),
        lambda: find_polygon(5, positive=2),
        lambda: compute_feature_dimensionality([[1.0, 0.0]]),
    ],
)
def test_impossible_inputs(call):
    with pytest.raises(InputError, match="expected"):
        call()
