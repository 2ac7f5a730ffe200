"""Binary floating-point types, and which numbers they hold."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

__all__ = ["DOUBLE", "FLOAT_TYPES", "FloatType"]


@dataclass(frozen=True, slots=True)
class FloatType:
    """A binary floating-point type: bits of the significand, exponents of the least subnormal and of the largest."""

    bits: int
    least: int
    most: int

    @property
    def u(self) -> float:
        """Half the distance from 1 to the next number."""
        return 2.0**-self.bits

    @property
    def tiny(self) -> float:
        """The least positive number."""
        return 2.0**self.least

    @property
    def huge(self) -> float:
        """Below this, nothing overflows."""
        return 2.0 ** (self.most - 1)

    def holds(self, values: np.ndarray) -> bool:
        """Whether every finite number is one of the type."""
        floats = values.astype(np.float64)
        if not np.isfinite(floats).all() or (np.abs(floats) >= self.huge).any():
            return False
        if values.dtype == object and any(Fraction(f) != v for f, v in zip(floats.flat, values.flat, strict=True)):
            return False
        if values.dtype == np.int64 and (floats.astype(object) != values.astype(object)).any():
            return False
        step = np.maximum(2.0 ** (np.frexp(floats)[1] - self.bits), self.tiny)
        return bool((np.fmod(floats, step) == 0).all())


FLOAT_TYPES = {
    "float16": FloatType(11, -24, 16),
    "bfloat16": FloatType(8, -133, 128),
    "float32": FloatType(24, -149, 128),
    "float64": FloatType(53, -1074, 1024),
}
DOUBLE = FLOAT_TYPES["float64"]
