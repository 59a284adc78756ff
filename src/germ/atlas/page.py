"""A family's home page: as text, as JSON, and as a row of the table in the docs. All from the data, nothing typed twice."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from germ.atlas.checks import CHECKS
from germ.atlas.family import Family, list_families, load_family


def describe_family(entry: Family) -> str:
    """The family's page as text.

    Args:
        entry: The family.

    Returns:
        Several lines, at most 110 characters wide.
    """
    lines = [f"{entry.id}: {entry.title}  [{entry.kind}; {entry.reliability}]"]
    lines += _paragraph("model", entry.statement) + _paragraph("formula", entry.formula) + _paragraph("missing", entry.missing)
    for name, texts in (("hypotheses", entry.hypotheses), ("inputs", tuple(_describe_inputs(entry)))):
        lines += [f"{name}:"] * bool(texts) + [line for text in texts for line in _item(text)]
    lines += _paragraph("conventions", entry.conventions) + _paragraph("completeness", entry.completeness)
    lines += ["sources:"] + [line for s in entry.sources for line in _item(f"{s} ({s.read})")]
    again = tuple(check.name for check in CHECKS if entry.id in check.families)
    for name, texts in (
        ("checks", entry.checks),
        ("re-derived by `germ atlas verify`", again),
        ("traps", entry.traps),
        ("values", tuple(_describe_values(entry))),
    ):
        lines += [f"{name}:"] * bool(texts) + [line for text in texts for line in _item(text)]
    return "\n".join(lines)


def _paragraph(name: str, text: str) -> list[str]:
    return textwrap.wrap(f"{name}: {text}", 110, subsequent_indent="  ") if text else []


def _item(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent="  - ", subsequent_indent="    ")


def _describe_inputs(entry: Family) -> list[str]:
    return [f"--{i.name}: {i.meaning}; {i.describe()}" for i in entry.inputs]


def _describe_values(entry: Family) -> list[str]:
    rows = []
    for v in entry.values:
        given = " ".join(f"--{name} {format_input(x)}" for name, x in v.inputs.items())
        answer = (
            f"{v.number}"
            if v.learning_coefficient is None
            else f"{v.learning_coefficient}" + (f", m = {v.multiplicity}" if v.multiplicity else "")
        )
        rows.append(f"{given}  →  {answer}")
    return rows


def format_input(value: Any) -> str:
    """An input as the command line takes it.

    Args:
        value: A value as in a family's file.

    Returns:
        Text without spaces, or quoted.

    Example:
        >>> format_input([[1, 0], [0, 2]])
        "'1,0;0,2'"
    """
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], (list, tuple)):
            return "'" + ";".join(",".join(map(str, row)) for row in value) + "'"
        return ",".join(map(str, value)) or "''"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"'{text}'" if " " in text or ";" in text or not text else text


def family_to_json(entry: Family) -> dict[str, Any]:
    """The family's page as plain JSON values.

    Args:
        entry: The family.

    Returns:
        A dict with the keys of the family's file.
    """
    sources = [{"author": s.author, "year": s.year, "title": s.title, "theorem": s.theorem, "read": s.read} for s in entry.sources]
    inputs = [
        {"name": i.name, "type": i.kind, "meaning": i.meaning, "expected": i.describe(), "optional": i.optional, "default": i.default}
        for i in entry.inputs
    ]
    values: list[Mapping[str, Any]] = [
        {
            "inputs": v.inputs,
            "lambda": None if v.learning_coefficient is None else str(v.learning_coefficient),
            "m": v.multiplicity,
            "number": v.number,
        }
        for v in entry.values
    ]
    return {
        "id": entry.id, "title": entry.title, "kind": entry.kind, "statement": entry.statement, "formula": entry.formula,
        "hypotheses": list(entry.hypotheses), "conventions": entry.conventions, "completeness": entry.completeness,
        "reliability": entry.reliability, "checks": list(entry.checks), "traps": list(entry.traps), "missing": entry.missing,
        "rederived_by": [check.name for check in CHECKS if entry.id in check.families],
        "sources": sources, "inputs": inputs, "values": values,
    }  # fmt: skip


def format_pages() -> str:
    """All families' pages one after the other, for the docs.

    Returns:
        Markdown: a collapsed block a family.
    """
    blocks = []
    for name in list_families():
        entry = load_family(name)
        text = describe_family(entry).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"<details><summary><code>{name}</code> {entry.title}</summary><pre>{text}</pre></details>")
    return "\n\n".join(blocks)


def format_table() -> str:
    """All families as one Markdown table, for the docs.

    Returns:
        Markdown.
    """
    lines = ["| family | model | λ, m | kind | reliability | source |", "|---|---|---|---|---|---|"]
    for name in list_families():
        e = load_family(name)
        cells = [f"`{e.id}`", e.statement, e.formula or f"open: {e.missing}", e.kind, e.reliability, e.source]
        lines.append("| " + " | ".join(cell.replace("|", "&#124;").replace("<", "&lt;").replace(">", "&gt;") for cell in cells) + " |")
    return "\n".join(lines)
