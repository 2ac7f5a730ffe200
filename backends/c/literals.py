"""Numbers and element types in C."""

from __future__ import annotations

from ddcompile.backends.shared.printer import Text, atom
from ddcompile.kernel.nodes import BitType, IntType, Type

__all__ = ["UNARY", "element_type", "hex_words", "is_wide", "number"]

UNARY = 10
"""How tightly a sign binds, among the levels of `ddcompile.backends.c.expressions`."""


def element_type(type_: Type) -> str:
    """The C type of an element in memory; wide elements are several."""
    if isinstance(type_, BitType):
        return "uint8_t"
    return "uint64_t" if type_.is_wide else f"int{type_.width}_t"


def is_wide(type_: Type) -> bool:
    """Whether values of a type are structs in C."""
    return isinstance(type_, IntType) and type_.is_wide


def number(value: int) -> Text:
    """A machine integer."""
    if value == -(2**31):
        return atom("INT32_MIN")
    if value == -(2**63):
        return atom("INT64_MIN")
    if -(2**31) < value < 2**31:
        return Text(str(value)) if value >= 0 else Text(str(value), UNARY)
    return atom(f"INT64_C({value})")


def hex_words(value: int, words: int) -> list[str]:
    """The words of a number, least significant first."""
    mask = (1 << 64) - 1
    return [f"UINT64_C({(value >> (64 * k)) & mask:#x})" for k in range(words)]
