"""Texts of expressions read into trees: a tokenizer and a recursive-descent parser, without `eval` and with a limit on nesting.

The grammar is the usual one: `+ - * / ^ **`, parentheses, `|…|` for absolute values, whole numbers, names, and calls of functions. Powers
bind tighter than signs (`-x**2` is -(x**2)) and associate to the right. What people write by habit but what has more than one reading
(`2x`, `x y`, `0.5`) is refused with the position and with what to write instead. A tree gets a meaning only in `expression`, which turns it
into polynomials, and in `series`, which expands it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, NoReturn

from germ.errors import ParseError

MAX_LENGTH = 200_000  # characters; rank-3 models with 30 variables need some 20 000
MAX_DIGITS = 2_000  # digits of one number
MAX_NESTING = 80  # parentheses within parentheses; Python's own stack ends at some 1000 frames, at some 8 a level

FUNCTIONS = ("abs", "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "root")
_LETTER_SYNONYMS = {"−": "-", "·": "*", "×": "*", "⋅": "*"}
_SYMBOLS = "+-*/^()|,"


class Token(NamedTuple):
    """A piece of the text: its kind (`number`, `name`, a symbol or `end`), the text, and where it starts."""

    kind: str
    text: str
    position: int


@dataclass(frozen=True)
class Node:
    """One node of an expression tree.

    Args:
        kind: `number`, `name`, `sum`, `product`, `negative`, `inverse`, `power` or `call`.
        position: Where it starts in the text (for messages).
        text: The variable's or function's name.
        value: The number.
        children: Summands, factors, (base, exponent), or arguments.
    """

    kind: str
    position: int
    text: str = ""
    value: Fraction = Fraction(0)
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in the order of the text."""
        yield self
        for child in self.children:
            yield from child.walk()


def fail(text: str, position: int, got: str, expected: str = "", remedy: str = "") -> NoReturn:
    """Raise a ParseError that shows the place under the text.

    Args:
        text: The whole text.
        position: Index of the offending character.
        got: What is wrong.
        expected: What would have been right.
        remedy: What to write instead.

    Raises:
        ParseError: Always.
    """
    start = max(0, position - 50)
    window = text[start : position + 30].replace("\n", " ").replace("\t", " ")
    raise ParseError(f"{got}, at character {position + 1}\n    {window}\n    {' ' * (position - start)}^", expected, remedy)


def parse_tree(text: str) -> Node:
    """Read one expression.

    Args:
        text: For example "x**2*y + 1/2".

    Returns:
        Its tree.

    Raises:
        ParseError: With the position, if the text is not an expression.

    Example:
        >>> parse_tree("x*(y+1)").kind
        'product'
    """
    if len(text) > MAX_LENGTH:
        raise ParseError(f"a text of {len(text)} characters", f"at most {MAX_LENGTH}", "split the ideal into several generators")
    reader = _Reader(text)
    if reader.token.kind == "end":
        fail(text, len(text), "an empty expression", 'an expression such as "x**2*y**2"')
    node = reader.read_sum()
    if reader.token.kind != "end":
        reader.refuse_leftover()
    return node


def _tokenize(text: str) -> list[Token]:
    tokens, i = [], 0
    while i < len(text):
        c = _LETTER_SYNONYMS.get(text[i], text[i])
        start = i
        if c.isspace():
            i += 1
        elif c in "0123456789" or (c == "." and text[i + 1 : i + 2] in tuple("0123456789")):
            i = _end_of_number(text, i)
            tokens.append(Token("number", text[start:i], start))
        elif c.isalpha() or c == "_":
            while i < len(text) and (text[i].isalpha() or text[i] in "_0123456789"):
                i += 1
            tokens.append(Token("name", text[start:i], start))
        elif c in _SYMBOLS:
            i += 2 if text.startswith("**", i) else 1
            tokens.append(Token("^" if i - start == 2 else c, text[start:i], start))
        else:
            fail(text, i, f"unexpected character {c!r}", "letters, digits, + - * / ^ ( ) |")
    tokens.append(Token("end", "", len(text)))
    return tokens


def _end_of_number(text: str, start: int) -> int:
    i = start
    digits = "0123456789"
    while i < len(text) and text[i] in digits:
        i += 1
    is_decimal = i < len(text) and text[i] == "."
    if is_decimal:
        i += 1
        while i < len(text) and text[i] in digits:
            i += 1
    mantissa_end = i
    if i < len(text) and text[i] in "eE":
        j = i + 2 if text[i + 1 : i + 2] in ("+", "-") else i + 1
        if j < len(text) and text[j] in digits:
            while j < len(text) and text[j] in digits:
                j += 1
            i, is_decimal = j, True
    if i - start > MAX_DIGITS:
        fail(text, start, f"a number with {i - start} digits", f"at most {MAX_DIGITS} digits")
    if is_decimal:
        _refuse_decimal(text, start, text[start:i], text[mantissa_end:i])
    return i


def _refuse_decimal(text: str, start: int, literal: str, exponent: str) -> NoReturn:
    offer = ""
    if len(exponent) <= 4:  # 1e9999 would be a number of ten thousand digits
        offer = f"write the exact fraction {Fraction(literal)} if that is meant"
    fail(text, start, f"the decimal number {literal}", "whole numbers and fractions: a decimal may be a rounded value", offer)


class _Reader:
    """Recursive descent over the tokens; one method for each level of precedence."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.index, self.depth, self.bars = text, _tokenize(text), 0, 0, 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def advance(self) -> Token:
        self.index += 1
        return self.tokens[self.index - 1]

    def read_sum(self) -> Node:
        first = self.token.position
        terms = [self.read_product()]
        while self.token.kind in ("+", "-"):
            sign = self.advance()
            term = self.read_product()
            terms.append(term if sign.kind == "+" else Node("negative", sign.position, children=(term,)))
        return terms[0] if len(terms) == 1 else Node("sum", first, children=tuple(terms))

    def read_product(self) -> Node:
        first = self.token.position
        factors = [self.read_signed()]
        while self.token.kind in ("*", "/"):
            operator = self.advance()
            factor = self.read_signed()
            factors.append(factor if operator.kind == "*" else Node("inverse", operator.position, children=(factor,)))
        return factors[0] if len(factors) == 1 else Node("product", first, children=tuple(factors))

    def read_signed(self) -> Node:
        signs = []
        while self.token.kind in ("+", "-"):
            signs.append(self.advance())
        node = self.read_power()
        negative = [s for s in signs if s.kind == "-"]
        return Node("negative", negative[0].position, children=(node,)) if len(negative) % 2 else node

    def read_power(self) -> Node:
        base = self.read_atom()
        if self.token.kind != "^":
            return base
        operator = self.advance()
        self.enter(operator)
        exponent = self.read_signed()
        self.depth -= 1
        return Node("power", base.position, children=(base, exponent))

    def read_atom(self) -> Node:
        token = self.advance()
        match token.kind:
            case "number":
                return Node("number", token.position, value=Fraction(int(token.text)))
            case "name":
                return self.read_call(token) if self.token.kind == "(" else Node("name", token.position, token.text)
            case "(":
                return self.read_bracketed(token, ")")
            case "|":
                self.bars += 1
                inner = self.read_bracketed(token, "|")
                self.bars -= 1
                return Node("call", token.position, "abs", children=(inner,))
            case "end":
                fail(self.text, token.position, "the text ends too early", "a number, a variable or an opening parenthesis")
            case _:
                what = f"unexpected {token.text!r}"
                fail(self.text, token.position, what, "a number, a variable or an opening parenthesis")

    def read_bracketed(self, opening: Token, closing: str) -> Node:
        self.enter(opening)
        bars, self.bars = self.bars, self.bars if closing == "|" else 0
        node = self.read_sum()
        self.bars = bars
        self.depth -= 1
        if self.token.kind != closing:
            if self.token.kind == "end":
                fail(self.text, opening.position, f"{opening.text!r} is never closed", f"a matching {closing!r}")
            self.refuse_leftover()
        self.advance()
        return node

    def read_call(self, name: Token) -> Node:
        if name.text not in FUNCTIONS:
            remedy = f"write {name.text}*(…) for a product"
            fail(self.text, name.position, f"{name.text}(…) calls an unknown function", f"one of {', '.join(FUNCTIONS)}", remedy)
        opening = self.advance()
        self.enter(opening)
        bars, self.bars = self.bars, 0
        arguments = [self.read_sum()]
        while self.token.kind == ",":
            self.advance()
            arguments.append(self.read_sum())
        self.bars = bars
        self.depth -= 1
        if self.token.kind != ")":
            if self.token.kind == "end":
                fail(self.text, opening.position, "'(' is never closed", "a matching ')'")
            self.refuse_leftover()
        self.advance()
        wanted = 2 if name.text == "root" else 1
        if len(arguments) != wanted:
            fail(self.text, name.position, f"{name.text} with {len(arguments)} arguments", f"{wanted}")
        return Node("call", name.position, name.text, children=tuple(arguments))

    def enter(self, token: Token) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            fail(self.text, token.position, f"more than {MAX_NESTING} nested parentheses or powers")

    def refuse_leftover(self) -> NoReturn:
        token, before = self.token, self.tokens[self.index - 1]
        if token.kind in ("number", "name", "(") or (token.kind == "|" and not self.bars):
            remedy = f"write {before.text}*{token.text}"
            fail(self.text, token.position, "two factors without a sign between them", "an operator", remedy)
        fail(self.text, token.position, f"unexpected {token.text!r}", "an operator, or the end of the expression")
