"""`germ rlct`: λ and m of a polynomial, an ideal or a germ on a domain, exactly."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def rlct(
    expressions: Annotated[list[str], typer.Argument(help="K; with --ideal the generators f_i, for K = Σ f_i²")],
    ideal: Annotated[bool, typer.Option("--ideal", help="the arguments are generators of an ideal")] = False,
    at: Annotated[str | None, typer.Option(help='base point, e.g. "0,1/2" or "x=sqrt(2), y=0"; the origin by default')] = None,
    domain: Annotated[str | None, typer.Option(help='inequalities separated by ";", e.g. "x>=0; y<=x^2"')] = None,
    prior: Annotated[str | None, typer.Option(help='density up to a positive factor, e.g. "abs(y)**(1/2)"')] = None,
    box: Annotated[str | None, typer.Option(help='box "low:high,…": the least λ over it (with --at: a domain)')] = None,
    everywhere: Annotated[bool, typer.Option("--global", help="the least λ over the whole domain")] = False,
    seconds: Annotated[float, typer.Option("--budget", help="seconds after which bounds are printed")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """The learning coefficient λ and its multiplicity m, with proof: vol{K < ε} ~ c ε^λ (-log ε)^(m-1)."""
    from germ.algebra.rlct import compute_rlct
    from germ.claim import to_json
    from germ.errors import InputError

    if len(expressions) > 1 and not ideal:
        raise InputError(f"{len(expressions)} expressions", "one K", "add --ideal for K = Σ f_i² of several generators")
    subject = expressions if ideal else expressions[0]
    answer = compute_rlct(subject, at=at, domain=domain, prior=prior, box=box, everywhere=everywhere, budget=seconds)
    typer.echo(json.dumps(to_json(answer)) if as_json else str(answer))


__all__ = ["rlct"]
