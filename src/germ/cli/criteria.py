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
    seed: Annotated[int, typer.Option(help="seed of the perturbations behind the error bar of ν")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """WAIC, cross-validation losses, training losses and the singular fluctuation of a sampled posterior (nats per sample)."""
    from germ.claim import Claim, NotApplicable, Provenance, to_json
    from germ.errors import InputError, MissingDependencyError
    from germ.estimators.leave_one_out import estimate_iscv, estimate_loo
    from germ.estimators.pointwise import get_summary
    from germ.estimators.singular_fluctuation import estimate_singular_fluctuation
    from germ.estimators.waic import estimate_waic

    if not 0 < chunk_mib < 2**30:
        raise InputError(f"got --chunk-mib {chunk_mib}", "a positive number of MiB", "leave it out for the default, 64")
    chosen = variable[0] if variable and len(variable) == 1 else variable or None
    summary = get_summary(posterior, chosen, combine, int(chunk_mib * 2**20))  # type: ignore[arg-type]
    claims: dict[str, Claim] = {"waic": estimate_waic(summary, beta=beta)}
    if beta == 1:  # the posterior without an observation has weights 1/p only at β = 1
        claims["iscv"] = estimate_iscv(summary)
        try:
            claims["loo"] = estimate_loo(summary)
        except MissingDependencyError as error:
            claims["loo"] = NotApplicable("ArviZ is installed", str(error), Provenance("PSIS-LOO"))
    nu = claims["nu"] = estimate_singular_fluctuation(summary, beta=beta, seed=seed)
    if as_json:
        document = {"kind": "criteria", "n": summary.observations, "draws": summary.samples}
        typer.echo(json.dumps(document | {name: to_json(claim) for name, claim in claims.items()}))
        return
    for claim in claims.values():
        typer.echo(str(claim))
    typer.echo(f"training loss: Bayes {nu.diagnostics['bayes_training']:.5g}, Gibbs {nu.diagnostics['gibbs_training']:.5g} nats per sample")
