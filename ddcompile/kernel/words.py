"""Nodes of the kernel IR that move the bits of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal as OneOf, TypeAlias

from ddcompile.kernel.scalars import I64, WORD, IntType, WordType

if TYPE_CHECKING:
    from ddcompile.kernel.nodes import Expr

__all__ = ["Count", "Pack", "Shift", "ShiftOp", "Strays"]

ShiftOp: TypeAlias = OneOf["<<", ">>"]


@dataclass(frozen=True, slots=True)
class Shift:
    """A word whose bits move by 0 to 63 places: `<<` to the higher ones, `>>` to the lower ones; zeros move in."""

    op: ShiftOp
    operand: Expr
    amount: Expr

    @property
    def type(self) -> WordType:
        """Always a word."""
        return WORD


@dataclass(frozen=True, slots=True)
class Pack:
    """Elements `index` to `index + 63` of a buffer of bits as a word."""

    buffer: str
    index: Expr

    @property
    def type(self) -> WordType:
        """Always a word."""
        return WORD


@dataclass(frozen=True, slots=True)
class Strays:
    """A word that is 0 where the bytes of elements `index` to `index + 63` of a buffer of bits are all 0 or 1.

    Besides it, only `Pack` may read an input that may hold other bytes: it gives any bits for these.
    """

    buffer: str
    index: Expr

    @property
    def type(self) -> WordType:
        """Always a word."""
        return WORD


@dataclass(frozen=True, slots=True)
class Count:
    """How many bits of a word are 1."""

    operand: Expr

    @property
    def type(self) -> IntType:
        """Always a 64-bit integer."""
        return I64
