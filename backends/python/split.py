"""Splitting deep expressions: Python's parser and compiler bound how deep one expression may nest."""

from __future__ import annotations

from dataclasses import dataclass

from ddcompile.ir.nodes import Binary, Binding, Expr
from ddcompile.ir.traverse import children, postorder

__all__ = ["Split", "split"]

_NEST_LIMIT = 160
"""How deep a printed expression may nest, a bracket counting four; Python takes 190 brackets."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which parts of an expression get a name before they are used, and which reductions run as loops.

    Nodes are given by `id`. A reduction or softmax around a named part runs as a loop, since no part inside a generator
    expression can be named.
    """

    named: frozenset[int]
    loops: frozenset[int]

    @property
    def is_trivial(self) -> bool:
        """Whether the expression prints in one piece."""
        return not self.named


def split(expr: Expr) -> Split:
    """Decide how to split an expression; its printed pieces nest no deeper than a fixed limit."""
    named: set[int] = set()
    loops: set[int] = set()
    found: list[tuple[int, bool]] = []  # how deep the text of a part nests, and whether something inside is named
    for node in postorder(expr):
        kids = children(node)
        below = found[len(found) - len(kids) :]
        del found[len(found) - len(kids) :]
        depth, has_named = 0, False
        for k, (kid, (inner, kid_has_named)) in enumerate(zip(kids, below, strict=True)):
            step = 8 if isinstance(node, Binding) else 1 if k == 0 and isinstance(node, Binary) else 4
            if inner + step > _NEST_LIMIT:
                named.add(id(kid))
                inner, kid_has_named = 0, True
            depth = max(depth, inner + step)
            has_named = has_named or kid_has_named
        if has_named and isinstance(node, Binding):
            loops.add(id(node))
            depth = 4
        found.append((depth, has_named))
    return Split(frozenset(named), frozenset(loops))
