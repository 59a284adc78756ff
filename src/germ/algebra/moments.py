"""Two-layer networks with an analytic activation, as ideals of moments.

The network f(x) = Σ_h a_h σ(b_h·x) has the Taylor series Σ_k c_k s_k(x) with s_k(x) = Σ_h a_h (b_h·x)^k. For regression against the
truth f* (another such network, of R units with rational weights), K is comparable to the integral of (f − f*)², so to the moments d_k(x)
= s_k(x) − s*_k(x), k in the support of σ. Finitely many of them are enough.

**Truncation.** Let the support be k_0, k_0 + q, k_0 + 2q, … (tanh: 1, 3, 5, …), and N = H + R. The N numbers z = (b_h·x)^q and
(b*_r·x)^q are roots of a monic polynomial z^N − e_1 z^{N−1} + … ± e_N, whose coefficients e_i are polynomials in x and the weights.
Multiply by z^{j−N} (b_h·x)^{k_0} a_h and add over all units: d_{k_0+qj} = Σ_{i=1}^{N} ± e_i d_{k_0+q(j−i)} for j ≥ N. Compare
coefficients of powers of x: those of d_{k_0+qj} lie in the ideal I of the coefficients of the first N moments. So the ascending chain is
stationary from the N-th moment on, at degree k_0 + q(N − 1).

**Comparability.** Unrolling the recurrence, f − f* = Σ_α d_α g_α(x, w), over the coefficients d_α of the first N moments, with g_α
analytic (divided differences of σ). Hence (f − f*)² ≤ C Σ d_α². For the other side: at any fixed w the g_α are linearly independent
functions of x, because the Taylor terms of degree ≤ k_0 + q(N−1) of Σ v_α g_α are Σ c_{|α|} v_α x^α up to positive multinomials, with c
≠ 0. So the least eigenvalue of their Gram matrix (for an input distribution with a density that is positive on an open set) is bounded
below near w, and K is comparable to Σ d_α²: same λ, same m.

References: Watanabe (2009), sections 3.2 and 7.2; Aoyagi and Nagata (2012) on Vandermonde matrix type singularities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement

from flint import fmpq, fmpq_mpoly

from germ.algebra.expression import make_ring
from germ.errors import InputError

# activation -> (first degree, step) of the Taylor coefficients that are not zero; all of the progression are nonzero
SUPPORT = {
    "tanh": (1, 2), "sin": (1, 2), "sinh": (1, 2), "atan": (1, 2), "tan": (1, 2), "exp": (0, 1), "cos": (0, 2), "cosh": (0, 2),
}  # fmt: skip
MAX_GENERATORS = 5_000


@dataclass(frozen=True)
class MomentIdeal:
    """The ideal of a two-layer network, with the same λ and m as its K.

    Args:
        generators: Coefficients of the first N = H + R moments' differences.
        names: a_h (or a_h_output) and b_h (or b_h_input).
        truncation_degree: The degree in x from which on no moment is new.
        point: A true parameter: the truth's weights, zero for the units that are left.
    """

    generators: tuple[fmpq_mpoly, ...]
    names: tuple[str, ...]
    truncation_degree: int
    point: tuple[Fraction, ...]


def compute_moment_ideal(
    activation: str,
    hidden: int,
    *,
    inputs: int = 1,
    outputs: int = 1,
    truth: Sequence[tuple[Sequence[int | Fraction], Sequence[int | Fraction]]] = (),
) -> MomentIdeal:
    """The moment ideal of a two-layer network without biases; λ(K) = half the real log canonical threshold of this ideal.

    Args:
        activation: tanh, sin, sinh, atan, tan, exp, cos or cosh.
        hidden: H ≥ 1, the number of units.
        inputs: Dimension of x.
        outputs: Number of outputs.
        truth: Units (a*, b*) of the true network, a* with one number for each output, b* with one for each input; none for the truth zero.

    Returns:
        Generators, names, truncation degree, a true parameter.

    Raises:
        InputError: Unknown activation, impossible sizes, floats, more true units than units.

    Example:
        >>> [str(g) for g in compute_moment_ideal("tanh", 2).generators]
        ['a1*b1 + a2*b2', 'a1*b1^3 + a2*b2^3']
    """
    if activation not in SUPPORT:
        remedy = "ReLU is not analytic: no moment ideal exists for it" if activation.lower() == "relu" else ""
        raise InputError(f"the activation {activation!r}", f"one of {', '.join(SUPPORT)}", remedy)
    if min(hidden, inputs, outputs) < 1:
        raise InputError(f"{hidden} units, {inputs} inputs, {outputs} outputs", "at least one of each")
    units = [_read_unit(unit, inputs, outputs) for unit in truth]
    if len(units) > hidden:
        raise InputError(f"a truth with {len(units)} units", f"at most {hidden}, so that the model contains it")
    a_names = [[f"a{h}" if outputs == 1 else f"a{h}_{o}" for o in range(1, outputs + 1)] for h in range(1, hidden + 1)]
    b_names = [[f"b{h}" if inputs == 1 else f"b{h}_{i}" for i in range(1, inputs + 1)] for h in range(1, hidden + 1)]
    names = tuple(n for row in a_names for n in row) + tuple(n for row in b_names for n in row)
    ring = make_ring(names)
    variables = dict(zip(names, ring.gens(), strict=True))
    first, step = SUPPORT[activation]
    degrees = [first + step * j for j in range(hidden + len(units))]
    generators = []
    for output in range(outputs):
        for degree in degrees:
            for choice in combinations_with_replacement(range(inputs), degree):
                total = ring.constant(0)
                for h in range(hidden):
                    term = variables[a_names[h][output]]
                    for i in choice:
                        term *= variables[b_names[h][i]]
                    total += term
                for a, b in units:
                    value = a[output]
                    for i in choice:
                        value *= b[i]
                    total -= fmpq(value.numerator, value.denominator)
                if not total.is_zero():
                    generators.append(total)
                if len(generators) > MAX_GENERATORS:
                    raise InputError(f"more than {MAX_GENERATORS} generators", "a smaller network")
    full = [*units, *[((Fraction(0),) * outputs, (Fraction(0),) * inputs)] * (hidden - len(units))]
    point = tuple(v for a, _ in full for v in a) + tuple(v for _, b in full for v in b)
    return MomentIdeal(tuple(generators), names, degrees[-1], point)


def _read_unit(
    unit: tuple[Sequence[int | Fraction], Sequence[int | Fraction]], inputs: int, outputs: int
) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    a, b = (tuple(side) for side in unit)
    if len(a) != outputs or len(b) != inputs:
        raise InputError(f"the true unit {unit!r}", f"{outputs} output weights and {inputs} input weights")
    if any(isinstance(v, float) for v in (*a, *b)):
        raise InputError(f"floats in the true unit {unit!r}", "int or Fraction")
    return tuple(map(Fraction, a)), tuple(map(Fraction, b))
