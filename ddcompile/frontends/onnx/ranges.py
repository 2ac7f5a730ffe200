"""What is known of values without the inputs at hand: bounds, and whether they are whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from ddcompile.ir.nodes import Number

__all__ = ["ANY", "BIT", "TRIT", "Range"]


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, None where there is no bound; only the whole ones of them if `is_whole`."""

    low: Number | None = None
    high: Number | None = None
    is_whole: bool = False

    @classmethod
    def of(cls, numbers: Iterable[Number]) -> Range:
        """The least range with these numbers."""
        found = list(numbers)
        return cls(min(found), max(found), all(Fraction(v).denominator == 1 for v in found))

    def within(self, other: Range) -> bool:
        """Whether all values of this are values of the other."""
        return self.is_whole >= other.is_whole and self.join(other) == Range(other.low, other.high, other.is_whole)

    def join(self, other: Range) -> Range:
        """What is known of a value that is of one of two ranges."""
        return Range(_both(min, self.low, other.low), _both(max, self.high, other.high), self._whole(other))

    def extreme(self, other: Range, side: int) -> Range:
        """What is known of the larger of two values, or of the smaller if `side` is -1."""
        low = _both(max if side > 0 else min, self.low, other.low)
        high = _both(max if side > 0 else min, self.high, other.high)
        return Range(low, high, self._whole(other))

    def __add__(self, other: Range) -> Range:
        return Range(_both(_sum, self.low, other.low), _both(_sum, self.high, other.high), self._whole(other))

    def __mul__(self, factors: Range) -> Range:
        """Times numbers of a range that has bounds."""
        low, high = factors.low, factors.high
        assert low is not None
        assert high is not None
        ends = [self._times(low), self._times(high)]
        return ends[0].join(ends[1]) if self._whole(factors) else replace(ends[0].join(ends[1]), is_whole=False)

    def _times(self, factor: Number) -> Range:
        if factor == 0:
            return Range(0, 0, True)
        ends = [None if end is None else end * factor for end in (self.low, self.high)]
        low, high = ends if factor > 0 else reversed(ends)
        return Range(low, high, self.is_whole)

    def clipped(self, low: Number | None, high: Number | None) -> Range:
        """What is known of a value after it is limited to `low..high`."""
        first, last = self.low, self.high
        if low is not None:
            first = low if first is None else max(first, low)
            last = None if last is None else max(last, low)
        if high is not None:
            last = high if last is None else min(last, high)
            first = None if first is None else min(first, high)
        is_whole = self.is_whole and all(b is None or Fraction(b).denominator == 1 for b in (low, high))
        return Range(first, last, is_whole)

    def _whole(self, other: Range) -> bool:
        return self.is_whole and other.is_whole


ANY = Range()
BIT = Range(0, 1, True)
TRIT = Range(-1, 1, True)


def _both(function: Callable[[Number, Number], Number], first: Number | None, second: Number | None) -> Number | None:
    return None if first is None or second is None else function(first, second)


def _sum(first: Number, second: Number) -> Number:
    return first + second
