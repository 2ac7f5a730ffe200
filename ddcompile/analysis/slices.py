"""Write an array of exact weights as a short sum of coefficient x slice.

A slice is a box of positions `start, start + step, ..., start + (count - 1) * step` on every axis. Row sums, "all
but", windows and strides are all slices. The search is greedy with a few alternatives at each step (the most common
value of the bounding box, of one hyperplane, of the largest uniform box) and keeps the shortest sum; every sum it
returns is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from ddcompile.ir.nodes import Number

__all__ = ["Slice", "decompose", "mode"]


@dataclass(frozen=True, slots=True)
class Slice:
    """`coefficient` at every position of a box; `axes` gives (start, count, step) for each axis."""

    coefficient: Number
    axes: tuple[tuple[int, int, int], ...]

    def size(self, extents: tuple[int, ...]) -> int:
        """A measure of the text it takes: a range is dearer than a point, and less dear if it is the whole axis."""
        axes = zip(self.axes, extents, strict=True)
        return 2 + (self.coefficient != 1) + sum(1 if n == 1 else 3 if n == extent else 5 for (_, n, _), extent in axes)


def decompose(weights: np.ndarray, limit: int = 6) -> list[Slice] | None:
    """The shortest sum of at most `limit` slices that was found; None if there is none.

    The order of slices depends on the array alone: larger boxes first, then by position.
    """
    if not weights.any():
        return []
    found = _search(weights, tuple((0, 1) for _ in weights.shape), limit, weights.shape, {})
    if found is None:
        return None
    return sorted(found, key=lambda s: (-_volume(s), s.axes, s.coefficient))


def _plain(value: Any) -> Number:
    return value if isinstance(value, Fraction) else int(value)


def _volume(piece: Slice) -> int:
    volume = 1
    for _, count, _ in piece.axes:
        volume *= count
    return volume


def _search(
    weights: np.ndarray,
    frame: tuple[tuple[int, int], ...],
    limit: int,
    extents: tuple[int, ...],
    memo: dict[object, object],
) -> list[Slice] | None:
    """Slices of `weights`, whose position p on an axis is `start + step * p` of the whole by `frame`."""
    if limit <= 0:
        return None
    weights, frame = _trim(weights, frame)
    first = weights.flat[0]
    if (weights == first).all():
        axes = tuple((start, n, step if n > 1 else 1) for (start, step), n in zip(frame, weights.shape, strict=True))
        return [Slice(_plain(first), axes)]
    if limit == 1:
        return None
    key = (weights.shape, frame, limit, weights.tobytes() if weights.dtype != object else tuple(weights.flat))
    if key in memo:
        return memo[key]  # type: ignore[return-value]
    best: list[Slice] | None = None
    for value, box in _moves(weights):
        rest = weights.copy()
        rest[box] -= value
        axes = tuple(
            (start + step * part.start, part.stop - part.start, step if part.stop - part.start > 1 else 1)
            for (start, step), part in zip(frame, box, strict=True)
        )
        room = limit - 1 if best is None else min(limit, len(best)) - 1
        if not rest.any():
            tail: list[Slice] | None = []
        else:
            tail = _search(rest, frame, room, extents, memo)
        if tail is None:
            continue
        candidate = [Slice(_plain(value), axes), *tail]
        if best is None or _cost(candidate, extents) < _cost(best, extents):
            best = candidate
    memo[key] = best
    return best


def _cost(pieces: list[Slice], extents: tuple[int, ...]) -> tuple[int, int]:
    return len(pieces), sum(p.size(extents) for p in pieces)


def _trim(weights: np.ndarray, frame: tuple[tuple[int, int], ...]) -> tuple[np.ndarray, tuple[tuple[int, int], ...]]:
    """Cut to the bounding box of the support, and to every n-th position where the support has a stride."""
    new = []
    for axis, (start, step) in enumerate(frame):
        others = tuple(a for a in range(weights.ndim) if a != axis)
        places = np.flatnonzero((weights != 0).any(axis=others)).tolist()
        low, high = places[0], places[-1]
        stride = gcd(*(p - low for p in places[1:])) if len(places) > 1 else 1
        part = [slice(None)] * weights.ndim
        part[axis] = slice(low, high + 1, stride)
        weights = weights[tuple(part)]
        new.append((start + step * low, step * stride))
    return weights, tuple(new)


def _moves(weights: np.ndarray) -> Iterator[tuple[Number, tuple[slice, ...]]]:
    """Slices worth subtracting first: (value, box)."""
    whole = tuple(slice(0, n) for n in weights.shape)
    distinct, counts = np.unique(weights.ravel(), return_counts=True)
    for value in distinct[np.argsort(-counts, kind="stable")][: 2 if len(distinct) == 2 else 1]:
        if value != 0:
            yield value, whole
    best: tuple[int, Any, tuple[slice, ...]] | None = None
    for axis in range(weights.ndim if weights.ndim > 1 else 0):
        for place in range(weights.shape[axis]):
            box = tuple(slice(place, place + 1) if a == axis else part for a, part in enumerate(whole))
            value, count = mode(weights[box])
            if value != 0 and (best is None or count > best[0]):
                best = (count, value, box)
    if best is not None:
        yield best[1], best[2]
    yield _uniform(weights)


def mode(values: np.ndarray) -> tuple[Any, int]:
    """The most frequent of some numbers, the least of several, and how often it comes."""
    distinct, counts = np.unique(values.ravel(), return_counts=True)
    place = int(np.argmax(counts))
    return distinct[place], int(counts[place])


def _uniform(weights: np.ndarray) -> tuple[Number, tuple[slice, ...]]:
    """A large box of one nonzero value, grown from each of a few corners axis by axis."""
    corners = np.argwhere(weights != 0)
    step = max(1, len(corners) // 16)
    best: tuple[int, Any, tuple[slice, ...]] | None = None
    for corner in corners[::step]:
        value = weights[tuple(corner)]
        low, high = corner.copy(), corner + 1
        for axis in range(weights.ndim):
            for grow in (1, -1):
                while True:
                    place = int(high[axis]) if grow > 0 else int(low[axis]) - 1
                    if not 0 <= place < weights.shape[axis]:
                        break
                    face = tuple(
                        slice(place, place + 1) if a == axis else slice(int(low[a]), int(high[a]))
                        for a in range(weights.ndim)
                    )
                    if not (weights[face] == value).all():
                        break
                    if grow > 0:
                        high[axis] += 1
                    else:
                        low[axis] -= 1
        volume = int(np.prod(high - low))
        if best is None or volume > best[0]:
            box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
            best = (volume, value, box)
    assert best is not None
    return best[1], best[2]
