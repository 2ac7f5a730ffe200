"""Read and write programs, certificates and verdicts on behalf of commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ddcompile import driver
from ddcompile.cli.output import print_text
from ddcompile.diagnostics import fail
from ddcompile.files import write_files
from ddcompile.program import Program
from ddcompile.prove.verdict import Verdict

__all__ = ["read_program", "verdict_report", "write_program"]


def read_program(path: Path) -> Program:
    """The program of a rule file, or of stdin for `-`."""
    if str(path) != "-":
        return driver.load(path)
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError as error:
        raise fail("U002", "the file is not UTF-8 text", place="<stdin>") from error
    return driver.parse(text, "<stdin>")


def write_program(program: Program, path: Path | None, certificate: Path | None = None, *, quiet: bool = False) -> None:
    """Save a program and its certificate, all or nothing; without a path, print the rule unless `quiet`."""
    files: dict[Path, str | bytes] = {}
    if path is not None:
        files |= program.files(path)
    if certificate is not None and program.certificate is not None:
        files[certificate] = program.certificate.to_json()
    write_files(files)
    if path is None and not quiet:
        print_text(str(program))


def verdict_report(verdict: Verdict | None) -> dict[str, Any]:
    """A verdict for a JSON report."""
    return {"verdict": None if verdict is None else verdict.to_json()}
