"""Write a chain of operands that are alike as a reduction.

Before::

    y[i < 4, j < 4] = x[2 * i, 2 * j] xor x[2 * i, 2 * j + 1] xor x[2 * i + 1, 2 * j] xor x[2 * i + 1, 2 * j + 1]

After::

    y[i < 4, j < 4] = sum(k < 2, l < 2: x[2 * i + k, 2 * j + l]) % 2

Operands are alike when they differ in constants only, all of which are affine functions of coordinates that fill a box.
What is added becomes a sum, `and` becomes `all`, `or` becomes `any`, and `xor` the remainder of a sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import pairwise, product
from math import prod
from typing import ClassVar

import numpy as np

from ddcompile.analysis.coordinates import Anchor, fit_box
from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, affine_of, simplify
from ddcompile.ir.nodes import Binary, Binder, Binding, Call, Expr, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import children, postorder, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements
from ddcompile.passes.templates import filled, shape_of

__all__ = ["Collect", "collected", "operands_under", "operator_of"]

_OPS = ("+", "xor", "and", "or")
_REDUCTION = {"+": "sum", "and": "all", "or": "any"}
_WRITTEN_OUT = 64
"""Terms of a reduction that is written out beside others."""
_REACH = 2**30
"""How far constants of operands may be apart, half of it."""


@dataclass(frozen=True, slots=True)
class Collect(Pass):
    """Write a chain of operands that are alike as a reduction."""

    name: ClassVar[str] = "collect"
    size: int = option(100, "how many nodes an operand may have", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        reals = Reals(types)
        names = names_of(rule)
        statements = []
        for statement in rule.statements:
            used = {b.name for b in statement.binders}
            used |= {b.name for n in postorder(statement.value) if isinstance(n, Binding) for b in n.binders}
            value = _shortened(statement.value, names, used, types, reals, self.size)
            statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
        if all(a.value is b.value for a, b in zip(statements, rule.statements, strict=True)):
            return unchanged(rule)
        return Rewrite(with_statements(rule, statements))


def _shortened(value: Expr, names: Names, used: set[str], types: Types, reals: Reals, size: int) -> Expr:
    """The value with every chain, looked at from its last operand, shortened; inner chains first."""
    chains = [n for n in postorder(value) if isinstance(n, Binary)]
    links = {id(n.left) for n in chains if isinstance(n.left, Binary) and n.left.op == n.op}

    def shorter(node: Expr) -> Expr:
        if not isinstance(node, Binary) or node.op not in _OPS or reals(node):
            return node
        found = _collected(node, names, used, types, size)
        return found if cost(found) < cost(node) else node

    return rewrite(value, shorter, links)


def _collected(node: Binary, names: Names, used: set[str], types: Types, size: int) -> Expr:
    """The chain that ends with a node, with every group of operands that are alike as a reduction.

    Operands may be reductions themselves, which are written out where that says less in the end.
    """
    operands = _chain_of(node)
    ways = [operands]
    written_out = [each for operand in operands for each in _written_out(node.op, operand)]
    if len(written_out) > len(operands):
        ways.append(written_out)
    chains = [collected(node.op, way, names, used, types, size) for way in ways]
    return min((reduce(partial(Binary, node.op), chain) for chain in chains), key=cost)


def _written_out(op: str, operand: Expr) -> list[Expr]:
    """The terms of a reduction by an operator over not too many places; anything else is its only term."""
    if not isinstance(operand, Reduce) or operand.op != _REDUCTION.get(op):
        return [operand]
    ranges = [bounds for binder in operand.binders if (bounds := box_bounds(binder)) is not None]
    if len(ranges) < len(operand.binders) or not 0 < prod(high - low for low, high in ranges) <= _WRITTEN_OUT:
        return [operand]
    inner = {b.name for n in postorder(operand.body) if isinstance(n, Binding) for b in n.binders}
    if inner & {b.name for b in operand.binders}:
        return [operand]
    places = product(*(range(*bounds) for bounds in ranges))
    names = [binder.name for binder in operand.binders]
    return [_at(operand.body, dict(zip(names, map(Literal, place), strict=True))) for place in places]


def _at(body: Expr, values: dict[str, Expr]) -> Expr:
    """A term of a reduction, with simple positions."""

    def step(node: Expr) -> Expr:
        if isinstance(node, Read):
            return Read(node.tensor, tuple(map(simplify, node.positions)), node.pad, location=node.location)
        return node

    return rewrite(substitute(body, values), step)


def _chain_of(node: Binary) -> list[Expr]:
    """The operands of the chain that ends with a node, in order."""
    operands: list[Expr] = []
    rest: Expr = node
    while isinstance(rest, Binary) and rest.op == node.op:
        operands.append(rest.right)
        rest = rest.left
    return [rest, *operands[::-1]]


def operator_of(value: Expr) -> str:
    """The operator of a chain that a value is; empty if it is none."""
    match value:
        case Binary("+" | "xor" | "and" | "or" as op, _, _):
            return op
        case Call(function, _):
            return function
    return ""


def operands_under(op: str, value: Expr) -> Sequence[Expr]:
    """The operands of a chain of an operator; what is no such chain is its only operand."""
    if operator_of(value) != op:
        return (value,)
    return _chain_of(value) if isinstance(value, Binary) else children(value)


def collected(op: str, operands: Sequence[Expr], names: Names, used: set[str], types: Types, size: int) -> list[Expr]:
    """The operands of `+`, `xor`, `and`, `or`, `max` or `min`, with every group that is alike as a reduction."""
    terms: list[Expr] = []
    for group in _groups(operands, types, size):
        start, stop = 0, len(group)
        reduced = _reduced(op, group, names, used)
        if reduced is None:
            start, stop = _longest_line(group)
            reduced = _reduced(op, group[start:stop], names, used)
        terms += group if reduced is None else [*group[:start], reduced, *group[stop:]]
    return terms


def _groups(operands: Sequence[Expr], types: Types, size: int) -> Iterator[list[Expr]]:
    """The operands that may be alike, the group of the first one first."""
    wrapped = {(r, axis) for o in operands for r, axis in _wrapped(o)}
    groups: dict[object, list[Expr]] = {}
    for number, operand in enumerate(operands):
        operand = rewrite(operand, lambda n: _around(n, wrapped, types))
        shape = shape_of(Statement("", (), operand), size)
        key = number if shape is None else (shape.key, shape.tensors)
        groups.setdefault(key, []).append(operand)
    yield from groups.values()


def _wrapped(operand: Expr) -> Iterator[tuple[str, int]]:
    """The axes of tensors on which reads in an operand wrap around."""
    for read in postorder(operand):
        if isinstance(read, Read):
            for axis, position in enumerate(read.positions):
                if isinstance(position, Binary) and position.op == "%":
                    yield read.tensor, axis


def _around(node: Expr, wrapped: set[tuple[str, int]], types: Types) -> Expr:
    """A read that wraps around on the axes on which others do; it is one of an element that is there."""
    if not isinstance(node, Read) or node.pad is not None or node.tensor not in types.shape:
        return node
    positions = tuple(
        Binary("%", p, Literal(types.shape[node.tensor][axis]))
        if (node.tensor, axis) in wrapped and affine_of(p) is not None
        else p
        for axis, p in enumerate(node.positions)
    )
    return Read(node.tensor, positions, node.pad, location=node.location)


def _reduced(op: str, operands: list[Expr], names: Names, used: set[str]) -> Expr | None:
    """Operands of one shape as a reduction; None if their constants are not affine over a box."""
    if len(operands) < 3:
        return None
    shapes = [s for o in operands if (s := shape_of(Statement("", (), o), _REACH)) is not None]
    if not all(isinstance(v, int) and abs(v) < _REACH for s in shapes for v in s.numbers):
        return None
    matrix = np.array([s.numbers for s in shapes], dtype=np.int64).reshape(len(shapes), -1)
    fit = fit_box(matrix % (4 * _REACH), [4 * _REACH] * matrix.shape[1])
    if fit is None or prod(fit[0]) != len(operands):
        return None
    counts, _, anchors = fit
    free = names.indices(len(counts), avoid=used)
    lines = [Affine.of(_constant(a), dict(zip(free, a.slopes, strict=True))) for a in anchors]
    body = filled(
        Statement("", (), operands[0]), lambda k, form: form - form.constant + lines[k], lambda _, read: read
    ).value
    binders = [Binder(n, Literal(0), Literal(count)) for n, count in zip(free, counts, strict=True)]
    match op:
        case "and":
            return builder.reduction("all", binders, body)
        case "or":
            return builder.reduction("any", binders, body)
        case "xor":
            return builder.mod(builder.summation(binders, body), 2)
        case "max" | "min":
            return builder.reduction(op, binders, body)
    return builder.summation(binders, body)


def _longest_line(operands: Sequence[Expr]) -> tuple[int, int]:
    """Where the constants of operands of one shape change in equal steps longest."""
    numbers = [s.numbers for o in operands if (s := shape_of(Statement("", (), o), _REACH)) is not None]
    steps = [[b - a for a, b in zip(*pair, strict=True)] for pair in pairwise(numbers)]
    best, start = (0, 0), 0
    for place, step in enumerate(steps):
        if step != steps[start]:
            start = place
        best = max(best, (start, place + 2), key=lambda span: span[1] - span[0])
    return best


def _constant(anchor: Anchor) -> int:
    """The constant of an anchor, which may be negative."""
    return anchor.constant - anchor.extent if 2 * anchor.constant > anchor.extent else anchor.constant
