"""Jets counted over a finite field: a check of jet dimensions that shares nothing with their computation.

The number of m-jets of V(I) over F_p is a polynomial-like function of p with leading term c·p^dim, c the number of components of largest
dimension that are defined over F_p. It is counted exactly, by lifting coefficient by coefficient: at a smooth point the lifts are
counted by Hensel's lemma, at a singular point a the substitution x → a + t·x continues. Where reduction mod p changes the singularity
(small p, or p dividing coefficients) the count is that of another variety: choose another prime.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import log

from flint import Ordering, fmpz, nmod_mat, nmod_mpoly, nmod_mpoly_ctx

from germ.algebra.expression import Expression, parse_polynomials
from germ.errors import BudgetError, InputError

MAX_POINTS = 1_000_000


@dataclass(frozen=True)
class JetCount:
    """The number of jets over F_p.

    Args:
        prime: p.
        order: m.
        count: Number of solutions in (F_p[t]/t^{m+1})^n.
        dimension_hint: log count / log p, which tends to dim J_m + log c / log p.
    """

    prime: int
    order: int
    count: int
    dimension_hint: float


def count_jets(generators: Expression | Sequence[Expression], prime: int, order: int, names: Sequence[str] | None = None) -> JetCount:
    """Count the m-jets of V(I) over F_p.

    Args:
        generators: f, or the generators of an ideal, with coefficients whose denominators p does not divide.
        prime: A prime p.
        order: m ≥ 0.
        names: The variables.

    Returns:
        The exact count.

    Raises:
        InputError: If p is not prime, or divides a denominator, or f vanishes mod p.
        BudgetError: If more than a million points have to be visited.

    Example:
        >>> count_jets("x*y", 5, 1).count  # smooth points: 8 with 5 lifts each; the origin: 25
        65
    """
    many = not isinstance(generators, str) and isinstance(generators, Sequence)
    read = parse_polynomials(list(generators) if many else [generators], names)
    if prime < 2 or not fmpz(prime).is_prime():
        raise InputError(f"{prime}", "a prime number")
    if order < 0:
        raise InputError(f"jets of order {order}", "an order of at least 0")
    variables = read[0].context().names()
    ring = nmod_mpoly_ctx.get((*variables, "t_of_jet"), modulus=prime, ordering=Ordering.degrevlex)
    conditions = []
    for f in read:
        terms = {}
        for e, c in f.to_dict().items():
            if int(c.q) % prime == 0:
                raise InputError(f"the coefficient {c} mod {prime}", "a prime that does not divide a denominator")
            terms[(*map(int, e), 0)] = int(c.p) * pow(int(c.q), -1, prime) % prime
        reduced = ring.from_dict({e: c for e, c in terms.items() if c})
        if reduced.is_zero() and not f.is_zero():
            raise InputError(f"{f} vanishes mod {prime}", "another prime")
        conditions.append((reduced, order + 1))
    found = _Counter(ring, prime, len(variables)).count([c for c in conditions if not c[0].is_zero()], order + 1)
    return JetCount(prime, order, found, log(found) / log(prime) if found else float("-inf"))


class _Counter:
    def __init__(self, ring: nmod_mpoly_ctx, prime: int, n: int) -> None:
        self.ring, self.prime, self.n, self.visited = ring, prime, n, 0

    def count(self, conditions: list[tuple[nmod_mpoly, int]], length: int) -> int:
        """Number of x in (F_p[t]/t^length)^n with f ≡ 0 mod t^k for all conditions (f, k)."""
        p, n = self.prime, self.n
        if not conditions:
            return p ** (n * length)
        if any(f.is_constant() for f, _ in conditions):
            return 0
        needed = max(k for _, k in conditions)
        if needed < length:  # later coefficients are free
            return p ** (n * (length - needed)) * self.count(conditions, needed)
        total = 0
        gradients = [[f.derivative(i) for i in range(n)] for f, _ in conditions]
        for point in product(range(p), repeat=n):
            self.visited += 1
            if self.visited > MAX_POINTS:
                raise BudgetError(f"a count that visits more than {MAX_POINTS} points", "a smaller prime or order")
            place = (*point, 0)
            if any(int(f(*place)) for f, _ in conditions):
                continue
            jacobian = nmod_mat(len(conditions), n, [int(g(*place)) for row in gradients for g in row], p)
            if jacobian.rank() == len(conditions):
                total += p ** (n * (length - 1) - sum(k - 1 for _, k in conditions))
            else:
                total += self.count([c for f, k in conditions if (c := self.shift(f, k, point)) is not None], length - 1)
        return total

    def shift(self, f: nmod_mpoly, k: int, point: tuple[int, ...]) -> tuple[nmod_mpoly, int] | None:
        """f(a + t x) = t^v g: the condition mod t^k becomes g ≡ 0 mod t^{k−v}; None where nothing is left of it."""
        t = self.ring.gen(self.n)
        moved = f.compose(*[self.ring.gen(i) * t + a for i, a in enumerate(point)], t, ctx=self.ring)
        terms = {tuple(map(int, e)): c for e, c in moved.to_dict().items() if e[self.n] < k}
        if not terms:
            return None
        v = min(e[self.n] for e in terms)
        return self.ring.from_dict({(*e[: self.n], e[self.n] - v): c for e, c in terms.items()}), k - v
