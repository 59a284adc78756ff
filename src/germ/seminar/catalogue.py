"""The catalogue: talks, series, speakers, areas, references and open problems, as values that were checked once.

A `Catalogue` is read from a YAML file (`catalogue.yaml` beside this module is the seminar's own) or from the seminar's Markdown page
(`germ.seminar.page_import`). A talk keeps the title, speakers and links that the page of March 2023 gave it; `later` is what a later
edition says instead, and the `current_` properties prefer that. Whether a talk is upcoming depends on the day one asks: `is_upcoming`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from germ.errors import SeminarError

DEFAULT_CATALOGUE = Path(__file__).with_name("catalogue.yaml")
LINK_KINDS = ("video", "notes", "pocket", "transcript", "paper", "slides", "code", "workshop")
SESSIONS = ("main", "supplementary")
KINDS = ("talk", "working session", "planning")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Link:
    """A named web address.

    Args:
        name: What is there.
        url: Where.
    """

    name: str
    url: str


@dataclass(frozen=True)
class Later:
    """What a later edition of the page says of a talk; empty where it says the same.

    Args:
        title: The later title, or "".
        speakers: The later speakers.
        links: Links that were added.
    """

    title: str = ""
    speakers: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Talk:
    """One talk.

    Args:
        id: The date, with a letter where several talks share it.
        date: The day, in the seminar's time zone.
        title: As on the page.
        speakers: Names; empty for working sessions.
        links: Kind (one of `LINK_KINDS`) to web address, in the page's order.
        session: "main", "supplementary", or "" where the page does not tell.
        kind: One of `KINDS`.
        area: Id of the area.
        series: Id of the series, or "".
        subject: One sentence, or "".
        prerequisites: Ids of talks to see first.
        references: Ids of references.
        cross_posted_from: The seminar it is shared with.
        title_links: Words of the title that are links.
        later: What a later edition of the page says.
        listed: Whether the page of March 2023 has it.
        weekday: Set where the day is not the seminar's usual one.
    """

    id: str
    date: datetime.date
    title: str
    speakers: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    session: str = ""
    kind: str = "talk"
    area: str = ""
    series: str = ""
    subject: str = ""
    prerequisites: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    cross_posted_from: Link | None = None
    title_links: Mapping[str, str] = field(default_factory=dict)
    later: Later = field(default_factory=Later)
    listed: bool = True
    weekday: str = ""

    @property
    def current_title(self) -> str:
        """The newest title known."""
        return self.later.title or self.title

    @property
    def current_speakers(self) -> tuple[str, ...]:
        """The newest speakers known."""
        return self.later.speakers or self.speakers

    @property
    def current_links(self) -> dict[str, str]:
        """All links, later ones added, in the order of `LINK_KINDS`."""
        merged = {**self.links, **self.later.links}
        return {kind: merged[kind] for kind in LINK_KINDS if kind in merged}

    @property
    def pocket(self) -> str:
        """Name of the pocket (the virtual room) that the pocket link leads to, or ""."""
        data = parse_qs(urlsplit(self.current_links.get("pocket", "")).query).get("launchData", [""])[0]
        return unquote(data).partition("pocket:")[2]

    def is_upcoming(self, today: datetime.date) -> bool:
        """Whether the talk has yet to take place; on its own day it is still upcoming."""
        return self.date >= today


@dataclass(frozen=True)
class Speaker:
    """A speaker.

    Args:
        name: The full name.
        url: A home page, or "".
        group: Whether the name stands for several people.
    """

    name: str
    url: str = ""
    group: bool = False


@dataclass(frozen=True)
class Topic:
    """An area or a series.

    Args:
        id: A short name.
        title: The title.
        detail: One sentence.
    """

    id: str
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Reference:
    """A book, thesis, paper, page or set of notes.

    Args:
        id: A short name.
        title: The title.
        authors: As printed.
        year: Year of publication.
        month: Month, 1 to 12.
        kind: "book", "paper", ...
        venue: Journal or series.
        url: Where it can be read.
        section: Which list it belongs to.
    """

    id: str
    title: str
    authors: str = ""
    year: int | None = None
    month: int | None = None
    kind: str = "page"
    venue: str = ""
    url: str = ""
    section: str = "literature"


@dataclass(frozen=True)
class OpenProblem:
    """A question without an answer here.

    Args:
        id: A short name.
        title: The title.
        statement: The question.
        area: Id of the area.
        talks: Ids of talks that meet it.
    """

    id: str
    title: str
    statement: str
    area: str = ""
    talks: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageSection:
    """Prose around the talks of one section of the page.

    Args:
        heading: "Upcoming seminars", "Previous seminars", or a year.
        before: Markdown above the talks.
        after: Markdown below them.
    """

    heading: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Page:
    """What the seminar's page says besides its talks.

    Args:
        as_of: Talks before this day are past.
        intro: Markdown above the talks.
        sections: Prose of the sections.
        closing: Markdown below the talks.
    """

    as_of: datetime.date
    intro: str = ""
    sections: tuple[PageSection, ...] = ()
    closing: str = ""


@dataclass(frozen=True)
class Calendar:
    """When and where the seminar meets.

    Args:
        weekday: The usual day.
        start: Usual start, local time.
        end: Usual end, local time.
        zone: Time zone of both.
        venue: The place.
        home: The seminar's page.
        updated: When the catalogue was last brought up to date.
    """

    weekday: str = "Thursday"
    start: datetime.time = datetime.time(16)
    end: datetime.time = datetime.time(17, 30)
    zone: str = "Australia/Melbourne"
    venue: Link = Link("metauni", "https://www.metauni.org")
    home: str = "https://metauni.org/slt"
    updated: datetime.date = datetime.date(2024, 2, 17)


@dataclass(frozen=True)
class Catalogue:
    """Everything.

    Args:
        title: Of the seminar.
        description: One line.
        calendar: When and where.
        page: Prose of the seminar's page.
        talks: In order of date.
        speakers: All that are named by a talk.
        areas: Of mathematics.
        series: Of talks.
        references: The bibliography.
        open_problems: Questions.
    """

    title: str
    description: str
    calendar: Calendar
    page: Page
    talks: tuple[Talk, ...]
    speakers: tuple[Speaker, ...] = ()
    areas: tuple[Topic, ...] = ()
    series: tuple[Topic, ...] = ()
    references: tuple[Reference, ...] = ()
    open_problems: tuple[OpenProblem, ...] = ()

    def find_talk(self, talk_id: str) -> Talk:
        """The talk of that id.

        Args:
            talk_id: For example "2022-11-24".

        Returns:
            The talk.

        Raises:
            SeminarError: If there is none; similar ids are named.
        """
        for talk in self.talks:
            if talk.id == talk_id:
                return talk
        near = [t.id for t in self.talks if talk_id and (t.id.startswith(talk_id) or talk_id.startswith(t.id))]
        hint = f"did you mean {' or '.join(near)}?" if near else "`germ seminar list` shows them"
        raise SeminarError(f"no talk {talk_id!r}", "the id of a talk, such as 2022-11-24", hint)


@cache
def _read_default() -> Catalogue:
    return _read(DEFAULT_CATALOGUE)


def _read(path: Path) -> Catalogue:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SeminarError(f"cannot read {path}: {error}", "a catalogue (.yaml) or the seminar's page (.md), in UTF-8") from None
    if path.suffix == ".md":
        from germ.seminar.page_import import import_page

        return import_page(text, source=path.name)
    from germ.seminar.schema import read_catalogue

    return read_catalogue(text, source=path.name)


def load_catalogue(path: str | Path | None = None) -> Catalogue:
    """Load and check a catalogue.

    Args:
        path: A YAML catalogue or a Markdown page of the seminar; by default the catalogue that comes with germ.

    Returns:
        The catalogue.

    Raises:
        SeminarError: With file, line and reason, if anything in the file is wrong.

    Example:
        >>> catalogue = load_catalogue()
        >>> sum(talk.listed for talk in catalogue.talks), len(catalogue.talks)
        (51, 66)
        >>> catalogue.find_talk("2022-12-01").pocket
        'Symbolic Wilds 16'
    """
    return _read_default() if path is None or Path(path) == DEFAULT_CATALOGUE else _read(Path(path))


def select_talks(
    catalogue: Catalogue,
    *,
    speaker: str | None = None,
    year: int | None = None,
    area: str | None = None,
    upcoming: datetime.date | None = None,
) -> list[Talk]:
    """Talks that fit all of the conditions.

    Args:
        catalogue: Where to look.
        speaker: Part of a speaker's name, in any case.
        year: The year.
        area: Id of an area.
        upcoming: Only talks on or after this day.

    Returns:
        The talks, in order of date.

    Raises:
        SeminarError: For a speaker or an area that the catalogue does not have.
    """
    if speaker is not None and not any(speaker.casefold() in s.name.casefold() for s in catalogue.speakers):
        raise SeminarError(f"no speaker {speaker!r}", f"part of one of {', '.join(s.name for s in catalogue.speakers)}")
    if area is not None and area.upper() not in {a.id for a in catalogue.areas}:
        raise SeminarError(f"no area {area!r}", f"one of {', '.join(f'{a.id} ({a.title})' for a in catalogue.areas)}")
    return [
        talk
        for talk in catalogue.talks
        if (speaker is None or any(speaker.casefold() in name.casefold() for name in (*talk.speakers, *talk.current_speakers)))
        and (year is None or talk.date.year == year)
        and (area is None or talk.area == area.upper())
        and (upcoming is None or talk.is_upcoming(upcoming))
    ]


def search_talks(catalogue: Catalogue, words: Sequence[str]) -> list[Talk]:
    """Talks in which all the words occur, best first: words in the title count most.

    Args:
        catalogue: Where to look.
        words: Parts of words, in any case.

    Returns:
        The talks.

    Raises:
        SeminarError: If there is nothing to search for.

    Example:
        >>> [talk.id for talk in search_talks(load_catalogue(), ["jet", "schemes"])]
        ['2022-11-24', '2022-12-08', '2023-04-20']
    """
    wanted = [w for word in words for w in re.split(r"\s+", word.casefold()) if w]
    if not wanted:
        raise SeminarError("nothing to search for", "at least one word")
    areas = {a.id: f"{a.title} {a.detail}" for a in catalogue.areas}
    series = {s.id: s.title for s in catalogue.series}
    references = {r.id: f"{r.authors} {r.title}" for r in catalogue.references}
    scored = []
    for talk in catalogue.talks:
        title = f"{talk.title} {talk.later.title}".casefold()
        rest = [
            *talk.speakers,
            *talk.current_speakers,
            talk.subject,
            series.get(talk.series, ""),
            areas.get(talk.area, ""),
            talk.pocket,
            talk.id,
        ]
        text = " ".join([title, *rest, *(references.get(r, "") for r in talk.references)]).casefold()
        if all(word in text for word in wanted):
            scored.append((-sum(word in title for word in wanted), talk.date, talk))
    return [talk for *_, talk in sorted(scored, key=lambda entry: (entry[0], entry[1], entry[2].id))]


def to_plain(catalogue: Catalogue) -> dict[str, Any]:
    """The catalogue as plain JSON values, empty fields left out."""
    from dataclasses import asdict

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if v not in (None, "", (), {}, [])}
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else value

    return plain(asdict(catalogue))  # type: ignore[no-any-return]
