"""YAML read strictly: every value knows its line, and what does not fit the schema is an error with file, line and reason.

A `Field` is a node of the document together with the file that it stands in. Reading a mapping names the keys that are required and the
keys that are allowed; anything else is refused, as are duplicate keys, which YAML parsers keep silent about. No value is guessed from
its spelling: a date is a date where the schema says so.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection
from dataclasses import dataclass

import yaml

from germ.errors import SeminarError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_URL = re.compile(r"https?://[^\s<>\"]+\Z")
MAX_BYTES = 5_000_000


@dataclass(frozen=True)
class Field:
    """A node of a YAML document and the file it stands in.

    Args:
        node: The node.
        source: The file's name, as errors print it.
    """

    node: yaml.Node
    source: str

    @property
    def line(self) -> int:
        """The line that the node starts on, from 1."""
        return int(self.node.start_mark.line) + 1

    def make_error(self, problem: str, expected: str = "", remedy: str = "") -> SeminarError:
        """An error that names file and line."""
        return SeminarError(f"{self.source}:{self.line}: {problem}", expected, remedy)

    def read_mapping(self, required: Collection[str] = (), optional: Collection[str] | None = None) -> dict[str, Field]:
        """The mapping's fields by key.

        Args:
            required: Keys that have to be there.
            optional: Keys that may be there; None accepts any key.

        Returns:
            The fields, in the order of the file.

        Raises:
            SeminarError: For anything but a mapping, and for unknown, missing or repeated keys.
        """
        if not isinstance(self.node, yaml.MappingNode):
            raise self.make_error(f"found {self._kind()}", "a mapping (key: value)")
        found: dict[str, Field] = {}
        for key, value in self.node.value:
            where, name = Field(key, self.source), Field(key, self.source).read_text()
            if name in found:
                raise where.make_error(f"the key {name!r} for the second time in one mapping", "each key once", "remove one of the two")
            if optional is not None and name not in required and name not in optional:
                known = ", ".join([*required, *optional])
                raise where.make_error(f"unknown key {name!r}", f"one of {known}", "correct the spelling or remove the line")
            found[name] = Field(value, self.source)
        missing = [name for name in required if name not in found]
        if missing:
            raise self.make_error(f"no {' and no '.join(map(repr, missing))} here", f"the keys {', '.join(required)}")
        return found

    def read_items(self) -> list[Field]:
        """The items of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.make_error(f"found {self._kind()}", "a list")
        return [Field(item, self.source) for item in self.node.value]

    def read_text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.make_error(f"found {self._kind()}", "a text")
        if self.node.tag.endswith(":null") or not self.node.value.strip():
            raise self.make_error("found nothing", "a text", "fill it in or remove the key")
        text = str(self.node.value).strip()
        if bad := _CONTROL.search(text):
            raise self.make_error(f"the control character {bad[0]!r} in {text[:40]!r}", "a text that can be printed", "remove it")
        return text

    def read_line(self) -> str:
        """A text of one line."""
        text = self.read_text()
        if len(text.splitlines()) > 1:
            raise self.make_error(f"{len(text.splitlines())} lines: {text[:40]!r}", "one line", "join them")
        return text

    def read_texts(self) -> tuple[str, ...]:
        """A list of texts of one line each."""
        return tuple(item.read_line() for item in self.read_items())

    def read_date(self) -> datetime.date:
        """A date of the calendar, year-month-day."""
        text = self.read_text()
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
                raise ValueError("not of the form year-month-day")
            return datetime.date.fromisoformat(text)
        except ValueError as error:
            raise self.make_error(f"{text!r} is not a date: {error}", "a day of the calendar such as 2022-01-13") from None

    def read_number(self, lowest: int, highest: int) -> int:
        """A whole number in a range."""
        text = self.read_text()
        if not re.fullmatch(r"\d{1,9}", text) or not lowest <= int(text) <= highest:
            raise self.make_error(f"found {text!r}", f"a whole number from {lowest} to {highest}")
        return int(text)

    def read_choice(self, choices: Collection[str]) -> str:
        """One of some words."""
        text = self.read_text()
        if text not in choices:
            raise self.make_error(f"found {text!r}", f"one of {', '.join(choices)}")
        return text

    def read_flag(self) -> bool:
        """True or false."""
        return self.read_choice(("true", "false")) == "true"

    def read_url(self) -> str:
        """A web address."""
        text = self.read_text()
        if not _URL.match(text):
            raise self.make_error(f"{text!r} is not a web address", "http:// or https:// and no spaces")
        return text

    def _kind(self) -> str:
        kinds = ((yaml.MappingNode, "a mapping"), (yaml.SequenceNode, "a list"))
        return next((word for kind, word in kinds if isinstance(self.node, kind)), "a single value")


def read_document(text: str, source: str) -> Field:
    """Parse one YAML document, without building any object from it.

    Args:
        text: The YAML text.
        source: Name of the file, for errors.

    Returns:
        The root.

    Raises:
        SeminarError: If the text is not one well-formed document.

    Example:
        >>> read_document("a: [1, 2]", "example.yaml").read_mapping(["a"], [])["a"].read_texts()
        ('1', '2')
    """
    if len(text.encode()) > MAX_BYTES:
        raise SeminarError(f"{source}: a document of {len(text.encode()):,} bytes", f"at most {MAX_BYTES:,}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        raise SeminarError(
            f"{source}{line}: malformed YAML: {reason}", "well-formed YAML", "look at this line and the one before it"
        ) from None
    if node is None:
        raise SeminarError(f"{source}: an empty document", "a catalogue")
    return Field(node, source)
