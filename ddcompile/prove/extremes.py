"""Extremes of one integer form for each value of another: (min, +) and (max, +) convolutions of groups of choices.

A `Profile` lists, for each value that the first form takes over some variables, the least and the greatest value of
the second. Profiles over different variables are combined on the lattice of attainable values if that is small, else
by sorting sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["ROOM", "Profile", "combine", "reduced"]

ROOM = 1 << 60
"""Sums of all extremes must be smaller for int64 arrays."""
UNREACHED = 1 << 62
LATTICE_LIMIT = 1 << 18
"""Most points of a lattice."""
WORK_FACTOR = 1 << 5
"""Most sums formed in all, in multiples of the limit for one combination."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Different values of the first form, and the extremes of the second form for each."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def combine(parts: Sequence[Profile], limit: int) -> Profile | None:
    """The profile over the variables of all parts, whose values are not negative.

    Parameters
    ----------
    parts
        Profiles over different variables; arrays of int64 below `ROOM` in sum, or of Python integers.
    limit
        Most sums to form in one combination.

    Returns
    -------
    Profile or None
        None if the limit does not suffice.
    """
    ordered = sorted(parts, key=lambda p: len(p.value))
    if all(a.dtype == np.int64 for p in parts for a in (p.value, p.low, p.high)):
        step = int(np.gcd.reduce([np.gcd.reduce(p.value) for p in parts])) if parts else 0
        points = sum(int(p.value.max()) for p in parts) // max(step, 1) + 1
        if points <= LATTICE_LIMIT:
            return _combine_on_lattice(ordered, max(step, 1), points, limit)
    return _combine_by_sorting(ordered, limit)


def _combine_on_lattice(parts: Sequence[Profile], step: int, points: int, limit: int) -> Profile | None:
    low = np.full(points, UNREACHED, dtype=np.int64)
    high = np.full(points, -UNREACHED, dtype=np.int64)
    low[0] = high[0] = 0
    top = 0
    for part in parts:
        places = part.value // step
        reached = np.flatnonzero(low[: top + 1] < UNREACHED)
        if min(len(reached), len(places)) * points > limit * WORK_FACTOR:
            return None
        new_low, new_high = np.full_like(low, UNREACHED), np.full_like(high, -UNREACHED)
        if len(reached) <= len(places):
            for v in reached.tolist():
                at = places + v
                new_low[at] = np.minimum(new_low[at], part.low + low[v])
                new_high[at] = np.maximum(new_high[at], part.high + high[v])
        else:
            width = top + 1
            for place, least, most in zip(places.tolist(), part.low.tolist(), part.high.tolist(), strict=True):
                there = slice(place, place + width)
                np.minimum(new_low[there], low[:width] + least, out=new_low[there])
                np.maximum(new_high[there], high[:width] + most, out=new_high[there])
        missing = new_low > UNREACHED >> 1
        new_low[missing], new_high[missing] = UNREACHED, -UNREACHED
        low, high = new_low, new_high
        top += int(places.max())
    reached = np.flatnonzero(low < UNREACHED)
    return Profile(reached * step, low[reached], high[reached])


def _combine_by_sorting(parts: Sequence[Profile], limit: int) -> Profile | None:
    zero = np.zeros(1, dtype=object if any(p.value.dtype == object for p in parts) else np.int64)
    null = np.zeros(1, dtype=object if any(p.low.dtype == object for p in parts) else np.int64)
    result = Profile(zero, null, null)
    work = 0
    for part in parts:
        pairs = len(result.value) * len(part.value)
        work += pairs
        if pairs > limit or work > limit * WORK_FACTOR:
            return None
        value = np.add.outer(result.value, part.value).ravel()
        low = np.add.outer(result.low, part.low).ravel()
        high = np.add.outer(result.high, part.high).ravel()
        result = reduced(Profile(value, low, high))
    return result


def reduced(profile: Profile) -> Profile:
    """One row for each value, ascending."""
    order = np.argsort(profile.value, kind="stable")
    value = profile.value[order]
    fresh = np.ones(len(value), dtype=bool)
    fresh[1:] = value[1:] != value[:-1]
    starts = np.flatnonzero(fresh)
    low = np.minimum.reduceat(profile.low[order], starts)
    high = np.maximum.reduceat(profile.high[order], starts)
    return Profile(value[starts], low, high)
