import math
from fractions import Fraction

import numpy as np
import pytest
import torch

import germ
from germ.errors import InputError
from germ.problems import make_problem
from germ.thermo.exact import compute_normal_crossing_volume
from germ.thermo.scaling import Slopes, fit_slopes
from germ.thermo.splitting import descend


def _estimate(family, work=4.0, **options):
    return germ.estimate_volume_scaling(make_problem(family, **options), seed=3, work=work)


def _uniform(w):
    return torch.where(((w >= 0) & (w <= 1)).all(1), 0.0, -math.inf).double()


@pytest.mark.parametrize(
    ("family", "options", "learning_coefficient", "multiplicity"),
    [
        ("normal-crossing", {"exponents": [1, 1]}, "1/2", 2), ("two-component", {"line": 1, "point": 2}, "1/4", 1),
        ("normal-crossing", {"exponents": [2, 2], "prior_exponents": [1, 0]}, "1/4", 1), ("potential", {"generators": "a*d-b*c"}, "1/2", 1),
        ("tanh", {"hidden": 2}, "2/3", 1), ("gaussian-mixture", {}, "3/4", 1),
    ],
)  # fmt: skip
def test_known_learning_coefficients(family, options, learning_coefficient, multiplicity):
    found = _estimate(family, **options)
    truth = float(Fraction(learning_coefficient))
    assert abs(found.value - truth) < 3 * found.standard_error + 1e-3
    assert found.standard_error < 0.03 * truth
    assert found.diagnostics["multiplicity"] in (multiplicity, None)
    assert found.diagnostics["multiplicity_probabilities"][multiplicity - 1] > 0.1


def test_the_descent_measures_the_volume_itself():
    """Not only its slope: V(ε) of x²y² against the closed form, over 40 nats."""
    generator = torch.Generator().manual_seed(0)
    particles = torch.rand(4000, 2, generator=generator, dtype=torch.float64)
    found = descend(lambda w: w.prod(1) ** 2, _uniform, particles, generator, depth=40)
    log_volume = -found.step * np.arange(1, len(found.log_levels) + 1)
    exact = np.log(compute_normal_crossing_volume([1, 1], np.exp(found.log_levels.numpy())))
    difference = exact - log_volume[:, None]
    error = difference.std(1, ddof=1) / math.sqrt(8)
    assert np.abs(difference.mean(1) / error)[2:].max() < 4.5
    assert error.max() < 0.2


@pytest.mark.parametrize("broken", ["scale", "height"])
def test_a_wrong_jacobian_or_density_would_be_seen(monkeypatch, broken):
    """The deliberately wrong twins: scaling moves without their Jacobian, and slices that ignore the prior."""
    import germ.thermo.splitting as splitting

    if broken == "scale":
        choose = splitting._choose_path

        def without_jacobian(*arguments):
            path, key, widest = choose(*arguments)
            return (lambda index, s: (path(index, s)[0], torch.zeros(())), key, widest)

        monkeypatch.setattr(splitting, "_choose_path", without_jacobian)
    generator = torch.Generator().manual_seed(0)
    particles = torch.rand(4000, 2, generator=generator, dtype=torch.float64)
    if broken == "height":  # density 4 x y, but the moves are told it is uniform
        particles = particles.sqrt()
    found = descend(lambda w: w.prod(1) ** 2, _uniform, particles, generator, depth=40)
    h = [0, 0] if broken == "scale" else [1, 1]
    exact = np.log(compute_normal_crossing_volume([1, 1], np.exp(found.log_levels.numpy()), prior_exponents=h))
    difference = exact - (-found.step * np.arange(1, len(found.log_levels) + 1))[:, None]
    error = difference.std(1, ddof=1) / math.sqrt(8)
    assert np.abs(difference.mean(1) / error)[2:].max() > 6


def test_the_fit_covers_and_names_m():
    """Slopes made from known laws: two standard errors cover λ, and probabilities of m mean what they say."""
    rng = np.random.default_rng(0)
    x = np.linspace(3, 60, 30)
    inside, right, named = 0, 0, 0
    for index in range(150):
        m, truth, shift = 1 + index % 3, 0.4 + 0.1 * (index % 5), rng.normal(2, 2)
        gap, ratio = rng.uniform(0.1, 0.5), rng.normal(0, 1)
        slope = truth - (m - 1) / (x + max(shift, -2.0)) + gap * ratio * np.exp(-gap * x)
        fit = fit_slopes(Slopes(x, slope + 0.004 * rng.normal(size=30), np.full(30, 0.004)), 4)
        inside += abs(fit.learning_coefficient - truth) < 2 * fit.standard_error
        best = int(np.argmax(fit.probabilities))
        if fit.probabilities[best] > 0.9:
            named += 1
            right += best + 1 == m
    # Over 1200 such laws 95.9 % are inside, 76 % are named, 98.8 % of these rightly.
    assert inside >= 137
    assert named >= 98
    assert right >= 0.95 * named


@pytest.mark.slow
def test_many_dimensions_by_annealing():
    found = _estimate("rrr", work=40, inputs=5, outputs=5, hidden=5, rank=0)
    assert found.provenance.method.endswith("annealing")
    assert abs(found.value / 9.5 - 1) < 0.05


def test_local_and_global_are_different_questions():
    """Two components: the line alone has λ = 1/4 at x = 1; with the origin, whose λ is 1/2, nothing changes; the origin alone has 1/2."""
    problem = make_problem("two-component", line=2, point=1)
    at_point = germ.estimate_volume_scaling(problem, at=[0.0, 0.0], radius=0.4, work=4)
    everywhere = germ.estimate_volume_scaling(problem, work=4)
    assert abs(at_point.value - 0.5) < 3 * at_point.standard_error + 2e-3
    assert abs(everywhere.value - 0.25) < 3 * everywhere.standard_error + 2e-3


def test_a_seed_is_a_result():
    first, second, third = (
        germ.estimate_volume_scaling(lambda w: w[:, 0] ** 4, box=([-1], [1]), work=4, seed=s, precision=0.5).value for s in (0, 0, 1)
    )
    assert first == second != third


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (lambda w: w[:, 0] ** 2, {}, "without box"), (lambda w: w[:, 0], {"box": ([-1], [1])}, "finite values ≥ 0"),
        (lambda w: w[:, 0].clamp_min(0), {"box": ([-1], [1])}, "K = 0 on"), (lambda w: w**2, {"box": ([-1], [1])}, "shape"),
        (lambda w: w[:, 0] ** 2, {"box": ([1], [-1])}, "lower < upper"),
        (lambda w: w[:, 0] ** 2, {"box": ([-1], [1]), "budget": -1}, "budget=-1"),
        (lambda w: w[:, 0] ** 2, {"box": ([-1], [1]), "radius": 1.0}, "with a point"),
    ],
)  # fmt: skip
def test_impossible_questions_are_refused(function, options, message):
    with pytest.raises(InputError, match=message):
        germ.estimate_volume_scaling(function, **options)
