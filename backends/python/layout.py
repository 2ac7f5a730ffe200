"""Breaking long statements and comments into lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ddcompile.backends.shared.comments import comment_rows
from ddcompile.backends.shared.writer import Writer

__all__ = ["assign", "call", "comment", "comprehension"]

_WIDTH = 100
"""Characters that a line should have at most, beyond its indentation."""
_NARROWEST = 40
"""Characters that a line may have however deep it is indented."""
_LEVELS = [
    {","},
    {"for"},
    {"if", "else"},
    {"or"},
    {"and"},
    {"<", "<=", ">", ">=", "==", "!="},
    {"^"},
    {"+", "-"},
    {"*", "%"},
]
"""Operators before which a line may be broken, the loosest first."""
_TOKEN = re.compile(r"[(\[\])]|,(?= )|(?<= )(?:for|if|else|or|and|[<>=!]=?|[-+*%^])(?= )")


def assign(writer: Writer, target: str, value: str) -> None:
    """Write `target = value`, in brackets if it takes several lines."""
    line = f"{target} = {value}"
    if len(line) <= _WIDTH:
        writer.line(line)
        return
    with writer.block(f"{target} = (", ")"):
        writer.lines(_broken(value))


def call(writer: Writer, function: str, arguments: str) -> None:
    """Write `function(arguments)`."""
    line = f"{function}({arguments})"
    if len(line) <= _WIDTH:
        writer.line(line)
        return
    with writer.block(f"{function}(", ")"):
        writer.lines(_broken(arguments))


def comprehension(writer: Writer, target: str, body: str, loops: Sequence[tuple[str, str]]) -> None:
    """Write `target = [[body for j in ...] for i in ...]`, where `loops` are names and ranges, outermost first.

    What is too long for one line gets one line for each `for`, from the outermost, as long as that helps.
    """
    opened = 0
    while opened < len(loops) and len(_nested(body, loops[opened:])) + (0 if opened else len(target) + 3) > _WIDTH:
        opened += 1
    start = f"{target} = "
    for _ in range(opened):
        writer.line(start + "[")
        writer.enter()
        start = ""
    lines = _broken(_nested(body, loops[opened:]))
    writer.line(start + lines[0])
    writer.lines(lines[1:])
    for name, values in reversed(loops[:opened]):
        writer.line(f"for {name} in {values}")
        writer.leave()
        writer.line("]")


def comment(writer: Writer, text: str) -> None:
    """Write a comment."""
    writer.lines(f"# {row}" for row in comment_rows(text, _WIDTH))


def _nested(body: str, loops: Sequence[tuple[str, str]]) -> str:
    for name, values in reversed(loops):
        body = f"[{body} for {name} in {values}]"
    return body


def _broken(text: str, width: int = _WIDTH) -> list[str]:
    """The lines of a bracketed expression, broken at its loosest operators or else in its longest brackets."""
    if len(text) <= width:
        return [text]
    operators, brackets = _outline(text)
    for level in _LEVELS:
        starts = [start for start, word in operators if word in level]
        if starts:
            return _filled([text[a:b].strip() for a, b in pairwise([0, *starts, len(text)])], width)
    if not brackets:
        return [text]
    start, end = max(brackets, key=lambda pair: pair[1] - pair[0])
    inner = _broken(text[start + 1 : end], max(width - 4, _NARROWEST))
    return [text[: start + 1], *("    " + line for line in inner), text[end:]]


def _filled(pieces: list[str], width: int) -> list[str]:
    """The lines of several pieces; as many of them share a line as the width allows."""
    lines: list[str] = []
    is_open = False
    for piece in pieces:
        broken = _broken(piece, width)
        if is_open and len(broken) == 1 and len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += " " + piece
        else:
            lines += broken
        is_open = len(broken) == 1
    return lines


def _outline(text: str) -> tuple[list[tuple[int, str]], list[tuple[int, int]]]:
    """The operators outside of all brackets and the outermost pairs of brackets, by where they are.

    A comma counts as an operator that begins behind it.
    """
    operators: list[tuple[int, str]] = []
    brackets: list[tuple[int, int]] = []
    depth = opened = 0
    for found in _TOKEN.finditer(text):
        word = found[0]
        if word in "([":
            opened = opened if depth else found.start()
            depth += 1
        elif word in ")]":
            depth -= 1
            if not depth:
                brackets.append((opened, found.start()))
        elif not depth and found.start():
            operators.append((found.end() if word == "," else found.start(), word.strip()))
    return operators, brackets
