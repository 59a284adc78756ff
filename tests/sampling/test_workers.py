"""Two processes make the draws of one, stop and go on, tell of divergence, and end with their parent."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from germ.errors import DivergenceError
from germ.sampling.binding import bind_model
from germ.sampling.engine import LocalEngine
from germ.sampling.kernels.parts import FIELDS
from germ.sampling.planning import Rung
from germ.sampling.recipe import Recipe
from germ.sampling.workers import ProcessPool, is_portable

RUNG = Rung("main", 100.0, 1.0, 1e-3, 0, 40)
RECIPE = Recipe("sgld", 3, 4, 1, 32, (RUNG,), processes=2)


@pytest.fixture(scope="module")
def binding():
    g = torch.Generator().manual_seed(0)
    x, model = torch.randn(400, 4, generator=g), nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    # A closure over a lambda: nothing of the user's could be pickled.
    scale = (lambda: 1.0)()
    return bind_model(model, lambda m, b: scale * m(b[0]).square().sum(1), (x,))


def test_two_processes_make_the_draws_of_one(binding):
    assert is_portable(binding, RECIPE)
    local, pool = LocalEngine(binding, RECIPE, slice(0, 4)), ProcessPool(binding, RECIPE, slice(0, 4))
    try:
        local.enter(RUNG)
        pool.enter(RUNG)
        one, two = local.advance(30, 0), pool.advance(30, 0)
        for key in FIELDS:
            assert np.allclose(one[key], two[key], rtol=1e-4, atol=1e-6), key
        packed = pool.pack()
        first = pool.advance(10, 30)
        pool.restore(RUNG, packed)
        again = pool.advance(10, 30)
        assert all(np.array_equal(first[key], again[key]) for key in FIELDS)
        pool.enter(Rung("main", 100.0, 1.0, 1e3, 0, 40))
        with pytest.raises(DivergenceError, match=r"chain [0-3] diverged at draw \d+"):
            pool.advance(40, 40)
    finally:
        pool.close()
    assert all(worker.poll() is not None for worker in pool._workers)


def test_a_worker_ends_when_its_input_does():
    worker = subprocess.run([sys.executable, "-m", "germ.sampling.workers"], input=b"", capture_output=True, timeout=60, check=False)
    assert worker.returncode == 0
    assert worker.stdout == b""


def test_what_cannot_travel_stays(binding):
    full = Recipe("sgld", 3, 4, 1, 400, (RUNG,), processes=2)
    assert not is_portable(binding, full)
    mean = bind_model(nn.Linear(4, 2), lambda m, b: m(b[0]).square().sum(1).mean(), (torch.randn(50, 4),))
    assert not is_portable(mean, RECIPE)
