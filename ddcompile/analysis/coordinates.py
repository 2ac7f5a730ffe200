"""Coordinates of units: boxes in which the anchors of what they read are affine functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import factorial, gcd, prod
from typing import TypeAlias

import numpy as np

__all__ = ["Anchor", "Fit", "box_fit", "explain", "fit_box"]

_MAX_CANDIDATES = 64

_MOSTLY = 0.75
"""How much of an axis coordinates run around that are taken to run around all of it."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An anchor as a function of coordinates: `(constant + slopes . x) % extent`."""

    constant: int
    slopes: tuple[int, ...]
    extent: int

    def __call__(self, x: Sequence[int]) -> int:
        """The anchor at coordinates `x`."""
        return (self.constant + sum(a * c for a, c in zip(self.slopes, x, strict=True))) % self.extent


Fit: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], np.ndarray, list[Anchor]]
"""The lower and upper corner of a box, its members row-major (-1 for holes), and every column as a function."""


def fit_box(
    matrix: np.ndarray, moduli: Sequence[int], *, simplex: bool = False
) -> tuple[tuple[int, ...], list[int | None], list[Anchor]] | None:
    """Choose coordinates for units whose anchors are the rows of a matrix: a box with few holes from 0.

    Parameters
    ----------
    matrix, moduli
        An anchor for every unit and column, modulo the number of the column.
    simplex
        Whether there may be as many holes as where the coordinates are in order, `k < j < i`.

    Returns
    -------
    The extents of the box, the units row-major, None for holes, and every column as a function of the coordinates; None
    if there is no box.
    """
    axes = list(range(len(moduli)))
    fit = box_fit(matrix, list(moduli), np.arange(len(matrix)), axes, axes, holes=True, simplex=simplex)
    if fit is None:
        return None
    _, counts, members, functions = fit
    return counts, [None if m < 0 else m for m in members.tolist()], functions


def box_fit(
    matrix: np.ndarray,
    moduli: list[int],
    members: np.ndarray,
    order: list[int],
    axes: list[int],
    holes: bool,
    rings: bool = False,
    simplex: bool = False,
) -> Fit | None:
    """Choose coordinates among the columns, first ones first, so that the members fill a box; None if none do."""
    own = matrix[members]
    if len(members) == 1:
        functions = [Anchor(int(v), (), n) for v, n in zip(own[0], moduli, strict=True)]
        return (), (), members, functions
    columns: list[int] = []
    for c in order:
        moving = (own[:, c] != own[0, c]).any()
        repeats = any(
            moduli[c] == moduli[d] and len(set(((own[:, c] - own[:, d]) % moduli[c]).tolist())) == 1 for d in columns
        )
        if moving and not repeats:
            columns.append(c)
    spread = {c: len(np.unique(own[:, c])) for c in columns}
    for rank in range(1, min(4, len(columns)) + 1):
        room = len(members) * (factorial(rank) if simplex else 1) if holes else 0
        for chosen in list(combinations(columns, rank))[:_MAX_CANDIDATES]:
            if not len(members) <= prod(spread[c] for c in chosen) <= len(members) + room:
                continue
            ordered = tuple(sorted(chosen, key=lambda c: (axes[c], c)))
            fit = _box_of(own, moduli, members, ordered, room, rings=rings)
            if fit is not None:
                return fit
    return None


def _box_of(
    own: np.ndarray, moduli: list[int], members: np.ndarray, chosen: tuple[int, ...], holes: int, *, rings: bool
) -> Fit | None:
    digits: list[np.ndarray] = []
    counts: list[int] = []
    for c in chosen:
        values = sorted(set(own[:, c].tolist()))
        if rings and moduli[c] > len(values) >= _MOSTLY * moduli[c]:
            values = list(range(moduli[c]))
        values = _unwrapped(values, moduli[c])
        gaps = [b - a for a, b in pairwise(values)]
        step = gcd(*gaps) or 1
        places = (own[:, c] - values[0]) % moduli[c]
        periods = _periods([v - values[0] for v in values]) if any(gap != step for gap in gaps) else None
        if periods is not None:
            for period, count in periods:
                digits.append(places // period)
                places = places % period
                counts.append(count)
            continue
        if not holes and any(gap != step for gap in gaps):
            return None
        digits.append(places // step)
        counts.append((values[-1] - values[0]) // step + 1)
    coordinates = np.stack(digits, axis=1) if digits else np.zeros((len(members), 0), dtype=np.int64)
    if not len(members) <= prod(counts) <= len(members) + holes:
        return None
    flat = np.asarray(np.ravel_multi_index(tuple(coordinates.T), tuple(counts)))
    if len(set(flat.tolist())) != len(members):
        return None
    places = np.full(prod(counts), -1)
    places[flat] = np.arange(len(members))
    low = np.zeros(len(counts), dtype=np.int64)
    return _explain_at(own, moduli, low, np.array(counts), members, places)


def _periods(values: list[int]) -> list[tuple[int, int]] | None:
    """Numbers as sums of multiples, `{0, 1, 2, 6, 7, 8}` as 6 i + j: periods and counts; None if they are not."""
    found: list[tuple[int, int]] = []
    while len(values) > 1:
        step, count = values[1], 1
        while count < len(values) and values[count] == step * count:
            count += 1
        block = [step * k for k in range(count)]
        starts = values[::count]
        if len(values) % count or values != [s + v for s in starts for v in block]:
            return None
        found.append((step, count))
        values = starts
    return found[::-1]


def _unwrapped(values: list[int], extent: int) -> list[int]:
    """Residues as a run without a gap at the wrap, if they are not all there."""
    if len(values) == extent or len(values) < 2:
        return values
    gaps = [(values[(k + 1) % len(values)] - v) % extent for k, v in enumerate(values)]
    widest = max(range(len(gaps)), key=lambda k: (gaps[k], k))
    start = values[(widest + 1) % len(values)]
    return [start + (v - start) % extent for v in values[widest + 1 :] + values[: widest + 1]]


def explain(
    matrix: np.ndarray, moduli: list[int], low: np.ndarray, high: np.ndarray, members: np.ndarray
) -> Fit | None:
    """The anchors of members that fill a box row-major as functions of its coordinates; None if one is not affine."""
    return _explain_at(matrix[members], moduli, low, high, members, np.arange(len(members)))


def _explain_at(
    own: np.ndarray, moduli: list[int], low: np.ndarray, high: np.ndarray, members: np.ndarray, places: np.ndarray
) -> Fit | None:
    """Every column as an affine function of the coordinates modulo its extent; None if some column is not.

    `places` has the rows of `own` and the members in row-major order of the box, -1 for holes.
    """
    counts = tuple(int(h - a) for a, h in zip(low, high, strict=True))
    present = np.flatnonzero(places >= 0)
    grid = np.indices(counts).reshape(len(counts), prod(counts))[:, present]
    box = places.reshape(counts)
    steps = []
    for axis, count in enumerate(counts):
        here, there = (np.take(box, range(k, k + count - 1), axis=axis).ravel() for k in (0, 1))
        both = np.flatnonzero((here >= 0) & (there >= 0))
        steps.append((int(here[both[0]]), int(there[both[0]])) if len(both) else (0, 0))
    functions = []
    for c, extent in enumerate(moduli):
        column = own[:, c]
        slopes = []
        for start, end in steps:
            slope = int(column[end] - column[start]) % extent
            slopes.append(slope - extent if 2 * slope > extent else slope)
        expected = np.array(slopes, dtype=np.int64) @ grid
        offsets = (column[places[present]] - expected) % extent
        if (offsets != offsets[0]).any():
            return None
        constant = (int(offsets[0]) - sum(s * int(a) for s, a in zip(slopes, low, strict=True))) % extent
        functions.append(Anchor(constant, tuple(slopes), extent))
    units = np.where(places >= 0, members[places], -1)
    return tuple(int(v) for v in low), tuple(int(v) for v in high), units, functions
