"""What a constant is for, in a word: `weight`, `kernel`, `bias`, `bound`, `place`, `start`, `table`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ddcompile.ir.nodes import Binary, Compare, Constant, Expr, Read, Reduce, Softmax, Statement
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
    own = {binder.name for binder in statement.binders}
    for binder in statement.binders:
        for bound in (binder.lower, binder.upper):
            yield from ((n.tensor, "start") for n in postorder(bound) if isinstance(n, Read) and n.tensor in names)
    for node in postorder(statement.value):
        for place, kid in enumerate(children(node)):
            if isinstance(kid, Read) and kid.tensor in names:
                yield kid.tensor, _role(node, kid, place, own)
    if isinstance(statement.value, Read) and statement.value.tensor in names:
        yield statement.value.tensor, "table"


def _role(node: Expr, read: Read, place: int, own: set[str]) -> str:
    """What an operand is for."""
    match node:
        case Binary("*"):
            return "weight" if free_indices(read) & own or not read.positions else "kernel"
        case Binary("+" | "-"):
            return "bias"
        case Compare():
            return "bound"
        case Read():
            return "place"
        case Reduce() | Softmax() if place < 2 * len(node.binders):
            return "start"
    return "table"
