"""Arithmetic with exact numbers on the units of one sample, element by element; shared by front ends."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ddcompile.frontends.activations import Activation
from ddcompile.frontends.drafts import Drafts
from ddcompile.ir.nodes import Number

__all__ = ["affine", "combined", "objects"]


def objects(array: np.ndarray) -> np.ndarray:
    """Exact numbers as Python ints and fractions."""
    found = np.empty(array.shape, dtype=object)
    found.reshape(-1)[:] = [v if isinstance(v, int) else Fraction(v) for v in array.ravel().tolist()]
    return found


def affine(
    drafts: Drafts, ids: np.ndarray, factors: Any, shifts: Any, path: str, activation: Activation = "identity"
) -> np.ndarray:
    """`activation(factors * x + shifts)` of units of any shape; the numbers are broadcast to it."""
    factors, shifts = (np.broadcast_to(np.asarray(v, dtype=object), ids.shape) for v in (factors, shifts))
    first, second = _same(factors), _same(shifts)
    if first is not None and second is not None:
        return drafts.mapped(ids, path, activation, first, second)
    found = drafts.pointwise([ids.ravel()], factors.reshape(1, -1), shifts.ravel(), path, activation)
    return found.reshape(ids.shape)


def _same(values: np.ndarray) -> Number | None:
    """The number that all entries are; None if they differ."""
    first: Number = values.flat[0]
    is_same = all(stride == 0 for stride in values.strides) or (values == first).all()
    return first if is_same else None


def combined(
    drafts: Drafts,
    first: np.ndarray,
    second: np.ndarray,
    factor: Number,
    path: str,
    activation: Activation = "identity",
) -> np.ndarray:
    """`activation(x + factor * y)` of units of the same shape."""
    if np.array_equal(first, second):
        return affine(drafts, first, 1 + factor, 0, path, activation)
    factors = np.empty((2, first.size), dtype=object)
    factors[0], factors[1] = 1, factor
    zeros = np.zeros(first.size, dtype=np.int64)
    return drafts.pointwise([first.ravel(), second.ravel()], factors, zeros, path, activation).reshape(first.shape)
