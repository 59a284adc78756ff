"""Two-layer networks with scalar or vector inputs: tanh (analytic, singular where units vanish or coincide) and ReLU on the line."""

from __future__ import annotations

import math
from fractions import Fraction

import torch
from torch import Tensor

from germ.algebra.moments import compute_moment_ideal
from germ.atlas.formulas.vandermonde import cluster_units, compute_tanh_zero
from germ.errors import InputError
from germ.problems.potential import compile_polynomials
from germ.problems.priors import make_cube_prior, make_uniform_prior
from germ.problems.problem import ExactGerm, Problem
from germ.problems.regression import check_positive, check_rank, make_regression, make_uniform_inputs

_RADIUS = 1.5  # parameters are uniform on the cube of this radius
_INPUT_RADIUS = 2.0  # inputs likewise: wide enough for tanh to differ from its linear part
_UNITS = ((1, 1), (1, Fraction(1, 2)), (-1, Fraction(3, 4)), (1, Fraction(5, 4)))  # true units (a, b): distinct |b|, none zero


def make_tanh_network(hidden: int = 2, true_units: int = 0, *, inputs: int = 1, outputs: int = 1) -> Problem:
    """The network y = Σ_h a_h tanh(b_h · x) + noise, x uniform on a cube, the truth with r units.

    `residuals` are the moments Σ_h a_h b_h^k - Σ* , k = 1, 3, 5, … up to the degree from which on they repeat:
    the sum of their squares is comparable to K (`germ.algebra.moments`), without its cancellations.

    Args:
        hidden: H, the number of units.
        true_units: r, the number of units of the truth, none of them redundant.
        inputs: Dimension of x; more than one only for the truth zero.
        outputs: Dimension of y; more than one only for the truth zero.

    Returns:
        The problem; parameters a_1, …, a_H, b_1, …, b_H.

    Raises:
        InputError: For impossible sizes.
    """
    check_positive(hidden=hidden, inputs=inputs, outputs=outputs)
    check_rank("true_units", true_units, min(hidden, len(_UNITS)))
    if true_units and (inputs > 1 or outputs > 1):
        raise InputError(
            f"got true_units={true_units} with {inputs} inputs and {outputs} outputs", "one input and one output, or no true unit"
        )
    ideal = compute_moment_ideal("tanh", hidden, inputs=inputs, outputs=outputs, truth=[((a,), (b,)) for a, b in _UNITS[:true_units]])
    point = _place_units(hidden, true_units) if true_units else [Fraction(v) for v in ideal.point]
    truth = torch.tensor([float(v) for v in point], dtype=torch.float64)
    moments = compile_polynomials([str(g) for g in ideal.generators], ideal.names)

    def function(w: Tensor, x: Tensor) -> Tensor:
        a = w[:, : hidden * outputs].unflatten(1, (hidden, outputs))
        b = w[:, hidden * outputs :].unflatten(1, (hidden, inputs))
        return torch.tanh(x @ b.mT) @ a

    label = None
    if inputs == 1:
        label = ("tanh-zero", {"H": hidden}) if outputs == 1 else ("vandermonde-N1", {"M": outputs, "H": hidden, "Q": 2})
    if true_units:
        label = ("tanh-general", {"H": hidden, "r": true_units})
    return make_regression(
        f"tanh network, {hidden} units, {true_units} true" + ("" if inputs == outputs == 1 else f", {inputs} inputs, {outputs} outputs"),
        function, truth, make_uniform_inputs(inputs, _INPUT_RADIUS), make_uniform_prior([-_RADIUS] * len(truth), [_RADIUS] * len(truth)),
        residuals=moments,
        exact=ExactGerm(
            tuple(str(g) for g in ideal.generators), at={n: str(v) for n, v in zip(ideal.names, point, strict=True)}
        ),
        atlas=label, names=ideal.names,
        notes="" if not 0 < true_units < hidden else "spare units repeat the first true unit, or are zero, whichever has the smaller λ",
    )  # fmt: skip


def _place_units(hidden: int, true_units: int) -> list[Fraction]:
    """A truth a_1, …, b_H at which λ is least: spare units beside the first true one, with weights that leave its sum, or all zero."""
    spare = hidden - true_units
    a = [Fraction(weight) for weight, _ in _UNITS[:true_units]]
    b = [Fraction(slope) for _, slope in _UNITS[:true_units]]
    beside = cluster_units(spare + 1).learning_coefficient - Fraction(1, 2)
    if not spare or compute_tanh_zero(spare).learning_coefficient <= beside:
        return [*a, *[Fraction(0)] * spare, *b, *[Fraction(0)] * spare]
    pairs = [a[0], -a[0]] * (spare // 2)
    if spare % 2:
        pairs, a[0] = [a[0] / 2, *pairs], a[0] / 2
    return [*a, *pairs, *b, *[b[0]] * spare]


def make_relu_network(hidden: int = 2, outputs: int = 1) -> Problem:
    """The network y = Σ_h a_h relu(b_h x) + noise for scalar x uniform on [-1, 1] and truth zero.

    K = (|Σ a_h b_h⁺|² + |Σ a_h b_h⁻|²)/12 exactly. It is not analytic where a b_h is zero; the theory holds on each of the 2^H pieces with
    fixed signs of b, and λ is the least of theirs.

    Args:
        hidden: H.
        outputs: Dimension of y.

    Returns:
        The problem; parameters a (H, outputs), then b (H,).
    """
    check_positive(hidden=hidden, outputs=outputs)
    d = hidden * (outputs + 1)

    def parts(w: Tensor) -> tuple[Tensor, Tensor]:
        return w[:, : hidden * outputs].unflatten(1, (hidden, outputs)), w[:, hidden * outputs :]

    def function(w: Tensor, x: Tensor) -> Tensor:
        a, b = parts(w)
        return torch.relu(x * b[:, None, :]) @ a

    def residuals(w: Tensor) -> Tensor:
        a, b = parts(w)
        return torch.cat([((sign * b).clamp_min(0)[:, None, :] @ a)[:, 0] for sign in (1, -1)], 1) / math.sqrt(6)

    names = tuple(f"a{h}_{o}" for h in range(1, hidden + 1) for o in range(1, outputs + 1)) + tuple(f"b{h}" for h in range(1, hidden + 1))
    return make_regression(
        f"ReLU network, {hidden} units, {outputs} outputs, scalar input", function, torch.zeros(d, dtype=torch.float64),
        make_uniform_inputs(1), make_cube_prior(torch.zeros(d, dtype=torch.float64), 1.0),
        residuals=residuals, atlas=("relu-1d-zero", {"M": outputs, "H": hidden}), names=names,
        notes="K is piecewise polynomial, one piece for each choice of signs of b",
    )  # fmt: skip
