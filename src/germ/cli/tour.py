"""`germ tour`: what germ does, in two minutes, on one self-contained HTML page."""

from __future__ import annotations

import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer


def tour(
    out: Annotated[Path, typer.Option("--out", "-o", help="where the report goes")] = Path("germ-tour.html"),
    seed: Annotated[int, typer.Option(help="seed of all randomness")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="a few draws only: everything runs, with wide error bars")] = False,
) -> None:
    """Digits learned and measured, networks with known λ, a proof, a singular posterior: computed here, on one HTML page."""
    from germ.rng import check_seed

    check_seed(seed)
    _check_writable(out)
    import matplotlib

    matplotlib.use("agg")
    import torch

    from germ.tour.digits import load_digits, make_digits
    from germ.tour.known import make_known
    from germ.tour.page import write_page
    from germ.tour.posterior import make_posterior
    from germ.tour.proof import make_proof
    from germ.tour.roads import make_roads
    from germ.tour.section import FULL, QUICK

    load_digits()  # what is missing is said before anything is computed
    torch.set_num_threads(1)  # small networks run faster on one thread, and sums do not depend on the number of cores
    makers = (make_digits, make_known, make_proof, make_posterior, make_roads)
    began, sections = time.monotonic(), []
    with _Progress() as bar:
        for index, make in enumerate(makers):
            start = time.monotonic()
            name = make.__name__.removeprefix("make_")
            section = make(QUICK if quick else FULL, seed, partial(bar.show, name, index, len(makers)))
            bar.say(f"{index + 1}/{len(makers)} {section.title} ({time.monotonic() - start:.0f} s)\n    {section.finding}")
            sections.append(section)
    _replace(out, write_page(sections, seed))
    typer.echo(f"report, after {time.monotonic() - began:.0f} s: {out.resolve()}")


def _check_writable(path: Path) -> None:
    """Refuse a path that cannot be written, before anything is computed."""
    from germ.errors import InputError

    remedy = "choose another with --out"
    if path.is_dir():
        raise InputError(f"{path} is a folder", "the path of a file, such as germ-tour.html", remedy)
    if not path.resolve().parent.is_dir():
        raise InputError(f"there is no folder {path.resolve().parent}", "a path in a folder that exists", f"create it, or {remedy}")
    try:
        if path.exists():
            path.open("ab").close()
        tempfile.TemporaryFile(dir=path.resolve().parent).close()
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", "a path that can be written", remedy) from None


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    from germ.errors import InputError

    temporary = path.resolve().with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", "a disk with room for it", "choose another with --out") from None
    finally:
        temporary.unlink(missing_ok=True)


class _Progress:
    """A bar on standard error where that is a terminal; findings on standard output as they come."""

    def __enter__(self) -> _Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeElapsedColumn()
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("germ tour", total=1.0)
        self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()

    def show(self, name: str, index: int, count: int, share: float) -> None:
        self._bar.update(self._task, description=name, completed=(index + share) / count)

    def say(self, text: str) -> None:
        typer.echo(text)
