"""Exact numbers as sums of the numbers that a text can have: integers and doubles."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from ddcompile.ir import builder

__all__ = ["NoLiteral", "sum_of_literals"]

_LARGEST = 99
_DECADES = 4


class NoLiteral(ArithmeticError):
    """A number that no sum of literals is; the pass that would write it declines."""


@lru_cache(maxsize=4096)
def sum_of_literals(value: int | Fraction) -> tuple[int | Fraction, ...]:
    """Integers and doubles that add up to a dyadic number, as short as they are found; one where one is enough.

    Sums of two are tried in which one has two digits, of the size of the whole or less: they are what weights are that
    were merged. Else the nearest double is taken off again and again, or an integer beyond all doubles.

    Raises
    ------
    NoLiteral
        If the number has bits below those of the smallest double.
    """
    if builder.has_literal(value):
        return (value,)
    pairs = [(first, value - first) for first in _short(Fraction(value)) if builder.has_literal(value - first)]
    if pairs:
        return min(pairs, key=_length)
    terms: list[int | Fraction] = []
    rest = Fraction(value)
    while not builder.has_literal(rest):
        terms.append(_nearest(rest))
        if terms[-1] == 0:
            raise NoLiteral(f"{value} is no sum of doubles")
        rest -= terms[-1]
    return (*terms, rest)


def _nearest(value: Fraction) -> Fraction:
    """The double next to a number; of one beyond all doubles the integral part."""
    try:
        return Fraction(float(value))
    except OverflowError:
        return Fraction(int(value))


def _length(pair: tuple[Fraction, Fraction]) -> tuple[int, bool, Fraction]:
    """How long the text of two terms is; then of one sign, the larger first."""
    first, second = pair
    return len(repr(abs(float(first)))) + len(repr(abs(float(second)))), first * second < 0, -abs(first)


def _short(value: Fraction) -> Iterator[Fraction]:
    """Doubles of two digits between the negative and the double of a number that is not 0."""
    try:
        top = int(f"{abs(float(value)):e}".partition("e")[2])
    except OverflowError:
        return
    for decade in range(top - _DECADES, top + 1):
        for digits in range(1, _LARGEST + 1):
            short = float(f"{digits}e{decade}")
            if 0 < short <= 2 * abs(value):
                yield from (Fraction(short), -Fraction(short))
