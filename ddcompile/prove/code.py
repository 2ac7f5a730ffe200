"""Expressions as instructions of a small stack machine, so that no depth meets the recursion limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from ddcompile.ir.nodes import Binding, Expr, Index, Literal, Read, Reduce, Softmax, Statement
from ddcompile.ir.traverse import children
from ddcompile.prove.forms import Decline, Value, exact
from ddcompile.prove.kinds import Flags, classify
from ddcompile.prove.linear import LinearSum
from ddcompile.prove.operators import SOFTMAX_PLACE, Operator, chain_of, chained, operator_of, reducer_of, softmax_of

__all__ = [
    "Apply",
    "Close",
    "Code",
    "Collect",
    "For",
    "Instruction",
    "Linear",
    "Next",
    "Open",
    "Push",
    "PushIndex",
    "ReadElement",
    "compile_clause",
]


@dataclass(frozen=True, slots=True)
class Push:
    """Push a number."""

    value: Value


@dataclass(frozen=True, slots=True)
class PushIndex:
    """Push the value of an index."""

    slot: int


@dataclass(frozen=True, slots=True)
class ReadElement:
    """Pop the pad, if any, and the positions; push an element."""

    tensor: str
    rank: int
    padded: bool


@dataclass(frozen=True, slots=True)
class Apply:
    """Pop operands, push a result."""

    operator: Operator
    count: int


@dataclass(frozen=True, slots=True)
class Open:
    """Begin to collect the values of a reduction."""


@dataclass(frozen=True, slots=True)
class For:
    """Pop the bounds of an index and begin its loop, or jump behind it if it is empty."""

    slot: int
    end: list[int]


@dataclass(frozen=True, slots=True)
class Next:
    """Begin the next round of the innermost loop."""


@dataclass(frozen=True, slots=True)
class Collect:
    """Pop a value of a reduction."""


@dataclass(frozen=True, slots=True)
class Close:
    """Push what a reduction makes of the collected values."""

    operator: Operator


@dataclass(frozen=True, slots=True)
class Linear:
    """Push a linear sum evaluated with whole arrays and jump, if it applies."""

    plan: LinearSum
    end: list[int]


Instruction: TypeAlias = Push | PushIndex | ReadElement | Apply | Open | For | Next | Collect | Close | Linear


@dataclass(slots=True)
class Code:
    """The instructions of one clause."""

    instructions: list[Instruction] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)
    """Where the value of each index lives."""
    real: bool = False
    """Whether the value is a rounded real already."""

    def slot(self, name: str) -> int:
        """The slot of an index; a loop saves and restores it, so that inner indices may hide outer ones."""
        return self.slots.setdefault(name, len(self.slots))


@dataclass(frozen=True, slots=True)
class _Mark:
    """Set the end of a loop or a linear sum to the place reached."""

    end: list[int]


def compile_clause(statement: Statement, tensors: Mapping[str, Flags], constants: AbstractSet[str]) -> Code:
    """The code of a clause's value; the slots of its own indices come first, in order."""
    code = Code()
    bound = [b.name for b in statement.binders]
    for name in bound:
        code.slot(name)
    flags = classify(statement.value, tensors)
    code.real = flags[id(statement.value)].real
    work: list[Expr | Instruction | _Mark] = [statement.value]
    while work:
        item = work.pop()
        if isinstance(item, _Mark):
            item.end.append(len(code.instructions))
        elif isinstance(item, Expr):
            work.extend(reversed(_expand(item, code, flags, constants)))
        else:
            code.instructions.append(item)
    return code


def _expand(
    expr: Expr, code: Code, flags: Mapping[int, Flags], constants: AbstractSet[str]
) -> Sequence[Expr | Instruction | _Mark]:
    """What to do for a node, in order."""
    own = flags[id(expr)]
    match expr:
        case Literal(value):
            return [Push(exact(value))]
        case Index(name):
            return [PushIndex(code.slot(name))]
        case Read(tensor, positions, pad):
            return [*children(expr), ReadElement(tensor, len(positions), pad is not None)]
        case Reduce():
            return _expand_reduce(expr, code, flags, constants)
        case Softmax(binder, body, position):
            values = _collected(expr, code)
            exact_offset = chain_of("+", (1, -1), Flags(), [flags[id(position)], flags[id(binder.lower)]])
            return [
                *(Open(), *values, Close(softmax_of(flags[id(body)]))),
                *(position, binder.lower, Apply(exact_offset, 2)),
                Apply(SOFTMAX_PLACE, 2),
            ]
    op = chained(expr)
    if op and not (own.real or own.over_reals):
        operands, signs = _chain(expr, op)
        kinds = [flags[id(kid)] for kid in operands]
        return [*operands, Apply(chain_of(op, signs, own, kinds), len(operands))]
    kids = children(expr)
    if not kids:
        raise Decline(f"{type(expr).__name__} is not followed")
    return [*kids, Apply(operator_of(expr, own, [flags[id(kid)] for kid in kids]), len(kids))]


def _chain(expr: Expr, op: str) -> tuple[list[Expr], list[int]]:
    """The operands of a nest of one associative operator, in text order, with their signs."""
    operands: list[Expr] = []
    signs: list[int] = []
    stack: list[tuple[Expr, int]] = [(expr, 1)]
    while stack:
        node, sign = stack.pop()
        if chained(node) != op:
            operands.append(node)
            signs.append(sign)
            continue
        kids = children(node)
        last = -sign if getattr(node, "op", "") == "-" else sign
        stack.append((kids[-1], last))
        stack.extend((kid, sign) for kid in reversed(kids[:-1]))
    return operands, signs


def _expand_reduce(
    expr: Reduce, code: Code, flags: Mapping[int, Flags], constants: AbstractSet[str]
) -> Sequence[Expr | Instruction | _Mark]:
    end: list[int] = []
    parts: list[Expr | Instruction | _Mark] = []
    body = flags[id(expr.body)]
    plan = None
    if expr.op == "sum" and not body.real:
        plan = LinearSum.of(expr, constants)
    if plan is not None:
        parts.append(Linear(plan, end))
    values = _collected(expr, code)
    parts += [Open(), *values, Close(reducer_of(expr, flags[id(expr)], body)), _Mark(end)]
    if expr.op == "argmax":  # the reduction counts candidates from 0, the index from its lower bound
        lower = expr.binders[0].lower
        parts += [lower, Apply(chain_of("+", (1, 1), flags[id(expr)], [flags[id(lower)]]), 2)]
    return parts


def _collected(expr: Binding, code: Code) -> Sequence[Expr | Instruction | _Mark]:
    """The loops that collect the values of a body, in lexicographic order of its indices."""
    inner: list[Expr | Instruction | _Mark] = [expr.body, Collect()]
    for binder in reversed(expr.binders):
        behind: list[int] = []
        inner = [binder.lower, binder.upper, For(code.slot(binder.name), behind), *inner, Next(), _Mark(behind)]
    return inner
