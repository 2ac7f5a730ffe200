"""Nodes of the kernel IR that lead from one type to another, and calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddcompile.kernel.scalars import F64, IntType, RealType, Type

if TYPE_CHECKING:
    from ddcompile.kernel.nodes import Expr

__all__ = ["Answer", "Apply", "Convert", "FromReal", "Reinterpret", "ToReal"]


@dataclass(frozen=True, slots=True)
class Convert:
    """The same exact number in another type, which holds it: sign extension, truncation, bit to integer and back.

    A bit becomes bit 0 of a word whose other bits are 0. A word becomes the `I64` with the
    same bits.
    """

    operand: Expr
    type: Type


@dataclass(frozen=True, slots=True)
class ToReal:
    """The integer n as the number n * 2**-exponent, rounded once, to nearest even: beyond the range an infinity.

    Below 2**-1022 the result is a multiple of 2**-1074, again rounded once from the exact number. The exponent of a
    machine integer is not greater than 1022, so that scaling by a power of two is exact after rounding to 53 bits.
    """

    operand: Expr
    exponent: int = 0

    @property
    def type(self) -> RealType:
        """Always binary64."""
        return F64


@dataclass(frozen=True, slots=True)
class FromReal:
    """The integer `operand * 2**exponent` of a finite operand for which it is one that the type holds.

    The exponent is 0 and the type `I32`, or the exponent is `FINEST` and the type a wide one.
    """

    operand: Expr
    exponent: int
    type: IntType


@dataclass(frozen=True, slots=True)
class Reinterpret:
    """The number of type `F64` with the bits of an `I64`, or the other way round."""

    operand: Expr
    type: IntType | RealType


@dataclass(frozen=True, slots=True)
class Apply:
    """An elementary function, by its name, of a binary64 number (see `ddcompile.kernel.routines`)."""

    function: str
    operand: Expr

    @property
    def type(self) -> RealType:
        """Always binary64."""
        return F64


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a function of this kernel that takes scalars alone and has no effect."""

    function: str
    arguments: tuple[Expr, ...]
    type: Type
