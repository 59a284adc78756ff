"""λ̂ along training of three real networks: an MLP and a CNN on scikit-learn's digits, and a small GPT on Python's own source text.

    python -m benchmarks real                  # all three; writes docs/data/real.json and docs/data/real-*.svg
    python -m benchmarks real --only cnn       # one of them
    python -m benchmarks real --draws 50       # quick, printed only
    python -m benchmarks real --figures        # draw the figures again from real.json

Each network is trained here. All checkpoints of one network are measured at one γ and one nβ, so that their values compare.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.networks import GPT, Problem, cross_entropy, load_digits, make_cnn, make_smooth_mlp, next_byte, read_standard_library, train

FOLDER = Path(__file__).parent.parent / "docs" / "data"
SEED = 0


@dataclass(frozen=True)
class Run:
    """One network and how it is trained and measured.

    Args:
        title: What it is, in words.
        make: Its model, loss and all samples; the last fifth is held out.
        steps: Training steps.
        batch: Samples of a training batch.
        rate: Largest learning rate.
        stops: Checkpoints.
        options: Of `germ.estimate_learning_coefficient`, the same at each checkpoint.
        softer: Values of γ at which the last checkpoint is measured too.
        unit: What one sample is.
    """

    title: str
    make: Callable[[], Problem]
    steps: int
    batch: int
    rate: float
    stops: tuple[int, ...]
    options: dict[str, Any]
    softer: tuple[float, ...]
    unit: str


def make_reader() -> Problem:
    torch.manual_seed(SEED)
    model = GPT(width=64, layers=4, heads=4, context=32)
    return model, next_byte, read_standard_library(32, 10_240, SEED)


def shuffled(make: Callable[[int], Problem]) -> Callable[[], Problem]:
    def made() -> Problem:
        model = make(SEED)[0]
        x, y = load_digits()
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(SEED))
        return model, cross_entropy, (x[order], y[order])

    return made


RUNS = {
    "mlp": Run(
        "MLP 64-32-32-10, tanh, digits", shuffled(make_smooth_mlp), 2000, 64, 3e-3, (0, 10, 30, 100, 200, 400, 800, 2000),
        {"localization": 10.0, "draws": 8000, "chains": 4}, (100.0, 30.0, 3.0, 1.0), "an image",
    ),
    "cnn": Run(
        "CNN, two convolutions, GELU, digits", shuffled(make_cnn), 2000, 64, 3e-3, (0, 10, 30, 100, 200, 400, 800, 2000),
        {"localization": 10.0, "draws": 4000, "chains": 4}, (100.0, 30.0, 3.0, 1.0), "an image",
    ),
    "gpt": Run(
        "GPT, 4 layers of width 64, bytes of the standard library", make_reader, 800, 16, 2e-3,
        (0, 25, 50, 100, 200, 400, 800), {"localization": 100.0, "draws": 150, "chains": 2, "batch_size": 16},
        (1000.0,), "a window of 32 bytes",
    ),
}  # fmt: skip


def split(problem: Problem) -> tuple[Problem, tuple[Tensor, Tensor]]:
    model, loss, (x, y) = problem
    count = len(x) - len(x) // 5
    return (model, loss, (x[:count], y[:count])), (x[count:], y[count:])


def mean_loss(model: nn.Module, loss: Any, data: tuple[Tensor, Tensor]) -> float:
    with torch.no_grad():
        parts = zip(*(part.split(512) for part in data), strict=True)
        return float(torch.cat([loss(model, part) for part in parts]).double().mean())


def measure(model: nn.Module, loss: Any, data: Any, options: dict[str, Any]) -> Any:
    import germ

    # Draws are fixed: the budget only has to be large enough not to cut them.
    return germ.estimate_learning_coefficient(model, loss, data, seed=SEED, budget=200.0, method="chains", **options)


def describe(result: Any) -> dict[str, Any]:
    found = result.diagnostics
    keep = ("n", "nbeta", "chains", "rhat", "ess", "localization", "step_size", "balance", "slope", "slope_error", "raw")
    return {
        "value": result.value, "standard_error": result.standard_error, **{key: found[key] for key in keep},
        "corrections": {c.name: [c.amount, c.uncertainty] for c in result.corrections}, "warnings": list(result.warnings),
    }  # fmt: skip


def perform(name: str, run: Run, draws: int | None) -> dict[str, Any]:
    options = run.options | ({} if draws is None else {"draws": draws})
    problem, held_out = split(run.make())
    model, loss, data = problem
    began, rows, last = time.process_time(), [], model
    for step, network in train(problem, steps=run.steps, batch=run.batch, rate=run.rate, seed=SEED, stops=list(run.stops)):
        last = copy.deepcopy(network)
        start = time.process_time()
        result = measure(last, loss, data, options)
        row = {"step": step, "training": mean_loss(last, loss, data), "test": mean_loss(last, loss, held_out), **describe(result)}
        rows.append(row | {"seconds": time.process_time() - start})
        print(
            f"{name} step {step:5d}: loss {row['training']:.4g}, test {row['test']:.4g}; "
            f"λ̂ = {result.value:.4g} ± {result.standard_error:.2g}, "
            f"R-hat {row['rhat']:.3f}, ESS {row['ess']:.0f}, identity 1 {row['balance']:.3f}, {rows[-1]['seconds']:.0f} s",
            flush=True,
        )
    ladder = []
    for gamma in run.softer:
        result = measure(last, loss, data, options | {"localization": gamma})
        ladder.append(describe(result))
        print(f"{name} last checkpoint at γ = {gamma:g}: λ̂ = {result.value:.4g} ± {result.standard_error:.2g}", flush=True)
    parameters = sum(p.numel() for p in model.parameters())
    document = {
        "title": run.title, "parameters": parameters, "unit": run.unit, "held_out": len(held_out[0]), "options": options,
        "checkpoints": rows, "last_at_other_localizations": ladder, "cpu_seconds": time.process_time() - began,
    }  # fmt: skip
    return document


def draw(document: dict[str, Any]) -> str:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    from germ.claim import Estimate, Provenance
    from germ.plots import plot_llc_over_checkpoints

    settings = {"svg.hashsalt": "germ", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(5.2, 4.4), layout="constrained")
        axes = figure.subplots(2, 1, height_ratios=[3, 2], sharex=True)
        rows = document["checkpoints"]
        results = [Estimate(row["value"], row["standard_error"], Provenance("real.json")) for row in rows]
        losses = {key: [row[key] for row in rows] for key in ("training", "test")}
        plot_llc_over_checkpoints([row["step"] for row in rows], results, losses=losses, axes=axes)
        axes[0].set_title(document["title"], fontsize="medium")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(RUNS), help="one network")
    parser.add_argument("--draws", type=int, help="fewer draws: quick, nothing is written")
    parser.add_argument("--figures", action="store_true", help="draw the figures again from real.json, compute nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    path = FOLDER / "real.json"
    if arguments.figures:
        for name, document in json.loads(path.read_text("utf-8")).items():
            (FOLDER / f"real-{name}.svg").write_text(draw(document), "utf-8")
        return
    for name in [arguments.only] if arguments.only else RUNS:
        document = perform(name, RUNS[name], arguments.draws)
        print(f"{name}: {document['parameters']:,} parameters, {document['cpu_seconds']:.0f} s of one core", flush=True)
        if arguments.draws is None:
            FOLDER.mkdir(exist_ok=True)
            known = json.loads(path.read_text("utf-8")) if path.exists() else {}
            order = {key: (known | {name: document})[key] for key in RUNS if key in known or key == name}
            path.write_text(json.dumps(order, indent=1, ensure_ascii=False, default=_plain) + "\n", "utf-8")
            (FOLDER / f"real-{name}.svg").write_text(draw(document), "utf-8")


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else float(value)


if __name__ == "__main__":
    main()
