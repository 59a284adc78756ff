"""Add a talk to a catalogue file, leaving everything else in the file as it was."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from germ.errors import SeminarError
from germ.seminar.catalogue import LINK_KINDS, WEEKDAYS, Talk
from germ.seminar.document import read_document
from germ.seminar.schema import check_weekday, read_catalogue


def add_talk(
    path: Path, date: datetime.date, title: str, speakers: Sequence[str] = (), *, links: Mapping[str, str] | None = None,
    area: str = "", series: str = "", any_weekday: bool = False,
) -> Talk:  # fmt: skip
    """Append a talk, and its speakers where they are new, to a YAML catalogue.

    Args:
        path: The catalogue.
        date: The day.
        title: The title.
        speakers: Names.
        links: Kind to web address.
        area: Id of an area, or "".
        series: Id of a series, or "".
        any_weekday: Accept a day that is not the seminar's usual one.

    Returns:
        The talk as it was read back.

    Raises:
        SeminarError: If the file cannot be written, or would not be a valid catalogue; then nothing is changed.
    """
    if path.suffix != ".yaml":
        raise SeminarError(f"cannot add to {path.name}", "a catalogue in YAML", "edit the page, or export the catalogue first")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SeminarError(f"cannot read {path}: {error}", "a catalogue (.yaml) in UTF-8") from None
    before = read_catalogue(text, path.name)
    unknown = [kind for kind in links or {} if kind not in LINK_KINDS]
    if unknown:
        raise SeminarError(f"unknown kind of link {unknown[0]!r}", f"one of {', '.join(LINK_KINDS)}")
    weekday = before.calendar.weekday
    if (problem := check_weekday(date, weekday)) and not any_weekday:
        raise SeminarError(problem, f"a {weekday}", "correct the date, or allow other days (--any-weekday)")
    if any(t.date == date and t.title == title and t.speakers == tuple(speakers) for t in before.talks):
        raise SeminarError(f"the talk {title!r} on {date} is already there", "a talk that is not in the catalogue yet")
    taken = {t.id for t in before.talks if t.date == date}
    talk_id = next(
        i for i in (f"{date}{letter}" for letter in ("" if not taken else "x", *"bcdefghijklmnop")) if i not in taken and i[-1] != "x"
    )
    entry: dict[str, object] = {"id": talk_id, "date": date.isoformat(), "speakers": list(speakers), "title": title}
    entry |= {"weekday": WEEKDAYS[date.weekday()]} if problem else {}
    entry |= {"area": area} if area else {}
    entry |= {"series": series} if series else {}
    entry |= {"links": dict(links)} if links else {}
    known = {s.name for s in before.speakers}
    new_speakers: list[dict[str, object]] = [{"name": name} for name in dict.fromkeys(speakers) if name not in known]
    text = _append(text, path.name, {"talks": [entry], "speakers": new_speakers})
    talk = read_catalogue(text, path.name).find_talk(talk_id)
    _replace(path, text)
    return talk


def _append(text: str, source: str, additions: Mapping[str, list[dict[str, object]]]) -> str:
    """Insert items at the ends of block lists, the last list first so that earlier positions stay right."""
    fields = read_document(text, source).read_mapping(())
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for key, items in sorted(additions.items(), key=lambda pair: fields[pair[0]].line, reverse=True):
        node = fields[key].node
        if not items:
            continue
        if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
            raise fields[key].make_error(f"cannot add to the list of {key}", "a list with one item a line, not empty")
        indent = " " * (node.value[0].start_mark.column - 2)
        last = node.value[-1]
        end = last.end_mark.line + (1 if last.end_mark.column else 0)
        while end > 0 and not lines[end - 1].strip():
            end -= 1
        lines[end:end] = [indent + line for item in items for line in _format_item(item)]
    return "".join(lines)


def _format_item(item: Mapping[str, object]) -> list[str]:
    rows = []
    for key, value in item.items():
        if isinstance(value, dict):
            rows += [f"{key}:\n", *(f"  {k}: {json.dumps(v, ensure_ascii=False)}\n" for k, v in value.items())]
        else:
            rows.append(f"{key}: {json.dumps(value, ensure_ascii=False)}\n")  # JSON strings are YAML, whatever is in them
    return ["- " + rows[0], *("  " + row for row in rows[1:])]


def _replace(path: Path, text: str) -> None:
    """Write beside the file and swap, so that a crash leaves the old one."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.chmod(name, path.stat().st_mode & 0o777)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise SeminarError(
            f"cannot write {path}: {error}", "a catalogue that you may change", "copy it, and pass --catalogue COPY"
        ) from None
