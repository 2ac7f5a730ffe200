"""Which expressions are bits and which are rounded reals, decided by the checker itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ddcompile.ir.nodes import (
    Binary,
    Call,
    Compare,
    Constant,
    Declaration,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Size,
    Softmax,
    Statement,
    Unary,
)
from ddcompile.ir.traverse import children, postorder, reads

__all__ = ["Flags", "classify", "tensor_flags"]

REAL_OPERATORS = frozenset({"real", "exp", "log", "tanh", "sigmoid"})


@dataclass(frozen=True, slots=True)
class Flags:
    """What is known of an expression: `bit`, all values are 0 or 1; `real`, it is a binary64 number."""

    bit: bool = False
    real: bool = False
    over_reals: bool = False
    """Whether an operand is real, so that the operator is not exact arithmetic."""


def classify(expr: Expr, tensors: Mapping[str, Flags]) -> dict[int, Flags]:
    """The flags of every subexpression, by identity. Tensors that are not listed are exact and no bits."""
    known: dict[int, Flags] = {}
    for node in postorder(expr):
        if id(node) not in known:
            known[id(node)] = _flags(node, [known[id(kid)] for kid in children(node)], tensors)
    return known


def _flags(node: Expr, kids: Sequence[Flags], tensors: Mapping[str, Flags]) -> Flags:
    reals = any(k.real for k in kids)
    bits = all(k.bit for k in kids)
    match node:
        case Literal(value):
            return Flags(bit=value in (0, 1))
        case Index() | Size():
            return Flags()
        case Read(tensor, _, pad):
            own = tensors.get(tensor, Flags())
            return own if pad is None else Flags(own.bit and kids[0].bit, own.real or kids[0].real)
        case Unary("not", _):
            return Flags(bit=True, over_reals=reals)
        case Unary(op, _):
            return Flags(real=op in REAL_OPERATORS or (reals and op != "sign"), over_reals=reals)
        case Binary("and" | "or" | "xor", _, _):
            return Flags(bit=True, over_reals=reals)
        case Binary(op, _, _):
            return Flags(bit=op == "*" and bits, real=reals, over_reals=reals)
        case Compare():
            return Flags(bit=True, over_reals=reals)
        case If():
            branches = kids[1:]
            return Flags(all(k.bit for k in branches), any(k.real for k in branches), reals)
        case Call():
            return Flags(bits, reals, reals)
        case Reduce("any" | "all", _, _):
            return Flags(bit=True, over_reals=kids[-1].real)
        case Reduce("argmax", _, _):
            return Flags(over_reals=kids[-1].real)
        case Softmax():
            return Flags(real=True, over_reals=True)
        case Reduce(op, _, _):
            return Flags(op != "sum" and kids[-1].bit, kids[-1].real, kids[-1].real)
        case _:
            raise TypeError(f"not an expression: {type(node).__name__}")


def tensor_flags(
    inputs: Iterable[Declaration],
    outputs: Iterable[Declaration],
    constants: Iterable[Constant],
    statements: Sequence[Statement],
) -> dict[str, Flags]:
    """The flags of all tensors.

    A tensor is a bit if all its clauses are, assuming so of what they read: by induction along the evaluation order.
    It is real if it is declared so or some clause is.
    """
    flags = {d.name: Flags(d.type.kind == "bit", d.type.kind == "real") for d in inputs}
    for c in constants:
        is_bit = c.type.kind == "bit" and bool(((c.values == 0) | (c.values == 1)).all())
        flags[c.name] = Flags(is_bit, c.type.kind == "real")
    declared = {d.name for d in outputs if d.type.kind == "real"}
    for s in statements:
        flags[s.target] = Flags(bit=s.target not in declared, real=s.target in declared)
    readers: dict[str, list[Statement]] = {}
    for s in statements:
        for name in {r.tensor for r in reads(s.value)}:
            readers.setdefault(name, []).append(s)
    waiting = deque(statements)
    while waiting:
        s = waiting.popleft()
        found = classify(s.value, flags)[id(s.value)]
        old = flags[s.target]
        new = Flags(old.bit and found.bit and not found.real, old.real or found.real)
        if new != old:
            flags[s.target] = new
            waiting.extend(readers.get(s.target, ()))
    return flags
