"""Diagnostics: coded, located messages in the user's terms, and the exception that carries them.

Codes are stable: a letter for the part that speaks and three digits.

| letter | speaks about |
|---|---|
| S | syntax of a rule or pipeline text |
| T | names, types, ranges and shapes of a rule (the verifier) |
| N | network files and their lowering |
| A | arrays handed to a compiled or interpreted rule |
| P | passes and pipelines |
| C | certificates |
| E | emission and targets |
| G | programs of several sizes that are to become one |
| L | data to learn from |
| U | usage of the command line and API |
| X | a bug of ours |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["CompileError", "Diagnostic", "Location", "fail"]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text: 1-based line and column, and the exclusive end; `file` is "" for text from memory."""

    file: str = ""
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.file or '<text>'}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `source` is the line of text that `location` points into, when it is known."""

    code: str
    message: str
    location: Location | None = None
    hint: str = ""
    source: str = ""
    place: str = ""
    """Where the fault is when there is no text position: a file, an array, a layer."""

    def __str__(self) -> str:
        where = str(self.location) if self.location is not None else self.place
        lines = [f"{where}: error[{self.code}]: {self.message}" if where else f"error[{self.code}]: {self.message}"]
        if self.location is not None and self.source:
            width = 1
            if self.location.end_line == self.location.line:
                width = max(1, self.location.end_column - self.location.column)
            column = self.location.column - 1
            lines.append("  " + self.source)
            lines.append("  " + " " * column + "^" + "~" * (min(width, len(self.source) - column) - 1))
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class CompileError(Exception):
    """The input is at fault; `diagnostics` says where and why, never empty."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        found = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in found))
        self.diagnostics: Sequence[Diagnostic] = found


def fail(code: str, message: str, *, place: str = "", location: Location | None = None, hint: str = "") -> CompileError:
    """Build the exception for a single diagnostic; the caller raises it."""
    return CompileError(Diagnostic(code, message, location, hint, "", place))
