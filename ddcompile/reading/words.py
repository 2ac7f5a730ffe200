"""Words: how many, which of two numbers is larger, lists of things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ddcompile.ir.nodes import CompareOp, Expr
from ddcompile.ir.printer import print_expression

__all__ = ["Phrase", "code", "count", "flipped", "listed", "opposite", "relation", "shown"]

_RELATIONS: dict[CompareOp, str] = {
    ">=": "is at least",
    ">": "is more than",
    "<=": "is at most",
    "<": "is less than",
    "==": "equals",
    "!=": "differs from",
}
_COUNTS: dict[CompareOp, str] = {
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "fewer than",
    "==": "exactly",
    "!=": "not exactly",
}
_FLIPPED: dict[CompareOp, CompareOp] = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "==", "!=": "!="}
_OPPOSITE: dict[CompareOp, CompareOp] = {">=": "<", "<": ">=", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words for an expression.

    Attributes
    ----------
    text
        What names a number, or what is so.
    is_open
        Whether whatever follows would seem to belong to it: "for every i < 8, `x[i]` is 1".
    joins
        The word that joins the parts of a condition, "and" or "or"; else "".
    """

    text: str
    is_open: bool = False
    joins: str = ""

    @property
    def closed(self) -> str:
        """The text, in brackets where more may follow."""
        return f"({self.text})" if self.is_open or self.joins else self.text


def code(text: str) -> str:
    """A piece of a rule inside of a sentence."""
    return f"`{text}`"


def shown(expr: Expr) -> str:
    """An expression as a piece of a rule; a plain number needs no quotes."""
    text = print_expression(expr)
    return text if text.lstrip("-").isdigit() else code(text)


def listed(items: Sequence[str], word: str = "and") -> str:
    """`a, b and c`."""
    if len(items) == 1:
        return items[0]
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def relation(op: CompareOp) -> str:
    """The verb of a comparison."""
    return _RELATIONS[op]


def count(op: CompareOp, number: str) -> str:
    """So many things: `at least 3`."""
    return f"{_COUNTS[op]} {number}"


def flipped(op: CompareOp) -> CompareOp:
    """The comparison with its sides exchanged."""
    return _FLIPPED[op]


def opposite(op: CompareOp) -> CompareOp:
    """The comparison that holds when this one does not."""
    return _OPPOSITE[op]
