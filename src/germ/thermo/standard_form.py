"""The four faces of a singularity in standard form, exactly: zeta function, density of states, volume, partition function.

For K = ∏ w_j^{2k_j} and prior density ∏ (h_j + 1) w_j^{h_j} on [0, 1]^d everything is known. With λ_j = (h_j + 1)/(2k_j),

    ζ(z) = ∫ K^z φ dw = ∏ (h_j + 1)/(2k_j z + h_j + 1)                          the zeta function, poles at -λ_j,
    v(t) = ∫ δ(t - K) φ dw = Σ a_{λ,s} t^{λ-1} (-log t)^{s-1}/(s-1)!             the density of states (inverse Mellin transform of ζ),
    V(t) = ∫_0^t v,                                                             the volume of {K < t},
    Z(n) = ∫ e^{-nK} φ dw = ∫ e^{-nt} v(t) dt                                   the partition function (Laplace transform of v).

a_{λ,s} are the coefficients of ζ in partial fractions, computed as Fractions. The smallest λ_j and the number of j that attain it are the
learning coefficient and its multiplicity; they decide V at t → 0 and Z at n → ∞. Factors with k_j = 0 do not take part.

References:
    Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, sections 4.3 and 5.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad

from germ.errors import InputError


@dataclass(frozen=True)
class StandardForm:
    """K = ∏ w_j^{2k_j} with the normalised prior ∏ (h_j + 1) w_j^{h_j} on [0, 1]^d.

    Args:
        exponents: k_j, at least one positive.
        prior_exponents: h_j > -1; zeros by default.
    """

    exponents: tuple[int, ...]
    prior_exponents: tuple[Fraction, ...]

    @property
    def learning_coefficient(self) -> Fraction:
        """λ = min (h_j + 1)/(2k_j)."""
        return min(self._poles())

    @property
    def multiplicity(self) -> int:
        """How many j attain λ."""
        return self._poles()[self.learning_coefficient]

    def _poles(self) -> dict[Fraction, int]:
        found: dict[Fraction, int] = {}
        for k, h in zip(self.exponents, self.prior_exponents, strict=True):
            if k:
                pole = (h + 1) / (2 * k)
                found[pole] = found.get(pole, 0) + 1
        return found

    def compute_zeta(self, z: complex) -> complex:
        """ζ(z), meromorphic in the whole plane.

        Args:
            z: A point that is not a pole.

        Returns:
            Its value.
        """
        value: complex = 1.0
        for k, h in zip(self.exponents, self.prior_exponents, strict=True):
            value *= float(h + 1) / (2 * k * z + float(h + 1))
        return value

    def compute_partial_fractions(self) -> dict[tuple[Fraction, int], Fraction]:
        """ζ in partial fractions: a_{λ,s} with ζ(z) = Σ a_{λ,s}/(z + λ)^s, exactly.

        Returns:
            The coefficients by (λ, s), s = 1 … multiplicity of λ.
        """
        poles = self._poles()
        scale = Fraction(1)
        for k, h in zip(self.exponents, self.prior_exponents, strict=True):
            scale *= (h + 1) / (2 * k) if k else 1
        found = {}
        for pole, order in poles.items():
            # Taylor coefficients in u = z + λ of the other factors ∏ (u + λ_i - λ)^{-m_i}.
            series = [scale] + [Fraction(0)] * (order - 1)
            for other, power in poles.items():
                if other == pole:
                    continue
                gap = other - pole
                factor = [Fraction(math.comb(power + i - 1, i) * (-1) ** i) / gap ** (power + i) for i in range(order)]
                series = [sum((series[i] * factor[n - i] for i in range(n + 1)), Fraction(0)) for n in range(order)]
            for i, coefficient in enumerate(series):
                found[pole, order - i] = coefficient
        return found

    def compute_density_of_states(self, t: ArrayLike) -> NDArray[np.float64]:
        """v(t) at 0 < t < 1.

        Args:
            t: Energies.

        Returns:
            v, of the same shape.
        """
        t = np.asarray(t, float)
        terms = [
            float(a) * t ** (float(pole) - 1) * (-np.log(t)) ** (s - 1) / math.factorial(s - 1)
            for (pole, s), a in self.compute_partial_fractions().items()
        ]
        return np.sum(terms, 0)

    def compute_volume(self, t: ArrayLike) -> NDArray[np.float64]:
        """V(t) = prior probability of {K < t}, 0 < t ≤ 1.

        Args:
            t: Energies.

        Returns:
            V, of the same shape.

        Example:
            >>> float(make_standard_form([1, 1]).compute_volume(1e-2).round(8))   # √t (1 - ½ log t)
            0.33025851
        """
        t = np.asarray(t, float)
        x = -np.log(t)
        terms = []
        for (pole, s), a in self.compute_partial_fractions().items():
            # ∫_0^t τ^{λ-1} (-log τ)^{s-1}/(s-1)! dτ = t^λ Σ_{i<s} x^i/(i! λ^{s-i})
            inner = sum(x**i / (math.factorial(i) * float(pole) ** (s - i)) for i in range(s))
            terms.append(float(a) * t ** float(pole) * inner)
        return np.sum(terms, 0)

    def compute_partition_function(self, n: float, power: int = 0) -> float:
        """∫ K^power e^{-nK} φ dw by adaptive quadrature of v over log t; relative error below 1e-10.

        Args:
            n: Inverse temperature, at least 0.
            power: 0 for Z, 1 and 2 for the moments of K that energy and heat capacity need.

        Returns:
            The integral.

        Raises:
            InputError: If n is negative or not finite.

        Example:
            >>> round(make_standard_form([1, 1]).compute_partition_function(1e4), 13)
            0.0495128354184
        """
        if not (n >= 0 and math.isfinite(n)):
            raise InputError(f"n={n!r}", "a number of at least 0")
        lowest = float(self.learning_coefficient) + power

        def integrand(x: float) -> float:
            # t = e^{-x}; dt = t dx
            t = math.exp(-x)
            return float(self.compute_density_of_states(t)) * math.exp(-n * t - (power + 1) * x)

        peak = math.log(n) if n > 1 else 0.0
        far = peak + 60 / lowest
        points = [p for p in (peak - 3, peak, peak + 2, peak + 10) if 0 < p < far]
        edges = [1e-300, *points, far]
        return sum(quad(integrand, a, b, epsabs=0, epsrel=1e-12, limit=200)[0] for a, b in pairwise(edges))

    def compute_asymptotic_partition_function(self, n: float) -> float:
        """The leading term Γ(λ) a_{λ,m} n^{-λ} (log n)^{m-1}/(m-1)! of Z(n).

        Args:
            n: Inverse temperature above 1.

        Returns:
            The leading term.
        """
        pole, m = self.learning_coefficient, self.multiplicity
        a = float(self.compute_partial_fractions()[pole, m])
        return math.gamma(float(pole)) * a * n ** -float(pole) * math.log(n) ** (m - 1) / math.factorial(m - 1)

    def compute_energy(self, n: float) -> float:
        """⟨nK⟩ at inverse temperature n; it tends to λ, with -(m-1)/log n on the way.

        Args:
            n: Inverse temperature, positive.

        Returns:
            The mean.

        Example:
            >>> round(make_standard_form([1, 1]).compute_energy(1e3), 8)
            0.38727651
        """
        return n * self.compute_partition_function(n, 1) / self.compute_partition_function(n)

    def compute_heat_capacity(self, n: float) -> float:
        """n² Var[K] at inverse temperature n; it tends to λ.

        Args:
            n: Inverse temperature, positive.

        Returns:
            The heat capacity in units of k_B.
        """
        z, first, second = (self.compute_partition_function(n, power) for power in (0, 1, 2))
        return n**2 * (second / z - (first / z) ** 2)


def make_standard_form(exponents: Sequence[int], prior_exponents: Sequence[int | Fraction | str] | None = None) -> StandardForm:
    """A standard form from its exponents.

    Args:
        exponents: k_j ≥ 0, at least one positive.
        prior_exponents: h_j > -1, exact numbers; zeros by default.

    Returns:
        The standard form.

    Raises:
        InputError: If lengths differ or an exponent is out of range.

    Example:
        >>> form = make_standard_form([7, 5], [1, 3])
        >>> str(form.learning_coefficient), form.multiplicity
        ('1/7', 1)
    """
    h = [0] * len(exponents) if prior_exponents is None else list(prior_exponents)
    if len(h) != len(exponents) or not any(exponents):
        raise InputError(f"k = {list(exponents)}, h = {h}", "as many h as k, and a positive k")
    if any(isinstance(k, bool) or not isinstance(k, int) or k < 0 for k in exponents):
        raise InputError(f"k = {list(exponents)}", "whole numbers of at least 0")
    if any(isinstance(x, float) for x in h):
        raise InputError(f"h = {h}", "exact numbers: int, Fraction or text such as '1/2'")
    fractions = tuple(Fraction(x) for x in h)
    if min(fractions) <= -1:
        raise InputError(f"h = {h}", "h > -1, so that the prior can be normalised")
    return StandardForm(tuple(exponents), fractions)
