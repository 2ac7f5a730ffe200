"""A writer of indented text: it knows lines and widths, and no node of any IR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from textwrap import wrap

__all__ = ["Writer", "fill"]


class Writer:
    """Collects lines at a current indentation."""

    def __init__(self, indent: str = "    ", width: int = 120) -> None:
        self._indent = indent
        self._width = width
        self._depth = 0
        self._lines: list[str] = []

    def line(self, text: str = "") -> None:
        """Write one line; an empty one carries no indentation."""
        self._lines.append(self._indent * self._depth + text if text else "")

    def gap(self) -> None:
        """Write an empty line, unless there is one already, a block has just been opened, or a comment stands above."""
        if self._lines and self._lines[-1] and not self._lines[-1].endswith((":", "{", "*/")):
            self.line()

    def lines(self, texts: Iterable[str]) -> None:
        """Write several lines."""
        for text in texts:
            self.line(text)

    def wrapped(self, text: str) -> None:
        """Write one line, broken at blanks where it is too long for the width; what follows is indented once more."""
        room = self._width - len(self._indent) * self._depth
        if len(text) <= room:
            self.line(text)
        else:
            self.lines(wrap(text, room, subsequent_indent=self._indent, break_long_words=False, break_on_hyphens=False))

    def fill(self, items: Iterable[str], separator: str = ",") -> None:
        """Write items with a separator after each but the last, as many on a line as the width allows."""
        self.lines(fill(items, self._width - len(self._indent) * self._depth, separator))

    def enter(self) -> None:
        """Indent what follows one level more."""
        self._depth += 1

    def leave(self) -> None:
        """Indent what follows one level less."""
        self._depth -= 1

    @contextmanager
    def block(self, opening: str, closing: str = "") -> Iterator[None]:
        """Indent what the `with` body writes between two lines; no closing line if `closing` is empty."""
        self.line(opening)
        self.enter()
        yield
        self.leave()
        if closing:
            self.line(closing)

    def text(self) -> str:
        """All lines so far, each ended by a newline."""
        return "".join(line + "\n" for line in self._lines)


def fill(items: Iterable[str], width: int, separator: str = ",") -> Iterator[str]:
    """Break a separated list into lines of at most `width` characters (one item a line if it is longer)."""
    row: list[str] = []
    used = 0
    waiting: str | None = None
    for item in items:
        if waiting is not None:
            piece = waiting + separator
            if row and used + 1 + len(piece) > width:
                yield " ".join(row)
                row, used = [], 0
            used += len(piece) + (1 if row else 0)
            row.append(piece)
        waiting = item
    if waiting is not None:
        if row and used + 1 + len(waiting) > width:
            yield " ".join(row)
            row = []
        row.append(waiting)
        yield " ".join(row)
