"""Comparisons that a framework makes with what it has rounded, as comparisons of the doubles that it is given.

scikit-learn looks whether `float32(x) <= threshold`. Rounding to nearest is monotone, so this is `x <= cut`, where cut
is the largest double that passes: half way to the next float32 if that rounds down, ties to even, else the double
below. The same holds behind scalers, each operation of which is rounded and monotone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

__all__ = ["Monotone", "as_float32", "below", "largest"]

Monotone: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""What a framework makes of doubles and the numbers of their inputs; it never falls where they rise."""

_SIGN = np.int64(-(2**63))


def as_float32(values: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Rounded to float32, to nearest, ties to even."""
    rounded: np.ndarray = values.astype(np.float32).astype(np.float64)
    return rounded


def largest(made: Monotone, thresholds: np.ndarray, features: np.ndarray) -> np.ndarray:
    """For every threshold, the largest double x with `made(x, feature) <= threshold`.

    Returns
    -------
    ndarray of float64
        inf where every finite double passes, -inf where none does.
    """
    most = np.finfo(np.float64).max
    thresholds, features = np.asarray(thresholds, dtype=np.float64), np.asarray(features)

    def passes(x: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.asarray(made(x, features) <= thresholds)

    full = np.full(thresholds.shape, most)
    all_pass, none_pass = passes(full), ~passes(-full)
    low, high = _number(-full), _number(full)
    while (high > low + 1).any():
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        found = passes(_double(middle))
        low, high = np.where(found, middle, low), np.where(found, high, middle)
    return np.where(all_pass, np.inf, np.where(none_pass, -np.inf, _double(low) + 0.0))


def below(thresholds: np.ndarray) -> np.ndarray:
    """`x < threshold` as `x <= cut` for doubles."""
    return np.nextafter(np.asarray(thresholds, dtype=np.float64), -np.inf)


def _number(values: np.ndarray) -> np.ndarray:
    """The place of a double in the order of doubles; 0 is that of 0."""
    bits = np.ascontiguousarray(values).view(np.int64)
    return np.where(bits >= 0, bits, _SIGN - bits)


def _double(numbers: np.ndarray) -> np.ndarray:
    bits = np.where(numbers >= 0, numbers, _SIGN - numbers)
    return np.ascontiguousarray(bits).view(np.float64)
