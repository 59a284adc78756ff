"""Render the pages, let MkDocs build them in a temporary folder, and swap the finished site in."""

from __future__ import annotations

import datetime
import html
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from germ.atlas import Family, list_families, load_family
from germ.atlas.family import TestValue
from germ.atlas.page import format_input
from germ.errors import MissingDependencyError, SeminarError
from germ.seminar import feeds
from germ.seminar.catalogue import Catalogue, Talk
from germ.seminar.experiment import read_essay
from germ.seminar.polynomials import GALLERY, LIMITS, describe_polynomial
from germ.seminar.results import DEFAULT_RESULTS, load_results
from germ.seminar.site.notation import format_notation
from germ.seminar.site.pages import Site

HERE = Path(__file__).parent
MARK = ".germ-seminar-site"
BUILD_SECONDS = 300


def build_site(catalogue: Catalogue, target: Path, *, today: datetime.date, results: Path = DEFAULT_RESULTS) -> Site:
    """Build the site; `target` changes only at the end, in one step, and only if everything went well.

    Args:
        catalogue: The catalogue.
        target: The site's folder: absent, empty, or a site built before.
        today: The day that divides past from upcoming.
        results: Folder of stored results.

    Returns:
        What the pages show.

    Raises:
        MissingDependencyError: If the generator is not installed.
        SeminarError: If the target holds something else, or the generator fails.
    """
    if find_spec("mkdocs") is None or find_spec("material") is None:
        raise MissingDependencyError("mkdocs-material is not installed", "the extra [seminar]", "pip install 'germ[seminar]'")
    target = Path(os.path.abspath(target))
    if target.exists() and not (target.is_dir() and ((target / MARK).is_file() or not any(target.iterdir()))):
        expected = "a folder that is absent, empty or a site built before"
        raise SeminarError(f"{target} holds something that is not a site of germ", expected, "choose another folder")
    site = Site(catalogue, load_results(results, [t.id for t in catalogue.talks]), today)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
            work = Path(folder)
            nav = _write_pages(site, work / "docs", results)
            _run_mkdocs(site, work, nav)
            (work / "site" / MARK).write_text("built by `germ seminar site`\n", encoding="utf-8")
            if target.exists():
                target.replace(work / "old")
            (work / "site").replace(target)
    except OSError as error:
        raise SeminarError(f"cannot write the site {target}: {error}", "a folder that can be written") from None
    return site


def _make_environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["front_matter"] = _quote_front_matter
    environment.filters["notation"] = format_notation
    return environment


def _quote_front_matter(text: str) -> Any:
    """A YAML scalar that the theme may put into HTML as it is."""
    from markupsafe import Markup

    return Markup(json.dumps(html.escape(str(text)), ensure_ascii=False))


def _write_pages(site: Site, docs: Path, results: Path) -> list[Any]:
    """Write all Markdown pages, figures, feeds and static files; return the navigation."""
    environment = _make_environment()

    def write(path: str, template: str, **context: Any) -> str:
        file = docs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(environment.get_template(template).render(site=site, **context), encoding="utf-8")
        return path

    nav: list[Any] = [{"Home": write("index.md", "index.md")}]
    nav.append(
        {
            "Talks": [
                {str(y): [write(f"talks/{t.id}.md", "talk.md", **_describe_talk(site, t)) for t in talks]} for y, talks in _by_year(site)
            ]
        }
    )
    talks_of = {s.name: site.find_talks_of(s.name) for s in site.catalogue.speakers}
    people: list[dict[str, Any]] = [
        {"id": site.slugs[s.name], "title": s.name, "detail": "", "url": s.url, "talks": talks_of[s.name], "problems": []}
        for s in sorted(site.catalogue.speakers, key=lambda s: (s.group, s.name.split()[-1].casefold()))
    ]
    areas = [_describe_topic(site, topic.id, topic.title, topic.detail, "area") for topic in site.catalogue.areas]
    series = [_describe_topic(site, topic.id, topic.title, topic.detail, "series") for topic in site.catalogue.series]
    for folder, title, detail, items in (
        ("speakers", "Speakers", "Who spoke, and on what.", people),
        ("areas", "Areas", "Talks by their mathematics.", areas),
        ("series", "Series", "Talks that belong together.", series),
    ):
        counted = [i | {"count": len(i["talks"]), "green": sum(site.describe(t).kind == "pass" for t in i["talks"])} for i in items]
        pages = [write(f"{folder}/index.md", "topics.md", title=title, detail=detail, items=counted)]
        nav.append({title: pages + [write(f"{folder}/{i['id']}.md", "topic.md", **{k: i[k] for k in i if k != "id"}) for i in items]})
    nav += [write("references.md", "references.md"), write("problems.md", "problems.md")]
    families = [load_family(name) for name in list_families()]
    pages = [write(f"atlas/{f.id}.md", "family.md", family=f, values=_list_values(f)) for f in families]
    nav.append({"Atlas": [write("atlas/index.md", "atlas.md", families=families), *pages]})
    gallery = _draw_gallery(docs / "figures")
    nav.append(write("polynomial.md", "polynomial.md", gallery=gallery, limits=LIMITS, server="none"))
    _write_files(site, docs, results)
    return nav


def _list_values(family: Family) -> list[tuple[str, TestValue]]:
    """Known values of a family with the commands that compute them."""

    def command(value: TestValue) -> str:
        return " ".join(["germ atlas value", family.id, *(f"--{name} {format_input(given)}" for name, given in value.inputs.items())])

    return [(command(value), value) for value in family.values]


def _draw_gallery(folder: Path) -> list[dict[str, str]]:
    """Compute the gallery of Newton diagrams."""
    folder.mkdir(exist_ok=True)
    answers = [describe_polynomial(text) for text in GALLERY]
    for i, answer in enumerate(answers):
        (folder / f"newton-{i}.svg").write_bytes(answer.picture)
    return [{"polynomial": a.polynomial, "text": a.text, "file": f"newton-{i}.svg"} for i, a in enumerate(answers)]


def _by_year(site: Site) -> list[tuple[int, list[Talk]]]:
    years = sorted({t.date.year for t in site.catalogue.talks})
    return [(year, [t for t in site.catalogue.talks if t.date.year == year]) for year in years]


def _describe_talk(site: Site, talk: Talk) -> dict[str, Any]:
    state = site.describe(talk)
    summary, *background = read_essay(talk.id) or [""]
    return {
        "summary": summary, "background": background,
        "talk": talk, "state": state, "result": site.results.get(talk.id) if state.kind in ("pass", "fail", "unrun") else None,
        "area": site.areas.get(talk.area), "series": site.series.get(talk.series),
        "prerequisites": [site.talks[i] for i in talk.prerequisites], "references": [site.references[i] for i in talk.references],
        "siblings": [t for t in site.catalogue.talks if t.series == talk.series] if talk.series else [],
        "bibtex": feeds.export_bibtex(site.catalogue, [talk]).strip(),
    }  # fmt: skip


def _describe_topic(site: Site, topic_id: str, title: str, detail: str, kind: str) -> dict[str, Any]:
    talks = [t for t in site.catalogue.talks if getattr(t, kind) == topic_id]
    problems = [p for p in site.catalogue.open_problems if p.area == topic_id] if kind == "area" else []
    return {"id": topic_id, "title": title, "detail": detail, "url": "", "talks": talks, "problems": problems}


def _write_files(site: Site, docs: Path, results: Path) -> None:
    (docs / "figures").mkdir(exist_ok=True)
    for result in site.results.values():
        for figure in result.figures:
            shutil.copyfile(results / figure.file, docs / "figures" / figure.file)
    for file in (HERE / "static").iterdir():
        (docs / "static").mkdir(exist_ok=True)
        shutil.copyfile(file, docs / "static" / file.name)
    exports = {
        "seminar.ics": feeds.export_ics,
        "rss.xml": feeds.export_rss,
        "atom.xml": feeds.export_atom,
        "seminar.bib": feeds.export_bibtex,
    }
    for name, export in exports.items():
        (docs / name).write_bytes(export(site.catalogue).encode())


def _run_mkdocs(site: Site, work: Path, nav: list[Any]) -> None:
    shutil.copytree(HERE / "theme", work / "theme")
    config = {
        "site_name": html.escape(site.catalogue.title),
        "site_description": html.escape(site.catalogue.description),
        "docs_dir": "docs", "site_dir": "site", "nav": nav,
        "theme": {
            "name": "material", "custom_dir": "theme", "font": False, "language": "en",
            "features": ["navigation.tabs", "navigation.indexes", "navigation.prune", "content.code.copy"],
            "palette": [
                {"media": "(prefers-color-scheme)", "primary": "custom", "accent": "custom",
                 "toggle": {"icon": "material/brightness-auto", "name": "Switch to light mode"}},
                {"media": "(prefers-color-scheme: light)", "scheme": "default", "primary": "custom", "accent": "custom",
                 "toggle": {"icon": "material/weather-night", "name": "Switch to dark mode"}},
                {"media": "(prefers-color-scheme: dark)", "scheme": "slate", "primary": "custom", "accent": "custom",
                 "toggle": {"icon": "material/weather-sunny", "name": "Follow the system's mode"}},
            ],
        },
        "plugins": ["search", "offline"],
        "extra": {"generator": False, "polyfills": ["static/iframe-worker.js"]},
        "extra_css": ["static/site.css"],
        "extra_javascript": ["static/site.js"],
        "markdown_extensions": ["attr_list", "pymdownx.superfences", {"pymdownx.highlight": {"use_pygments": True}}],
    }  # fmt: skip
    (work / "mkdocs.yml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    try:
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise SeminarError(f"MkDocs ran for more than {BUILD_SECONDS} s", "a build of seconds") from None
    if done.returncode:
        raise SeminarError(f"MkDocs failed: {(done.stderr or done.stdout).strip()[-2000:]}", "a build without warnings")
