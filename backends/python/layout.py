"""Breaking long statements and comments into lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from ddcompile.backends.shared.writer import Writer

__all__ = ["assign", "call", "comment", "comprehension"]

_WIDTH = 100
"""Characters that a line should have at most, beyond its indentation."""
_COMMENT = 2000
"""Characters of a comment."""
_LEADING = re.compile(r"(?<= )([-+*%^]|[<>=!]=?|and|or|xor|if|else|for) ")
"""What stands at the beginning of a line rather than at the end."""


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
    """Write a comment; of a very long one, the beginning."""
    if len(text) > _COMMENT:
        text = text[:_COMMENT].rsplit(" ", 1)[0] + " ..."
    first, *rest = _broken(text)
    writer.line(f"# {first}")
    writer.lines(f"#     {line}" for line in rest)


def _nested(body: str, loops: Sequence[tuple[str, str]]) -> str:
    for name, values in reversed(loops):
        body = f"[{body} for {name} in {values}]"
    return body


def _broken(text: str) -> list[str]:
    """The lines of a text, broken at spaces if it is long."""
    if len(text) <= _WIDTH:
        return [text]
    joined = _LEADING.sub("\\1\N{NO-BREAK SPACE}", text)
    lines = wrap(joined, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
