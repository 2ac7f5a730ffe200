"""Entries of constants that are read.

Before::

    const W: int[3, 4] = [[1, 1, 1, 1], [1, 2, 0, 1], [0, 0, 0, 0]]
    y = sum(i < 4: x[i]) > sum(i < 4: W[1, i] * x[i])

After::

    const W: int[4] = [1, 2, 0, 1]
    y = sum(i < 4: x[i]) > sum(i < 4: W[i] * x[i])
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ddcompile.analysis.scopes import Ranges, index_ranges
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Constant, Expr, Literal, Read, Rule
from ddcompile.ir.traverse import reads, rewrite
from ddcompile.passes.rewrite import with_statements

__all__ = ["with_entries_read"]


@dataclass(slots=True)
class _Places:
    """Where an axis is read: at some numbers, and from one place to another."""

    extent: int
    points: set[int] = field(default_factory=set)
    spans: list[tuple[int, int]] = field(default_factory=list)

    def add(self, position: Expr, ranges: Ranges) -> None:
        """Note a position of a read."""
        form = affine_of(position)
        if form is None or not form.names <= ranges.keys():
            self.spans.append((0, self.extent - 1))
        elif form.is_constant:
            self.points.add(int(form.constant))
        else:
            low, high = form.bounds(ranges)
            self.spans.append((max(0, int(low)), min(int(high), self.extent - 1)))

    @property
    def kept(self) -> list[int]:
        """The places that stay, ascending: all between the ends, or the points where there is nothing else."""
        if not self.spans:
            return sorted(self.points)
        low = min([*self.points, *(low for low, _ in self.spans)])
        high = max([*self.points, *(high for _, high in self.spans)])
        return list(range(low, high + 1))

    @property
    def is_point(self) -> bool:
        """Whether it is read at one place only, which is a number."""
        return not self.spans and len(self.points) == 1

    def moved(self, position: Expr) -> Expr:
        """The position among those that stay."""
        form, kept = affine_of(position), self.kept
        if form is None or len(kept) == self.extent:
            return position
        if not self.spans:
            return Literal(kept.index(int(form.constant)))
        return (form - kept[0]).to_expr() if kept[0] else position


def with_entries_read(rule: Rule) -> Rule:
    """The program with what it reads of its constants; axes are dropped that are read at one place."""
    read = _read(rule)
    shorter = {name: axes for name, axes in read.items() if any(a.is_point or len(a.kept) < a.extent for a in axes)}
    if not shorter:
        return rule

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read) or node.tensor not in shorter:
            return node
        pairs = list(zip(node.positions, shorter[node.tensor], strict=True))
        return replace(node, positions=tuple(axis.moved(p) for p, axis in pairs if not axis.is_point))

    statements = [replace(s, value=rewrite(s.value, step)) for s in rule.statements]
    constants = tuple(_cut(c, shorter[c.name]) if c.name in shorter else c for c in rule.constants)
    return with_statements(replace(rule, constants=constants), statements)


def _read(rule: Rule) -> dict[str, list[_Places]]:
    """By constant, where each of its axes is read."""
    found = {c.name: [_Places(extent) for extent in c.values.shape] for c in rule.constants}
    for statement in rule.statements:
        ranges = index_ranges(statement)
        for read in reads(statement.value):
            for axis, position in zip(found.get(read.tensor, ()), read.positions, strict=False):
                if read.pad is None:
                    axis.add(position, ranges)
                else:
                    axis.spans.append((0, axis.extent - 1))
    return found


def _cut(constant: Constant, axes: list[_Places]) -> Constant:
    values = constant.values[np.ix_(*(axis.kept for axis in axes))]
    kept = tuple(len(axis.kept) for axis in axes if not axis.is_point)
    return Constant.of(constant.name, values.reshape(kept), constant.type.kind, location=constant.location)
