import json
import math
from fractions import Fraction

import pytest
from matplotlib.figure import Figure

import germ.seminar.experiments as registry
from germ.claim import Exact, NotApplicable, Provenance
from germ.cli import main
from germ.errors import BudgetError, InputError, SeminarError
from germ.seminar import claims
from germ.seminar.experiment import Illustration, NothingToCompute, NotYet, Outcome, Run, find_source, run_experiment
from germ.seminar.results import MAX_SVG, draw_figure, load_result, load_results, prepare_folder, run_all, save_run, to_document


def test_rules_pass_and_fail():
    close = {"tolerance": 1e-3, "reason": "r"}
    verdicts = [
        (claims.claim_equal("s", Fraction(1, 2), Fraction(2, 4), ""), True),
        (claims.claim_equal("s", (1, "x"), (1, "y"), ""), False),
        (claims.claim_close("s", 100.0, 100.05, "", relative=True, **close), True),
        (claims.claim_close("s", 100.0, 100.05, "", **close), False),
        (claims.claim_close("s", 1.0, math.nan, "", **close), False),
        (claims.claim_close("s", -100.0, -100.05, "", relative=True, **close), True),
        (claims.claim_within_errors("s", 1.0, 1.3, 0.1, ""), True),
        (claims.claim_within_errors("s", 1.0, 1.5, 0.1, ""), False),
        (claims.claim_within_errors("s", 1.0, 1.0, 0.0, ""), False),
        (claims.claim_within_errors("s", 1.0, math.nan, 0.1, ""), False),
        (claims.claim_between("s", 0.5, "", lower=0, upper=1), True),
        (claims.claim_between("s", math.nan, "", lower=0), False),
        (claims.claim_between("s", 2, "", upper=Fraction(3, 2)), False),
    ]
    assert [c.passed for c, _ in verdicts] == [expected for _, expected in verdicts]
    with pytest.raises(InputError, match="claim_close"):
        claims.claim_equal("s", 0.5, Fraction(1, 2), "")
    with pytest.raises(InputError, match="lower or upper"):
        claims.claim_between("s", 1, "")


def test_refusals():
    provenance = Provenance("m")
    refusal = NotApplicable("analytic K", "a kink at w*", provenance)

    def fail(error):
        raise error

    assert claims.claim_refused("s", lambda: refusal, "", hypothesis="kink").passed
    assert not claims.claim_refused("s", lambda: refusal, "", hypothesis="boundary").passed
    assert not claims.claim_refused("s", lambda: Exact(Fraction(1), 1, provenance), "").passed
    assert claims.claim_refused("s", lambda: fail(InputError("bad")), "", error=InputError).passed
    assert not claims.claim_refused("s", lambda: fail(BudgetError("slow")), "", error=InputError).passed
    with pytest.raises(ZeroDivisionError):
        claims.claim_refused("s", lambda: 1 // 0, "", error=InputError)


@pytest.mark.parametrize("talk", [talk for talk, entry in registry.EXPERIMENTS.items() if isinstance(entry, str)])
def test_registered_experiments_exist(talk):
    assert find_source(registry.EXPERIMENTS[talk]).is_file()


def test_every_talk_without_an_experiment_says_why():
    for entry in registry.EXPERIMENTS.values():
        if isinstance(entry, NothingToCompute | NotYet):
            assert len(entry.reason if isinstance(entry, NothingToCompute) else entry.capability) > 5


def test_runs_are_kept_and_read_back(tmp_path):
    run = run_experiment("2022-11-24")
    assert isinstance(run, Run)
    assert run.passed
    files = save_run(run, tmp_path)
    assert [f.name for f in files] == ["2022-11-24-ratios.svg", "2022-11-24.json"]
    result = load_results(tmp_path, ["2022-11-24", "2022-12-08"])["2022-11-24"]
    assert result.claims == run.outcome.claims
    assert result.is_current
    first = files[0].read_bytes()
    again = run_experiment("2022-11-24")
    save_run(again, tmp_path)
    assert files[0].read_bytes() == first, "the same run draws the same bytes"
    document = json.loads(files[-1].read_text(encoding="utf-8"))
    files[-1].write_text(json.dumps(document | {"digest": "0"}), encoding="utf-8")
    assert not load_result(files[-1]).is_current


def test_a_result_is_out_of_date_when_the_library_has_changed(monkeypatch):
    from pathlib import Path

    from germ.seminar import experiment

    def compute(changed=None):
        experiment.compute_digest.cache_clear()
        experiment._find_imports.cache_clear()
        read = Path.read_bytes
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda p: read(p) + (b"#" if changed and p.as_posix().endswith(changed) else b""))
            return experiment.compute_digest("jet_schemes")

    before = compute()
    assert compute() == before
    for name in ("experiments/jet_schemes.py", "algebra/jets.py", "algebra/expression.py", "germ/errors.py", "seminar/claims.py"):
        assert compute(name) != before, name
    for name in ("experiments/polynomial_division.py", "experiments/__init__.py", "cli/seminar.py", "site/build.py"):
        assert compute(name) == before, name
    compute()


@pytest.mark.parametrize("damage", ["{", '{"format": 0}', "[]", '{"format": 1, "claims": 3}'])
def test_damaged_results_are_refused(tmp_path, damage):
    path = tmp_path / "2022-11-24.json"
    path.write_text(damage, encoding="utf-8")
    with pytest.raises(SeminarError, match="cannot read the result"):
        load_result(path)


def test_a_crash_is_a_failed_claim(monkeypatch):
    import germ.seminar.experiments.jet_schemes as module

    monkeypatch.setattr(module, "run", lambda size, seed: 1 // 0)
    run = run_experiment("2022-11-24")
    assert isinstance(run, Run)
    assert not run.passed
    assert "ZeroDivisionError" in run.outcome.claims[0].computed
    monkeypatch.setattr(module, "run", lambda size, seed: Outcome(()))
    assert "made no claim" in run_experiment("2022-11-24").outcome.claims[0].computed


def test_a_folder_that_cannot_be_made_is_told_before_anything_runs(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SeminarError, match="cannot make the folder"):
        prepare_folder(tmp_path / "file" / "results")
    monkeypatch.setattr("germ.seminar.experiment.run_experiment", lambda *_: pytest.fail("it ran"))
    monkeypatch.setattr("sys.argv", ["germ", "seminar", "run", "2022-02-10b", "--output", str(tmp_path / "file")])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "cannot make the folder" in capsys.readouterr().err


def test_a_seed_below_zero_is_refused():
    with pytest.raises(InputError, match="seed=-1"):
        run_experiment("2022-02-10b", "small", -1)


def test_run_all_reports_in_order(tmp_path):
    talks = ["2022-11-03", "2022-02-10b", "2022-09-08"]
    found = dict(run_all(talks, "small", 0, tmp_path, 1))
    assert list(found) == talks
    assert isinstance(found["2022-11-03"], NothingToCompute)
    assert found["2022-02-10b"]["passed"]
    assert (tmp_path / "2022-02-10b.json").is_file()


def test_large_figures_become_pictures():
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot([1, 2], [1, 2])
    assert draw_figure(figure)[0] == "svg"
    axes.scatter(range(20_000), [i * i % 9973 for i in range(20_000)])
    suffix, data = draw_figure(figure)
    assert suffix == "png"
    assert len(data) < 4 * MAX_SVG


def test_bad_names_of_figures_are_refused(tmp_path):
    run = run_experiment("2022-02-10b")
    from dataclasses import replace

    bad = replace(run, outcome=replace(run.outcome, figures={"../up": Illustration(Figure(), "c")}))
    with pytest.raises(SeminarError, match=r"a figure named '\.\./up'"):
        save_run(bad, tmp_path)
    assert to_document(run)["passed"]
    with pytest.raises(SeminarError, match="the size 'huge'"):
        run_experiment("2022-02-10b", "huge")
