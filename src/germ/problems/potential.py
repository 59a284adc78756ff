"""Toy potentials: y ~ N(f(w), I) with f a tuple of polynomials and truth y ~ N(0, I), so that K = Σ f_i²/2 exactly.

With them any ideal of polynomials is a statistical model: normal crossings with prior exponents, Lau's potential with two components of
different depth, cusps, and whatever a user types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor

from germ.algebra.expression import parse_polynomials
from germ.errors import InputError, ProblemError
from germ.problems.priors import Prior, make_cube_prior, make_power_prior, make_uniform_prior
from germ.problems.problem import ExactGerm, Problem
from germ.problems.regression import check_positive, make_regression


def compile_polynomials(texts: Sequence[str], names: Sequence[str]) -> Callable[[Tensor], Tensor]:
    """Polynomials as a function of batches: w (P, d) to (P, number of polynomials), differentiable."""
    polynomials = [list(p.terms()) for p in parse_polynomials(list(texts), list(names))]

    def evaluate(w: Tensor) -> Tensor:
        powers: dict[tuple[int, int], Tensor] = {}

        def power(j: int, e: int) -> Tensor:
            if (j, e) not in powers:
                powers[j, e] = w[:, j] if e == 1 else power(j, e // 2) * power(j, e - e // 2)
            return powers[j, e]

        columns = []
        for terms in polynomials:
            total = torch.zeros(len(w), dtype=w.dtype)
            for exponents, coefficient in terms:
                term = torch.full((), int(coefficient.p) / int(coefficient.q), dtype=w.dtype)
                for j, e in enumerate(exponents):
                    if e:
                        term = term * power(j, int(e))
                total = total + term
            columns.append(total)
        return torch.stack(columns, 1)

    return evaluate


def make_potential(
    generators: str | Sequence[str],
    *,
    names: Sequence[str] | None = None,
    at: Sequence[float] | None = None,
    radius: float = 1.0,
    prior: Prior | None = None,
) -> Problem:
    """The model y ~ N(f(w), I) with truth f = 0, for polynomials f given as text.

    Args:
        generators: f_1, …, f_r: one text, or several; `;` separates.
        names: Names of the parameters; by default those that occur, in order of first appearance.
        at: The point where λ is wanted, a common zero; the origin by default.
        radius: The prior is uniform on the cube of this radius around the point.
        prior: A prior instead; then `ExactGerm` carries none and the problem has no exact form.

    Returns:
        The problem.

    Raises:
        ProblemError: If the polynomials do not vanish at the point.

    Example:
        >>> problem = make_potential("x^2 - y^3")
        >>> problem.divergence(torch.tensor([[1.0, 0.5]], dtype=torch.float64)).tolist()
        [0.3828125]
    """
    texts = [t.strip() for t in (generators.split(";") if isinstance(generators, str) else generators) if t.strip()]
    if not texts:
        raise InputError("no polynomial", "at least one, e.g. 'x^2 - y^3'")
    parsed = parse_polynomials(texts, list(names) if names else None)
    variables = tuple(parsed[0].context().names())
    if not variables:
        raise InputError(f"the constant {texts[0]}", "a polynomial in at least one variable")
    truth = torch.zeros(len(variables), dtype=torch.float64) if at is None else torch.tensor(list(at), dtype=torch.float64)
    if len(truth) != len(variables):
        raise InputError(f"a point of {len(truth)} coordinates", f"{len(variables)}, for {', '.join(variables)}")
    f = compile_polynomials(texts, variables)
    if float(f(truth[None]).abs().max()) > 1e-12:
        raise ProblemError(f"f = {f(truth[None])[0].tolist()} at the point", "zero: the truth is y ~ N(0, I)", "pass a common zero as `at`")
    point = {n: str(Fraction(v)) for n, v in zip(variables, truth.tolist(), strict=True)}
    exact = ExactGerm(tuple(texts), at=point) if prior is None else None
    return make_regression(
        f"potential {'; '.join(texts)}", lambda w, x: f(w)[:, None, :].expand(-1, len(x), -1), truth,
        lambda count, generator: torch.zeros(count, 0, dtype=torch.float64), prior or make_cube_prior(truth, radius),
        residuals=f, exact=exact, names=variables,
    )  # fmt: skip


def make_normal_crossing(exponents: Sequence[int] = (1, 1), prior_exponents: Sequence[int] | None = None) -> Problem:
    """K = ½ ∏ w_j^(2 k_j) with prior ∏ |w_j|^h_j on [-1, 1]^d: λ = min (h_j + 1)/(2 k_j), m the number of minimisers.

    Args:
        exponents: k_j ≥ 0, not all zero.
        prior_exponents: h_j ≥ 0; zero by default.

    Returns:
        The problem.

    Raises:
        InputError: For negative exponents or different lengths.
    """
    k = list(exponents)
    h = [0] * len(k) if prior_exponents is None else list(prior_exponents)
    if not k or min(k) < 0 or max(k) == 0 or len(h) != len(k) or min(h) < 0:
        raise InputError(f"got exponents {k} and prior exponents {h}", "as many of each, all ≥ 0, one of the exponents positive")
    names = tuple(f"w{j}" for j in range(1, len(k) + 1))
    text = "*".join(f"{n}^{e}" for n, e in zip(names, k, strict=True) if e)
    density = "*".join(f"abs({n})^{e}" for n, e in zip(names, h, strict=True) if e)
    problem = make_potential(text, names=names, prior=make_power_prior(h))
    exact = ExactGerm((text,), prior=density or None, at=dict.fromkeys(names, "0"))
    return replace(problem, name=f"normal crossing {text}", exact=exact, atlas=("normal-crossing", {"k": k, "h": h if any(h) else None}))


def make_two_component_potential(line: int = 1, point: int = 2, component: str = "both") -> Problem:
    """Lau's potential f = (x - 1)^line (x² + y²)^point: a line of zeros with λ = 1/(2 line) and a point with λ = 1/(2 point).

    Args:
        line: Exponent of the line x = 1.
        point: Exponent of the origin.
        component: "both" (a box with the line and the point), or the neighbourhood of "line" or "point" alone.

    Returns:
        The problem.

    Raises:
        InputError: For another component or exponents below one.

    References:
        Lau et al. (2023), arXiv:2308.12108, the toy example with two kinds of minima.
    """
    check_positive(line=line, point=point)
    boxes = {"both": ([-1.0, -1.0], [2.0, 1.0]), "line": ([0.5, -0.5], [1.5, 0.5]), "point": ([-0.5, -0.5], [0.5, 0.5])}
    if component not in boxes:
        raise InputError(f"got component={component!r}", "'both', 'line' or 'point'")
    text = f"(x-1)^{line}*(x^2+y^2)^{point}"
    low, high = boxes[component]
    at = (1.0, 0.0) if component == "line" or (component == "both" and line > point) else (0.0, 0.0)
    problem = make_potential(text, names=("x", "y"), at=at, prior=make_uniform_prior(low, high))
    exact = ExactGerm((text,), at={"x": str(int(at[0])), "y": "0"})
    return replace(problem, name=f"two components {text}, {component}", exact=exact)


def make_cusp(p: int = 2, q: int = 3) -> Problem:
    """The curve f = x^p - y^q at the origin; for coprime p, q > 1, λ = (1/p + 1/q)/2 and m = 1."""
    check_positive(p=p, q=q)
    return make_potential(f"x^{p} - y^{q}", names=("x", "y"))
