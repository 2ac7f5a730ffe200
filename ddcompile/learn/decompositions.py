"""Bits that are made up: a function of many inputs as one of a few of them and of a bit that stands for the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, TypeAlias

import numpy as np

__all__ = ["UNKNOWN", "Split", "common_bit", "splits", "two_sorts"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

UNKNOWN = -1
"""The value of a bit where samples say nothing of it."""


@dataclass(frozen=True, slots=True)
class Split:
    """A function of inputs that reads some as they are, and one bit of the others.

    Attributes
    ----------
    kept, joined : tuple of int
        The inputs that are read as they are, and those that the bit depends on; ascending. One may be in both.
    bits : dict from tuple of int to int
        The bit for the values of the joined inputs.
    """

    kept: tuple[int, ...]
    joined: tuple[int, ...]
    bits: dict[tuple[int, ...], int]

    def values(self, points: Array) -> Array:
        """The bit, of shape (samples,), for points of shape (samples, inputs)."""
        distinct, codes = np.unique(points[:, self.joined], axis=0, return_inverse=True)
        return np.array([self.bits[tuple(row)] for row in distinct.tolist()], dtype=np.int64)[codes.reshape(-1)]


def splits(points: Array, labels: Array) -> Iterator[Split]:
    """Ways to read some inputs as they are and a bit of the others, two or more, that explain the samples.

    For each set of inputs that are kept, values of the others are two sorts at most: those of one sort never have
    different labels beside equal values of the inputs that are kept (Ashenhurst, The decomposition of switching
    functions, 1957; for samples Zupan, Bohanec, Demsar and Bratko, Learning by discovering concept hierarchies, 1999).
    The bit may depend on an input that is kept as well, where no more is read at once than without.
    It is 0 where all inputs are 0, so that it is 0 where nothing is.

    Parameters
    ----------
    points : ndarray of shape (samples, inputs), integers
    labels : ndarray of shape (samples,)
        0 or 1, the same for equal samples.
    """
    rows, first = np.unique(points, axis=0, return_index=True)
    labels, inputs = labels[first], points.shape[1]
    sets = [kept for size in range(1, inputs - 1) for kept in combinations(range(inputs), size)]
    most = inputs - 1
    for kept in sets:
        joined = tuple(i for i in range(inputs) if i not in kept)
        for split in _split(rows, labels, kept, joined, ()):
            most = min(most, _width(split))
            yield split
    for kept in sets:
        for both in kept:
            joined = tuple(i for i in range(inputs) if i not in kept or i == both)
            if max(len(kept) + 1, len(joined)) <= most:
                yield from _split(rows, labels, kept, joined, (both,))


def _width(split: Split) -> int:
    """How many inputs are read at once."""
    return max(len(split.kept) + 1, len(split.joined))


def _split(
    rows: Array, labels: Array, kept: tuple[int, ...], joined: tuple[int, ...], both: tuple[int, ...]
) -> Iterator[Split]:
    """For each value of the input in both, if there is one, values of the others are of two sorts, in either order."""
    groups = np.unique(rows[:, both], axis=0, return_inverse=True)[1].reshape(-1)
    sorts = []
    for group in range(int(groups.max()) + 1):
        some = groups == group
        found = two_sorts(rows[some][:, kept], rows[some][:, joined], labels[some])
        if found is None:
            return
        sorts.append(found)
    if not any(sort for found in sorts for sort in found.values()):
        return
    zero = (0,) * len(joined)
    for flips in product((0, 1), repeat=len(sorts) - 1):
        parts = zip(sorts, (0, *flips), strict=True)
        bits = {row: sort ^ flip for found, flip in parts for row, sort in found.items()}
        yield Split(kept, joined, {row: bit ^ bits.get(zero, 0) for row, bit in bits.items()})


def two_sorts(kept: Array, joined: Array, labels: Array) -> dict[tuple[int, ...], int] | None:
    """Of which sort the values of joined inputs are; None if there are more sorts than two.

    Parameters
    ----------
    kept, joined : ndarray of shape (samples, inputs), integers
        Distinct when side by side.
    labels : ndarray of shape (samples,)
        0 or 1.
    """
    columns = np.unique(kept, axis=0, return_inverse=True)[1].reshape(-1)
    values, codes = np.unique(joined, axis=0, return_inverse=True)
    table = np.full((len(values), int(columns.max()) + 1), UNKNOWN)
    table[codes.reshape(-1), columns] = labels
    sorts: list[Array] = []
    found = np.zeros(len(values), dtype=np.int64)
    # Those of which most is known come first: they are the least likely to be taken for the wrong sort.
    for k in np.argsort((table == UNKNOWN).sum(axis=1), kind="stable"):
        row = table[k]
        fits = [bool(np.all((sort == row) | (sort == UNKNOWN) | (row == UNKNOWN))) for sort in sorts]
        if not any(fits):
            sorts.append(row.copy())
            fits.append(True)
            if len(sorts) > 2:
                return None
        found[k] = fits.index(True)
        sorts[found[k]] = np.maximum(sorts[found[k]], row)
    return {tuple(value): sort for value, sort in zip(values.tolist(), found.tolist(), strict=True)}


def common_bit(patterns: Array, labels: Array) -> Array | None:
    """A bit of each sample by which all outputs are one function of it and what they read; None if there is none.

    Where outputs that read the same have different labels, the bit tells them apart; whether it is 0 or 1 for which
    label may depend on what is read. Two such outputs of one sample say how this is for what one reads if it is known
    for the other, so that few samples leave no choice.

    Parameters
    ----------
    patterns : ndarray of shape (outputs, samples), integers from 0
        The number of what each output reads in each sample.
    labels : ndarray of shape (outputs, samples)
        0 or 1.

    Returns
    -------
    ndarray of shape (samples,), optional
        0 or 1, or `UNKNOWN` where the labels do not depend on it.
    """
    number = int(patterns.max()) + 1
    seen: Array = np.zeros((number, 2), dtype=bool)
    seen[patterns, labels] = True
    is_open: Array = seen[:, 0] & seen[:, 1]
    asked = is_open[patterns]
    if not is_open.any() or (asked.sum(axis=0) < 2).all():
        return None
    # Whether two of what is read are ever found in one sample, with equal labels, and with different ones.
    met: Array = np.zeros((number, number, 2), dtype=bool)
    for a in range(len(patterns)):
        for b in range(a):
            both = asked[a] & asked[b]
            met[patterns[a, both], patterns[b, both], labels[a, both] ^ labels[b, both]] = True
        met |= met.transpose(1, 0, 2)
        if met.all(axis=2).any():
            return None
    sides = np.full(number, UNKNOWN)
    first = int(np.flatnonzero(is_open)[0])
    sides[first] = 0
    waiting = [first]
    while waiting:
        p = waiting.pop()
        for side in (0, 1):
            for q in np.flatnonzero(met[p, :, side]).tolist():
                if sides[q] == UNKNOWN:
                    sides[q] = sides[p] ^ side
                    waiting.append(q)
                elif sides[q] != sides[p] ^ side:
                    return None
    if (sides[is_open] == UNKNOWN).any():
        return None
    found = np.where(asked, labels ^ np.maximum(sides[patterns], 0), UNKNOWN)
    result: Array = found.max(axis=0)
    return result
