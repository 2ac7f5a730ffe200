"""Printing expressions with the brackets that a language needs and no others: precedence is data.

A language is a table of operators. Each says how it is spelled, how tightly the result binds, and how tightly each
operand must bind to stand there without brackets:

    C = Notation({"+": infix("+", 12), "neg": prefix("-", 14), "select": Operator("{} ? {} : {}", 3, (4, 4, 3))})
    C.apply("neg", C.apply("+", atom("a"), atom("b")))      # Text("-(a + b)", 14)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ATOM", "Notation", "Operator", "Text", "atom", "infix", "prefix"]

ATOM = 100
"""The level of names, numbers, calls and everything else that never needs brackets."""


@dataclass(frozen=True, slots=True)
class Text:
    """A printed expression and how tightly it binds: the level of its outermost operator."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """The text for a place that takes only what binds at least as tightly as `level`."""
        return self.text if self.level >= level else f"({self.text})"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Operator:
    """A spelling with one `{}` an operand, the level of the result, and the least level of each operand.

    With `chains`, the first operand may also be of exactly the level of the result, whatever `operands` says: so
    `a & b & c` needs no brackets in a language that asks for them in `(a == b) & c`.
    """

    template: str
    level: int
    operands: tuple[int, ...]
    chains: bool = False

    def takes(self, position: int, operand: Text) -> str:
        """The operand at a position, in brackets if it needs them."""
        if self.chains and position == 0 and operand.level == self.level:
            return operand.text
        return operand.at(self.operands[position])


@dataclass(frozen=True, slots=True)
class Notation:
    """The operators of a language by name."""

    operators: Mapping[str, Operator]

    def apply(self, name: str, *operands: Text) -> Text:
        """Print an operator applied to printed operands."""
        operator = self.operators[name]
        parts = (operator.takes(position, operand) for position, operand in enumerate(operands))
        return Text(operator.template.format(*parts), operator.level)


def atom(text: str) -> Text:
    """A text that never needs brackets."""
    return Text(text, ATOM)


def infix(symbol: str, level: int, operands: tuple[int, int] | None = None) -> Operator:
    """A binary operator; without `operands` it associates to the left."""
    return Operator(f"{{}} {symbol} {{}}", level, operands or (level, level + 1))


def prefix(symbol: str, level: int, operand: int | None = None) -> Operator:
    """A unary operator before its operand, which by default may be another of its level."""
    return Operator(f"{symbol}{{}}", level, (level if operand is None else operand,))
