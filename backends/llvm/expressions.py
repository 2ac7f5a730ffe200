"""LLVM text of kernel expressions, with the lines and blocks that they become.

Bits are `i1` as values and `i8` in memory; an integer of more than 64 bits is an `iN` that is loaded from and stored to
its words, which on a little-endian machine are exactly its bytes. Binary64 numbers are doubles, and no instruction on
them carries a flag that would let LLVM change their values.
"""

from __future__ import annotations

from typing import assert_never

from ddcompile.backends.llvm.runtime import MULTIPLY, REAL_OF_WORDS, WORDS_OF_REAL, remainder_symbol
from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    F64,
    Answer,
    Apply,
    Arith,
    BitType,
    Compare,
    Const,
    Convert,
    Expr,
    FromReal,
    IntType,
    Kernel,
    Load,
    Logic,
    Negate,
    Not,
    RealType,
    Reinterpret,
    Select,
    ToReal,
    Type,
    Var,
)
from ddcompile.kernel.scalars import bits_of

__all__ = ["ExpressionPrinter", "memory_type", "real_text", "routine_symbol", "value_type"]

_ARITH = {"+": "add nsw", "-": "sub nsw", "*": "mul nsw", "%": "srem", "&": "and", ">>": "ashr"}
_REAL_ARITH = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_REAL_COMPARE = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}
_COMPARE = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
_UNROLLED = 256
"""Bits up to which LLVM may unroll a multiplication; the code grows with the square of the width."""
_BLOCK = 256
"""Instructions after which straight-line code goes on in a new block; code generation is not linear in their number."""


def value_type(type_: Type) -> str:
    """The type of a value."""
    if isinstance(type_, RealType):
        return "double"
    return "i1" if isinstance(type_, BitType) else f"i{type_.width}"


def memory_type(type_: Type) -> str:
    """The type of an element of a buffer: its bytes and how far elements are apart."""
    if isinstance(type_, BitType):
        return "i8"
    return f"[{type_.words} x i64]" if type_.is_wide else value_type(type_)


def routine_symbol(name: str) -> str:
    """The function that computes an elementary function."""
    return f"@.{name}"


def real_text(bits: int) -> str:
    """A binary64 number."""
    return f"0x{bits:016X}"


class ExpressionPrinter:
    """The lines of one function so far, and the printing of expressions into them."""

    def __init__(self, kernel: Kernel, symbols: dict[str, str]) -> None:
        self.kernel = kernel
        self.symbols = symbols
        self.remainders: set[IntType] = set()
        """The wide types of which the functions so far need remainders."""
        self.used: set[str] = set()
        """The other functions of `ddcompile.backends.llvm.runtime` that they need."""
        self._start()

    def _start(self) -> None:
        """Begin a function."""
        self._names = Names(("entry",))
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._block = "entry"
        self._length = 0
        self._is_ended = False
        self._buffers: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._slots: dict[str, str] = {}
        self._places: dict[tuple[int, int], str] = {}

    # --- memory ------------------------------------------------------------------------------------------------------

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

    # --- expressions -------------------------------------------------------------------------------------------------

    def _value(self, expr: Expr, name: str = "") -> str:
        """Print what computes an expression; the operand that holds it, called `name` if there is a choice."""
        match expr:
            case Const(value, BitType()):
                return "true" if value else "false"
            case Const(value, RealType()):
                return real_text(value)
            case Const(value, _):
                return str(value)
            case Var(variable, type_):
                if variable in self._slots:
                    return self._do(f"load {value_type(type_)}, ptr {self._slots[variable]}", name)
                return self._values[variable]
            case Answer(function, arguments, type_):
                operands = ", ".join(f"{value_type(a.type)} {self._value(a)}" for a in arguments)
                return self._do(f"call {value_type(type_)} {self.symbols[function]}({operands})", name)
            case Load():
                return self._load(expr, name)
            case Negate(operand, RealType()):
                return self._do(f"fneg double {self._value(operand)}", name)
            case Negate(operand, type_):
                return self._do(f"sub nsw {value_type(type_)} 0, {self._value(operand)}", name)
            case Arith():
                return self._arith(expr, name)
            case Compare(op, left, right):
                operands = f"{self._value(left)}, {self._value(right)}"
                how = f"fcmp {_REAL_COMPARE[op]}" if left.type == F64 else f"icmp {_COMPARE[op]}"
                return self._do(f"{how} {value_type(left.type)} {operands}", name)
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
            case ToReal(operand, exponent):
                return self._to_real(self._value(operand), operand.type, exponent, name)
            case FromReal(operand, _, type_):
                return self._from_real(self._value(operand), type_, name)
            case Reinterpret(operand, type_):
                source, target = value_type(operand.type), value_type(type_)
                return self._do(f"bitcast {source} {self._value(operand)} to {target}", name)
            case Apply(function, operand):
                return self._do(f"call double {routine_symbol(function)}(double {self._value(operand)})", name)
            case _:
                assert_never(expr)

    def _arith(self, node: Arith, name: str) -> str:
        left, right = self._value(node.left), self._value(node.right)
        kind = value_type(node.type)
        if isinstance(node.type, RealType):
            return self._do(f"{_REAL_ARITH[node.op]} double {left}, {right}", name)
        if node.op == "%" and node.type.is_wide:
            self.remainders.add(node.type)
            return self._do(f"call {kind} {remainder_symbol(node.type)}({kind} {left}, {kind} {right})", name)
        if node.op == "*" and node.type.width > _UNROLLED:
            return self._multiply(node, left, right, name)
        return self._do(f"{_ARITH[node.op]} {kind} {left}, {right}", name)

    def _multiply(self, node: Arith, left: str, right: str, name: str) -> str:
        """A product of wide integers: a shift, or a call."""
        type_ = node.type
        assert isinstance(type_, IntType)
        for factor, other in ((node.left, right), (node.right, left)):
            if isinstance(factor, Const) and factor.value > 0 and factor.value & (factor.value - 1) == 0:
                return self._do(f"shl nsw {value_type(type_)} {other}, {factor.value.bit_length() - 1}", name)
        self.used.add(MULTIPLY)
        out, *operands = (self._place(type_, number) for number in range(3))
        for place, value in zip(operands, (left, right), strict=True):
            self._add(f"store {value_type(type_)} {value}, ptr {place}, align 8")
        self._add(f"call void {MULTIPLY}(ptr {out}, ptr {operands[0]}, ptr {operands[1]}, i64 {type_.words})")
        return self._do(f"load {value_type(type_)}, ptr {out}, align 8", name)

    def _place(self, type_: IntType, number: int) -> str:
        """Memory for an operand of a function on words; it is free again once the function has been called."""
        key = type_.width, number
        if key not in self._places:
            self._places[key] = "%" + self._names.numbered("words")
            self._entry.append(f"  {self._places[key]} = alloca {memory_type(type_)}, align 8")
        return self._places[key]

    def _to_real(self, value: str, source: Type, exponent: int, name: str) -> str:
        kind = value_type(source)
        if isinstance(source, IntType) and source.is_wide:
            self.used.add(REAL_OF_WORDS)
            place = self._place(source, 0)
            self._add(f"store {kind} {value}, ptr {place}, align 8")
            arguments = f"ptr {place}, i64 {source.words}, i64 {exponent}"
            return self._do(f"call double {REAL_OF_WORDS}({arguments})", name)
        how = "uitofp" if isinstance(source, BitType) else "sitofp"
        number = self._do(f"{how} {kind} {value} to double", "" if exponent else name)
        return self._do(f"fmul double {number}, {real_text(bits_of(2.0**-exponent))}", name) if exponent else number

    def _from_real(self, value: str, type_: IntType, name: str) -> str:
        if not type_.is_wide:
            return self._do(f"fptosi double {value} to {value_type(type_)}", name)
        self.used.add(WORDS_OF_REAL)
        place = self._place(type_, 0)
        self._add(f"call void {WORDS_OF_REAL}(ptr {place}, i64 {type_.words}, double {value})")
        return self._do(f"load {value_type(type_)}, ptr {place}, align 8", name)

    def _convert(self, value: str, source: Type, target: Type, name: str) -> str:
        if source == target:
            return value
        if isinstance(source, BitType) or target.bytes > source.bytes:
            how = "zext" if isinstance(source, BitType) else "sext"
        else:
            how = "trunc"
        return self._do(f"{how} {value_type(source)} {value} to {value_type(target)}", name)

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
