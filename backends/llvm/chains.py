"""Reads at places that were read at places that were read, which LLVM should not vectorise.

    node[100 * d + t] = child[2 * node[100 * d + t - 100] + (x[feature[node[100 * d + t - 100]]] > cut[...])]

The trees of a forest step down so. The processor has many of these chains under way at once, if they are left apart;
vectors that gather elements one after the other wait for the last of them: the steps take nearly twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence

from ddcompile.kernel.nodes import Expr, Load, Loop, Stmt
from ddcompile.kernel.traverse import expressions, subexpressions, walk

__all__ = ["has_chains"]

_LINKS = 3


def has_chains(body: Sequence[Stmt]) -> bool:
    """Whether an innermost loop reads an element at a place that depends on an element read at a place that does."""
    if any(isinstance(stmt, Loop) for _, stmt in walk(body)):
        return False
    return any(_links(expr) >= _LINKS for expr in expressions(body) if isinstance(expr, Load))


def _links(expr: Expr) -> int:
    """How many reads are nested in one another by their places; counted to `_LINKS`."""
    level: list[Expr] = [expr]
    for links in range(_LINKS):
        level = [load.index for root in level for load in subexpressions(root) if isinstance(load, Load)]
        if not level:
            return links
    return _LINKS
