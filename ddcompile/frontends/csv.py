"""Read one layer from a CSV file: (inputs + 1) rows of one number a unit, the last row the bias.

Decimals are read as the nearest double; nothing else about a number is rounded.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ddcompile.diagnostics import CompileError, Diagnostic, Location, fail
from ddcompile.ir.findings import counted

__all__ = ["read_csv"]

_LONGEST_QUOTE = 160


def read_csv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The weight (units, inputs) and the bias (units,) of a layer.

    Raises
    ------
    CompileError
        N002 if the file is empty, N003 if it is not text, N010 if a row has another length than the first, N011 if a
        cell is not a number, N012 if there are fewer than two rows, N102 if a number is not finite.
    """
    place = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise fail("N003", "neither a .npz file nor text with numbers", place=place) from error
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise fail("N002", "the file is empty", place=place)
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        row = _row(line, number, place)
        if rows and len(row) != len(rows[0]):
            message = f"this row has {counted(len(row), 'cell')}, but the first has {len(rows[0])}"
            raise _at(line, number, 0, len(line), place, "N010", message)
        rows.append(row)
    if len(rows) < 2:
        raise fail("N012", "a layer has a row for every input and then the bias; here is one row", place=place)
    table = np.array(rows, dtype=np.float64)
    return np.ascontiguousarray(table[:-1].T), table[-1]


def _row(line: str, number: int, place: str) -> list[float]:
    cells = line.split(",")
    try:
        row = [float(cell) for cell in cells]
        if line.isascii() and "_" not in line and all(map(math.isfinite, row)):
            return row
    except ValueError:
        pass
    start = 0
    for cell in cells:
        code, message = _fault(cell)
        if code:
            lead = len(cell) - len(cell.lstrip())
            raise _at(line, number, start + lead, start + max(len(cell.rstrip()), lead), place, code, message)
        start += len(cell) + 1
    raise AssertionError("a row that cannot be read has a cell at fault")


def _fault(cell: str) -> tuple[str, str]:
    if not cell.strip():
        return "N011", "a cell is empty"
    try:
        value = float(cell)
    except ValueError:
        value = None
    if value is None or "_" in cell or not cell.isascii():
        return "N011", f"`{cell.strip()}` is not a number"
    return ("", "") if math.isfinite(value) else ("N102", f"`{cell.strip()}` is not a finite double")


def _at(line: str, number: int, start: int, end: int, place: str, code: str, message: str) -> CompileError:
    source = line if len(line) <= _LONGEST_QUOTE else ""
    return CompileError(Diagnostic(code, message, Location(place, number, start + 1, number, end + 1), "", source))
