"""How tensors that read their own earlier elements are named: states over time, carries, parities, extremes.

The first index of such a tensor is a time, called `t`, unless it also says where inputs or other tensors are read: then
the tensor goes along an axis of those, and the index keeps its letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ddcompile.ir.nodes import Binary, Binder, Call, Compare, Expr, If, Read, Rule, Statement, Unary
from ddcompile.ir.traverse import children, free_indices, reads
from ddcompile.ir.types import Types
from ddcompile.passes.rewrite import read_names

__all__ = ["Recurrence", "cycles", "recurrences"]


@dataclass(frozen=True, slots=True)
class Recurrence:
    """What a tensor that reads its own earlier elements is."""

    stem: str
    """A name, or empty if none says more than its type."""
    is_over_time: bool
    """Whether its first index counts steps and nothing else."""


def cycles(rule: Rule, types: Types) -> dict[str, frozenset[str]]:
    """The tensors that are evaluated together with each one, step by step where they are several."""
    groups = [frozenset(rule.statements[k].target for k in group) for group in types.order]
    return {name: group for group in groups for name in group}


def recurrences(rule: Rule, types: Types) -> dict[str, Recurrence]:
    """The recurrences of a rule by tensor."""
    found: dict[str, Recurrence] = {}
    for group in types.order:
        statements = [rule.statements[k] for k in group]
        targets = {s.target for s in statements}
        inner = [s for s in statements if targets & read_names([s])]
        if not inner:
            continue
        is_over_time = not any(_says_where(s, targets) for s in inner)
        for target in targets:
            own = next((s for s in inner if s.target == target), None)
            stem = "" if own is None else "state" if is_over_time else _stem(own, types)
            found[target] = Recurrence(stem, is_over_time)
    return found


def _says_where(statement: Statement, targets: set[str]) -> bool:
    """Whether the first index of a statement is used other than to read the recurrence itself."""
    first = statement.positions[0] if statement.positions else None
    if not isinstance(first, Binder):
        return False
    others: list[Expr] = [p for p in statement.positions[1:] if not isinstance(p, Binder)]
    for binder in statement.binders[1:]:
        others += [binder.lower, binder.upper]
    work: list[Expr] = [statement.value]
    while work:
        node = work.pop()
        if isinstance(node, Read) and node.tensor in targets:
            others += node.positions[1:]
        elif isinstance(node, If) and not any(True for _ in reads(node.condition)):
            work += (node.then, node.otherwise)
        elif children(node):
            work += children(node)
        else:
            others.append(node)
    return any(first.name in free_indices(e) for e in others)


def _stem(statement: Statement, types: Types) -> str:
    """What a recurrence along an axis computes."""
    match statement.value:
        case Compare((">=" | ">",), (left, right)):
            if any(True for _ in reads(right)) or _takes_away(left):
                return "larger"
            return "carry" if types.tensor[statement.target].kind == "bit" else ""
        case Binary("xor", _, _):
            return "parity"
        case Binary("and", _, _):
            return "every"
        case Binary("or", _, _):
            return "some"
        case Call("max" | "min" as function, _):
            return "largest" if function == "max" else "smallest"
        case Binary("+", _, _):
            return "total"
    return ""


def _takes_away(value: Expr) -> bool:
    """Whether a sum takes something away."""
    work: Sequence[Expr] = [value]
    while work:
        match work[0]:
            case Binary("-", _, _) | Unary("-", _):
                return True
            case Binary("+", left, right):
                work = [left, right, *work[1:]]
            case _:
                work = work[1:]
    return False
