"""The tree of blow-ups of a certificate as one self-contained HTML page: a drawing to click through, and a card for each node.

No script and no request to anywhere: a node of the drawing links to its card, which the page shows when it is the target. The page is
written from the certificate alone, so that it shows what is proved and nothing else.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from germ.errors import InputError

_WIDTH, _HEIGHT = 118, 76  # pixels between neighbours and between levels
_MAX_NODES = 4_000

_WORDS = {
    "rewrite": "simplify", "comparable": "compare", "reduce": "simplify", "coordinate": "new coordinate", "split": "cases",
    "sign": "signs", "unit": "unit", "derive": "consequence", "halfline": "half line", "blowup": "blow up",
    "sum": "sum", "product": "product", "relax": "relax", "same": "same as", "monomial": "monomial",
    "empty": "empty", "open": "open",
}  # fmt: skip

_MEANING = {
    "rewrite": "Other generators of the same ideal; monomials that all of them contain go into the exponents N.",
    "comparable": "A sum of nonnegative monomials with positive cofactors: for λ and m it is as good as the monomials themselves.",
    "reduce": "Units and monomials are taken out of a condition or of the prior.",
    "coordinate": "A function with a derivative that does not vanish becomes a coordinate.",
    "split": "Where no listed polynomial vanishes (first child), and where each is the first that does.",
    "sign": "Positive, negative and zero values of a coordinate.",
    "unit": "A coordinate that does not vanish here loses its exponents.",
    "blowup": "The local coordinates are divided by powers of a pivot; the charts together cover the exceptional set.",
    "derive": "A consequence of the conditions on the base points.",
    "halfline": "An inequality becomes the sign of a coordinate.",
    "sum": "Separate variables: values add.", "product": "Separate variables: the least value counts.",
    "relax": "Fewer generators: this bounds the value from below, which is enough here.", "same": "A renaming of another node.",
    "monomial": "A monomial ideal: the value is that of a linear program over N and h, m counts its optimal divisors.",
    "empty": "There are no such points.", "open": "Not finished.",
}  # fmt: skip

_STYLE = """
:root { color-scheme: light dark; --line: #8aa; --card: #f4f7fa; --ink: #123; --best: #c8452c; --leaf: #dcebd5;
  --inner: #d7e5f3; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --line: #577; --card: #1c252c; --ink: #e4edf2; --leaf: #2f4a28; --inner: #22405c;
  --paper: #11181d } }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header { padding: 0.8em 1.2em; border-bottom: 1px solid var(--line) }
h1 { font-size: 1.2em; margin: 0 0 0.2em }
main { display: flex; align-items: flex-start; gap: 1em; padding: 1em }
.drawing { overflow: auto; flex: 3; max-height: 85vh; border: 1px solid var(--line); border-radius: 6px }
.cards { flex: 2; min-width: 20em }
.card { display: none; background: var(--card); padding: 0.8em 1.1em; border-radius: 6px }
.card:target, .cards:not(:has(:target)) .card:first-child { display: block }
code, td { font-family: ui-monospace, monospace; font-size: 0.92em; overflow-wrap: anywhere }
th { text-align: left; padding-right: 1em; font-weight: 600 } table { border-collapse: collapse } td { padding-right: 1em }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink); text-anchor: middle; pointer-events: none }
svg rect { stroke: var(--line) } svg a:focus rect, svg a:hover rect { stroke: var(--ink); stroke-width: 2 }
svg line { stroke: var(--line) } .best rect { stroke: var(--best); stroke-width: 2.5 } line.best { stroke: var(--best); stroke-width: 2.5 }
@media (max-width: 60em) { main { flex-direction: column } .cards { min-width: 0; width: 100% } }
"""


def make_tree_page(certificate: Mapping[str, Any], title: str = "") -> str:
    """The page.

    Args:
        certificate: A certificate, as in `Exact.certificate`.
        title: Heading; by default the problem and the claim.

    Returns:
        HTML.

    Raises:
        InputError: If the tree has more than 4,000 nodes.
    """
    nodes = certificate["nodes"]
    if len(nodes) > _MAX_NODES:
        raise InputError(f"a tree of {len(nodes)} nodes", f"at most {_MAX_NODES}", "look at the certificate itself")
    problem, claim = certificate["problem"], certificate["claim"]
    generators = ", ".join(problem["generators"])
    value = f"λ = {claim['lambda']}, m = {claim['m']}" if "lambda" in claim else f"{claim.get('lower')} ≤ λ ≤ {claim.get('upper')}"
    if problem["kind"] == "ideal":
        value += "; K = Σ f², so λ is half of the least value of the leaves"
    heading = html.escape(title or (f"⟨{generators}⟩" if problem["kind"] == "ideal" else f"K = {problem.get('polynomial') or generators}"))
    cards = "".join(_card(index, node, nodes) for index, node in enumerate(nodes))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{heading}: tree of blow-ups</title><style>{_STYLE}</style>"
        f"<header><h1>{heading}</h1><p>{html.escape(value)}. {len(nodes)} states; the path to a leaf that attains λ is red.</p></header>"
        f'<main><div class="drawing" tabindex="0" role="region" aria-label="Tree of blow-ups">{draw_tree(certificate)}</div>'
        f'<div class="cards">{cards}</div></main></html>'
    )


def _place(nodes: Sequence[Mapping[str, Any]]) -> list[tuple[float, int]]:
    """Column and level of each node: leaves take columns from left to right, a parent stands above the middle of its children."""
    level = [0] * len(nodes)
    for index, node in enumerate(nodes):
        for child in node["children"]:
            level[child] = level[index] + 1
    column: list[float] = [0.0] * len(nodes)
    used = 0
    pending = [(0, False)]
    while pending:
        index, ready = pending.pop()
        children = nodes[index]["children"]
        if not children:
            column[index], used = float(used), used + 1
        elif ready:
            column[index] = (column[children[0]] + column[children[-1]]) / 2
        else:
            pending.append((index, True))
            pending.extend((child, False) for child in reversed(children))
    return list(zip(column, level, strict=True))


def draw_tree(certificate: Mapping[str, Any], *, links: bool = True) -> str:
    """The drawing alone: SVG whose colours are the variables --line, --inner, --leaf, --best, --ink of the page that it stands on.

    Args:
        certificate: A certificate, as in `Exact.certificate`.
        links: Whether nodes link to the cards of `make_tree_page`.

    Returns:
        An `svg` element; what lies on a path to a leaf that attains λ has the class "best".
    """
    nodes = certificate["nodes"]
    optimal = certificate.get("optimal") or {}
    paths = [item["path"] for item in (optimal if isinstance(optimal, list) else [optimal]) if item]
    best = {index for path in paths for index in path}
    places = _place(nodes)
    width = (max(c for c, _ in places) + 1) * _WIDTH + 20
    height = (max(row for _, row in places) + 1) * _HEIGHT + 10
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Tree">']
    centers = [((c + 0.5) * _WIDTH + 10, row * _HEIGHT + 32) for c, row in places]
    for index, node in enumerate(nodes):
        for child in node["children"]:
            (x, y), (u, v) = centers[index], centers[child]
            mark = ' class="best"' if index in best and child in best else ""
            parts.append(f'<line{mark} x1="{x:.0f}" y1="{y + 18:.0f}" x2="{u:.0f}" y2="{v - 18:.0f}"/>')
    for index, node in enumerate(nodes):
        x, y = centers[index]
        first, second = (html.escape(line) for line in _label(node))
        colour = "--inner" if node["children"] else "--leaf"
        mark = ' class="best"' if index in best else ""
        opening, closing = (f'<a href="#node-{index}"{mark}>', "</a>") if links else (f"<g{mark}>", "</g>")
        parts.append(
            f"{opening}<title>node {index}: {first} {second}</title>"
            f'<rect x="{x - 52:.0f}" y="{y - 18:.0f}" width="104" height="36" rx="5" fill="var({colour})"/>'
            f'<text x="{x:.0f}" y="{y - 3:.0f}">{first}</text><text x="{x:.0f}" y="{y + 11:.0f}">{second}</text>{closing}'
        )
    return "".join(parts) + "</svg>"


def _label(node: Mapping[str, Any]) -> tuple[str, str]:
    step = node["step"]
    kind = step["kind"]
    second = ""
    if kind == "monomial":
        second = "trivial" if step["lambda"] == "inf" else f"{step['lambda']}, m = {step['m'] if step['m'] is not None else '?'}"
    elif kind == "blowup":
        second = ", ".join(f"{x}:{w}" for x, w in step["weights"].items())
    elif kind == "coordinate":
        same = step["variable"] == step["polynomial"]
        second = f"{step['variable']} ≥ 0" if same else f"{step['variable']} ← {step['polynomial']}"
    elif kind == "rewrite":
        contents = [_monomial(op["monomial"]) for op in step["ops"] if op["op"] == "content"]
        second = "divide by " + "·".join(contents) if contents else f"{len(step['ops'])} change" + "s" * (len(step["ops"]) > 1)
    elif kind == "comparable":
        second = " + ".join(_monomial(term["monomial"]) for term in step["terms"])
    elif kind == "reduce":
        second = str(step["what"])
    elif kind in ("unit", "halfline"):
        second = f"{step['variable']} {'≠' if kind == 'unit' else '≥'} 0"
    elif kind in ("split", "sign"):
        second = ", ".join(step.get("polynomials", [])) or step.get("variable", "")
    elif kind == "same":
        second = f"node {step['node']}"
    elif kind == "open":
        second = step.get("reason", "")
    return _WORDS.get(kind, kind), second if len(second) <= 17 else second[:16] + "…"


def _card(index: int, node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> str:
    state, step = node["state"], node["step"]
    rows = []
    for role in ("local", "base"):
        for name, entry in state[role].items():
            order, weight = entry["N"], Fraction(str(entry["h"]))
            divisor = f"(h + 1)/N = {(weight + 1) / order}" if order else ""
            rows.append(f"<tr><td>{html.escape(name)}<td>{role}<td>{order}<td>{weight}<td>{entry['sign']}<td>{divisor}")
    lists = []
    for key, word in (
        ("ideal", "generators"), ("relations", "relations"), ("zero", "zero"), ("nonzero", "not zero"), ("domain", "domain, ≥ 0"),
    ):  # fmt: skip
        if state.get(key):
            lists.append(f"<tr><th>{word}<td>{'<br>'.join(html.escape(p) for p in state[key])}")
    if state.get("prior"):
        text = "<br>".join(html.escape(f"|{p['polynomial']}|^{p['exponent']}") for p in state["prior"])
        lists.append(f"<tr><th>prior<td>{text}")
    detail = {key: value for key, value in step.items() if key not in ("kind", "ops", "charts") and value not in ([], {}, None)}
    facts = "".join(f"<tr><th>{html.escape(str(key))}<td>{html.escape(_short(value))}" for key, value in detail.items())
    charts = zip(step.get("charts", []), node["children"], strict=False)
    facts += "".join(f'<tr><th><a href="#node-{c}">chart {c}</a><td>{html.escape(_chart(step["weights"], chart))}' for chart, c in charts)
    operations = "".join(f"<li><code>{html.escape(_operation(op))}</code>" for op in step.get("ops", []))
    links = " ".join(f'<a href="#node-{c}">{c}</a>' for c in node["children"])
    parent, meaning = node["parent"], _MEANING.get(step["kind"], "")
    up = f'<a href="#node-{parent}">node {parent}</a>' if index else "none"
    return (
        f'<section class="card" id="node-{index}" tabindex="-1"><h2>Node {index}: {html.escape(_label(node)[0])}</h2>'
        f"<p>parent: {up}; children: {links or 'none'}</p>"
        f"<table><tr><th>coordinate<th>role<th>N<th>h<th>sign<th>{''.join(rows)}</table>"
        f"<table>{''.join(lists)}</table><h3>Step</h3><p>{meaning}</p><table>{facts}</table><ul>{operations}</ul></section>"
    )


def _monomial(exponents: Mapping[str, int]) -> str:
    return "·".join(x if e == 1 else f"{x}^{e}" for x, e in exponents.items() if e) or "1"


def _chart(weights: Mapping[str, int], chart: Mapping[str, Any]) -> str:
    """The substitution of one chart: x = t², y = t³·y, with the pivot called t by its old name."""
    t, before = chart["pivot"], chart["before"]
    power = {x: t if w == 1 else f"{t}^{w}" for x, w in weights.items()}
    parts = [f"{t} → {'−' if chart['sign'] < 0 else ''}{power[t]}", *(f"{x} → {power[x]}·{x}" for x in weights if x != t)]
    sides = f"{t} of both signs" if chart["sign"] == 0 else f"{t} ≥ 0"
    return ", ".join(parts) + f"; {sides}" + (f", near {' = '.join(before)} = 0" if before else "")


def _operation(op: Mapping[str, Any]) -> str:
    if op["op"] == "content":
        return f"divide all generators by {_monomial(op['monomial'])}"
    if op["op"] == "replace":
        unit = op.get("new_unit", op.get("old_unit"))
        return f"generator {op['index']} becomes {op['new']}" + (f", up to the unit {unit}" if unit else "")
    return f"drop generator {op['index']}: it lies in the others" if op["op"] == "drop" else _short(op)


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        text = ", ".join(f"{k}: {_short(v)}" for k, v in value.items())
    elif isinstance(value, (list, tuple)):
        text = "; ".join(map(_short, value))
    else:
        text = str(value)
    return text if len(text) <= 400 else text[:399] + "…"
