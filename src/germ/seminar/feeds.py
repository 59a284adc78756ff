"""The catalogue for other programs: iCalendar, RSS, Atom, BibTeX.

Everything is a function of the catalogue alone, so that two exports of the same catalogue are the same bytes; identifiers are made from
the ids of talks and never change.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from email.utils import format_datetime
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from germ.seminar.catalogue import Catalogue, Reference, Talk

# The rules in force since 2008: daylight time from the first Sunday of October to the first Sunday of April (tz database, AV).
_MELBOURNE = """BEGIN:VTIMEZONE
TZID:Australia/Melbourne
BEGIN:STANDARD
DTSTART:20080406T030000
TZOFFSETFROM:+1100
TZOFFSETTO:+1000
TZNAME:AEST
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20081005T020000
TZOFFSETFROM:+1000
TZOFFSETTO:+1100
TZNAME:AEDT
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU
END:DAYLIGHT
END:VTIMEZONE""".splitlines()


def describe_speakers(talk: Talk) -> str:
    """The speakers of a talk in words, "" where there are none."""
    return ", ".join(talk.current_speakers)


def export_ics(catalogue: Catalogue) -> str:
    """The talks as an iCalendar (RFC 5545) with CRLF line ends and folded lines.

    Args:
        catalogue: The catalogue.

    Returns:
        One VCALENDAR with the time zone's rules and an event for each talk; UIDs depend on the talk's id alone.
    """
    calendar = catalogue.calendar
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//germ//seminar//EN", "CALSCALE:GREGORIAN"]
    lines += [f"X-WR-CALNAME:{_escape_ics(catalogue.title)}", f"X-WR-TIMEZONE:{calendar.zone}", *_MELBOURNE]
    stamp = f"{calendar.updated:%Y%m%d}T000000Z"
    for talk in catalogue.talks:
        speakers = describe_speakers(talk)
        details = [f"{kind}: {url}" for kind, url in talk.current_links.items()]
        start, end = (f"{talk.date:%Y%m%d}T{t:%H%M%S}" for t in (calendar.start, calendar.end))
        lines += [
            "BEGIN:VEVENT",
            f"UID:slt-{talk.id}@germ",
            f"DTSTAMP:{stamp}",
            f"DTSTART;TZID={calendar.zone}:{start}",
            f"DTEND;TZID={calendar.zone}:{end}",
            f"SUMMARY:{_escape_ics(talk.current_title + (f' ({speakers})' if speakers else ''))}",
            f"LOCATION:{_escape_ics(calendar.venue.name)}",
        ]
        lines += [f"DESCRIPTION:{_escape_ics(chr(10).join([talk.subject, *details]).strip())}"] if talk.subject or details else []
        lines += [f"URL:{next(iter(talk.current_links.values()))}"] if talk.current_links else []
        lines.append("END:VEVENT")
    lines.append("END:VCALENDAR")
    return "".join(fold_line(line) + "\r\n" for line in lines)


def fold_line(line: str) -> str:
    r"""Fold a content line at 75 octets, never inside a character (RFC 5545, section 3.1).

    Args:
        line: The line without its end.

    Returns:
        Lines joined by CRLF and a space.

    Example:
        >>> [len(part.encode()) for part in fold_line("é" * 60).split("\r\n")]
        [74, 47]
    """
    parts, current, length = [], "", 0
    for character in line:
        size = len(character.encode())
        if length + size > 75:
            parts.append(current)
            current, length = " ", 1
        current, length = current + character, length + size
    return "\r\n".join([*parts, current])


def _escape_ics(text: str) -> str:
    escaped = re.sub(r"([\\;,])", r"\\\1", text)
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", escaped.replace("\r\n", "\n")).replace("\n", "\\n")


def _instant(catalogue: Catalogue, talk: Talk) -> datetime.datetime:
    return datetime.datetime.combine(talk.date, catalogue.calendar.start, ZoneInfo(catalogue.calendar.zone))


def _describe(talk: Talk) -> str:
    links = " · ".join(f"{kind}: {url}" for kind, url in talk.current_links.items())
    return " ".join(part for part in (f"{describe_speakers(talk)}." if talk.speakers else "", talk.subject, links) if part)


def _newest(catalogue: Catalogue) -> list[Talk]:
    return sorted(catalogue.talks, key=lambda t: (t.date, t.id), reverse=True)


def _finish(root: ElementTree.Element) -> str:
    ElementTree.indent(root, " ")
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)


def _add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, tag, attributes)
    child.text = text or None
    return child


def export_rss(catalogue: Catalogue) -> str:
    """The talks as an RSS 2.0 feed, newest first.

    Args:
        catalogue: The catalogue.

    Returns:
        XML.
    """
    root = ElementTree.Element("rss", version="2.0")
    channel = _add(root, "channel")
    _add(channel, "title", catalogue.title)
    _add(channel, "link", catalogue.calendar.home)
    _add(channel, "description", catalogue.description)
    _add(channel, "language", "en")
    for talk in _newest(catalogue):
        item = _add(channel, "item")
        _add(item, "title", talk.current_title)
        if talk.current_links:
            _add(item, "link", next(iter(talk.current_links.values())))
        _add(item, "description", _describe(talk))
        _add(item, "guid", f"slt-{talk.id}@germ", isPermaLink="false")
        _add(item, "pubDate", format_datetime(_instant(catalogue, talk)))
    return _finish(root)


def export_atom(catalogue: Catalogue) -> str:
    """The talks as an Atom feed (RFC 4287), newest first.

    Args:
        catalogue: The catalogue.

    Returns:
        XML.
    """
    root = ElementTree.Element("feed", xmlns="http://www.w3.org/2005/Atom")
    updated = f"{catalogue.calendar.updated}T00:00:00Z"
    _add(root, "title", catalogue.title)
    _add(root, "subtitle", catalogue.description)
    _add(root, "id", "urn:germ:slt-seminar")
    _add(root, "updated", updated)
    _add(root, "link", href=catalogue.calendar.home)
    for talk in _newest(catalogue):
        entry = _add(root, "entry")
        _add(entry, "title", talk.current_title)
        _add(entry, "id", f"urn:germ:slt-seminar:{talk.id}")
        _add(entry, "updated", _instant(catalogue, talk).isoformat())
        for name in talk.current_speakers or (catalogue.calendar.venue.name,):
            _add(_add(entry, "author"), "name", name)
        for kind, url in talk.current_links.items():
            _add(entry, "link", rel="alternate" if url == next(iter(talk.current_links.values())) else "related", href=url, title=kind)
        _add(entry, "summary", _describe(talk))
    return _finish(root)


def export_bibtex(catalogue: Catalogue, talks: Iterable[Talk] | None = None) -> str:
    """Talks and references as BibTeX.

    Args:
        catalogue: The catalogue.
        talks: Only these talks, and no references; by default everything.

    Returns:
        Entries with the keys `slt-<talk id>` and the ids of references.
    """
    entries = [_format_talk(catalogue, talk) for talk in (catalogue.talks if talks is None else talks)]
    entries += [_format_reference(r) for r in catalogue.references] if talks is None else []
    return "\n".join(entries)


def _format_talk(catalogue: Catalogue, talk: Talk) -> str:
    authors = " and ".join(_name(n) for n in talk.current_speakers) or f"{{{_escape_tex(catalogue.calendar.venue.name)}}}"
    where = f"Talk at the {_escape_tex(catalogue.title)}, {_escape_tex(catalogue.calendar.venue.name)}"
    values = {
        "author": authors, "title": f"{{{_escape_tex(talk.current_title)}}}", "howpublished": where, "year": str(talk.date.year),
        "month": f"{talk.date:%b}".lower(), "note": f"{talk.date.day} {talk.date:%B %Y}",
        "url": next(iter(talk.current_links.values()), ""),
    }  # fmt: skip
    return _format_entry("misc", f"slt-{talk.id}", values)


def _format_reference(reference: Reference) -> str:
    kinds = {"book": "book", "paper": "article", "MSc thesis": "mastersthesis", "PhD thesis": "phdthesis"}
    authors = " and ".join(_name(n) for n in re.split(r"\s*,\s*", reference.authors) if n)
    month = f"{datetime.date(2000, reference.month, 1):%b}".lower() if reference.month else ""
    values = {
        "author": authors, "title": f"{{{_escape_tex(reference.title)}}}", "journal": _escape_tex(reference.venue),
        "year": str(reference.year or ""), "month": month, "url": reference.url,
    }  # fmt: skip
    kind = "misc" if reference.kind == "paper" and not reference.venue else kinds.get(reference.kind, "misc")
    return _format_entry(kind, reference.id, values)


def _format_entry(kind: str, key: str, values: dict[str, str]) -> str:
    fields = "".join(f"  {name} = {value if name == 'month' else '{' + value + '}'},\n" for name, value in values.items() if value)
    return f"@{kind}{{{key},\n{fields}}}\n"


def _name(name: str) -> str:
    return _escape_tex(name) if " " in name and name != "various" else f"{{{_escape_tex(name)}}}"


def _escape_tex(text: str) -> str:
    names = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^&%$#_{}]", lambda m: names.get(m[0], "\\" + m[0]), text)
