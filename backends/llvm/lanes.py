"""LLVM text of a sample function that computes many samples at once: what depends on the sample is a vector of lanes.

    define void @rule_lanes(ptr image, ptr class, ptr scratch, ptr next)  ; an element's lanes lie side by side
    define i64 @rule_blocks(i64 n, ptr image, ptr class, ptr memory)      ; samples lie one after the other

The second turns each block of samples so that lanes lie side by side, and the results back. It ends at the first block
with a byte, among the inputs of bits, that is no bit, and gives 1 then; otherwise 0. While the first computes a block,
it has the cache fetch what the next one reads most of.
"""

from __future__ import annotations

from collections.abc import Sequence

from ddcompile.backends.llvm.expressions import memory_type, value_type
from ddcompile.backends.llvm.function import FunctionPrinter
from ddcompile.backends.llvm.turned import SEEN, turn, turned
from ddcompile.kernel.lanes import Lanes, varies
from ddcompile.kernel.nodes import (
    BIT,
    F64,
    Arith,
    BitType,
    Buffer,
    Compare,
    Const,
    Convert,
    Declare,
    Expr,
    Invoke,
    Kernel,
    Load,
    Logic,
    Loop,
    Negate,
    Not,
    RealType,
    Select,
    Stmt,
    Store,
    ToReal,
    Type,
    Var,
)
from ddcompile.kernel.scalars import bits_of

__all__ = ["LanePrinter", "block_bytes"]

_ARITH = {"+": "add", "-": "sub", "*": "mul", "%": "srem", "&": "and", ">>": "ashr"}
_REAL_ARITH = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_REAL_COMPARE = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}
_COMPARE = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}


_LINE = 64
"""Bytes that a cache fetches at once."""
_FETCHED = 8
"""Lines that are fetched in a turn of a loop, at most."""


def block_bytes(kernel: Kernel, lanes: int) -> int:
    """Bytes of memory that the function for blocks needs to work in."""
    return sum(lanes * -(-b.bytes // 8) * 8 for b in kernel.buffers if b.role != "table")


class LanePrinter(FunctionPrinter):
    """Prints the functions for lanes of a kernel.

    Parameters
    ----------
    symbols : dict of str to str
        From the name of each function and table to its symbol.
    made : Lanes
        The kernel's sample function for lanes.
    lanes : int
        How many; a multiple of 16.
    """

    def __init__(self, symbols: dict[str, str], made: Lanes, lanes: int) -> None:
        super().__init__(made.kernel, symbols, comments=False)
        self.made, self.lanes = made, lanes
        self.gathered: set[str] = set()
        """The types of elements that tables are read by."""
        self._turns: set[str] = set()
        """The functions by which buffers are turned."""
        self._fetched = self._lines_each_turn()
        self._known: dict[int, tuple[Expr, bool]] = {}

    # --- functions ---------------------------------------------------------------------------------------------------

    def print_lanes(self, symbol: str) -> list[list[str]]:
        """The function for one block of samples, and those that it was split into."""
        parts = [self._function(self.symbols[name], body, "noinline ") for name, body in self.made.parts.items()]
        return [self._function(symbol, self.made.body, is_main=True), *parts]

    def _largest(self) -> int | None:
        """The number of the largest input."""
        inputs = [k for k, buffer in enumerate(self.kernel.parameters) if buffer.role == "input"]
        return max(inputs, key=lambda k: self.kernel.parameters[k].bytes, default=None)

    def _lines_each_turn(self) -> int:
        """How many lines of the next block are fetched in each turn of the outermost loops; few are not worth it."""
        turns = 0
        for stmt in self.made.body:
            match stmt:
                case Loop(_, Const(lower), Const(upper)):
                    turns += max(0, upper - lower)
        largest = self._largest()
        lines = 0 if largest is None else self.lanes * self.kernel.parameters[largest].bytes // _LINE
        return min(_FETCHED, -(-lines // turns)) if turns <= 2 * lines and turns else 0

    def _enter(self, stmt: Stmt) -> None:
        super()._enter(stmt)
        if self._ahead and isinstance(stmt, Loop) and len(self._open) == 1:
            line = self._do(f"load ptr, ptr {self._ahead}")
            for _ in range(self._fetched):
                self._add(f"call void @llvm.prefetch.p0(ptr {line}, i32 0, i32 3, i32 1)")
                line = self._do(f"getelementptr i8, ptr {line}, i64 {_LINE}")
            self._add(f"store ptr {line}, ptr {self._ahead}")

    def _function(self, symbol: str, body: Sequence[Stmt], attribute: str = "", is_main: bool = False) -> list[str]:
        self._start()
        parameters = self._pointers()
        scratch = self._scratch = "%" + self._names.fresh("scratch")
        offset = 0
        for buffer in self.kernel.of_role("scratch"):
            name = self._buffers[buffer.name] = "%" + self._names.fresh(buffer.name)
            self._entry.append(f"  {name} = getelementptr inbounds i8, ptr {scratch}, i64 {offset}")
            offset += self.lanes * -(-buffer.bytes // 8) * 8
        parameters.append(f"ptr noalias {scratch}")
        self._ahead = ""
        if is_main:
            following = "%" + self._names.fresh("following")
            parameters.append(f"ptr {following}")
            if self._fetched:
                self._ahead = "%" + self._names.fresh("ahead")
                self._entry += [f"  {self._ahead} = alloca ptr", f"  store ptr {following}, ptr {self._ahead}"]
        self._body(body)
        self._end("ret void")
        head = f"define internal void {symbol}({', '.join(parameters)}) {attribute}nounwind {{"
        return [head, "entry:", *self._entry, *self._lines, "}"]

    def print_blocks(self, symbol: str, inner: str) -> list[str]:
        """The function for many blocks."""
        buffers = self.kernel.parameters
        parameters = ", ".join(f"ptr noalias %{k}" for k in range(1, len(buffers) + 2))
        memory = len(buffers) + 1
        lines = [f"define i64 {symbol}(i64 %n, {parameters}) nounwind {{", "entry:"]
        offset = 0
        for k, buffer in enumerate(buffers):
            lines.append(f"  %turned{k} = getelementptr inbounds i8, ptr %{memory}, i64 {offset}")
            offset += self.lanes * -(-buffer.bytes // 8) * 8
        lines += [
            f"  %scratch = getelementptr inbounds i8, ptr %{memory}, i64 {offset}",
            "  br label %head",
            "head:",
            "  %block = phi i64 [ 0, %entry ], [ %next, %compute ]",
            "  %more = icmp slt i64 %block, %n",
            "  br i1 %more, label %body, label %end",
            "body:",
        ]
        for k, buffer in enumerate(buffers):
            lines.append(f"  %start{k} = mul nsw i64 %block, {self.lanes * buffer.bytes}")
            lines.append(f"  %own{k} = getelementptr inbounds i8, ptr %{k + 1}, i64 %start{k}")
        seen = "0"
        for k, buffer in enumerate(buffers):
            if buffer.role == "input" and isinstance(buffer.type, BitType):
                lines.append(f"  %seen{k} = call i8 @.seen(ptr %own{k}, i64 {self.lanes * buffer.size})")
                lines.append(f"  %all{k} = or i8 {seen}, %seen{k}")
                seen = f"%all{k}"
        lines += [f"  %wrong = icmp ugt i8 {seen}, 1", "  br i1 %wrong, label %stray, label %compute", "compute:"]
        for k, buffer in enumerate(buffers):
            if buffer.role == "input":
                lines.append(self._turn(buffer, f"%turned{k}", f"%own{k}", self.lanes, buffer.size))
        arguments = ", ".join(f"ptr %turned{k}" for k in range(len(buffers)))
        largest, following = self._largest(), "null"
        if largest is not None:
            following = "%following"
            size = self.lanes * buffers[largest].bytes
            lines.append(f"  {following} = getelementptr i8, ptr %own{largest}, i64 {size}")
        lines.append(f"  call void {inner}({arguments}, ptr %scratch, ptr {following})")
        for k, buffer in enumerate(buffers):
            if buffer.role == "output":
                lines.append(self._turn(buffer, f"%own{k}", f"%turned{k}", buffer.size, self.lanes))
        lines += ["  %next = add nsw i64 %block, 1", "  br label %head"]
        return [*lines, "stray:", "  ret i64 1", "end:", "  ret i64 0", "}"]

    def _turn(self, buffer: Buffer, to: str, from_: str, rows: int, columns: int) -> str:
        """A call that turns the elements of a buffer."""
        symbol = turn(buffer.type.bytes, rows, columns)
        self._turns.add(symbol)
        return f"  call void {symbol}(ptr {to}, ptr {from_}, i64 {rows}, i64 {columns})"

    def helpers(self) -> list[list[str]]:
        """The functions and declarations that those above need."""
        found = [turned(symbol) for symbol in sorted(self._turns)]
        if any(b.role == "input" and isinstance(b.type, BitType) for b in self.kernel.parameters):
            found.append(SEEN.splitlines())
        found.append(["declare i64 @llvm.smin.i64(i64, i64)", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)"])
        for element in sorted(self.gathered):
            vector, mask = f"<{self.lanes} x {element}>", f"<{self.lanes} x i1>"
            name = f"@llvm.masked.gather.v{self.lanes}{_short(element)}.v{self.lanes}p0"
            found.append([f"declare {vector} {name}(<{self.lanes} x ptr>, i32, {mask}, {vector})"])
        return found

    # --- vectors -----------------------------------------------------------------------------------------------------

    def _varies(self, expr: Expr) -> bool:
        """Whether an expression depends on the lane."""
        known = self._known.get(id(expr))
        if known is None:
            known = self._known[id(expr)] = expr, varies(self.kernel, self.made.varying, expr)
        return known[1]

    def _vector(self, type_: Type) -> str:
        """The type of a value that depends on the lane."""
        return f"<{self.lanes} x {value_type(type_)}>"

    def _every(self, value: int, type_: Type) -> str:
        """A constant in every lane."""
        if value == 0 and type_ != F64:
            return "zeroinitializer"
        text = f"0x{value:016X}" if type_ == F64 else str(value)
        text = ("true" if value else "false") if isinstance(type_, BitType) else text
        return "<" + ", ".join([f"{value_type(type_)} {text}"] * self.lanes) + ">"

    def _lane(self, expr: Expr) -> str:
        """The operand that holds an expression in every lane."""
        if self._varies(expr):
            return self._value(expr)
        if isinstance(expr, Const):
            return self._every(expr.value, expr.type)
        return self._splat(self._value(expr), value_type(expr.type))

    def _splat(self, value: str, kind: str) -> str:
        first = self._do(f"insertelement <{self.lanes} x {kind}> poison, {kind} {value}, i64 0")
        order = f"<{self.lanes} x i32> zeroinitializer"
        return self._do(f"shufflevector <{self.lanes} x {kind}> {first}, <{self.lanes} x {kind}> poison, {order}")

    def _place(self, buffer: str, index: Expr) -> str:
        """The address of an element's lanes."""
        place = self._value(index)
        if place == "0":
            return self._buffers[buffer]
        element = f"[{self.lanes} x {memory_type(self.kernel.buffer[buffer].type)}]"
        return self._do(
            f"getelementptr inbounds {element}, ptr {self._buffers[buffer]}, {value_type(index.type)} {place}"
        )

    def _element_lanes(self, node: Load, address: str, name: str) -> str:
        kind = f"<{self.lanes} x {memory_type(node.type)}>"
        align = node.type.bytes
        found = self._do(f"load {kind}, ptr {address}, align {align}", "" if isinstance(node.type, BitType) else name)
        if isinstance(node.type, BitType):
            return self._do(f"trunc nuw {kind} {found} to {self._vector(node.type)}", name)  # it is 0 or 1
        return found

    def _read(self, node: Load, name: str) -> str:
        if self._varies(node.index):
            return self._gathered(node, name)
        if node.guard is None or node.default is None:
            return self._element_lanes(node, self._place(node.buffer, node.index), name)
        guard, kind = self._value(node.guard), value_type(node.index.type)
        index = self._do(f"select i1 {guard}, {kind} {self._value(node.index)}, {kind} 0")
        element = f"[{self.lanes} x {memory_type(node.type)}]"
        address = self._do(f"getelementptr inbounds {element}, ptr {self._buffers[node.buffer]}, {kind} {index}")
        found = self._element_lanes(node, address, "")
        vector = self._vector(node.type)
        return self._do(f"select i1 {guard}, {vector} {found}, {vector} {self._lane(node.default)}", name)

    def _gathered(self, node: Load, name: str) -> str:
        """Elements of a table, another one in every lane."""
        element = memory_type(node.type)
        self.gathered.add(element)
        index = f"{self._vector(node.index.type)} {self._lane(node.index)}"
        places = self._do(f"getelementptr inbounds {element}, ptr {self._buffers[node.buffer]}, {index}")
        kind, pointers, mask = (f"<{self.lanes} x {t}>" for t in (element, "ptr", "i1"))
        all_ = self._every(1, BIT)
        function = f"@llvm.masked.gather.v{self.lanes}{_short(element)}.v{self.lanes}p0"
        arguments = f"{pointers} {places}, i32 {node.type.bytes}, {mask} {all_}, {kind} poison"
        found = self._do(f"call {kind} {function}({arguments})")
        if isinstance(node.type, BitType):
            return self._do(f"trunc {kind} {found} to {self._vector(node.type)}", name)
        return found

    def _value(self, expr: Expr, name: str = "") -> str:
        if not self._varies(expr):
            return super()._value(expr, name)
        kind = self._vector(expr.type)
        match expr:
            case Var(variable):
                if variable in self._slots:
                    return self._do(f"load {kind}, ptr {self._slots[variable]}", name)
                return self._values[variable]
            case Load():
                return self._read(expr, name)
            case Negate(operand, RealType()):
                return self._do(f"fneg {kind} {self._lane(operand)}", name)
            case Negate(operand, type_):
                return self._do(f"sub {kind} {self._every(0, type_)}, {self._lane(operand)}", name)
            case Arith(op, left, right, type_):
                how = _REAL_ARITH[op] if isinstance(type_, RealType) else _ARITH[op]
                return self._do(f"{how} {kind} {self._lane(left)}, {self._lane(right)}", name)
            case Compare(op, left, right):
                how = f"fcmp {_REAL_COMPARE[op]}" if left.type == F64 else f"icmp {_COMPARE[op]}"
                return self._do(f"{how} {self._vector(left.type)} {self._lane(left)}, {self._lane(right)}", name)
            case Logic(op, left, right):
                return self._do(f"{op} {kind} {self._lane(left)}, {self._lane(right)}", name)
            case Not(operand):
                return self._do(f"xor {kind} {self._lane(operand)}, {self._every(1, operand.type)}", name)
            case Select(condition, then, otherwise):
                test = f"i1 {self._value(condition)}"
                if self._varies(condition):
                    test = f"{self._vector(condition.type)} {self._value(condition)}"
                return self._do(f"select {test}, {kind} {self._lane(then)}, {kind} {self._lane(otherwise)}", name)
            case Convert(operand, type_):
                return self._converted(operand, type_, name)
            case ToReal(operand, exponent):
                how = "uitofp" if isinstance(operand.type, BitType) else "sitofp"
                found = self._do(f"{how} {self._vector(operand.type)} {self._lane(operand)} to {kind}")
                if exponent == 0:
                    return found
                return self._do(f"fmul {kind} {found}, {self._every(bits_of(2.0**-exponent), F64)}", name)
        raise TypeError(f"{type(expr).__name__} is not for lanes")

    def _converted(self, operand: Expr, type_: Type, name: str) -> str:
        source = operand.type
        if isinstance(type_, BitType):
            how = "trunc"
        elif isinstance(source, BitType):
            how = "zext"
        else:
            how = "sext" if type_.bytes > source.bytes else "trunc"
        return self._do(f"{how} {self._vector(source)} {self._lane(operand)} to {self._vector(type_)}", name)

    # --- statements --------------------------------------------------------------------------------------------------

    def _invoke(self, stmt: Invoke) -> None:
        arguments = [f"ptr {self._buffers[buffer.name]}" for buffer in self.kernel.parameters]
        self._add(f"call void {self.symbols[stmt.function]}({', '.join([*arguments, f'ptr {self._scratch}'])})")

    def _store(self, stmt: Store) -> None:
        value, address = self._lane(stmt.value), self._place(stmt.buffer, stmt.index)
        kind = f"<{self.lanes} x {memory_type(stmt.value.type)}>"
        if isinstance(stmt.value.type, BitType):
            value = self._do(f"zext {self._vector(stmt.value.type)} {value} to {kind}")
        self._add(f"store {kind} {value}, ptr {address}, align {stmt.value.type.bytes}")

    def _declare(self, stmt: Declare) -> None:
        variable = stmt.variable
        if variable.name not in self.made.varying:
            super()._declare(stmt)
            return
        if not stmt.mutable:
            self._bind(variable.name, value=self._lane(stmt.value))
            return
        slot = "%" + self._names.fresh(variable.name)
        self._entry.append(f"  {slot} = alloca {self._vector(variable.type)}")
        self._assign(slot, variable, stmt.value)
        self._bind(variable.name, slot=slot)

    def _assign(self, slot: str, variable: Var, value: Expr) -> None:
        if variable.name not in self.made.varying:
            super()._assign(slot, variable, value)
            return
        self._add(f"store {self._vector(variable.type)} {self._lane(value)}, ptr {slot}")


def _short(element: str) -> str:
    return "f64" if element == "double" else element
