"""Walks over expressions with explicit stacks: no depth meets the recursion limit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from operator import attrgetter, is_not
from typing import Any

from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Binding,
    Call,
    Compare,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Size,
    Softmax,
    Unary,
)

__all__ = [
    "chain_operands",
    "children",
    "free_indices",
    "postorder",
    "reads",
    "rename_indices",
    "rewrite",
    "substitute",
    "with_children",
]


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions in the order of the text.

    Those of a `Binding` are two bounds for each binder, the body, and what is out of their scope.
    """
    return _CHILDREN[type(expr)](expr)


def _bounds(binders: tuple[Binder, ...]) -> Iterator[Expr]:
    return (bound for binder in binders for bound in (binder.lower, binder.upper))


_CHILDREN: dict[type[Expr], Callable[[Any], tuple[Expr, ...]]] = {
    Literal: lambda _: (),
    Index: lambda _: (),
    Size: lambda _: (),
    Read: lambda e: e.positions if e.pad is None else (e.pad, *e.positions),
    Unary: lambda e: (e.operand,),
    Binary: attrgetter("left", "right"),
    Compare: attrgetter("operands"),
    If: attrgetter("condition", "then", "otherwise"),
    Call: attrgetter("arguments"),
    Reduce: lambda e: (*_bounds(e.binders), e.body),
    Softmax: lambda e: (*_bounds(e.binders), e.body, e.position),
}
"""Walks take most of the time of a compilation: so not by patterns, which are tried one after the other."""


def with_children(expr: Expr, kids: tuple[Expr, ...]) -> Expr:
    """The same node over other subexpressions; `expr` itself when they are identical objects."""
    old = children(expr)
    if len(old) == len(kids) and all(a is b for a, b in zip(old, kids, strict=True)):
        return expr
    return _OVER[type(expr)](expr, kids)


def _bound(binders: tuple[Binder, ...], kids: tuple[Expr, ...]) -> tuple[Binder, ...]:
    return tuple(Binder(b.name, kids[2 * k], kids[2 * k + 1], location=b.location) for k, b in enumerate(binders))


def _read_over(expr: Read, kids: tuple[Expr, ...]) -> Read:
    positions, pad = (kids, None) if expr.pad is None else (kids[1:], kids[0])
    return Read(expr.tensor, positions, pad, location=expr.location)


def _softmax_over(expr: Softmax, kids: tuple[Expr, ...]) -> Softmax:
    (binder,) = _bound((expr.binder,), kids)
    return Softmax(binder, kids[2], kids[3], location=expr.location)


_OVER: dict[type[Expr], Callable[[Any, tuple[Expr, ...]], Expr]] = {
    Read: _read_over,
    Unary: lambda e, kids: Unary(e.op, *kids, location=e.location),
    Binary: lambda e, kids: Binary(e.op, *kids, location=e.location),
    Compare: lambda e, kids: Compare(e.ops, kids, location=e.location),
    If: lambda e, kids: If(*kids, location=e.location),
    Call: lambda e, kids: Call(e.function, kids, location=e.location),
    Reduce: lambda e, kids: Reduce(e.op, _bound(e.binders, kids), kids[-1], location=e.location),
    Softmax: _softmax_over,
}


def postorder(expr: Expr) -> Iterator[Expr]:
    """Every subexpression after its own subexpressions, left to right, `expr` last; shared nodes once per use."""
    return (node for node, _ in _with_kids(expr))


def _with_kids(expr: Expr) -> Iterator[tuple[Expr, tuple[Expr, ...]]]:
    """What `postorder` says, each with its direct subexpressions: backwards, that is every node before its own."""
    found: list[tuple[Expr, tuple[Expr, ...]]] = []
    stack = [expr]
    while stack:
        node = stack.pop()
        kids = _CHILDREN[type(node)](node)
        found.append((node, kids))
        stack += kids
    return reversed(found)


def chain_operands(op: str, expr: Expr) -> list[Expr]:
    """The operands of a chain of one operator, brackets or not, in the order of the text."""
    found: list[Expr] = []
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Binary) and node.op == op:
            stack += [node.right, node.left]
        else:
            found.append(node)
    return found


def rewrite(expr: Expr, step: Callable[[Expr], Expr], leave: Collection[int] = ()) -> Expr:
    """Rebuild bottom-up, `step` applied to every node after its children were rebuilt.

    Nodes of `expr` whose `id` is in `leave` are rebuilt alone, such as those within a chain that is taken as a whole.
    """
    results: list[Expr] = []
    for node, old in _with_kids(expr):
        new = node
        if old:
            kids = tuple(results[-len(old) :])
            del results[-len(old) :]
            if any(map(is_not, kids, old)):
                new = _OVER[type(node)](node, kids)
        results.append(new if id(node) in leave else step(new))
    return results[0]


def reads(expr: Expr) -> Iterator[Read]:
    """Every read below `expr`, in text order."""
    return (node for node in postorder(expr) if isinstance(node, Read))


def free_indices(expr: Expr) -> set[str]:
    """Names of indices that `expr` uses and does not bind itself."""
    found: list[set[str]] = []
    for node in postorder(expr):
        if isinstance(node, Index):
            found.append({node.name})
            continue
        count = len(children(node))
        kids = found[len(found) - count :]
        del found[len(found) - count :]
        if isinstance(node, Binding):
            body = 2 * len(node.binders)
            names = kids[body]
            for k in range(len(node.binders) - 1, -1, -1):
                names = (names - {node.binders[k].name}) | kids[2 * k] | kids[2 * k + 1]
            names = names.union(*kids[body + 1 :])
        else:
            names = set().union(*kids)
        found.append(names)
    return found[0]


def substitute(expr: Expr, values: dict[str, Expr]) -> Expr:
    """Replace free indices by expressions. The caller makes sure that no binder captures a name in `values`."""

    def step(node: Expr) -> Expr:
        return values.get(node.name, node) if isinstance(node, Index) else node

    return rewrite(expr, step)


def rename_indices(expr: Expr, names: dict[str, str]) -> Expr:
    """Rename indices, bound ones with their binders. The new names must not occur in `expr`."""

    def step(node: Expr) -> Expr:
        match node:
            case Index(name) if name in names:
                return Index(names[name], location=node.location)
            case Reduce(op, binders, body) if any(b.name in names for b in binders):
                new = tuple(Binder(names.get(b.name, b.name), b.lower, b.upper) for b in binders)
                return Reduce(op, new, body, location=node.location)
            case Softmax(Binder(name, lower, upper), body, position) if name in names:
                return Softmax(Binder(names[name], lower, upper), body, position, location=node.location)
        return node

    return rewrite(expr, step)
