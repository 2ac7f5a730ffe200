"""Numbers and element types in C."""

from __future__ import annotations

from fractions import Fraction
from math import copysign, isfinite

from ddcompile.backends.shared.printer import Text, atom
from ddcompile.kernel.nodes import BitType, RealType, Type, WordType
from ddcompile.kernel.scalars import real_of

__all__ = ["UNARY", "element_type", "hex_words", "number", "real_number"]

UNARY = 10
"""How tightly a sign binds, among the levels of `ddcompile.backends.c.expressions`."""


def element_type(type_: Type) -> str:
    """The C type of an element in memory; wide elements are several."""
    if isinstance(type_, BitType):
        return "uint8_t"
    if isinstance(type_, RealType):
        return "double"
    return "uint64_t" if type_.is_wide or isinstance(type_, WordType) else f"int{type_.width}_t"


def number(value: int) -> Text:
    """A machine integer."""
    if value == -(2**31):
        return atom("INT32_MIN")
    if value == -(2**63):
        return atom("INT64_MIN")
    if -(2**31) < value < 2**31:
        return Text(str(value)) if value >= 0 else Text(str(value), UNARY)
    return atom(f"INT64_C({value})")


def real_number(bits: int) -> Text | None:
    """A finite double with exactly its value: in decimal if that is short, else in hexadecimal; None if not finite."""
    value = real_of(bits)
    if not isfinite(value):
        return None
    text = repr(value)
    if "e" in text or Fraction(text) != Fraction(value):
        sign, _, rest = value.hex().partition("0x")
        mantissa, _, power = rest.partition("p")
        text = f"{sign}0x{mantissa.rstrip('0').rstrip('.')}p{power}"
    return Text(text) if copysign(1.0, value) > 0 else Text(text, UNARY)


def hex_words(value: int, words: int) -> list[str]:
    """The words of a number, least significant first."""
    mask = (1 << 64) - 1
    return [f"UINT64_C({(value >> (64 * k)) & mask:#x})" for k in range(words)]
