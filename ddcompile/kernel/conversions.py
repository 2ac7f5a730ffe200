"""Nodes of the kernel IR that lead from exact numbers to binary64 numbers and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddcompile.kernel.scalars import F64, IntType, RealType

if TYPE_CHECKING:
    from ddcompile.kernel.nodes import Expr

__all__ = ["FromReal", "ToReal"]


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
