"""Kernel expressions as C.

Bits and integers of up to 32 bits are C expressions of type int: operands are promoted, no operation overflows, and
values are cast where they are stored. Integers of 64 bits are int64_t, wider ones structs (see
`ddcompile.backends.c.wide`). Binary64 numbers are doubles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard, assert_never

from ddcompile.backends.c.literals import UNARY, element_type, number, real_number
from ddcompile.backends.c.names import CNames
from ddcompile.backends.c.wide import Helper, Helpers
from ddcompile.backends.shared.printer import Notation, Operator, Text, atom, infix, prefix
from ddcompile.kernel.nodes import (
    I8,
    I64,
    WORD,
    Answer,
    Apply,
    Arith,
    ArithOp,
    BitType,
    Buffer,
    Compare,
    CompareOp,
    Const,
    Convert,
    Count,
    Expr,
    FromReal,
    IntType,
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
from ddcompile.kernel.traverse import subexpressions

__all__ = ["ADD", "MULTIPLY", "ExpressionPrinter"]

_SELECT, _OR, _XOR, _AND, _EQUAL, _ORDER, _NOT, ADD, MULTIPLY = range(1, 10)
_CAST, _POSTFIX = UNARY + 1, UNARY + 2

NOTATION = Notation(
    {
        "select": Operator("{} ? {} : {}", _SELECT, (_EQUAL, _EQUAL, _SELECT)),
        # Compilers ask for brackets around every other operator beside & ^ |.
        "or": Operator("{} | {}", _OR, (UNARY, UNARY), chains=True),
        "xor": Operator("{} ^ {}", _XOR, (UNARY, UNARY), chains=True),
        "and": Operator("{} & {}", _AND, (UNARY, UNARY), chains=True),
        "&": infix("&", _AND, (UNARY, UNARY)),
        "==": infix("==", _EQUAL, (ADD, ADD)),
        "!=": infix("!=", _EQUAL, (ADD, ADD)),
        "<": infix("<", _ORDER, (ADD, ADD)),
        "<=": infix("<=", _ORDER, (ADD, ADD)),
        ">": infix(">", _ORDER, (ADD, ADD)),
        ">=": infix(">=", _ORDER, (ADD, ADD)),
        "not": prefix("!", _NOT, UNARY),
        "~": prefix("~", UNARY, UNARY),
        "<<": infix("<<", _AND, (UNARY, UNARY)),
        ">>": infix(">>", _AND, (UNARY, UNARY)),
        "+": infix("+", ADD),
        "-": infix("-", ADD),
        "*": infix("*", MULTIPLY),
        "/": infix("/", MULTIPLY),
        "%": infix("%", MULTIPLY),
        "neg": prefix("-", UNARY, _CAST),
        "cast int32_t": prefix("(int32_t)", _CAST, UNARY),
        "cast int64_t": prefix("(int64_t)", _CAST, UNARY),
        "cast double": prefix("(double)", _CAST, UNARY),
        "cast uint64_t": prefix("(uint64_t)", _CAST, UNARY),
        "element": Operator("{}[{}]", _POSTFIX, (_POSTFIX, 0)),
    }
)

_WIDE_ARITH: dict[ArithOp, Helper] = {"+": "add", "-": "sub", "*": "mul", "%": "rem", "&": "and"}


class ExpressionPrinter:
    """Prints expressions of one kernel.

    Parameters
    ----------
    names
        C names of variables.
    places
        C expressions for the start of each buffer.
    buffers
        The kernel's buffers by name.
    helpers
        Takes note of the wide types and functions that the expressions need.
    sizes
        Scalar parameters, which have the type size_t in C.
    symbols
        The C names of functions.
    """

    def __init__(
        self,
        names: CNames,
        places: Mapping[str, str],
        buffers: Mapping[str, Buffer],
        helpers: Helpers,
        sizes: frozenset[str],
        symbols: Mapping[str, str],
    ) -> None:
        self._names = names
        self._places = places
        self._buffers = buffers
        self._helpers = helpers
        self._sizes = sizes
        self._symbols = symbols

    def text(self, expr: Expr) -> str:
        """An expression where anything may stand."""
        return self.print(expr).text

    def address(self, buffer: str, index: Expr) -> Text:
        """Where an element begins, as a pointer to words, in a buffer of a wide type."""
        place, found = atom(self._places[buffer]), self._buffers[buffer]
        words = found.type.words
        if isinstance(index, Const):
            return NOTATION.apply("+", place, number(words * index.value)) if index.value else place
        scale = number(words) if index.type == I64 or words * found.size < 2**31 else Text(f"(ptrdiff_t){words}", _CAST)
        return NOTATION.apply("+", place, NOTATION.apply("*", scale, self.print(index)))

    def element(self, buffer: str, index: Expr) -> Text:
        """An element of a buffer of machine integers."""
        return NOTATION.apply("element", atom(self._places[buffer]), self.print(index))

    def start(self, buffer: str, index: Expr) -> Text:
        """Where an element of machine size begins."""
        place = atom(self._places[buffer])
        return place if index == Const(0, index.type) else NOTATION.apply("+", place, self.print(index))

    def stored(self, value: Expr) -> str:
        """A value for a place of its own type: cast where C would narrow it unasked, widened without a word."""
        target = value.type
        if target.is_wide or isinstance(target, RealType) or isinstance(value, Const):
            return self.text(value)
        if isinstance(value, Convert) and isinstance(target, IntType) and not value.operand.type.is_wide:
            value = value.operand
        is_leaf = isinstance(value, Var) or (isinstance(value, Load) and value.guard is None)
        own = _width(value.type) if is_leaf else max(32, _width(value.type))
        is_unsigned_byte = is_leaf and isinstance(value.type, BitType) and target == I8
        if own > _width(target) or is_unsigned_byte:
            return f"({element_type(target)}){self.print(value).at(UNARY)}"
        return self.text(value)

    def print(self, expr: Expr) -> Text:
        """An expression and how tightly it binds; a kernel's expressions are shallow enough to recurse."""
        match expr:
            case Const(value, WordType()):
                return atom(f"UINT64_C({value:#x})")
            case Const(value, type_):
                if isinstance(type_, RealType):
                    return real_number(value) or atom(f"{self._helpers.bits('real_of_bits')}(UINT64_C({value:#x}))")
                return atom(self._helpers.constant(value, type_)) if _is_wide(type_) else number(value)
            case Var(name) if name in self._sizes:
                return NOTATION.apply("cast int64_t", atom(self._names[name]))
            case Var(name):
                return atom(self._names[name])
            case Answer(function, arguments):
                return atom(f"{self._symbols[function]}({', '.join(self._plain(a).text for a in arguments)})")
            case Load(_, _, _, guard, default):
                if guard is None or default is None:
                    return self._load(expr)
                return NOTATION.apply("select", self.print(guard), self._load(expr), self.print(default))
            case Negate(operand, type_):
                if _is_wide(type_):
                    return self._call("neg", type_, operand)
                return NOTATION.apply("neg", self.print(operand))
            case Arith(op, left, right, type_):
                if _is_wide(type_):
                    return self._wide_arith(op, left, right, type_)
                if op == ">>":
                    return self._shifted(self.print(left), right)
                return NOTATION.apply(op, self.print(left), self.print(right))
            case Compare(op, left, right):
                return self._compare(op, left, right)
            case Logic(op, left, right):
                return NOTATION.apply(op, self.print(left), self._right_operand(right))
            case Not(operand):
                return NOTATION.apply("~" if operand.type == WORD else "not", self.print(operand))
            case Shift(op, operand, amount):
                return NOTATION.apply(op, self.print(operand), self.print(amount))
            case Count(operand):
                return atom(f"{self._helpers.packing('ones')}({self.text(operand)})")
            case Pack(buffer, index):
                return atom(f"{self._helpers.packing('pack')}({self.start(buffer, index)})")
            case Strays():
                raise TypeError("printed code trusts its inputs")
            case Select(condition, then, otherwise):
                return NOTATION.apply("select", self.print(condition), self.print(then), self.print(otherwise))
            case Convert(operand, type_):
                return self._convert(operand, type_)
            case ToReal(operand, exponent):
                return self._to_real(operand, exponent)
            case FromReal(operand, _, type_):
                if type_.is_wide:
                    return self._call("of_real", type_, operand)
                return NOTATION.apply("cast int32_t", self.print(operand))
            case Reinterpret(operand, RealType()):
                return atom(f"{self._helpers.bits('real_of_bits')}((uint64_t){self.print(operand).at(UNARY)})")
            case Reinterpret(operand):
                return atom(f"{self._helpers.bits('bits_of_real')}({self.text(operand)})")
            case Apply(name, operand):
                return atom(f"{self._helpers.prefix}_{name}({self.text(operand)})")
            case _:
                assert_never(expr)

    def _plain(self, expr: Expr) -> Text:
        """An expression; a size as what it is in C."""
        return atom(self._names[expr.name]) if isinstance(expr, Var) else self.print(expr)

    def _right_operand(self, right: Expr) -> Text:
        """The right operand of a connective. A call in it is a side effect to clang, which would rather see `&&`."""
        text = self.print(right)
        calls = any(node.type.is_wide or isinstance(node, Apply | Reinterpret) for node in subexpressions(right))
        return NOTATION.apply("cast int32_t", text) if calls else text

    def _wide_arith(self, op: ArithOp, left: Expr, right: Expr, type_: IntType) -> Text:
        if op == "*":
            for factor, other in ((left, right), (right, left)):
                if isinstance(factor, Const) and factor.value > 0 and factor.value & (factor.value - 1) == 0:
                    shift = self._helpers.function("shift", type_)
                    return atom(f"{shift}({self.text(other)}, {factor.value.bit_length() - 1})")
        if op == "*" and isinstance(right, Const):
            left, right = right, left  # few of its digits are not 0
        return self._call(_WIDE_ARITH[op], type_, left, right)

    def _shifted(self, value: Text, count: Expr) -> Text:
        """A floor division by a power of two; the shift of a negative number is the compiler's affair."""
        assert isinstance(count, Const)
        power = 1 << count.value
        rest = NOTATION.apply("&", value, number(power - 1))
        return NOTATION.apply("/", NOTATION.apply("-", value, rest), number(power))

    def _to_real(self, operand: Expr, exponent: int) -> Text:
        if _is_wide(operand.type):
            return atom(f"{self._helpers.function('real', operand.type)}({self.text(operand)}, {exponent})")
        whole = NOTATION.apply("cast double", self.print(operand))
        return NOTATION.apply("*", whole, atom(f"0x1p-{exponent}")) if exponent else whole

    def _load(self, load: Load) -> Text:
        if _is_wide(load.type):
            function = self._helpers.function("load", load.type)
            return atom(f"{function}({self.address(load.buffer, load.index)})")
        return self.element(load.buffer, load.index)

    def _call(self, helper: Helper, type_: IntType, *operands: Expr) -> Text:
        return atom(f"{self._helpers.function(helper, type_)}({', '.join(map(self.text, operands))})")

    def _compare(self, op: CompareOp, left: Expr, right: Expr) -> Text:
        type_ = left.type
        if not _is_wide(type_):
            # Only a size in range has a value in int64_t.
            first = self._plain(left) if isinstance(right, Const) else self.print(left)
            return NOTATION.apply(op, first, self.print(right))
        match op:
            case "<":
                return self._call("less", type_, left, right)
            case ">":
                return self._call("less", type_, right, left)
            case "<=":
                return NOTATION.apply("not", self._call("less", type_, right, left))
            case ">=":
                return NOTATION.apply("not", self._call("less", type_, left, right))
            case "==":
                return self._call("equal", type_, left, right)
            case "!=":
                return NOTATION.apply("not", self._call("equal", type_, left, right))
            case _:
                assert_never(op)

    def _convert(self, operand: Expr, target: Type) -> Text:
        source = operand.type
        if _is_wide(source):
            if _is_wide(target):
                return atom(f"{self._helpers.resize(source, target)}({self.text(operand)})")
            low = self._call("low", source, operand)
            if isinstance(target, BitType):
                return NOTATION.apply("!=", low, number(0))
            return low if _is_64(target) else NOTATION.apply("cast int32_t", low)
        if isinstance(target, BitType):
            # Compilers suspect arithmetic where a condition may stand.
            return NOTATION.apply("!=", self.print(operand), number(0))
        if _is_wide(target):
            return self._call("of", target, operand)
        if isinstance(target, WordType):
            return NOTATION.apply("cast uint64_t", self.print(operand))
        if isinstance(source, WordType):
            return NOTATION.apply("cast int64_t", self.print(operand))
        if _is_64(source) == _is_64(target):
            return self.print(operand)
        return NOTATION.apply("cast int64_t" if _is_64(target) else "cast int32_t", self.print(operand))


def _is_wide(type_: Type) -> TypeGuard[IntType]:
    """Whether values of a type are structs in C."""
    return type_.is_wide


def _width(type_: Type) -> int:
    return type_.width if isinstance(type_, IntType) else 8 * type_.bytes


def _is_64(type_: Type) -> bool:
    return _width(type_) == 64
