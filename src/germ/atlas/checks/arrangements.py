"""Checks of hyperplane arrangements: closed forms against the enumeration of flats, and Mehta's integral."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from germ.atlas.checks.check import Check, compare, find_pole


def _reflections(letter: str, n: int) -> list[list[int]]:
    size = n + 1 if letter == "A" else n
    basis = [[int(i == j) for j in range(size)] for i in range(size)]
    differences = [[a - b for a, b in zip(x, y, strict=True)] for x, y in combinations(basis, 2)]
    if letter == "A":
        return differences
    sums = [[a + b for a, b in zip(x, y, strict=True)] for x, y in combinations(basis, 2)]
    return differences + sums + (basis if letter == "B" else [])


def _write(normals: list[list[int]]) -> str:
    return ";".join(",".join(map(str, n)) for n in normals)


def check_flats() -> str:
    """Coxeter, boolean and generic arrangements by name and by their normals; weights; squares."""
    named = {
        f"{letter}{n}": _write(_reflections(letter, n))
        for letter, n in (("A", 1), ("A", 2), ("A", 3), ("A", 4), ("B", 1), ("B", 2), ("B", 3), ("D", 2), ("D", 3), ("D", 4))
    }
    named |= {f"boolean {n}": _write([[int(i == j) for j in range(n)] for i in range(n)]) for n in range(1, 5)}
    named |= {f"{n} lines": _write([[1, i] for i in range(n)]) for n in range(1, 7)}
    named |= {f"generic {n} in 3": _write([[1, i, i * i] for i in range(n)]) for n in range(1, 7)}  # moment curve: any three independent
    for name, normals in named.items():
        found = find_pole("hyperplane", arrangement=normals, weights=None, power=1)
        compare(name, find_pole("hyperplane", arrangement=name, weights=None, power=1), found, "by name, by flats")
        halved = find_pole("hyperplane", arrangement=name, weights=None, power=2)
        compare(f"{name}, squared", halved, (found[0] / 2, found[1]), "K = f², λ / 2")
    for s in ((1, 2, 3), (2, 2, 1), (3, 3, 3), (1, 1, 5)):
        crossing = find_pole("normal-crossing", k=s, h=None)
        boolean = find_pole("hyperplane", arrangement="1,0,0;0,1,0;0,0,1", weights=s, power=2)
        compare(f"weights {s}", boolean, crossing, "coordinate planes, normal crossing")
    doubled = find_pole("hyperplane", arrangement="1,0;2,0;0,1", weights=None, power=1)
    compare("a line twice", doubled, (Fraction(1, 2), 1), "proportional normals, weight 2")
    return f"{len(named)} arrangements, λ and m"


def check_mehta() -> str:
    """Braid arrangement in n points: the first pole of Π_j Γ(1 + j s)/Γ(1 + s) is s = -1/n for |f|^{2s}, that is λ = 2/n for |f|."""
    for n in range(2, 10):
        pole = min((Fraction(1, j) for j in range(2, n + 1)), default=Fraction(1))  # Γ(1 + j s) has its first pole at s = -1/j
        compare(
            f"n = {n}", find_pole("hyperplane", arrangement=f"braid A{n - 1}", weights=None, power=2), (pole, 1), "flats, Mehta's integral"
        )
    return "n <= 9, λ and m"


CHECKS = (
    Check("arrangements: names = flats", ("hyperplane",), check_flats),
    Check("braid arrangement = Mehta's integral", ("hyperplane",), check_mehta),
)
