"""What emitted code says above a statement: a sentence, and the statement in the rule language."""

from __future__ import annotations

from collections.abc import Callable

from ddcompile.ir.nodes import Rule, Statement
from ddcompile.ir.printer import print_statement
from ddcompile.ir.types import Types
from ddcompile.reading.lines import lines_of
from ddcompile.reading.sentences import Sentences

__all__ = ["comment_rows", "remarks"]

_LIMIT = 1200
"""Characters of a sentence or a statement; of longer ones, the beginning is shown."""
_NARROWEST = 40
_STEP = 4
"""How far the statement is set in below its sentence."""


def remarks(rule: Rule, types: Types) -> Callable[[Statement], str]:
    """The function that gives a statement's sentence and, on a line of its own, the statement.

    The statement is left out where the sentence is hardly more than the statement.
    """
    sentences = Sentences(rule, types)

    def remark(statement: Statement) -> str:
        words = sentences.words(statement)
        if words is None:
            return sentences.sentence(statement)
        notation = print_statement(statement)
        return words if notation.partition(" = ")[2] in words else f"{words}\n{notation}"

    return remark


def comment_rows(text: str, width: int) -> list[str]:
    """The rows of a comment, without comment signs, that are not longer than the width allows."""
    rows: list[str] = []
    for number, line in enumerate(text.split("\n")):
        shown = line if len(line) <= _LIMIT else line[:_LIMIT].rsplit(" ", 1)[0] + " ..."
        start = " " * _STEP * bool(number)
        rows += lines_of(shown, max(_NARROWEST, width), start, start + start)
    return rows or [""]
