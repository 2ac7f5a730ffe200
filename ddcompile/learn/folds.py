"""A bit that is worked out place by place along a line: from the inputs at a place and a bit of all places before."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.decompositions import UNKNOWN, two_sorts

__all__ = ["folded"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def folded(points: Array, values: Array) -> Array | None:
    """The bit of the places up to each one, by one function for all; None if there is no such bit.

    A bit of all places but the last is made up (see `splits`), from that one of all places but the last two, and so on.

    Parameters
    ----------
    points : ndarray of shape (samples, places, rows), integers
    values : ndarray of shape (samples,)
        0, 1 or `UNKNOWN`: the bit of all places.

    Returns
    -------
    ndarray of shape (samples, places), optional
        0, 1 or `UNKNOWN`; the last are the values. Before the first place, the bit is 0.
    """
    places = points.shape[1]
    found = np.full((len(points), places), UNKNOWN)
    found[:, -1] = values
    table: dict[tuple[int, ...], int] = {}
    for place in range(places - 1, -1, -1):
        known = found[:, place] != UNKNOWN
        kept, before = points[known, place], points[known, :place].reshape(int(known.sum()), -1)
        bits = np.zeros(len(kept), dtype=np.int64)
        if place:
            made = _bit_before(kept, before, found[known, place])
            if made is None:
                return None
            bits = made
            found[known, place - 1] = bits
        for *own, value in np.unique(np.column_stack([kept, bits, found[known, place]]), axis=0).tolist():
            if table.setdefault(tuple(own), value) != value:
                return None
    return found


def _bit_before(kept: Array, before: Array, values: Array) -> Array | None:
    """The bit that stands for the inputs before, 0 where they are 0; None if it takes more than one."""
    rows, first = np.unique(np.column_stack([kept, before]), axis=0, return_index=True)
    width = kept.shape[1]
    if len(np.unique(np.column_stack([rows, values[first]]), axis=0)) < len(
        np.unique(np.column_stack([kept, before, values]), axis=0)
    ):
        return None
    sorts = two_sorts(rows[:, :width], rows[:, width:], values[first])
    if sorts is None:
        return None
    at_zero = sorts.get((0,) * before.shape[1], 0)
    distinct, codes = np.unique(before, axis=0, return_inverse=True)
    bits = np.array([sorts[tuple(row)] ^ at_zero for row in distinct.tolist()], dtype=np.int64)
    return bits[codes.reshape(-1)]
