"""The catalogue's file format: which keys there are, what they hold, and what has to agree with what."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from germ.seminar.catalogue import (
    KINDS,
    LINK_KINDS,
    SESSIONS,
    WEEKDAYS,
    Calendar,
    Catalogue,
    Later,
    Link,
    OpenProblem,
    Page,
    PageSection,
    Reference,
    Speaker,
    Talk,
    Topic,
)
from germ.seminar.document import Field, read_document

REFERENCE_KINDS = ("book", "paper", "MSc thesis", "PhD thesis", "blog", "page", "video", "handwritten notes")
REFERENCE_SECTIONS = ("canonical", "introductory", "discussion", "background", "notes", "literature")
_TALK_ID = re.compile(r"(\d{4}-\d\d-\d\d)[a-z]?\Z")
_NAME_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z")


def read_catalogue(text: str, source: str = "catalogue.yaml") -> Catalogue:
    """Read and check a catalogue.

    Args:
        text: YAML.
        source: Name of the file, for errors.

    Returns:
        The catalogue.

    Raises:
        SeminarError: With file, line and reason, at the first thing that is wrong.
    """
    required = ("title", "description", "weekday", "time", "updated", "speakers", "page", "talks")
    root = read_document(text, source).read_mapping(required, ("home", "venue", "areas", "series", "references", "open_problems"))
    calendar = _read_calendar(root)

    def read_all(key: str, read: Callable[[Field], Any]) -> list[tuple[Field, Any]]:
        return [(item, read(item)) for item in root[key].read_items()] if key in root else []

    areas, series = read_all("areas", _read_topic), read_all("series", _read_topic)
    speakers, references = read_all("speakers", _read_speaker), read_all("references", _read_reference)
    problems = read_all("open_problems", _read_problem)
    talks = read_all("talks", lambda item: _read_talk(item, calendar.weekday))
    for what, entries in (("area", areas), ("series", series), ("reference", references), ("open problem", problems), ("talk", talks)):
        check_unique(what, ((item, value.id) for item, value in entries))
    check_unique("speaker", ((item, value.name) for item, value in speakers))
    known = {
        "area": {a.id for _, a in areas}, "series": {s.id for _, s in series}, "reference": {r.id for _, r in references},
        "talk": {t.id for _, t in talks}, "speaker": {s.name for _, s in speakers},
    }  # fmt: skip
    dates = {t.id: t.date for _, t in talks}
    for item, talk in talks:
        _check_known(item, "area", [talk.area] if talk.area else [], known)
        _check_known(item, "series", [talk.series] if talk.series else [], known)
        _check_known(item, "speaker", [*talk.speakers, *talk.later.speakers], known)
        _check_known(item, "reference", talk.references, known)
        _check_known(item, "talk", talk.prerequisites, known)
        for other in talk.prerequisites:
            if dates[other] > talk.date or other == talk.id:
                raise item.make_error(f"talk {talk.id} has the prerequisite {other}, which is not before it", "an earlier talk")
    for item, problem in problems:
        _check_known(item, "area", [problem.area] if problem.area else [], known)
        _check_known(item, "talk", problem.talks, known)
    return Catalogue(
        title=root["title"].read_line(),
        description=root["description"].read_line(),
        calendar=calendar,
        page=_read_page(root["page"]),
        talks=tuple(sorted((t for _, t in talks), key=lambda t: (t.date, t.id))),
        speakers=tuple(s for _, s in speakers),
        areas=tuple(a for _, a in areas),
        series=tuple(s for _, s in series),
        references=tuple(r for _, r in references),
        open_problems=tuple(p for _, p in problems),
    )


def check_unique(what: str, entries: Iterable[tuple[Field, str]]) -> None:
    """Refuse an id that occurs twice, naming both lines."""
    seen: dict[str, Field] = {}
    for item, name in entries:
        if name in seen:
            raise item.make_error(
                f"the {what} {name!r} again; it is already on line {seen[name].line}", "each id once", "rename or remove one"
            )
        seen[name] = item


def check_weekday(date: datetime.date, weekday: str) -> str:
    """What is wrong with the weekday of a date, or "".

    Args:
        date: The day.
        weekday: The weekday that it should be.

    Returns:
        The problem in words, or "".

    Example:
        >>> check_weekday(datetime.date(2022, 1, 14), "Thursday")
        '2022-01-14 is a Friday, not a Thursday'
    """
    found = WEEKDAYS[date.weekday()]
    return "" if found == weekday else f"{date} is a {found}, not a {weekday}"


def _check_known(item: Field, what: str, names: Collection[str], known: dict[str, set[str]]) -> None:
    for name in names:
        if name not in known[what]:
            raise item.make_error(
                f"unknown {what} {name!r}", f"one of {', '.join(sorted(known[what]))}", "add it to the catalogue or correct it"
            )


def _read_id(item: Field) -> str:
    text = item.read_text()
    if not _NAME_ID.match(text):
        raise item.make_error(f"the id {text!r}", "letters, digits and hyphens")
    return text


def _read_time(item: Field) -> datetime.time:
    try:
        return datetime.time.fromisoformat(item.read_text())
    except ValueError:
        raise item.make_error(f"{item.read_text()!r} is not a time", "hours:minutes, such as '16:00' (quoted)") from None


def _read_link(item: Field) -> Link:
    found = item.read_mapping(("name", "url"), ())
    return Link(found["name"].read_line(), found["url"].read_url())


def _read_calendar(root: dict[str, Field]) -> Calendar:
    times = root["time"].read_mapping(("start", "end", "zone"), ())
    start, end = _read_time(times["start"]), _read_time(times["end"])
    if start >= end:
        raise root["time"].make_error(f"starts at {start} and ends at {end}", "an end after the start, on the same day")
    if (zone := times["zone"].read_text()) != "Australia/Melbourne":
        raise times["zone"].make_error(
            f"the time zone {zone!r}", "Australia/Melbourne, the only one whose rules the calendar exporter knows"
        )
    return Calendar(
        weekday=root["weekday"].read_choice(WEEKDAYS),
        start=start,
        end=end,
        zone=zone,
        venue=_read_link(root["venue"]) if "venue" in root else Calendar.venue,
        home=root["home"].read_url() if "home" in root else Calendar.home,
        updated=root["updated"].read_date(),
    )


def _read_topic(item: Field) -> Topic:
    found = item.read_mapping(("id", "title"), ("detail",))
    return Topic(_read_id(found["id"]), found["title"].read_line(), found["detail"].read_text() if "detail" in found else "")


def _read_speaker(item: Field) -> Speaker:
    found = item.read_mapping(("name",), ("url", "group"))
    url = found["url"].read_url() if "url" in found else ""
    return Speaker(found["name"].read_line(), url, found["group"].read_flag() if "group" in found else False)


def _read_reference(item: Field) -> Reference:
    found = item.read_mapping(("id", "title", "kind", "section"), ("authors", "year", "month", "venue", "url"))
    return Reference(
        id=_read_id(found["id"]),
        title=found["title"].read_line(),
        authors=found["authors"].read_line() if "authors" in found else "",
        year=found["year"].read_number(1600, 2200) if "year" in found else None,
        month=found["month"].read_number(1, 12) if "month" in found else None,
        kind=found["kind"].read_choice(REFERENCE_KINDS),
        venue=found["venue"].read_line() if "venue" in found else "",
        url=found["url"].read_url() if "url" in found else "",
        section=found["section"].read_choice(REFERENCE_SECTIONS),
    )


def _read_problem(item: Field) -> OpenProblem:
    found = item.read_mapping(("id", "title", "statement"), ("area", "talks"))
    area = found["area"].read_text() if "area" in found else ""
    talks = found["talks"].read_texts() if "talks" in found else ()
    return OpenProblem(_read_id(found["id"]), found["title"].read_line(), found["statement"].read_text(), area, talks)


def _read_links(item: Field) -> dict[str, str]:
    return {kind: value.read_url() for kind, value in item.read_mapping((), LINK_KINDS).items()}


def _read_later(item: Field) -> Later:
    found = item.read_mapping((), ("title", "speakers", "links"))
    return Later(
        title=found["title"].read_line() if "title" in found else "",
        speakers=found["speakers"].read_texts() if "speakers" in found else (),
        links=_read_links(found["links"]) if "links" in found else {},
    )


def _read_talk(item: Field, usual_weekday: str) -> Talk:
    optional = (
        "links", "session", "kind", "area", "series", "subject", "prerequisites", "references", "cross_posted_from", "title_links",
        "later", "listed", "weekday",
    )  # fmt: skip
    found = item.read_mapping(("id", "date", "speakers", "title"), optional)
    talk_id, date = found["id"].read_text(), found["date"].read_date()
    match = _TALK_ID.match(talk_id)
    if not match or match[1] != date.isoformat():
        raise found["id"].make_error(f"the id {talk_id!r} of a talk on {date}", f"{date}, with a letter where several talks share the date")
    weekday = found["weekday"].read_choice(WEEKDAYS) if "weekday" in found else ""
    if problem := check_weekday(date, weekday or usual_weekday):
        remedy = f"correct the date, or say `weekday: {WEEKDAYS[date.weekday()]}` if the talk really was on that day"
        raise found["date"].make_error(problem, f"a {weekday or usual_weekday}", remedy)

    def text(key: str) -> str:
        return found[key].read_text() if key in found else ""

    def texts(key: str) -> tuple[str, ...]:
        return found[key].read_texts() if key in found else ()

    return Talk(
        id=talk_id,
        date=date,
        title=found["title"].read_line(),
        speakers=found["speakers"].read_texts(),
        links=_read_links(found["links"]) if "links" in found else {},
        session=found["session"].read_choice(SESSIONS) if "session" in found else "",
        kind=found["kind"].read_choice(KINDS) if "kind" in found else "talk",
        area=text("area"),
        series=text("series"),
        subject=text("subject"),
        prerequisites=texts("prerequisites"),
        references=texts("references"),
        cross_posted_from=_read_link(found["cross_posted_from"]) if "cross_posted_from" in found else None,
        title_links={k: v.read_url() for k, v in found["title_links"].read_mapping().items()} if "title_links" in found else {},
        later=_read_later(found["later"]) if "later" in found else Later(),
        listed=found["listed"].read_flag() if "listed" in found else True,
        weekday=weekday,
    )


def _read_page(item: Field) -> Page:
    found = item.read_mapping(("as_of",), ("intro", "sections", "closing"))

    def section(field: Field) -> PageSection:
        parts = field.read_mapping(("heading",), ("before", "after"))
        return PageSection(*(parts[k].read_text() if k in parts else "" for k in ("heading", "before", "after")))

    return Page(
        as_of=found["as_of"].read_date(),
        intro=found["intro"].read_text() if "intro" in found else "",
        sections=tuple(section(f) for f in found["sections"].read_items()) if "sections" in found else (),
        closing=found["closing"].read_text() if "closing" in found else "",
    )
