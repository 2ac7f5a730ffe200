"""A statement as a sentence.

`row[i < 28] = sum(j < 28: image[i, j])` reads "For each `i < 28`, `row[i]` is the number of ones in row i of `image`."
What would be longer in words than anyone reads stays notation: "`y` is `3 * x[0] - 2 * x[1] + ...`."
"""

from __future__ import annotations

from itertools import islice

from ddcompile.ir.nodes import Binder, Expr, Index, Read, Rule, Statement
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import postorder
from ddcompile.ir.types import Types
from ddcompile.reading.phrases import Phrases
from ddcompile.reading.ranges import ranges_words, steps_words
from ddcompile.reading.surroundings import Edges, Surroundings
from ddcompile.reading.words import code

__all__ = ["Sentences"]

_NODES = 90
"""Nodes of an expression beyond which notation is easier to read; words take one level of calls a node."""
_NAMED = 4
"""Names that a sentence explains at most."""
_LONGEST = 480
"""Characters of a sentence."""
_RATIO = 4
"""Characters of a sentence for one of the notation, beyond `_SHORT`."""
_SHORT = 160
_WHOLE = 800
"""Characters of notation that is shown as a whole."""


class Sentences:
    """The sentences of a rule.

    Parameters
    ----------
    rule
        A verified rule.
    types
        What `ddcompile.ir.types.infer` says about it.
    """

    def __init__(self, rule: Rule, types: Types) -> None:
        self._known = Surroundings.of(rule, types)
        self._depths: dict[Statement, int] = {}
        for place, steps in types.recurrences.items():
            for number in types.order[place]:
                self._depths[rule.statements[number]] = steps.depth

    def sentence(self, statement: Statement) -> str:
        """One statement in words, or in notation where words would be harder to read."""
        return self.words(statement) or self._notation(statement)

    def words(self, statement: Statement) -> str | None:
        """One statement in words; None where they would be harder to read than notation."""
        if len(list(islice(postorder(statement.value), _NODES + 1))) > _NODES:
            return None
        edges = Edges.of([statement.value], self._known)
        indices = {b.name for b in statement.binders} | _bound(statement.value)
        phrases = Phrases(self._known, {*self._known.names, *indices})
        said = phrases.statement(_target(statement), edges.plain(statement.value))
        where = f", where {', and '.join(phrases.told)}" if phrases.told else ""
        text = " ".join([f"{self._head(statement)}{said}{where}.", *edges.notes()])
        is_long = len(text) > _LONGEST or len(text) > max(_SHORT, _RATIO * len(self._notation(statement)))
        return None if is_long or len(phrases.told) > _NAMED else _capital(text)

    def _notation(self, statement: Statement) -> str:
        value = code(_shortened(print_expression(statement.value)))
        return _capital(f"{self._head(statement)}{_target(statement)} is {value}.")

    def _head(self, statement: Statement) -> str:
        """For which elements a statement speaks, and in which order."""
        binders = statement.binders
        depth = self._depths.get(statement, 0)
        steps = [p for p in statement.positions[:depth] if isinstance(p, Binder)]
        rest = binders[len(steps) :]
        if depth and not steps:
            return f"to start, {f'for each {ranges_words(rest)}, ' if rest else ''}"
        if steps:
            turns = ", then ".join(steps_words(b) for b in steps)
            return f"for {turns}{f', and each {ranges_words(rest)}' if rest else ''}, "
        return f"for each {ranges_words(binders)}, " if binders else ""


def _target(statement: Statement) -> str:
    positions = tuple(Index(p.name) if isinstance(p, Binder) else p for p in statement.positions)
    return code(print_expression(Read(statement.target, positions)))


def _bound(value: Expr) -> set[str]:
    return {node.name for node in postorder(value) if isinstance(node, Index)}


def _shortened(text: str) -> str:
    """The beginning and the end of a notation that nobody reads to the end."""
    if len(text) <= _WHOLE:
        return text
    half = _WHOLE // 2
    return f"{text[:half].rsplit(' ', 1)[0]} ... {text[-half:].split(' ', 1)[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
