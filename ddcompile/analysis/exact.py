"""Arrays of exact numbers: integers times one power of two, in machine words while they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

__all__ = ["LIMIT", "Exact", "NotExact", "bound", "exact_integers", "objects", "plus", "shifted", "times"]

LIMIT = 2**62
"""Machine words hold numbers below this with room for a sum of two."""


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """`values * 2 ** -exponent`, an array with one axis for every index in scope of the statement."""

    values: np.ndarray
    exponent: int = 0

    def __post_init__(self) -> None:
        # Arithmetic on object arrays without axes gives bare numbers.
        object.__setattr__(self, "values", np.asarray(self.values))


class NotExact(Exception):
    """A number is not dyadic."""


def exact_integers(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Split exact numbers into integers and one exponent: `array == integers * 2 ** -exponent`."""
    if array.dtype == np.int64:
        return array, 0
    if array.dtype == np.float64:
        mantissa, power = np.frexp(array)
        whole = np.ldexp(mantissa, 53).astype(np.int64)
        nonzero = whole != 0
        if not nonzero.any():
            return whole, 0
        zeros = np.zeros_like(whole)
        low = whole & -whole
        zeros[nonzero] = np.log2(low[nonzero].astype(np.float64)).astype(np.int64)
        whole >>= zeros
        power = power.astype(np.int64) - 53 + zeros
        least = int(min(power[nonzero].min(), 0))
        shift = np.where(nonzero, power - least, 0)
        width = np.where(nonzero, np.frexp(np.abs(whole).astype(np.float64))[1], 0)
        if int((shift + width).max()) < 62:
            return whole << shift, -least
        flat = [int(w) << int(s) for w, s in zip(whole.ravel(), shift.ravel(), strict=True)]
        return objects(flat).reshape(array.shape), -least
    exponent = 0
    for value in array.flat:
        denominator = Fraction(value).denominator
        if denominator & (denominator - 1):
            raise NotExact
        exponent = max(exponent, denominator.bit_length() - 1)
    return objects([int(Fraction(v) * 2**exponent) for v in array.flat]).reshape(array.shape), exponent


def objects(values: Sequence[int]) -> np.ndarray:
    """Python ints as an object array of one axis."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def bound(array: np.ndarray) -> int:
    """The largest magnitude in an integer array; 0 if it is empty."""
    return int(np.abs(array).max()) if array.size else 0


def times(a: Exact, b: Exact) -> Exact:
    """The product, broadcast."""
    x, y = a.values, b.values
    if (x.dtype == object or y.dtype == object or bound(x) * bound(y) >= LIMIT) and x.dtype != object:
        x = x.astype(object)
    return Exact(x * y, a.exponent + b.exponent)


def plus(a: Exact, b: Exact, sign: int) -> Exact:
    """`a + sign * b`, broadcast."""
    exponent = max(a.exponent, b.exponent)
    x, y = shifted(a, exponent), shifted(b, exponent)
    if x.dtype != y.dtype or bound(x) + bound(y) >= LIMIT:
        x, y = x.astype(object), y.astype(object)
    return Exact(x + sign * y, exponent)


def shifted(a: Exact, exponent: int) -> np.ndarray:
    """The integers of `a` for another exponent, which is not smaller."""
    shift = exponent - a.exponent
    if shift == 0:
        return a.values
    if a.values.dtype == object or bound(a.values) << shift >= LIMIT:
        return np.asarray(a.values.astype(object) * (1 << shift))
    return np.asarray(a.values << shift)
