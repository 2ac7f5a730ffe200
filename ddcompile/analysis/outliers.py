"""Rows of a table that do not fit the function that most rows have: what the table may be without them.

A learned function is often a plain one but for a few rows. Nothing here decides which rows these are: each proposal
is a table that differs from the given one in few places, for a search to find a short expression of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ddcompile.analysis.cones import Member
from ddcompile.analysis.symmetries import merged_inputs

__all__ = ["largest_box", "smoothed", "symmetric"]

_FEW = 4
"""Most rows that do not fit their neighbours."""


def symmetric(ranges: Sequence[range], values: np.ndarray, allowed: int) -> Iterator[np.ndarray]:
    """Tables of bits where each combination of sums of inputs has the value that it has most often in a given one.

    Inputs are in one sum where at most `allowed` values change when two of them change places; then half as many, and
    so on.
    """
    seen: set[object] = set()
    while True:
        groups = _groups(ranges, values, allowed)
        if len(groups) < len(ranges) and groups not in seen:
            seen.add(groups)
            yield _by_majority(values, groups)
        if not allowed:
            return
        allowed //= 2


def _groups(ranges: Sequence[range], values: np.ndarray, allowed: int) -> tuple[tuple[Member, ...], ...]:
    """The inputs of a table in groups: where two of a group change places, so few values change."""
    groups: list[list[Member]] = []
    for axis, own in enumerate(ranges):
        for group in groups:
            first = group[0][0]
            sign = next((s for s in (1, -1) if _differences(values, first, axis, s) <= allowed), 0)
            if sign and ranges[first].step == own.step:
                group.append((axis, sign))
                break
        else:
            groups.append([(axis, 1)])
    return tuple(map(tuple, groups))


def _differences(values: np.ndarray, first: int, second: int, sign: int) -> int:
    """How many values are others where one axis goes up and another one down, or up where the sign is negative."""
    moved = np.moveaxis(values, (first, second), (0, 1))
    if sign < 0:
        moved = moved[:, ::-1]
    return int(np.count_nonzero(moved[1:, :-1] != moved[:-1, 1:]))


def _by_majority(values: np.ndarray, groups: Sequence[Sequence[Member]]) -> np.ndarray:
    """The table of bits where every combination of sums of groups has the value that it has most often."""
    places = np.indices(values.shape).reshape(values.ndim, -1)
    keys = np.stack([sum(sign * places[axis] for axis, sign in group) for group in groups])
    number = np.unique(keys, axis=1, return_inverse=True)[1].ravel()
    ones = np.bincount(number, weights=values.ravel())
    usual = (2 * ones > np.bincount(number))[number]
    return usual.reshape(values.shape).astype(values.dtype)


def smoothed(ranges: Sequence[range], values: np.ndarray) -> Iterator[np.ndarray]:
    """Tables of bits that differ from a given one in few places, and are functions of fewer sums of inputs.

    Those where sums have the value that they have most often, if inputs are interchangeable up to a few rows; and
    those where the rows that agree with fewer neighbours than any other row does have another value. Functions of the
    fewest sums come first, then those that differ in the fewest rows.
    """
    most = min(_FEW, values.size // 8)
    guesses = [*symmetric(ranges, values, 2 * most)]
    agreeing = _agreeing(values).ravel()
    order = np.argsort(agreeing, kind="stable")
    for count in range(1, most + 1):
        if agreeing[order[count - 1]] < agreeing[order[count]]:
            other = values.copy().ravel()
            other[order[:count]] ^= 1
            guesses.append(other.reshape(values.shape))
    near = {guess.tobytes(): guess for guess in guesses if np.count_nonzero(guess != values) <= most}
    sums = {key: _sums(ranges, guess) for key, guess in near.items()}
    usual = _sums(ranges, values)
    for key in sorted(near, key=lambda key: (sums[key], np.count_nonzero(near[key] != values))):
        if sums[key] < usual:
            yield near[key]


def _sums(ranges: Sequence[range], values: np.ndarray) -> int:
    """Of how many sums of inputs a table is a function."""
    return len(merged_inputs(ranges, values).classes)


def _agreeing(values: np.ndarray) -> np.ndarray:
    """How many neighbours along the axes each row agrees with; one beyond an end counts as one that agrees."""
    count = np.zeros(values.shape, dtype=np.int64)
    for axis in range(values.ndim):
        same = np.diff(values, axis=axis) == 0
        ends = np.full_like(values.take([0], axis=axis), values.shape[axis] > 2, dtype=bool)
        count += np.concatenate([ends, same], axis=axis).astype(np.int64)
        count += np.concatenate([same, ends], axis=axis)
    return count


def largest_box(chosen: np.ndarray, place: Sequence[int]) -> tuple[slice, ...]:
    """A box around a place in which all places are chosen, that no side can be moved out of.

    For bits, that is a prime implicant of the function that is 1 where a place is chosen.
    """
    box = [slice(k, k + 1) for k in place]
    for axis, extent in enumerate(chosen.shape):
        for side in (slice(0, box[axis].stop), slice(box[axis].start, extent)):
            wider = [*box[:axis], side, *box[axis + 1 :]]
            if chosen[tuple(wider)].all():
                box = wider
    return tuple(box)
