"""Drop elements at the ends of hidden tensors that nothing reads.

Before::

    more[i < 9] = x[(i + 1) % 9] > x[i]
    y[i < 8] = more[i]

After::

    more[i < 8] = x[(i + 1) % 9] > x[i]
    y[i < 8] = more[i]

Families of units may go around a ring of which the network has a part; without the rest they need no `%`. Works on
tensors of one clause that are read at places that are sums of indices; elements are never moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import Ranges, index_ranges
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binder, Expr, Literal, Rule, Statement
from ddcompile.ir.traverse import reads
from ddcompile.ir.types import infer
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, expressions, unchanged, with_statements

__all__ = ["Trim"]


@dataclass(frozen=True, slots=True)
class Trim(Pass):
    """Drop elements at the ends of hidden tensors that nothing reads."""

    name: ClassVar[str] = "trim"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        needed = _needed(rule)
        statements = []
        for statement in rule.statements:
            extents = needed.get(statement.target)
            statements.append(statement if extents is None else _cut(statement, extents))
        new = with_statements(rule, statements)
        return unchanged(rule) if new == rule else Rewrite(new)


def _needed(rule: Rule) -> dict[str, list[int]]:
    """By tensor that has one clause over a whole box, the least extents that hold all places read."""
    results = {d.name for d in rule.outputs}
    clauses: dict[str, list[Statement]] = {}
    for statement in rule.statements:
        clauses.setdefault(statement.target, []).append(statement)
    shapes = infer(rule).shape
    found = {
        name: [0] * len(shapes[name])
        for name, own in clauses.items()
        if name not in results and len(own) == 1 and all(isinstance(p, Binder) for p in own[0].positions)
    }
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
