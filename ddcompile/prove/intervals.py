"""Ranges of numbers with ends that may be missing."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Interval", "times"]

Interval: TypeAlias = tuple[int | None, int | None]
"""Least and greatest value; None where there is none."""


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
