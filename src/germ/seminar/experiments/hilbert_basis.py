"""Hilbert's basis theorem on moments of a two-unit network: the ascending chain stops, with the combination that proves it.

The output of a tanh network depends on its weights through infinitely many moments f_k = Σ aᵢbᵢᵏ. Hilbert's theorem says that the ideals
⟨f₁⟩ ⊂ ⟨f₁, f₃⟩ ⊂ … stop growing, so that finitely many equations describe the true parameters. For two units they stop at the second
step, and the proof is a formula that writes the next moment by the first two.
"""

from __future__ import annotations

from germ.algebra.expression import parse_polynomial
from germ.algebra.groebner import check_membership, compute_chain
from germ.algebra.moments import compute_moment_ideal
from germ.seminar.claims import claim_equal
from germ.seminar.experiment import Outcome, Size


def run(size: Size, seed: int) -> Outcome:
    """Chains of odd and of all moments of two units.

    Args:
        size: How many moments.
        seed: Ignored.

    Returns:
        The outcome.
    """
    count = {"small": 5, "full": 9}[size]
    odd = [f"a1*b1^{k} + a2*b2^{k}" for k in range(1, 2 * count, 2)]
    every = [f"a1*b1^{k} + a2*b2^{k}" for k in range(1, count + 1)]
    chain, other = compute_chain(odd), compute_chain(every)
    combination = f"(b1^2 + b2^2)*({odd[1]}) - b1^2*b2^2*({odd[0]}) - ({odd[2]})"
    claims = (
        claim_equal(f"the chain of the first {count} odd moments is constant from the second on", 2, chain.stable_from,
                    "Cayley-Hamilton: N = 2 units need 2 moments"),
        claim_equal("and so is the chain of all moments", 2, other.stable_from, "the same, with step 1"),
        claim_equal("f₅ = (b₁² + b₂²) f₃ − b₁²b₂² f₁", "0", str(parse_polynomial(combination)), "expanding both sides"),
        claim_equal("f₃ is not a multiple of f₁", False, check_membership(odd[1], odd[:1]).is_member, "degrees"),
        claim_equal("f₇ lies in ⟨f₁, f₃⟩", True, check_membership(odd[3], odd[:2]).is_member, "Hilbert's basis theorem"),
        claim_equal("the moment ideal of germ stops at the same place", 2, len(compute_moment_ideal("tanh", 2).generators),
                    "its truncation proof"),
    )  # fmt: skip
    return Outcome(claims, inputs={"f_k": "a₁b₁^k + a₂b₂^k", "moments": count})
