"""`germ atlas`: list, show and evaluate families of known learning coefficients, and re-derive them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from germ.errors import InputError

atlas = typer.Typer(help="Known learning coefficients: list, show, value, verify.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@atlas.command("list")
def list_(as_json: Json = False) -> None:
    """All families, one line each."""
    from germ.atlas import list_families, load_family

    entries = [load_family(name) for name in list_families()]
    if as_json:
        rows = [
            {"id": e.id, "title": e.title, "kind": e.kind, "reliability": e.reliability, "inputs": [i.name for i in e.inputs]}
            for e in entries
        ]
        typer.echo(json.dumps({"kind": "atlas", "families": rows}, ensure_ascii=False))
        return
    width = max(len(e.id) for e in entries)
    for e in entries:
        options = " ".join(f"[--{i.name}]" if i.optional else f"--{i.name}" for i in e.inputs)
        typer.echo(f"{e.id:<{width}}  {e.kind:<11} {e.reliability:<22} {e.title}{'  ' + options if options else ''}")


@atlas.command()
def show(family: Annotated[str, typer.Argument(help="name of the family")], as_json: Json = False) -> None:
    """Everything that the atlas says about one family."""
    from germ.atlas import load_family
    from germ.atlas.page import describe_family, family_to_json

    entry = load_family(family)
    typer.echo(json.dumps(family_to_json(entry), ensure_ascii=False) if as_json else describe_family(entry))


@atlas.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def value(
    context: typer.Context,
    family: Annotated[str, typer.Argument(help="name of the family; `germ atlas show FAMILY` lists its inputs")],
    inputs: Annotated[str | None, typer.Option(help='all inputs as JSON, e.g. \'{"widths": [2, 2, 2], "r": 0}\'')] = None,
    as_json: Json = False,
) -> None:
    """λ and m of a family, with source and reliability: `germ atlas value dln --widths 10,10,10,10 --r 5`.

    The options are the inputs of the family. Lists are separated by commas, lists of lists by semicolons ("1,0;0,2"); JSON works too.
    """
    from germ.atlas import compute_value
    from germ.claim import to_json

    claim = compute_value(family, **_read_inputs(family, inputs, context.args))
    if as_json:
        typer.echo(json.dumps(to_json(claim), ensure_ascii=False))
        return
    typer.echo(str(claim))
    typer.echo(f"  source: {claim.provenance.source}\n  reliability: {claim.provenance.reliability}")


def _read_inputs(family: str, document: str | None, words: list[str]) -> dict[str, Any]:
    """Inputs from --inputs JSON and from options `--name value` or `--name=value`; a boolean may stand alone."""
    from germ.atlas import load_family

    known = {i.name: i for i in load_family(family).inputs}
    hint = f"the inputs of {family}: {', '.join('--' + name for name in known) or 'none'}"
    given: dict[str, Any] = {}
    if document is not None:
        try:
            given = json.loads(document, parse_float=str)
        except (ValueError, RecursionError) as error:
            raise InputError(f"--inputs {document[:80]!r}: {error}", "a JSON object", hint) from None
        if not isinstance(given, dict):
            raise InputError(f"--inputs is a {type(given).__name__}", "a JSON object", hint)
    words = list(words)
    while words:
        word = words.pop(0)
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in known:
            raise InputError(f"{word!r} is not an input of {family}", hint, f"see `germ atlas show {family}`")
        if name in given:
            raise InputError(f"--{name} is given twice", "each input once", hint)
        if not equals:
            if words and not words[0].startswith("--"):
                text = words.pop(0)
            elif known[name].kind == "boolean":
                text = "true"
            else:
                raise InputError(f"--{name} has no value", known[name].describe(), hint)
        given[name] = known[name].parse(text)
    return given


@atlas.command()
def verify(
    family: Annotated[str | None, typer.Argument(help="only the checks of one family")] = None,
    slow: Annotated[bool, typer.Option("--slow", help="the slow tier too")] = False,
    as_json: Json = False,
) -> None:
    """Re-derive what can be re-derived; exit code 1 if a check fails."""
    from germ.atlas.verify import verify_atlas

    extra: tuple[Any, ...] = ()
    if slow:  # volumes need torch, which the atlas itself does not
        from germ.roads.atlas_checks import CHECKS

        extra = CHECKS
    report = verify_atlas(slow=slow, family=family, extra=extra)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        typer.echo(str(report))
    if not report.passed:
        raise typer.Exit(1)
