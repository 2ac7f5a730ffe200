"""The place where the parser stopped: what stands before it, what is found there, and what would have gone on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ddcompile.diagnostics import Location
from ddcompile.ir.syntax import CALLS, REDUCTIONS, RESERVED, UNARY_FUNCTIONS

__all__ = ["CLOSING", "FUNCTIONS", "Bracket", "Context", "Piece", "context_of", "pieces", "source_line"]

_BLANK = re.compile(r"(?:\s++|#[^\n]*+)*+")
_PIECE = re.compile(
    r"(?P<word>[A-Za-z_][A-Za-z_0-9]*)|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
    r"|->|\.\.|[<>=!]=|:=|&&|\|\||\*\*|//|."
)
_STATEMENT = re.compile(r"\s*+[A-Za-z_][A-Za-z_0-9]*+\s*+(?:\[.*?\]\s*+)?=(?!=)")
_LONGEST_LINE = 400
CLOSING = {"(": ")", "[": "]", "{": "}"}
FUNCTIONS = REDUCTIONS | CALLS | UNARY_FUNCTIONS | {"pad", "softmax"}


class Piece(NamedTuple):
    """A word, number or symbol of the text, and where it starts."""

    text: str
    start: int
    kind: str

    @property
    def end(self) -> int:
        """The offset behind the piece."""
        return self.start + len(self.text)

    @property
    def is_operand_end(self) -> bool:
        """Whether an operator may follow."""
        return self.kind == "number" or self.text in (")", "]") or (self.kind == "word" and self.text not in RESERVED)

    @property
    def is_operand_start(self) -> bool:
        """Whether an operator may precede."""
        if self.kind == "word":
            return self.text not in RESERVED or self.text in FUNCTIONS
        return self.kind == "number" or self.text == "("


@dataclass(slots=True)
class Bracket:
    """An open bracket, the piece before it, and whether a `:` stands in it."""

    piece: Piece
    owner: Piece | None
    has_colon: bool = False

    @property
    def function(self) -> str:
        """The word before the bracket, or nothing."""
        return self.owner.text if self.owner is not None else ""


@dataclass(slots=True)
class Context:
    """What is known about the place where the parser stopped."""

    text: str
    start: str
    """What the whole text should be: a start symbol of the grammar."""
    expected: frozenset[str]
    """Names of the terminals that would have gone on."""
    before: list[Piece]
    found: Piece | None
    """What stands there instead; None at the end of the text."""
    open: list[Bracket]

    @property
    def previous(self) -> Piece | None:
        """The piece before the place."""
        return self.before[-1] if self.before else None

    @property
    def innermost(self) -> Bracket | None:
        """The open bracket around the place, not counting the braces of the rule."""
        return self.open[-1] if self.open and self.open[-1].piece.text != "{" else None

    @property
    def is_body(self) -> bool:
        """Whether statements or an expression stand here, not the header of a rule."""
        return self.start in ("body", "expression") or any(b.piece.text == "{" for b in self.open)

    def is_same_line(self, a: Piece, b: Piece) -> bool:
        """Whether no line ends between two pieces."""
        return "\n" not in self.text[a.start : b.start]

    def is_first(self, piece: Piece) -> bool:
        """Whether a piece is the first of its line."""
        return not self.text[self.text.rfind("\n", 0, piece.start) + 1 : piece.start].strip()

    def is_statement(self, piece: Piece) -> bool:
        """Whether the line of a piece looks like the beginning of a statement."""
        line_start = self.text.rfind("\n", 0, piece.start) + 1
        return _STATEMENT.match(self.text, line_start) is not None

    def following(self, piece: Piece) -> Piece | None:
        """The piece after another one."""
        return next(pieces(self.text, piece.end, len(self.text)), None)


def context_of(text: str, start: str, position: int, expected: frozenset[str]) -> Context:
    """Look at the text around the offset at which the parser stopped."""
    before: list[Piece] = []
    brackets: list[Bracket] = []
    for piece in pieces(text, 0, position):
        if piece.text in CLOSING:
            brackets.append(Bracket(piece, before[-1] if before else None))
        elif piece.text in CLOSING.values() and brackets:
            brackets.pop()
        elif piece.text == ":" and brackets:
            brackets[-1].has_colon = True
        before.append(piece)
    found = next(pieces(text, position, len(text)), None)
    return Context(text, start, expected, before, found, brackets)


def pieces(text: str, start: int, end: int) -> Iterator[Piece]:
    """The words, numbers and symbols between two offsets, without blanks and comments."""
    while True:
        blank = _BLANK.match(text, start, end)
        start = blank.end() if blank else start
        found = _PIECE.match(text, start, end)
        if found is None:
            return
        yield Piece(found.group(), start, found.lastgroup or "symbol")
        start = found.end()


def source_line(text: str, location: Location | None) -> str:
    """The line that a diagnostic shows, empty when it is too long to be read."""
    if location is None:
        return ""
    lines = text.split("\n", location.line)
    if len(lines) < location.line:
        return ""
    line = lines[location.line - 1].rstrip("\r").replace("\t", " ")
    return line if len(line) <= _LONGEST_LINE else ""
