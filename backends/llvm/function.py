"""LLVM text of one kernel function.

Immutable variables and loop indices are SSA values; a mutable variable is a slot in the entry block, which LLVM turns
into SSA values itself. Bits are `i1` as values and `i8` in memory; an integer of more than 64 bits is an `iN` that is
loaded from and stored to its words, which on a little-endian machine are exactly its bytes.

    for i: i32 = 0 to n { y[i] = ... }      loop1:     ; the test, with the index as a phi
                                            body1:     ; the body
                                            next1:     ; the index advances
                                            end1:
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    Arith,
    Assign,
    BitType,
    Branch,
    Break,
    Comment,
    Compare,
    Const,
    Convert,
    Declare,
    Expr,
    Function,
    IntType,
    Invoke,
    Kernel,
    Load,
    Logic,
    Loop,
    Negate,
    Not,
    Select,
    Stmt,
    Store,
    Type,
    Var,
)
from ddcompile.kernel.traverse import walk

__all__ = ["FunctionPrinter", "memory_type", "remainder_symbol", "value_type"]

_ARITH = {"+": "add nsw", "-": "sub nsw", "*": "mul nsw", "%": "srem", "&": "and"}
_COMPARE = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
_BLOCK = 256
"""Instructions after which straight-line code goes on in a new block; code generation is not linear in their number."""
_COMMENT = 160
"""Characters of a comment."""


def value_type(type_: Type) -> str:
    """The type of a value."""
    return "i1" if isinstance(type_, BitType) else f"i{type_.width}"


def memory_type(type_: Type) -> str:
    """The type of an element of a buffer: its bytes and how far elements are apart."""
    if isinstance(type_, BitType):
        return "i8"
    return f"[{type_.words} x i64]" if type_.is_wide else f"i{type_.width}"


def remainder_symbol(type_: IntType) -> str:
    """The function that computes remainders of a wide type."""
    return f"@.remainder{type_.width}"


@dataclass(slots=True)
class _Open:
    """The labels of a loop or branch whose end is still to come; a branch has no head."""

    end: str
    step: str = ""
    head: str = ""
    index: str = ""
    following: str = ""


class FunctionPrinter:
    """Prints a function of a kernel.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    symbols : dict of str to str
        From the name of each function and table to its symbol.
    comments : bool
        Whether comments are printed.
    """

    def __init__(self, kernel: Kernel, symbols: dict[str, str], comments: bool) -> None:
        self.kernel = kernel
        self.symbols = symbols
        self.comments = comments
        self.remainders: set[IntType] = set()
        """The wide types of which the functions so far need remainders."""

    def print(self, function: Function) -> list[str]:
        """The lines of a function's definition."""
        self._names = Names(("entry",))
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._block = "entry"
        self._length = 0
        self._is_ended = False
        self._values: dict[str, str] = {}
        self._slots: dict[str, str] = {}
        self._open: list[_Open] = []
        self._blocks = 0
        parameters = []
        for scalar in function.scalars:
            self._values[scalar.name] = "%" + self._names.fresh(scalar.name)
            parameters.append(f"{value_type(scalar.type)} {self._values[scalar.name]}")
        self._buffers = {table.name: self.symbols[table.name] for table in self.kernel.of_role("table")}
        for buffer in self.kernel.parameters:
            self._buffers[buffer.name] = "%" + self._names.fresh(buffer.name)
            attributes = "noalias readonly" if buffer.role == "input" else "noalias"
            parameters.append(f"ptr {attributes} {self._buffers[buffer.name]}")
        if self.kernel.needs_scratch:
            self._scratch = "%" + self._names.fresh("scratch")
            parameters.append(f"ptr noalias {self._scratch}")
        self._place_scratch(function)
        for event, stmt in walk(function.body):
            match event:
                case "at":
                    self._statement(stmt)
                case "enter":
                    self._enter(stmt)
                case "else":
                    self._otherwise()
                case "leave":
                    self._leave(stmt)
        head = f"define void {self.symbols[function.name]}({', '.join(parameters)}) nounwind {{"
        return [head, "entry:", *self._entry, *self._lines, "  ret void", "}"]

    # --- memory ------------------------------------------------------------------------------------------------------

    def _place_scratch(self, function: Function) -> None:
        """Give the scratch buffers their memory, in the function that computes a sample."""
        if function is not self.kernel.sample:
            return
        for buffer in self.kernel.of_role("scratch"):
            name = "%" + self._names.fresh(buffer.name)
            self._buffers[buffer.name] = name
            if self.kernel.needs_scratch:
                offset = self.kernel.scratch_offsets[buffer.name]
                self._entry.append(f"  {name} = getelementptr inbounds i8, ptr {self._scratch}, i64 {offset}")
            else:
                self._entry.append(f"  {name} = alloca [{buffer.size} x {memory_type(buffer.type)}], align 8")

    def _address(self, buffer: str, index: Expr, place: str) -> str:
        """The address of an element; `place` is the printed index."""
        if place == "0":
            return self._buffers[buffer]
        element = memory_type(self.kernel.buffer[buffer].type)
        return self._do(
            f"getelementptr inbounds {element}, ptr {self._buffers[buffer]}, {value_type(index.type)} {place}"
        )

    def _load(self, node: Load, name: str) -> str:
        index = self._value(node.index)
        if node.guard is None or node.default is None:
            return self._element(node, index, name)
        guard, default = self._value(node.guard), self._value(node.default)
        # The first element is there to be read, so no branch is needed.
        kind = value_type(node.index.type)
        found = self._element(node, self._do(f"select i1 {guard}, {kind} {index}, {kind} 0"), "")
        kind = value_type(node.type)
        return self._do(f"select i1 {guard}, {kind} {found}, {kind} {default}", name)

    def _element(self, node: Load, place: str, name: str) -> str:
        address = self._address(node.buffer, node.index, place)
        if isinstance(node.type, BitType):
            return self._do(f"trunc i8 {self._do(f'load i8, ptr {address}, !range !0')} to i1", name)
        align = ", align 8" if node.type.is_wide else ""
        return self._do(f"load {value_type(node.type)}, ptr {address}{align}", name)

    def _store(self, stmt: Store) -> None:
        index, value = self._value(stmt.index), self._value(stmt.value)
        type_ = stmt.value.type
        address = self._address(stmt.buffer, stmt.index, index)
        if isinstance(type_, BitType):
            self._add(f"store i8 {self._extended(value)}, ptr {address}")
            return
        align = ", align 8" if type_.is_wide else ""
        self._add(f"store {value_type(type_)} {value}, ptr {address}{align}")

    def _extended(self, bit: str) -> str:
        """A bit as it is in memory."""
        if bit in ("true", "false"):
            return "1" if bit == "true" else "0"
        return self._do(f"zext i1 {bit} to i8")

    # --- expressions -------------------------------------------------------------------------------------------------

    def _value(self, expr: Expr, name: str = "") -> str:
        """Print what computes an expression; the operand that holds it, called `name` if there is a choice."""
        match expr:
            case Const(value, BitType()):
                return "true" if value else "false"
            case Const(value, _):
                return str(value)
            case Var(variable, type_):
                if variable in self._slots:
                    return self._do(f"load {value_type(type_)}, ptr {self._slots[variable]}", name)
                return self._values[variable]
            case Load():
                return self._load(expr, name)
            case Negate(operand, type_):
                return self._do(f"sub nsw {value_type(type_)} 0, {self._value(operand)}", name)
            case Arith():
                return self._arith(expr, name)
            case Compare(op, left, right):
                operands = f"{self._value(left)}, {self._value(right)}"
                return self._do(f"icmp {_COMPARE[op]} {value_type(left.type)} {operands}", name)
            case Logic(op, left, right):
                return self._do(f"{op} i1 {self._value(left)}, {self._value(right)}", name)
            case Not(operand):
                return self._do(f"xor i1 {self._value(operand)}, true", name)
            case Select(condition, then, otherwise, type_):
                kind = value_type(type_)
                test, first, second = (self._value(e) for e in (condition, then, otherwise))
                return self._do(f"select i1 {test}, {kind} {first}, {kind} {second}", name)
            case Convert(operand, type_):
                return self._convert(self._value(operand), operand.type, type_, name)
            case _:
                assert_never(expr)

    def _arith(self, node: Arith, name: str) -> str:
        left, right = self._value(node.left), self._value(node.right)
        kind = value_type(node.type)
        if node.op == "%" and node.type.is_wide:
            self.remainders.add(node.type)
            return self._do(f"call {kind} {remainder_symbol(node.type)}({kind} {left}, {kind} {right})", name)
        return self._do(f"{_ARITH[node.op]} {kind} {left}, {right}", name)

    def _convert(self, value: str, source: Type, target: Type, name: str) -> str:
        if source == target:
            return value
        if isinstance(source, BitType) or (isinstance(target, IntType) and target.width > source.width):
            how = "zext" if isinstance(source, BitType) else "sext"
        else:
            how = "trunc"
        return self._do(f"{how} {value_type(source)} {value} to {value_type(target)}", name)

    # --- statements --------------------------------------------------------------------------------------------------

    def _statement(self, stmt: Stmt) -> None:
        match stmt:
            case Comment(text):
                if self.comments:
                    self._lines.append(f"  ; {text if len(text) <= _COMMENT else text[: _COMMENT - 3] + '...'}")
            case Declare():
                self._declare(stmt)
            case Assign(variable, value):
                self._assign(self._slots[variable.name], variable, value)
            case Store():
                self._store(stmt)
            case Invoke():
                self._invoke(stmt)
            case Break():
                loop = next(block for block in reversed(self._open) if block.head)
                self._jump(loop.end)
            case Loop() | Branch():
                raise TypeError("a block has a beginning and an end")
            case _:
                assert_never(stmt)

    def _declare(self, stmt: Declare) -> None:
        variable = stmt.variable
        if not stmt.mutable:
            self._values[variable.name] = self._value(stmt.value, variable.name)
            self._slots.pop(variable.name, None)
            return
        slot = "%" + self._names.fresh(variable.name)
        self._entry.append(f"  {slot} = alloca {value_type(variable.type)}, align 8")
        self._assign(slot, variable, stmt.value)
        self._slots[variable.name] = slot

    def _assign(self, slot: str, variable: Var, value: Expr) -> None:
        self._add(f"store {value_type(variable.type)} {self._value(value)}, ptr {slot}")

    def _invoke(self, stmt: Invoke) -> None:
        arguments = []
        for buffer, offset in zip(self.kernel.parameters, stmt.offsets, strict=True):
            arguments.append(f"ptr {self._address(buffer.name, offset, self._value(offset))}")
        if self.kernel.needs_scratch:
            arguments.append(f"ptr {self._scratch}")
        self._add(f"call void {self.symbols[stmt.function]}({', '.join(arguments)})")

    def _enter(self, stmt: Stmt) -> None:
        self._blocks += 1
        number = self._blocks
        if isinstance(stmt, Branch):
            then, end = self._names.fresh(f"then{number}"), self._names.fresh(f"end{number}")
            condition = self._value(stmt.condition)
            block = _Open(end)
            if stmt.otherwise:
                block.step = self._names.fresh(f"else{number}")
            self._end(f"br i1 {condition}, label %{then}, label %{block.step or end}")
            self._begin(then)
            self._open.append(block)
            return
        assert isinstance(stmt, Loop)
        kind = value_type(stmt.index.type)
        lower, upper = self._value(stmt.lower), self._value(stmt.upper)
        head, body, step, end = (self._names.fresh(f"{word}{number}") for word in ("loop", "body", "next", "end"))
        index = "%" + self._names.fresh(stmt.index.name)
        before = self._block
        self._jump(head)
        self._begin(head)
        following = "%" + self._names.fresh(f"{stmt.index.name}.next")
        self._add(f"{index} = phi {kind} [ {lower}, %{before} ], [ {following}, %{step} ]")
        test = self._do(f"icmp slt {kind} {index}, {upper}")
        self._end(f"br i1 {test}, label %{body}, label %{end}")
        self._begin(body)
        self._values[stmt.index.name] = index
        self._slots.pop(stmt.index.name, None)
        self._open.append(_Open(end, step, head, index, following))

    def _otherwise(self) -> None:
        block = self._open[-1]
        self._jump(block.end)
        self._begin(block.step)

    def _leave(self, stmt: Stmt) -> None:
        block = self._open.pop()
        if isinstance(stmt, Loop):
            self._jump(block.step)
            self._begin(block.step)
            self._add(f"{block.following} = add nsw {value_type(stmt.index.type)} {block.index}, 1")
            self._jump(block.head)
        else:
            self._jump(block.end)
        self._begin(block.end)

    # --- lines -------------------------------------------------------------------------------------------------------

    def _do(self, instruction: str, name: str = "") -> str:
        """Add an instruction with a value; the operand that holds it."""
        result = "%" + (self._names.fresh(name) if name else self._names.numbered("v"))
        self._add(f"{result} = {instruction}")
        return result

    def _add(self, line: str) -> None:
        if self._length >= _BLOCK:
            following = self._names.numbered("more")
            self._jump(following)
            self._begin(following)
        self._length += 1
        self._lines.append("  " + line)

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label
        self._length = 0
        self._is_ended = False

    def _end(self, line: str) -> None:
        """Add the instruction that ends the block, unless a jump out of a loop has ended it."""
        if not self._is_ended:
            self._lines.append("  " + line)
        self._is_ended = True

    def _jump(self, label: str) -> None:
        self._end(f"br label %{label}")
