"""Arrays of integers as formulas of their places: affine in them, or a function of such a form modulo a number.

A checkerboard is `(i + j) % 2`, weights 1, 2, 3, 1, 2, 3, ... are `i % 3 + 1`, and a ramp is `2 * i - 7`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import gcd

import numpy as np

__all__ = ["Formula", "formulas"]

_MOST_MODULUS = 8
_MAX_WORK = 2**22
"""Entries looked at, over all forms and moduli."""


@dataclass(frozen=True, slots=True)
class Formula:
    """`values[r]`, or `factor * r + offset` if there are none, where r is an affine form of the place.

    Attributes
    ----------
    slopes, constant
        The form: a slope for every axis.
    modulus
        What r is taken modulo; 0 if it is not.
    factor, offset
        What is done with r.
    values
        An entry for every r from 0 to the modulus, exclusive; empty if the function of r is affine.
    """

    slopes: tuple[int, ...]
    constant: int
    modulus: int = 0
    factor: int = 1
    offset: int = 0
    values: tuple[int, ...] = ()


def formulas(weights: np.ndarray) -> Iterator[Formula]:
    """The formulas of an array; none if it is no function of one form over small integers, or of no axes.

    They are proposals in no particular order, each of them exact.
    """
    if weights.dtype != np.int64 or not weights.ndim or weights.size < 2:
        return
    places = np.indices(weights.shape).reshape(weights.ndim, -1)
    entries = weights.ravel()
    slopes = [
        int(weights[(*(int(a == axis) for a in range(weights.ndim)),)]) - int(entries[0]) if extent > 1 else 0
        for axis, extent in enumerate(weights.shape)
    ]
    if any(slopes) and (np.array(slopes) @ places + entries[0] == entries).all():
        yield Formula(tuple(slopes), int(entries[0]))
        return
    distinct = len(np.unique(entries))
    work = 0
    for modulus in range(max(distinct, 2), _MOST_MODULUS + 1):
        # A form and its multiples have the same residues in another order.
        for form in product(range(modulus), repeat=weights.ndim):
            if gcd(modulus, *form) != 1 or any(s and n <= modulus for s, n in zip(form, weights.shape, strict=True)):
                continue
            work += entries.size
            if work > _MAX_WORK:
                return
            residues = np.array(form) @ places % modulus
            values = np.zeros(modulus, dtype=np.int64)
            values[residues] = entries
            if (values[residues] == entries).all() and len(np.unique(residues)) == modulus:
                yield from _over(_near_zero(form, modulus), modulus, values.tolist())


def _near_zero(form: tuple[int, ...], modulus: int) -> tuple[int, ...]:
    return tuple(s - modulus if 2 * s > modulus else s for s in form)


def _over(form: tuple[int, ...], modulus: int, values: list[int]) -> Iterator[Formula]:
    """A table over the residues, and affine functions of the residues with a number added."""
    yield Formula(form, 0, modulus, values=tuple(values))
    for constant in range(modulus):
        first, *others = (values[(r - constant) % modulus] for r in range(modulus))
        factor = others[0] - first
        if factor and all(value == factor * r + first for r, value in enumerate(others, 1)):
            yield Formula(form, constant, modulus, factor, first)
