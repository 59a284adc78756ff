"""`germ tour`: networks whose learning coefficient is known, estimated, in one self-contained HTML report."""

from __future__ import annotations

import base64
import html
import io
import itertools
from pathlib import Path

import typer


def tour(report: Path = typer.Option(Path("germ-tour.html"), help="Where the report goes."), seed: int = typer.Option(0)) -> None:
    """Estimate three networks with known λ and write a report."""
    import matplotlib

    matplotlib.use("agg")
    import torch
    from matplotlib.figure import Figure
    from torch import nn

    from germ import estimate_learning_coefficient

    def loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2

    generator = torch.Generator().manual_seed(seed)
    rows, n = [], 1000
    for name, widths, rank, known in (
        ("regular: linear regression 6 → 4", [6, 4], 4, "12"),
        ("reduced rank regression 6 → 4 → 6 at rank 2", [6, 4, 6], 2, "27/2"),
        ("linear network 4 → 4 → 4 → 4 at rank 1", [4, 4, 4, 4], 1, None),
    ):
        network = nn.Sequential(*[nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)])
        with torch.no_grad():
            for layer in network:
                out, into = layer.weight.shape  # type: ignore[union-attr, misc]
                factors = torch.randn(out, rank, generator=generator), torch.randn(rank, into, generator=generator)
                layer.weight.copy_(factors[0] @ factors[1] / (rank * into) ** 0.5)  # type: ignore[union-attr, operator]
            x = torch.randn(n, widths[0], generator=generator)
            y = network(x) + 0.5 * torch.randn(n, widths[-1], generator=generator)
        result = estimate_learning_coefficient(network, loss, (x, y), seed=seed, budget=25)
        print(f"{name}: {str(result).splitlines()[0]}" + (f"; known λ = {known}" if known else ""))
        figure = Figure(figsize=(6, 3), layout="constrained")
        axes = figure.subplots()
        if result.trace is not None:
            ladder = result.trace["ladder"]
            axes.semilogx(
                ladder["nbeta"],
                ladder["mean_excess"].mean([d for d in ladder["mean_excess"].dims if d != "nbeta"]) + result.diagnostics["rank"] / 2,
                ".-",
            )
        axes.axhspan(result.value - 2 * result.standard_error, result.value + 2 * result.standard_error, alpha=0.3)
        axes.set(xlabel="inverse temperature nβ", ylabel="nβ E[K]", title=name)
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        rows.append(
            f"<h2>{html.escape(name)}</h2><pre>{html.escape(str(result))}</pre>{'<p>known λ = ' + known + '</p>' if known else ''}"
            f'<img alt="nβ E[K] against nβ" src="data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}">'
        )
    report.write_text(f"<!doctype html><html lang=en><meta charset=utf-8><title>germ tour</title><h1>germ tour</h1>{''.join(rows)}</html>")
    print(f"report: {report.resolve()}")
