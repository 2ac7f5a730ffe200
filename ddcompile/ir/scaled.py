"""Constants as scaled integers, value = n * 2**-exponent with one exponent an array; and as doubles."""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np

__all__ = ["double", "doubles", "is_dyadic", "scaled_integers"]

_seen: dict[int, tuple[weakref.ref[Any], np.ndarray, int]] = {}
"""Results for arrays that are still alive; constants are read-only and shared by all versions of a rule."""


def is_dyadic(array: np.ndarray) -> bool:
    """Whether every entry of an array in canonical form is an integer over a power of two."""
    if array.dtype != object or set(map(type, array.flat)) <= {int}:
        return True
    return all(v.denominator & (v.denominator - 1) == 0 for v in array.flat)


def double(numerator: int, denominator: int = 1) -> float:
    """The double nearest to a fraction, ties to even; infinite beyond the range."""
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def doubles(array: np.ndarray) -> np.ndarray:
    """The doubles nearest to the entries of an array in canonical form; read-only."""
    if array.dtype == np.float64:
        return array
    flat = [double(v.numerator, v.denominator) for v in array.ravel().tolist()]
    found = np.array(flat, dtype=np.float64).reshape(array.shape)
    found.flags.writeable = False
    return found


def scaled_integers(array: np.ndarray) -> tuple[np.ndarray, int]:
    """The scaled integers of an array in canonical form and the least exponent that they all share.

    Returns
    -------
    tuple of ndarray and int
        int64 if all fit, with room for a sum of two, else objects.

    Raises
    ------
    ValueError
        If an entry is no integer over a power of two.
    """
    if array.dtype == np.int64:
        return array, 0
    key = id(array)
    known = _seen.get(key)
    if known is not None and known[0]() is array:
        return known[1], known[2]
    integers, exponent = _from_doubles(array) if array.dtype == np.float64 else _from_objects(array)
    if not array.flags.writeable:
        _seen[key] = (weakref.ref(array, lambda _: _seen.pop(key, None)), integers, exponent)
    return integers, exponent


def _from_doubles(array: np.ndarray) -> tuple[np.ndarray, int]:
    mantissa, power = np.frexp(array)
    integers = np.ldexp(mantissa, 53).astype(np.int64)
    lowest = np.where(integers == 0, 1, integers & -integers)
    zeros = np.frexp(lowest.astype(np.float64))[1] - 1
    integers = integers >> zeros
    powers = np.where(integers == 0, 0, power.astype(np.int64) - 53 + zeros)
    exponent = max(0, -int(powers.min(initial=0)))
    shifts = np.where(integers == 0, 0, powers + exponent)
    widths = np.frexp(np.abs(integers).astype(np.float64))[1] + shifts
    if int(widths.max(initial=0)) < 62:
        return integers << shifts, exponent
    return integers.astype(object) << shifts.astype(object), exponent


def _from_objects(array: np.ndarray) -> tuple[np.ndarray, int]:
    if not is_dyadic(array):
        raise ValueError("a constant has an entry without a finite binary expansion")
    flat = array.ravel().tolist()
    exponent = 0
    if not set(map(type, flat)) <= {int}:
        exponent = max((v.denominator.bit_length() - 1 for v in flat), default=0)
        flat = [v.numerator << (exponent - v.denominator.bit_length() + 1) for v in flat]
    integers = np.empty(len(flat), dtype=object)
    integers[:] = flat
    if not flat or (min(flat) > -(2**62) and max(flat) < 2**62):
        integers = integers.astype(np.int64)
    return integers.reshape(array.shape), exponent
