"""Write a catalogue as the seminar's Markdown page; `germ.seminar.page_import` reads it back to the same data."""

from __future__ import annotations

import datetime

from germ.seminar.catalogue import Catalogue, PageSection, Talk
from germ.seminar.page_import import PREVIOUS, UPCOMING


def export_page(catalogue: Catalogue, *, today: datetime.date | None = None, later: bool = False) -> str:
    """The page in Markdown.

    Args:
        catalogue: The catalogue.
        today: The page's day, which divides past from upcoming; by default the day of the page that the catalogue keeps.
        later: Write the newest titles, speakers and links that are known, and the talks that the kept page does not have.

    Returns:
        Markdown.
    """
    page = catalogue.page
    today = today or page.as_of
    prose = {section.heading: section for section in page.sections}
    talks = [t for t in catalogue.talks if later or t.listed]
    past = [t for t in talks if not t.is_upcoming(today)]
    blocks = [f"---\ntitle:\n    {_quote(catalogue.title)}\ndescription:\n    {_quote(catalogue.description)}\n---", page.intro]
    blocks += _format_section("##", UPCOMING, [t for t in talks if t.is_upcoming(today)], prose, later)
    blocks += _format_section("##", PREVIOUS, [], prose, later)
    for year in sorted({t.date.year for t in past} | {int(h) for h in prose if h.isdigit()}, reverse=True):
        blocks += _format_section("###", str(year), [t for t in past if t.date.year == year], prose, later)
    return "\n\n".join(block for block in [*blocks, page.closing] if block) + "\n"


def _quote(text: str) -> str:
    """A YAML scalar: quoted only where it has to be."""
    plain = text and text[0].isalnum() and ": " not in text and " #" not in text and not text.endswith(":")
    return text if plain else "'" + text.replace("'", "''") + "'"


def _format_section(level: str, heading: str, talks: list[Talk], prose: dict[str, PageSection], later: bool) -> list[str]:
    text = prose.get(heading, PageSection(heading))
    return [f"{level} {heading}", text.before, "\n".join(format_talk(t, later=later) for t in talks), text.after]


def format_talk(talk: Talk, *, later: bool = False) -> str:
    """One talk as a bullet of the page.

    Args:
        talk: The talk.
        later: Use the newest title, speakers and links.

    Returns:
        One line of Markdown.

    Example:
        >>> print(format_talk(Talk("2022-02-17", datetime.date(2022, 2, 17), "Working session 1", links={"video": "https://example.org/1"})))
        * **17-2-22**: Working session 1 ([video](https://example.org/1))
    """
    title = talk.current_title if later else talk.title
    for words, url in talk.title_links.items():
        title = title.replace(words, f"[{words}]({url})", 1)
    items = [f"cross-posted from the [{talk.cross_posted_from.name}]({talk.cross_posted_from.url})"] if talk.cross_posted_from else []
    items += [f"[{kind}]({url})" for kind, url in (talk.current_links if later else talk.links).items()]
    date = f"{talk.date.day}-{talk.date.month}-{talk.date.year % 100:02d}"
    speakers = ", ".join(talk.current_speakers if later else talk.speakers)
    who = f" (*{speakers}*)" if speakers else ""
    return f"* **{date}**{who}: {title}" + (f" ({', '.join(items)})" if items else "")
