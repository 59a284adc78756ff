"""One number by all roads: proof, published formula, volume, and samples in three ways, for one problem."""

from __future__ import annotations

from collections.abc import Callable

from germ.plots.roads import plot_roads
from germ.problems.network import make_tanh_network
from germ.roads.compare import compare
from germ.roads.comparison import Comparison, Row
from germ.tour.section import Effort, Section, count_words, start_figure, write_figure, write_table

_UNITS = 2
_HOW = {
    "exact": "resolution of singularities, with a certificate",
    "atlas": "the published formula",
    "volume": "how fast vol{K < ε} falls",
    "llc": "sampling near the truth, the estimator for networks",
    "wbic": "the log likelihood at β = 1/log n",
    "free-energy": "growth of the free energy with log n",
}


def make_roads(effort: Effort, seed: int, tell: Callable[[float], None]) -> Section:
    """The section.

    Args:
        effort: How much.
        seed: Seed.
        tell: Called with the share that is done.

    Returns:
        The section.
    """
    tell(0.1)
    found = compare(make_tanh_network(_UNITS), seed=seed, budget=effort.work, roads=effort.roads)
    tell(1.0)
    answered = [row for row in found.rows if row.value is not None]
    off = [row for row in found.rows if row.status == "disagrees"]
    reference = found.reference
    value = "–" if reference is None else reference.describe_value()
    verdict = (
        f"{count_words(len(off), 'road disagrees', 'roads disagree')} by more than three standard errors: {', '.join(r.road for r in off)}."
        if off
        else "All agree within three standard errors."
    )
    rows = [[row.road, _HOW.get(row.road, ""), row.describe_value(), _describe_multiplicity(row), _describe(row)] for row in found.rows]
    body = f"""
<p>The network of the proof above, {_UNITS} tanh units at the truth zero, once more. Roads that have next to nothing in common lead to its
λ: some are given K, others see only data that were simulated from the model.</p>
{write_table("One problem by all roads", ["road", "how", "λ", "m", "deviation"], rows)}
{_draw(found)}
<p>{verdict} This agreement, over many problems, is what germ's own tests rest on.</p>"""
    finding = f"λ = {value}: {count_words(len(answered), 'road', 'roads')}, {'no' if not off else len(off)} disagreement"
    code = 'germ compare tanh --hidden 2\n# in Python:  germ.compare(germ.problems.make_problem("tanh", hidden=2))'
    return Section("roads", "One number by all roads", finding, body, code)


def _describe(row: Row) -> str:
    text = row.describe_verdict()
    return row.describe_difference() if row.value is not None else text


def _describe_multiplicity(row: Row) -> str:
    return "–" if row.multiplicity is None else str(row.multiplicity)


def _draw(found: Comparison) -> str:
    with start_figure(size=(4.8, 2.9)) as (figure, ax):
        plot_roads(found, ax=ax)
        ax.set_title("")
    told = "; ".join(f"{row.road}: {row.describe_value()}" for row in found.rows if row.value is not None)
    return write_figure(
        figure, "roads-figure", f"Learning coefficient by each road. {told}.", "λ by each road, two standard errors; the line is the proof."
    )
