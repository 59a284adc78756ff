"""The terminal table of a comparison: one line a road, colour for the verdict."""

from __future__ import annotations

from typing import Any

from germ.roads.comparison import Comparison, Row

_STYLES = {
    "reference": "bold", "agrees": "green", "disagrees": "bold red", "not applicable": "dim", "no road yet": "dim", "open": "yellow",
}  # fmt: skip


def print_comparison(comparison: Comparison, console: Any = None) -> None:
    """Print the table and one line that says whether the roads agree.

    Args:
        comparison: The comparison.
        console: A rich console; standard output by default.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console() if console is None else console
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("road", no_wrap=True)
    for name in ("λ", "m", "difference", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("reliability", no_wrap=True)
    for row in comparison.rows:
        style = _STYLES.get(row.status, "")
        table.add_row(
            Text(row.road, style=style), Text(row.describe_value(), style=style), _describe_multiplicity(row),
            Text(row.describe_difference(), style=style), f"{row.seconds:.1f}", Text(row.reliability, style="dim"),
        )  # fmt: skip
    console.print(f"{comparison.problem} (d = {comparison.dimension})", style="bold", highlight=False)
    console.print(table)
    for row in comparison.rows:
        if remark := row.describe_verdict():
            console.print(f"{row.road}: {remark}", style="red" if row.status == "disagrees" else "dim", highlight=False)
    compared = [row for row in comparison.rows if row.difference is not None]
    bad = [row.road for row in comparison.rows if row.status == "disagrees"]
    if bad:
        console.print(f"roads disagree: {', '.join(bad)}", style="bold red", highlight=False)
    elif compared:
        largest = max(abs(row.difference or 0.0) for row in compared)
        tail = f", largest difference {largest:.1f} standard errors" if largest else ""
        console.print(f"{len(compared) + 1} roads agree{tail}", style="green", highlight=False)
    else:
        console.print("nothing to compare", style="yellow")
    if comparison.notes:
        console.print(comparison.notes, style="dim", highlight=False)


def _describe_multiplicity(row: Row) -> str:
    if row.multiplicity is not None:
        return str(row.multiplicity)
    probabilities = row.probabilities
    if not probabilities or max(probabilities.values()) < 0.5:
        return "–"
    return " or ".join(str(m) for m, p in probabilities.items() if p > 0.05)
