"""The page of a tree of blow-ups: what it says about each step is what the certificate proves."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from germ import compute_rlct
from germ.errors import InputError
from germ.plots.tree import make_tree_page


def text_of(page):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


class Balance(HTMLParser):
    """Open and close tags of sections and links have to match; links have to lead somewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.targets, self.ids = [], set(), set()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids.add(values.get("id"))
        if tag in ("section", "a", "svg", "main"):
            self.open.append(tag)
        if tag == "a":
            self.targets.add(values["href"].removeprefix("#"))

    def handle_endtag(self, tag):
        if tag in ("section", "a", "svg", "main"):
            assert self.open.pop() == tag


def test_the_cusp_shows_its_charts_and_why_the_answer_is_half():
    page = make_tree_page(compute_rlct(["y^2-x^3"]).certificate)
    text = text_of(page)
    assert "λ = 5/12, m = 1; K = Σ f², so λ is half" in text
    assert "x → −x^2, y → x^3·y; x ≥ 0, near y = 0" in text
    assert "y → y^3, x → y^2·x; y of both signs" in text
    assert "divide all generators by y^6" in text
    assert "{'" not in text


@pytest.mark.parametrize(
    ("subject", "options"),
    [
        (["a*b+c*d", "a*b^3+c*d^3"], {}),
        (["x+y^2"], {"domain": "x>=0", "prior": "abs(y)^(1/2)"}),
        ("y^2+x^2*(x-1)^4", {"box": "-1:2,-1:1"}),
        (["(x^2-2)^2*y"], {"at": {"x": "sqrt(2)", "y": "0"}}),
    ],
)
def test_links_lead_to_cards(subject, options):
    page = Balance()
    page.feed(make_tree_page(compute_rlct(subject, **options).certificate))
    assert not page.open
    assert page.targets <= page.ids


def test_text_is_escaped():
    assert "<script>" not in make_tree_page(compute_rlct(["x"]).certificate, title="<script>alert(1)</script>")


def test_a_huge_tree_is_refused():
    proof = compute_rlct(["x"]).certificate
    with pytest.raises(InputError, match="at most 4000"):
        make_tree_page({**proof, "nodes": proof["nodes"] * 5000})
