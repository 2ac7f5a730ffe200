"""Real operands of the lowering: kernel expressions of type F64, and what is known of exact values that are doubles.

A `Real` has no range: its values are all binary64 numbers. Operations on reals fold nothing; every operation that the
rule asks for is one of the kernel, so that rounding stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf, isinf, nextafter
from typing import TypeAlias

from ddcompile.ir.scaled import double
from ddcompile.kernel.nodes import F64, Apply, Arith, ArithOp, Const, Expr, FromReal, IntType, ToReal, Var, int_type
from ddcompile.kernel.scalars import FINEST, bits_of
from ddcompile.kernel.values import Value, convert

__all__ = [
    "Real",
    "Scalar",
    "apply",
    "as_double",
    "constant_real",
    "finest",
    "from_double",
    "is_double",
    "real_arith",
    "rounded_down",
    "rounded_up",
    "to_real",
]

_MANTISSA = 53
_LEAST_NORMAL = 1022


@dataclass(frozen=True, slots=True)
class Real:
    """A binary64 number.

    Attributes
    ----------
    expr : Expr
        The expression, of type `F64`.
    level : int
        The outermost block (0 is the function) in which the expression can be evaluated.
    depth : int
        Height of the expression tree.
    """

    expr: Expr
    level: int = 0
    depth: int = 1

    @property
    def is_atom(self) -> bool:
        """Whether the expression may be repeated at no cost."""
        return isinstance(self.expr, Const | Var)


Scalar: TypeAlias = Value | Real
"""What an expression of a rule becomes: an exact value or a real."""


def constant_real(number: float) -> Real:
    """A number."""
    return Real(Const(bits_of(number), F64))


def real_arith(op: ArithOp, left: Real, right: Real) -> Real:
    """One operation, rounded once."""
    return Real(Arith(op, left.expr, right.expr, F64), max(left.level, right.level), 1 + max(left.depth, right.depth))


def apply(function: str, operand: Real) -> Real:
    """An elementary function."""
    return Real(Apply(function, operand.expr), operand.level, operand.depth + 1)


def rounded_up(number: Fraction) -> float:
    """The least double that is not less."""
    found = double(number.numerator, number.denominator)
    return nextafter(found, inf) if found != inf and (isinf(found) or Fraction(found) < number) else found


def rounded_down(number: Fraction) -> float:
    """The greatest double that is not greater."""
    return -rounded_up(-number)


def is_double(value: Value) -> bool:
    """Whether an exact value is computed as a double; 0.25 times a double is not, though the integer is the same."""
    return isinstance(value.expr, FromReal) and value.exponent == FINEST


def to_real(value: Scalar) -> Real:
    """`real(e)`: rounded once, to nearest even."""
    if isinstance(value, Real):
        return value
    if value.number is not None:
        return constant_real(double(value.number, 1 << value.exponent))
    if is_double(value):
        assert isinstance(value.expr, FromReal)
        # The exact number has one zero only.
        return real_arith("+", Real(value.expr.operand, value.level, value.depth - 1), constant_real(0.0))
    if value.exponent > _LEAST_NORMAL and not value.expr.type.is_wide:
        value = convert(value, IntType(128))
    return Real(ToReal(value.expr, value.exponent), value.level, value.depth + 1)


def as_double(value: Value) -> Real | None:
    """An exact value as a double without rounding, 0 as either zero; None if it is not known to be one."""
    if is_double(value):
        assert isinstance(value.expr, FromReal)
        return Real(value.expr.operand, value.level, value.depth - 1)
    if value.number is not None:
        number = Fraction(value.number, 1 << value.exponent)
        found = double(value.number, 1 << value.exponent)
        return None if isinf(found) or Fraction(found) != number else constant_real(found)
    is_exact = max(-value.low, value.high).bit_length() <= _MANTISSA and value.exponent <= _LEAST_NORMAL
    return to_real(value) if is_exact else None


def from_double(number: Real, low: int, high: int) -> Value:
    """The exact value of a finite double; `low` and `high` bound it times 2**FINEST."""
    type_ = IntType(max(128, int_type(low, high).width))
    return Value(FromReal(number.expr, FINEST, type_), low, high, FINEST, number.level, number.depth + 1)


def finest(value: Value) -> tuple[int, int]:
    """The range of a value that is a double, times 2**FINEST."""
    shift = FINEST - value.exponent
    if shift >= 0:
        return value.low << shift, value.high << shift
    return value.low >> -shift, value.high >> -shift
