"""Batch normalisation with fixed statistics, and what of it is exact.

`y = scale * (x - mean) / sqrt(variance + epsilon) + shift`. The root is irrational as a rule; the sign of y
is exact all the same, since it compares x with a number whose square is rational.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.weights import exact_numbers, number_at
from ddcompile.ir.nodes import Number

__all__ = ["Norm", "Threshold", "rational_root"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a normalised unit changes its sign, on multiples of `2**-exponent`: `doubled / 2` such multiples.

    `doubled` is even if x can be there exactly, and then y is 0; else it is odd, between two values that x can have.
    `slope` is the sign of y above; if it is 0, y has the sign `doubled` everywhere.
    """

    doubled: int
    slope: int


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """Batch normalisation of the units of a layer, between its sum and its activation.

    Parameters
    ----------
    mean, variance, scale, shift : array_like of shape (units,)
        Exact numbers, see `Layer`.
    epsilon : float
        Added to every variance.

    Raises
    ------
    CompileError
        N101 to N103 for numbers and shapes, N111 if a variance plus epsilon is not positive.
    """

    mean: np.ndarray
    variance: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        for name in ("mean", "variance", "scale", "shift"):
            values = exact_numbers(getattr(self, name), name)
            if values.ndim != 1 or (name != "mean" and values.shape != self.mean.shape):
                raise fail("N103", f"the {name} of a batch norm has shape {values.shape}; it needs one number a unit")
            object.__setattr__(self, name, values)
        object.__setattr__(self, "epsilon", float(exact_numbers([self.epsilon], "epsilon")[0]))
        variances = self.variance.tolist()
        refused = {v for v in set(variances) if Fraction(v) + Fraction(self.epsilon) <= 0}
        if refused:
            unit = next(k for k, v in enumerate(variances) if v in refused)
            message = f"the variance of unit {unit} is {self.variance[unit]}, with epsilon {self.epsilon}"
            raise fail("N111", f"{message}; their sum must be positive")

    @property
    def units(self) -> int:
        """How many units are normalised."""
        return len(self.mean)

    def repeated(self, each: int) -> Norm:
        """Every unit so many times, side by side."""
        if each == 1:
            return self
        mean, variance, scale, shift = (
            np.repeat(part, each) for part in (self.mean, self.variance, self.scale, self.shift)
        )
        return Norm(mean, variance, scale, shift, self.epsilon)

    def total_variance(self, unit: int) -> Fraction:
        """The variance plus epsilon."""
        return number_at(self.variance, unit) + Fraction(self.epsilon)

    def threshold(self, unit: int, exponent: int) -> Threshold:
        """Where y is 0, if x is a multiple of `2**-exponent`.

        y is 0 at `x = mean - shift * sqrt(variance + epsilon) / scale`. The integers on either side of an irrational
        number are found by comparing squares.
        """
        mean, scale, shift = (number_at(a, unit) for a in (self.mean, self.scale, self.shift))
        if scale == 0:
            return Threshold((shift > 0) - (shift < 0), 0)
        slope = 1 if scale > 0 else -1
        offset = mean * 2**exponent
        factor = -shift / scale * 2**exponent
        square = factor * factor * self.total_variance(unit)
        root = rational_root(square)
        side = 1 if factor > 0 else -1
        if root is not None:
            place = offset + side * root
            below = floor(place)
            return Threshold(2 * below + (place != below), slope)
        below = floor(offset) + side * isqrt(floor(square))
        while _is_below(Fraction(below + 1) - offset, side, square):
            below += 1
        while not _is_below(Fraction(below) - offset, side, square):
            below -= 1
        return Threshold(2 * below + 1, slope)

    def affine(self, unit: int) -> Number | None:
        """The factor `scale / sqrt(variance + epsilon)`, if it is an integer or a double."""
        root = rational_root(self.total_variance(unit))
        if root is None:
            return None
        factor = number_at(self.scale, unit) / root
        try:
            return factor if Fraction(float(factor)) == factor else None
        except OverflowError:
            return None

    def factors(self) -> list[Number | None]:
        """`affine` of every unit; equal ones, such as those of neighbours on a grid, are computed once."""
        found: dict[tuple[Number, Number], Number | None] = {}
        pairs = list(zip(self.scale.tolist(), self.variance.tolist(), strict=True))
        for unit, pair in enumerate(pairs):
            if pair not in found:
                found[pair] = self.affine(unit)
        return [found[pair] for pair in pairs]


def _is_below(number: Fraction, side: int, square: Fraction) -> bool:
    """Whether a number is at most `side * sqrt(square)`, which is irrational."""
    if side > 0:
        return number <= 0 or number * number < square
    return number < 0 and number * number > square


def rational_root(square: Fraction) -> Fraction | None:
    """The square root of a number that is not negative, if it is rational."""
    top, bottom = isqrt(square.numerator), isqrt(square.denominator)
    return Fraction(top, bottom) if top * top == square.numerator and bottom * bottom == square.denominator else None
