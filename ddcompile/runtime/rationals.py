"""Inputs of kind rat as scaled integers and as binary64 numbers; a value is a `Fraction` over a power of two."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.ir.ranges import ValueType
from ddcompile.runtime.arrays import Prepared

__all__ = ["binary64", "ranged_types", "rational_types", "scaled"]

_GRAIN = 16
"""Fraction bits and widths of `ranged_types` are multiples of it, so that like data have equal types."""


def _rationals(prepared: Prepared) -> Iterator[tuple[str, np.ndarray]]:
    for declaration, array in zip(prepared.rule.inputs, prepared.arrays, strict=True):
        if declaration.type.kind == "rat":
            yield declaration.name, array


def _fraction_bits(array: np.ndarray) -> int:
    return max((value.denominator.bit_length() - 1 for value in array.flat), default=0)


def _scaled(value: Fraction, exponent: int) -> int:
    return value.numerator << exponent - value.denominator.bit_length() + 1


def rational_types(prepared: Prepared) -> dict[str, ValueType]:
    """Types for `infer` of the inputs of kind rat: the fewest fraction bits that their values need, and no bounds."""
    return {name: ValueType("rat", None, None, _fraction_bits(array)) for name, array in _rationals(prepared)}


def ranged_types(prepared: Prepared) -> dict[str, ValueType]:
    """Types for `infer` of the inputs of kind rat: fraction bits and ranges that hold their values, rounded up."""
    found = {}
    for name, array in _rationals(prepared):
        exponent = -(-_fraction_bits(array) // _GRAIN) * _GRAIN
        bits = max((_scaled(value, exponent).bit_length() for value in array.flat), default=0)
        limit = (1 << (bits // _GRAIN + 1) * _GRAIN - 1) - 1
        found[name] = ValueType("rat", -limit, limit, exponent)
    return found


def scaled(array: np.ndarray, exponent: int) -> np.ndarray:
    """The values times 2**exponent, integers, as objects."""
    integers = np.empty(array.size, dtype=object)
    integers[:] = [_scaled(value, exponent) for value in array.flat]
    return integers.reshape(array.shape)


def binary64(name: str, array: np.ndarray) -> np.ndarray:
    """The values as float64, for code that takes rationals as doubles.

    Raises
    ------
    CompileError
        A008 if a value is no double.
    """
    doubles = np.empty(array.size, dtype=np.float64)
    for number, value in enumerate(array.flat):
        try:
            doubles[number] = float(value)
        except OverflowError:
            doubles[number] = np.inf
        if doubles[number] != value:
            raise fail(
                "A008",
                f"a value of `{name}` is no double, and compiled C takes rationals as doubles",
                place=name,
                hint="round it first, or use another engine",
            )
    return doubles.reshape(array.shape)
