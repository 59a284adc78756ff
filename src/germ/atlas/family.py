"""`Family`: one entry of the atlas, read from its TOML file under a strict schema.

A file says what the family is, under which hypotheses its formula holds, where the formula comes from, how complete and how reliable it is,
who checked it and how, what is easily got wrong, and values to test against. A key too many, a key too few or a value of the wrong type is
an `AtlasError` that names the file, the key and the reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from germ.atlas.inputs import KINDS, Input
from germ.claim import Reliability
from germ.errors import AtlasError

Kind = Literal["exact", "bound", "contrast", "fluctuation", "open"]
_FAMILIES = Path(__file__).parent / "families"
_INPUT_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True)
class Source:
    """A publication or derivation.

    Args:
        author: Authors.
        year: Year of publication.
        title: Title.
        theorem: Theorem, table or section.
        read: How it was consulted: "read", "abstract only", "through another source", "recalled", "derived here".
    """

    author: str
    year: int
    title: str
    theorem: str
    read: str

    def __str__(self) -> str:
        return f"{self.author} {self.year}, {self.title}" + (f", {self.theorem}" if self.theorem else "")


@dataclass(frozen=True)
class TestValue:
    """Inputs with a known answer.

    Args:
        inputs: By name.
        learning_coefficient: λ (of a bound, its upper end); None where `number` is given.
        multiplicity: m; None where it is not published.
        number: A number with `tolerance`, for ν.
        tolerance: Allowed difference.
    """

    __test__ = False  # pytest collects classes named Test*

    inputs: Mapping[str, Any]
    learning_coefficient: Fraction | None
    multiplicity: int | None
    number: float | None = None
    tolerance: float = 0.0


@dataclass(frozen=True)
class Family:
    """One family of models.

    Args:
        id: Its name, also that of its file.
        title: A title.
        kind: Whether λ is exact, a bound, a variational contrast, a fluctuation, or open.
        statement: The model.
        formula: The answer, in text.
        hypotheses: What must hold; outside, the answer is a bound, `NotApplicable` or an error.
        conventions: What λ and m belong to.
        sources: Where the formula comes from.
        completeness: Which cases of the family are covered.
        reliability: How far the formula can be trusted.
        checks: Who checked it and how.
        traps: What is easily got wrong.
        missing: For open families, what is missing.
        inputs: Inputs of the formula.
        values: Known answers.
    """

    id: str
    title: str
    kind: Kind
    statement: str
    formula: str
    hypotheses: tuple[str, ...]
    conventions: str
    sources: tuple[Source, ...]
    completeness: str
    reliability: Reliability
    checks: tuple[str, ...]
    traps: tuple[str, ...]
    missing: str
    inputs: tuple[Input, ...]
    values: tuple[TestValue, ...]

    @property
    def source(self) -> str:
        """All sources in one line."""
        return "; ".join(map(str, self.sources))


# Key -> (type, whether it must be there). Strings and arrays that must be there must not be empty.
_SCHEMA: dict[str, tuple[type, bool]] = {
    "id": (str, True), "title": (str, True), "kind": (str, True), "statement": (str, True), "formula": (str, False),
    "hypotheses": (list, True), "conventions": (str, True), "completeness": (str, True), "reliability": (str, True),
    "checks": (list, False), "traps": (list, False), "missing": (str, False), "sources": (list, True),
    "inputs": (list, False), "values": (list, False),
}  # fmt: skip
_SOURCE: dict[str, tuple[type, bool]] = {
    "author": (str, True),
    "year": (int, True),
    "title": (str, True),
    "theorem": (str, False),
    "read": (str, True),
}
_INPUT: dict[str, tuple[type, bool]] = {
    "name": (str, True), "kind": (str, True), "meaning": (str, True), "minimum": (int, False), "maximum": (int, False),
    "choices": (list, False), "optional": (bool, False), "default": (object, False),
}  # fmt: skip
_VALUE: dict[str, tuple[type, bool]] = {
    "inputs": (dict, True),
    "lambda": (str, False),
    "m": (int, False),
    "number": (float, False),
    "tolerance": (float, False),
}
_READ = ("read", "abstract only", "through another source", "recalled", "derived here")


class _Reader:
    """Takes values out of one file's tables; every refusal names the file and the key."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def fail(self, key: str, reason: str) -> AtlasError:
        return AtlasError(
            f"{self.file}: key {key!r}: {reason}", "a file in the atlas's schema", "compare with the other files of the folder"
        )

    def take(self, table: Any, schema: Mapping[str, tuple[type, bool]], where: str) -> dict[str, Any]:
        if not isinstance(table, dict):
            raise self.fail(where, f"is a {type(table).__name__}, not a table")
        for key in table:
            if key not in schema:
                raise self.fail(f"{where}{key}", f"unknown; known keys are {', '.join(schema)}")
        for key, (kind, needed) in schema.items():
            if key not in table:
                if needed:
                    raise self.fail(f"{where}{key}", "missing")
                continue
            value = table[key]
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise self.fail(f"{where}{key}", f"is a {type(value).__name__} ({value!r}), not a {kind.__name__}")
            if needed and kind in (str, list) and not value:
                raise self.fail(f"{where}{key}", "is empty")
        return table

    def one_of(self, value: str, allowed: tuple[str, ...], key: str) -> Any:
        if value not in allowed:
            raise self.fail(key, f"is {value!r}, not one of {', '.join(allowed)}")
        return value

    def texts(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        values = table.get(key, [])
        if not all(isinstance(x, str) and x for x in values):
            raise self.fail(key, "has an entry that is not a non-empty text")
        return tuple(values)


def read_family(file: Path) -> Family:
    """Read and check one file.

    Args:
        file: A TOML file named after the family.

    Returns:
        The family.

    Raises:
        AtlasError: If the file is malformed; the message has file, key and reason.
    """
    reader = _Reader(file)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise reader.fail("(whole file)", f"cannot be read as TOML: {error}") from None
    table = reader.take(document, _SCHEMA, "")
    if table["id"] != file.stem:
        raise reader.fail("id", f"is {table['id']!r}, but the file is named {file.stem!r}")
    kind: Kind = reader.one_of(table["kind"], get_args(Kind), "kind")
    for key in ("formula", "inputs", "values", "checks"):
        if (kind == "open") == bool(table.get(key)) and not (kind == "open" and key == "checks"):
            raise reader.fail(key, "an open family has none" if kind == "open" else "missing or empty")
    if (kind == "open") != bool(table.get("missing")):
        raise reader.fail("missing", "an open family says what is missing, others do not")
    inputs = tuple(_read_input(reader, row, f"inputs[{i}].") for i, row in enumerate(table.get("inputs", [])))
    if len({i.name for i in inputs}) < len(inputs):
        raise reader.fail("inputs", "two inputs of one name")
    return Family(
        id=table["id"], title=table["title"], kind=kind, statement=table["statement"], formula=table.get("formula", ""),
        hypotheses=reader.texts(table, "hypotheses"), conventions=table["conventions"],
        sources=tuple(_read_source(reader, row, f"sources[{i}].") for i, row in enumerate(table["sources"])),
        completeness=table["completeness"], reliability=reader.one_of(table["reliability"], get_args(Reliability), "reliability"),
        checks=reader.texts(table, "checks"), traps=reader.texts(table, "traps"), missing=table.get("missing", ""),
        inputs=inputs, values=tuple(_read_value(reader, row, f"values[{i}].", inputs) for i, row in enumerate(table.get("values", []))),
    )  # fmt: skip


def _read_source(reader: _Reader, row: Any, where: str) -> Source:
    table = reader.take(row, _SOURCE, where)
    read = reader.one_of(table["read"], _READ, f"{where}read")
    return Source(table["author"], table["year"], table["title"], table.get("theorem", ""), read)


def _read_input(reader: _Reader, row: Any, where: str) -> Input:
    table = reader.take(row, _INPUT, where)
    kind = reader.one_of(table["kind"], KINDS, f"{where}kind")
    if not set(table["name"]) <= _INPUT_NAME_CHARACTERS:
        raise reader.fail(f"{where}name", f"is {table['name']!r}; letters, digits and underscores only")
    if (kind == "choice") != bool(table.get("choices")):
        raise reader.fail(f"{where}choices", "a choice has choices, others do not")
    if "default" in table and not table.get("optional"):
        raise reader.fail(f"{where}default", "only an optional input has a default")
    fields = {key: value for key, value in table.items() if key != "choices"}
    result = Input(**fields, choices=tuple(table.get("choices", ())))
    if "default" in table:
        _check_convertible(reader, result, table["default"], f"{where}default")
    return result


def _check_convertible(reader: _Reader, given: Input, value: Any, where: str) -> None:
    try:
        given.convert(value)
    except ValueError as error:
        raise reader.fail(where, str(error).splitlines()[0]) from None


def _read_value(reader: _Reader, row: Any, where: str, inputs: tuple[Input, ...]) -> TestValue:
    table = reader.take(row, _VALUE, where)
    if ("lambda" in table) == ("number" in table):
        raise reader.fail(f"{where}lambda", "exactly one of lambda and number")
    if ("number" in table) != ("tolerance" in table):
        raise reader.fail(f"{where}tolerance", "a number has a tolerance")
    try:
        value = Fraction(table["lambda"]) if "lambda" in table else None
    except (ValueError, ZeroDivisionError):
        raise reader.fail(f"{where}lambda", f"is {table['lambda']!r}, not a fraction") from None
    known = {i.name: i for i in inputs}
    for name, given in table["inputs"].items():
        if name not in known:
            raise reader.fail(f"{where}inputs.{name}", "is not an input of the family")
        _check_convertible(reader, known[name], given, f"{where}inputs.{name}")
    if absent := [i.name for i in inputs if not i.optional and i.name not in table["inputs"]]:
        raise reader.fail(f"{where}inputs.{absent[0]}", "missing")
    return TestValue(table["inputs"], value, table.get("m"), table.get("number"), table.get("tolerance", 0.0))


@cache
def list_families() -> tuple[str, ...]:
    """Names of all families, in alphabetical order.

    Returns:
        The names.

    Example:
        >>> "dln" in list_families()
        True
    """
    return tuple(sorted(file.stem for file in _FAMILIES.glob("*.toml")))


@cache
def load_family(name: str) -> Family:
    """One family of the atlas.

    Args:
        name: Its name, e.g. "dln".

    Returns:
        The family.

    Raises:
        AtlasError: If there is no such family, or its file is malformed.

    Example:
        >>> load_family("rrr").title
        'Reduced rank regression'
    """
    if name not in list_families():
        from difflib import get_close_matches

        near = get_close_matches(str(name), list_families(), 3, 0.4)
        raise AtlasError(
            f"no family {name!r}",
            "a family of the atlas" + (f", perhaps {' or '.join(near)}" if near else ""),
            "`germ atlas list` has all names",
        )
    return read_family(_FAMILIES / f"{name}.toml")
