"""F = −log Z of normal crossings beside the ladder λ log n, −(m−1) log log n, constant.

The free energy F_n = −log Z_n is what a Bayesian compares models by. Its expansion nS_n + λ log n − (m − 1) log log n + O(1) replaces the
d/2 log n of BIC. For normal crossings Z_n can be computed to any n, so that each term can be subtracted in turn and what is left be seen
to stay bounded, up to n = 10⁸⁰.
"""

from __future__ import annotations

import math

import numpy as np

from germ.seminar.claims import claim_between, claim_close
from germ.seminar.drawing import start_figure
from germ.seminar.experiment import Illustration, Outcome, Size
from germ.thermo.standard_form import make_standard_form


def run(size: Size, seed: int) -> Outcome:
    """Z(n) of x²y², and what is left of F after one, two and three terms for several standard forms.

    Args:
        size: Ignored.
        seed: Ignored.

    Returns:
        The outcome.
    """
    crossing = make_standard_form([1, 1])
    closed = math.sqrt(math.pi) / 40 * (math.log(100) + np.euler_gamma + 2 * math.log(2))
    claims = [
        claim_close("Z(100) of x²y²", closed, crossing.compute_partition_function(100), "√π/(4√n) (log n + γ + 2 log 2)",
                    tolerance=1e-10, reason="quadrature; the remainder is of order e^−n"),
    ]  # fmt: skip
    forms = {"x²y²": crossing, "x⁴y²z² with prior y": make_standard_form([2, 1, 1], [0, 1, 0]), "x²y²z²": make_standard_form([1, 1, 1])}
    for name, form in forms.items():
        lead, m, n = float(form.learning_coefficient), form.multiplicity, 1e80
        free = -math.log(form.compute_partition_function(n))
        slope = (free + math.log(form.compute_partition_function(n / 10))) / math.log(10)
        between = (m - 1) * math.log(math.log(n) / math.log(n / 10)) / math.log(10)
        claims.append(
            claim_close(f"growth of F per e-fold of n for {name}: λ − (m − 1) Δlog log n / Δlog n", lead - between, slope,
                        "Watanabe 2009, Main Theorem 2", tolerance=1e-3, reason="next order, 1/log² n")
        )  # fmt: skip
        rest = [free - lead * math.log(n), free - lead * math.log(n) + (m - 1) * math.log(math.log(n))]
        claims.append(
            claim_between(f"what is left of F for {name} at n = 10⁸⁰ after its leading terms", abs(rest[m > 1]), "O(1)", upper=3)
        )  # fmt: skip
    figure, axes = start_figure("n", "F minus its leading terms", xscale="log")
    grid = np.geomspace(3, 1e12, 120)
    free_energy = np.array([-math.log(crossing.compute_partition_function(n)) for n in grid])
    axes.plot(grid, free_energy - 0.5 * np.log(grid), label="F − λ log n")
    axes.plot(grid, free_energy - 0.5 * np.log(grid) + np.log(np.log(grid)), label="F − λ log n + (m − 1) log log n")
    axes.axhline(math.log(4 / math.sqrt(math.pi)), linestyle="--", color="0.5", label="constant term, −log(√π/4)")
    axes.legend()
    caption = "x²y²: without the log log term the remainder drifts for ever; with it, it converges to −log(√π/4) like 1/log n."
    return Outcome(tuple(claims), {"ladder": Illustration(figure, caption)}, {"models": ", ".join(forms)})
