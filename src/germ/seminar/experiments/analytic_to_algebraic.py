"""A network's divergence replaced by finitely many polynomials with the same λ and m: moments, truth zero.

λ does not change when K is replaced by a function that lies between two constant multiples of it. For a network K is comparable to the
sum of squares of its moments, by Hilbert's theorem of finitely many: the analytic divergence becomes a polynomial, and the question
becomes one of algebra. The step needs an analytic model, which is why a ReLU unit is refused.
"""

from __future__ import annotations

import numpy as np

from germ.algebra.moments import compute_moment_ideal
from germ.algebra.rlct import compute_rlct
from germ.atlas import compute_value
from germ.errors import InputError
from germ.seminar.claims import claim_between, claim_equal, claim_refused, exact_pair
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Moment ideals of tanh networks with one to three units, and comparability of K with their squares.

    Args:
        size: Three units only in the full size.
        seed: Of the points at which K is compared.

    Returns:
        The outcome.
    """
    claims = []
    for hidden in (1, 2) if size == "small" else (1, 2, 3):
        ideal = compute_moment_ideal("tanh", hidden)
        found = compute_rlct(list(ideal.generators))
        published = compute_value("tanh-zero", H=hidden)
        claims.append(claim_equal(f"{hidden} units: truncation degree 2H − 1", 2 * hidden - 1, ideal.truncation_degree,
                                  "Cayley-Hamilton, proved in germ.algebra.moments"))  # fmt: skip
        claims.append(
            claim_equal(
                f"{hidden} units: (λ, m) of the moment ideal by blowing up", exact_pair(published), exact_pair(found), "Aoyagi's formula"
            )
        )
    rng, (x, weights) = np.random.default_rng(seed), np.polynomial.legendre.leggauss(60)
    ratios = []
    for scale in (1e-1, 1e-2, 1e-3):
        a, b = scale * rng.standard_normal((2, 400, 2))
        f = (a[:, None] * np.tanh(b[:, None] * x[:, None])).sum(2)
        k = f**2 @ weights / 4
        moments = (a * b).sum(1) ** 2 + (a * b**3).sum(1) ** 2
        ratios.append(k / moments)
    spread = float(np.concatenate(ratios).max() / np.concatenate(ratios).min())
    claims.append(
        claim_between("K over the sum of two squared moments at 1,200 points near 0: largest over smallest", spread,
                      "eigenvalues of ½E[(m₁x − m₃x³/3)²] in (m₁, m₃): their ratio is 142; higher terms", upper=200)
    )  # fmt: skip
    claims.append(claim_refused("a ReLU unit has no moment ideal", lambda: compute_moment_ideal("relu", 1),
                                "the theorem needs an analytic model", error=InputError, hypothesis="not analytic"))  # fmt: skip
    return Outcome(tuple(claims), inputs={"model": "Σ a_h tanh(b_h x), truth 0"})
