"""`germ verify`: check certificates of (λ, m) with a program that shares no code with the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def verify(
    certificates: Annotated[list[Path], typer.Argument(help="files written by germ rlct --certificate")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Check that certificates prove what they claim; exit code 2 at the first that does not."""
    from germ.checker.check import check_certificate, load_certificate

    for path in certificates:
        verdict = check_certificate(load_certificate(path))
        if as_json:
            bounds = {"lower": str(verdict.lower), "upper": None if verdict.upper is None else str(verdict.upper)}
            proved = verdict.multiplicity is not None
            body = {"kind": "exact" if proved else "bound", "lambda": bounds["lower"] if proved else None, "m": verdict.multiplicity}
            problem = {key: verdict.problem.get(key) for key in ("kind", "generators", "point", "box", "domain", "prior")}
            typer.echo(json.dumps({"file": str(path), "accepted": True} | body | bounds | {"nodes": verdict.nodes, "problem": problem}))
        else:
            generators = ", ".join(map(str, verdict.problem["generators"]))
            typer.echo(f"{path}: {verdict}\n  of {verdict.problem['kind']} {generators[:200]}")
