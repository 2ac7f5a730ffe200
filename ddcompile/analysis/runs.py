"""Matrices of few values, each in one run a row whose ends are affine in the row: triangles, bands and diagonals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddcompile.ir.nodes import Number

__all__ = ["Run", "affine_runs"]

_Line = tuple[int, int]
"""Constant and slope."""


@dataclass(frozen=True, slots=True)
class Run:
    """`coefficient` at `low <= column < high` of every row `first <= row < end`; `low` and `high` are affine in it.

    Rows are positions on `axis`, columns those on the other one.
    """

    coefficient: Number
    axis: int
    first: int
    end: int
    low: _Line
    high: _Line

    @property
    def is_line(self) -> bool:
        """Whether there is one column a row."""
        return self.high == (self.low[0] + 1, self.low[1])


def affine_runs(weights: np.ndarray, limit: int = 4) -> list[Run] | None:
    """One run for every value but 0, the greatest first; None if there are more than `limit` or one is no run.

    Parameters
    ----------
    weights
        Shape (rows, columns), integers or exact numbers.
    """
    values = sorted(set(weights.ravel().tolist()) - {0}, reverse=True)
    if len(values) > limit:
        return None
    found = []
    for value in values:
        ways = [run for axis in (0, 1) if (run := _run(weights == value, value, axis)) is not None]
        if not ways:
            return None
        # Best begin where the rows and the columns do.
        found.append(min(ways, key=lambda r: (sum(map(bool, (*r.low, r.first))), r.axis)))
    return found


def _run(support: np.ndarray, value: Number, axis: int) -> Run | None:
    """The run of a set of places, rows being positions on an axis."""
    table = support if axis == 0 else support.T
    rows = np.flatnonzero(table.any(axis=1))
    first, end = int(rows[0]), int(rows[-1]) + 1
    if len(rows) != end - first or len(rows) < 2:
        return None
    low = table[first:end].argmax(axis=1)
    high = table.shape[1] - table[first:end, ::-1].argmax(axis=1)
    lower, upper = _line(first, low), _line(first, high)
    if (table[first:end].sum(axis=1) != high - low).any() or lower is None or upper is None:
        return None
    # Rows without columns do no harm.
    if first == 1 and lower[0] == upper[0]:
        first = 0
    if end == len(table) - 1 and lower[0] + lower[1] * end == upper[0] + upper[1] * end:
        end += 1
    return Run(value, axis, first, end, lower, upper)


def _line(first: int, ends: np.ndarray) -> _Line | None:
    steps = np.diff(ends)
    if (steps != steps[0]).any():
        return None
    return int(ends[0]) - int(steps[0]) * first, int(steps[0])
