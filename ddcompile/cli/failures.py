"""Exit codes, and the messages of failures that no command handles itself."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Sequence
from enum import IntEnum

import click

import ddcompile
from ddcompile.diagnostics import CompileError, Diagnostic

__all__ = ["Exit", "report_bug", "report_usage", "status_of"]

_USAGE_CODES = ("P001", "P003", "P004", "P005", "P006", "E001", "N206", "U007")
"""Findings that are about the command line alone."""


class Exit(IntEnum):
    """The exit codes of the command line."""

    FINE = 0
    INPUT = 1
    USAGE = 2
    BUG = 70
    INTERRUPTED = 130
    PIPE = 141


def status_of(error: CompileError) -> Exit:
    """Whether the input or the command line is at fault."""
    return Exit.USAGE if all(d.code in _USAGE_CODES for d in error.diagnostics) else Exit.INPUT


def report_usage(error: click.ClickException) -> Exit:
    """Say what is wrong with the command line."""
    context = getattr(error, "ctx", None)
    path = "ddcompile" if context is None else context.command_path
    click.echo(str(Diagnostic("U010", error.format_message(), None, f"{path} --help", "", path)), err=True)
    return Exit.USAGE


def report_bug(error: Exception, arguments: Sequence[str]) -> Exit:
    """Save all that is known of a fault of ours to a file, and name it."""
    from ddcompile.ir.nodes import Rule

    rule = getattr(error, "rule", None)
    parts = [
        f"ddcompile {ddcompile.__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"ddcompile {' '.join(arguments)}",
        "".join(traceback.format_exception(error)),
    ]
    if isinstance(rule, Rule):
        parts.append(f"The last program before the fault:\n\n{rule}")
    descriptor, path = tempfile.mkstemp(prefix="ddcompile-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n\n".join(parts))
    cause = error.__cause__ or error
    message = f"a bug of ddcompile, sorry: {error} ({type(cause).__name__})"
    click.echo(str(Diagnostic("X001", message, None, f"all about it is in {path}")), err=True)
    return Exit.BUG
