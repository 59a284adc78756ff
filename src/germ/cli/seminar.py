"""`germ seminar`: list, show and search talks, run what they are about, export, build the site."""

from __future__ import annotations

import datetime
import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from germ.errors import InputError, SeminarError

if TYPE_CHECKING:
    from germ.seminar.catalogue import Catalogue, Talk

seminar = typer.Typer(no_args_is_help=True, help="The seminar: talks that run.")

CatalogueOption = Annotated[Path | None, typer.Option("--catalogue", help="a catalogue (.yaml) or page (.md) instead of the seminar's own")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]
TodayOption = Annotated[str | None, typer.Option("--today", metavar="DATE", help="the day that divides past from upcoming")]
ResultsOption = Annotated[Path | None, typer.Option("--results", help="where results of experiments are kept (default: build/seminar)")]


def _load(path: Path | None) -> Catalogue:
    from germ.seminar.catalogue import load_catalogue

    return load_catalogue(path)


def _read_day(text: str | None) -> datetime.date | None:
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a date", "year-month-day, such as 2023-03-14") from None


def _today(text: str | None) -> datetime.date:
    from zoneinfo import ZoneInfo

    return _read_day(text) or datetime.datetime.now(ZoneInfo("Australia/Melbourne")).date()


def _to_plain(talk: Talk, today: datetime.date) -> dict[str, Any]:
    from dataclasses import asdict

    document = {k: v for k, v in asdict(talk).items() if v not in ("", (), {}, None)} | {"date": talk.date.isoformat()}
    return document | {"title": talk.title, "speakers": list(talk.speakers), "upcoming": talk.is_upcoming(today), "pocket": talk.pocket}


def _print_talks(talks: list[Talk], today: datetime.date, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_to_plain(t, today) for t in talks], ensure_ascii=False))
        return
    width = max((len(", ".join(t.current_speakers)) for t in talks), default=0)
    for talk in talks:
        mark = "upcoming  " if talk.is_upcoming(today) else ""
        typer.echo(f"{talk.id:<11}  {talk.area:<3}  {', '.join(talk.current_speakers):<{width}}  {mark}{talk.current_title}")
    typer.echo(f"{len(talks)} talk{'s' if len(talks) != 1 else ''}")


@seminar.command("list")
def list_talks(
    speaker: Annotated[str | None, typer.Option(help="part of a speaker's name")] = None,
    year: Annotated[int | None, typer.Option(help="the year")] = None,
    area: Annotated[str | None, typer.Option(help="A0 to A12")] = None,
    upcoming: Annotated[bool, typer.Option("--upcoming", help="only talks that have yet to take place")] = False,
    today: TodayOption = None,
    as_json: JsonOption = False,
    catalogue: CatalogueOption = None,
) -> None:
    """List talks."""
    from germ.seminar.catalogue import select_talks

    day = _today(today)
    found = select_talks(_load(catalogue), speaker=speaker, year=year, area=area, upcoming=day if upcoming else None)
    _print_talks(found, day, as_json)


@seminar.command()
def search(words: list[str], today: TodayOption = None, as_json: JsonOption = False, catalogue: CatalogueOption = None) -> None:
    """Talks in which all the words occur: title, speakers, subject, series, area, references."""
    from germ.seminar.catalogue import search_talks

    _print_talks(search_talks(_load(catalogue), words), _today(today), as_json)


@seminar.command()
def show(talk_id: Annotated[str, typer.Argument(metavar="ID")], as_json: JsonOption = False, catalogue: CatalogueOption = None) -> None:
    """Everything that is known about one talk."""
    from germ.seminar.experiment import NotYet, find_experiment, read_essay

    found = _load(catalogue)
    talk = found.find_talk(talk_id)
    if as_json:
        typer.echo(json.dumps(_to_plain(talk, _today(None)), ensure_ascii=False))
        return
    titles = {x.id: x.title for x in (*found.areas, *found.series)}
    titles |= {r.id: r.title for r in found.references} | {t.id: t.current_title for t in found.talks}
    typer.echo(talk.current_title)
    rows = {
        "speakers": ", ".join(talk.current_speakers), "date": f"{talk.date:%A} {talk.date}",
        "first title": talk.title if talk.later.title else "",
        "first speakers": ", ".join(talk.speakers) if talk.later.speakers else "", "session": talk.session, "kind": talk.kind,
        "area": f"{talk.area} {titles.get(talk.area, '')}".strip(), "series": titles.get(talk.series, ""), "subject": talk.subject,
        "pocket": talk.pocket, "cross-posted": talk.cross_posted_from.name if talk.cross_posted_from else "",
        "see first": "; ".join(f"{i} {titles[i]}" for i in talk.prerequisites), "references": "; ".join(titles[i] for i in talk.references),
        **{f"{kind} link": url for kind, url in talk.current_links.items()},
    }  # fmt: skip
    for name, value in rows.items():
        if value:
            typer.echo(f"  {name:<15} {value}")
    try:
        entry = find_experiment(talk.id)
    except SeminarError:
        return  # a talk of somebody's own catalogue
    for text in read_essay(talk.id):
        typer.echo("")
        typer.echo(textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  "))
    if isinstance(entry, str):
        typer.echo("")
    state = (
        f"germ seminar run {talk.id}"
        if isinstance(entry, str)
        else f"not yet: {entry.capability}"
        if isinstance(entry, NotYet)
        else entry.reason
    )
    typer.echo(f"  {'experiment' if isinstance(entry, str) else 'no experiment':<15} {state}")


@seminar.command()
def run(
    talk_id: Annotated[str, typer.Argument(metavar="ID", help="the id of a talk, or `all`")],
    size: Annotated[str, typer.Option(help="small (seconds) or full")] = "small",
    seed: Annotated[int, typer.Option(help="seed of all randomness")] = 0,
    output: Annotated[Path | None, typer.Option(help="folder for figures and results (default: build/seminar)")] = None,
    jobs: Annotated[int, typer.Option(help="processes, for `all`", min=1, max=64)] = 2,
    as_json: JsonOption = False,
) -> None:
    """Run what a talk is about; exit 1 when a claim fails."""
    from germ.seminar.experiment import SIZES, NotYet, Run, find_experiment, run_experiment
    from germ.seminar.results import DEFAULT_RESULTS, prepare_folder, save_run, to_document

    if size not in SIZES:
        raise InputError(f"the size {size!r}", f"one of {', '.join(SIZES)}")
    folder = output or DEFAULT_RESULTS
    if talk_id == "all" or isinstance(find_experiment(_load(None).find_talk(talk_id).id), str):
        prepare_folder(folder)
    if talk_id == "all":
        _run_all(size, seed, folder, jobs, as_json)
        return
    found = run_experiment(talk_id, size, seed)  # type: ignore[arg-type]
    if not isinstance(found, Run):
        kind, why = ("not yet", found.capability) if isinstance(found, NotYet) else ("nothing to compute", found.reason)
        typer.echo(
            json.dumps({"talk": talk_id, "status": kind, "reason": why}, ensure_ascii=False) if as_json else f"{talk_id}: {kind}: {why}"
        )
        return
    files = save_run(found, folder)
    if as_json:
        typer.echo(json.dumps(to_document(found) | {"files": list(map(str, files))}, ensure_ascii=False))
    else:
        _print_run(to_document(found))
        typer.echo("\n".join(f"wrote {path}" for path in files))
    if not found.passed:
        raise typer.Exit(1)


def _run_all(size: str, seed: int, folder: Path, jobs: int, as_json: bool) -> None:
    from germ.seminar.experiment import NotYet
    from germ.seminar.experiments import EXPERIMENTS
    from germ.seminar.results import run_all

    documents = []
    counts = {"passed": 0, "failed": 0, "not yet": 0, "nothing to compute": 0, "claims": 0, "failed claims": 0}
    for talk_id, found in run_all(EXPERIMENTS, size, seed, folder, jobs):  # type: ignore[arg-type]
        if not isinstance(found, dict):
            counts["not yet" if isinstance(found, NotYet) else "nothing to compute"] += 1
            continue
        failed = [claim for claim in found["claims"] if not claim["passed"]]
        counts["failed" if failed else "passed"] += 1
        counts["claims"] += len(found["claims"])
        counts["failed claims"] += len(failed)
        documents.append(found)
        if not as_json:
            verdict, seconds = "FAIL" if failed else "pass", found["seconds"]
            typer.echo(f"{talk_id:<11}  {verdict}  {len(found['claims']):>2} claims  {seconds:>6.1f} s  {found['summary']}")
            for claim in failed:
                typer.echo(f"    {claim['statement']}: expected {claim['expected']}, computed {claim['computed']} ({claim['error']})")
    if as_json:
        typer.echo(json.dumps({"counts": counts, "runs": documents}, ensure_ascii=False))
    else:
        typer.echo(", ".join(f"{number} {name}" for name, number in counts.items()))
    if counts["failed"]:
        raise typer.Exit(1)


def _print_run(document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title_justify="left", title=f"{document['talk']}: {document['summary']}")
    for name in ("verdict", "claim", "expected", "computed", "error", "source"):
        table.add_column(name, overflow="fold")
    for claim in document["claims"]:
        row = ("statement", "expected", "computed", "error", "source")
        table.add_row("pass" if claim["passed"] else "FAIL", *(_plain(claim[key]) for key in row))
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for note in document["notes"]:
        console.print(note)
    failed = sum(not claim["passed"] for claim in document["claims"])
    console.print(
        f"{len(document['claims'])} claims, {failed} failed; size {document['size']}, seed {document['seed']}, {document['seconds']} s"
    )


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


@seminar.command()
def add(
    date: Annotated[str, typer.Option(help="year-month-day")],
    title: Annotated[str, typer.Option(help="the title")],
    speaker: Annotated[list[str] | None, typer.Option(help="a speaker; may be repeated")] = None,
    link: Annotated[list[str] | None, typer.Option(help="KIND=ADDRESS; may be repeated")] = None,
    area: Annotated[str, typer.Option(help="A0 to A12")] = "",
    series: Annotated[str, typer.Option(help="id of a series")] = "",
    any_weekday: Annotated[bool, typer.Option("--any-weekday", help="accept a day that is not the seminar's")] = False,
    catalogue: CatalogueOption = None,
) -> None:
    """Add a talk to the catalogue's file."""
    from germ.seminar.catalogue import DEFAULT_CATALOGUE
    from germ.seminar.edit import add_talk

    day = _read_day(date)
    assert day is not None
    pairs = [item.partition("=") for item in link or []]
    if bad := [item for item, (kind, _, url) in zip(link or [], pairs, strict=True) if not kind or not url]:
        raise InputError(f"the link {bad[0]!r}", "KIND=ADDRESS, such as video=https://youtu.be/…")
    path = catalogue or DEFAULT_CATALOGUE
    links = {kind: url for kind, _, url in pairs}
    talk = add_talk(path, day, title, speaker or (), links=links, area=area, series=series, any_weekday=any_weekday)
    typer.echo(f"added {talk.id} to {path}")


@seminar.command("import")
def import_page(
    page: Path,
    any_weekday: Annotated[bool, typer.Option("--any-weekday", help="accept talks on any day")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read a Markdown page of the seminar; print what it has (--json: everything)."""
    from germ.seminar.catalogue import to_plain
    from germ.seminar.page_import import count_links, import_page

    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SeminarError(f"cannot read {page}: {error}", "a Markdown page in UTF-8") from None
    found = import_page(text, page.name, any_weekday=any_weekday)
    if as_json:
        typer.echo(json.dumps(to_plain(found), ensure_ascii=False, indent=1))
    else:
        typer.echo(", ".join(f"{number} {name}" for name, number in count_links(found).items()))


@seminar.command()
def export(
    format: Annotated[str, typer.Option(help="md, ics, rss, atom, json or bibtex")],
    today: TodayOption = None,
    later: Annotated[bool, typer.Option("--later", help="md: newest titles, speakers and links, and talks after March 2023")] = False,
    catalogue: CatalogueOption = None,
) -> None:
    """Print the catalogue in another format."""
    from germ.seminar import feeds
    from germ.seminar.catalogue import to_plain
    from germ.seminar.page_export import export_page

    found, day = _load(catalogue), _read_day(today)
    formats = {
        "md": lambda: export_page(found, today=day, later=later),
        "ics": lambda: feeds.export_ics(found),
        "rss": lambda: feeds.export_rss(found),
        "atom": lambda: feeds.export_atom(found),
        "json": lambda: json.dumps(to_plain(found), ensure_ascii=False, indent=1) + "\n",
        "bibtex": lambda: feeds.export_bibtex(found),
    }
    if format not in formats:
        raise InputError(f"the format {format!r}", f"one of {', '.join(formats)}")
    sys.stdout.buffer.write(formats[format]().encode())  # bytes: the calendar's line ends are CRLF on every system


@seminar.command()
def site(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="absent, empty, or a site built before")],
    results: ResultsOption = None,
    today: TodayOption = None,
    catalogue: CatalogueOption = None,
) -> None:
    """Build the static site from the catalogue and the stored results; runs no experiment."""
    from germ.seminar.results import DEFAULT_RESULTS
    from germ.seminar.site.build import build_site

    counts = build_site(_load(catalogue), folder, today=_today(today), results=results or DEFAULT_RESULTS).counts
    typer.echo(
        f"{counts.talks} talks, {counts.green} run green with {counts.claims_held} claims, {counts.failed} failed, {counts.unrun} not run"
    )
    typer.echo(f"open {(folder / 'index.html').resolve()}")


@seminar.command()
def serve(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the site; built if it is not there")] = Path("build/site"),
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0 takes a free one", min=0, max=65535)] = 8377,
    results: ResultsOption = None,
    catalogue: CatalogueOption = None,
) -> None:
    """Serve the site on this machine, with the page that computes what you type. Ends with Ctrl-C."""
    from germ.seminar.results import DEFAULT_RESULTS
    from germ.seminar.server import SiteServer, WorkerPool
    from germ.seminar.site.build import MARK, build_site

    if not (folder / MARK).is_file():
        build_site(_load(catalogue), folder, today=_today(None), results=results or DEFAULT_RESULTS)
    with SiteServer(folder, port, WorkerPool()) as server:
        typer.echo(f"serving {folder} at {server.address}polynomial.html (Ctrl-C ends)")
        server.serve_forever()
