"""Expressions that carry what a generator must know of them: kind, range, fraction bits; and their scopes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from ddcompile.ir.nodes import Expr, Index, Kind, Literal, Number

__all__ = [
    "LARGEST_SIZE",
    "Extent",
    "IndexRange",
    "Scope",
    "Tensor",
    "Value",
    "hull",
    "join",
    "literal",
    "real",
]

LARGEST_SIZE = 6
"""The largest value that a size parameter of a random rule is given."""


def join(*kinds: Kind) -> Kind:
    """The least common kind: bit < int, spin < trit < int < rat < real."""
    first, *rest = kinds
    if all(kind == first for kind in rest):
        return first
    for widest in ("real", "rat"):
        if widest in kinds:
            return widest
    return "trit" if set(kinds) <= {"spin", "trit"} else "int"


def hull(numbers: Iterable[Number]) -> tuple[Number, Number]:
    """The least and the greatest of some numbers."""
    ordered = sorted(numbers, key=Fraction)
    return ordered[0], ordered[-1]


@dataclass(frozen=True, slots=True)
class Value:
    """An expression, its kind, a range that holds all its values, and how many fraction bits they need at most.

    Of a real, neither range nor fraction bits are known: they are 0.
    """

    expr: Expr
    kind: Kind
    low: Number
    high: Number
    exponent: int = 0

    @property
    def bits(self) -> int:
        """Bits of the largest magnitude as a scaled integer."""
        return int(hull((-self.low, self.low, -self.high, self.high))[1] * 2**self.exponent).bit_length()

    @property
    def is_integral(self) -> bool:
        """Whether every value is an integer."""
        return self.kind not in ("rat", "real")


def literal(value: Number) -> Value:
    """The value of a literal; a bit is never presumed, so 0 and 1 are integers."""
    if isinstance(value, int):
        return Value(Literal(value), "int", value, value)
    exponent = Fraction(value).denominator.bit_length() - 1
    return Value(Literal(value), "rat", value, value, exponent)


def real(expr: Expr) -> Value:
    """A real value."""
    return Value(expr, "real", 0, 0)


@dataclass(frozen=True, slots=True)
class Extent:
    """The extent of an axis: a literal or a size parameter; `value` is its number or the largest it may get."""

    expr: Expr
    value: int

    @property
    def is_known(self) -> bool:
        """Whether this is a number rather than a size."""
        return isinstance(self.expr, Literal)


@dataclass(frozen=True, slots=True)
class IndexRange:
    """An index in scope: the hull of its values, and the extent it runs through from 0 when it does just that."""

    name: str
    low: int
    high: int
    extent: Extent | None
    is_known: bool
    """Whether the hull holds for certain; with sizes it is only the hull for the largest size."""

    @property
    def expr(self) -> Expr:
        """A use of the index."""
        return Index(self.name)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that may be read: an input, a constant or a statement's."""

    name: str
    kind: Kind
    shape: tuple[Extent, ...]
    low: Number
    high: Number
    exponent: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may use besides the tensors: indices, ready-made leaves, and trips left for its loops."""

    trips: int
    indices: tuple[IndexRange, ...] = ()
    leaves: tuple[Value, ...] = field(default=())
