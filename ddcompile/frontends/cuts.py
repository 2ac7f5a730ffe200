"""Units over doubles that look at one value: exact comparisons of it with a double.

`sign(w * x + b)` is decided by x against -b / w, which is no double as a rule. But x is one, so it is enough to know
the doubles on either side: x > t means x > low, x < t means x < high, with low <= t <= high the nearest doubles. The
same holds behind a batch norm, whose t is irrational.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, isqrt, nextafter

import numpy as np

from ddcompile.frontends.forms import Form, Tensor
from ddcompile.frontends.normalization import Norm, rational_root
from ddcompile.frontends.weights import number_at

__all__ = ["Cut", "cut_of_sum", "cuts_of"]

_MOST_TERMS = 16
"""A row with more weights than this is not looked at."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A unit that is positive where `slope * tensor[element]` exceeds t, which lies between two doubles or is both.

    `slope` is -1, 1, or 0 for a unit that is constant.
    """

    tensor: Tensor
    element: int
    slope: int
    low: float
    high: float


def cuts_of(weight: np.ndarray, bias: np.ndarray, forms: Sequence[Form], norm: Norm | None) -> list[Cut | None]:
    """For every unit of a layer, the comparison that it is; None if it looks at several values.

    Parameters
    ----------
    weight, bias : array
        Of the layer, exact.
    forms : sequence of Form
        What the layer reads, one after the other.
    norm : Norm, optional
    """
    elements = [(form, k) for form in forms for k in range(form.count)]
    return [_cut(row, number_at(bias, unit), elements, norm, unit) for unit, row in enumerate(weight)]


def cut_of_sum(tensor: Tensor, norm: Norm, unit: int) -> Cut | None:
    """The comparison that a normalised unit is of its sum, which is an element of a tensor."""
    between = _zero_of(Fraction(1), Fraction(0), norm, unit)
    return None if between is None else Cut(tensor, unit, *between)


def _cut(
    row: np.ndarray, offset: Fraction, elements: Sequence[tuple[Form, int]], norm: Norm | None, unit: int
) -> Cut | None:
    columns = np.flatnonzero(row)
    if len(columns) > _MOST_TERMS:
        return None
    terms: dict[tuple[Tensor, int], Fraction] = {(elements[0][0].terms[0][0], 0): Fraction(0)}
    for column in columns.tolist():
        form, k = elements[column]
        factor = number_at(row, column)
        offset += factor * number_at(form.full(form.shift), k)
        for tensor, factors in form.terms:
            terms[tensor, k] = terms.get((tensor, k), Fraction(0)) + factor * number_at(form.full(factors), k)
    kept = [(place, factor) for place, factor in terms.items() if factor] or list(terms.items())[:1]
    if len(kept) > 1:
        return None
    ((tensor, element), factor), *_ = kept
    between = _zero_of(factor, offset, norm, unit)
    return None if between is None else Cut(tensor, element, *between)


def _zero_of(factor: Fraction, offset: Fraction, norm: Norm | None, unit: int) -> tuple[int, float, float] | None:
    """The slope of `norm(factor * x + offset)`, and the doubles about the zero of the same in `slope * x`."""
    if norm is None:
        return _with_root(factor, offset, 0, Fraction(0))
    scale, lift = number_at(norm.scale, unit), number_at(norm.shift, unit)
    slope, shift = factor * scale, (offset - number_at(norm.mean, unit)) * scale
    square = lift * lift * norm.total_variance(unit)
    side = (lift > 0) - (lift < 0)
    root = rational_root(square)
    return _with_root(slope, shift, side, square) if root is None else _with_root(slope, shift + side * root, 0, square)


def _with_root(slope: Fraction, shift: Fraction, side: int, square: Fraction) -> tuple[int, float, float] | None:
    """The doubles about the zero of `|slope| * y + shift + side * sqrt(square)`."""
    direction = (slope > 0) - (slope < 0)
    if slope == 0:
        above = _compare_root(shift, side, square)
        return 0, float(-above), float(-above)
    digits = 128
    while True:
        scale = 1 << digits
        below = Fraction(isqrt(int(square * scale * scale)), scale)
        step = Fraction(1, scale) if side else Fraction(0)
        ends = sorted(-(shift + side * root) / abs(slope) for root in (below, below + step))
        found = [_doubles(end) for end in ends]
        if found[0] is None or found[1] is None:
            return None
        if found[0] == found[1]:
            return direction, *found[0]
        digits *= 2


def _compare_root(shift: Fraction, side: int, square: Fraction) -> int:
    """The sign of `shift + side * sqrt(square)`."""
    if not side:
        return (shift > 0) - (shift < 0)
    if shift * side >= 0:
        return side
    return -side if shift * shift > square else side


def _doubles(value: Fraction) -> tuple[float, float] | None:
    """The greatest double below a number or equal to it, and the least above or equal; None beyond their range."""
    try:
        nearest = float(value)
    except OverflowError:
        return None
    exact = Fraction(nearest)
    low = nearest if exact <= value else nextafter(nearest, -inf)
    high = nearest if exact >= value else nextafter(nearest, inf)
    return None if inf in (high, -low) else (low + 0.0, high + 0.0)
