"""`germ jets`: dimensions of jet schemes, and the log canonical threshold that they show."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def jets(
    polynomials: Annotated[list[str], typer.Argument(help="f, or the generators of an ideal")],
    order: Annotated[int, typer.Option(help="largest order m")] = 8,
    prime: Annotated[int | None, typer.Option(help="count the jets over F_p too, up to the order of --count-order")] = None,
    count_order: Annotated[int, typer.Option(help="largest order of the counts")] = 5,
    seconds: Annotated[float, typer.Option(help="limit for Gröbner bases")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Dimensions of the jet schemes J_m of a zero set, codim J_m / (m+1), and the complex log canonical threshold."""
    from germ.algebra.jets import compute_jet_dimensions
    from germ.algebra.point_counts import count_jets

    table = compute_jet_dimensions(polynomials, order, seconds=seconds)
    counts = [] if prime is None else [count_jets(polynomials, prime, m) for m in range(min(order, count_order) + 1)]
    if as_json:
        rows = [
            {"m": r.order, "dim": r.dimension, "codim": r.codimension, "ratio": str(r.ratio), "running": str(r.running)}
            for r in table.rows
        ]  # fmt: skip
        document = {
            "kind": "jets", "rows": rows, "lct": None if table.threshold is None else str(table.threshold),
            "attained": list(table.attained),
            "method": table.method, "unfinished": table.unfinished or None,
            "counts": [{"p": c.prime, "m": c.order, "count": c.count} for c in counts],
        }  # fmt: skip
        typer.echo(json.dumps(document))
        return
    typer.echo(
        f"{'m':>3} {'dim J_m':>8} {'codim':>6} {'codim/(m+1)':>12} {'least so far':>13}" + (f"  jets over F_{prime}" if counts else "")
    )
    for row in table.rows:
        count = f"  {counts[row.order].count}  (log_p: {counts[row.order].dimension_hint:.3f})" if row.order < len(counts) else ""
        typer.echo(f"{row.order:>3} {row.dimension:>8} {row.codimension:>6} {row.ratio!s:>12} {row.running!s:>13}{count}")
    if table.threshold is not None:
        where = ", ".join(map(str, table.attained)) or "none of these orders"
        typer.echo(f"log canonical threshold over C: {table.threshold}, attained at m = {where}  ({table.method})")
    else:
        typer.echo(f"log canonical threshold over C: at most {table.rows[-1].running}  ({table.method})")
    if table.unfinished:
        typer.echo(f"the table ends early: {table.unfinished}")
