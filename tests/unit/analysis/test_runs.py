"""Runs with affine ends are read back as the array, and nothing else is taken for one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ddcompile.analysis.runs import Run, affine_runs, entries_of, peeled_runs


def _array(runs: list[Run], shape: tuple[int, ...]) -> np.ndarray:
    table = np.zeros(shape, dtype=np.int64)
    for run in runs:
        points: list[tuple[int, ...]] = [()]
        for low, high in zip(run.low, run.high, strict=True):
            ends = [
                [constant + sum(s * p for s, p in zip(slopes, point, strict=True)) for constant, slopes in (low, high)]
                for point in points
            ]
            points = [(*point, v) for point, end in zip(points, ends, strict=True) for v in range(*end)]
        for point in points:
            place = dict(zip(run.order, point, strict=True))
            wrapped = [place[a] % n if a in run.rings else place[a] for a, n in enumerate(shape)]
            table[tuple(wrapped)] += run.coefficient + sum(s * v for s, v in zip(run.slopes, wrapped, strict=False))
    return table


@given(st.integers(-2, 2), st.integers(-4, 6), st.integers(-2, 2), st.integers(1, 8), st.booleans())
def test_a_band_is_read_back(slope: int, start: int, growth: int, width: int, flipped: bool) -> None:
    rows, columns = np.indices((6, 7))
    low = start + slope * rows
    table = 3 * ((low <= columns) & (columns < low + width + growth * rows)).astype(np.int64)
    table = table.T if flipped else table
    found = affine_runs(table)
    if found is not None:
        assert (_array(found, table.shape) == table).all()


@given(st.integers(1, 6), st.integers(0, 6), st.integers(-3, 3), st.integers(1, 6))
def test_a_band_around_a_ring_is_found(rows: int, start: int, slope: int, width: int) -> None:
    table = np.zeros((rows, 7), dtype=np.int64)
    for row in range(rows):
        for k in range(width):
            table[row, (start + slope * row + k) % 7] = 2
    found = affine_runs(table, rings=[1])
    assert found is not None
    assert (_array(found, table.shape) == table).all()


@given(
    st.lists(st.integers(0, 2), min_size=24, max_size=24),
    st.sampled_from([(4, 6), (2, 3, 4)]),
    st.sets(st.integers(0, 1)),
)
def test_what_is_found_is_the_array(entries: list[int], shape: tuple[int, ...], rings: set[int]) -> None:
    table = np.array(entries).reshape(shape)
    found = affine_runs(table, rings=rings)
    assert found is None or (_array(found, table.shape) == table).all()


@given(
    st.sampled_from(["triangle", "ramp", "line", "band", "steps"]),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(-2, 2)), max_size=8),
    st.sets(st.integers(0, 1)),
    st.booleans(),
)
def test_what_is_peeled_has_its_entries(
    kind: str, places: list[tuple[int, int, int]], rings: set[int], wraps: bool
) -> None:
    i, j = np.indices((6, 7))
    forms = {"triangle": j < i, "ramp": (j < i) * (i - j), "line": j == (3 * i + 2) % 7, "band": abs(i - j) < 2}
    table = forms.get(kind, (i > 1) * 1 + (j > i) * 2).astype(np.int64)
    for row, column, more in places:
        table[row, column] += more
    for run in peeled_runs(table, rings=rings, wraps=wraps):
        assert (_array([run], table.shape) == entries_of(run, table.shape)).all()


def test_a_few_entries_are_left_behind() -> None:
    i, j = np.indices((6, 7))
    table = (j < i).astype(np.int64)
    table[5, 2] = table[0, 4] = -1
    (run, *_) = peeled_runs(table)
    assert run == Run(1, (0, 1), ((0, ()), (0, (0,))), ((6, ()), (0, (1,))))
    (ramp, *_) = peeled_runs(table * (2 * i - 3 * j + 1))
    assert (ramp.coefficient, ramp.slopes) == (1, (2, -3))
    assert list(peeled_runs(np.diag([1, 0, 5, 0, 0, 7]))) == []


def test_runs_wrap_around_where_they_move() -> None:
    i, j = np.indices((9, 9))
    line = (j == (2 * i + 6) % 9).astype(np.int64)
    assert affine_runs(line) is None
    (run,) = affine_runs(line, wraps=True) or []
    assert (run.low[1], run.wrapped) == ((6, (2,)), {1})
    ends = ((i < 1) | (i > 6)).astype(np.int64)
    assert affine_runs(ends, wraps=True) is None
    (run,) = affine_runs(ends, rings=[0]) or []
    assert (_array([run], ends.shape) == ends).all()


def test_triangles_diagonals_and_what_is_none() -> None:
    lower = np.tri(5, k=-1, dtype=np.int64)
    zero, place = (0, (0,)), (0, (1,))
    assert affine_runs(lower - lower.T) == [
        Run(1, (0, 1), ((0, ()), zero), ((5, ()), place)),
        Run(-1, (1, 0), ((0, ()), zero), ((5, ()), place)),
    ]
    (line,) = affine_runs(np.fliplr(np.eye(4, dtype=np.int64))) or []
    assert line.count(1) == 1
    lower[3, 1] = 0
    assert affine_runs(lower) is None
    assert affine_runs(np.diag([1, 2, 3, 4, 5])) is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_tetrahedron_is_found_whatever_the_order_of_the_axes(order: tuple[int, ...]) -> None:
    i, j, k = np.indices((6, 6, 6))
    table = ((j < i) & (k < j)).astype(np.int64).transpose(order)
    found = affine_runs(table)
    assert found is not None
    assert found[0].low[0] == (0, ())
    assert (_array(found, table.shape) == table).all()
