"""LLVM text of kernel expressions.

Bits are `i1` as values and `i8` in memory; an integer of more than 64 bits is an `iN` that is loaded from and stored to
its words, which on a little-endian machine are exactly its bytes. One of more than 256 bits stays in its words: its
value is a pointer to them, in a buffer, a variable or temporary memory, and loops compute with it. Binary64 numbers are
doubles, and no instruction on them carries a flag that would let LLVM change their values.
"""

from __future__ import annotations

from typing import TypeGuard, assert_never

from ddcompile.backends.llvm.lines import FunctionLines
from ddcompile.backends.llvm.runtime import RuntimeFunction, remainder_symbol
from ddcompile.kernel.nodes import (
    F64,
    I64,
    WORD,
    Answer,
    Apply,
    Arith,
    ArithOp,
    BitType,
    Compare,
    CompareOp,
    Const,
    Convert,
    Count,
    Expr,
    FromReal,
    IntType,
    Kernel,
    Load,
    Logic,
    Negate,
    Not,
    Pack,
    RealType,
    Reinterpret,
    Select,
    Shift,
    Strays,
    ToReal,
    Type,
    Var,
    WordType,
)
from ddcompile.kernel.scalars import bits_of

__all__ = ["ExpressionPrinter", "in_words", "memory_type", "real_text", "routine_symbol", "value_type"]

_ARITH = {"+": "add nsw", "-": "sub nsw", "*": "mul nsw", "%": "srem", "&": "and", ">>": "ashr"}
_WORD_ARITH: dict[ArithOp, RuntimeFunction] = {
    "+": "add", "-": "subtract", "*": "multiply", "%": "remainder", "&": "and"
}  # fmt: skip
_REAL_ARITH = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_REAL_COMPARE = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}
_COMPARE = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
_SHIFT = {"<<": "shl", ">>": "lshr"}
_UNROLLED = 256
"""Bits up to which integers are values of LLVM, which unrolls what is done with them; wider ones are kept in words."""


def in_words(type_: Type) -> TypeGuard[IntType]:
    """Whether the values of a type are pointers to words."""
    return isinstance(type_, IntType) and type_.width > _UNROLLED


def value_type(type_: Type) -> str:
    """The type of a value."""
    if isinstance(type_, RealType):
        return "double"
    if isinstance(type_, WordType):
        return "i64"
    if in_words(type_):
        return "ptr"
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


class ExpressionPrinter(FunctionLines):
    """The lines of one function so far, and the printing of expressions into them."""

    def __init__(self, kernel: Kernel, symbols: dict[str, str]) -> None:
        self.kernel = kernel
        self.symbols = symbols
        super().__init__()
        self.remainders: set[IntType] = set()
        """The wide types of which the functions so far need remainders by `remainder_symbol`."""
        self.used: set[RuntimeFunction] = set()
        """The other functions of `ddcompile.backends.llvm.runtime` that they need."""
        self.counts = False
        """Whether the functions so far count bits."""
        self.numbers: dict[tuple[int, IntType], str] = {}
        """The symbols of constants that are kept in words."""

    def _start(self) -> None:
        """Begin a function."""
        super()._start()
        self._buffers: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._slots: dict[str, str] = {}

    # --- memory ------------------------------------------------------------------------------------------------------

    def _access(self) -> str:
        """What is said of an access to memory: nothing, or the group of those that a parallel loop makes."""
        return ""

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
        if in_words(node.type):
            return address
        if isinstance(node.type, BitType):
            return self._do(f"trunc i8 {self._do(f'load i8, ptr {address}, !range !0' + self._access())} to i1", name)
        align = ", align 8" if node.type.is_wide else ""
        return self._do(f"load {value_type(node.type)}, ptr {address}{align}" + self._access(), name)

    def _packed(self, node: Pack, name: str) -> str:
        address = self._address(node.buffer, node.index, self._value(node.index))
        found = self._do(f"load <64 x i8>, ptr {address}, align 1" + self._access())
        return self._do(f"bitcast <64 x i1> {self._do(f'icmp ne <64 x i8> {found}, zeroinitializer')} to i64", name)

    def _strays(self, node: Strays, name: str) -> str:
        address = self._address(node.buffer, node.index, self._value(node.index))
        found = self._do(f"load <64 x i8>, ptr {address}, align 1" + self._access())
        halves = []
        for start in (0, 32):
            order = ", ".join(f"i32 {k}" for k in range(start, start + 32))
            halves.append(self._do(f"shufflevector <64 x i8> {found}, <64 x i8> poison, <32 x i32> <{order}>"))
        bits = self._do(f"icmp ugt <32 x i8> {self._do(f'or <32 x i8> {halves[0]}, {halves[1]}')}, splat (i8 1)")
        return self._do(f"zext i32 {self._do(f'bitcast <32 x i1> {bits} to i32')} to i64", name)

    # --- expressions -------------------------------------------------------------------------------------------------

    def _value(self, expr: Expr, name: str = "") -> str:
        """Print what computes an expression; the operand that holds it, called `name` if there is a choice."""
        match expr:
            case Const(value, BitType()):
                return "true" if value else "false"
            case Const(value, RealType()):
                return real_text(value)
            case Const(value, WordType()):
                return str(value)
            case Const(value, type_):
                return self._number(value, type_) if in_words(type_) else str(value)
            case Var(variable, type_):
                if variable in self._slots and in_words(type_):
                    return self._slots[variable]
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
            case Negate(operand, type_) if in_words(type_):
                return self._computed("negate", type_, f"ptr {self._value(operand)}")
            case Negate(operand, type_):
                return self._do(f"sub nsw {value_type(type_)} 0, {self._value(operand)}", name)
            case Arith():
                return self._arith(expr, name)
            case Compare(op, left, right) if in_words(left.type):
                return self._compare_words(op, self._value(left), self._value(right), left.type, name)
            case Compare(op, left, right):
                operands = f"{self._value(left)}, {self._value(right)}"
                how = f"fcmp {_REAL_COMPARE[op]}" if left.type == F64 else f"icmp {_COMPARE[op]}"
                return self._do(f"{how} {value_type(left.type)} {operands}", name)
            case Logic(op, left, right):
                return self._do(f"{op} {value_type(left.type)} {self._value(left)}, {self._value(right)}", name)
            case Not(operand):
                ones = "-1" if operand.type == WORD else "true"
                return self._do(f"xor {value_type(operand.type)} {self._value(operand)}, {ones}", name)
            case Shift(op, operand, amount):
                places = self._value(amount)
                if amount.type != I64 and not isinstance(amount, Const):
                    places = self._do(f"zext {value_type(amount.type)} {places} to i64")
                return self._do(f"{_SHIFT[op]} i64 {self._value(operand)}, {places}", name)
            case Count(operand):
                self.counts = True
                return self._do(f"call i64 @llvm.ctpop.i64(i64 {self._value(operand)})", name)
            case Pack():
                return self._packed(expr, name)
            case Strays():
                return self._strays(expr, name)
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
        if in_words(node.type):
            return self._arith_of_words(node, left, right)
        if node.op == "%" and node.type.is_wide:
            self.remainders.add(node.type)
            return self._do(f"call {kind} {remainder_symbol(node.type)}({kind} {left}, {kind} {right})", name)
        return self._do(f"{_ARITH[node.op]} {kind} {left}, {right}", name)

    def _to_real(self, value: str, source: Type, exponent: int, name: str) -> str:
        kind = value_type(source)
        if source.is_wide:
            # The function overwrites the words.
            place = self._temporary(source.words)
            self._copy(source, value, place)
            self.used.add("real")
            return self._do(f"call double @.real(ptr {place}, i64 {exponent}, i64 {source.words})", name)
        how = "uitofp" if isinstance(source, BitType) else "sitofp"
        number = self._do(f"{how} {kind} {value} to double", "" if exponent else name)
        return self._do(f"fmul double {number}, {real_text(bits_of(2.0**-exponent))}", name) if exponent else number

    def _from_real(self, value: str, type_: IntType, name: str) -> str:
        if not type_.is_wide:
            return self._do(f"fptosi double {value} to {value_type(type_)}", name)
        place = self._computed("scaled", type_, f"double {value}")
        return place if in_words(type_) else self._do(f"load {value_type(type_)}, ptr {place}, align 8", name)

    def _convert(self, value: str, source: Type, target: Type, name: str) -> str:
        if source == target or (source, target) == (WORD, I64):
            return value
        if in_words(source) or in_words(target):
            return self._convert_words(value, source, target, name)
        if isinstance(source, BitType) or target.bytes > source.bytes:
            how = "zext" if isinstance(source, BitType) else "sext"
        else:
            how = "trunc"
        return self._do(f"{how} {value_type(source)} {value} to {value_type(target)}", name)

    # --- integers in words -------------------------------------------------------------------------------------------

    def _number(self, value: int, type_: IntType) -> str:
        """The place of a constant."""
        return self.numbers.setdefault((value, type_), f"@.number{len(self.numbers) + 1}")

    def _computed(self, function: RuntimeFunction, type_: IntType, operands: str) -> str:
        """Temporary memory with what a function makes of its operands."""
        place = self._temporary(type_.words)
        self.used.add(function)
        self._add(f"call void @.{function}(ptr {place}, {operands}, i64 {type_.words})")
        return place

    def _copy(self, type_: Type, value: str, place: str) -> None:
        """Put a wide value into memory."""
        if in_words(type_):
            self.used.add("copy")
            self._add(f"call void @.copy(ptr {place}, ptr {value}, i64 {type_.words})")
        else:
            self._add(f"store {value_type(type_)} {value}, ptr {place}, align 8")

    def _arith_of_words(self, node: Arith, left: str, right: str) -> str:
        type_ = node.type
        assert isinstance(type_, IntType)
        if node.op == "*":
            for factor, other in ((node.left, right), (node.right, left)):
                if isinstance(factor, Const) and factor.value > 0 and factor.value & (factor.value - 1) == 0:
                    return self._computed("shift", type_, f"ptr {other}, i64 {factor.value.bit_length() - 1}")
            if isinstance(node.right, Const):
                left, right = right, left  # few of its words are not 0
        return self._computed(_WORD_ARITH[node.op], type_, f"ptr {left}, ptr {right}")

    def _compare_words(self, op: CompareOp, left: str, right: str, type_: IntType, name: str) -> str:
        function: RuntimeFunction = "equal" if op in ("==", "!=") else "less"
        if op in (">", "<="):
            left, right = right, left
        self.used.add(function)
        call = f"call i1 @.{function}(ptr {left}, ptr {right}, i64 {type_.words})"
        if op in ("<", ">", "=="):
            return self._do(call, name)
        return self._do(f"xor i1 {self._do(call)}, true", name)

    def _convert_words(self, value: str, source: Type, target: Type, name: str) -> str:
        """From or to an integer in words."""
        if not in_words(target):
            if target.is_wide:
                return self._do(f"load {value_type(target)}, ptr {value}, align 8", name)
            low = self._do(f"load i64, ptr {value}, align 8", name if target == I64 else "")
            return self._convert(low, I64, target, name)
        if source.is_wide:
            place = value
            if not in_words(source):
                place = self._temporary(source.words)
                self._copy(source, value, place)
            return self._computed("resize", target, f"ptr {place}, i64 {source.words}")
        return self._computed("set", target, f"i64 {self._convert(value, source, I64, '')}")
