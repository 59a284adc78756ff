"""Learning in context: attention is descent, and Bayesian predictions agree with brute force."""

import numpy as np
import pytest

from germ.errors import InputError
from germ.networks.in_context import attend_linearly, predict_by_attention, predict_by_descent, predict_by_ridge, predict_from_tasks


def make_prompts(seed, shape=(3, 2), n=7, d=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(*shape, n, d)), rng.normal(size=(*shape, n)), rng.normal(size=(*shape, d))


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_layers_are_steps(layers):
    prompt = make_prompts(layers)
    attended = predict_by_attention(*prompt, rate=0.3, layers=layers)
    assert attended.shape == (3, 2)
    assert attended == pytest.approx(predict_by_descent(*prompt, rate=0.3, steps=layers), rel=1e-12)
    assert attended != pytest.approx(predict_by_descent(*prompt, rate=0.3, steps=layers + 1), rel=1e-3)


def test_attention_by_its_definition():
    rng = np.random.default_rng(0)
    tokens, key, query, value = rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=(3, 3))
    expected = [t + 0.7 * sum((value @ s) * ((key @ s) @ (query @ t)) for s in tokens[:3]) for t in tokens]
    assert attend_linearly(tokens, key, query, value, scale=0.7, context=3) == pytest.approx(np.array(expected))


def test_many_steps_are_least_squares():
    x, y, q = make_prompts(1, (), 40, 3)
    expected = q @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert float(predict_by_descent(x, y, q, rate=0.5, steps=400)) == pytest.approx(expected, abs=1e-10)


def test_gaussian_tasks_on_a_grid_are_ridge():
    x, y, q = make_prompts(2, (4,), 5, 1)
    grid = np.linspace(-10, 10, 2001)[:, None]
    mean, weights = predict_from_tasks(x, y, q, grid, variance=0.3, log_prior=-(grid[:, 0] ** 2) / 2)
    ridge, spread = predict_by_ridge(x, y, q, variance=0.3)
    assert mean == pytest.approx(ridge, abs=1e-10)
    assert (weights * (q @ grid.T - mean[:, None]) ** 2).sum(1) == pytest.approx(spread, abs=1e-10)


def test_posterior_over_tasks_by_hand():
    mean, weights = predict_from_tasks([[1.0]], [1.0], [2.0], [[1.0], [0.0]], variance=0.5)
    odds = np.exp(1.0)
    assert weights == pytest.approx([odds / (1 + odds), 1 / (1 + odds)])
    assert float(mean) == pytest.approx(2 * odds / (1 + odds))


@pytest.mark.parametrize(
    "call",
    [
        lambda: predict_by_ridge([[1.0]], [1.0], [1.0], variance=0),
        lambda: predict_by_ridge([1.0], [1.0], [1.0], variance=1),
        lambda: predict_by_attention([[1.0]], [1.0, 2.0], [1.0], rate=1.0),
        lambda: predict_from_tasks([[1.0]], [1.0], [1.0], [[1.0, 2.0]], variance=1),
    ],
)
def test_impossible_inputs(call):
    with pytest.raises(InputError, match="expected"):
        call()
