"""Exact λ and m with a proof, which a second program checks; and a spoiled proof, which it refuses."""

from __future__ import annotations

import base64
import copy
import html
import json
from collections.abc import Callable
from typing import Any

from germ.algebra.moments import compute_moment_ideal
from germ.algebra.rlct import compute_rlct
from germ.checker.check import check_certificate
from germ.errors import CertificateError
from germ.plots.newton import plot_newton_polyhedron
from germ.plots.tree import draw_tree
from germ.tour.section import Effort, Section, start_figure, write_figure, write_text

POLYNOMIAL = "x**2*y**2 + x**6 + y**6"
_UNITS = 2


def make_proof(effort: Effort, seed: int, tell: Callable[[float], None]) -> Section:
    """The section.

    Args:
        effort: How much; unused, proofs take what they take.
        seed: Unused: proofs are exact.
        tell: Called with the share that is done.

    Returns:
        The section.
    """
    del effort, seed
    polynomial: Any = compute_rlct(POLYNOMIAL)
    ideal = compute_moment_ideal("tanh", _UNITS)
    generators = [str(g) for g in ideal.generators]
    network: Any = compute_rlct(generators, at=dict(zip(ideal.names, map(str, ideal.point), strict=True)))
    tell(0.5)
    document = json.loads(json.dumps(network.certificate))
    verdict = check_certificate(document)
    refusal = _spoil(document)
    tell(1.0)
    with start_figure(size=(3.8, 3.7)) as (figure, ax):
        plot_newton_polyhedron(POLYNOMIAL, ax=ax)
        ax.set_title("")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize="small", columnspacing=1.0, handletextpad=0.4)
    value, m = polynomial.learning_coefficient, polynomial.multiplicity
    newton = write_figure(
        figure, "newton",
        f"Newton polyhedron of x²y² + x⁶ + y⁶: monomials at (6, 0), (2, 2) and (0, 6). The diagonal enters it at (t, t), 1/t = {value}.",
        f"The Newton polyhedron of K = x²y² + x⁶ + y⁶. The diagonal enters it at t = {1 / value}, so that λ = 1/t = {value}, "
        f"through a vertex, where two faces meet, so that m = {m}.",
    )  # fmt: skip
    nodes = len(document["nodes"])
    shown = "".join(f"<li><code>{html.escape(g.replace('**', '^').replace('*', ' '))}</code></li>" for g in generators)
    packed = base64.b64encode(json.dumps(document, separators=(",", ":")).encode()).decode()
    body = f"""
<p>λ is decided by how K vanishes. Where K is a polynomial, or comparable to one, germ computes λ and m exactly, by blowing up until
everything is a monomial.</p>
{newton}
<p>A network of {_UNITS} tanh units, a₁ tanh(b₁x) + a₂ tanh(b₂x), is at the truth zero comparable to the sum of squares of</p>
<ul class="formulas">{shown}</ul>
<p>germ finds <strong>λ = {network.learning_coefficient}, m = {network.multiplicity}</strong> (d/2 = {_UNITS}), and writes down the proof
as a tree of {nodes} states. The path to a chart that attains λ is drawn in red.</p>
<figure><div class="scroll tree" role="region" tabindex="0" aria-label="Tree of blow-ups">{draw_tree(document, links=False)}</div>
<figcaption>Each box is a state of the proof and says what was done there. A leaf names the threshold of the ideal in its chart and its
order m; the least threshold counts, and λ, that of the sum of squares, is half of it.
<a download="certificate.json" href="data:application/json;base64,{packed}">Download the certificate</a> and run
<code>germ verify certificate.json</code>.</figcaption></figure>
<p>A second program, which shares no code with the first and knows only fractions, reads the certificate and says:</p>
{write_text(str(verdict), "Verdict of the checker")}
<p>With another λ in the claim, and everything else as it was, it says:</p>
{write_text(refusal, "Refusal of the checker")}"""
    code = "germ rlct --model tanh --hidden 2 --certificate cert.json --tree tree.html\ngerm verify cert.json"
    finding = f"two tanh units at zero: λ = {network.learning_coefficient}, m = {network.multiplicity}, proved and checked"
    return Section("proof", "A proof that somebody else can check", finding, body, code)


def _spoil(document: Any) -> str:
    """What the checker says when the claim is another one."""
    spoiled = copy.deepcopy(document)
    spoiled["claim"]["lambda"] = "1"
    try:
        return f"accepted: {check_certificate(spoiled)}"
    except CertificateError as error:
        return f"refused: {error.got}"
