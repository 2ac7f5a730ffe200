"""Words and numbers of the rule language, shared by the parser and the printer."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import get_args

from ddcompile.ir.nodes import CallName, Kind, Number, ReduceOp, UnaryOp

__all__ = ["CALLS", "REDUCTIONS", "RESERVED", "UNARY_FUNCTIONS", "integer", "is_name", "number", "number_text"]

UNARY_FUNCTIONS: frozenset[str] = frozenset(get_args(UnaryOp)) - {"-", "not"}
CALLS: frozenset[str] = frozenset(get_args(CallName))
REDUCTIONS: frozenset[str] = frozenset(get_args(ReduceOp))
RESERVED: frozenset[str] = (
    frozenset({"rule", "const", "if", "then", "else", "or", "xor", "and", "not", "in", "pad", "softmax"})
    | frozenset(get_args(Kind))
    | UNARY_FUNCTIONS
    | CALLS
    | REDUCTIONS
)
"""Words that cannot be names."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*", re.ASCII)
_CHUNK = 4000
"""Digits converted at once; `int` and `str` refuse more than 4,300."""


def is_name(text: str) -> bool:
    """Whether a text can name an input, result, constant, tensor, index or size."""
    return _NAME.fullmatch(text) is not None and text not in RESERVED


def integer(digits: str) -> int:
    """The value of a text of decimal digits, however long, with an optional minus."""
    if len(digits) <= _CHUNK:
        return int(digits)
    if digits.startswith("-"):
        return -integer(digits[1:])
    half = len(digits) // 2
    scale: int = 10**half
    return integer(digits[:-half]) * scale + integer(digits[-half:])


def number(text: str) -> Number:
    """The exact value of a number: an integer, or the nearest double of one with a point or exponent.

    Raises
    ------
    OverflowError
        If the number is too large for a double.
    """
    if text.lstrip("-").isdigit():
        return integer(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise OverflowError(text)
    exact = Fraction(value)
    return exact.numerator if exact.denominator == 1 else exact


def number_text(value: Number) -> str:
    """The canonical text of a number: all digits of an integer, the shortest text of a double.

    Raises
    ------
    ValueError
        If the number is neither an integer nor a double: it has no literal.
    """
    if isinstance(value, int):
        return _decimal(value)
    try:
        nearest = float(value)
    except OverflowError:
        nearest = 0.0
    if nearest != value:
        raise ValueError(f"a literal is an integer or a double; {_short(value)} is neither")
    return repr(nearest)


def _decimal(value: int) -> str:
    if abs(value) < 10**18:
        return str(value)
    if value < 0:
        return "-" + _decimal(-value)
    # 0.30103 is a little more than log10(2), so this is an upper bound of the digits.
    digits = value.bit_length() * 30103 // 100000 + 1
    if digits <= _CHUNK:
        return str(value)
    half = digits // 2
    high, low = divmod(value, 10**half)
    return _decimal(high) + _decimal(low).zfill(half)


def _short(value: Fraction) -> str:
    text = f"{_decimal(value.numerator)}/{_decimal(value.denominator)}"
    return text if len(text) <= 60 else text[:28] + "..." + text[-28:]
