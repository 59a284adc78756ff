"""A polynomial in x and y: its Newton diagram and its learning coefficient, for the site's gallery and for `germ seminar serve`.

Run as a program this module is the server's worker: it reads one polynomial as a line of JSON, answers with a line of JSON, and ends. The
server kills it when it takes too long; the limits of memory and processor time are its own.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass
from typing import Any

from germ.errors import GermError, InputError

GALLERY = (
    "x^2 + y^2",
    "x^2*y^2",
    "x^4 + y^6",
    "x^2*y^4",
    "(y^2 - x^3)^2",
    "x^4 + x^2*y^2 + y^6",
    "x^6 + x^2*y^2 + y^8",
    "x^2*(x^2 + y^4)",
    "(x*y - y^3)^2 + x^8",
    "(y - x^2)^2 + x^4*y^2",
)
MEMORY = 2 * 2**30


@dataclass(frozen=True)
class Limits:
    """What the server accepts.

    Args:
        length: Characters of the polynomial.
        degree: Total degree.
        terms: Monomials.
        seconds: Wall time of one answer.
    """

    length: int = 300
    degree: int = 40
    terms: int = 60
    seconds: float = 10.0


LIMITS = Limits()


@dataclass(frozen=True)
class Answer:
    """A polynomial's Newton diagram and learning coefficient.

    Args:
        polynomial: As it was read.
        text: λ and m in words.
        picture: The diagram as SVG.
    """

    polynomial: str
    text: str
    picture: bytes


def describe_polynomial(text: str, limits: Limits = LIMITS) -> Answer:
    """Compute λ and m at the origin and draw the Newton diagram.

    Args:
        text: A polynomial in x and y that vanishes at the origin and is not negative.
        limits: What is accepted.

    Returns:
        The answer.

    Raises:
        GermError: If the text is too large, is no polynomial, or is not one that has a learning coefficient.

    Example:
        >>> describe_polynomial("x^2*y^2").text
        'λ = 1/2, m = 2, exact (Newton polyhedron, nondegenerate)'
    """
    from matplotlib.figure import Figure

    import germ
    from germ.algebra.expression import parse_polynomial
    from germ.plots.newton import plot_newton_polyhedron
    from germ.seminar.results import draw_figure

    if len(text) > limits.length:
        raise InputError(f"a polynomial of {len(text)} characters", f"at most {limits.length}", "use `germ rlct` for larger ones")
    polynomial = parse_polynomial(text, ["x", "y"])
    if polynomial.total_degree() > limits.degree or len(polynomial) > limits.terms:
        got = f"a polynomial of degree {polynomial.total_degree()} with {len(polynomial)} terms"
        raise InputError(got, f"degree at most {limits.degree}, at most {limits.terms} terms", "use `germ rlct` for larger ones")
    claim = germ.compute_rlct(polynomial, budget=0.6 * limits.seconds)
    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    plot_newton_polyhedron(polynomial, figure.subplots(), ["x", "y"])
    figure.axes[0].set_title("")  # the page names the polynomial as it was typed
    return Answer(text, str(claim), draw_figure(figure)[1])


def main() -> None:
    """Answer one question from standard input, within limits of memory and processor time."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(LIMITS.seconds) + 10,) * 2)
    except ImportError:
        pass  # not on Windows; the server's timeout still holds
    import germ.algebra.expression
    import germ.plots.newton
    import germ.seminar.results  # noqa: F401  imported before the question comes, so that the answer is quick

    question = json.loads(sys.stdin.readline())
    found: dict[str, Any]
    try:
        answer = describe_polynomial(question["K"])
        found = {"polynomial": answer.polynomial, "text": answer.text, "svg": base64.b64encode(answer.picture).decode()}
    except GermError as error:
        parts = (error.got.partition("\n")[0], error.expected and f"Expected: {error.expected}")
        found = {"error": ". ".join(part if len(part) <= 200 else part[:200] + " …" for part in parts if part)}
    except MemoryError:
        found = {"error": "This polynomial needs more memory than the server allows."}
    print(json.dumps(found))  # noqa: T201  the answer to the server


if __name__ == "__main__":
    main()
