"""`germ compare`: one problem, every road to its λ."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from germ.errors import InputError


def compare(
    context: typer.Context,
    problem: Annotated[str | None, typer.Argument(help='a family of the zoo, or "module:factory" for a Problem of your own')] = None,
    roads: Annotated[str | None, typer.Option(help="roads to walk, separated by commas; all by default")] = None,
    budget: Annotated[float, typer.Option(help="seconds for all roads, about")] = 60.0,
    seed: Annotated[int, typer.Option(help="seed of all sampling")] = 0,
    plot: Annotated[Path | None, typer.Option(help="write a figure to this file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="list the families of the zoo and their options")] = False,
) -> None:
    """Walk every road to a problem's learning coefficient: proof, atlas, volume, samples. Exit code 1 if roads disagree.

    Options of the family follow its name: `germ compare tanh --hidden 3`, `germ compare dln --widths 2,2,2 --rank 1`.
    """
    if show_list:
        _print_list(as_json)
        return
    if problem is None:
        raise InputError("no problem", 'a family of the zoo or "module:factory"', "germ compare --list shows the families")
    builder = _find_builder(problem)
    built = builder(**read_options(problem, builder, context.args))
    from germ.roads.compare import compare as compare_roads

    found = compare_roads(built, roads=None if roads is None else [r.strip() for r in roads.split(",")], seed=seed, budget=budget)
    if plot is not None:
        from germ.plots.roads import plot_roads

        plot_roads(found).figure.savefig(plot)
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        found.print()
    if not found.agree:
        raise typer.Exit(1)


def _find_builder(name: str) -> Callable[..., Any]:
    from germ.problems import get_builder

    module, colon, factory = name.partition(":")
    if not colon:
        return get_builder(name)
    sys.path.insert(0, "")
    try:
        found = getattr(import_module(module), factory)
    except ImportError as error:
        raise InputError(f"the module {module!r}: {error}", "a module that can be imported from here", "check the name") from error
    except AttributeError:
        raise InputError(f"{module!r} has no {factory!r}", "a function that returns a Problem", "write module:function") from None
    finally:
        sys.path.remove("")
    return found if callable(found) else lambda: found


def _print_list(as_json: bool) -> None:
    from germ.problems import BUILDERS, get_builder

    rows = {name: {o: _plain(p.default) for o, p in _get_options(get_builder(name)).items()} for name in BUILDERS}
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for name, options in rows.items():
        words = " ".join(f"--{o.replace('_', '-')}" + ("" if v is None else f" {_show(v)}") for o, v in options.items())
        typer.echo(f"{name:<17} {words}")


def _plain(value: Any) -> Any:
    return None if value is inspect.Parameter.empty else list(value) if isinstance(value, tuple) else value


def _show(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)


def _get_options(builder: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The builder's parameters that can be written on a command line."""
    try:
        parameters = inspect.signature(builder, eval_str=False).parameters
    except ValueError:
        return {}
    return {name: p for name, p in parameters.items() if _get_reader(p) is not None}


def read_options(family: str, builder: Callable[..., Any], words: list[str]) -> dict[str, Any]:
    """Read `--name value` and `--name=value` by the annotations of the builder; a flag may stand alone.

    Args:
        family: Its name, for messages.
        builder: The function that the options are for.
        words: The rest of the command line.

    Returns:
        Arguments of the builder.

    Raises:
        InputError: For unknown options, values that cannot be read, or options that are missing.
    """
    known = _get_options(builder)
    hint = f"the options of {family}: {', '.join('--' + n.replace('_', '-') for n in known) or 'none'}"
    given: dict[str, Any] = {}
    words = list(words)
    while words:
        word = words.pop(0)
        name, equals, text = word.removeprefix("--").partition("=")
        key = name.replace("-", "_")
        if not word.startswith("--") or key not in known:
            raise InputError(f"{word!r} is not an option of {family}", hint, "germ compare --list shows all of them")
        if key in given:
            raise InputError(f"--{name} is given twice", "each option once", hint)
        if not equals:
            flag = "bool" in str(known[key].annotation)
            if words and not words[0].startswith("--") and not (flag and words[0].lower() not in ("true", "false")):
                text = words.pop(0)
            elif flag:
                text = "true"
            else:
                raise InputError(f"--{name} has no value", hint)
        reader = _get_reader(known[key])
        assert reader is not None
        try:
            given[key] = reader(text)
        except ValueError:
            raise InputError(f"--{name} {text!r}", f"a value of the kind {known[key].annotation}", hint) from None
    missing = [n for n, p in known.items() if p.default is inspect.Parameter.empty and n not in given and p.kind is not p.VAR_KEYWORD]
    if missing:
        raise InputError(f"no --{missing[0].replace('_', '-')} for {family}", "a value", hint)
    return given


def _get_reader(parameter: inspect.Parameter) -> Callable[[str], Any] | None:
    """How a text becomes a value of the annotated kind; None for kinds that have no text form."""
    if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
        return None
    text = parameter.annotation if isinstance(parameter.annotation, str) else getattr(parameter.annotation, "__name__", "")
    text = text.replace(" | None", "").replace("None | ", "")
    if text == "str | Sequence[str]":
        return str
    if text.startswith("Sequence["):
        inner = {"int": int, "float": float, "str": str}.get(text[9:-1])
        return None if inner is None else lambda value: [inner(part.strip()) for part in value.split(",")]
    if text == "bool":
        return _read_flag
    if text == "int":
        return int
    if text == "float":
        return float
    if text == "str" or parameter.annotation is inspect.Parameter.empty:
        return str
    return None


def _read_flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"
