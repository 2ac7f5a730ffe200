"""Arrays of few values, each in runs whose ends are affine: triangles, bands, diagonals, tetrahedra.

A set of places is described axis by axis in some order: on every axis the places are one run whose ends are affine in
the places on the axes before. On an axis that is a ring, runs may wrap around.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from operator import mul
from typing import TypeAlias

import numpy as np

from ddcompile.ir.nodes import Number

__all__ = ["Line", "Run", "affine_runs"]

_MAX_WORK = 2**24
"""Entries looked at, over all orders of the axes."""

_MAX_EMPTY = 4
"""Places without anything before the first one, or after the last, that a run may take in."""

Line: TypeAlias = tuple[int, tuple[int, ...]]
"""A constant, and a slope for every axis before."""


@dataclass(frozen=True, slots=True)
class Run:
    """`coefficient` at all places that lie between affine ends on every axis.

    Axes go in `order`; the place on the k-th of them is at least `low[k]` and less than `high[k]`, which are affine in
    the places on those before.
    """

    coefficient: Number
    order: tuple[int, ...]
    low: tuple[Line, ...]
    high: tuple[Line, ...]
    rings: frozenset[int] = frozenset()
    """Axes on which places count modulo the extent."""

    def count(self, k: int) -> int | None:
        """How many places there are on the k-th axis, if there are equally many everywhere."""
        (low, low_slopes), (high, high_slopes) = self.low[k], self.high[k]
        return high - low if low_slopes == high_slopes else None


def affine_runs(weights: np.ndarray, limit: int = 4, rings: Collection[int] = ()) -> list[Run] | None:
    """One run for every value but 0, the greatest first; None if there are more than `limit` or one is no run.

    Parameters
    ----------
    weights
        Integers or exact numbers, with two axes at least.
    rings
        Axes that are rings: ends of runs count modulo their extents.
    """
    if weights.ndim < 2:
        return None
    values = sorted(set(weights.ravel().tolist()) - {0}, reverse=True)
    if len(values) > limit:
        return None
    orders = list(permutations(range(weights.ndim)))
    if len(orders) * len(values) * weights.size > _MAX_WORK:
        orders = orders[:1]
    found = []
    for value in values:
        support = weights == value
        ways = [run for order in orders for run in _runs(support, value, order, rings)]
        if not ways:
            return None
        # Best begin where the axes do.
        found.append(min(ways, key=lambda r: (sum(bool(c) + sum(map(bool, s)) for c, s in r.low), r.order)))
    return found


def _runs(support: np.ndarray, value: Number, order: tuple[int, ...], rings: Collection[int]) -> Iterator[Run]:
    """The run of a set of places, axes being taken in an order; none if it is no run."""
    table = support.transpose(order)
    low: list[Line] = []
    high: list[Line] = []
    for k, axis in enumerate(order):
        shadow = table.any(axis=tuple(range(k + 1, table.ndim))) if k + 1 < table.ndim else table
        rows = shadow.reshape(-1, shadow.shape[-1])
        filled = np.flatnonzero(rows.any(axis=1))
        places = np.stack(np.unravel_index(filled, shadow.shape[:-1]), axis=1) if k else np.zeros((1, 0), np.int64)
        # Axes of one place a row follow from others.
        idle = [m for m in range(k) if low[m][1] == high[m][1] and high[m][0] - low[m][0] == 1]
        places[:, idle] = 0
        ends = _ends(rows[filled], places, is_ring=axis in rings)
        if ends is None:
            return
        low.append(ends[0])
        high.append(ends[1])
    yield _widened(Run(value, order, tuple(low), tuple(high), frozenset(rings)), support.shape)


def _ends(rows: np.ndarray, places: np.ndarray, *, is_ring: bool) -> tuple[Line, Line] | None:
    """The ends of the run in every row as functions of places; None if a row is no run, or they are not affine."""
    extent = rows.shape[1]
    counts = rows.sum(axis=1)
    low = rows.argmax(axis=1)
    lengths = _affine(places, counts)
    if lengths is None:
        return None
    if is_ring:
        begins = rows & ~np.roll(rows, 1, axis=1)
        single = begins.sum(axis=1)
        if (single > 1).any() or ((single == 0).any() and (single == 1).any()):
            return None
        start = _affine(places, begins.argmax(axis=1), extent)
    else:
        if (extent - rows[:, ::-1].argmax(axis=1) - low != counts).any():
            return None
        start = _affine(places, low)
    if start is None:
        return None
    return start, (start[0] + lengths[0], tuple(a + b for a, b in zip(start[1], lengths[1], strict=True)))


def _affine(places: np.ndarray, values: np.ndarray, modulus: int = 0) -> Line | None:
    """Values at some places as an affine function, up to multiples of a modulus if there is one."""
    by_place = {tuple(p): int(v) for p, v in zip(places.tolist(), values.tolist(), strict=True)}
    slopes = []
    for axis in range(places.shape[1]):
        slope = 0
        for place, value in by_place.items():
            after = by_place.get((*place[:axis], place[axis] + 1, *place[axis + 1 :]))
            if after is not None:
                slope = after - value
                break
        if modulus and 2 * (slope % modulus) > modulus:
            slope = slope % modulus - modulus
        elif modulus:
            slope %= modulus
        slopes.append(slope)
    rest = values - places @ np.array(slopes, dtype=np.int64)
    if modulus:
        rest = rest % modulus
    return (int(rest[0]), tuple(slopes)) if (rest == rest[0]).all() else None


def _widened(run: Run, shape: Sequence[int]) -> Run:
    """The run with the places before the first and after the last on the first axis at which there is nothing."""
    first, end, extent = run.low[0][0], run.high[0][0], shape[run.order[0]]
    if first <= _MAX_EMPTY and not any(_reaches(run, shape, place) for place in range(first)):
        first = 0
    if end + _MAX_EMPTY >= extent and not any(_reaches(run, shape, place) for place in range(end, extent)):
        end = extent
    return Run(run.coefficient, run.order, ((first, ()), *run.low[1:]), ((end, ()), *run.high[1:]), run.rings)


def _reaches(run: Run, shape: Sequence[int], place: int) -> bool:
    """Whether the run has places at one of its first axis, or ends that lie outside there."""
    points: list[tuple[int, ...]] = [(place,)]
    for k in range(1, len(run.order)):
        longer = []
        for point in points:
            low, high = (c + sum(map(mul, slopes, point)) for c, slopes in (run.low[k], run.high[k]))
            if high > low and (low < 0 or high > shape[run.order[k]]):
                return True
            longer += [(*point, v) for v in range(low, high)]
        points = longer
    return bool(points)
