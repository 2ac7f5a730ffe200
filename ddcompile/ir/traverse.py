"""Walks over expressions with explicit stacks: no depth meets the recursion limit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

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
    match expr:
        case Literal() | Index() | Size():
            return ()
        case Read(_, positions, pad):
            return positions if pad is None else (pad, *positions)
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Compare(_, operands):
            return operands
        case If(condition, then, otherwise):
            return (condition, then, otherwise)
        case Call(_, arguments):
            return arguments
        case Reduce(_, binders, body):
            return (*(e for b in binders for e in (b.lower, b.upper)), body)
        case Softmax(binder, body, position):
            return (binder.lower, binder.upper, body, position)
        case _:
            raise TypeError(f"not an expression: {type(expr).__name__}")


def with_children(expr: Expr, kids: tuple[Expr, ...]) -> Expr:
    """The same node over other subexpressions; `expr` itself when they are identical objects."""
    old = children(expr)
    if len(old) == len(kids) and all(a is b for a, b in zip(old, kids, strict=True)):
        return expr
    where = expr.location
    match expr:
        case Literal() | Index() | Size():
            return expr
        case Read(tensor, _, None):
            return Read(tensor, kids, location=where)
        case Read(tensor, _, _):
            return Read(tensor, kids[1:], kids[0], location=where)
        case Unary(op, _):
            return Unary(op, kids[0], location=where)
        case Binary(op, _, _):
            return Binary(op, kids[0], kids[1], location=where)
        case Compare(ops, _):
            return Compare(ops, kids, location=where)
        case If():
            return If(kids[0], kids[1], kids[2], location=where)
        case Call(function, _):
            return Call(function, kids, location=where)
        case Reduce(reduce_op, binders, _):
            new = tuple(
                Binder(b.name, kids[2 * k], kids[2 * k + 1], location=b.location) for k, b in enumerate(binders)
            )
            return Reduce(reduce_op, new, kids[-1], location=where)
        case Softmax(binder, _, _):
            range_ = Binder(binder.name, kids[0], kids[1], location=binder.location)
            return Softmax(range_, kids[2], kids[3], location=where)
        case _:
            raise TypeError(f"not an expression: {type(expr).__name__}")


def postorder(expr: Expr) -> Iterator[Expr]:
    """Every subexpression after its own subexpressions, left to right, `expr` last; shared nodes once per use."""
    stack: list[tuple[Expr, bool]] = [(expr, False)]
    while stack:
        node, done = stack.pop()
        kids = () if done else children(node)
        if not kids:
            yield node
            continue
        stack.append((node, True))
        stack.extend((kid, False) for kid in reversed(kids))


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
    for node in postorder(expr):
        new, count = node, len(children(node))
        if count:
            kids = tuple(results[-count:])
            del results[-count:]
            new = with_children(node, kids)
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
