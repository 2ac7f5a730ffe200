"""Ranges of numbers with ends that may be missing."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Interval", "larger", "meet", "plus", "smaller", "times", "union"]

Interval: TypeAlias = tuple[int | None, int | None]
"""Least and greatest value; None where there is none."""


def plus(left: Interval, right: Interval) -> Interval:
    """Bounds of the sums of two ranges."""
    (a, b), (c, d) = left, right
    return None if a is None or c is None else a + c, None if b is None or d is None else b + d


def meet(left: Interval, right: Interval) -> Interval:
    """What lies in both of two ranges."""
    (a, b), (c, d) = left, right
    low = c if a is None else a if c is None else max(a, c)
    high = d if b is None else b if d is None else min(b, d)
    return low, high


def larger(left: Interval, right: Interval) -> Interval:
    """Bounds of the larger of two numbers."""
    low, _ = meet(left, right)
    _, high = union(left, right)
    return low, high


def smaller(left: Interval, right: Interval) -> Interval:
    """Bounds of the smaller of two numbers."""
    _, high = meet(left, right)
    low, _ = union(left, right)
    return low, high


def union(left: Interval, right: Interval) -> Interval:
    """The least range that holds two."""
    (a, b), (c, d) = left, right
    return None if a is None or c is None else min(a, c), None if b is None or d is None else max(b, d)


def times(left: Interval, right: Interval) -> Interval:
    """Bounds of the products of two ranges."""
    if (0, 0) in (left, right):
        return 0, 0
    if None in left or None in right:
        return _times_unbounded(left, right)
    corners = [a * b for a in left for b in right if a is not None and b is not None]
    return min(corners), max(corners)


def _times_unbounded(left: Interval, right: Interval) -> Interval:
    if left[0] == left[1] and left[0] is not None:
        left, right = right, left
    factor = right[0]
    if factor is not None and factor == right[1]:
        first, last = left if factor > 0 else (left[1], left[0])
        return None if first is None else first * factor, None if last is None else last * factor
    (down, up), (other_down, other_up) = _signs(left), _signs(right)
    negative = (down and other_up) or (up and other_down)
    positive = (up and other_up) or (down and other_down)
    return None if negative else 0, None if positive else 0


def _signs(interval: Interval) -> tuple[bool, bool]:
    """Whether an interval holds negative and positive numbers."""
    low, high = interval
    return low is None or low < 0, high is None or high > 0
