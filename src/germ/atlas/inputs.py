"""Inputs of a family: what may be given, from Python or as text, and what is refused with the rule that it breaks.

Exact means exact: integers are ints (not bools, not floats), rationals are ints, Fractions or texts such as "1/2". Sizes are bounded, so
that no input can make an exact computation run away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import index
from typing import Any, get_args
from typing import Literal as _Literal

from germ.errors import InputError

InputKind = _Literal["integer", "rational", "boolean", "choice", "text", "integers", "rationals", "integer-lists"]
KINDS: tuple[str, ...] = get_args(InputKind)

# No formula counts up to an input (those that must, set a maximum of their own): these bounds keep every λ printable.
_LARGEST_INTEGER = 10**12
_LONGEST_LIST = 1_000
_LONGEST_TEXT = 200_000
_INTEGER = re.compile(r"[+-]?\d{1,30}")
_RATIONAL = re.compile(r"[+-]?\d{1,30}(/\d{1,30}|\.\d{1,30})?")


@dataclass(frozen=True)
class Input:
    """One input of a family.

    Args:
        name: As in the literature; also the name of the command line's option.
        kind: What it is.
        meaning: One line.
        minimum: Smallest integer allowed (also for each entry of a list).
        maximum: Largest integer allowed.
        choices: The words allowed.
        optional: Whether it may be left out.
        default: Its value then.
    """

    name: str
    kind: InputKind
    meaning: str
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    default: Any = None

    def describe(self) -> str:
        """What is expected, in words."""
        least = "" if self.minimum is None else f" >= {self.minimum}"
        most = "" if self.maximum is None else f" and <= {self.maximum}"
        words = {
            "integer": "an integer" + least + most,
            "rational": 'a rational: an int, a Fraction, or text such as "1/2"',
            "boolean": "true or false",
            "choice": "one of " + ", ".join(self.choices),
            "text": "a text",
            "integers": "a list of integers" + least + most,
            "rationals": 'a list of rationals (ints, Fractions, or texts such as "1/2")',
            "integer-lists": "a list of lists of integers" + least + most,
        }
        return words[self.kind] + (", or nothing" if self.optional else "")

    def convert(self, value: Any) -> Any:
        """The value as the formula takes it: int, Fraction, bool, str, or tuples of these.

        Args:
            value: What the caller gave.

        Returns:
            The converted value; the default for None where the input is optional.

        Raises:
            InputError: If it is not of the kind, out of range, or empty.
        """
        if value is None and self.optional:
            return None if self.default is None else self._convert(self.default)
        return self._convert(value)

    def _convert(self, value: Any) -> Any:
        match self.kind:
            case "integer":
                return self._integer(value)
            case "rational":
                return self._rational(value)
            case "boolean":
                if type(value).__name__ in ("bool", "bool_"):
                    return bool(value)
                raise self._refuse(value)
            case "choice":
                if isinstance(value, str) and value in self.choices:
                    return value
                raise self._refuse(value)
            case "text":
                if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST_TEXT:
                    return value
                raise self._refuse(value)
            case "integers":
                return tuple(self._integer(x) for x in self._list(value))
            case "rationals":
                return tuple(self._rational(x) for x in self._list(value))
            case "integer-lists":
                return tuple(tuple(self._integer(x) for x in self._list(row)) for row in self._list(value))

    def _refuse(self, value: Any, why: str = "") -> InputError:
        shown = repr(value)
        return InputError(
            f"{self.name} = {shown[:80]}{'…' if len(shown) > 80 else ''}{' ' + why if why else ''}",
            self.describe(),
            f"{self.name}: {self.meaning}",
        )

    def _integer(self, value: Any) -> int:
        if type(value).__name__ in ("bool", "bool_") or isinstance(value, (str, bytes)):
            raise self._refuse(value, f"({type(value).__name__})")
        try:
            number = index(value)
        except TypeError:
            raise self._refuse(value, f"({type(value).__name__})") from None
        if abs(number) > (_LARGEST_INTEGER if self.maximum is None else self.maximum):
            raise InputError(
                f"{self.name} has an entry of {number.bit_length()} bits", f"at most {self.maximum or _LARGEST_INTEGER}", "smaller sizes"
            )
        if self.minimum is not None and number < self.minimum:
            raise self._refuse(number)
        return number

    def _rational(self, value: Any) -> Fraction:
        if isinstance(value, str):
            if not _RATIONAL.fullmatch(value.strip()) or re.search(r"/0+$", value.strip()):
                raise self._refuse(value)
            value = Fraction(value.strip())
        if isinstance(value, float):
            raise self._refuse(value, "(a float; exact inputs are not rounded)")
        if isinstance(value, Fraction):
            number = value
        else:
            if type(value).__name__ in ("bool", "bool_"):
                raise self._refuse(value, "(bool)")
            try:
                number = Fraction(index(value))
            except TypeError:
                raise self._refuse(value, f"({type(value).__name__})") from None
        if max(abs(number.numerator), number.denominator) > _LARGEST_INTEGER**2:
            raise InputError(f"{self.name} has a numerator or denominator above 10^24", "smaller numbers", "smaller numbers")
        return number

    def _list(self, value: Any) -> list[Any]:
        if hasattr(value, "tolist"):
            value = value.tolist()
        if not isinstance(value, (list, tuple)):
            raise self._refuse(value, f"({type(value).__name__})")
        if not value and self.minimum_length:
            raise self._refuse(value, "(empty)")
        if len(value) > _LONGEST_LIST:
            raise InputError(f"{self.name} has {len(value)} entries", f"at most {_LONGEST_LIST}", "shorter lists")
        return list(value)

    @property
    def minimum_length(self) -> int:
        """Lists have at least one entry; an optional list may be empty."""
        return 0 if self.optional else 1

    def parse(self, text: str) -> Any:
        """The value that a text stands for, to be given to `convert`.

        Args:
            text: "5", "1/2", "true", "10,10,5", "1,0;0,2", JSON, or "null".

        Returns:
            A Python value.

        Raises:
            InputError: If the text is not of the kind.
        """
        text = text.strip()
        if len(text) > _LONGEST_TEXT:
            raise InputError(f"{self.name}: a text of {len(text)} characters", f"at most {_LONGEST_TEXT}", "shorter lists")
        if self.kind in ("choice", "text"):
            return text
        if text.lower() in ("null", "none") and self.optional:
            return None
        if self.kind == "boolean":
            words = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
            if text.lower() not in words:
                raise self._refuse(text)
            return words[text.lower()]
        if text.startswith("["):
            try:
                return json.loads(text, parse_float=str)
            except (ValueError, RecursionError):
                raise self._refuse(text, "(not JSON)") from None
        if self.kind in ("integer", "rational"):
            return self._number(text)
        if self.kind == "integer-lists":
            return [self._numbers(row) for row in text.split(";")]
        return self._numbers(text)

    def _numbers(self, text: str) -> list[Any]:
        return [self._number(x.strip()) for x in text.split(",")] if text.strip() else []

    def _number(self, text: str) -> Any:
        if self.kind in ("rational", "rationals"):
            return text
        if not _INTEGER.fullmatch(text):
            raise self._refuse(text)
        return int(text)


def convert_inputs(family: str, inputs: tuple[Input, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """All inputs of a call, converted.

    Args:
        family: Name of the family, for messages.
        inputs: The inputs that the family takes.
        given: What the caller gave, by name.

    Returns:
        A value for every input.

    Raises:
        InputError: If one is unknown, missing, or not allowed.
    """
    names = [i.name for i in inputs]
    known = f"the inputs of {family}: {', '.join(names)}"
    if unknown := [name for name in given if name not in names]:
        raise InputError(f"unknown input {unknown[0]!r}", known, f"see `germ atlas show {family}`")
    if missing := [i.name for i in inputs if i.name not in given and not i.optional]:
        raise InputError(f"missing input {missing[0]!r}", known, f"see `germ atlas show {family}`")
    return {i.name: i.convert(given.get(i.name)) for i in inputs}
