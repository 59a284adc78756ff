from dataclasses import replace

import pytest
import torch

from germ import check_problem
from germ.errors import InputError, ProblemError
from germ.problems import BUILDERS, get_builder, make_problem
from germ.problems.priors import break_stick, mend_stick

CASES = [
    ("potential", {"generators": "x*y; x^3"}), ("normal-crossing", {"exponents": [2, 2], "prior_exponents": [1, 0]}),
    ("two-component", {"component": "line", "line": 2, "point": 1}), ("cusp", {}),
    ("rrr", {"inputs": 3, "outputs": 3, "hidden": 2, "rank": 1}),
    ("rrr", {"inputs": 2, "outputs": 2, "hidden": 2, "rank": 1, "layer_ranks": [2, 1]}),
    ("dln", {"widths": [3, 3, 3, 3], "rank": 1, "layer_ranks": [1, 2, 1]}), ("diagonal", {"tied": True, "depth": 3}), ("diagonal", {}),
    ("tanh", {"hidden": 3, "true_units": 1}), ("relu", {"hidden": 3, "outputs": 2}),
    ("gaussian-mixture", {"components": 3, "true_components": 2}),
    ("gaussian-mixture", {"components": 2, "dimension": 2}), ("gaussian-mixture", {"components": 4, "alpha": 0.5}),
    ("poisson-mixture", {"components": 3, "true_components": 2}), ("binomial-mixture", {}), ("latent-class", {"levels": [3, 2]}),
    ("latent-class", {"levels": [2, 2], "classes": 3}), ("factor-analysis", {"variables": 5, "factors": 2, "true_factors": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("family", "options"), CASES, ids=lambda v: str(v).replace(" ", ""))
def test_every_problem_keeps_its_contract(family, options):
    checks = check_problem(make_problem(family, **options), seed=1)
    assert [c.name for c in checks] == ["shapes", "prior", "truth", "density", "ratio", "divergence", "exact", "gradients"]
    assert not any("not resolved" in c.detail for c in checks)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["transformer", "cnn"])
def test_modules_keep_the_contract(family):
    check_problem(make_problem(family))


def test_the_cases_cover_the_registry():
    assert {family for family, _ in CASES} | {"transformer", "cnn"} == set(BUILDERS)
    assert all(callable(get_builder(family)) for family in BUILDERS)


def _broken(kind):
    good = make_problem("cusp")
    match kind:
        case "minimise K":
            return replace(good, truth=torch.tensor([0.5, 0.9], dtype=torch.float64), divergence=None, residuals=None, exact=None)
        case "comparable functions":
            return replace(good, residuals=None, divergence=lambda w: 0.5 * (w[:, 0] ** 2 - w[:, 1] ** 3).abs() ** 5)
        case "sum of squared residuals":
            return replace(good, residuals=lambda w: w[:, :1] - w[:, 1:])
        case "zeros of the divergence":  # x = 0 is a zero of the twin, not of K
            return replace(make_problem("normal-crossing", exponents=[1, 1]), truth=torch.tensor([0.5, 0.0], dtype=torch.float64),
                           residuals=None, divergence=lambda w: 0.5 * w[:, 1] ** 2 * (w[:, 0] - 0.2) ** 2)  # fmt: skip
        case "the truth's density integrates":
            return replace(good, log_likelihood=lambda w, data: good.log_likelihood(w, data) + 0.9)
        case r"E\[p\(x\|w\)/q\(x\)\]":  # the constant depends on w: no ratio to the truth at w0 would show it
            return replace(good, log_likelihood=lambda w, data: good.log_likelihood(w, data) - 0.5 * w[:, :1] ** 2)
        case "the prior integrates":
            return replace(good, log_prior=lambda w: good.log_prior(w) + 0.2)
        case "finite log prior":
            return replace(good, log_prior=lambda w: torch.full((len(w),), -2 * torch.log(torch.tensor(2.0)).item(), dtype=w.dtype))
        case "exact form / divergence":
            return replace(good, exact=replace(good.exact, expression=("x^2 - y^5",)))
        case "gradient of log_likelihood":
            return replace(good, log_likelihood=lambda w, data: good.log_likelihood(torch.cat([w[:, :1], w[:, 1:].detach()], 1), data))
        case "depends on the others":
            return replace(good, log_likelihood=lambda w, data: good.log_likelihood(w - 0.01 * w.mean(0), data))
        case "same generator":
            return replace(good, sample_prior=lambda count, generator: 2 * torch.rand(count, 2, dtype=torch.float64) - 1)
        case "float32":
            return replace(good, sample_prior=lambda count, generator: good.sample_prior(count, generator).float(), names=())
        case "log_likelihood has shape":
            return replace(good, log_likelihood=lambda w, data: good.log_likelihood(w, data).sum(1))
    raise AssertionError(kind)


@pytest.mark.parametrize(
    "kind",
    [
        "minimise K", "comparable functions", "sum of squared residuals", "zeros of the divergence",
        "the truth's density integrates", r"E\[p\(x\|w\)/q\(x\)\]",
        "the prior integrates", "finite log prior", "exact form / divergence", "gradient of log_likelihood", "depends on the others",
        "same generator", "float32", "log_likelihood has shape",
    ],
)  # fmt: skip
def test_each_broken_promise_is_found(kind):
    with pytest.raises(ProblemError, match=kind):
        check_problem(_broken(kind))


def test_the_refusal_names_the_point_that_beats_the_truth():
    with pytest.raises(ProblemError, match=r"w = \(.*\) has a mean loss smaller by 0\.") as caught:
        check_problem(_broken("minimise K"))
    numbers = caught.value.got.split("w = (")[1].split(")")[0].split(",")
    x, y = (float(v) for v in numbers)
    assert (x**2 - y**3) ** 2 < 0.5 * (0.25 - 0.729) ** 2


def test_sticks_break_and_mend():
    for weights in ([0.2, 0.5, 0.3], [0.0, 0.0, 1.0], [1.0]):
        assert break_stick(mend_stick(weights)[None])[0].tolist() == pytest.approx(weights)


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("rrr", {"inputs": 3, "outputs": 3, "hidden": 2, "rank": 3}, "rank=3.*\n.*0 to 2"),
        ("rrr", {"inputs": 0}, "inputs=0.*\n.*positive"), ("tanh", {"hidden": 2.0}, "hidden=2.0.*\n.*positive integer"),
        ("dln", {"widths": []}, "at least an input"), ("dln", {"widths": [2, 2, 2], "rank": 1, "layer_ranks": [1, 0]}, "layer_ranks"),
        ("tanh", {"hidden": 1, "true_units": 2}, "true_units=2"),
        ("normal-crossing", {"exponents": [0, 0]}, "one of the exponents positive"),
        ("gaussian-mixture", {"components": 1, "true_components": 2}, "2 true components of 1"),
        ("gaussian-mixture", {"alpha": -1.0}, "alpha=-1.0"), ("binomial-mixture", {"trials": 1}, "at least 2"),
        ("latent-class", {"levels": []}, "at least one feature"), ("latent-class", {"levels": [1, 2]}, "two levels"),
        ("factor-analysis", {"variables": 2, "factors": 2}, "fewer factors"), ("cusp", {"p": -2}, "p=-2"),
        ("cusp", {"z": 2}, "one of p, q"), ("sphere", {}, "one of potential"),
    ],
)  # fmt: skip
def test_impossible_inputs_are_refused_with_the_rule(family, options, message):
    with pytest.raises(InputError, match=message):
        make_problem(family, **options)


def test_a_potential_that_does_not_vanish_is_refused():
    with pytest.raises(ProblemError, match="zero"):
        make_problem("potential", generators="x^2 + 1")


def test_layers_of_given_ranks():
    problem = make_problem("dln", widths=[4, 5, 4, 3], rank=1, layer_ranks=[2, 3, 2])
    matrices = problem.truth.split([20, 20, 12])
    shapes = [(5, 4), (4, 5), (3, 4)]
    found = [m.reshape(s) for m, s in zip(matrices, shapes, strict=True)]
    assert [int(torch.linalg.matrix_rank(m)) for m in found] == [2, 3, 2]
    assert int(torch.linalg.matrix_rank(found[2] @ found[1] @ found[0])) == 1
    with pytest.raises(InputError, match="can meet"):
        make_problem("dln", widths=[3, 3, 3], rank=0, layer_ranks=[2, 2])


def test_without_a_truth_the_rest_is_tested():
    problem = replace(make_problem("rrr", inputs=2, outputs=2, hidden=1, rank=0), truth=None, log_truth=None, divergence=None, exact=None)
    checks = {check.name: check.detail for check in check_problem(problem)}
    assert checks["density"] == checks["ratio"] == "not tested: neither truth nor log_truth is given"
    assert "integrates to" in checks["prior"]
