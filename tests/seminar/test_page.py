import datetime
from pathlib import Path

import pytest

from germ.errors import SeminarError
from germ.seminar.catalogue import Link, load_catalogue
from germ.seminar.page_export import export_page
from germ.seminar.page_import import count_links, import_page

PAGE = (Path(__file__).parents[1] / "data" / "seminar" / "page.md").read_text(encoding="utf-8")
COUNTS = {"talks": 51, "past": 46, "upcoming": 5, "video": 45, "transcript": 39, "pocket": 24, "notes": 3}


def make_page(*bullets, heading="## Previous seminars\n\n### 2022"):
    return "---\ntitle: T\ndescription: D\n---\n\n" + heading + "\n\n" + "\n".join(bullets) + "\n"


def read_talk(bullet):
    return import_page(make_page(bullet)).talks[0]


def test_page_has_what_the_seminar_counts():
    assert dict(count_links(import_page(PAGE))) == COUNTS


def test_page_survives_export_and_import():
    page = import_page(PAGE)
    assert import_page(export_page(page)) == page


def test_line_ends_and_byte_order_mark_do_not_matter():
    assert import_page("\ufeff" + PAGE.replace("\n", "\r\n")) == import_page(PAGE)


def test_catalogue_exports_the_page():
    page, catalogue = import_page(PAGE), load_catalogue()
    again = import_page(export_page(catalogue))
    assert (again.talks, again.page, again.title, again.references) == (page.talks, page.page, page.title, page.references)
    listed = [t for t in catalogue.talks if t.listed]
    for name in ("id", "date", "title", "speakers", "links", "cross_posted_from", "title_links"):
        assert [getattr(t, name) for t in listed] == [getattr(t, name) for t in page.talks]
    addresses = {r.url for r in catalogue.references}
    assert {r.url for r in page.references if r.url and "?t=867" not in r.url} <= addresses


def test_later_page():
    text = export_page(load_catalogue(), today=datetime.date(2023, 8, 1), later=True)
    page = import_page(text, any_weekday=True)
    assert count_links(page)["talks"] == 66
    assert count_links(page)["upcoming"] == 10
    assert "Saddle-to-saddle" in page.find_talk("2023-08-24").title
    assert page.find_talk("2023-08-24").title_links == load_catalogue().find_talk("2023-08-24").title_links
    assert import_page(export_page(page), any_weekday=True) == page
    with pytest.raises(SeminarError, match="2023-09-06 is a Wednesday"):
        import_page(text)


def test_traps():
    page = import_page(PAGE)
    assert [t.speakers for t in page.talks if t.date == datetime.date(2022, 1, 13)] == [("Dan Murfet",), ("Edmund Lau",)]
    assert page.find_talk("2022-09-22").title == "A minimal introduction to the geometry of tanh networks", "no colon after the speaker"
    assert page.find_talk("2022-02-17b").speakers == ()
    assert page.find_talk("2022-01-13a").title == "What is learning? Singularities and pendulums"
    assert {page.find_talk(i).pocket for i in ("2022-12-01", "2022-12-08")} == {"Symbolic Wilds 16"}, "pocket: and pocket%3A"
    crossed = page.find_talk("2022-10-13b")
    assert crossed.cross_posted_from == Link("Abstraction seminar", "https://metauni.org/abstraction/")
    assert list(crossed.links) == ["video", "pocket"]
    assert [t.title for t in page.talks[-2:]] == ["TBD", "TBD"]


@pytest.mark.parametrize(
    ("bullet", "title", "links"),
    [
        ("* **13-1-22** (*A B*): Depth (part 2)", "Depth (part 2)", {}),
        ("* **13-1-22** (*A B*): Depth (part 2) ([video](https://a.org/v)).", "Depth (part 2)", {"video": "https://a.org/v"}),
        ("* **13-1-22** (*A B*) What: is it? ([notes](https://a.org/x_(y).pdf))", "What: is it?", {"notes": "https://a.org/x_(y).pdf"}),
        ("* **13-1-22**: On [this](https://a.org)", "On this", {}),
        ("- **13-1-2022** (*A B*, *C*): x".replace("*, *", ", "), "x", {}),
        ('* **13-1-22** (*A B*): <b>"A" & B</b>...', '<b>"A" & B</b>...', {}),
    ],
)
def test_titles_keep_their_punctuation(bullet, title, links):
    talk = read_talk(bullet)
    assert (talk.title, dict(talk.links)) == (title, links)
    page = import_page(make_page(bullet))
    assert import_page(export_page(page)) == page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (make_page("* **31-2-22** (*A*): x"), r"page\.md:10: '31-2-22' is not a date: day .*"),
        (make_page("* **14-1-22** (*A*): x"), r"page\.md:10: 2022-01-14 is a Friday, not a Thursday"),
        (make_page("* **13/1/22** (*A*): x"), r"page\.md:10: '13/1/22' is not a date"),
        (make_page("* *13-1-22** (*A*): x"), r"page\.md:10: cannot read the talk"),
        (make_page("* **13-1-22** (A): x"), r"page\.md:10: cannot read the speaker"),
        (make_page("* **13-1-22** (*A*): x ([video](https://a.org)"), r"page\.md:10: a link that is not closed"),
        (make_page("* **13-1-22** (*A*): x ([film](https://a.org))"), r"page\.md:10: unknown kind of link 'film'"),
        (make_page("* **13-1-22** (*A*): x ([video](a.org))"), r"page\.md:10: 'a.org' is not a web address"),
        (make_page("* **13-1-22** (*A*): x ([video](https://a.org), [video](https://b.org))"), r"page\.md:10: two video links"),
        (make_page("* **13-1-22** (*A*):"), r"page\.md:10: a talk without a title"),
        (make_page("* **13-1-22** (*A*): x", "* **13-1-22** (*A*): x"), r"page\.md:11: the same talk as on line 10"),
        (make_page("* **19-1-23** (*A*): x"), r"page\.md:10: a talk on 2023-01-19 in the section 2022"),
        (make_page("* **13-1-22** (*A*): x", "", "## Upcoming seminars", "* **6-1-22** (*B*): y"), r"page\.md:\d+: an upcoming talk"),
        (make_page("* **13-1-22** (*A*): x", heading="intro"), r"page\.md:8: a talk above"),
        (make_page("* **13-1-22** (*A*): x", "## Archive", "* **20-1-22** (*B*): y"), r"page\.md:12: a talk below '## Archive'"),
        (PAGE.replace("## Previous seminars", "## Older seminars"), r"a talk below '## Older seminars'"),
        (make_page("nothing"), r"page\.md: no talks"),
        ("# T\n", r"page\.md:1: no front matter"),
        ("---\ntitle: T\n", r"page\.md:1: the front matter is not closed"),
        ("", r"page\.md:1: no front matter"),
        (PAGE[: PAGE.index("Working session 2") + 30], "a link that is not closed"),
    ],
)  # fmt: skip
def test_a_broken_page_is_refused_with_its_line(text, message):
    with pytest.raises(SeminarError, match=message):
        import_page(text)
