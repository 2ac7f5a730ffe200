"""Integer bounds as affine functions of coordinates: `s >= b(x)` is `m * s >= c + d . x` where rounding agrees."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np

__all__ = ["fit_bounds"]

_MAX_FACTOR = 4
_MAX_SLOPES = 64


def fit_bounds(
    bounds: Sequence[int], coordinates: np.ndarray, factors: int = _MAX_FACTOR
) -> tuple[int, int, tuple[int, ...]] | None:
    """The least factor, and the constant and the slopes that it needs.

    Parameters
    ----------
    bounds
        What an integer sum is compared with, for every unit.
    coordinates
        Shape (units, axes), integers.
    factors
        The greatest factor tried; 1 asks for exactly affine bounds.

    Returns
    -------
    `m, c, d` such that ceil((c + d . x) / m) is the bound at every x, or None.
    """
    if any(abs(b) >= 2**40 for b in bounds):
        return None
    wanted = np.array(bounds, dtype=np.int64)
    spread = int(np.ptp(wanted))
    for factor in range(1, factors + 1):
        least, most = factor * (wanted - 1) + 1, factor * wanted
        ranges = []
        for axis, width in enumerate(np.ptp(coordinates, axis=0).tolist()):
            reach = factor * (spread + 1) // width if width else 0
            steps = _slopes(least, most, coordinates, axis)
            own = range(max(steps.start, -reach), min(steps.stop, reach + 1))
            ranges.append(sorted(own[:_MAX_SLOPES], key=lambda d: (abs(d), -d)))
        for slopes in product(*ranges):
            along = coordinates @ np.array(slopes, dtype=np.int64)
            low, high = int((least - along).max()), int((most - along).min())
            if low <= high:
                # Nearest to zero.
                return factor, min(max(low, 0), high), tuple(slopes)
    return None


def _slopes(least: np.ndarray, most: np.ndarray, coordinates: np.ndarray, axis: int) -> range:
    """The slopes on one axis that two units far apart on a line along it leave possible."""
    others = np.delete(coordinates, axis, axis=1)
    order = np.lexsort((coordinates[:, axis], *others.T))
    line = others[order]
    low, high = -(2**31), 2**31
    starts = [0, *(np.flatnonzero((line[1:] != line[:-1]).any(axis=1)) + 1).tolist(), len(order)]
    for begin, end in pairwise(starts):
        first, last = order[begin], order[end - 1]
        width = int(coordinates[last, axis] - coordinates[first, axis])
        if width:
            low = max(low, -(-int(least[last] - most[first]) // width))
            high = min(high, int(most[last] - least[first]) // width)
    return range(low, high + 1)
