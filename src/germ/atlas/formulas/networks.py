"""Networks that are not linear: ReLU, and polynomial networks with shared weights."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from germ.atlas.answer import Interval, Pole, require


def compute_relu_line(M: int, H: int) -> Pole:
    """Σ a_i relu(b_i x), x scalar, no bias, M outputs, truth 0.

    On each pattern of signs of b the two half lines x > 0 and x < 0 are reduced rank regressions with one input, min(M, h)/2 and
    min(M, H - h)/2. The sum is concave in h, so the least has all signs equal; m = 2 iff M = H.
    """
    return Pole(Fraction(min(M, H), 2), 1 + (M == H))


def compute_relu_unit(M: int, N: int) -> Pole:
    """One ReLU unit, N inputs, M outputs, truth 0: K ~ |a|² |b|² times a positive function of the direction of b."""
    return Pole(Fraction(min(M, N), 2), 1 + (M == N))


def compute_deep_relu_bound(true_widths: tuple[int, ...]) -> Interval:
    """(number of parameters of the smallest true network - number of its hidden units)/2, whatever the width and depth of the model.

    Dead units fill an open set, spare layers act linearly on one, and each hidden unit has one scaling symmetry.
    """
    require(len(true_widths) >= 2, f"{len(true_widths)} width", "at least an input and an output width")
    parameters = sum(a * b + b for a, b in pairwise(true_widths))
    return Interval(None, Fraction(parameters - sum(true_widths[1:-1]), 2), "an open piece of one stratum; deeper points are not excluded")


def compute_polynomial_network(r: int, L: int) -> Pole:
    """Two-parameter network with W = ((t1 + t2, t1²), (t1², t2²)) in every layer, activation x^r, depth L: λ = 3 (r-1)/(4 (r^L - 1)).

    In u = t1 + t2 of weight 2 and t1 of weight 1 the least weighted degree of an output is 2 (r^L - 1)/(r - 1).
    """
    return Pole(Fraction(3 * (r - 1), 4 * (r**L - 1)))
