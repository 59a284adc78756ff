"""What a node of a certificate speaks of: coordinates with exponents and signs, conditions on the base points, generators, domain, prior.

Everything is read with its type checked; two states are compared by value, so the text of a polynomial makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from germ.checker.polynomial import MAX_EXPONENT, Polynomial, parse
from germ.errors import CertificateError

LOCAL_SIGNS = ("any", "nonnegative")
BASE_SIGNS = ("any", "nonnegative", "positive", "negative")


def require(condition: object, problem: str, expected: str = "") -> None:
    """Reject the certificate unless the condition holds."""
    if not condition:
        raise CertificateError(problem, expected)


def read_fraction(value: object) -> Fraction:
    """A fraction from its text, or from a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    number = parse(value).value
    require(number is not None, f"got {str(value)[:60]!r}", "an exact fraction")
    assert number is not None
    return number


def read_integer(value: object, least: int = 0) -> int:
    """A whole number of moderate size."""
    good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_EXPONENT
    require(good, f"got {str(value)[:60]!r}", f"a whole number from {least} to {MAX_EXPONENT}")
    assert isinstance(value, int)
    return value


def read_index(value: object, items: Sequence[Any]) -> int:
    """An index of one of the items."""
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(items)
    require(good, f"the index {str(value)[:40]!r}", f"0 to {len(items) - 1}")
    assert isinstance(value, int)
    return value


def read_object(value: object, *, required: tuple[str, ...] = (), optional: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A JSON object with the keys that it has to have, and no others where `optional` is given."""
    require(isinstance(value, dict), f"got {str(value)[:60]!r}", "an object")
    assert isinstance(value, dict)
    missing = [key for key in required if key not in value]
    require(not missing, f"an object without {', '.join(missing)}", f"an object with {', '.join(required)}")
    unknown = [] if optional is None else [key for key in value if key not in required and key not in optional]
    require(not unknown, f"an object with the unknown keys {', '.join(map(str, unknown))[:80]}")
    return value


def read_list(value: object) -> list[Any]:
    """A JSON array."""
    require(isinstance(value, list), f"got {str(value)[:60]!r}", "a list")
    assert isinstance(value, list)
    return value


def read_exponents(value: object) -> dict[str, int]:
    """Exponents of a monomial by variable."""
    return {str(x): read_integer(e) for x, e in read_object(value).items() if e != 0}


@dataclass(frozen=True)
class Coordinate:
    """Exponents and sign of one coordinate.

    Args:
        order: N, the exponent in the ideal.
        weight: h, the exponent in the prior times the Jacobian.
        sign: The side on which it lives.
    """

    order: int
    weight: Fraction
    sign: str


@dataclass(frozen=True)
class State:
    """One state.

    Args:
        local: Coordinates that are 0 on the base points.
        base: Coordinates that are not.
        dependent: Names of dependent variables.
        relations: Their equations.
        zero: Polynomials that vanish on the base points.
        nonzero: Polynomials that do not.
        ideal: Generators.
        domain: Polynomials that are at least 0.
        prior: Factors of the prior with their exponents.
        vanishing: The dependent variables that are 0 on the base points.
    """

    local: Mapping[str, Coordinate]
    base: Mapping[str, Coordinate]
    dependent: tuple[str, ...] = ()
    relations: tuple[Polynomial, ...] = ()
    zero: tuple[Polynomial, ...] = ()
    nonzero: tuple[Polynomial, ...] = ()
    ideal: tuple[Polynomial, ...] = ()
    domain: tuple[Polynomial, ...] = ()
    prior: tuple[tuple[Polynomial, Fraction], ...] = ()
    vanishing: frozenset[str] = frozenset()

    def on_base(self, p: Polynomial) -> Polynomial:
        """The polynomial on the base points: local coordinates and vanishing dependent variables are 0."""
        return p.restrict({*self.local, *self.vanishing})

    @property
    def coordinates(self) -> dict[str, Coordinate]:
        """Local and base coordinates."""
        return {**self.local, **self.base}

    def sign_of(self, variable: str) -> str:
        """What is known of a variable's sign near the base points, within the domain."""
        found = self.coordinates.get(variable)
        return "any" if found is None else found.sign

    def map_polynomials(self, change: Any) -> State:
        """The state with a function applied to each polynomial; it is given the polynomial and the name of its list."""
        return replace(
            self,
            relations=tuple(change(p, "relations") for p in self.relations),
            zero=tuple(change(p, "zero") for p in self.zero),
            nonzero=tuple(change(p, "nonzero") for p in self.nonzero),
            ideal=tuple(change(p, "ideal") for p in self.ideal),
            domain=tuple(change(p, "domain") for p in self.domain),
            prior=tuple((change(p, "prior"), q) for p, q in self.prior),
        )


def read_state(value: object) -> State:
    """A state from JSON.

    Args:
        value: The object.

    Returns:
        The state.

    Raises:
        CertificateError: If a key is missing or unknown, or a value is of the wrong type.
    """
    lists = ("relations", "zero", "nonzero", "ideal", "domain")
    document = read_object(value, required=("local", "base", "ideal"), optional=("dependent", "vanishing", "prior", *lists))
    local = _read_coordinates(document["local"], LOCAL_SIGNS)
    base = _read_coordinates(document["base"], BASE_SIGNS)
    dependent = tuple(str(x) for x in read_list(document.get("dependent", [])))
    vanishing = frozenset(str(x) for x in read_list(document.get("vanishing", [])))
    require(vanishing <= set(dependent), f"the vanishing variables {sorted(vanishing)}", "dependent variables")
    names = [*local, *base, *dependent]
    require(len(set(names)) == len(names), f"variables {names} with repetitions")
    polynomials = {key: tuple(parse(p) for p in read_list(document.get(key, []))) for key in lists}
    prior = []
    for entry in read_list(document.get("prior", [])):
        factor = read_object(entry, required=("polynomial", "exponent"), optional=())
        prior.append((parse(factor["polynomial"]), read_fraction(factor["exponent"])))
    state = State(local, base, dependent, prior=tuple(prior), vanishing=vanishing, **polynomials)
    used = set().union(*(p.variables for key in lists for p in polynomials[key]), *(p.variables for p, _ in prior))
    require(used <= set(names), f"polynomials in {sorted(used - set(names))}", f"the variables {sorted(names)}")
    return state


def _read_coordinates(value: object, signs: tuple[str, ...]) -> dict[str, Coordinate]:
    found = {}
    for name, entry in read_object(value).items():
        item = read_object(entry, required=("N", "h", "sign"), optional=())
        require(item["sign"] in signs, f"the sign {str(item['sign'])[:40]!r} of {name}", f"one of {', '.join(signs)}")
        require(name.isidentifier(), f"a variable called {name[:40]!r}", "a name")
        found[name] = Coordinate(read_integer(item["N"]), read_fraction(item["h"]), item["sign"])
    return found
