"""What a constant is for, in a word: `weight`, `kernel`, `bias`, `bound`, `place`, `start`, `table`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ddcompile.ir.nodes import Binary, Binding, Compare, Constant, Expr, Read, Reduce, Softmax, Statement
from ddcompile.ir.traverse import children, free_indices, postorder

__all__ = ["constant_roles"]


def constant_roles(constants: Sequence[Constant], statements: Sequence[Statement]) -> dict[str, tuple[str, str]]:
    """By constant, in the order of their first use: what it is for there, and the tensor that uses it."""
    names = {constant.name for constant in constants}
    found: dict[str, tuple[str, str]] = {}
    for statement in statements:
        for name, role in _uses(statement, names):
            found.setdefault(name, (role, statement.target))
        if len(found) == len(names):
            break
    return found


def _uses(statement: Statement, names: set[str]) -> Iterator[tuple[str, str]]:
    """The constants that a statement reads, and what for."""
    for binder in statement.binders:
        for bound in (binder.lower, binder.upper):
            yield from ((n.tensor, "start") for n in postorder(bound) if isinstance(n, Read) and n.tensor in names)
    stack: list[tuple[Expr, str, frozenset[str]]] = [(statement.value, "table", frozenset())]
    while stack:
        node, role, bound_here = stack.pop()
        if isinstance(node, Read) and node.tensor in names:
            yield node.tensor, role
        if isinstance(node, Binding):
            bound_here = frozenset(b.name for b in node.binders)
        kids = [(kid, _role(node, kid, place, bound_here), bound_here) for place, kid in enumerate(children(node))]
        stack += reversed(kids)


def _role(node: Expr, operand: Expr, place: int, bound: frozenset[str]) -> str:
    """What an operand is for; `bound` are the indices of the innermost reduction."""
    match node:
        case Binary("*"):
            is_kernel = isinstance(operand, Read) and operand.positions and free_indices(operand) <= bound
            return "kernel" if is_kernel else "weight"
        case Binary("+" | "-"):
            return "bias"
        case Compare():
            return "bound"
        case Read():
            return "place"
        case Reduce() | Softmax() if place < 2 * len(node.binders):
            return "start"
    return "table"
