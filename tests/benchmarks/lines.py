"""One line of the report: a number or a fact that must hold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line", "count"]


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured, what came out, what must hold, and whether it does."""

    section: str
    what: str
    found: str
    wanted: str
    passed: bool


def count(number: int) -> str:
    """A number with separators."""
    return f"{number:,}"
