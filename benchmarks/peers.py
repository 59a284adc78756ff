"""The other programs that estimate λ of a network, as `benchmarks.speed --peers` calls them: whatever of them can be imported.

None is a dependency. devinterp 1.3.2 runs here; canonical-interp asks for Python 3.12.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Callable

from torch.utils.data import DataLoader, TensorDataset

from benchmarks.networks import Problem

Steps = Callable[[int], object]  # runs so many steps of all chains


def make_peers(problem: Problem, batch: int, chains: int, nbeta: float) -> dict[str, Steps]:
    """By name, a function that runs a number of draws of all chains, in its documented way."""
    model, loss, data = problem
    loader = DataLoader(TensorDataset(*data), batch_size=batch, shuffle=True)
    peers: dict[str, Steps] = {}
    if importlib.util.find_spec("devinterp"):
        from devinterp.optim.sgld import SGLD
        from devinterp.slt.sampler import estimate_learning_coeff_with_summary

        def devinterp(draws: int) -> object:
            return estimate_learning_coeff_with_summary(
                model, loader, evaluate=lambda m, pair: (loss(m, pair).mean(), {}), sampling_method=SGLD, num_draws=draws,
                num_chains=chains, optimizer_kwargs={"lr": 1e-7, "localization": 10.0, "nbeta": nbeta}, init_loss=1e-9, verbose=False,
            )  # fmt: skip

        peers["devinterp"] = _quiet(devinterp)
    if importlib.util.find_spec("canonical_interp"):
        from canonical_interp import LLCEstimator

        for name, compiled in (("canonical-interp", "default"), ("canonical-interp, eager", False)):

            def canonical(draws: int, compiled: object = compiled) -> object:
                estimator = LLCEstimator(draws, chains, 0, learning_rate=1e-7, localization=9.99, nbeta=nbeta)
                return estimator.estimate_llc(
                    model, loader, criterion_fn=lambda output, target: loss(lambda _: output, (None, target)).mean(), compile=compiled,
                    show_progress=False, current_loss=0.0,
                )  # fmt: skip

            peers[name] = _quiet(canonical)
    return peers


def _quiet(run: Steps) -> Steps:
    def call(draws: int) -> object:
        logging.disable(logging.WARNING)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
                warnings.simplefilter("ignore")
                return run(draws)
        finally:
            logging.disable(logging.NOTSET)

    return call
