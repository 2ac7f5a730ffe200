"""What a verifier has found so far."""

from __future__ import annotations

from dataclasses import replace

from ddcompile.diagnostics import Diagnostic
from ddcompile.ir.nodes import Node, Statement

__all__ = ["Findings", "counted"]


class Findings:
    """Collects diagnostics, each place and message once.

    Parameters
    ----------
    file
        The file of locations that name none.
    source
        The text that locations point into; "" if it is not known.
    sizes
        The sizes at which the rule is checked, for messages: "H = 5, W = 7".
    """

    def __init__(self, file: str = "", source: str = "", sizes: str = "") -> None:
        self.diagnostics: list[Diagnostic] = []
        self._file = file
        self._lines = source.splitlines()
        self._sizes = sizes
        self._seen: set[Diagnostic] = set()

    def add(self, code: str, message: str, node: Node, hint: str = "", *, within: Statement | None = None) -> None:
        """Report a fault at a node, or at the statement it is part of if the node has no location."""
        if self._sizes:
            message += f" (at {self._sizes})"
        location = node.location
        if location is None and within is not None:
            location = within.location
        line = ""
        if location is not None:
            if not location.file and self._file:
                location = replace(location, file=self._file)
            if location.line <= len(self._lines):
                line = self._lines[location.line - 1]
        place = f"`{within.target}`" if location is None and within is not None else ""
        found = Diagnostic(code, message, location, hint, line, place)
        if found not in self._seen:
            self._seen.add(found)
            self.diagnostics.append(found)


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number and what it counts: "1 axis", "2 axes"."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
