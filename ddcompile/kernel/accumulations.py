"""Loops that add up, and what they read: nests that go through rows in order, and terms at known values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub, xor

from ddcompile.kernel.grid.arithmetic import number, plus, times
from ddcompile.kernel.nodes import (
    I64,
    Arith,
    BitType,
    Compare,
    Const,
    Convert,
    Expr,
    IntType,
    Load,
    Logic,
    Loop,
    Negate,
    Not,
    Select,
    Stmt,
    Var,
)

__all__ = ["evaluated", "flattened", "linear", "row_of"]

_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": add, "-": sub, "*": mul, "&": and_, "<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne, "and": and_,
    "or": or_, "xor": xor,
}  # fmt: skip


def flattened(loop: Loop) -> tuple[list[str], list[int], Stmt] | None:
    """The indices of nested loops from 0 on that do one thing, their lengths, and what they do."""
    names, lengths = [], []
    stmt: Stmt = loop
    while isinstance(stmt, Loop):
        match stmt:
            case Loop(index, Const(0), Const(upper), (inner,)) if upper > 0:
                names.append(index.name)
                lengths.append(upper)
                stmt = inner
            case _:
                return None
    return names, lengths, stmt


def linear(expr: Expr) -> tuple[dict[Var, int], int] | None:
    """An index as multiples of variables and a constant."""
    match expr:
        case Const(value):
            return {}, value
        case Var():
            return {expr: 1}, 0
        case Convert(operand, IntType()) if not isinstance(operand.type, BitType):
            return linear(operand)
        case Arith("+" | "-" | "*" as op, left, right):
            first, second = linear(left), linear(right)
            if first is None or second is None:
                return None
            if op == "*":
                if first[0] and second[0]:
                    return None
                (terms, constant), factor = (first, second[1]) if first[0] else (second, first[1])
                return {name: n * factor for name, n in terms.items()}, constant * factor
            sign = 1 if op == "+" else -1
            terms = dict(first[0])
            for name, n in second[0].items():
                terms[name] = terms.get(name, 0) + sign * n
            return terms, first[1] + sign * second[1]
    return None


def row_of(index: Expr, names: Sequence[str], lengths: Sequence[int]) -> Expr | None:
    """Which row of as many elements as the loops have an index is in, if the loops go through the row in order."""
    form = linear(index)
    if form is None:
        return None
    terms, constant = form
    stride = 1
    for name, length in zip(reversed(names), reversed(lengths), strict=True):
        own = next((variable for variable in terms if variable.name == name), None)
        if own is None or terms.pop(own) != stride:
            return None
        stride *= length
    if constant % stride or any(factor % stride for factor in terms.values()):
        return None
    found: Expr = number(constant // stride)
    for variable, factor in terms.items():
        value = variable if variable.type == I64 else Convert(variable, I64)
        found = plus(found, times(value, factor // stride))
    return found


def evaluated(expr: Expr, known: Mapping[Load, int]) -> int | None:
    """The value of an expression of integers and bits, at known values of what it reads."""
    match expr:
        case Const(value, IntType() | BitType()):
            return value
        case Load():
            return known.get(expr)
        case Convert(operand) | Negate(operand) | Not(operand):
            inner = evaluated(operand, known)
            if inner is None or isinstance(expr, Convert):
                return inner
            return -inner if isinstance(expr, Negate) else 1 - inner
        case Arith(op, left, right, IntType()) | Compare(op, left, right) | Logic(op, left, right):
            first, second = evaluated(left, known), evaluated(right, known)
            how = _OPERATORS.get(op)
            return None if first is None or second is None or how is None else int(how(first, second))
        case Select(condition, then, otherwise):
            test = evaluated(condition, known)
            return None if test is None else evaluated(then if test else otherwise, known)
    return None
