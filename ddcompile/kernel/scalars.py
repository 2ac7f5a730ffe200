"""Types of kernel scalars: bits, words of 64 bits, signed integers of any width, and IEEE binary64 numbers."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "BIT",
    "F64",
    "FINEST",
    "I8",
    "I16",
    "I32",
    "I64",
    "WORD",
    "BitType",
    "IntType",
    "RealType",
    "Type",
    "WordType",
    "bits_of",
    "int_type",
    "real_of",
]

FINEST = 1074
"""Every finite binary64 number is an integer times 2**-FINEST."""


class _MachineType:
    """A type of which an element is one item of memory."""

    __slots__ = ()

    @property
    def words(self) -> int:
        """Items of memory that an element takes."""
        return 1

    @property
    def is_wide(self) -> bool:
        """Whether no machine type holds the type."""
        return False


@dataclass(frozen=True, slots=True)
class BitType(_MachineType):
    """The values 0 and 1; a byte in memory."""

    def __str__(self) -> str:
        return "bit"

    @property
    def bytes(self) -> int:
        """Bytes an element takes in memory."""
        return 1


@dataclass(frozen=True, slots=True)
class WordType(_MachineType):
    """64 bits side by side, bit k being the one of weight 2**k; no number."""

    def __str__(self) -> str:
        return "word"

    @property
    def bytes(self) -> int:
        """Bytes an element takes in memory."""
        return 8


@dataclass(frozen=True, slots=True)
class RealType(_MachineType):
    """IEEE binary64 numbers: signed zeros, infinities and NaN among them."""

    def __str__(self) -> str:
        return "f64"

    @property
    def bytes(self) -> int:
        """Bytes an element takes in memory."""
        return 8


@dataclass(frozen=True, slots=True)
class IntType:
    """Signed two's complement integers of `width` bits: 8, 16, 32, 64, 128, 192, ..."""

    width: int

    def __post_init__(self) -> None:
        if self.width not in (8, 16, 32) and (self.width <= 0 or self.width % 64):
            raise ValueError(f"no integer type of {self.width} bits")

    def __str__(self) -> str:
        return f"i{self.width}"

    @property
    def bytes(self) -> int:
        """Bytes an element takes in memory."""
        return self.width // 8

    @property
    def words(self) -> int:
        """Words of 64 bits that an element takes, 1 for the machine types."""
        return max(1, self.width // 64)

    @property
    def is_wide(self) -> bool:
        """Whether no machine integer holds the type."""
        return self.width > 64

    @property
    def low(self) -> int:
        """The least value of the type."""
        return -(1 << (self.width - 1))

    @property
    def high(self) -> int:
        """The greatest value of the type."""
        return (1 << (self.width - 1)) - 1


Type: TypeAlias = BitType | WordType | IntType | RealType

BIT = BitType()
WORD = WordType()
F64 = RealType()
I8 = IntType(8)
I16 = IntType(16)
I32 = IntType(32)
I64 = IntType(64)


def int_type(low: int, high: int) -> IntType:
    """The narrowest integer type that holds every value from `low` to `high`."""
    bits = max((~low if low < 0 else low).bit_length(), (~high if high < 0 else high).bit_length()) + 1
    for width in (8, 16, 32):
        if bits <= width:
            return IntType(width)
    return IntType(-(-bits // 64) * 64)


def bits_of(number: float) -> int:
    """The 64 bits of a binary64 number; they tell 0.0 from -0.0, and a NaN equals itself."""
    return int.from_bytes(struct.pack("<d", number), "little")


def real_of(bits: int) -> float:
    """The binary64 number of some bits."""
    (number,) = struct.unpack("<d", bits.to_bytes(8, "little"))
    return float(number)
