"""Constructors that fold as they build: `add(x, 0)` is `x`, `add(i, -1)` prints as `i - 1`.

Every function takes expressions or plain exact numbers and gives an expression of the same value wherever its operands
have values. Folding is exact: a number that would be neither an integer nor a double is not folded, since it would
have no literal. Folding looks at the operands only, so each call takes constant time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TypeAlias

from ddcompile.ir.nodes import (
    Binary,
    BinaryOp,
    Binder,
    Call,
    CallName,
    Compare,
    CompareOp,
    Expr,
    If,
    Index,
    Literal,
    Number,
    Read,
    Reduce,
    ReduceOp,
    Unary,
    UnaryOp,
)

__all__ = [
    "Operand",
    "add",
    "add_all",
    "binder",
    "call",
    "chain",
    "compare",
    "conditional",
    "conj",
    "disj",
    "expr_of",
    "has_literal",
    "index",
    "literal_value",
    "mod",
    "mul",
    "neg",
    "negate",
    "read",
    "reduction",
    "sub",
    "summation",
    "unary",
    "xor",
]

Operand: TypeAlias = Expr | Number

_COMPARE: dict[CompareOp, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_OPPOSITE: dict[CompareOp, CompareOp] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_ZERO = Literal(0)


def expr_of(operand: Operand) -> Expr:
    """The operand itself, or the literal of a number."""
    return operand if isinstance(operand, Expr) else Literal(operand)


def literal_value(expr: Expr) -> Number | None:
    """The number that a literal stands for; None for any other expression."""
    return expr.value if isinstance(expr, Literal) else None


def index(name: str) -> Index:
    """An index."""
    return Index(name)


def read(tensor: str, *positions: Operand, pad: Operand | None = None) -> Read:
    """An element of a tensor, or a scalar."""
    return Read(tensor, tuple(expr_of(p) for p in positions), None if pad is None else expr_of(pad))


def binder(name: str, upper: Operand, lower: Operand = 0) -> Binder:
    """The range `lower <= name < upper`."""
    return Binder(name, expr_of(lower), expr_of(upper))


def add(left: Operand, right: Operand) -> Expr:
    """`left + right`; a literal goes last, and a negative operand becomes a subtraction."""
    left, right = expr_of(left), expr_of(right)
    if isinstance(left, Literal) and not isinstance(right, Literal):
        left, right = right, left
    if isinstance(right, Literal):
        return _plus(left, right.value)
    positive = _negated(right)
    if positive is not None:
        return Binary("-", left, positive)
    positive = _negated(left)
    if positive is not None:
        return Binary("-", right, positive)
    return Binary("+", left, right)


def sub(left: Operand, right: Operand) -> Expr:
    """`left - right`; the subtraction of a negative operand becomes an addition."""
    left, right = expr_of(left), expr_of(right)
    if isinstance(right, Literal):
        return _plus(left, -right.value)
    if isinstance(left, Literal) and left.value == 0:
        return neg(right)
    positive = _negated(right)
    if positive is None:
        return Binary("-", left, right)
    if isinstance(left, Literal):
        return _plus(positive, left.value)
    return Binary("+", left, positive)


def _plus(expr: Expr, number: Number) -> Expr:
    """`expr + number`, joined with a number that is added last already."""
    match expr:
        case Literal(value) if has_literal(value + number):
            return Literal(value + number)
        case Binary("+", inner, Literal(value)) if has_literal(value + number):
            expr, number = inner, value + number
        case Binary("-", inner, Literal(value)) if has_literal(number - value):
            expr, number = inner, number - value
    if number == 0:
        return expr
    if number < 0:
        return Binary("-", expr, Literal(-number))
    positive = _negated(expr)
    return Binary("+", expr, Literal(number)) if positive is None else Binary("-", Literal(number), positive)


def add_all(terms: Iterable[Operand]) -> Expr:
    """The sum of terms from left to right; 0 without any."""
    total: Expr = _ZERO
    for term in terms:
        total = add(total, term)
    return total


def neg(operand: Operand) -> Expr:
    """`-operand`."""
    expr = expr_of(operand)
    positive = _negated(expr)
    if positive is not None:
        return positive
    match expr:
        case Literal(value):
            return Literal(-value)
        case Binary("-", left, right) if left != _ZERO:
            return Binary("-", right, left)
        case Binary("*", Literal(factor), x):
            return Binary("*", Literal(-factor), x)
    return Unary("-", expr)


def _negated(expr: Expr) -> Expr | None:
    """What an expression is visibly the negative of."""
    match expr:
        case Literal(value) if value < 0:
            return Literal(-value)
        case Unary("-", operand):
            return operand
        case Binary("*", Literal(factor), x) if factor < 0:
            return x if factor == -1 else Binary("*", Literal(-factor), x)
    return None


def mul(left: Operand, right: Operand) -> Expr:
    """`left * right`; a literal goes first."""
    left, right = expr_of(left), expr_of(right)
    if isinstance(right, Literal) and not isinstance(left, Literal):
        left, right = right, left
    match left, right:
        case Literal(a), Literal(b) if has_literal(a * b):
            return Literal(a * b)
        case Literal(a), Binary("*", Literal(b), x) if has_literal(a * b):
            return _times(a * b, x)
        case Literal(a), Unary("-", x):
            return _times(-a, x)
        case Literal(a), _:
            return _times(a, right)
    return Binary("*", left, right)


def _times(number: Number, expr: Expr) -> Expr:
    match number:
        case 0:
            return _ZERO
        case 1:
            return expr
        case -1:
            return neg(expr)
    return Binary("*", Literal(number), expr)


def mod(left: Operand, right: Operand) -> Expr:
    """`left % right`, the floor modulo; the right side is positive."""
    left, right = expr_of(left), expr_of(right)
    match left, right:
        case Literal(int(a)), Literal(int(b)) if b > 0:
            return Literal(a % b)
        case _, Literal(1):
            return _ZERO
    return Binary("%", left, right)


def unary(op: UnaryOp, operand: Operand) -> Expr:
    """A function of one argument, or `-` or `not`; exact functions of literals are computed."""
    expr = expr_of(operand)
    if op == "-":
        return neg(expr)
    if op == "not":
        return negate(expr)
    if isinstance(expr, Literal):
        value = expr.value
        match op:
            case "sign":
                return Literal((value > 0) - (value < 0))
            case "abs":
                return expr if value >= 0 else Literal(-value)
            case "relu":
                return expr if value > 0 else _ZERO
    return Unary(op, expr)


def call(function: CallName, arguments: Iterable[Operand]) -> Expr:
    """`min` or `max` of one or more arguments; literals are joined into one, which goes last."""
    choose = min if function == "min" else max
    exprs = [expr_of(a) for a in arguments]
    numbers = [e.value for e in exprs if isinstance(e, Literal)]
    others = tuple(e for e in exprs if not isinstance(e, Literal))
    if numbers:
        others = (*others, Literal(choose(numbers)))
    return others[0] if len(others) == 1 else Call(function, others)


def compare(op: CompareOp, left: Operand, right: Operand) -> Expr:
    """One comparison; of two literals, its value."""
    left, right = expr_of(left), expr_of(right)
    if isinstance(left, Literal) and isinstance(right, Literal):
        return Literal(int(_COMPARE[op](left.value, right.value)))
    return Compare((op,), (left, right))


def chain(low: Operand, first: CompareOp, middle: Operand, second: CompareOp, high: Operand) -> Expr:
    """`low first middle second high`, the operators being `<` or `<=`; a side that is decided goes away."""
    below, above = compare(first, low, middle), compare(second, middle, high)
    if isinstance(below, Literal) or isinstance(above, Literal):
        return conj(below, above)
    return Compare((first, second), (expr_of(low), expr_of(middle), expr_of(high)))


def conj(*operands: Operand) -> Expr:
    """All of some bits; 1 without any."""
    return _lattice("and", operands, neutral=1)


def disj(*operands: Operand) -> Expr:
    """At least one of some bits; 0 without any."""
    return _lattice("or", operands, neutral=0)


def _lattice(op: BinaryOp, operands: Iterable[Operand], neutral: int) -> Expr:
    exprs = list(dict.fromkeys(expr_of(operand) for operand in operands))
    if Literal(1 - neutral) in exprs:
        return Literal(1 - neutral)
    kept = [expr for expr in exprs if not isinstance(expr, Literal)]
    if not kept:
        return Literal(neutral)
    result = kept[0]
    for expr in kept[1:]:
        result = Binary(op, result, expr)
    return result


def xor(left: Operand, right: Operand) -> Expr:
    """Exactly one of two bits."""
    left, right = expr_of(left), expr_of(right)
    if isinstance(left, Literal):
        left, right = right, left
    match right:
        case Literal(0):
            return left
        case Literal(1):
            return negate(left)
    return _ZERO if left == right else Binary("xor", left, right)


def negate(operand: Operand) -> Expr:
    """`not operand`; one comparison becomes the opposite one."""
    expr = expr_of(operand)
    match expr:
        case Literal(value):
            return Literal(int(value == 0))
        case Unary("not", x):
            return x
        case Compare((op,), operands):
            return Compare((_OPPOSITE[op],), operands)
    return Unary("not", expr)


def conditional(condition: Operand, then: Operand, otherwise: Operand) -> Expr:
    """`if condition then then else otherwise`."""
    test, then, otherwise = expr_of(condition), expr_of(then), expr_of(otherwise)
    if isinstance(test, Literal):
        return then if test.value else otherwise
    return then if then == otherwise else If(test, then, otherwise)


def reduction(op: ReduceOp, binders: Iterable[Binder], body: Operand) -> Expr:
    """A reduction; without indices, its body."""
    binders, expr = tuple(binders), expr_of(body)
    return Reduce(op, binders, expr) if binders else expr


def summation(binders: Iterable[Binder], body: Operand) -> Expr:
    """`sum(binders: body)`; a sum of a sum is one sum."""
    binders, expr = tuple(binders), expr_of(body)
    match expr:
        case Literal(0):
            return _ZERO
        case Reduce("sum", inner, value):
            return Reduce("sum", (*binders, *inner), value)
    return reduction("sum", binders, expr)


def has_literal(value: Number) -> bool:
    """Whether a number can be written as one literal: an integer or a double."""
    if value.denominator == 1:
        return True
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False
