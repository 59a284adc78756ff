"""The tour runs from end to end, onto one page that is whole, accessible and asks nothing of the network; and what it refuses."""

import re
import sys
from html.parser import HTMLParser

import pytest
import torch
from typer.testing import CliRunner

from germ.cli import app, main
from germ.errors import MissingDependencyError
from germ.tour import digits, page, proof
from germ.tour.section import PALETTE, Effort, Section, start_figure, write_figure, write_table

VOID = {"meta", "link", "br", "path", "use", "rect", "line"}


class Page(HTMLParser):
    """Elements with their attributes, ids, links, and whether tags nest."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    path = tmp_path_factory.mktemp("tour") / "tour.html"
    threads = torch.get_num_threads()
    answer = CliRunner().invoke(app, ["tour", "--quick", "--seed", "1", "--out", str(path)])
    torch.set_num_threads(threads)
    assert answer.exit_code == 0, answer.output
    return answer.stdout, path


def test_every_section_runs_and_says_what_it_found(tour):
    printed, path = tour
    text = path.read_text("utf-8")
    assert str(path) in printed
    for key in ("digits", "known", "proof", "posterior", "roads"):
        assert f'<section id="{key}"' in text
    for word in ("λ = 2/3, m = 1", "refused: ", "proved (", "free energy", "WBIC", "γ = 100", "identity 1", "vol{K"):
        assert word in text
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # no temporary file is left


def test_the_page_is_whole_and_asks_nothing_of_the_network(tour):
    text = tour[1].read_text("utf-8")
    found = Page(text)
    assert found.open == []
    for _, attributes in found.elements:
        for key in ("src", "href", "xlink:href", "srcset", "action"):
            assert attributes.get(key, "#").startswith(("#", "data:")), attributes
    assert not re.search(r"url\((?!#)|@import|<script|<iframe", text)
    assert len(text) < 600_000


def test_the_page_is_accessible(tour):
    found = Page(tour[1].read_text("utf-8"))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for a in found.all("a") if a["href"].startswith("#")}
    assert targets <= set(ids)
    assert found.all("html")[0]["lang"] == "en"
    assert "width=device-width" in next(a["content"] for a in found.all("meta") if a.get("name") == "viewport")
    headings = [tag for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert headings == ["h1"] + 5 * ["h2"]
    drawings = found.all("svg")
    assert len(drawings) >= 6
    assert all(a.get("role") == "img" and len(a.get("aria-label", "")) > 3 for a in drawings)
    assert len(found.all("figcaption")) == len(found.all("figure")) == len(drawings)
    assert all("scope" in a for a in found.all("th"))
    scrolling = [a for _, a in found.elements if "scroll" in a.get("class", "").split()]
    assert all(a.get("tabindex") == "0" and a.get("role") == "region" and a.get("aria-label") for a in scrolling)


def _luminance(colour):
    full = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(full[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return sum(
        w * (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4) for w, p in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
    )


def _contrast(a, b):
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_and_lines_stand_out_in_light_and_in_dark(scheme):
    blocks = [dict(re.findall(r"(--[\w-]+): (#\w+);", block)) for block in page._STYLE.split("prefers-color-scheme")]
    colours = blocks[0] | (blocks[1] if scheme else {})
    for name in ("--ink", "--quiet", "--link"):
        for ground in ("--paper", "--panel"):
            assert _contrast(colours[name], colours[ground]) > 4.5, (name, ground)
    for box in ("--leaf", "--inner"):
        assert _contrast(colours["--ink"], colours[box]) > 4.5
    for light, dark in PALETTE.items():
        if light != "#cfe0f3":  # a filled area behind others
            assert _contrast((light, dark)[scheme], colours["--paper"]) > (2.4 if light in ("#ff7f0e", "#d98718") else 2.7), light


def test_hostile_text_is_escaped():
    section = Section("k", "<b>&", "a < b", "<p>fine</p>", "x < y")
    text = page.write_page([section], 0)
    assert "<b>" not in text
    assert "a &lt; b" in text
    assert "<script>" not in write_table("<script>", ["<script>"], [["<script>", "<script>"]])
    with start_figure() as (figure, ax):
        ax.set_title("a < b & c")
    drawn = write_figure(figure, "k", 'says "a < b"', "fine")
    assert 'aria-label="says &quot;a &lt; b&quot;"' in drawn
    Page(drawn)


def test_the_same_seed_gives_the_same_section():
    effort = Effort(draws=8, checkpoints=(0, 2), localizations=(100.0,))
    one, two, other = (digits.make_digits(effort, seed, lambda share: None) for seed in (0, 0, 1))
    assert one == two
    assert one != other


def test_a_spoiled_certificate_that_passed_would_be_seen(monkeypatch):
    monkeypatch.setattr(proof, "check_certificate", lambda document: "anything")
    assert "refused" not in proof.make_proof(Effort(), 0, lambda share: None).body


def refuse(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["germ", "tour", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code, capsys.readouterr().err


@pytest.fixture
def nothing_is_computed(monkeypatch):
    def compute(*_):
        raise AssertionError("computed before the path was checked")

    monkeypatch.setattr(digits, "make_digits", compute)


@pytest.mark.usefixtures("nothing_is_computed")
@pytest.mark.parametrize(
    ("name", "message"), [("", "is a folder"), ("none/tour.html", "there is no folder"), ("file/x.html", "there is no")]
)
def test_paths_that_cannot_be_written_are_refused_first(tmp_path, monkeypatch, capsys, name, message):
    (tmp_path / "file").write_text("")
    code, printed = refuse(monkeypatch, capsys, "--out", str(tmp_path / name))
    assert code == 2
    assert message in printed
    assert "what to do:" in printed


@pytest.mark.usefixtures("nothing_is_computed")
def test_without_scikit_learn_it_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingDependencyError, match="scikit-learn"):
        digits.load_digits()
    code, printed = refuse(monkeypatch, capsys, "--out", str(tmp_path / "t.html"))
    assert code == 2
    assert "pip install" in printed


def test_an_interrupted_tour_leaves_nothing(monkeypatch, capsys, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(digits, "make_digits", interrupt)
    path = tmp_path / "t.html"
    path.write_text("the report of before")
    code, printed = refuse(monkeypatch, capsys, "--out", str(path))
    assert code != 0
    assert "Traceback" not in printed
    assert path.read_text() == "the report of before"
    assert len(list(tmp_path.iterdir())) == 1
