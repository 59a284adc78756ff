"""The page of the tour: one HTML file without scripts and without a request to anywhere."""

from __future__ import annotations

import html
from collections.abc import Sequence

from germ.claim import collect_versions
from germ.tour.section import PALETTE, Section

_LIGHT = "\n".join(f"  --c{name[1:]}: {name};" for name in PALETTE)
_DARK = "\n".join(f"    --c{name[1:]}: {dark};" for name, dark in PALETTE.items())

_STYLE = f"""
:root {{ color-scheme: light dark; --ink: #1c2733; --quiet: #55616d; --rule: #d9dfe5; --paper: #fdfdfc; --panel: #f3f5f7; --link: #1f5a96;
  --line: #8899aa; --best: #c0392b; --leaf: #e0eeda; --inner: #dbe8f4;
{_LIGHT}
}}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e3e8ed; --quiet: #a3afba; --rule: #313c46; --paper: #12181e; --panel: #1a222a; --link: #8cbcec; --line: #667788;
    --best: #f08573; --leaf: #2b4527; --inner: #213c57;
{_DARK}
  }}
}}
* {{ box-sizing: border-box }}
html {{ -webkit-text-size-adjust: 100%; scroll-behavior: smooth }}
@media (prefers-reduced-motion: reduce) {{ html {{ scroll-behavior: auto }} }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 Charter, "Bitstream Charter", "Source Serif 4", Georgia, serif }}
.skip {{ position: absolute; left: -99rem }} .skip:focus {{ left: 1rem; top: 1rem; background: var(--paper); padding: .5rem }}
header, main, footer {{ max-width: 43rem; margin: 0 auto; padding: 0 1.25rem }}
header {{ padding-top: 3.5rem }}
h1, h2, nav, table, figcaption, pre, summary, .finding, footer, svg {{ font-family: system-ui, -apple-system, "Segoe UI", sans-serif }}
h1 {{ font-size: 2rem; line-height: 1.15; margin: 0 0 .5rem; letter-spacing: -.02em; font-weight: 650 }}
h2 {{ font-size: 1.35rem; line-height: 1.25; margin: 0 0 .25rem; letter-spacing: -.01em; font-weight: 650 }}
p {{ margin: 0 0 1rem }} sup, sub {{ line-height: 0 }} .keep {{ white-space: nowrap }}
a {{ color: var(--link); text-underline-offset: .15em }}
:focus-visible {{ outline: 2px solid var(--link); outline-offset: 2px }}
nav ol {{ list-style: none; padding: 0; margin: 1.75rem 0 0; border-top: 1px solid var(--rule) }}
nav li {{ border-bottom: 1px solid var(--rule); padding: .55rem 0; font-size: .95rem; line-height: 1.4 }}
nav a {{ font-weight: 600; text-decoration: none }} nav a:hover {{ text-decoration: underline }}
nav span {{ display: block; color: var(--quiet) }}
section {{ padding-top: 3.25rem }}
.finding {{ color: var(--quiet); font-size: 1rem; margin-bottom: 1.1rem }}
figure {{ margin: 1.5rem 0 }}
figure > svg {{ display: block; width: 100%; height: auto; margin: 0 auto; color: var(--ink) }}
figure > svg text {{ fill: currentColor }}
figcaption {{ color: var(--quiet); font-size: .875rem; line-height: 1.45; margin: .5rem auto 0; max-width: 38rem }}
.scroll {{ overflow-x: auto; max-width: 100% }}
table {{ border-collapse: collapse; font-size: .8125rem; line-height: 1.4; font-variant-numeric: tabular-nums; width: 100% }}
caption {{ text-align: left; color: var(--quiet); padding-bottom: .35rem }}
th, td {{ padding: .3rem .7rem .3rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule) }}
th:first-child, td:first-child {{ text-align: left }} thead th {{ color: var(--quiet); font-weight: 500 }} tbody th {{ font-weight: 500 }}
div.scroll {{ margin: 1.25rem 0 }}
pre, code {{ font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .8125rem; line-height: 1.5 }}
pre {{ background: var(--panel); border-radius: .4rem; padding: .8rem 1rem; margin: 1rem 0 }}
.formulas {{ padding-left: 1.25rem }} .formulas code {{ font-size: .9rem }}
.tree {{ border: 1px solid var(--rule); border-radius: .4rem; padding: .25rem; overflow-x: auto }}
.tree svg {{ display: block; margin: 0 auto; max-width: 100%; height: auto }}
.tree svg text {{ font: 11px system-ui, sans-serif; fill: var(--ink); text-anchor: middle }}
.tree svg rect, .tree svg line {{ stroke: var(--line) }}
.tree .best rect, .tree line.best {{ stroke: var(--best); stroke-width: 2.5 }}
details {{ margin: 1.25rem 0 }} summary {{ cursor: pointer; color: var(--link); font-size: .9rem }}
footer {{ margin-top: 4rem; padding-top: 1rem; padding-bottom: 3rem; border-top: 1px solid var(--rule); color: var(--quiet);
  font-size: .85rem }}
@media print {{ nav, .skip, details {{ display: none }} section {{ break-inside: avoid }} }}
"""

_LEDE = """
<p>Among the parameters that describe data equally well, the volume of those whose divergence K from the truth is below ε shrinks like
<span class="keep">ε<sup>λ</sup>(−log ε)<sup>m−1</sup></span>. In a regular model of d parameters λ = d/2 and m = 1. Neural networks,
mixtures and factor models are singular: their λ is smaller, and it is λ, not d, that governs evidence, generalisation and the choice of a
model (Watanabe 2009).</p>
<p>Everything on this page was just computed on this machine.</p>"""


def write_page(sections: Sequence[Section], seed: int) -> str:
    """The page.

    Args:
        sections: In order.
        seed: Seed of the tour.

    Returns:
        HTML; the same sections and versions give the same text.
    """
    contents = "".join(f'<li><a href="#{s.key}">{html.escape(s.title)}</a><span>{html.escape(s.finding)}</span></li>' for s in sections)
    versions = ", ".join(f"{name} {version}" for name, version in collect_versions("torch", "numpy", "scikit-learn").items())
    parts = "".join(_write_section(s) for s in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="description" content="Learning coefficients measured, proved and compared by germ">\n'
        f'<link rel="icon" href="data:,">\n<title>germ tour</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        '<a class="skip" href="#main">Skip to the sections</a>\n'
        f'<header><h1>A tour of germ</h1>{_LEDE}<nav aria-label="Contents"><ol>{contents}</ol></nav></header>\n'
        f'<main id="main">{parts}</main>\n'
        f"<footer><p>Seed {seed}; {html.escape(versions)}. The same seed gives the same numbers with the same versions on the same kind of "
        "machine: <code>germ tour --seed "
        f"{seed}</code>.</p></footer>\n</body>\n</html>\n"
    )


def _write_section(section: Section) -> str:
    return (
        f'<section id="{section.key}" aria-labelledby="{section.key}-heading">'
        f'<h2 id="{section.key}-heading">{html.escape(section.title)}</h2>'
        f'<p class="finding">{html.escape(section.finding)}</p>{section.body}'
        f"<details><summary>Do it yourself</summary><pre>{html.escape(section.code)}</pre></details></section>"
    )
