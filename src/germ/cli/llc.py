"""`germ llc`: the learning coefficient of the network that a run file describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Value = Annotated[float | None, typer.Option()]
Count = Annotated[int | None, typer.Option()]
Text = Annotated[str | None, typer.Option()]


def llc(
    run: Annotated[Path, typer.Argument(help="run file (TOML): model, checkpoint, data, loss, [model_arguments], [options]")],
    model: Annotated[str | None, typer.Option(help='"module:factory"')] = None,
    checkpoint: Annotated[str | None, typer.Option(help="safetensors, or a state dict without other pickles")] = None,
    data: Annotated[str | None, typer.Option(help='.npz, .safetensors, .pt, or "module:function"')] = None,
    loss: Annotated[str | None, typer.Option(help='cross_entropy, squared_error, mean_squared_error, or "module:function"')] = None,
    seed: Annotated[int | None, typer.Option(help="seed of all randomness")] = None,
    precision: Annotated[float | None, typer.Option(help="relative standard error at which sampling stops")] = None,
    budget: Annotated[float | None, typer.Option(help="seconds after which it stops")] = None,
    parameters: Annotated[list[str] | None, typer.Option(help="names or patterns of what moves; repeat for several")] = None,
    method: Annotated[str | None, typer.Option(help="auto, ladder or chains")] = None,
    kernel: Text = None,
    nbeta: Value = None,
    localization: Value = None,
    step_size: Value = None,
    batch_size: Count = None,
    chains: Count = None,
    draws: Count = None,
    burn_in: Count = None,
    trace: Annotated[str | None, typer.Option(help="folder of draws, from which an interrupted run goes on")] = None,
    on_failure: Text = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """The local learning coefficient of a trained network, with an error bar.

    A run file:

        model = "networks:make_model"

        checkpoint = "model.safetensors"

        data = "data.npz"

        loss = "cross_entropy"
    """
    given = {key: value for key, value in locals().items() if value is not None and key not in ("run", "as_json")}
    from germ.claim import Estimate, to_json
    from germ.estimators.learning_coefficient import estimate_learning_coefficient
    from germ.estimators.run_file import load_run, read_run_file

    described = read_run_file(run, given)
    options = dict(described.options)
    if "trace" in options and "trace" not in given:
        options["trace"] = str(described.folder / options["trace"])
    network, function, samples = load_run(described)
    with _Bar() as bar:
        result = estimate_learning_coefficient(network, function, samples, progress=bar, **options)
    typer.echo(json.dumps(to_json(result), ensure_ascii=False) if as_json else str(result))
    if isinstance(result, Estimate) and not result.value == result.value:  # nan, with on_failure = "return"
        raise typer.Exit(1)


class _Bar:
    """A progress bar on standard error with the running estimate; silent where that is no terminal."""

    def __enter__(self) -> _Bar:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeElapsedColumn()
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("sampling", total=1.0)
        self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()

    def __call__(self, state: dict[str, float]) -> None:
        from germ.claim import format_with_error

        text = f"λ̂ = {format_with_error(state['value'], state['standard_error'])}"
        self._bar.update(self._task, completed=state["done"], description=text)
