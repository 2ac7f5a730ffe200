"""Softmaxes whose values a loop would compute again and again: their values at all places are listed before it."""

from __future__ import annotations

from ddcompile.ir.nodes import Binder, Expr, Reduce, Softmax, Statement
from ddcompile.ir.traverse import children, free_indices

__all__ = ["repeated_softmaxes"]


def repeated_softmaxes(statement: Statement) -> list[tuple[int, Softmax]]:
    """The outermost softmaxes that are repeated by the loops of a clause or a reduction.

    Returns
    -------
    list of tuple
        How many leading positions of the clause must be known to compute the values, and the softmax.
    """
    rank = len(statement.positions)
    level = {p.name: k + 1 for k, p in enumerate(statement.positions) if isinstance(p, Binder)}
    found: list[tuple[int, Softmax]] = []
    stack: list[tuple[Expr, bool]] = [(statement.value, False)]
    while stack:
        node, is_inside = stack.pop()
        if isinstance(node, Softmax):
            free = free_indices(Softmax(node.binder, node.body, node.binder.lower))
            needed = max((level.get(name, rank + 1) for name in free), default=0)
            loops = [p for p in statement.positions[needed:] if isinstance(p, Binder)]
            if needed <= rank and (loops or is_inside):
                found.append((needed, node))
                stack.append((node.position, is_inside))
                continue
        is_inside = is_inside or isinstance(node, Reduce | Softmax)
        stack += [(kid, is_inside) for kid in reversed(children(node))]
    return found
