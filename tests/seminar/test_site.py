import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from hostile import HOSTILE, TODAY

from germ.errors import SeminarError
from germ.seminar.catalogue import load_catalogue
from germ.seminar.experiment import NothingToCompute, NotYet
from germ.seminar.experiments import EXPERIMENTS
from germ.seminar.results import load_results
from germ.seminar.site.build import MARK, build_site
from germ.seminar.site.notation import format_notation

LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("link", "href"), ("source", "src"), ("form", "action")}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.ids, self.scripts = [], [], set(), 0
        self.text, self.lang, self.images, self.kinds = "", None, [], {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.kinds[tag] = self.kinds.get(tag, 0) + 1
        if values.get("id"):
            self.ids.add(values["id"])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag == "html":
            self.lang = values.get("lang")
        if tag == "img":
            self.images.append(values)
        for name, value in values.items():
            if (tag, name) in LOADED and value and not (tag == "link" and values.get("rel") == "canonical"):
                self.loaded.append(value)

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="session")
def pages(built):
    return {p.relative_to(built.folder).as_posix(): Page(p.read_text(encoding="utf-8")) for p in built.folder.rglob("*.html")}


def test_every_talk_speaker_area_series_and_family_has_a_page(built, pages):
    from germ.atlas import list_families

    catalogue = built.site.catalogue
    expected = {f"talks/{t.id}.html" for t in catalogue.talks} | {f"areas/{a.id}.html" for a in catalogue.areas}
    expected |= {f"series/{s.id}.html" for s in catalogue.series} | {f"speakers/{slug}.html" for slug in built.site.slugs.values()}
    expected |= {f"atlas/{name}.html" for name in list_families()}
    expected |= {"index.html", "references.html", "problems.html", "polynomial.html", "atlas/index.html"}
    assert expected <= set(pages)


def test_nothing_is_loaded_from_elsewhere_and_all_links_resolve(built, pages):
    for name, page in pages.items():
        if name == "404.html":
            continue  # its links are absolute, for servers
        assert page.lang == "en"
        folder = (built.folder / name).parent
        for address in page.loaded:
            assert not urlsplit(address).scheme, f"{name} loads {address}"
            assert not address.startswith("//")
            assert (folder / unquote(urlsplit(address).path)).is_file(), f"{name} loads {address}"
        for address in page.links:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https"):
                continue
            assert parts.scheme == "", f"{name} links to {address}"
            target = (folder / unquote(parts.path)).resolve() if parts.path else (built.folder / name).resolve()
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{name} links to {address}"
            if parts.fragment and target.suffix == ".html" and not parts.fragment.startswith("__"):
                assert parts.fragment in pages[target.relative_to(built.folder.resolve()).as_posix()].ids, f"{name} links to {address}"


def test_style_sheets_load_nothing_from_elsewhere(built):
    for file in built.folder.rglob("*.css"):
        for address in re.findall(r"url\(([^)]*)\)", file.read_text(encoding="utf-8")):
            assert address.strip("\"'").startswith(("data:", "../", "#")), f"{file.name} loads {address[:80]}"


def test_titles_are_escaped(built, pages):
    page = pages["talks/2027-02-04.html"]
    assert HOSTILE in page.text
    ordinary = pages["talks/2022-03-17.html"]
    assert page.kinds["script"] == ordinary.kinds["script"], "the title made no element"
    assert "strong" not in page.kinds
    assert HOSTILE in pages["index.html"].text
    index = (built.folder / "search" / "search_index.js").read_text(encoding="utf-8")
    entries = json.loads(index.removeprefix("var __index = "))["docs"]
    title = next(e["title"] for e in entries if e["location"] == "talks/2027-02-04.html")
    assert "<script>" not in title


def test_upcoming_and_previous_depend_on_the_day(built, pages):
    assert [t.id for t in built.site.upcoming[:2]] == ["2023-03-16", "2023-03-23"]
    text = (built.folder / "index.html").read_text(encoding="utf-8")
    assert text.index("talks/2023-03-16.html") < text.index('<h2 id="previous">') < text.index("talks/2022-01-13b.html")
    assert sum(len(talks) for _, talks in built.site.years) == 46


def test_counts_on_the_front_page_are_true(built, pages):
    counts = built.site.counts
    results = load_results(built.folder.parent / "results", EXPERIMENTS)
    assert counts.green == len(results) == 2
    assert counts.claims_held == sum(len(r.claims) for r in results.values()) == 10
    entries = [e for talk, e in EXPERIMENTS.items() if talk not in results]
    assert counts.nothing == sum(isinstance(e, NothingToCompute) for e in entries)
    assert counts.not_yet == sum(isinstance(e, NotYet) for e in entries) + 1, "the hostile talk is in no registry"
    assert counts.unrun == sum(isinstance(e, str) for e in entries)
    assert counts.talks == counts.green + counts.failed + counts.unrun + counts.not_yet + counts.nothing
    numbers = dict(re.findall(r"<dt>([^<]*)</dt>\s*<dd>(\d+)</dd>", (built.folder / "index.html").read_text(encoding="utf-8")))
    assert numbers == {
        "talks": str(counts.talks), "run green": "2", "claims that hold": "10",
        "not yet": str(counts.not_yet), "nothing to compute": str(counts.nothing),
    }  # fmt: skip
    assert "2 of the 46 past talks" in pages["index.html"].text


def test_results_that_are_out_of_date_do_not_count(built):
    from dataclasses import replace

    old = {talk: replace(result, digest="0") for talk, result in built.site.results.items()}
    counts = replace(built.site, results=old, _states={}).counts
    assert (counts.green, counts.claims_held) == (0, 0)
    failed = {t: replace(r, claims=(replace(r.claims[0], passed=False), *r.claims[1:])) for t, r in built.site.results.items()}
    counts = replace(built.site, results=failed, _states={}).counts
    assert (counts.green, counts.failed, counts.claims_held) == (0, 2, 8)


def test_a_talk_page_has_everything(built, pages):
    page = pages["talks/2022-12-08.html"]
    assert {"https://youtu.be/kHfDyK43HKc", "../speakers/dan-murfet.html", "2022-11-24.html", "../references.html#mustata"} <= set(
        page.links
    )
    page = pages["talks/2022-11-24.html"]
    for claim in built.site.results["2022-11-24"].claims:
        assert format_notation(claim.statement).striptags() in page.text
        assert claim.source in page.text
    assert "germ seminar run 2022-11-24 --size small --seed 0" in page.text
    assert "@misc{slt-2022-11-24," in page.text
    assert [i["src"] for i in page.images] == ["../figures/2022-11-24-ratios.svg"]
    assert all(i["alt"] for i in page.images)
    assert "TBD" in pages["talks/2023-04-13.html"].text
    assert "The Quantization Model" in pages["talks/2023-04-13.html"].text


def test_talk_pages_are_small(built, pages):
    for name, page in pages.items():
        if name.startswith("talks/"):
            file = built.folder / name
            pictures = [(file.parent / i["src"]).stat().st_size for i in page.images]
            assert file.stat().st_size + sum(pictures) <= 300_000, name


def test_bibliography_links_back(pages):
    page = pages["references.html"]
    assert {"mustata", "gray", "dlt1"} <= page.ids
    assert {"talks/2022-11-24.html", "talks/2022-12-08.html"} <= set(page.links)


def test_feeds_are_beside_the_pages(built):
    for name, start in (
        ("seminar.ics", b"BEGIN:VCALENDAR\r\n"),
        ("rss.xml", b"<?xml"),
        ("atom.xml", b"<?xml"),
        ("seminar.bib", b"@misc{slt-"),
    ):
        assert (built.folder / name).read_bytes().startswith(start)


def test_a_site_is_replaced_whole_or_not_at_all(built, tmp_path, monkeypatch):
    import germ.seminar.site.build as module

    target = tmp_path / "site"
    target.mkdir()
    (target / MARK).write_text("", encoding="utf-8")
    (target / "stale.html").write_text("old", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(module, "_run_mkdocs", lambda *_: (_ for _ in ()).throw(SeminarError("broken")))
        with pytest.raises(SeminarError, match="broken"):
            build_site(load_catalogue(), target, today=TODAY, results=tmp_path / "none")
    assert [p.name for p in tmp_path.iterdir()] == ["site"]
    assert (target / "stale.html").read_text(encoding="utf-8") == "old"
    site = build_site(load_catalogue(), target, today=TODAY, results=tmp_path / "none")
    assert not (target / "stale.html").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["site"]
    assert site.counts.green == 0


def test_other_folders_are_not_overwritten(tmp_path):
    (tmp_path / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(SeminarError, match="not a site of germ"):
        build_site(load_catalogue(), tmp_path, today=TODAY)
    with pytest.raises(SeminarError, match="not a site of germ"):
        build_site(load_catalogue(), tmp_path / "thesis.tex", today=TODAY)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_notation_escapes_before_it_sets_indices_and_powers():
    assert str(format_notation("<b>_1 x^<i> & a_b c^2")) == "&lt;b&gt;_1 x^&lt;i&gt; &amp; a<sub>b</sub> c<sup>2</sup>"
    assert format_notation("nS_n, J_m/(m + 1), F_31, compare_models, 2^−l").striptags() == "nSn, Jm/(m + 1), F31, compare_models, 2−l"
