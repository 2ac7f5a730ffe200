"""Many planes at once: on which side of each the points are, exactly where all are whole numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["Planes", "narrow", "signs", "working_type"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Planes: TypeAlias = tuple[Array, Array]
"""Weights of shape (planes, features) and biases of shape (planes,)."""

BLOCK = 4096
"""How many planes are looked at together."""


def signs(points: Array, planes: Planes) -> Array:
    """-1, 0 or 1, of type int8 and shape (planes, points), for points of shape (points, features)."""
    weights, bias = planes
    result = np.empty((len(bias), len(points)), dtype=np.int8)
    kind = working_type(points, planes)
    columns = points.T.astype(kind, copy=False)
    for start in range(0, len(bias), BLOCK):
        rows = slice(start, start + BLOCK)
        values = weights[rows].astype(kind, copy=False) @ columns + bias[rows, None].astype(kind, copy=False)
        np.sign(values, out=values)
        result[rows] = values
    return result


def working_type(points: Array, planes: Planes) -> type[Any]:
    """The quickest type of numbers in which sums of weighted whole numbers are exact; float64 for reals."""
    weights, bias = planes
    if points.dtype.kind == "f" or weights.dtype.kind == "f" or not points.size or not weights.size:
        return np.float64
    largest = int(abs(points).max()) * int(abs(weights.astype(np.int64)).sum(axis=1).max()) + int(abs(bias).max())
    return np.float32 if largest < 2**24 else np.float64 if largest < 2**53 else np.int64


def narrow(numbers: Array) -> Array:
    """Whole numbers in the narrowest type that holds them; reals as they are."""
    if numbers.dtype.kind == "f" or not numbers.size:
        return numbers
    return numbers.astype(np.min_scalar_type(-1 - int(abs(numbers).max())))
