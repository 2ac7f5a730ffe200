"""Runs with affine ends are read back as the matrix, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from ddcompile.analysis.runs import Run, affine_runs


def _matrix(runs: list[Run], shape: tuple[int, int]) -> np.ndarray:
    table = np.zeros(shape, dtype=np.int64)
    for run in runs:
        view = table if run.axis == 0 else table.T
        for row in range(run.first, run.end):
            low, high = (constant + slope * row for constant, slope in (run.low, run.high))
            view[row, low:high] += run.coefficient
    return table


@given(st.integers(-2, 2), st.integers(-4, 6), st.integers(-2, 2), st.integers(1, 8), st.booleans())
def test_a_band_is_read_back(slope: int, start: int, growth: int, width: int, flipped: bool) -> None:
    rows, columns = np.indices((6, 7))
    low = start + slope * rows
    table = 3 * ((low <= columns) & (columns < low + width + growth * rows)).astype(np.int64)
    table = table.T if flipped else table
    found = affine_runs(table)
    if found is not None:
        assert (_matrix(found, table.shape) == table).all()


@given(st.lists(st.integers(0, 2), min_size=20, max_size=20))
def test_what_is_found_is_the_matrix(entries: list[int]) -> None:
    table = np.array(entries).reshape(4, 5)
    found = affine_runs(table)
    assert found is None or (_matrix(found, table.shape) == table).all()


def test_triangles_diagonals_and_what_is_none() -> None:
    lower = np.tri(5, k=-1, dtype=np.int64)
    assert affine_runs(lower - lower.T) == [Run(1, 0, 0, 5, (0, 0), (0, 1)), Run(-1, 1, 0, 5, (0, 0), (0, 1))]
    (line,) = affine_runs(np.fliplr(np.eye(4, dtype=np.int64))) or []
    assert line.is_line
    lower[3, 1] = 0
    assert affine_runs(lower) is None
    assert affine_runs(np.diag([1, 2, 3, 4, 5])) is None
