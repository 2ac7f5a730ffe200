"""Drop elements at the ends of hidden tensors that nothing reads, and axes of one element; and entries of constants.

Before::

    more[i < 9] = x[(i + 1) % 9] > x[i]
    both[i < 9] = x[i] and x[i + 1]
    y[i < 8] = more[i] xor both[0]

After::

    more[i < 8] = x[(i + 1) % 9] > x[i]
    both = x[0] and x[1]
    y[i < 8] = more[i] xor both

Families of units may go around a ring of which the network has a part; without the rest they need no `%`. Works on
tensors of one clause that are read at places that are sums of indices; elements are never moved. Entries of constants
are (`ddcompile.passes.entries`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import Ranges, index_ranges
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import reads, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.passes.entries import with_entries_read
from ddcompile.passes.fold import folded
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, Witness, expressions, sole_clauses, unchanged, with_statements

__all__ = ["Trim"]

_Position = TypeVar("_Position")


@dataclass(frozen=True, slots=True)
class Trim(Pass):
    """Drop elements at the ends of hidden tensors that nothing reads, axes of one element, and so of constants."""

    name: ClassVar[str] = "trim"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        needed = _needed(rule)
        statements = []
        for statement in rule.statements:
            extents = needed.get(statement.target)
            statements.append(statement if extents is None else _cut(statement, extents))
        new, witness = _flattened(with_statements(rule, statements))
        new = with_entries_read(new)
        return unchanged(rule) if new == rule else Rewrite(new, Witness(witness))


def _flattened(rule: Rule) -> tuple[Rule, tuple[Statement, ...]]:
    """The program without axes of one element, and what its tensors are that had some."""
    single = _single(rule)
    if not single:
        return rule, ()

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read) or node.tensor not in single:
            return node
        return replace(node, positions=_without(single[node.tensor], node.positions))

    statements, witness = [], []
    for old in rule.statements:
        axes = single.get(old.target, ())
        positions, value = _without(axes, old.positions), rewrite(old.value, step)
        if axes:
            value = substitute(value, {old.binders[k].name: Literal(0) for k in axes})
            whole = tuple(Literal(0) if k in axes else Index(b.name) for k, b in enumerate(old.binders))
            witness.append(Statement(old.target, positions, Read(old.target, whole)))
        statements.append(Statement(old.target, positions, value, location=old.location))
    new = with_statements(rule, statements)
    types, tables = infer(new), {c.name: c for c in new.constants}
    simple = (replace(s, value=folded(s, s.value, tables, types)) if s.target in single else s for s in statements)
    return with_statements(new, simple), tuple(witness)


def _single(rule: Rule) -> dict[str, list[int]]:
    """By hidden tensor of one clause, the axes that have one element; every read is of one that is there."""
    padded = {r.tensor for s in rule.statements for e in expressions(s) for r in reads(e) if r.pad is not None}
    found = {}
    for name, statement in sole_clauses(rule).items():
        axes = [k for k, binder in enumerate(statement.binders) if box_bounds(binder) == (0, 1)]
        if axes and name not in padded:
            found[name] = axes
    return found


def _without(axes: Collection[int], positions: tuple[_Position, ...]) -> tuple[_Position, ...]:
    return tuple(p for k, p in enumerate(positions) if k not in axes)


def _needed(rule: Rule) -> dict[str, list[int]]:
    """By tensor that has one clause over a whole box, the least extents that hold all places read."""
    shapes = infer(rule).shape
    found = {name: [0] * len(shapes[name]) for name in sole_clauses(rule)}
    for statement in rule.statements:
        ranges = index_ranges(statement)
        for expr in expressions(statement):
            for read in reads(expr):
                for axis, position in enumerate(read.positions if read.tensor in found else ()):
                    extents = found[read.tensor]
                    extents[axis] = max(extents[axis], _end(position, ranges, shapes[read.tensor][axis]))
    return found


def _end(position: Expr, ranges: Ranges, extent: int) -> int:
    """The least extent of an axis that has all places of a position on it."""
    form = affine_of(position)
    if form is None or not form.names <= ranges.keys():
        return extent
    return max(1, min(int(form.bounds(ranges)[1]) + 1, extent))


def _cut(statement: Statement, extents: list[int]) -> Statement:
    """The clause over the first elements of every axis."""
    binders = []
    for binder, extent in zip(statement.binders, extents, strict=True):
        bounds = box_bounds(binder)
        is_longer = bounds is not None and bounds[1] > extent > bounds[0]
        binders.append(Binder(binder.name, binder.lower, Literal(extent)) if is_longer else binder)
    return Statement(statement.target, tuple(binders), statement.value, location=statement.location)
