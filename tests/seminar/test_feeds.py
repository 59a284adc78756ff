import datetime
import re
from dataclasses import replace
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from germ.seminar.catalogue import Calendar, Catalogue, Page, Talk, load_catalogue
from germ.seminar.feeds import export_atom, export_bibtex, export_ics, export_rss

HOSTILE = 'Ünïcode; commas, back\\slash <b>&</b> "quotes" 100% _$#{}~^ \x0b' + "λ" * 80


def make_catalogue(title):
    talk = Talk("2023-03-16", datetime.date(2023, 3, 16), title, ("A B",), {"video": "https://a.org/?a=1&b=2"})
    return Catalogue("T & U", "D", Calendar(), Page(datetime.date(2023, 3, 10)), (talk,))


def unfold(text):
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    return text.replace("\r\n ", "").split("\r\n")


def test_calendar_is_well_formed_and_stable():
    catalogue = load_catalogue()
    text = export_ics(catalogue)
    lines = unfold(text)
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 66
    uids = [line for line in lines if line.startswith("UID:")]
    assert len(set(uids)) == 66
    assert "UID:slt-2022-01-13a@germ" in uids
    assert "DTSTART;TZID=Australia/Melbourne:20220113T160000" in lines
    assert export_ics(replace(catalogue, talks=catalogue.talks[::-1])).count("UID:slt-2022-01-13a@germ") == 1
    assert text == export_ics(catalogue)


def test_time_zone_rules_are_those_of_melbourne():
    lines = unfold(export_ics(load_catalogue()))
    begin, end = lines.index("BEGIN:VTIMEZONE"), lines.index("END:VTIMEZONE")
    assert [line for line in lines[begin:end] if line.startswith("RRULE")] == [
        "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU",
    ]

    def first_sunday(year, month):
        return next(d for i in range(1, 8) if (d := datetime.datetime(year, month, i)).weekday() == 6)

    zone = ZoneInfo("Australia/Melbourne")
    for year in (2008, 2022, 2023, 2026):
        for month, before, after in ((4, 11, 10), (10, 10, 11)):
            day = first_sunday(year, month)
            offsets = [(day + datetime.timedelta(hours=h)).replace(tzinfo=zone).utcoffset() for h in (0, 12)]
            assert offsets == [datetime.timedelta(hours=before), datetime.timedelta(hours=after)]


def test_text_is_escaped_in_each_format():
    catalogue = make_catalogue(HOSTILE)
    summary = next(line for line in unfold(export_ics(catalogue)) if line.startswith("SUMMARY:"))
    assert "Ünïcode\\; commas\\, back\\\\slash <b>&</b>" in summary
    for feed in (export_rss(catalogue), export_atom(catalogue)):
        titles = [e.text for e in ElementTree.fromstring(feed).iter() if e.tag.endswith("title")]
        assert HOSTILE.replace("\x0b", "") in titles
        assert "<b>" not in feed
    assert r"back\textbackslash{}slash <b>\&</b>" in export_bibtex(catalogue)
    assert r"100\% \_\$\#\{\}\textasciitilde{}\textasciicircum{}" in export_bibtex(catalogue)


def test_feeds_list_all_talks_newest_first():
    catalogue = load_catalogue()
    items = ElementTree.fromstring(export_rss(catalogue)).findall("channel/item")
    assert [i.findtext("guid") for i in items][:2] == ["slt-2023-12-14@germ", "slt-2023-10-12@germ"]
    assert items[0].findtext("pubDate") == "Thu, 14 Dec 2023 16:00:00 +1100"
    atom = ElementTree.fromstring(export_atom(catalogue))
    space = "{http://www.w3.org/2005/Atom}"
    assert len(atom.findall(f"{space}entry")) == len(items) == 66
    assert all(e.find(f"{space}author/{space}name").text for e in atom.findall(f"{space}entry"))


def test_bibtex_keys_are_unique_and_braces_balance():
    text = export_bibtex(load_catalogue())
    keys = re.findall(r"^@\w+\{([^,]+),$", text, re.M)
    assert len(keys) == len(set(keys)) == 66 + len(load_catalogue().references)
    assert text.count("{") == text.count("}")
    assert "author = {Dan Murfet and Edmund Lau}" in text
