"""Padding that was written out, seen as what windows do beyond the ends of the grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ddcompile.frontends.windows import Window

__all__ = ["without_padding"]


def without_padding(ids: np.ndarray, window: Window) -> tuple[np.ndarray, Window]:
    """The units (channels, *grid) without zeros (-1) or copies of the other end around them, and windows beyond them.

    What the windows add up is the same. The units are as they were if they are not padded in one of these ways.
    """
    if any(window.before) or any(window.after):
        return ids, window
    is_zero = ids < 0
    if is_zero.any():
        return _without_zeros(ids, is_zero, window)
    return _without_copies(ids, window)


def _without_zeros(ids: np.ndarray, is_zero: np.ndarray, window: Window) -> tuple[np.ndarray, Window]:
    before, after, kept = [], [], [slice(None)]
    for axis in range(1, ids.ndim):
        others = tuple(k for k in range(ids.ndim) if k != axis)
        used = np.flatnonzero(~is_zero.all(axis=others))
        if not len(used):
            return ids, window
        before.append(int(used[0]))
        after.append(int(ids.shape[axis] - 1 - used[-1]))
        kept.append(slice(used[0], used[-1] + 1))
    middle = ids[tuple(kept)]
    if (middle < 0).any():
        return ids, window
    return middle, replace(window, grid=middle.shape[1:], before=tuple(before), after=tuple(after))


def _without_copies(ids: np.ndarray, window: Window) -> tuple[np.ndarray, Window]:
    before, after, kept = [], [], [slice(None)]
    for axis in range(1, ids.ndim):
        line = np.moveaxis(ids, axis, -1).reshape(-1, ids.shape[axis])[0]
        period = len(np.unique(line))
        first = int(line.argmin())
        if period == len(line):
            first = 0
        if first + period > len(line):
            return ids, window
        before.append(first)
        after.append(len(line) - period - first)
        kept.append(slice(first, first + period))
    middle = ids[tuple(kept)]
    if not any(before) and not any(after):
        return ids, window
    if not np.array_equal(np.pad(middle, [(0, 0), *zip(before, after, strict=True)], mode="wrap"), ids):
        return ids, window
    sides = tuple(before), tuple(after)
    return middle, replace(window, grid=middle.shape[1:], before=sides[0], after=sides[1], is_circular=True)
