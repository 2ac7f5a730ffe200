"""Operations of the rule language on operands of both sorts.

Exact operands give exact values (`ddcompile.kernel.values`); where one is real, the others are rounded first. Exact
values that are doubles, as elements of a rational input are, are compared and chosen as doubles: that is exact, and
needs no wide integers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal as OneOf

from ddcompile.ir.types import ValueType
from ddcompile.kernel import values
from ddcompile.kernel.nodes import F64, Compare, CompareOp, FromReal, Negate, Select
from ddcompile.kernel.reals import (
    Real,
    Scalar,
    as_double,
    constant_real,
    finest,
    from_double,
    is_double,
    real_arith,
    rounded_down,
    rounded_up,
    to_real,
)
from ddcompile.kernel.values import Value, as_bit, constant

__all__ = ["add", "as_type", "compare", "exact", "extreme", "multiply", "negate", "select", "subtract"]

_MIRRORED: dict[CompareOp, CompareOp] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def exact(value: Scalar) -> Value:
    """The value of an operand that the verifier has found to be exact."""
    assert isinstance(value, Value)
    return value


def as_type(found: ValueType, value: Scalar) -> Scalar:
    """An operand with the fraction bits of a type that holds it, or as a real."""
    if found.kind == "real" or isinstance(value, Real):
        return to_real(value)
    return values.aligned(value, found.exponent)


def add(left: Scalar, right: Scalar) -> Scalar:
    """The sum."""
    if isinstance(left, Value) and isinstance(right, Value):
        return values.add(left, right)
    return real_arith("+", to_real(left), to_real(right))


def subtract(left: Scalar, right: Scalar) -> Scalar:
    """The difference."""
    if isinstance(left, Value) and isinstance(right, Value):
        return values.subtract(left, right)
    return real_arith("-", to_real(left), to_real(right))


def multiply(left: Scalar, right: Scalar) -> Scalar:
    """The product."""
    if isinstance(left, Value) and isinstance(right, Value):
        return values.multiply(left, right)
    return real_arith("*", to_real(left), to_real(right))


def negate(value: Scalar) -> Scalar:
    """The negative: of a real, the same with the other sign."""
    if isinstance(value, Value):
        if not is_double(value):
            return values.negate(value)
        assert isinstance(value.expr, FromReal)
        double = Real(Negate(value.expr.operand, F64), value.level, value.depth)
        return from_double(double, -value.high, -value.low)
    return Real(Negate(value.expr, F64), value.level, value.depth + 1)


def compare(op: CompareOp, left: Scalar, right: Scalar) -> Value:
    """A comparison; a constant where ranges of exact values decide it."""
    if isinstance(left, Value) and isinstance(right, Value):
        found = _compare_doubles(op, left, right) if is_double(left) or is_double(right) else None
        return values.compare(op, left, right) if found is None else found
    return _compare_reals(op, to_real(left), to_real(right))


def _compare_reals(op: CompareOp, left: Real, right: Real) -> Value:
    depth = 1 + max(left.depth, right.depth)
    return Value(Compare(op, left.expr, right.expr), 0, 1, 0, max(left.level, right.level), depth)


def _compare_doubles(op: CompareOp, left: Value, right: Value) -> Value | None:
    """A comparison of exact values as doubles; None if that could be another one."""
    known = values.decided(op, left, right)
    if known is not None:
        return as_bit(constant(int(known)))
    if left.number is not None:
        op, left, right = _MIRRORED[op], right, left
    first, second = as_double(left), as_double(right)
    if first is None:
        return None
    if second is None and right.number is not None:
        # Of doubles x: x < c and x >= c as with the least double above c; x <= c and x > c as with the next below.
        number = Fraction(right.number, 1 << right.exponent)
        if op in ("==", "!="):
            return as_bit(constant(int(op == "!=")))
        second = constant_real((rounded_up if op in ("<", ">=") else rounded_down)(number))
    return None if second is None else _compare_reals(op, first, second)


def select(condition: Value, then: Scalar, otherwise: Scalar) -> Scalar:
    """`then` where the bit is 1, else `otherwise`."""
    if isinstance(then, Value) and isinstance(otherwise, Value):
        if condition.number is None and (is_double(then) or is_double(otherwise)):
            first, second = as_double(then), as_double(otherwise)
            if first is not None and second is not None:
                (low, high), (least, most) = finest(then), finest(otherwise)
                return from_double(_select_reals(condition, first, second), min(low, least), max(high, most))
        return values.select(condition, then, otherwise)
    if condition.number is not None:
        return to_real(then if condition.number else otherwise)
    return _select_reals(condition, to_real(then), to_real(otherwise))


def _select_reals(condition: Value, then: Real, otherwise: Real) -> Real:
    if then.expr == otherwise.expr:
        return then
    condition = as_bit(condition)
    parts = (condition, then, otherwise)
    expr = Select(condition.expr, then.expr, otherwise.expr, F64)
    return Real(expr, max(part.level for part in parts), 1 + max(part.depth for part in parts))


def extreme(function: OneOf["min", "max"], left: Scalar, right: Scalar) -> Scalar:
    """The lesser or the greater of two atoms; the left one of equals."""
    if isinstance(left, Value) and isinstance(right, Value) and not (is_double(left) or is_double(right)):
        return values.extreme(function, left, right)
    return select(compare("<" if function == "min" else ">", right, left), right, left)
