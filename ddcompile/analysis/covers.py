"""Points of a grid as disjoint boxes."""

from __future__ import annotations

import numpy as np

__all__ = ["boxes_of"]


def boxes_of(coordinates: np.ndarray, members: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Cover units at given coordinates by disjoint boxes, greedily from the first: (low, high, row-major members)."""
    place = {tuple(coordinates[m].tolist()): int(m) for m in members}
    rest = dict(sorted(place.items()))
    found = []
    while rest:
        corner = np.array(next(iter(rest)), dtype=np.int64)
        low, high = corner.copy(), corner + 1
        for axis in range(len(corner) - 1, -1, -1):
            while True:
                face = [range(int(a), int(b)) for a, b in zip(low, high, strict=True)]
                face[axis] = range(int(high[axis]), int(high[axis]) + 1)
                if not all(point in rest for point in _points(face)):
                    break
                high[axis] += 1
        points = list(_points([range(int(a), int(b)) for a, b in zip(low, high, strict=True)]))
        found.append((low, high, np.array([rest.pop(p) for p in points], dtype=np.int64)))
    return found


def _points(ranges: list[range]) -> list[tuple[int, ...]]:
    points: list[tuple[int, ...]] = [()]
    for values in ranges:
        points = [(*p, v) for p in points for v in values]
    return points
