"""Walks over kernels: statements with an explicit stack, so no nesting meets the recursion limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal as OneOf, TypeAlias, assert_never

from ddcompile.kernel.nodes import (
    Answer,
    Apply,
    Arith,
    Assign,
    Branch,
    Break,
    Comment,
    Compare,
    Const,
    Convert,
    Count,
    Declare,
    Expr,
    FromReal,
    Invoke,
    Load,
    Logic,
    Loop,
    Negate,
    Not,
    Pack,
    Place,
    Reinterpret,
    Return,
    Select,
    Shift,
    Spread,
    Stmt,
    Store,
    Strays,
    ToReal,
    Var,
)

__all__ = [
    "Event",
    "applied",
    "children",
    "expressions",
    "loads",
    "operands",
    "read_variables",
    "stores",
    "subexpressions",
    "variables",
    "walk",
]

Event: TypeAlias = OneOf["at", "enter", "else", "leave"]


def walk(body: Sequence[Stmt]) -> Iterator[tuple[Event, Stmt]]:
    """Every statement in order of the text.

    A loop gives "enter", its body, "leave"; a branch gives "enter", its first arm, "else" and its second arm if that is
    not empty, "leave"; any other statement gives "at".
    """
    stack: list[tuple[Event, Stmt]] = [("at", s) for s in reversed(body)]
    while stack:
        event, stmt = stack.pop()
        match event, stmt:
            case "at", Loop():
                yield "enter", stmt
                stack.append(("leave", stmt))
                stack.extend(("at", s) for s in reversed(stmt.body))
            case "at", Branch():
                yield "enter", stmt
                stack.append(("leave", stmt))
                if stmt.otherwise:
                    stack.extend(("at", s) for s in reversed(stmt.otherwise))
                    stack.append(("else", stmt))
                stack.extend(("at", s) for s in reversed(stmt.then))
            case _:
                yield event, stmt


def operands(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions that a statement itself evaluates, without those of its body."""
    match stmt:
        case Comment() | Break():
            return ()
        case Declare(_, value) | Assign(_, value) | Place(_, value) | Return(value):
            return (value,)
        case Store(_, index, value) | Spread(_, index, value):
            return (index, value)
        case Loop(_, lower, upper):
            return (lower, upper)
        case Branch(condition):
            return (condition,)
        case Invoke(_, offsets, scalars):
            return (*scalars, *offsets)
        case _:
            assert_never(stmt)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions."""
    match expr:
        case Const() | Var():
            return ()
        case Answer(_, arguments):
            return arguments
        case Load(_, index, _, guard, default):
            return (index,) if guard is None or default is None else (guard, index, default)
        case Negate(operand) | Not(operand) | Convert(operand) | Count(operand):
            return (operand,)
        case ToReal(operand) | FromReal(operand) | Reinterpret(operand) | Apply(_, operand):
            return (operand,)
        case Arith(_, left, right) | Compare(_, left, right) | Logic(_, left, right):
            return (left, right)
        case Shift(_, operand, amount):
            return (operand, amount)
        case Pack(_, index) | Strays(_, index):
            return (index,)
        case Select(condition, then, otherwise):
            return (condition, then, otherwise)
        case _:
            assert_never(expr)


def subexpressions(expr: Expr) -> Iterator[Expr]:
    """An expression and all below it."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(children(node))


def expressions(body: Sequence[Stmt]) -> Iterator[Expr]:
    """Every expression in some statements, with all below it."""
    for event, stmt in walk(body):
        if event in ("at", "enter"):
            for expr in operands(stmt):
                yield from subexpressions(expr)


def loads(body: Sequence[Stmt]) -> Iterator[Load | Pack | Strays]:
    """Every read of a buffer in some statements."""
    return (node for node in expressions(body) if isinstance(node, Load | Pack | Strays))


def stores(body: Sequence[Stmt]) -> Iterator[Store | Spread]:
    """Every write to a buffer in some statements."""
    return (stmt for _, stmt in walk(body) if isinstance(stmt, Store | Spread))


def applied(body: Sequence[Stmt]) -> list[str]:
    """The elementary functions that some statements use, in alphabetic order."""
    return sorted({node.function for node in expressions(body) if isinstance(node, Apply)})


def read_variables(body: Sequence[Stmt]) -> set[str]:
    """The names of all variables that some statements read."""
    return {node.name for node in expressions(body) if isinstance(node, Var)}


def variables(expr: Expr) -> Iterator[str]:
    """The name of every variable in an expression."""
    return (node.name for node in subexpressions(expr) if isinstance(node, Var))
