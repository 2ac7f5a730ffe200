"""Subexpressions of a statement together with the binders in whose scope they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddcompile.ir.nodes import Binder, Binding, Expr, Index, Statement
from ddcompile.ir.traverse import children, free_indices

__all__ = ["Scope", "binders_of", "needed_binders", "own_position", "scoped"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The innermost binder of a scope and the scope around it; linked, so that deep nests share."""

    binder: Binder
    outer: Scope | None


def binders_of(scope: Scope | None) -> tuple[Binder, ...]:
    """The binders of a scope, outermost first."""
    found: list[Binder] = []
    while scope is not None:
        found.append(scope.binder)
        scope = scope.outer
    return tuple(reversed(found))


def needed_binders(names: set[str], binders: tuple[Binder, ...]) -> tuple[Binder, ...]:
    """Those binders that bind one of the names or an index in the bounds of such a binder."""
    wanted = set(names)
    found: list[Binder] = []
    for binder in reversed(binders):
        if binder.name in wanted:
            found.append(binder)
            wanted |= free_indices(binder.lower) | free_indices(binder.upper)
    return tuple(reversed(found))


def scoped(statement: Statement) -> Iterator[tuple[Expr, Scope | None]]:
    """Every subexpression of a statement, positions and bounds included, before its own ones, in text order."""
    scope: Scope | None = None
    stack: list[tuple[Expr, Scope | None]] = []
    for position in statement.positions:
        if isinstance(position, Binder):
            stack += [(position.lower, scope), (position.upper, scope)]
            scope = Scope(position, scope)
        else:
            stack.append((position, scope))
    stack.append((statement.value, scope))
    stack.reverse()
    while stack:
        expr, scope = stack.pop()
        yield expr, scope
        if isinstance(expr, Binding):
            inner: list[tuple[Expr, Scope | None]] = []
            outer = scope
            for binder in expr.binders:
                inner += [(binder.lower, scope), (binder.upper, scope)]
                scope = Scope(binder, scope)
            inner.append((expr.body, scope))
            inner += [(kid, outer) for kid in children(expr)[len(inner) :]]
            stack.extend(reversed(inner))
        else:
            kids = children(expr)
            if kids:
                stack += [(kid, scope) for kid in kids[::-1]]


def own_position(position: Binder | Expr) -> Expr:
    """The position of the element being defined, as an expression."""
    return Index(position.name) if isinstance(position, Binder) else position
