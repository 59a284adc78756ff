"""`germ criteria`: predictive criteria of a posterior on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def criteria(
    posterior: Annotated[Path, typer.Argument(help="netCDF, zarr or .npy with log-likelihoods (chain, draw, observation)")],
    variable: Annotated[list[str] | None, typer.Option("--variable", "-v", help="observed variable; repeat for several")] = None,
    combine: Annotated[str, typer.Option(help="several variables: sum, or concatenate")] = "sum",
    beta: Annotated[float, typer.Option(help="inverse temperature of the draws")] = 1.0,
    chunk_mib: Annotated[float, typer.Option(help="memory of one piece of draws, MiB")] = 64.0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """WAIC of a sampled posterior (nats per sample), with its reliability."""
    from germ.claim import to_json
    from germ.estimators.pointwise import get_summary
    from germ.estimators.waic import estimate_waic

    chosen = variable[0] if variable and len(variable) == 1 else variable or None
    summary = get_summary(posterior, chosen, combine, int(chunk_mib * 2**20))  # type: ignore[arg-type]
    claims = {"waic": estimate_waic(summary, beta=beta)}
    if as_json:
        typer.echo(json.dumps({"kind": "criteria"} | {name: to_json(claim) for name, claim in claims.items()}))
        return
    for claim in claims.values():
        typer.echo(str(claim))
