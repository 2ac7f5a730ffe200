"""What the expressions and tensors of a rule are in Python: ints, Fractions or floats."""

from __future__ import annotations

from collections.abc import Mapping

from ddcompile.backends.python.notation import Sort
from ddcompile.ir.nodes import (
    Binary,
    Call,
    Constant,
    Declaration,
    Expr,
    If,
    Literal,
    Read,
    Reduce,
    Rule,
    Softmax,
    Unary,
)
from ddcompile.ir.schedule import evaluation_order
from ddcompile.ir.traverse import children, postorder
from ddcompile.ir.types import Types

__all__ = ["sort_of", "tensor_sorts"]

_DECLARED = {"rat": Sort.FRACTION, "real": Sort.REAL}


def sort_of(expr: Expr, sorts: Mapping[str, Sort]) -> Sort:
    """What an expression may give at most, where tensors that are not listed hold ints."""
    found: list[Sort] = []
    for node in postorder(expr):
        count = len(children(node))
        kids = found[len(found) - count :]
        del found[len(found) - count :]
        match node:
            case Literal(value):
                found.append(Sort.INT if isinstance(value, int) else Sort.FRACTION)
            case Read(tensor, _, pad):
                fill = Sort.INT if pad is None else kids[0]
                found.append(max(sorts.get(tensor, Sort.INT), fill))
            case Softmax() | Unary("real" | "exp" | "log" | "tanh" | "sigmoid", _):
                found.append(Sort.REAL)
            case Unary(op, _):
                found.append(Sort.INT if op in ("not", "sign") else kids[0])
            case Binary() | Call():
                found.append(max(kids))
            case If():
                found.append(max(kids[1], kids[2]))
            case Reduce("sum" | "min" | "max", _, _):
                found.append(kids[-1])
            case _:
                found.append(Sort.INT)
    return found[0]


def tensor_sorts(rule: Rule, types: Types, order: tuple[tuple[int, ...], ...] | None = None) -> dict[str, Sort]:
    """What the tensors hold that do not hold ints; rational inputs hold ints or Fractions.

    Parameters
    ----------
    types
        The types of the rule at any sizes: of them it matters which tensors are real.
    order
        Groups of statements in evaluation order, if they are known.
    """
    declared: list[Constant | Declaration] = [*rule.constants, *rule.outputs]
    sorts = {d.name: _DECLARED[d.type.kind] for d in declared if d.type.kind in _DECLARED}
    sorts |= {d.name: Sort.MIXED for d in rule.inputs if d.type.kind == "rat"}
    sorts |= {name: Sort.REAL for name, found in types.tensor.items() if found.kind == "real"}
    for group in evaluation_order(rule) if order is None else order:
        waiting = [rule.statements[number] for number in group]
        grown = True
        while grown:
            grown = False
            for statement in waiting:
                known = sorts.get(statement.target, Sort.INT)
                if known < Sort.FRACTION and sort_of(statement.value, sorts) > known:
                    sorts[statement.target] = Sort.FRACTION
                    grown = True
    return sorts
