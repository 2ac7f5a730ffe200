"""Checks a kernel against the promises of `ddcompile.kernel.nodes`. A fault is a bug of ours, not of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from ddcompile.analysis.elementary import ELEMENTARY
from ddcompile.kernel.nodes import (
    BIT,
    F64,
    I64,
    MAX_DEPTH,
    WORD,
    Answer,
    Apply,
    Arith,
    Assign,
    BitType,
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
    Function,
    IntType,
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
from ddcompile.kernel.scalars import FINEST
from ddcompile.kernel.traverse import children, operands, walk

__all__ = ["verify"]


def verify(kernel: Kernel) -> list[str]:
    """Every broken promise about types, names, buffers and depth; empty if the kernel is sound."""
    names = [b.name for b in kernel.buffers]
    found = [f"buffer {name} is declared twice" for name in sorted({n for n in names if names.count(n) > 1})]
    for buffer in kernel.buffers:
        if buffer.role == "table" and len(buffer.values) != buffer.size:
            found.append(f"table {buffer.name} has {len(buffer.values)} values for {buffer.size} elements")
        if any(not _fits(value, buffer.type) for value in buffer.values):
            found.append(f"table {buffer.name} has a value that {buffer.type} does not hold")
    for function in kernel.functions:
        found += (f"{function.name}: {fault}" for fault in _Checker(kernel, function).run())
    return found


def _fits(value: int, type_: Type) -> bool:
    if isinstance(type_, RealType | WordType):
        return 0 <= value < 2**64
    return value in (0, 1) if isinstance(type_, BitType) else type_.low <= value <= type_.high


class _Checker:
    def __init__(self, kernel: Kernel, function: Function) -> None:
        self.kernel = kernel
        self.function = function
        self.scopes: list[dict[str, tuple[Var, bool]]] = [{v.name: (v, False) for v in function.scalars}]
        self.loops = 0
        self.placed: set[str] = set()

    def run(self) -> Iterator[str]:
        function = self.function
        for event, stmt in walk(function.body):
            if event in ("leave", "else"):
                self.scopes.pop()
                self.loops -= isinstance(stmt, Loop) and event == "leave"
            if event in ("enter", "at"):
                for expr in operands(stmt):
                    yield from self._expression(expr)
                yield from self._statement(stmt)
            if event in ("enter", "else"):
                self.scopes.append({})
                if isinstance(stmt, Loop):
                    self.loops += 1
                    yield from self._declare(stmt.index, False)
        if function.result is not None and not (function.body and isinstance(function.body[-1], Return)):
            yield "the end is reached without a result"
        if function is self.kernel.sample:
            sized = {b.name for b in self.kernel.of_role("scratch") if self.kernel.sizes and self.kernel.needs_scratch}
            yield from (f"{name} has no place" for name in sorted(sized - self.placed))

    def _visible(self, name: str) -> tuple[Var, bool] | None:
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def _declare(self, variable: Var, mutable: bool) -> Iterator[str]:
        if self._visible(variable.name) is not None or variable.name in self.kernel.buffer:
            yield f"{variable.name} hides another declaration"
        self.scopes[-1][variable.name] = variable, mutable

    def _statement(self, stmt: Stmt) -> Iterator[str]:
        match stmt:
            case Comment():
                pass
            case Declare(variable, value, mutable):
                yield from _same(f"declaration of {variable.name}", variable, value)
                yield from self._declare(variable, mutable)
            case Assign(variable, value):
                known = self._visible(variable.name)
                if known is None or not known[1]:
                    yield f"{variable.name} is assigned but not mutable"
                yield from _same(f"assignment to {variable.name}", variable, value)
            case Store(buffer, index, value):
                known_buffer = self.kernel.buffer.get(buffer)
                if known_buffer is None or known_buffer.role not in ("output", "scratch"):
                    yield f"{buffer} cannot be written"
                elif known_buffer.type != value.type:
                    yield f"{buffer} of {known_buffer.type} is given {value.type}"
                yield from _index(buffer, index)
            case Spread(buffer, index, value):
                known_buffer = self.kernel.buffer.get(buffer)
                if known_buffer is None or known_buffer.role not in ("output", "scratch"):
                    yield f"{buffer} cannot be written"
                elif known_buffer.type != BIT or value.type != WORD:
                    yield f"{buffer} of {known_buffer.type} is given the bits of {value.type}"
                yield from _index(buffer, index)
            case Loop(variable, lower, upper):
                yield from _same(f"loop over {variable.name}", variable, lower, upper)
                yield from _index(variable.name, variable)
            case Branch(condition):
                yield from _bits("branch", condition)
            case Break():
                if not self.loops:
                    yield "break outside of a loop"
            case Invoke(name, offsets, scalars):
                yield from self._call(name, scalars, takes_buffers=True)
                if len(offsets) != len(self.kernel.parameters):
                    yield f"{name} is called with {len(offsets)} buffers"
                if any(offset.type != I64 for offset in offsets):
                    yield f"{name} is called with offsets that are not i64"
            case Place(buffer, offset):
                self.placed.add(buffer)
                if buffer not in self.kernel.buffer or self.kernel.buffer[buffer].role != "scratch":
                    yield f"{buffer} is no scratch buffer"
                yield from _same(f"place of {buffer}", offset, Const(0, I64))
            case Return(value):
                if value.type != self.function.result:
                    yield f"the result is {value.type}, not {self.function.result}"
            case _:
                assert_never(stmt)

    def _call(self, name: str, arguments: Sequence[Expr], *, takes_buffers: bool) -> Iterator[str]:
        called = next((f for f in self.kernel.functions if f.name == name), None)
        if called is None or called.takes_buffers != takes_buffers or (takes_buffers and called.result is not None):
            yield f"{name} cannot be called"
        elif [a.type for a in arguments] != [v.type for v in called.scalars]:
            yield f"{name} is called with {', '.join(str(a.type) for a in arguments)}"

    def _expression(self, root: Expr) -> Iterator[str]:
        stack = [(root, 1)]
        while stack:
            expr, depth = stack.pop()
            if depth > MAX_DEPTH:
                yield f"an expression is deeper than {MAX_DEPTH}"
                return
            stack.extend((kid, depth + 1) for kid in children(expr))
            yield from self._node(expr)

    def _node(self, expr: Expr) -> Iterator[str]:
        match expr:
            case Const(value, type_):
                if not _fits(value, type_):
                    yield f"{value} is no {type_}"
            case Var(name):
                known = self._visible(name)
                if known is None:
                    yield f"{name} is not declared"
                elif known[0] != expr:
                    yield f"{name} is {known[0].type}, not {expr.type}"
            case Answer(name, arguments):
                yield from self._call(name, arguments, takes_buffers=False)
            case Load(buffer, index, type_, guard, default):
                known_buffer = self.kernel.buffer.get(buffer)
                if known_buffer is None or known_buffer.type != type_:
                    yield f"{buffer} is no buffer of {type_}"
                yield from _index(buffer, index)
                if guard is not None:
                    yield from _bits("guard", guard)
                if (guard is None) != (default is None) or (default is not None and default.type != type_):
                    yield f"guarded read of {buffer} without a default of {type_}"
            case Negate(operand):
                yield from _same("negation", expr, operand)
            case Arith(op, left, right):
                yield from _same(op, expr, left, right)
                if op not in ("+", "-", "*") and (op == "/") != (expr.type == F64):
                    yield f"{op} of {expr.type}"
                if op == ">>" and (not isinstance(right, Const) or expr.type.is_wide):
                    yield f"{expr.type} shifted by what is no constant"
                if op == "%" and isinstance(right, Const) and right.value <= 0:
                    yield "remainder by what is not positive"
            case Compare(op, left, right):
                yield from _same(op, left, right)
                if isinstance(left.type, BitType | WordType) and op not in ("==", "!="):
                    yield f"bits compared by {op}"
            case Logic(op, left, right):
                yield from _bits_or_words(op, left, right)
            case Not(operand):
                yield from _bits_or_words("not", operand)
            case Shift(op, operand, amount):
                if operand.type != WORD:
                    yield f"{op} of {operand.type}"
                if isinstance(amount, Const) and not 0 <= amount.value < 64:
                    yield f"{op} by {amount.value}"
                yield from _index(op, amount)
            case Count(operand):
                if operand.type != WORD:
                    yield f"bits of {operand.type} counted"
            case Pack(buffer, index) | Strays(buffer, index):
                known_buffer = self.kernel.buffer.get(buffer)
                if known_buffer is None or known_buffer.type != BIT:
                    yield f"{buffer} is no buffer of bits"
                yield from _index(buffer, index)
            case Select(condition, then, otherwise):
                yield from _bits("select", condition)
                yield from _same("select", expr, then, otherwise)
            case Convert(operand, type_):
                if operand.type == type_:
                    yield f"conversion of {type_} to itself"
                if F64 in (operand.type, type_):
                    yield f"conversion of {operand.type} to {type_} without rounding"
                if (operand.type == WORD and type_ != I64) or (type_ == WORD and operand.type != BIT):
                    yield f"conversion of {operand.type} to {type_}"
            case ToReal(operand, exponent):
                if operand.type == F64 or exponent < 0 or (exponent > 1022 and not operand.type.is_wide):
                    yield f"no rounding of {operand.type} times 2^-{exponent}"
            case FromReal(operand, exponent, type_):
                if operand.type != F64 or exponent != (FINEST if type_.is_wide else 0):
                    yield f"no conversion of {operand.type} times 2^{exponent} to {type_}"
            case Reinterpret(operand, type_):
                if {operand.type, type_} != {F64, I64}:
                    yield f"bits of {operand.type} taken for {type_}"
            case Apply(name, operand):
                if name not in ELEMENTARY or operand.type != F64:
                    yield f"{name} of {operand.type}"
            case _:
                assert_never(expr)


def _same(what: str, *exprs: Expr) -> Iterator[str]:
    types = [str(expr.type) for expr in exprs]
    if len(set(types)) > 1:
        yield f"{what} mixes {', '.join(types)}"


def _bits(what: str, *exprs: Expr) -> Iterator[str]:
    if any(expr.type != BIT for expr in exprs):
        yield f"{what} needs bits, not {', '.join(str(expr.type) for expr in exprs)}"


def _bits_or_words(what: str, *exprs: Expr) -> Iterator[str]:
    if any(expr.type != WORD for expr in exprs):
        yield from _bits(what, *exprs)


def _index(what: str, index: Expr) -> Iterator[str]:
    if not isinstance(index.type, IntType) or index.type.width not in (32, 64):
        yield f"index of {what} has type {index.type}"
