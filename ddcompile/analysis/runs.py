"""Arrays of few values, each in runs whose ends are affine: triangles, bands, diagonals, tetrahedra.

A set of places is described axis by axis in some order: on every axis the places are one run whose ends are affine in
the places on the axes before. On an axis that is a ring, runs may wrap around, and so may runs of one length on any
axis where that is asked for. Ends are found by vote of the rows, so that a few rows may be otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.slices import mode
from ddcompile.ir.nodes import Number

__all__ = ["Line", "Run", "affine_runs", "entries_of", "peeled_runs", "places_of"]

_MAX_WORK = 2**24
"""Entries looked at, over all orders of the axes."""

_MAX_EMPTY = 4
"""Places without anything before the first one, or after the last, that a run may take in."""

_LEAST_GAIN = 3
"""Places that a run has to put right, if it is to be taken away from an array of which something remains."""

_HUGE = 2**48
"""Entries of arrays in which ramps are found are less."""

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
    wrapped: frozenset[int] = frozenset()
    """Axes on which they have to be taken modulo the extent; the others are rings as they are."""
    slopes: tuple[int, ...] = ()
    """What the coefficient, then that of the origin, grows by along every axis of the array; empty if it does not."""

    def count(self, k: int) -> int | None:
        """How many places there are on the k-th axis, if there are equally many everywhere."""
        (low, low_slopes), (high, high_slopes) = self.low[k], self.high[k]
        return high - low if low_slopes == high_slopes else None

    def inside(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The places between the ends on every axis but the first, and the first's where an end lies outside."""
        index = np.ogrid[tuple(slice(0, n) for n in shape)]
        others = tuple(self.order[1:])
        inside = np.ones(shape, dtype=bool)
        outside = np.zeros(shape[self.order[0]], dtype=bool)
        for k, axis in enumerate(others, 1):
            low, high = (
                sum((s * index[a] for s, a in zip(slopes, self.order, strict=False)), np.array(constant))
                for constant, slopes in (self.low[k], self.high[k])
            )
            if axis in self.rings:
                here = (index[axis] - low) % shape[axis] < high - low
                beyond = high - low > shape[axis]
            else:
                here = (low <= index[axis]) & (index[axis] < high)
                beyond = (high > low) & ((low < 0) | (high > shape[axis]))
            outside |= (inside & beyond).any(axis=others)
            inside &= here
        return inside, outside


def affine_runs(
    weights: np.ndarray, limit: int = 4, rings: Collection[int] = (), *, wraps: bool = False
) -> list[Run] | None:
    """One run for every value but 0, the greatest first; None if there are more than `limit` or one is no run.

    Parameters
    ----------
    weights
        Integers or exact numbers, with two axes at least.
    rings
        Axes that are rings: ends of runs count modulo their extents.
    wraps
        Whether runs of one length that move may wrap around on other axes too.
    """
    if weights.ndim < 2:
        return None
    values = sorted(set(weights.ravel().tolist()) - {0}, reverse=True)
    if len(values) > limit:
        return None
    found = []
    for value in values:
        support = weights == value
        ways = [r for r in _fits(support, value, rings, wraps=wraps) if (places_of(r, support.shape) == support).all()]
        if not ways:
            return None
        found.append(min(ways, key=_plainness))
    return found


def peeled_runs(
    weights: np.ndarray, limit: int = 4, rings: Collection[int] = (), *, wraps: bool = False
) -> Iterator[Run]:
    """Runs that one after the other make most entries 0, at most `limit` of them; proposals, of which others remain.

    The parameters are those of `affine_runs`.
    """
    rest = weights
    for _ in range(limit):
        ways = []
        for coefficient, slopes in _levels(rest):
            level = _level(coefficient, slopes, rest.shape)
            for run in _fits((rest == level) & (rest != 0), coefficient, rings, wraps=wraps, votes=True):
                left = rest - places_of(run, rest.shape) * level
                ways.append((np.count_nonzero(left), *_plainness(run), replace(run, slopes=slopes), left))
        if not ways:
            return
        remaining, *_, run, left = min(ways, key=lambda way: way[:3])
        if np.count_nonzero(rest) - remaining < _LEAST_GAIN:
            return
        yield run
        rest = left


def entries_of(run: Run, shape: tuple[int, ...]) -> np.ndarray:
    """An array that has a run, and is 0 otherwise."""
    entries: np.ndarray = places_of(run, shape) * _level(run.coefficient, run.slopes, shape)
    return entries


def _levels(weights: np.ndarray) -> Iterator[tuple[Number, tuple[int, ...]]]:
    """The most frequent numbers but 0, and the most frequent ramp: its entry at the origin, and its slopes."""
    present = weights != 0
    values, counts = np.unique(weights[present], return_counts=True)
    for value in values[np.argsort(-counts, kind="stable")][:2].tolist():
        yield value, ()
    if weights.dtype != np.int64 or (abs(weights) >= _HUGE).any():
        return
    slopes = []
    for axis in range(weights.ndim):
        both = np.delete(present, -1, axis) & np.delete(present, 0, axis)
        slopes.append(int(mode(np.diff(weights, axis=axis)[both])[0]) if both.any() else 0)
    if any(slopes):
        yield int(mode((weights - _level(0, tuple(slopes), weights.shape))[present])[0]), tuple(slopes)


def _level(coefficient: Number, slopes: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    index = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum((s * i for s, i in zip(slopes, index, strict=False)), np.array(coefficient))


def places_of(run: Run, shape: tuple[int, ...]) -> np.ndarray:
    """Whether a place of an array is one of a run."""
    (low, _), (high, _) = run.low[0], run.high[0]
    rows = np.zeros(shape[run.order[0]], dtype=bool)
    rows[np.arange(low, high) % len(rows)] = True
    inside, _ = run.inside(shape)
    return inside & rows.reshape([-1 if axis == run.order[0] else 1 for axis in range(len(shape))])


def _plainness(run: Run) -> tuple[int, tuple[int, ...]]:
    """Less for what does not wrap around and begins where the axes do."""
    return len(run.wrapped) * 99 + sum(bool(c) + sum(map(bool, s)) for c, s in run.low), run.order


def _fits(
    support: np.ndarray, value: Number, rings: Collection[int], *, wraps: bool, votes: bool = False
) -> Iterator[Run]:
    """Runs that most rows of a set of places agree with, or all of them if there are no votes."""
    orders = list(permutations(range(support.ndim)))
    if len(orders) * support.size > _MAX_WORK:
        orders = orders[:1]
    for order in orders:
        run = _fit(support, value, order, rings, wraps=wraps, votes=votes)
        if run is not None:
            yield run


def _fit(
    support: np.ndarray, value: Number, order: tuple[int, ...], rings: Collection[int], *, wraps: bool, votes: bool
) -> Run | None:
    """The run of a set of places, axes being taken in an order; None if it is no run."""
    table = support.transpose(order)
    low: list[Line] = []
    high: list[Line] = []
    wrapped = set()
    for k, axis in enumerate(order):
        shadow = table.any(axis=tuple(range(k + 1, table.ndim))) if k + 1 < table.ndim else table
        rows = shadow.reshape(-1, shadow.shape[-1])
        filled = np.flatnonzero(rows.any(axis=1))
        places = np.stack(np.unravel_index(filled, shadow.shape[:-1]), axis=1) if k else np.zeros((1, 0), np.int64)
        # Axes of one place a row follow from others.
        idle = [m for m in range(k) if low[m][1] == high[m][1] and high[m][0] - low[m][0] == 1]
        places[:, idle] = 0
        straight = _straight(rows[filled], places)
        around = _around(rows[filled], places) if axis in rings or (wraps and k) else None
        best = straight
        if around is not None:
            (_, slopes), (_, others), errors = around
            moves = any(slopes) and slopes == others
            best = around if axis in rings or (moves and errors < straight[2]) else straight
        if best[2] and not votes:
            return None
        if best is around and axis not in rings:
            wrapped.add(axis)
        low.append(best[0])
        high.append(best[1])
    run = Run(value, order, tuple(low), tuple(high), frozenset(rings) | wrapped, frozenset(wrapped))
    return _with_rows(run, support)


def _with_rows(run: Run, support: np.ndarray) -> Run | None:
    """The run with those places on its first axis at which it is right, and empty ones up to the end of the axis."""
    axis = run.order[0]
    extent = support.shape[axis]
    first, end = run.low[0][0], run.high[0][0]
    for m, place in enumerate(run.order):
        ends = run.low[m], run.high[m]
        around = place in run.rings and (any(map(any, (e[1] for e in ends))) or ends[1][0] > support.shape[place])
        if around and any(line[1][m] for line in (*run.low[m + 1 :], *run.high[m + 1 :])):
            return None
    others = tuple(a for a in range(support.ndim) if a != axis)
    inside, outside = run.inside(support.shape)
    if end > extent:
        return None if outside.any() else run
    gains = (inside & support).sum(axis=others) - (inside & ~support).sum(axis=others)
    gains[outside] = -support.size
    sums = [0, *np.cumsum(gains[first:end]).tolist()]
    low = best = start = stop = 0
    for place, total in enumerate(sums):
        if total <= sums[low]:
            low = place
        if total - sums[low] > best:
            best, start, stop = total - sums[low], first + low, first + place
    if not best:
        return None
    first, end = start, stop
    filled = outside | inside.any(axis=others)
    if first <= _MAX_EMPTY and not filled[:first].any():
        first = 0
    if end + _MAX_EMPTY >= extent and not filled[end:].any():
        end = extent
    return replace(run, low=((first, ()), *run.low[1:]), high=((end, ()), *run.high[1:]))


def _straight(rows: np.ndarray, places: np.ndarray) -> tuple[Line, Line, int]:
    """The ends of the run in most rows as functions of places, and how many rows are otherwise."""
    first = rows.argmax(axis=1)
    last = rows.shape[1] - rows[:, ::-1].argmax(axis=1)
    clean = last - first == rows.sum(axis=1)
    sure = clean if clean.any() else np.ones(len(rows), dtype=bool)
    low, high = (_line(places[sure], ends[sure]) for ends in (first, last))
    right = clean & (_at(low, places) == first) & (_at(high, places) == last)
    return low, high, int((~right).sum())


def _around(rows: np.ndarray, places: np.ndarray) -> tuple[Line, Line, int] | None:
    """The same on an axis that is a ring; None if no row has one run."""
    extent = rows.shape[1]
    begins = rows & ~np.roll(rows, 1, axis=1)
    clean = begins.sum(axis=1) <= 1
    if not clean.any():
        return None
    first, counts = begins.argmax(axis=1), rows.sum(axis=1)
    low, lengths = _line(places[clean], first[clean], extent), _line(places[clean], counts[clean])
    right = clean & ((_at(low, places) - first) % extent == 0) & (_at(lengths, places) == counts)
    high = low[0] + lengths[0], tuple(a + b for a, b in zip(low[1], lengths[1], strict=True))
    return low, high, int((~right).sum())


def _at(line: Line, places: np.ndarray) -> np.ndarray:
    return line[0] + places @ np.array(line[1], dtype=np.int64)


def _line(places: np.ndarray, values: np.ndarray, modulus: int = 0) -> Line:
    """The affine function that most of some numbers from 0 agree with, up to multiples of a modulus if there is one."""
    slopes = []
    grid = np.full(places.max(axis=0, initial=0) + 1, -1)
    if grid.ndim:
        grid[tuple(places.T)] = values
    for axis in range(places.shape[1]):
        before, after = np.delete(grid, -1, axis), np.delete(grid, 0, axis)
        steps = (after - before)[(before >= 0) & (after >= 0)]
        slope = int(mode(steps % modulus if modulus else steps)[0]) if steps.size else 0
        slopes.append(slope - modulus if 2 * slope > modulus > 0 else slope)
    rest = values - places @ np.array(slopes, dtype=np.int64)
    return int(mode(rest % modulus if modulus else rest)[0]), tuple(slopes)
