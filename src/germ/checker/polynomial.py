"""Polynomials with Fraction coefficients as dicts of monomials: the few operations that a checker needs, and a parser of their text.

A monomial is a sorted tuple of (variable, exponent) pairs with positive exponents; the zero polynomial has no terms. Everything is
bounded, because a certificate may come from a stranger: exponents, sizes of coefficients, numbers of terms, nesting of parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from germ.errors import CertificateError

Monomial = tuple[tuple[str, int], ...]

MAX_EXPONENT = 10_000
MAX_TERMS = 100_000
MAX_WORK = 4_000_000  # products of terms in one multiplication: some seconds
MAX_NESTING = 60
MAX_BITS = 200_000
_TOKEN = re.compile(r"\s*(?:(\d+)|([^\W\d]\w*)|(\*\*|[-+*/^()]))")


@dataclass(frozen=True)
class Polynomial:
    """A polynomial; `terms` maps monomials to nonzero coefficients."""

    terms: Mapping[Monomial, Fraction]

    @staticmethod
    def of(terms: Iterable[tuple[Monomial, Fraction]]) -> Polynomial:
        """Collect terms, which may repeat."""
        found: dict[Monomial, Fraction] = {}
        for monomial, coefficient in terms:
            found[monomial] = found.get(monomial, Fraction(0)) + coefficient
            if len(found) > MAX_TERMS:
                raise CertificateError(f"a polynomial of more than {MAX_TERMS} terms", "a certificate that can be checked in memory")
        return Polynomial({m: c for m, c in found.items() if c})

    @staticmethod
    def constant(value: int | Fraction) -> Polynomial:
        """A constant."""
        return Polynomial({(): Fraction(value)} if value else {})

    @staticmethod
    def monomial(exponents: Mapping[str, int], coefficient: int | Fraction = 1) -> Polynomial:
        """The monomial ∏ x^e with a coefficient."""
        return Polynomial({tuple(sorted((x, e) for x, e in exponents.items() if e)): Fraction(coefficient)} if coefficient else {})

    def __add__(self, other: Polynomial) -> Polynomial:
        return Polynomial.of([*self.terms.items(), *other.terms.items()])

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def __mul__(self, other: Polynomial) -> Polynomial:
        if len(self.terms) * len(other.terms) > MAX_WORK:
            raise CertificateError(f"a product of {len(self.terms)} by {len(other.terms)} terms", "polynomials of moderate size")
        return Polynomial.of((_multiply(a, b), c * d) for a, c in self.terms.items() for b, d in other.terms.items())

    def __pow__(self, exponent: int) -> Polynomial:
        result, base = Polynomial.constant(1), self
        if len(self.terms) == 1:
            ((monomial, coefficient),) = self.terms.items()
            if exponent * max(coefficient.numerator.bit_length(), coefficient.denominator.bit_length()) > MAX_BITS:
                raise CertificateError(f"a power {exponent} of {coefficient}", "coefficients of reasonable size")
            return Polynomial({tuple((x, _bounded(e * exponent)) for x, e in monomial if exponent): coefficient**exponent})
        while exponent:
            if exponent & 1:
                result = result * base
            exponent >>= 1
            base = base * base if exponent else base
        return result

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __str__(self) -> str:
        text = " + ".join("*".join([str(c), *(f"{x}^{e}" for x, e in m)]) for m, c in self.terms.items())
        return (text[:200] + " …" if len(text) > 200 else text) or "0"

    @property
    def variables(self) -> set[str]:
        """The variables that occur."""
        return {x for m in self.terms for x, _ in m}

    @property
    def value(self) -> Fraction | None:
        """The value of a constant, or None."""
        return Fraction(0) if not self.terms else self.terms.get(()) if len(self.terms) == 1 else None

    def scale(self, factor: Fraction) -> Polynomial:
        """A constant times this."""
        return Polynomial({m: c * factor for m, c in self.terms.items()} if factor else {})

    def restrict(self, zero: Iterable[str]) -> Polynomial:
        """Set variables to 0."""
        gone = set(zero)
        return Polynomial({m: c for m, c in self.terms.items() if not any(x in gone for x, _ in m)})

    def substitute(self, values: Mapping[str, Polynomial]) -> Polynomial:
        """Replace variables by polynomials, all at once."""
        if not self.variables & values.keys():
            return self
        powers: dict[tuple[str, int], Polynomial] = {}
        parts: list[tuple[Monomial, Fraction]] = []
        for monomial, coefficient in self.terms.items():
            product = Polynomial({tuple((x, e) for x, e in monomial if x not in values): coefficient})
            for x, e in monomial:
                if x in values:
                    if (x, e) not in powers:
                        powers[x, e] = values[x] ** e
                    product = product * powers[x, e]
            parts.extend(product.terms.items())
        return Polynomial.of(parts)

    def coefficients(self, variable: str) -> list[Polynomial]:
        """c_0, c_1, … with this = Σ c_k variable^k; at least one."""
        rows: dict[int, dict[Monomial, Fraction]] = {}
        for monomial, c in self.terms.items():
            degree = dict(monomial).get(variable, 0)
            rows.setdefault(degree, {})[tuple((x, e) for x, e in monomial if x != variable)] = c
        return [Polynomial(rows.get(k, {})) for k in range(max(rows, default=0) + 1)]

    def derivative(self, variable: str) -> Polynomial:
        """The partial derivative."""
        parts = self.coefficients(variable)
        return sum(
            (p * Polynomial.monomial({variable: k - 1}, k) for k, p in enumerate(parts) if k), Polynomial.constant(0)
        )  # fmt: skip

    def divide(self, monomial: Mapping[str, int]) -> Polynomial | None:
        """The quotient by a monomial, or None where it does not divide."""
        found = {}
        for m, c in self.terms.items():
            exponents = dict(m)
            for x, e in monomial.items():
                if exponents.get(x, 0) < e:
                    return None
                exponents[x] = exponents.get(x, 0) - e
            found[tuple(sorted((x, e) for x, e in exponents.items() if e))] = c
        return Polynomial(found)

    def ratio(self, other: Polynomial) -> Fraction | None:
        """The number c ≠ 0 with this = c · other, or None."""
        if not self.terms or self.terms.keys() != other.terms.keys():
            return None
        monomial = next(iter(self.terms))
        c = self.terms[monomial] / other.terms[monomial]
        return c if all(v == c * other.terms[m] for m, v in self.terms.items()) else None


def _bounded(exponent: int) -> int:
    if exponent > MAX_EXPONENT:
        raise CertificateError(f"the exponent {exponent}", f"at most {MAX_EXPONENT}")
    return exponent


def _multiply(a: Monomial, b: Monomial) -> Monomial:
    if not a or not b:
        return a or b
    exponents = dict(a)
    for x, e in b:
        exponents[x] = _bounded(exponents.get(x, 0) + e)
    return tuple(sorted(exponents.items()))


def parse(text: object) -> Polynomial:
    """Read a polynomial: + - * ^ (or **), parentheses, whole numbers and fractions, names.

    Args:
        text: For example "1/2*x^2*y - 3*y".

    Returns:
        The polynomial.

    Raises:
        CertificateError: If it is not the text of a polynomial, or too large.

    Example:
        >>> parse("(x+1)^2 - x^2") == parse("2*x + 1")
        True
    """
    if not isinstance(text, str) or len(text) > 1_000_000:
        raise CertificateError(f"got {str(text)[:60]!r}", "the text of a polynomial")
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise CertificateError(f"got {text[:60]!r}: unexpected {stripped[position]!r} at character {position + 1}", "a polynomial")
        tokens.append(match.group(match.lastindex or 0))
        position = match.end()
    reader = _Reader([*tokens, ""], text)
    result = reader.read_sum(0)
    if reader.peek:
        raise CertificateError(f"got {text[:60]!r}: unexpected {reader.peek!r}", "a polynomial")
    return result


class _Reader:
    def __init__(self, tokens: list[str], text: str) -> None:
        self.tokens, self.text, self.index = tokens, text, 0

    @property
    def peek(self) -> str:
        return self.tokens[self.index]

    def take(self) -> str:
        self.index += 1
        return self.tokens[self.index - 1]

    def fail(self) -> CertificateError:
        return CertificateError(f"got {self.text[:60]!r}: unexpected {self.tokens[self.index - 1] or 'end'!r}", "a polynomial")

    def read_sum(self, depth: int) -> Polynomial:
        if depth > MAX_NESTING:
            raise CertificateError("parentheses nested too deeply", f"at most {MAX_NESTING}")
        parts: list[tuple[Monomial, Fraction]] = []
        sign = 1
        while True:
            while self.peek in ("+", "-"):
                sign = -sign if self.take() == "-" else sign
            parts.extend(self.read_product(depth).scale(Fraction(sign)).terms.items())
            if self.peek not in ("+", "-"):
                return Polynomial.of(parts)
            sign = 1

    def read_product(self, depth: int) -> Polynomial:
        result = self.read_power(depth)
        while self.peek in ("*", "/"):
            operator, factor = self.take(), self.read_power(depth)
            if operator == "/":
                if not factor.value:
                    raise CertificateError(f"got {self.text[:60]!r}: a division", "divisions by nonzero numbers only")
                factor = Polynomial.constant(1 / factor.value)
            result = result * factor
        return result

    def read_power(self, depth: int) -> Polynomial:
        base = self.read_atom(depth)
        if self.peek not in ("^", "**"):
            return base
        self.take()
        exponent = self.take()
        if not exponent.isdecimal() or len(exponent) > 6:
            raise self.fail()
        return base ** _bounded(int(exponent))

    def read_atom(self, depth: int) -> Polynomial:
        token = self.take()
        if token.isdecimal():
            if len(token) > 4000:
                raise CertificateError(f"a number of {len(token)} digits", "at most 4000")
            return Polynomial.constant(int(token))
        if token == "(":
            inner = self.read_sum(depth + 1)
            if self.take() != ")":
                raise self.fail()
            return inner
        if token and (token[0].isalpha() or token[0] == "_"):
            return Polynomial.monomial({token: 1})
        raise self.fail()
