"""Index ranges of a statement, and expressions up to the names of indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ddcompile.analysis.linear import box_bounds
from ddcompile.ir.nodes import Binder, Binding, Expr, Index, Statement
from ddcompile.ir.traverse import children, free_indices, postorder, rename_indices

__all__ = ["alpha_key", "ambiguous_indices", "index_ranges", "ordered_free", "subexpressions"]

Ranges = dict[str, tuple[int, int]]


def index_ranges(statement: Statement) -> Ranges:
    """For every index of a statement the inclusive range that holds all its values; names without one are left out."""
    ranges: Ranges = {}
    unknown: set[str] = set()

    def note(binder: Binder) -> None:
        bounds = box_bounds(binder)
        if bounds is None:
            unknown.add(binder.name)
            return
        low, high = bounds[0], bounds[1] - 1
        old = ranges.get(binder.name, (low, high))
        ranges[binder.name] = (min(low, old[0]), max(high, old[1]))

    for binder in statement.binders:
        note(binder)
    for node in postorder(statement.value):
        if isinstance(node, Binding):
            for binder in node.binders:
                note(binder)
    return {n: r for n, r in ranges.items() if n not in unknown}


def ambiguous_indices(statement: Statement) -> set[str]:
    """Names that a statement gives to indices of different ranges."""
    ranges: dict[str, Binder] = {}
    found: set[str] = set()
    bindings = (n for n in postorder(statement.value) if isinstance(n, Binding))
    for binder in (*statement.binders, *(b for n in bindings for b in n.binders)):
        if ranges.setdefault(binder.name, binder) != binder:
            found.add(binder.name)
    return found


def ordered_free(expr: Expr) -> list[str]:
    """Free indices in the order of their first use."""
    free = free_indices(expr)
    return list(dict.fromkeys(n.name for n in postorder(expr) if isinstance(n, Index) and n.name in free))


def alpha_key(expr: Expr, free: Iterable[str]) -> Expr:
    """The expression with its free indices (in the order given) and its bound ones renamed canonically."""
    names = {name: f"?{k}" for k, name in enumerate(free)}
    for node in postorder(expr):
        if isinstance(node, Binding):
            for binder in node.binders:
                names.setdefault(binder.name, f"!{len(names)}")
    return rename_indices(expr, names)


def subexpressions(statement: Statement) -> Iterator[tuple[Expr, tuple[Binder, ...]]]:
    """Every subexpression of a statement's value with the binders in scope there, outermost first."""
    stack: list[tuple[Expr, tuple[Binder, ...]]] = [(statement.value, statement.binders)]
    while stack:
        node, scope = stack.pop()
        yield node, scope
        kids = children(node)
        scopes = [scope] * len(kids)
        if isinstance(node, Binding):
            # Two bounds a binder, each in the scope of the binders before, then the body.
            for k in range(2 * len(node.binders) + 1):
                scopes[k] = (*scope, *node.binders[: k // 2])
        stack += list(zip(kids, scopes, strict=True))[::-1]
