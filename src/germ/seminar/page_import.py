"""Read the seminar's Markdown page into a `Catalogue`.

The page was written by hand over a year, so the reader is lenient where people are: a colon after the speaker may be missing, so may the
speaker; a title may hold any punctuation, parentheses and links; a pocket link may write `pocket:` or `pocket%3A`; two talks may share a
date; a talk may be cross-posted. It is strict where something would be lost: a bullet that looks like a talk and cannot be read, an unknown
kind of link, a link that is not closed, a date that does not exist or is not the seminar's weekday, or a talk in the wrong section, is an
error with its line.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from dataclasses import dataclass, field

from germ.errors import SeminarError
from germ.seminar.catalogue import LINK_KINDS, WEEKDAYS, Calendar, Catalogue, Link, Page, PageSection, Reference, Speaker, Talk
from germ.seminar.schema import check_weekday

UPCOMING, PREVIOUS = "Upcoming seminars", "Previous seminars"
_TALK = re.compile(r"[*-]\s+\*\*(?P<date>[^*]*)\*\*\s*(?:\(\*(?P<speakers>[^*]*)\*\))?\s*:?\s*(?P<rest>.*)\Z")
_LOOKS_LIKE_TALK = re.compile(r"[*-]\s.{0,4}\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|[*-]\s+\*\*\d")
_DATE = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{2}|\d{4})\Z")
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)")


@dataclass
class _Section:
    heading: str
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    talks: list[tuple[int, Talk]] = field(default_factory=list)


def import_page(text: str, source: str = "page.md", *, any_weekday: bool = False) -> Catalogue:
    """Read the page.

    Args:
        text: Markdown with front matter.
        source: Name of the file, for errors.
        any_weekday: Accept talks on other days than Thursday.

    Returns:
        A catalogue with the page's talks, speakers, references and prose; what the page does not tell is empty.

    Raises:
        SeminarError: With file, line and reason.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    title, description, start = _read_front_matter(lines, source)
    intro, sections, closing = _split_sections(lines, start, source, any_weekday)
    talks = [entry for section in sections for entry in section.talks]
    if not talks:
        raise SeminarError(f"{source}: no talks", f"bullets such as `* **13-1-22** (*Speaker*): Title` under '## {PREVIOUS}'")
    as_of = _check_order(sections, source)
    named = _name_talks(talks, source)
    speakers = dict.fromkeys(name for talk in named for name in talk.speakers)
    prose = [(section.after, "discussion") for section in sections if section.heading == UPCOMING]
    return Catalogue(
        title=title,
        description=description,
        calendar=Calendar(updated=max(t.date for t in named if t.date < as_of) if any(t.date < as_of for t in named) else as_of),
        page=Page(
            as_of=as_of,
            intro=_join(intro),
            sections=tuple(p for s in sections if (p := PageSection(s.heading, _join(s.before), _join(s.after))) != PageSection(s.heading)),
            closing=_join(closing),
        ),
        talks=tuple(sorted(named, key=lambda t: (t.date, t.id))),
        speakers=tuple(Speaker(name, group=name == "various") for name in speakers),
        references=tuple(_read_references([(intro, "introductory"), *prose, (closing, "background")])),
    )


def count_links(catalogue: Catalogue) -> Counter[str]:
    """How many talks have a link of each kind, and how many are past and upcoming on the page's day."""
    counts: Counter[str] = Counter(talks=len(catalogue.talks))
    for talk in catalogue.talks:
        counts.update([*talk.links, "upcoming" if talk.is_upcoming(catalogue.page.as_of) else "past"])
    return counts


def _join(lines: list[str]) -> str:
    return "\n".join(lines).strip()


def _read_front_matter(lines: list[str], source: str) -> tuple[str, str, int]:
    if not lines or lines[0].strip() != "---":
        raise SeminarError(f"{source}:1: no front matter", "--- with title and description, then ---")
    try:
        end = next(i for i, line in enumerate(lines[1:], 1) if line.strip() == "---")
    except StopIteration:
        raise SeminarError(f"{source}:1: the front matter is not closed", "a second line ---") from None
    from germ.seminar.document import read_document

    found = read_document("\n".join(lines[1:end]), source).read_mapping(("title", "description"), None)
    return found["title"].read_text(), found["description"].read_text(), end + 1


def _split_sections(lines: list[str], start: int, source: str, any_weekday: bool) -> tuple[list[str], list[_Section], list[str]]:
    """Sort the lines: above the talks, sections of talks, below the talks."""
    intro: list[str] = []
    closing: list[str] = []
    sections: list[_Section] = []
    for number, line in enumerate(lines[start:], start + 1):
        heading = re.match(r"(#{1,6})\s+(.*?)\s*#*\Z", line)
        if closing:
            _refuse_talk(line, f"{source}:{number}", f"below '{closing[0].strip()}'")
            closing.append(line)
        elif heading and (heading[2] in (UPCOMING, PREVIOUS) or (sections and re.fullmatch(r"\d{4}", heading[2]))):
            if any(s.heading == heading[2] for s in sections):
                raise SeminarError(f"{source}:{number}: the section {heading[2]!r} for the second time", "each section once")
            sections.append(_Section(heading[2]))
        elif heading and sections and len(heading[1]) <= 2:
            closing.append(line)
        elif not sections:
            _refuse_talk(line, f"{source}:{number}", f"above '## {UPCOMING}' and '## {PREVIOUS}'")
            intro.append(line)
        elif _LOOKS_LIKE_TALK.match(line):
            sections[-1].talks.append((number, _read_talk(line, f"{source}:{number}", any_weekday)))
        else:
            (sections[-1].after if sections[-1].talks else sections[-1].before).append(line)
    return intro, sections, closing


def _refuse_talk(line: str, where: str, place: str) -> None:
    match = _TALK.match(line)
    if match and _DATE.match(match["date"].strip()):
        expected = f"talks below '## {UPCOMING}', '## {PREVIOUS}' or a year"
        raise SeminarError(f"{where}: a talk {place}: {line[:60]!r}", expected, "correct the heading, or move the talk")


def _read_talk(line: str, where: str, any_weekday: bool) -> Talk:
    match = _TALK.match(line.rstrip())
    if match is None:
        raise SeminarError(f"{where}: cannot read the talk {line[:60]!r}", "`* **day-month-year** (*Speaker*): Title ([video](…), …)`")
    date = _read_date(match["date"], where)
    problem = check_weekday(date, Calendar.weekday)
    if problem and not any_weekday:
        raise SeminarError(f"{where}: {problem}", f"a {Calendar.weekday}", "correct the date, or allow other days (--any-weekday)")
    speakers = tuple(name.strip() for name in re.split(r",| and | & ", match["speakers"] or "") if name.strip())
    if match["speakers"] is None and match["rest"].startswith("("):
        raise SeminarError(f"{where}: cannot read the speaker in {match['rest'][:40]!r}", "(*Speaker*) between stars, or no speaker at all")
    title, links, cross_posted_from = _split_links(match["rest"], where)
    title_links = dict(_LINK.findall(title))
    title = _LINK.sub(r"\1", title)
    if not title:
        raise SeminarError(f"{where}: a talk without a title", "a title, or TBD")
    if "](" in title or set(title_links) & set(LINK_KINDS):
        raise SeminarError(f"{where}: a link that is not closed in {title[-60:]!r}", "(…, [kind](address)) at the end of the line")
    kind = "working session" if title.casefold().startswith("working session") else "talk"
    return Talk(
        id="", date=date, title=title, speakers=speakers, links=links, kind=kind, cross_posted_from=cross_posted_from,
        title_links=title_links,        weekday=WEEKDAYS[date.weekday()] if problem else "",
    )  # fmt: skip


def _read_date(text: str, where: str) -> datetime.date:
    match = _DATE.match(text.strip())
    if match is None:
        raise SeminarError(f"{where}: {text!r} is not a date", "day-month-year, such as 13-1-22")
    day, month, year = map(int, match.groups())
    try:
        return datetime.date(year if year > 99 else 2000 + year, month, day)
    except ValueError as error:
        raise SeminarError(f"{where}: {text!r} is not a date: {error}", "a day of the calendar, day-month-year") from None


def _split_links(rest: str, where: str) -> tuple[str, dict[str, str], Link | None]:
    """Take the last parenthesis off a title, where it holds links; other parentheses belong to the title."""
    body = rest.strip().removesuffix(".").rstrip() if rest.strip().endswith(").") else rest.strip()
    opening = _find_group(body)
    if opening is None:
        return body, {}, None
    links: dict[str, str] = {}
    cross_posted_from = None
    group = body[opening + 1 : -1]
    if (match := re.match(r"cross-posted from the " + _LINK.pattern + r"(?:,\s*|\Z)", group)) is not None:
        cross_posted_from, group = Link(match[1], match[2]), group[match.end() :]
    for item in filter(None, re.split(r",\s*(?=\[)", group)):
        match = _LINK.fullmatch(item.strip())
        if match is None:
            raise SeminarError(f"{where}: cannot read {item.strip()!r} among the links", "[kind](address), separated by commas")
        kind, url = match.groups()
        if kind not in LINK_KINDS:
            raise SeminarError(f"{where}: unknown kind of link {kind!r}", f"one of {', '.join(LINK_KINDS)}")
        if kind in links:
            raise SeminarError(f"{where}: two {kind} links", "one link of each kind")
        if not re.match(r"https?://\S+\Z", url):
            raise SeminarError(f"{where}: {url!r} is not a web address", "http:// or https://")
        links[kind] = url
    return body[:opening].strip(), links, cross_posted_from


def _find_group(body: str) -> int | None:
    """Where the parenthesis that ends the line opens, if it holds links and is not itself the address of a link."""
    if not body.endswith(")"):
        return None
    depth = 0
    for i in range(len(body) - 1, -1, -1):
        depth += (body[i] == ")") - (body[i] == "(")
        if depth == 0:
            return i if "](" in body[i:] and not body[:i].endswith("]") else None
    return None


def _check_order(sections: list[_Section], source: str) -> datetime.date:
    """The page's day: the one after the last talk that it calls past."""
    past, upcoming = [], []
    for section in sections:
        for number, talk in section.talks:
            if section.heading == UPCOMING:
                upcoming.append((number, talk.date))
            elif section.heading == PREVIOUS or section.heading == str(talk.date.year):
                past.append((number, talk.date))
            else:
                raise SeminarError(
                    f"{source}:{number}: a talk on {talk.date} in the section {section.heading}", f"a talk of {section.heading}"
                )
    if not past:
        return min(date for _, date in upcoming)
    as_of = max(date for _, date in past) + datetime.timedelta(days=1)
    for number, date in upcoming:
        if date < as_of:
            raise SeminarError(
                f"{source}:{number}: an upcoming talk on {date}, and one on {as_of - datetime.timedelta(days=1)} is past",
                "upcoming talks after all past ones", f"move it to '## {PREVIOUS}' or correct its date",
            )  # fmt: skip
    return as_of


def _name_talks(talks: list[tuple[int, Talk]], source: str) -> list[Talk]:
    """Give each talk its id: the date, with a letter in the page's order where several share it."""
    from dataclasses import replace

    shared = Counter(talk.date for _, talk in talks)
    used: Counter[datetime.date] = Counter()
    seen: dict[tuple[datetime.date, str, tuple[str, ...]], int] = {}
    named = []
    for number, talk in talks:
        key = (talk.date, talk.title, talk.speakers)
        if key in seen:
            raise SeminarError(f"{source}:{number}: the same talk as on line {seen[key]}", "each talk once", "remove one of the two lines")
        seen[key] = number
        letter = chr(ord("a") + used[talk.date]) if shared[talk.date] > 1 else ""
        used[talk.date] += 1
        named.append(replace(talk, id=f"{talk.date}{letter}"))
    return named


def _read_references(parts: list[tuple[list[str], str]]) -> list[Reference]:
    """One reference for each work that a bullet names: what the page tells of author and year, and the address."""
    found: dict[str, Reference] = {}
    for lines, section in parts:
        for line in lines:
            if not re.match(r"[*-]\s", line):
                continue
            text = re.sub(r"\*\*.*?\*\*", "", line[2:])
            works = [m for m in _LINK.finditer(text) if not re.match(r"['’]s?\s", text[m.end() :])]
            quoted = re.search(r"[\"“]([^\"”]+)[\"”]", text)
            if not works and not quoted:
                continue
            begin = min(m.start() for m in [*works, *([quoted] if quoted else [])])
            bare = _LINK.sub(r"\1", text[:begin])
            tail = _LINK.sub("", text[begin:]) if works else text[begin:].replace(quoted[0], '"')  # type: ignore[index]
            years = re.findall(r"\b(?:19|20)\d\d\b", f"{bare} {tail}")
            authors = re.split(r"['’]s?\s|,\s*(?=[A-Z][a-z]+ \d{4})| on \Z|\bSee\b|\d{4}", bare)[0].strip(' "“,:')
            if not authors and (after := re.search(r"[\"”]\s*([A-Z][^,(]*(?:,[^,(\d]*)*)", tail)):
                authors = re.sub(r"[\s\d.]+\Z", "", after[1])
            note = re.match(r":\s*(.+)", text[works[0].end() :]) if len(works) == 1 else None
            for name, url in [(m[1], m[2]) for m in works] or [(quoted[1], "")]:  # type: ignore[index]
                title = note[1].strip() if note else name
                key = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:60]
                found[key] = Reference(key, title, authors, int(years[-1]) if years else None, url=url, section=section)
    return list(found.values())
