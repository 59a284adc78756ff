"""Regular points, smooth sets of truths, priors with zeros, and the corner of the simplex: λ by counting dimensions."""

from __future__ import annotations

from fractions import Fraction

from germ.atlas.answer import Interval, Outside, Pole, require


def compute_regular(d: int) -> Pole:
    """λ = d/2, m = 1 at a unique interior minimiser with positive definite Fisher information."""
    return Pole(Fraction(d, 2))


def compute_morse_bott(codim: int, d: int | None) -> Pole:
    """λ = codim W0 / 2 where W0 is smooth and K grows quadratically across it."""
    require(d is None or codim <= d, f"codim = {codim}, d = {d}", "codim <= d")
    return Pole(Fraction(codim, 2))


def compute_prior_zeros(h: tuple[Fraction, ...]) -> Pole:
    """λ = Σ (h_j + 1)/2 for K ~ Σ w_j² and a prior ~ Π |w_j|^h_j."""
    require(all(x > -1 for x in h), f"h = {[str(x) for x in h]}", "exponents of the prior h_j > -1, so that it is integrable")
    return Pole(sum(((x + 1) / 2 for x in h), Fraction(0)))


def compute_semiregular(d1: int, d2: int, p: int) -> Pole:
    """λ = d1/2 + d2/(2p): K ~ |x|² + F(y) with F a form of degree 2p that vanishes at 0 only."""
    require(d1 + d2 >= 1, f"d1 = {d1}, d2 = {d2}", "at least one parameter: d1 + d2 >= 1")
    return Pole(Fraction(d1, 2) + Fraction(d2, 2 * p))


def compute_even_powers(powers: tuple[int, ...]) -> Pole:
    """λ = Σ 1/(2 a_j) for K = Σ x_j^(2 a_j)."""
    return Pole(sum((Fraction(1, 2 * a) for a in powers), Fraction(0)))


def compute_multinomial_boundary(
    alpha: tuple[Fraction, ...], zero: tuple[int, ...] | None, truth: tuple[Fraction, ...] | None
) -> Pole | Outside | Interval:
    """λ = Σ_{zero cells} α_i + (K_+ - 1)/2: K is linear, not quadratic, in a cell whose true probability is 0."""
    require(len(alpha) >= 2, f"{len(alpha)} cells", "at least two cells")
    require(all(a > 0 for a in alpha), f"alpha = {[str(a) for a in alpha]}", "Dirichlet parameters alpha_i > 0")
    require(
        (zero is None) != (truth is None), f"zero = {zero}, truth = {truth}", "exactly one of `zero` (indices) and `truth` (probabilities)"
    )
    if truth is not None:
        require(len(truth) == len(alpha), f"{len(truth)} probabilities for {len(alpha)} cells", "one probability a cell")
        require(all(p >= 0 for p in truth), f"truth = {[str(p) for p in truth]}", "probabilities >= 0")
        require(sum(truth) == 1, f"truth sums to {sum(truth)}", "probabilities that sum to 1")
        zero = tuple(i for i, p in enumerate(truth) if p == 0)
    assert zero is not None
    require(len(set(zero)) == len(zero), f"zero = {list(zero)}", "distinct indices")
    require(all(0 <= i < len(alpha) for i in zero), f"zero = {list(zero)}", f"indices of cells, 0 to {len(alpha) - 1}")
    require(len(zero) < len(alpha), "all cells are zero", "at least one cell with positive probability")
    return Pole(sum((alpha[i] for i in zero), Fraction(0)) + Fraction(len(alpha) - len(zero) - 1, 2))
