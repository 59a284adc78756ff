"""A section of the tour: a heading, one line of what was found, and HTML; with the pieces that sections are made of."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

# Colours of figures, and what they become on a dark page. On the page they are variables.
PALETTE = {
    "#1f5a96": "#7db4ea", "#c0392b": "#f08573", "#8a8a8a": "#9a9a9a", "#666666": "#a8a8a8", "#999999": "#8a8a8a", "#7f8c8d": "#a9b4b5",
    "#8e44ad": "#c79be0", "#27803b": "#76c78a", "#d98718": "#f0b35c", "#3c7a3c": "#83c283", "#cfe0f3": "#1d3a57", "#1f3a56": "#a9cbee",
    "#d62728": "#f08573", "#ff7f0e": "#ffab5c", "#1f77b4": "#7db4ea", "#2ca02c": "#76c78a",
}  # fmt: skip
_SETTINGS: Any = {
    "svg.hashsalt": "germ", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 0.7, "legend.frameon": False, "axes.titlesize": "medium",
}  # fmt: skip
_REMS = 7.9  # of the page for an inch of a figure
SIZE = (4.8, 3.0)  # inches: on a phone a figure of this width shrinks little, and its letters stay readable


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Args:
        draws: Draws of each chain at each checkpoint.
        checkpoints: Training steps at which the network is measured.
        localizations: Values of γ at which the last checkpoint is measured again.
        networks: Linear networks of known λ: widths, and the rank of each layer and of their product.
        observations: Of the mixture.
        components: Largest number of components that is fitted.
        precision: Wanted standard error of free energies, nats.
        relative: Wanted relative standard error of λ̂.
        roads: To the learning coefficient of one problem, by name.
        work: Of sampled roads, in seconds that it takes, about.
        budget: Seconds after which a single estimate stops: far more than it takes, so that the clock decides nothing, also on a busy
            machine.
    """

    draws: int = 2000
    checkpoints: tuple[int, ...] = (0, 10, 30, 100, 200, 400, 1000, 3000)
    localizations: tuple[float, ...] = (100.0, 30.0, 3.0)
    networks: tuple[tuple[tuple[int, ...], int], ...] = (((6, 4), 4), ((6, 4, 6), 2), ((6, 6, 6, 6), 2))
    observations: int = 150
    components: int = 3
    precision: float = 0.2
    relative: float = 0.03
    roads: tuple[str, ...] = ("exact", "atlas", "volume", "wbic", "free-energy")
    work: float = 20.0
    budget: float = 1000.0


FULL = Effort()
QUICK = Effort(
    draws=40, checkpoints=(0, 30, 100), localizations=(100.0,), networks=(((3, 2), 2), ((2, 2, 2), 1)), observations=30, components=2,
    precision=1.0, relative=0.2, roads=("exact", "atlas", "volume"), work=4.0,
)  # fmt: skip


@dataclass(frozen=True)
class Section:
    """One section.

    Args:
        key: Its anchor.
        title: Heading, plain text.
        finding: What was found, one line of plain text.
        body: HTML.
        code: Lines that do the same in Python or on the command line.
    """

    key: str
    title: str
    finding: str
    body: str
    code: str


@contextmanager
def start_figure(rows: int = 1, size: tuple[float, float] = SIZE, **settings: Any) -> Iterator[tuple[Figure, Any]]:
    """A figure and its axes, in the style of the page."""
    import matplotlib as mpl

    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        yield figure, figure.subplots(rows, 1, **settings)


def write_figure(figure: Figure, key: str, description: str, caption: str) -> str:
    """A figure as inline SVG with text as text, its colours as variables, and what it shows in words.

    Args:
        figure: The figure.
        key: Unique on the page; identifiers inside the drawing begin with it.
        description: For those who cannot see it: plain text.
        caption: HTML.

    Returns:
        A `figure` element.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context(_SETTINGS):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.S)
    drawing = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawing, count=1), count=1)
    drawing = re.sub(r'\bid="', f'id="{key}-', drawing)
    drawing = re.sub(r'(url\(#|href="#)', rf"\g<1>{key}-", drawing)
    drawing = re.sub(r"font: ([\d.]+px) [^\";]+", r"font-size: \1", drawing)
    for colour in PALETTE:
        drawing = drawing.replace(colour, f"var(--c{colour[1:]})")
    drawing = drawing.replace("#000000", "currentColor")
    label = html.escape(description, quote=True)
    width = figure.get_size_inches()[0] * _REMS  # all figures at one scale
    drawing = drawing.replace("<svg", f'<svg role="img" style="max-width: {width:.1f}rem" aria-label="{label}"', 1)
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"


def _format_cell(text: str) -> str:
    return html.escape(re.sub(r"(?<!\w)-(?=\d)", "−", text))


def write_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column names the rows, in a box that scrolls on narrow screens.

    Args:
        caption: Plain text.
        header: Of the columns.
        rows: Cells, plain text.

    Returns:
        HTML.
    """
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>{"".join(f"<td>{_format_cell(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    label = html.escape(caption, quote=True)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def write_text(text: str, label: str) -> str:
    """Text as a terminal prints it."""
    return f'<pre class="scroll" role="region" tabindex="0" aria-label="{html.escape(label, quote=True)}">{html.escape(text)}</pre>'


def count_words(number: int, one: str, many: str) -> str:
    """A number with its noun: "1 checkpoint", "3 checkpoints"."""
    return f"{number} {one if number == 1 else many}"
