"""`germ rlct`: λ and m of a polynomial, an ideal, a germ on a domain or a network, exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from germ.claim import Claim


def rlct(
    expressions: Annotated[list[str] | None, typer.Argument(help="K; with --ideal the generators f_i, for K = Σ f_i²")] = None,
    ideal: Annotated[bool, typer.Option("--ideal", help="the arguments are generators of an ideal")] = False,
    at: Annotated[str | None, typer.Option(help='base point, e.g. "0,1/2" or "x=sqrt(2), y=0"; the origin by default')] = None,
    domain: Annotated[str | None, typer.Option(help='inequalities separated by ";", e.g. "x>=0; y<=x^2"')] = None,
    prior: Annotated[str | None, typer.Option(help='density up to a positive factor, e.g. "abs(y)**(1/2)"')] = None,
    box: Annotated[str | None, typer.Option(help='box "low:high,…": the least λ over it (with --at: a domain)')] = None,
    everywhere: Annotated[bool, typer.Option("--global", help="the least λ over the whole domain")] = False,
    model: Annotated[str | None, typer.Option(help="two-layer network with this activation (tanh, sin, exp, …) instead of K")] = None,
    hidden: Annotated[int, typer.Option(help="units of the network")] = 1,
    inputs: Annotated[int, typer.Option(help="its inputs")] = 1,
    outputs: Annotated[int, typer.Option(help="its outputs")] = 1,
    truth: Annotated[str | None, typer.Option(help='true units "a:b; a:b", outputs and inputs comma-separated; zero by default')] = None,
    seconds: Annotated[float, typer.Option("--budget", help="seconds after which bounds are printed")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    certificate: Annotated[Path | None, typer.Option(help="write the proof here, for germ verify")] = None,
    plot: Annotated[Path | None, typer.Option(help="draw the Newton diagram (two variables) here: .png, .svg or .pdf")] = None,
    tree: Annotated[Path | None, typer.Option(help="write the tree of blow-ups here, an HTML page to click through")] = None,
) -> None:
    """The learning coefficient λ and its multiplicity m, with proof: vol{K < ε} ~ c ε^λ (-log ε)^(m-1).

    K ≥ 0 is the Kullback–Leibler divergence or anything comparable to it; with --ideal, K = Σ f_i². Numbers are exact fractions.
    Where the budget ends first, bounds are printed with their reason.

    germ rlct "x**2*y**2"   ·   germ rlct --ideal "a*b+c*d" "a*b**3+c*d**3" --tree tree.html

    germ rlct --ideal "x+y**2" --domain "x>=0" --prior "abs(y)**(1/2)"   ·   germ rlct --model tanh --hidden 2

    germ rlct "y**2+x**2*(x-1)**4" --box "-1:2,-1:1" --certificate proof.json, then germ verify proof.json
    """
    from germ.algebra.rlct import compute_rlct
    from germ.claim import to_json
    from germ.errors import InputError

    expressions = expressions or []
    subject: Any
    if model is not None:
        if expressions or ideal:
            raise InputError("both --model and expressions", "one of them")
        subject, at = _read_model(model, hidden, inputs, outputs, truth, at)
    elif not expressions:
        raise InputError("no polynomial", "K, --ideal with generators, or --model tanh --hidden 2", 'for example: germ rlct "x**2*y**2"')
    elif len(expressions) > 1 and not ideal:
        raise InputError(f"{len(expressions)} expressions", "one K", "add --ideal for K = Σ f_i² of several generators")
    else:
        subject = expressions if ideal else expressions[0]
    answer = compute_rlct(subject, at=at, domain=domain, prior=prior, box=box, everywhere=everywhere, budget=seconds)
    if certificate is not None:
        _write(certificate, json.dumps(_proof(answer)) + "\n")
    if tree is not None:
        from germ.plots.tree import make_tree_page

        _write(tree, make_tree_page(_proof(answer)))
    if plot is not None:
        _plot(subject, plot)
    typer.echo(json.dumps(to_json(answer), ensure_ascii=False) if as_json else str(answer))


def _read_model(model: str, hidden: int, inputs: int, outputs: int, truth: str | None, at: str | None) -> tuple[list[Any], Any]:
    from fractions import Fraction

    from germ.algebra.moments import compute_moment_ideal
    from germ.errors import InputError

    units = []
    for unit in (truth or "").split(";"):
        if not unit.strip():
            continue
        sides = unit.split(":")
        try:
            a, b = ([Fraction(v.strip()) for v in side.split(",")] for side in sides)
        except (ValueError, ZeroDivisionError):
            raise InputError(
                f"the true unit {unit.strip()!r}", "output weights : input weights, exact", 'for example --truth "1:1/2"'
            ) from None
        units.append((a, b))
    found = compute_moment_ideal(model, hidden, inputs=inputs, outputs=outputs, truth=units)
    point = dict(zip(found.names, map(str, found.point), strict=True))
    return [str(g) for g in found.generators], at if at is not None else point


def _proof(answer: Claim) -> Any:
    from germ.errors import CertificateError

    proof = getattr(answer, "certificate", None)
    if proof is None:
        raise CertificateError(
            f"no certificate for the answer: {answer}", "an answer with a proof tree", "leave out --certificate and --tree"
        )
    return proof


def _plot(subject: Any, path: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    from germ.errors import InputError
    from germ.plots.newton import plot_newton_polyhedron

    texts = subject if isinstance(subject, list) else [subject]
    figure = Figure(figsize=(5, 5), layout="constrained")
    plot_newton_polyhedron(" + ".join(f"({t})**2" for t in texts) if isinstance(subject, list) else subject, ax=figure.subplots())
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}", "a file that can be written, .png, .svg or .pdf") from None


def _write(path: Path, text: str) -> None:
    from germ.errors import InputError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "a file that can be written") from None
