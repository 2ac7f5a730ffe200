"""Arrays of integers as formulas of their places: affine in them, or a function of such a form modulo a number.

A checkerboard is `(i + j) % 2`, weights 1, 2, 3, 1, 2, 3, ... are `i % 3 + 1`, and a ramp is `2 * i - 7`. A few entries
may be others: the formula is that of most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import gcd

import numpy as np

from ddcompile.analysis.slices import mode

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

    def at(self, places: np.ndarray) -> np.ndarray:
        """The entries at places, which have an axis for every one of the array first."""
        form = np.tensordot(np.array(self.slopes), places, axes=1) + self.constant
        form = form % self.modulus if self.modulus else form
        return np.array(self.values)[form] if self.values else self.factor * form + self.offset


def formulas(weights: np.ndarray, exceptions: int = 0) -> Iterator[Formula]:
    """The formulas of an array; none if it is no function of one form over small integers, or of no axes.

    They are proposals in no particular order, each of them right but for that many entries at most.
    """
    if weights.dtype != np.int64 or not weights.ndim or weights.size < 2:
        return
    places = np.indices(weights.shape).reshape(weights.ndim, -1)
    entries = weights.ravel()
    slopes = [int(mode(np.diff(weights, axis=a))[0]) if n > 1 else 0 for a, n in enumerate(weights.shape)]
    constant = int(mode(entries - np.array(slopes) @ places)[0])
    ramp = Formula(tuple(slopes), constant)
    if any(slopes) and np.count_nonzero(ramp.at(places) != entries) <= exceptions:
        yield ramp
        if not exceptions:
            return
    distinct, codes = np.unique(entries, return_inverse=True)
    work = 0
    for modulus in range(2 if exceptions else max(len(distinct), 2), _MOST_MODULUS + 1):
        # A form and its multiples have the same residues in another order.
        for form in product(range(modulus), repeat=weights.ndim):
            if gcd(modulus, *form) != 1 or any(s and n <= modulus for s, n in zip(form, weights.shape, strict=True)):
                continue
            work += entries.size
            if work > _MAX_WORK:
                return
            residues = np.array(form) @ places % modulus
            votes = np.bincount(residues * len(distinct) + codes, minlength=modulus * len(distinct))
            votes = votes.reshape(modulus, len(distinct))
            if entries.size - votes.max(axis=1).sum() <= exceptions and votes.any(axis=1).all():
                values = distinct[votes.argmax(axis=1)].tolist()
                if len(set(values)) > 1:
                    yield from _over(_near_zero(form, modulus), modulus, values)


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
