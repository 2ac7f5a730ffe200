"""Kernel expressions with what the lowering knows of them, and exact arithmetic that picks the types.

A `Value` is a kernel expression for a scaled integer n, its proved range, and its exponent: it stands for the number
n * 2**-exponent. Operations compute ranges by intervals and give every operation the narrowest type that holds its
operands and its result, so nothing overflows. Constants fold. Reals are no such values (`ddcompile.kernel.reals`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal as OneOf

from ddcompile.kernel.nodes import (
    BIT,
    Arith,
    ArithOp,
    BitType,
    Compare,
    CompareOp,
    Const,
    Convert,
    Expr,
    FromReal,
    IntType,
    Logic,
    LogicOp,
    Negate,
    Not,
    Select,
    Type,
    Var,
    int_type,
)

__all__ = [
    "Value",
    "add",
    "aligned",
    "as_bit",
    "compare",
    "constant",
    "convert",
    "decided",
    "extreme",
    "fitting",
    "logic",
    "masked",
    "multiply",
    "narrowed",
    "negate",
    "negation",
    "remainder",
    "select",
    "subtract",
]


@dataclass(frozen=True, slots=True)
class Value:
    """An expression with its range.

    Attributes
    ----------
    expr : Expr
        The expression, of type `BIT` or an integer type.
    low, high : int
        Inclusive bounds of n.
    exponent : int
        Fraction bits.
    level : int
        The outermost block (0 is the function) in which the expression can be evaluated.
    depth : int
        Height of the expression tree.
    is_index : bool
        Whether the expression is made of sizes, and indices bounded by them: it keeps its type, so that subscripts need
        no conversions.
    """

    expr: Expr
    low: int
    high: int
    exponent: int = 0
    level: int = 0
    depth: int = 1
    is_index: bool = False

    @property
    def is_atom(self) -> bool:
        """Whether the expression may be repeated, at no cost or as it converts a variable."""
        return isinstance(self.expr, Const | Var) or (
            isinstance(self.expr, FromReal) and isinstance(self.expr.operand, Var)
        )

    @property
    def is_bit(self) -> bool:
        """Whether the expression has the type `BIT`."""
        return isinstance(self.expr.type, BitType)

    @property
    def number(self) -> int | None:
        """The scaled integer if there is only one."""
        return self.low if self.low == self.high else None


def constant(number: int, exponent: int = 0) -> Value:
    """A number."""
    return Value(Const(number, int_type(number, number)), number, number, exponent)


def convert(value: Value, target: Type) -> Value:
    """The same number in another type, which holds the range."""
    if value.expr.type == target:
        return value
    if value.number is not None:
        return replace(value, expr=Const(value.number, target), depth=1, level=0)
    if isinstance(value.expr, FromReal) and target.is_wide:
        assert isinstance(target, IntType)
        return replace(value, expr=replace(value.expr, type=target))
    if isinstance(value.expr, Convert) and _holds(value.expr.operand.type, value):
        # Through a type that holds the range there is nothing lost.
        inner = replace(value, expr=value.expr.operand, depth=value.depth - 1)
        return convert(inner, target)
    return replace(value, expr=Convert(value.expr, target), depth=value.depth + 1)


def _holds(type_: Type, value: Value) -> bool:
    if not isinstance(type_, IntType):
        return isinstance(type_, BitType)
    return type_.low <= value.low and value.high <= type_.high


def as_bit(value: Value) -> Value:
    """A value in 0..1 with the type `BIT`."""
    return convert(value, BIT)


def narrowed(value: Value) -> Value:
    """The value in a narrower type, where its own is wider than 32 bits and the range allows it."""
    type_ = value.expr.type
    if isinstance(type_, IntType) and type_.width > 32 and not value.is_index:
        needed = int_type(value.low, value.high)
        if needed.width < type_.width:
            return convert(value, needed)
    return value


def aligned(value: Value, exponent: int) -> Value:
    """The same number with more fraction bits."""
    if exponent == value.exponent:
        return value
    if exponent < value.exponent:
        raise ValueError("alignment cannot drop fraction bits")
    scaled = multiply(replace(value, exponent=0), constant(1 << (exponent - value.exponent)))
    return replace(scaled, exponent=exponent)


def _aligned(*values: Value) -> tuple[Value, ...]:
    exponent = max(v.exponent for v in values)
    return tuple(aligned(v, exponent) for v in values)


def _common(*values: Value, low: int = 0, high: int = 0) -> IntType:
    """The narrowest type for all values and a result; never narrower than an operand's own type."""
    low = min(low, *(v.low for v in values))
    high = max(high, *(v.high for v in values))
    width = int_type(low, high).width
    own = [v.expr.type.width for v in values if isinstance(v.expr.type, IntType) and not isinstance(v.expr, Const)]
    return IntType(max(width, *own)) if own else IntType(width)


def _arith(op: ArithOp, left: Value, right: Value, low: int, high: int, exponent: int) -> Value:
    if low == high:
        return constant(low, exponent)
    type_ = _common(left, right, low=min(low, high), high=high)
    left, right = convert(left, type_), convert(right, type_)
    expr = Arith(op, left.expr, right.expr, type_)
    level, depth = max(left.level, right.level), 1 + max(left.depth, right.depth)
    return narrowed(Value(expr, low, high, exponent, level, depth, _is_index(left, right)))


def _is_index(left: Value, right: Value) -> bool:
    """Whether what is made of two values is an index, numbers being either."""
    return (left.is_index or right.is_index) and all(v.is_index or v.number is not None for v in (left, right))


def add(left: Value, right: Value) -> Value:
    """The sum."""
    left, right = _aligned(left, right)
    if left.number == 0:
        return right
    if right.number == 0:
        return left
    if right.number is not None and right.number < 0:
        return subtract(left, constant(-right.number, right.exponent))
    if isinstance(right.expr, Negate):
        return subtract(left, _negated(right))
    return _arith("+", left, right, left.low + right.low, left.high + right.high, left.exponent)


def subtract(left: Value, right: Value) -> Value:
    """The difference."""
    left, right = _aligned(left, right)
    if right.number == 0:
        return left
    if left.number == 0:
        return negate(right)
    if isinstance(right.expr, Negate):
        return add(left, _negated(right))
    return _arith("-", left, right, left.low - right.high, left.high - right.low, left.exponent)


def _negated(value: Value) -> Value:
    """The operand of a negation."""
    assert isinstance(value.expr, Negate)
    return replace(value, expr=value.expr.operand, low=-value.high, high=-value.low, depth=value.depth - 1)


def negate(value: Value) -> Value:
    """The negative."""
    if value.number is not None:
        return constant(-value.number, value.exponent)
    if isinstance(value.expr, Negate):
        return _negated(value)
    type_ = _common(value, low=-value.high, high=-value.low)
    operand = convert(value, type_)
    expr = Negate(operand.expr, type_)
    return Value(expr, -value.high, -value.low, value.exponent, value.level, operand.depth + 1)


def multiply(left: Value, right: Value) -> Value:
    """The product; the exponents add up."""
    exponent = left.exponent + right.exponent
    for factor, other in ((left, right), (right, left)):
        if factor.number == 1:
            return replace(other, exponent=exponent)
        if factor.number == -1:
            return replace(negate(other), exponent=exponent)
    corners = (left.low * right.low, left.low * right.high, left.high * right.low, left.high * right.high)
    return _arith("*", left, right, min(corners), max(corners), exponent)


def fitting(op: ArithOp, left: Value, right: Value, type_: IntType) -> Value:
    """A sum or product of integers that is known to fit a type, whatever the ranges say."""
    for known, other in ((left, right), (right, left)):
        if known.number == (1 if op == "*" else 0):
            return other
    left, right = convert(left, type_), convert(right, type_)
    level, depth = max(left.level, right.level), 1 + max(left.depth, right.depth)
    return Value(Arith(op, left.expr, right.expr, type_), type_.low, type_.high, 0, level, depth, is_index=True)


def remainder(value: Value, modulus: Value) -> Value:
    """The remainder of a division by something positive that truncates toward zero."""
    low = 0 if value.low >= 0 else max(value.low, 1 - modulus.high)
    high = 0 if value.high <= 0 else min(value.high, modulus.high - 1)
    return _arith("%", value, modulus, low, high, 0)


def masked(value: Value, mask: int) -> Value:
    """The value modulo mask + 1, a power of two."""
    return _arith("&", value, constant(mask), 0, mask, 0)


def _apart(a: Value, b: Value) -> bool:
    return a.high < b.low or b.high < a.low


_DECIDED: dict[CompareOp, Callable[[Value, Value], bool | None]] = {
    "<": lambda a, b: True if a.high < b.low else False if a.low >= b.high else None,
    "<=": lambda a, b: True if a.high <= b.low else False if a.low > b.high else None,
    ">": lambda a, b: True if a.low > b.high else False if a.high <= b.low else None,
    ">=": lambda a, b: True if a.low >= b.high else False if a.high < b.low else None,
    "==": lambda a, b: False if _apart(a, b) else True if a.number == b.number is not None else None,
    "!=": lambda a, b: True if _apart(a, b) else False if a.number == b.number is not None else None,
}


def decided(op: CompareOp, left: Value, right: Value) -> bool | None:
    """What a comparison gives if the ranges, or equal expressions, decide it."""
    left, right = _aligned(left, right)
    return op in ("==", "<=", ">=") if left.expr == right.expr else _DECIDED[op](left, right)


def compare(op: CompareOp, left: Value, right: Value) -> Value:
    """A comparison; a constant where the ranges decide it."""
    left, right = _aligned(left, right)
    known = decided(op, left, right)
    if known is not None:
        return as_bit(constant(int(known)))
    if left.is_bit and right.number is not None and right.number in (0, 1) and op in ("==", "!="):
        return left if (op == "==") == (right.number == 1) else negation(left)
    if not (left.is_bit and right.is_bit and op in ("==", "!=")):
        type_ = _common(left, right)
        left, right = convert(left, type_), convert(right, type_)
    return _bit(Compare(op, left.expr, right.expr), left, right)


def logic(op: LogicOp, left: Value, right: Value) -> Value:
    """A connective of bits."""
    left, right = as_bit(left), as_bit(right)
    for known, other in ((left, right), (right, left)):
        match op, known.number:
            case ("and", 0) | ("or", 1):
                return known
            case ("and", 1) | ("or" | "xor", 0):
                return other
            case "xor", 1:
                return negation(other)
    return _bit(Logic(op, left.expr, right.expr), left, right)


def negation(value: Value) -> Value:
    """The other bit."""
    value = as_bit(value)
    match value.expr:
        case Const(number):
            return as_bit(constant(1 - number))
        case Not(operand):
            return replace(value, expr=operand, depth=value.depth - 1, low=0, high=1)
        case _:
            return _bit(Not(value.expr), value)


def _bit(expr: Expr, *operands: Value) -> Value:
    level, depth = max(v.level for v in operands), 1 + max(v.depth for v in operands)
    return Value(expr, 0, 1, 0, level, depth)


def select(condition: Value, then: Value, otherwise: Value) -> Value:
    """`then` where the bit is 1, else `otherwise`."""
    condition = as_bit(condition)
    then, otherwise = _aligned(then, otherwise)
    if condition.number is not None:
        return then if condition.number else otherwise
    low, high = min(then.low, otherwise.low), max(then.high, otherwise.high)
    if low == high or then.expr == otherwise.expr:
        return then
    type_: Type = BIT if then.is_bit and otherwise.is_bit else _common(then, otherwise)
    parts = condition, convert(then, type_), convert(otherwise, type_)
    level, depth = max(v.level for v in parts), 1 + max(v.depth for v in parts)
    expr = Select(parts[0].expr, parts[1].expr, parts[2].expr, type_)
    return Value(expr, low, high, then.exponent, level, depth, _is_index(then, otherwise))


def extreme(function: OneOf["min", "max"], left: Value, right: Value) -> Value:
    """The lesser or the greater of two atoms; the left one of equals."""
    left, right = _aligned(left, right)
    if function == "min":
        low, high = min(left.low, right.low), min(left.high, right.high)
        chosen = select(compare("<", right, left), right, left)
    else:
        low, high = max(left.low, right.low), max(left.high, right.high)
        chosen = select(compare(">", right, left), right, left)
    return constant(low, chosen.exponent) if low == high else replace(chosen, low=low, high=high)
