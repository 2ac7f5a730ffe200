"""Arithmetic with exact numbers on the units of one sample, element by element; shared by front ends."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ddcompile.frontends.activations import Activation
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.grids import DECIDING
from ddcompile.frontends.monotone import Plain, decision
from ddcompile.frontends.network import INPUTS
from ddcompile.ir.nodes import Number

__all__ = ["affine", "asked", "combined", "divided", "quotient"]


def affine(
    drafts: Drafts, ids: np.ndarray, factors: Any, shifts: Any, path: str, activation: Activation = "identity"
) -> np.ndarray:
    """`activation(factors * x + shifts)` of units of any shape; the numbers are broadcast to it."""
    factors, shifts = (np.broadcast_to(np.asarray(v, dtype=object), ids.shape) for v in (factors, shifts))
    plain = decision(drafts, [(ids.ravel(), factors.ravel())], shifts.ravel()) if activation in DECIDING else None
    return (
        _affine(drafts, ids, factors, shifts, path, activation)
        if plain is None
        else asked(drafts, plain, path, activation).reshape(ids.shape)
    )


def asked(drafts: Drafts, plain: Plain, path: str, activation: Activation = "identity") -> np.ndarray:
    """Flat units that decide, or are decided about, in place of a tanh or sigmoid."""
    units = _affine(drafts, plain.ids, plain.factors, plain.shifts, path, activation)
    return drafts.decided(units, plain.activation)


def _affine(
    drafts: Drafts, ids: np.ndarray, factors: np.ndarray, shifts: np.ndarray, path: str, activation: Activation
) -> np.ndarray:
    first, second = _same(factors), _same(shifts)
    if first is not None and second is not None:
        return drafts.mapped(ids, path, activation, first, second)
    runs = _positions(drafts, ids, factors, shifts)
    flat, offsets = factors.reshape(-1)[::runs], shifts.reshape(-1)[::runs]
    return drafts.pointwise([ids.ravel()], flat[None], offsets, path, activation).reshape(ids.shape)


def divided(drafts: Drafts, ids: np.ndarray, factor: Number, divisor: int, path: str) -> np.ndarray:
    """`factor * x / divisor` of units of any shape."""
    runs = _positions(drafts, ids)
    factors = np.full((1, ids.size // runs), factor, dtype=object)
    zeros = np.zeros(ids.size // runs, dtype=np.int64)
    return drafts.divided(drafts.pointwise([ids.ravel()], factors, zeros, path), divisor, path).reshape(ids.shape)


def quotient(drafts: Drafts, ids: np.ndarray, divisors: np.ndarray, path: str) -> np.ndarray:
    """`x / divisors` of units of any shape, by exact numbers of that shape, none of them 0."""
    same = _same(divisors)
    if same is not None:
        by = Fraction(same)
        return divided(drafts, ids, by.denominator if by > 0 else -by.denominator, abs(by.numerator), path)
    runs = _positions(drafts, ids, divisors)
    flat = divisors.reshape(-1)[::runs]
    signs = np.array([[1 if v > 0 else -1 for v in flat.tolist()]], dtype=np.int64)
    units = drafts.pointwise([drafts.arranged(ids.ravel(), path)], signs, np.zeros(len(flat), dtype=np.int64), path)
    drafts.layers[-1] = replace(drafts.layers[-1], divisors=np.abs(flat))
    return units.reshape(ids.shape)


def _positions(drafts: Drafts, ids: np.ndarray, *numbers: np.ndarray) -> int:
    """How many neighbours share their numbers, on the last axes of units on a grid; 1 of other units."""
    if not all(k != INPUTS and drafts.layers[k].positions > 1 for k in np.unique(drafts.owners(ids)).tolist()):
        return 1
    count = 1
    for axis in reversed(range(1, ids.ndim)):
        if any(array.strides[axis] for array in numbers) and ids.shape[axis] > 1:
            break
        count *= ids.shape[axis]
    return count


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
    terms = [(first.ravel(), 1), (second.ravel(), factor)]
    plain = decision(drafts, terms, 0) if activation in DECIDING else None
    if plain is not None:
        return asked(drafts, plain, path, activation).reshape(first.shape)
    runs = min(_positions(drafts, ids) for ids in (first, second))
    factors = np.empty((2, first.size // runs), dtype=object)
    factors[0], factors[1] = 1, factor
    zeros = np.zeros(first.size // runs, dtype=np.int64)
    return drafts.pointwise([first.ravel(), second.ravel()], factors, zeros, path, activation).reshape(first.shape)
