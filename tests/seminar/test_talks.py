"""Every experiment runs at its small size and none of its claims fails."""

import pytest

from germ.seminar.experiment import read_essay, run_experiment
from germ.seminar.experiments import EXPERIMENTS

MODULES = {entry: talk for talk, entry in reversed(EXPERIMENTS.items()) if isinstance(entry, str)}
# Those that sample for more than some ten seconds; `germ seminar run all --size small` runs them too.
SLOW: set[str] = set()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_experiment_says_what_it_is_about(module):
    summary, *background = read_essay(MODULES[module])
    assert summary.endswith((".", "?"))
    assert background
    assert all(150 < len(text) < 900 for text in background)


@pytest.mark.parametrize("module", [pytest.param(m, marks=pytest.mark.slow if m in SLOW else ()) for m in sorted(MODULES)])
def test_experiment(module):
    run = run_experiment(MODULES[module], "small", seed=0)
    failed = [f"{c.statement}: expected {c.expected}, computed {c.computed} ({c.error})" for c in run.outcome.claims if not c.passed]
    assert not failed, "\n".join(failed)
