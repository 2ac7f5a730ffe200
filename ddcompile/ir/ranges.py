"""Sets of values as strided ranges of scaled integers, and exact arithmetic on them.

A `ValueType` stands for the values `n * 2**-exponent` with n in low, low + step, ..., high. The stride (after P.
Granger, Static analysis of arithmetical congruences, 1989) is what tells a spin (-1..1 by 2) from a trit (-1..1 by 1),
and that a sum of an odd number of spins is never 0. A kind is a set of values: an expression whose values are all 0 or
1 has kind bit, however it is written. No ranges are kept of reals, and arithmetic with a real operand gives reals.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import TypeAlias

from ddcompile.ir.nodes import Kind, Number

__all__ = [
    "BINARY64",
    "BIT",
    "INT",
    "INT64",
    "RAT",
    "REAL",
    "SIZE",
    "SPIN",
    "TRIT",
    "ValueType",
    "absolute",
    "add",
    "aligned",
    "exact",
    "join",
    "make",
    "maximum",
    "meet",
    "minimum",
    "modulo",
    "multiply",
    "negate",
    "repeat",
    "sign",
]

Bound: TypeAlias = int | None


@dataclass(frozen=True, slots=True)
class ValueType:
    """The kind and the range of an expression or tensor.

    Attributes
    ----------
    kind
        The least kind that holds all values; the declared kind of inputs and results.
    low, high
        Inclusive bounds of the scaled integer n, where the value is n * 2**-exponent; None is unbounded.
    exponent
        Fraction bits: 0 unless the kind is rat.
    step
        n - low is a multiple of it; 0 for a single value, 1 if a bound is None.
    is_dense
        Whether any rational between the bounds may be a value, such as those of inputs of kind rat, and not only
        multiples of 2**-exponent; the step is 1 then.
    """

    kind: Kind
    low: Bound
    high: Bound
    exponent: int = 0
    step: int = 1
    is_dense: bool = False

    def __post_init__(self) -> None:
        step = self.step
        if self.low is None or self.high is None:
            step = 1
        elif self.low == self.high:
            step = 0
        elif self.kind == "spin":
            step = 2
        is_dense = self.is_dense and step > 0
        object.__setattr__(self, "step", 1 if is_dense else step)
        object.__setattr__(self, "is_dense", is_dense)

    def __str__(self) -> str:
        if self.kind in ("bit", "spin", "trit", "real") or self.low is None or self.high is None:
            return str(self.kind)
        scale = 2**self.exponent
        low, high = Fraction(self.low, scale), Fraction(self.high, scale)
        return f"{self.kind}[{low}..{high}]"

    @property
    def is_bounded(self) -> bool:
        """Whether both bounds are known."""
        return self.low is not None and self.high is not None

    @property
    def is_bit(self) -> bool:
        """Whether every value is 0 or 1."""
        return self.is_integral and self.low is not None and self.low >= 0 and self.high is not None and self.high <= 1

    @property
    def is_integral(self) -> bool:
        """Whether every value is known to be an integer."""
        return self.kind not in ("rat", "real")

    @property
    def has_zero(self) -> bool:
        """Whether 0 may be among the values."""
        if (self.low is not None and self.low > 0) or (self.high is not None and self.high < 0):
            return False
        return self.low is None or self.step == 0 or -self.low % self.step == 0

    @property
    def bits(self) -> int:
        """Width of the narrowest two's complement integer that holds every scaled integer.

        Raises
        ------
        ValueError
            If the range is unbounded.
        """
        if self.low is None or self.high is None:
            raise ValueError("an unbounded range has no width")
        return max(_width(self.low), _width(self.high))

    @property
    def values(self) -> range | None:
        """The scaled integers as a Python range; None if unbounded or dense."""
        if self.low is None or self.high is None or self.is_dense:
            return None
        return range(self.low, self.high + 1, self.step or 1)

    @property
    def constant(self) -> Number | None:
        """The value itself if there is only one."""
        if self.low is None or self.low != self.high:
            return None
        value = Fraction(self.low, 2**self.exponent)
        return value.numerator if value.denominator == 1 else value

    def fits(self, bits: int = 64) -> bool:
        """Whether every scaled integer is a two's complement integer of this many bits."""
        half = 1 << (bits - 1)
        return self.low is not None and self.high is not None and -half <= self.low and self.high < half

    def is_within(self, other: ValueType) -> bool:
        """Whether every value of this type is a value of the other, integers being rationals; all round to reals."""
        if "real" in (self.kind, other.kind):
            return other.kind == "real"
        if other.kind == "rat":
            return True if other.low is None and other.high is None else _contains(*_aligned(other, self))
        return self.is_integral and _contains(other, self)


def _width(n: int) -> int:
    return (n if n >= 0 else -n - 1).bit_length() + 1


def _contains(a: ValueType, b: ValueType) -> bool:
    if a.low is not None and (b.low is None or b.low < a.low):
        return False
    if b.is_dense and not a.is_dense:
        return False
    if a.high is not None and (b.high is None or b.high > a.high):
        return False
    if a.step == 1 or a.low is None or b.low is None:
        return True
    return a.step == 0 or ((b.low - a.low) % a.step == 0 and b.step % a.step == 0)


def make(
    low: Bound, high: Bound, step: int = 1, exponent: int = 0, *, rational: bool = False, is_dense: bool = False
) -> ValueType:
    """A type of the least kind; `rational` keeps a rat with no fraction bits a rat."""
    kind: Kind = "int"
    if rational or exponent:
        kind = "rat"
    elif low is not None and high is not None and low >= -1 and high <= 1:
        if low >= 0:
            kind = "bit"
        elif high == -1 or (high == 1 and step == 2):
            kind = "spin"
        else:
            kind = "trit"
    return ValueType(kind, low, high, exponent, step, is_dense)


BIT = ValueType("bit", 0, 1)
SPIN = ValueType("spin", -1, 1)
TRIT = ValueType("trit", -1, 1)
INT64 = ValueType("int", -(2**63), 2**63 - 1)
INT = ValueType("int", None, None)
RAT = ValueType("rat", None, None, is_dense=True)
_LARGEST = (2**53 - 1) << 2045
BINARY64 = ValueType("rat", -_LARGEST, _LARGEST, 1074)
"""Rationals that are finite binary64 numbers: multiples of 2**-1074 below 2**1024."""
REAL = ValueType("real", None, None)
SIZE = ValueType("int", 1, 2**31 - 1)
"""A size parameter."""


def exact(value: Number) -> ValueType:
    """The type of one exact number.

    Raises
    ------
    ValueError
        If the denominator is not a power of two.
    """
    if isinstance(value, int):
        return make(value, value, 0)
    exponent = value.denominator.bit_length() - 1
    if value.denominator != 1 << exponent:
        raise ValueError(f"{value} has no finite binary expansion")
    return make(value.numerator, value.numerator, 0, exponent)


def aligned(a: ValueType, exponent: int) -> ValueType:
    """The same values with more fraction bits."""
    shift = exponent - a.exponent
    if shift == 0:
        return a
    low = None if a.low is None else a.low << shift
    high = None if a.high is None else a.high << shift
    return ValueType("rat", low, high, exponent, a.step << shift, a.is_dense)


def _aligned(a: ValueType, b: ValueType) -> tuple[ValueType, ValueType]:
    if a.exponent == b.exponent:
        return a, b
    exponent = max(a.exponent, b.exponent)
    return aligned(a, exponent), aligned(b, exponent)


def _is_rational(a: ValueType, b: ValueType) -> bool:
    return not (a.is_integral and b.is_integral)


def _has_real(a: ValueType, b: ValueType) -> bool:
    return a.kind == "real" or b.kind == "real"


def join(a: ValueType, b: ValueType) -> ValueType:
    """The least strided range that holds both."""
    if a == b:
        return a
    if _has_real(a, b):
        return REAL
    rational, is_dense = _is_rational(a, b), a.is_dense or b.is_dense
    a, b = _aligned(a, b)
    low = None if a.low is None or b.low is None else min(a.low, b.low)
    high = None if a.high is None or b.high is None else max(a.high, b.high)
    step = 1
    if a.low is not None and b.low is not None:
        step = gcd(a.step, b.step, a.low - b.low)
    return make(low, high, step, a.exponent, rational=rational, is_dense=is_dense)


def meet(a: ValueType, b: ValueType) -> ValueType:
    """A range for values that are in both ranges."""
    if b.is_within(a):
        return b
    if a.exponent != b.exponent or a.is_integral != b.is_integral:
        return a
    low = b.low if a.low is None else a.low if b.low is None else max(a.low, b.low)
    high = b.high if a.high is None else a.high if b.high is None else min(a.high, b.high)
    return make(low, high, 1, a.exponent, rational=not a.is_integral, is_dense=a.is_dense)


def add(a: ValueType, b: ValueType) -> ValueType:
    """All a + b."""
    if _has_real(a, b):
        return REAL
    rational, is_dense = _is_rational(a, b), a.is_dense or b.is_dense
    a, b = _aligned(a, b)
    low = None if a.low is None or b.low is None else a.low + b.low
    high = None if a.high is None or b.high is None else a.high + b.high
    return make(low, high, gcd(a.step, b.step), a.exponent, rational=rational, is_dense=is_dense)


def negate(a: ValueType) -> ValueType:
    """All -a."""
    if a.kind == "real":
        return a
    low = None if a.high is None else -a.high
    high = None if a.low is None else -a.low
    return make(low, high, a.step, a.exponent, rational=not a.is_integral, is_dense=a.is_dense)


def multiply(a: ValueType, b: ValueType) -> ValueType:
    """All a * b."""
    if _has_real(a, b):
        return REAL
    rational, is_dense = _is_rational(a, b), a.is_dense or b.is_dense
    exponent = a.exponent + b.exponent
    if a.low is None or a.high is None or b.low is None or b.high is None:
        low, high = _unbounded_product(a, b)
        return make(low, high, 1, exponent, rational=rational, is_dense=is_dense)
    corners = (a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
    step = gcd(a.low * b.step, b.low * a.step, a.step * b.step)
    return make(min(corners), max(corners), step, exponent, rational=rational, is_dense=is_dense)


def _unbounded_product(a: ValueType, b: ValueType) -> tuple[Bound, Bound]:
    if a.constant == 0 or b.constant == 0:
        return 0, 0
    if a.low is not None and a.low >= 0 and b.low is not None and b.low >= 0:
        return a.low * b.low, None
    return None, None


def modulo(a: ValueType, m: int) -> ValueType:
    """All a % m for integers a and a positive m."""
    if a.low is None or a.high is None:
        return make(0, m - 1)
    if a.low // m == a.high // m:
        return make(a.low % m, a.high % m, a.step)
    step = gcd(a.step, m)
    first = a.low % step
    return make(first, m - step + first, step)


def absolute(a: ValueType) -> ValueType:
    """All |a|."""
    if a.kind == "real":
        return a
    if a.low is not None and a.low >= 0:
        return make(a.low, a.high, a.step, a.exponent, rational=not a.is_integral, is_dense=a.is_dense)
    if a.high is not None and a.high <= 0:
        return negate(a)
    if a.low is None or a.high is None:
        return make(0, None, 1, a.exponent, rational=not a.is_integral, is_dense=a.is_dense)
    step = gcd(a.step, 2 * a.low)
    below, above = -a.low, a.high
    # The smallest values on the two sides of 0.
    low = min(a.low % a.step, -a.low % a.step)
    return make(low, max(below, above), step, a.exponent, rational=not a.is_integral, is_dense=a.is_dense)


def sign(a: ValueType) -> ValueType:
    """All signs of a."""
    low = -1 if a.low is None or a.low < 0 else int(a.low > 0)
    high = 1 if a.high is None or a.high > 0 else -int(a.high < 0)
    return make(low, high, 1 if a.has_zero else 2)


def minimum(a: ValueType, b: ValueType) -> ValueType:
    """All min(a, b)."""
    if _has_real(a, b):
        return REAL
    rational = _is_rational(a, b)
    a, b = _aligned(a, b)
    if a.high is not None and b.low is not None and a.high <= b.low:
        return make(a.low, a.high, a.step, a.exponent, rational=rational, is_dense=a.is_dense)
    if b.high is not None and a.low is not None and b.high <= a.low:
        return make(b.low, b.high, b.step, b.exponent, rational=rational, is_dense=b.is_dense)
    low = None if a.low is None or b.low is None else min(a.low, b.low)
    high = b.high if a.high is None else a.high if b.high is None else min(a.high, b.high)
    return _clipped(low, high, a, b, rational)


def maximum(a: ValueType, b: ValueType) -> ValueType:
    """All max(a, b)."""
    return negate(minimum(negate(a), negate(b)))


def _clipped(low: Bound, high: Bound, a: ValueType, b: ValueType, rational: bool) -> ValueType:
    """Members of a and b between two bounds of theirs."""
    step = 1
    if low is not None and high is not None and a.low is not None and b.low is not None:
        step = gcd(a.step, b.step, a.low - b.low)
    return make(low, high, step, a.exponent, rational=rational, is_dense=a.is_dense or b.is_dense)


def repeat(a: ValueType, fewest: int, most: int | None) -> ValueType:
    """All sums of between `fewest` and `most` values of a."""
    if a.kind == "real":
        return a
    rational = not a.is_integral
    low = None if a.low is None else _least(a.low, fewest, most)
    high = None if a.high is None else _least(-a.high, fewest, most)
    high = None if high is None else -high
    step = a.step
    if fewest != most:
        step = 1 if a.low is None else gcd(a.step, a.low)
    return make(low, high, step, a.exponent, rational=rational, is_dense=a.is_dense)


def _least(low: int, fewest: int, most: int | None) -> Bound:
    """The least n * low for n in fewest..most."""
    if low >= 0:
        return low * fewest
    return None if most is None else low * most
