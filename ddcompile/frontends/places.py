"""Say in which file and layer a fault lies."""

from __future__ import annotations

from dataclasses import replace

from ddcompile.diagnostics import CompileError

__all__ = ["at"]


def at(error: CompileError, place: str, subject: str = "") -> CompileError:
    """The same findings at a place, their messages led by the thing they speak about."""
    lead = f"{subject}: " if subject else ""
    return CompileError(replace(d, message=lead + d.message, place=d.place or place) for d in error.diagnostics)
