"""How Python spells operators and numbers, and what kind of number a Python expression gives."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from ddcompile.backends.shared.printer import ATOM, Notation, Operator, Text, atom, infix, prefix
from ddcompile.ir.nodes import Number
from ddcompile.ir.scaled import double

__all__ = ["COMPARISON", "NEGATION", "PYTHON", "Part", "Sort", "join", "number", "real_number", "span"]

_OR, _AND, _NOT, COMPARISON, _XOR, _SHIFT, _SUM, _PRODUCT, NEGATION = 1, 2, 3, 4, 6, 8, 9, 10, 11

PYTHON = Notation(
    {
        "if": Operator("{} if {} else {}", 0, (_OR, _OR, 0)),
        "or": infix("or", _OR),
        "and": infix("and", _AND),
        "not": prefix("not ", _NOT),
        "xor": infix("^", _XOR),
        "+": infix("+", _SUM),
        "-": infix("-", _SUM),
        "*": infix("*", _PRODUCT),
        "%": infix("%", _PRODUCT),
        "/": infix("/", _PRODUCT),
        ">>": infix(">>", _SHIFT),
        "negate": prefix("-", NEGATION),
    }
)
"""Python's operators under the names of the rule IR's, by how tightly they bind."""

_DIGITS_LIMIT = 4000
"""Longer integers are printed in hexadecimal; Python reads at most 4300 decimal digits."""


class Sort(IntEnum):
    """What a Python expression gives at run time."""

    INT = 0
    BOOL = 1
    """A bool, or an int; converted where it is stored."""
    MIXED = 2
    """An int or a Fraction."""
    FRACTION = 3
    REAL = 4
    """A float."""


@dataclass(frozen=True, slots=True)
class Part:
    """A printed expression and what it gives."""

    text: Text
    sort: Sort
    value: Number | None = None
    """Of a literal."""
    is_small: bool = False
    """Whether the value is exact and certainly in the range of doubles."""

    def __str__(self) -> str:
        return self.text.text

    @property
    def is_rational(self) -> bool:
        """Whether the value is exact and may be no integer."""
        return Sort.MIXED <= self.sort <= Sort.FRACTION

    def stored(self, sort: Sort) -> Text:
        """The text with its value made a float, a Fraction, or an int that is no bool."""
        if sort == Sort.REAL:
            return self._rounded()
        if sort >= Sort.MIXED:
            return self.text if self.sort == Sort.FRACTION else atom(f"Fraction({self})")
        return atom(f"int({self})") if self.sort == Sort.BOOL else self.text

    def _rounded(self) -> Text:
        """The text with its value rounded to a double."""
        if self.sort == Sort.REAL:
            return self.text
        if self.value is not None:
            return real_number(double(self.value.numerator, self.value.denominator))
        return atom(f"{'float' if self.is_small else '_real'}({self})")


def join(parts: Iterable[Part]) -> tuple[Sort, list[Text]]:
    """What one of several parts gives, and the parts: all of them floats, or Fractions, if one of them may be one."""
    listed = list(parts)
    sort = max(part.sort for part in listed)
    if sort < Sort.MIXED:
        return sort, [part.text for part in listed]
    sort = max(sort, Sort.FRACTION)
    return sort, [part.stored(sort) for part in listed]


def number(value: int | Fraction) -> Part:
    """A literal: an integer, or the exact value of a double."""
    if isinstance(value, Fraction):
        return Part(atom(f"Fraction({_terms(value)})"), Sort.FRACTION, value)
    digits = str(value) if abs(value) < 10**_DIGITS_LIMIT else hex(value)
    return Part(Text(digits, NEGATION if value < 0 else ATOM), Sort.INT, value)


def real_number(value: float) -> Text:
    """A float."""
    if not math.isfinite(value):
        return atom(f'float("{value}")')
    return Text(repr(value), NEGATION if math.copysign(1.0, value) < 0 else ATOM)


def span(lower: str, upper: str) -> str:
    """A `range`."""
    return f"range({upper})" if lower == "0" else f"range({lower}, {upper})"


def _terms(value: Fraction) -> str:
    """The shortest decimals of the double that is `value`; numerator and denominator if none is."""
    try:
        nearest = float(value)
    except OverflowError:
        nearest = 0.0
    return repr(nearest) if Fraction(nearest) == value else f"{value.numerator}, {value.denominator}"
