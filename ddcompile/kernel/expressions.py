"""Lowering of expressions: one coroutine a node (see `ddcompile.kernel.context.Step`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from ddcompile.ir.nodes import (
    Binary,
    Call,
    Compare,
    Expr,
    If,
    Index,
    Literal,
    Number,
    Read,
    Reduce,
    Size,
    Softmax,
    Unary,
    UnaryOp,
)
from ddcompile.ir.traverse import children, postorder
from ddcompile.kernel.builder import Builder
from ddcompile.kernel.context import Context, Step, bounds, drive
from ddcompile.kernel.nodes import BIT, I8, Expr as KernelExpr, Extent, Type, int_type
from ddcompile.kernel.operations import add, as_type, compare, exact, extreme, multiply, negate, select, subtract
from ddcompile.kernel.reads import flat_index, lower_modulo, lower_read
from ddcompile.kernel.reals import Real, Scalar, apply, constant_real, to_real
from ddcompile.kernel.reductions import lower_reduce
from ddcompile.kernel.softmax import lower_softmax
from ddcompile.kernel.values import Value, as_bit, constant, convert, logic, negation

__all__ = ["exact_number", "looping_conditionals", "lower_exact", "lower_expression", "lower_subscript"]


def lower_expression(context: Context, expr: Expr) -> Scalar:
    """Lower an expression in the innermost open block; what it needs before it is emitted there or further out."""
    return drive(_visit, context, _visit(context, expr))


def lower_exact(context: Context, expr: Expr) -> Value:
    """Lower an expression that is no real, as `lower_expression` does."""
    return exact(lower_expression(context, expr))


def lower_subscript(context: Context, shape: tuple[Extent, ...], positions: Sequence[Expr]) -> KernelExpr:
    """The element number of the element at some positions, which lies in the shape for sure."""
    return drive(_visit, context, flat_index(context, shape, positions))


def looping_conditionals(root: Expr) -> frozenset[int]:
    """The ids of the conditional expressions that contain reductions."""
    found: list[bool] = []
    looping: set[int] = set()
    for node in postorder(root):
        count = len(children(node))
        contains = isinstance(node, Reduce) or any(found[len(found) - count :])
        del found[len(found) - count :]
        found.append(contains)
        if contains and isinstance(node, If):
            looping.add(id(node))
    return frozenset(looping)


def exact_number(number: Number) -> Value:
    """A number with a finite binary expansion."""
    if isinstance(number, int):
        return constant(number)
    return constant(number.numerator, number.denominator.bit_length() - 1)


def _visit(context: Context, expr: Expr) -> Step:
    value = yield from _node(context, expr)
    return context.builder.shallow(context.refined(expr, value))


def _node(context: Context, expr: Expr) -> Step:
    match expr:
        case Literal(number):
            return exact_number(number)
        case Index(name):
            return context.indices[name]
        case Size(name):
            return context.sizes[name]
        case Read():
            return (yield from lower_read(context, expr))
        case Unary(op, operand):
            return _unary(context.builder, op, (yield operand))
        case Binary(op, left, right):
            first = yield left
            second = yield right
            match op:
                case "+":
                    return add(first, second)
                case "-":
                    return subtract(first, second)
                case "*":
                    return multiply(first, second)
                case "%":
                    return _modulo(context, exact(first), exact(second), expr)
                case "and" | "or" | "xor":
                    return logic(op, exact(first), exact(second))
                case _:
                    assert_never(op)
        case Compare():
            return (yield from _compare(context, expr))
        case If():
            return (yield from _if(context, expr))
        case Call():
            return (yield from _extreme(context, expr))
        case Reduce():
            return (yield from lower_reduce(context, expr))
        case Softmax():
            return (yield from lower_softmax(context, expr))
        case _:
            raise TypeError(f"not an expression: {type(expr).__name__}")


def _unary(builder: Builder, op: UnaryOp, operand: Scalar) -> Scalar:
    zero = constant(0)
    match op:
        case "-":
            return negate(operand)
        case "not":
            return negation(exact(operand))
        case "sign":
            operand = builder.atom(operand)
            above, below = compare(">", operand, zero), compare("<", operand, zero)
            return subtract(convert(above, I8), convert(below, I8))
        case "abs":
            operand = builder.atom(operand)
            if isinstance(operand, Real):
                # 0.0 - x has no negative zero.
                return select(compare("<=", operand, zero), subtract(constant_real(0.0), operand), operand)
            return select(compare("<", operand, zero), negate(operand), operand)
        case "relu":
            operand = builder.atom(operand)
            none = constant_real(0.0) if isinstance(operand, Real) else constant(0, operand.exponent)
            return select(compare(">", operand, zero), operand, none)
        case "real":
            return to_real(operand)
        case "exp" | "log" | "tanh" | "sigmoid":
            return apply(op, to_real(operand))
        case _:
            assert_never(op)


def _modulo(context: Context, left: Value, right: Value, expr: Expr) -> Value:
    assert context.sized is not None or (right.number is not None and right.number > 0), "moduli are positive"
    known = None if context.sized is None else context.sized.moduli[id(expr)]
    return lower_modulo(context.builder, left, replace(right, low=max(1, right.low)), known)


def _compare(context: Context, expr: Compare) -> Step:
    """One comparison, or a chain of two, whose middle operand is evaluated once."""
    values: list[Scalar] = []
    for operand in expr.operands:
        values.append((yield operand))
    if len(expr.ops) == 1:
        return compare(expr.ops[0], values[0], values[1])
    low, middle, high = values[0], context.builder.atom(values[1]), values[2]
    return logic("and", compare(expr.ops[0], low, middle), compare(expr.ops[1], middle, high))


def _if(context: Context, expr: If) -> Step:
    """A branch where an arm loops, else a select: both arms are then cheap, pure and total."""
    condition = as_bit(exact((yield expr.condition)))
    if id(expr) not in context.looping or condition.number is not None or not context.builder.has_room:
        then = yield expr.then
        otherwise = yield expr.otherwise
        return select(condition, then, otherwise)
    found = context.types.of(expr)
    chosen: Scalar
    if found.kind == "real":
        chosen = context.builder.mutable_real("chosen", constant_real(0.0))
    else:
        low, high = bounds(found, found.exponent)
        type_: Type = BIT if found.kind == "bit" else int_type(low, high)
        chosen = context.builder.mutable("chosen", constant(0, found.exponent), type_, low, high)
    with context.builder.branch(condition) as arms:
        context.builder.assign(chosen, as_type(found, (yield expr.then)))
        arms.otherwise()
        context.builder.assign(chosen, as_type(found, (yield expr.otherwise)))
    return chosen


def _extreme(context: Context, expr: Call) -> Step:
    """`min` or `max` of several: selects from left to right."""
    best = yield expr.arguments[0]
    for argument in expr.arguments[1:]:
        other = yield argument
        best = extreme(expr.function, context.builder.atom(best), context.builder.atom(other))
    return best
