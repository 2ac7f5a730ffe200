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

from math import prod

from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import alpha_key, ordered_free, subexpressions
from ddcompile.ir.nodes import Binder, Expr, Index, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import rewrite
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["hoist"]


def hoist(rule: Rule) -> Rewrite:
    """Apply the pass; see the module."""
    names = names_of(rule)
    made: dict[tuple[Expr, tuple[tuple[int, int], ...]], str] = {}
    new: list[Statement] = []
    statements: list[Statement] = []
    for statement in rule.statements:
        if statement.target in read_names([statement]):
            statements.append(statement)
            continue
        hoisted = _repeated(statement)
        value = statement.value
        while hoisted:
            expr, binders = hoisted[0]
            read = _tensor(expr, binders, made, names, new)
            value = rewrite(value, lambda n, e=expr, r=read: r if n == e else n)  # type: ignore[misc]
            statement = Statement(statement.target, statement.positions, value, location=statement.location)
            hoisted = _repeated(statement)
        statements.append(statement)
    if not new:
        return unchanged(rule)
    return Rewrite(with_statements(rule, [*new, *statements]), Witness())


def _repeated(statement: Statement) -> list[tuple[Expr, tuple[Binder, ...]]]:
    """Reductions that a loop repeats, with the binders of the indices that they use."""
    found: list[tuple[Expr, tuple[Binder, ...]]] = []
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
            found.append((expr, tuple(next(b for b in scope if b.name == n) for n in free)))
    return found


def _tensor(
    expr: Expr,
    binders: tuple[Binder, ...],
    made: dict[tuple[Expr, tuple[tuple[int, int], ...]], str],
    names: Names,
    new: list[Statement],
) -> Expr:
    """The read of the tensor that holds a reduction, made if it is not there yet."""
    own = tuple(b.name for b in binders)
    key = (alpha_key(expr, own), tuple(box_bounds(b) or (0, 0) for b in binders))
    if key not in made:
        made[key] = names("partial")
        new.append(Statement(made[key], binders, expr))
    return Read(made[key], tuple(Index(n) for n in own))
