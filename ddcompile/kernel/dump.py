"""The text of a kernel, for golden tests and for reading; nothing parses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from ddcompile.kernel.nodes import (
    Answer,
    Apply,
    Arith,
    Assign,
    Branch,
    Break,
    Buffer,
    Comment,
    Compare,
    Const,
    Convert,
    Count,
    Declare,
    Expr,
    FromReal,
    Function,
    Invoke,
    Kernel,
    Load,
    Logic,
    Loop,
    Negate,
    Not,
    Pack,
    Place,
    RealType,
    Reinterpret,
    Return,
    Select,
    Shift,
    Spread,
    Stmt,
    Store,
    Strays,
    ToReal,
    Type,
    Var,
    WordType,
)
from ddcompile.kernel.scalars import real_of
from ddcompile.kernel.traverse import Event, walk

__all__ = ["dump", "dump_expression"]

_LEVELS = {"or": 1, "xor": 1, "and": 2, "&": 5, ">>": 5, "<<": 5, "+": 6, "-": 6}
_LEVELS |= dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 4)
_ATOM = 9
_INDENT = "  "


def dump(kernel: Kernel) -> str:
    """The whole kernel as text."""
    lines = [f"kernel {kernel.name} {{"]
    lines += (_INDENT + _buffer(buffer) for buffer in kernel.buffers)
    for function in kernel.functions:
        lines += (_INDENT + line for line in _function(function, kernel))
    lines.append("}")
    return "".join(line + "\n" for line in lines)


def _buffer(buffer: Buffer) -> str:
    shape = f"[{', '.join(buffer.shape_texts)}]" if buffer.shape else ""
    scale = f" * 2^-{buffer.exponent}" if buffer.exponent else ""
    values = f" = {' '.join(_number(v, buffer.type) for v in buffer.values)}" if buffer.role == "table" else ""
    return f"{buffer.role} {buffer.name}: {buffer.type}{shape}{scale}{values}"


def _number(value: int, type_: Type) -> str:
    if isinstance(type_, WordType):
        return hex(value)
    return repr(real_of(value)) if isinstance(type_, RealType) else str(value)


def _function(function: Function, kernel: Kernel) -> Iterator[str]:
    scalars = ", ".join(f"{v.name}: {v.type}" for v in function.scalars)
    result = "" if function.result is None else f" -> {function.result}"
    yield f"function {function.name}({scalars}){result} {{"
    depth = 1
    for event, stmt in walk(function.body):
        if event in ("else", "leave"):
            depth -= 1
        yield _INDENT * depth + _line(event, stmt, kernel)
        if event in ("enter", "else"):
            depth += 1
    yield "}"


def _line(event: Event, stmt: Stmt, kernel: Kernel) -> str:
    if event == "leave":
        return "}"
    if event == "else":
        return "} else {"
    match stmt:
        case Comment(text):
            return "# " + text.replace("\n", "; ")
        case Declare(variable, value, mutable):
            return f"{'var' if mutable else 'let'} {variable.name}: {variable.type} = {dump_expression(value)}"
        case Assign(variable, value):
            return f"{variable.name} = {dump_expression(value)}"
        case Store(buffer, index, value):
            return f"{buffer}[{dump_expression(index)}] = {dump_expression(value)}"
        case Spread(buffer, index, value):
            return f"{buffer}[{dump_expression(index)} and on] = {dump_expression(value)}"
        case Loop(index, lower, upper, _, is_parallel):
            how = " at once" if is_parallel else ""
            return f"for{how} {index.name}: {index.type} = {dump_expression(lower)} to {dump_expression(upper)} {{"
        case Branch(condition):
            return f"if {dump_expression(condition)} {{"
        case Break():
            return "break"
        case Invoke(name, offsets, scalars):
            arguments = [dump_expression(scalar) for scalar in scalars]
            pairs = zip(kernel.parameters, offsets, strict=True)
            return f"{name}({', '.join([*arguments, *(f'{b.name} + {dump_expression(o)}' for b, o in pairs)])})"
        case Place(buffer, offset):
            return f"place {buffer} at {dump_expression(offset)}"
        case Return(value):
            return f"return {dump_expression(value)}"
        case _:
            assert_never(stmt)


def dump_expression(expr: Expr) -> str:
    """An expression as text."""
    return _print(expr)[0]


def _at(expr: Expr, level: int) -> str:
    text, own = _print(expr)
    return text if own >= level else f"({text})"


def _print(expr: Expr) -> tuple[str, int]:
    match expr:
        case Const(value, type_):
            text = _number(value, type_)
            return text, 8 if text.startswith("-") else _ATOM
        case Var(name):
            return name, _ATOM
        case Answer(name, arguments):
            return f"{name}({', '.join(map(dump_expression, arguments))})", _ATOM
        case Load(buffer, index, _, guard, default):
            element = f"{buffer}[{dump_expression(index)}]"
            if guard is None or default is None:
                return element, _ATOM
            return f"{element} where {dump_expression(guard)} else {dump_expression(default)}", 0
        case Negate(operand):
            return f"-{_at(operand, 8)}", 8
        case Arith(op, left, right) | Compare(op, left, right) | Logic(op, left, right):
            level = _LEVELS.get(op, 7)
            least = level + 1 if op in ("<", "<=", ">", ">=", "==", "!=", "&", ">>", "xor", "or") else level
            return f"{_at(left, least)} {op} {_at(right, level + 1)}", level
        case Shift(op, operand, amount):
            return f"{_at(operand, 6)} {op} {_at(amount, 6)}", 5
        case Count(operand):
            return f"ones({dump_expression(operand)})", _ATOM
        case Pack(buffer, index):
            return f"{buffer}[{dump_expression(index)} and on]", _ATOM
        case Strays(buffer, index):
            return f"strays({buffer}[{dump_expression(index)} and on])", _ATOM
        case Not(operand):
            return f"not {_at(operand, 3)}", 3
        case Select(condition, then, otherwise):
            return f"{_at(then, 1)} if {_at(condition, 1)} else {_at(otherwise, 0)}", 0
        case Convert(operand, type_):
            return f"{type_}({dump_expression(operand)})", _ATOM
        case ToReal(operand, exponent):
            scale = f", 2^-{exponent}" if exponent else ""
            return f"f64({dump_expression(operand)}{scale})", _ATOM
        case Reinterpret(operand, type_):
            return f"{type_} of bits({dump_expression(operand)})", _ATOM
        case Apply(name, operand):
            return f"{name}({dump_expression(operand)})", _ATOM
        case FromReal(operand, exponent, type_):
            scale = f", 2^{exponent}" if exponent else ""
            return f"{type_}({dump_expression(operand)}{scale})", _ATOM
        case _:
            assert_never(expr)
