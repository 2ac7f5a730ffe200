"""Compute a reduction once where a loop would repeat it.

Before::

    longer[i < 9, j < 9] = sum(k < 9: x[k, i]) > sum(k < 9: x[j, k])

After::

    column[i < 9] = sum(k < 9: x[k, i])
    row[j < 9] = sum(k < 9: x[j, k])
    longer[i < 9, j < 9] = column[i] > row[j]

A reduction becomes a tensor over the indices it uses when indices in scope that it does not use repeat it. Reductions
equal up to the names of indices share one tensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import alpha_key, ordered_free, subexpressions
from ddcompile.ir.nodes import Binder, Expr, Index, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import rewrite
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["Hoist"]


@dataclass(frozen=True, slots=True)
class Hoist(Pass):
    """Compute a reduction once where a loop would repeat it."""

    name: ClassVar[str] = "hoist"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        names = names_of(rule)
        made: dict[tuple[Expr, tuple[tuple[int, int], ...]], str] = {}
        done: list[Statement] = []
        work = list(reversed(rule.statements))
        while work:
            statement = work.pop()
            repeated = None if statement.target in read_names([statement]) else _repeated(statement)
            if repeated is None:
                done.append(statement)
                continue
            expr, binders = repeated
            read, new = _tensor(expr, binders, made, names)
            value = rewrite(statement.value, lambda n, e=expr, r=read: r if n == e else n)  # type: ignore[misc]
            work.append(Statement(statement.target, statement.positions, value, location=statement.location))
            work += new
        if not made:
            return unchanged(rule)
        return Rewrite(with_statements(rule, done), Witness())


def _repeated(statement: Statement) -> tuple[Expr, tuple[Binder, ...]] | None:
    """The first reduction that a loop repeats, with the binders of the indices that it uses."""
    for expr, scope in subexpressions(statement):
        if not isinstance(expr, Reduce):
            continue
        free = ordered_free(expr)
        bounds = {b.name: box_bounds(b) for b in scope}
        if any(bounds[n] is None for n in free):
            continue
        idle = [bounds[b.name] for b in scope if b.name not in free]
        repeats = prod(b[1] - b[0] if b is not None else 2 for b in idle)
        if repeats > 1:
            return expr, tuple(next(b for b in scope if b.name == n) for n in free)
    return None


def _tensor(
    expr: Expr,
    binders: tuple[Binder, ...],
    made: dict[tuple[Expr, tuple[tuple[int, int], ...]], str],
    names: Names,
) -> tuple[Expr, list[Statement]]:
    """The read of the tensor that holds a reduction, and its statement if it is not there yet."""
    own = tuple(b.name for b in binders)
    key = (alpha_key(expr, own), tuple(box_bounds(b) or (0, 0) for b in binders))
    new = []
    if key not in made:
        made[key] = names("partial")
        new.append(Statement(made[key], binders, expr))
    return Read(made[key], tuple(Index(n) for n in own)), new
