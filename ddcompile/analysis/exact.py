"""Arrays of exact numbers: integers times one power of two, in machine words while they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddcompile.ir.scaled import scaled_integers

__all__ = ["LIMIT", "Exact", "NotExact", "bound", "exact_integers", "integers", "objects", "plus", "shifted", "times"]

LIMIT = 2**62
"""Machine words hold numbers below this with room for a sum of two."""


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """`values * 2 ** -exponent`, an array with one axis for every index in scope of the statement."""

    values: np.ndarray
    exponent: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _array(self.values))


class NotExact(Exception):
    """A number is not dyadic."""


def exact_integers(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Split exact numbers into integers and one exponent: `array == integers * 2 ** -exponent`."""
    try:
        return scaled_integers(array)
    except ValueError:
        raise NotExact from None


def integers(values: Sequence[int]) -> np.ndarray:
    """An array of machine words where they suffice, with room for a sum of two."""
    return np.array(values, dtype=object if max(map(abs, values), default=0) >= LIMIT else np.int64)


def objects(values: Sequence[int]) -> np.ndarray:
    """Python ints as an object array of one axis."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def bound(array: np.ndarray) -> int:
    """The largest magnitude in an integer array; 0 if it is empty."""
    # The least machine integer has no magnitude among them.
    return max(int(array.max()), -int(array.min())) if array.size else 0


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
        return _array(a.values.astype(object) * (1 << shift))
    return _array(a.values << shift)


def _array(values: Any) -> np.ndarray:
    """An array, of signed words where they suffice: arithmetic on object arrays without axes gives bare numbers."""
    return np.asarray(values) if not isinstance(values, int) else integers([values]).reshape(())
