"""Kernel statements as C."""

from __future__ import annotations

from typing import assert_never

from ddcompile.backends.c.expressions import ADD, MULTIPLY, ExpressionPrinter
from ddcompile.backends.c.literals import element_type
from ddcompile.backends.c.names import CNames
from ddcompile.backends.c.wide import Helpers
from ddcompile.backends.shared.comments import comment_rows
from ddcompile.backends.shared.writer import Writer
from ddcompile.kernel.nodes import (
    I64,
    Arith,
    Assign,
    Branch,
    Break,
    Comment,
    Const,
    Declare,
    Expr,
    Function,
    IntType,
    Invoke,
    Kernel,
    Loop,
    Place,
    RealType,
    Return,
    Spread,
    Stmt,
    Store,
    Var,
)
from ddcompile.kernel.traverse import walk

__all__ = ["StatementPrinter", "comment_lines"]


def comment_lines(text: str, width: int) -> list[str]:
    """A comment of lines that are not longer than the width allows."""
    lines = [("/* " if k == 0 else "   ") + row for k, row in enumerate(comment_rows(text, width - 6))]
    lines[-1] += " */"
    return lines


class StatementPrinter:
    """Prints the statements of one function with a writer."""

    def __init__(
        self,
        writer: Writer,
        kernel: Kernel,
        names: CNames,
        expressions: ExpressionPrinter,
        helpers: Helpers,
        *,
        comments: bool,
        invoked: dict[str, str],
        scratch: str,
    ) -> None:
        self._writer = writer
        self._kernel = kernel
        self._names = names
        self._expressions = expressions
        self._helpers = helpers
        self._comments = comments
        self._invoked = invoked
        self._scratch = scratch

    def print(self, function: Function) -> None:
        """The body of a function."""
        for event, stmt in walk(function.body):
            match event:
                case "at":
                    self._statement(stmt)
                case "enter":
                    if isinstance(stmt, Loop) and stmt.is_parallel:
                        self._writer.line(self._helpers.parallel())
                    self._writer.wrapped(self._head(stmt))
                    self._writer.enter()
                case "else":
                    self._writer.leave()
                    self._writer.line("} else {")
                    self._writer.enter()
                case "leave":
                    self._writer.leave()
                    self._writer.line("}")
                case _:
                    assert_never(event)

    def _head(self, stmt: Stmt) -> str:
        text = self._expressions.text
        match stmt:
            case Loop(index, lower, upper):
                name = self._names[index.name]
                first = f"{element_type(index.type)} {name} = {text(lower)}"
                return f"for ({first}; {name} < {self._expressions.print(upper).at(ADD)}; ++{name}) {{"
            case Branch(condition):
                return f"if ({text(condition)}) {{"
            case _:
                raise TypeError(f"{type(stmt).__name__} opens no block")

    def _statement(self, stmt: Stmt) -> None:
        line = self._writer.wrapped
        match stmt:
            case Comment(text):
                if self._comments:
                    self._writer.gap()
                    self._writer.lines(comment_lines(text, 110))
            case Declare(variable, value, mutable):
                const = "" if mutable else "const "
                type_ = element_type(variable.type)
                if isinstance(variable.type, IntType) and variable.type.is_wide:
                    type_ = self._helpers.type_name(variable.type)
                line(f"{const}{type_} {self._names[variable.name]} = {self._expressions.stored(value)};")
            case Assign(variable, value):
                self._assign(variable, value)
            case Store(buffer, index, value):
                if isinstance(value.type, IntType) and value.type.is_wide:
                    store = self._helpers.function("store", value.type)
                    line(f"{store}({self._expressions.address(buffer, index)}, {self._expressions.text(value)});")
                else:
                    line(f"{self._expressions.element(buffer, index)} = {self._expressions.stored(value)};")
            case Spread(buffer, index, value):
                spread = self._helpers.packing("spread")
                line(f"{spread}({self._expressions.start(buffer, index)}, {self._expressions.text(value)});")
            case Break():
                line("break;")
            case Invoke():
                self._invoke(stmt)
            case Place(buffer, offset):
                self._place(buffer, offset)
            case Return(value):
                self._return(value)
            case Loop() | Branch():
                raise TypeError(f"{type(stmt).__name__} is no simple statement")
            case _:
                assert_never(stmt)

    def _assign(self, variable: Var, value: Expr) -> None:
        name = self._names[variable.name]
        match value, variable.type:
            case Arith("+" | "-" as op, Var(other), right), IntType(32 | 64) | RealType() if other == variable.name:
                self._writer.wrapped(f"{name} {op}= {self._expressions.text(right)};")
            case _:
                self._writer.wrapped(f"{name} = {self._expressions.stored(value)};")

    def _invoke(self, stmt: Invoke) -> None:
        arguments = [self._expressions.text(scalar) for scalar in stmt.scalars]
        for buffer, offset in zip(self._kernel.parameters, stmt.offsets, strict=True):
            words = buffer.type.words
            scale = f"{words} * " if words > 1 else ""
            place = self._names[buffer.name]
            text = self._expressions.print(offset).at(MULTIPLY + 1) if scale else self._expressions.text(offset)
            arguments.append(place if text == "0" else f"{place} + {scale}{text}")
        arguments += [self._scratch] if self._scratch else []
        self._writer.wrapped(f"{self._invoked[stmt.function]}({', '.join(arguments)});")

    def _place(self, buffer: str, offset: Expr) -> None:
        type_ = element_type(self._kernel.buffer[buffer].type)
        start = self._scratch
        if not isinstance(offset, Const):
            start = f"({type_} *)(void *)((unsigned char *){start} + {self._expressions.print(offset).at(MULTIPLY)})"
        self._writer.wrapped(f"{type_} *restrict {self._names[buffer]} = {start};")

    def _return(self, value: Expr) -> None:
        text = self._expressions.text(value)
        if value.type == I64:
            # A number of bytes, for which a machine may have fewer bits.
            fits = f"(uint64_t){text} < SIZE_MAX"
            text = "SIZE_MAX" if isinstance(value, Const) else f"{fits} ? (size_t){text} : SIZE_MAX"
        self._writer.wrapped(f"return {text};")
