"""Index arithmetic for generated loops: expressions of 64-bit integers, folded where they are numbers."""

from __future__ import annotations

from ddcompile.kernel.nodes import BIT, I64, WORD, Arith, Compare, CompareOp, Const, Expr, Logic, Select, Shift

__all__ = [
    "TRUE", "at_least", "at_most", "both", "compare", "join", "minus", "modulo", "number", "ones", "plus", "shifted",
    "times", "word",
]  # fmt: skip

_ALL = (1 << 64) - 1
TRUE = Const(1, BIT)
"""A condition that always holds."""


def number(value: int) -> Const:
    """An integer."""
    return Const(value, I64)


def word(value: int) -> Const:
    """A word."""
    return Const(value & _ALL, WORD)


def ones(count: int) -> int:
    """The lowest bits of a word."""
    return (1 << count) - 1


def plus(left: Expr, right: Expr | int) -> Expr:
    """A sum; the number in it comes last."""
    if isinstance(right, int):
        right = number(right)
    if isinstance(left, Const):
        left, right = right, left
    if not isinstance(right, Const):
        return Arith("+", left, right, I64)
    value = right.value
    if isinstance(left, Const):
        return number(left.value + value)
    if isinstance(left, Arith) and left.op in ("+", "-") and isinstance(left.right, Const):
        value += left.right.value if left.op == "+" else -left.right.value
        left = left.left
    if value == 0:
        return left
    return Arith("+" if value > 0 else "-", left, number(abs(value)), I64)


def minus(left: Expr, right: Expr | int) -> Expr:
    """A difference."""
    if isinstance(right, int):
        return plus(left, -right)
    return plus(left, -right.value) if isinstance(right, Const) else Arith("-", left, right, I64)


def times(left: Expr, factor: int) -> Expr:
    """A multiple."""
    if isinstance(left, Const):
        return number(left.value * factor)
    if factor in (0, 1):
        return left if factor else number(0)
    return Arith("*", number(factor), left, I64)


def modulo(left: Expr, modulus: int) -> Expr:
    """The remainder of a number that is not negative; by a power of two, of any number."""
    if isinstance(left, Const):
        return number(left.value % modulus)
    if modulus == 1:
        return number(0)
    if modulus & (modulus - 1) == 0:
        return Arith("&", left, number(modulus - 1), I64)
    return Arith("%", left, number(modulus), I64)


def compare(op: CompareOp, left: Expr, right: Expr | int) -> Expr:
    """A comparison."""
    if isinstance(right, int):
        right = number(right)
    if isinstance(left, Const) and isinstance(right, Const):
        a, b = left.value, right.value
        found = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[op]
        return Const(int(found), BIT)
    return Compare(op, left, right)


def both(left: Expr, right: Expr) -> Expr:
    """Whether two bits are 1."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Const):
            return other if one.value else one
    return Logic("and", left, right)


def at_least(left: Expr, right: Expr | int) -> Expr:
    """The greater of two."""
    if isinstance(right, int):
        right = number(right)
    if isinstance(left, Const) and isinstance(right, Const):
        return number(max(left.value, right.value))
    return Select(Compare("<", left, right), right, left, I64)


def at_most(left: Expr, right: Expr | int) -> Expr:
    """The less of two."""
    if isinstance(right, int):
        right = number(right)
    if isinstance(left, Const) and isinstance(right, Const):
        return number(min(left.value, right.value))
    return Select(Compare(">", left, right), right, left, I64)


def shifted(operand: Expr, by: int) -> Expr:
    """A word whose bits move to higher places, or by a negative number to lower ones."""
    if by == 0:
        return operand
    return Shift("<<" if by > 0 else ">>", operand, number(abs(by)))


def join(low: Expr, high: Expr, offset: int) -> Expr:
    """Bits `offset` to `offset + 63` of two words side by side."""
    if offset == 0:
        return low
    return Logic("or", shifted(low, -offset), shifted(high, 64 - offset))
