"""LLVM text of one kernel function.

Immutable variables and loop indices are SSA values; a mutable variable is a slot in the entry block, which LLVM turns
into SSA values itself.

    for i: i32 = 0 to n { y[i] = ... }      loop1:     ; the test, with the index as a phi
                                            body1:     ; the body
                                            next1:     ; the index advances
                                            end1:
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from ddcompile.backends.llvm.chains import has_chains
from ddcompile.backends.llvm.expressions import ExpressionPrinter, in_words, memory_type, routine_symbol, value_type
from ddcompile.backends.llvm.masks import masks_indices
from ddcompile.backends.shared.comments import comment_rows
from ddcompile.kernel.nodes import (
    I64,
    Assign,
    BitType,
    Branch,
    Break,
    Comment,
    Declare,
    Expr,
    Function,
    IntType,
    Invoke,
    Kernel,
    Load,
    Loop,
    Place,
    Return,
    Select,
    Spread,
    Stmt,
    Store,
    Var,
)
from ddcompile.kernel.routines import Routine
from ddcompile.kernel.traverse import loads, stores, walk

__all__ = ["FunctionPrinter"]

_COMMENT = 110
"""Characters of a line of a comment."""


@dataclass(slots=True)
class _Open:
    """The labels of a loop or branch whose end is still to come, what names stood for before it, and its memory.

    A branch has no head.
    """

    end: str
    step: str = ""
    head: str = ""
    index: str = ""
    following: str = ""
    group: int = 0
    """The number of the metadata for the accesses of a parallel loop, else 0."""
    before: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    kept: list[tuple[int, str]] = field(default_factory=list)


def _put(names: dict[str, str], name: str, text: str | None) -> None:
    if text is None:
        names.pop(name, None)
    else:
        names[name] = text


_ROLLED = '!{!"llvm.loop.unroll.disable"}'
"""The metadata of loops in a function for a block of samples: LLVM would write out the few passes over the words of a
row before it makes vectors."""


def _parallel(group: int) -> str:
    """The metadata of a loop in which no pass depends on another by the accesses of a group."""
    return f'!{{!"llvm.loop.parallel_accesses", !{group}}}'


class FunctionPrinter(ExpressionPrinter):
    """Prints a function of a kernel.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    symbols : dict of str to str
        From the name of each function and table to its symbol.
    comments : bool
        Whether comments are printed.
    streams : frozenset of str
        Outputs at multiples of 64 bytes of which words are spread past the cache.
    """

    def __init__(
        self, kernel: Kernel, symbols: dict[str, str], comments: bool, streams: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(kernel, symbols)
        self.comments, self.streams = comments, streams
        self.metadata: list[str] = []
        """What the functions so far need, numbered from 2."""

    def print(self, function: Function) -> list[str]:
        """The lines of a function's definition."""
        self._start()
        self._is_masked = masks_indices(function.body)
        self._is_rolled = function is self.kernel.block
        parameters = []
        for scalar in function.scalars:
            self._values[scalar.name] = "%" + self._names.fresh(scalar.name)
            parameters.append(f"{value_type(scalar.type)} {self._values[scalar.name]}")
        parameters += self._pointers() if function.takes_buffers else []
        if self.kernel.needs_scratch and function.takes_buffers:
            self._scratch = "%" + self._names.fresh("scratch")
            parameters.append(f"ptr noalias {self._scratch}")
        self._place_scratch(function)
        self._body(function.body)
        if function.result is None:
            self._end("ret void")
        is_private = self.kernel.sizes and (function is self.kernel.sample or not function.takes_buffers)
        linkage = "internal " if is_private and function.result != I64 else ""
        result = "void" if function.result is None else value_type(function.result)
        head = f"define {linkage}{result} {self.symbols[function.name]}({', '.join(parameters)}) nounwind {{"
        return [head, "entry:", *self._entry, *self._lines, "}"]

    def _start(self) -> None:
        """Begin a function."""
        super()._start()
        self._is_masked = self._is_rolled = False
        self._open: list[_Open] = []
        self._blocks = 0
        self._buffers = {table.name: self.symbols[table.name] for table in self.kernel.of_role("table")}

    def _pointers(self) -> list[str]:
        """The parameters for inputs and outputs."""
        parameters = []
        for buffer in self.kernel.parameters:
            self._buffers[buffer.name] = "%" + self._names.fresh(buffer.name)
            attributes = "noalias readonly" if buffer.role == "input" else "noalias"
            parameters.append(f"ptr {attributes} {self._buffers[buffer.name]}")
        return parameters

    def _body(self, body: Sequence[Stmt]) -> None:
        """Print statements."""
        for event, stmt in walk(body):
            match event:
                case "at":
                    self._statement(stmt)
                    self._release()
                case "enter":
                    self._enter(stmt)
                    self._release()
                case "else":
                    self._otherwise()
                case "leave":
                    self._leave(stmt)

    def print_routine(self, function: Routine) -> list[str]:
        """The lines of an elementary function's definition."""
        self._start()
        self._values[function.argument.name] = "%" + self._names.fresh(function.argument.name)
        for declare in function.body:
            self._declare(declare)
        result = self._value(function.result)
        parameter = f"double {self._values[function.argument.name]}"
        head = f"define internal double {routine_symbol(function.name)}({parameter}) nounwind {{"
        return [head, "entry:", *self._lines, f"  ret double {result}", "}"]

    # --- memory ------------------------------------------------------------------------------------------------------

    def _place_scratch(self, function: Function) -> None:
        """Give the scratch buffers their memory, in the function that computes a sample."""
        if self.kernel.sizes and self.kernel.needs_scratch:
            return
        used = {load.buffer for load in loads(function.body)} | {store.buffer for store in stores(function.body)}
        for buffer in self.kernel.of_role("scratch"):
            if buffer.name not in used:
                continue
            name = "%" + self._names.fresh(buffer.name)
            self._buffers[buffer.name] = name
            if self.kernel.needs_scratch:
                offset = self.kernel.scratch_offsets[buffer.name]
                self._entry.append(f"  {name} = getelementptr inbounds i8, ptr {self._scratch}, i64 {offset}")
            else:
                self._entry.append(f"  {name} = alloca [{buffer.size} x {memory_type(buffer.type)}], align 8")

    def _store(self, stmt: Store) -> None:
        index, value = self._value(stmt.index), self._value(stmt.value)
        type_ = stmt.value.type
        address = self._address(stmt.buffer, stmt.index, index)
        if in_words(type_):
            self._copy(type_, value, address)
            return
        if isinstance(type_, BitType):
            self._add(f"store i8 {self._extended(value)}, ptr {address}" + self._access())
            return
        align = ", align 8" if type_.is_wide else ""
        self._add(f"store {value_type(type_)} {value}, ptr {address}{align}" + self._access())

    def _spread(self, stmt: Spread) -> None:
        index, value = self._value(stmt.index), self._value(stmt.value)
        address = self._address(stmt.buffer, stmt.index, index)
        found = self._do(f"zext <64 x i1> {self._do(f'bitcast i64 {value} to <64 x i1>')} to <64 x i8>")
        how = "align 1"
        if stmt.buffer in self.streams:
            how = f"align 64, !nontemporal !{self._note('!{i32 1}')}"
        self._add(f"store <64 x i8> {found}, ptr {address}, {how}" + self._access())

    def _access(self) -> str:
        loop = next((block for block in reversed(self._open) if block.head), None)
        return f", !llvm.access.group !{loop.group}" if loop is not None and loop.group else ""

    def _extended(self, bit: str) -> str:
        """A bit as it is in memory."""
        if bit in ("true", "false"):
            return "1" if bit == "true" else "0"
        return self._do(f"zext i1 {bit} to i8")

    # --- statements --------------------------------------------------------------------------------------------------

    def _statement(self, stmt: Stmt) -> None:
        match stmt:
            case Comment(text):
                if self.comments:
                    self._lines += [f"  ; {row}" for row in comment_rows(text, _COMMENT)]
            case Declare():
                self._declare(stmt)
            case Assign(variable, value):
                self._assign(self._slots[variable.name], variable, value)
            case Store():
                self._store(stmt)
            case Spread():
                self._spread(stmt)
            case Invoke():
                self._invoke(stmt)
            case Place(buffer, offset):
                place = f"getelementptr inbounds i8, ptr {self._scratch}, i64 {self._value(offset)}"
                self._buffers[buffer] = self._do(place, buffer)
            case Return(value):
                self._end(f"ret {value_type(value.type)} {self._value(value)}")
            case Break():
                loop = next(block for block in reversed(self._open) if block.head)
                self._jump(loop.end)
            case Loop() | Branch():
                raise TypeError("a block has a beginning and an end")
            case _:
                assert_never(stmt)

    def _declare(self, stmt: Declare) -> None:
        variable = stmt.variable
        if not stmt.mutable and in_words(variable.type):
            self._bind(variable.name, value=self._named_words(stmt.value, variable.type))
            return
        if not stmt.mutable:
            self._bind(variable.name, value=self._value(stmt.value, variable.name))
            return
        slot = "%" + self._names.fresh(variable.name)
        kind = memory_type(variable.type) if in_words(variable.type) else value_type(variable.type)
        self._entry.append(f"  {slot} = alloca {kind}, align 8")
        self._assign(slot, variable, stmt.value)
        self._bind(variable.name, slot=slot)

    def _bind(self, name: str, *, value: str | None = None, slot: str | None = None) -> None:
        """Let a name stand for a value, or for a slot in memory, until the innermost block ends."""
        if self._open:
            self._open[-1].before.append((name, self._values.get(name), self._slots.get(name)))
        _put(self._values, name, value)
        _put(self._slots, name, slot)

    def _unbind(self, block: _Open) -> None:
        """End an arm or body: names stand for what they did before, as inner ones may hide outer ones."""
        self._give_back(block.kept)
        block.kept = []
        while block.before:
            name, value, slot = block.before.pop()
            _put(self._values, name, value)
            _put(self._slots, name, slot)

    def _assign(self, slot: str, variable: Var, value: Expr) -> None:
        if in_words(variable.type):
            self._copy(variable.type, self._value(value), slot)
        else:
            self._add(f"store {value_type(variable.type)} {self._value(value)}, ptr {slot}")

    def _named_words(self, value: Expr, type_: IntType) -> str:
        """A value in words that stays until the innermost block ends: the memory for it does, or it is copied."""
        place = self._value(value)
        if not self._is_lasting(value):
            copy = self._temporary(type_.words)
            self._copy(type_, place, copy)
            place = copy
        kept = self._keep()
        if self._open:
            self._open[-1].kept += kept
        return place

    def _is_lasting(self, value: Expr) -> bool:
        """Whether nothing that follows in the block can change the words that a value points to."""
        match value:
            case Var(name):
                return name not in self._slots
            case Load(buffer, _, _, None):
                return self.kernel.buffer[buffer].role in ("input", "table")
            case Load() | Select():
                return False
            case _:
                return True

    def _invoke(self, stmt: Invoke) -> None:
        arguments = [f"{value_type(scalar.type)} {self._value(scalar)}" for scalar in stmt.scalars]
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
        group = self._note("distinct !{}") if stmt.is_parallel else 0
        self._open.append(_Open(end, step, head, index, following, group))
        self._bind(stmt.index.name, value=index)

    def _otherwise(self) -> None:
        block = self._open[-1]
        self._unbind(block)
        self._jump(block.end)
        self._begin(block.step)

    def _note(self, text: str) -> int:
        """Keep a line of metadata, in which `$` stands for itself; its number."""
        number = len(self.metadata) + 2
        self.metadata.append(f"!{number} = {text.replace('$', f'!{number}')}")
        return number

    def _loop_metadata(self, block: _Open, body: Sequence[Stmt]) -> str:
        """What LLVM must know of a loop."""
        notes = ["$"]
        if self._is_rolled:
            notes.append(f"!{self._note(_ROLLED)}")
        if block.group:
            notes.append(f"!{self._note(_parallel(block.group))}")
        elif self._is_masked or has_chains(body):
            notes.append("!1")
        text = ", ".join(notes)
        return f", !llvm.loop !{self._note(f'distinct !{{{text}}}')}" if len(notes) > 1 else ""

    def _leave(self, stmt: Stmt) -> None:
        block = self._open.pop()
        self._unbind(block)
        if isinstance(stmt, Loop):
            self._jump(block.step)
            self._begin(block.step)
            self._add(f"{block.following} = add nsw {value_type(stmt.index.type)} {block.index}, 1")
            self._end(f"br label %{block.head}{self._loop_metadata(block, stmt.body)}")
        else:
            self._jump(block.end)
        self._begin(block.end)
