"""Elements of a result that are others than its family: clauses of their own, or what they are under a condition.

Before, where the clause of the family says what all elements would be, and those at 3 and 7 are others::

    y[i < 8] = 4 * s[0] + 2 * s[1] + s[2] == i

After::

    y[i < 7] = if i == 3 then s[0] or s[2] else 4 * s[0] + 2 * s[1] + s[2] == i
    y[7] = s[1]

An odd element is written from its table where that has an expression, and otherwise stays the unit that it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.cones import Cones, Table
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.numbers import least_number
from ddcompile.analysis.symmetries import merged
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Constant, Expr, Literal, Read, Statement
from ddcompile.passes.layers import Layer, Names, clause
from ddcompile.passes.selection import is_at
from ddcompile.passes.signatures import later_cost, total_cost
from ddcompile.passes.tabled import Template, clauses, elements

__all__ = ["Clauses", "despite", "few", "is_reordered", "odd_values"]

Clauses: TypeAlias = tuple[list[Statement], list[Constant]]
"""Statements that end with those of a tensor, and the constants that they read."""

_SHARE = 4
"""Of so many elements one may be odd."""
_MOST = 16
"""How many may be at most: each of them is looked at by itself."""


def few(count: int) -> int:
    """How many of some elements may be odd."""
    return min(count // _SHARE, _MOST)


def is_reordered(one: Table, other: Table) -> bool:
    """Whether two tables may be one function of sums in another order."""
    return _marginals(one) == _marginals(other)


def _marginals(table: Table) -> list[tuple[range, list[int]]]:
    """For every sum how often the unit is one at each of its values, whatever the order of sums."""
    values = table.values.reshape([len(r) for r in table.ranges])
    sides = range(values.ndim)
    every = ((r, values.sum(axis=tuple(s for s in sides if s != k)).tolist()) for k, r in enumerate(table.ranges))
    return sorted(every, key=str)


def despite(
    statements: list[Statement],
    constants: list[Constant],
    layer: Layer,
    odd: Sequence[int],
    cones: Cones,
    atoms: Atoms,
    names: Names,
) -> Clauses:
    """The clauses of a family, the last of which is over all of a result, with some elements that are others."""
    if not odd:
        return statements, constants
    values, before, new = odd_values(layer, odd, cones, atoms, names)
    return [*statements[:-1], *before, *_with_odd(statements[-1], layer.shape, values)], [*constants, *new]


def odd_values(
    layer: Layer, odd: Sequence[int], cones: Cones, atoms: Atoms, names: Names
) -> tuple[dict[int, Expr], list[Statement], list[Constant]]:
    """What some elements are, each by its number, and the statements and constants that this needs."""
    assert layer.rows is not None
    values: dict[int, Expr] = {}
    statements: list[Statement] = []
    constants: list[Constant] = []
    for k in odd:
        name = names(f"odd_{layer.name}")
        tables, alone = clause(name, (), [layer.rows[k]], atoms, names, name)
        ways = [([alone], tables)]
        unit = atoms.offset[layer.name] + k
        below = cones.units(unit) if cones.depth(unit) else []
        whole = cones.table(unit) if below else None
        if whole is not None:
            table = merged(whole)
            inputs = elements(table, atoms)
            limit = total_cost(tables, [alone]) + sum(len(cones.rows[u].atoms) for u in below)
            search = Search(names(f"hit_{name}"))
            found = least_number(search, table.ranges, table.values, inputs, limit)
            if found is not None:
                template = Template(found, inputs, search.used(found))
                written, own = clauses(name, (), template, [table], atoms, names)
                rows = [clause(name, (), [cones.rows[u]], atoms, names.copy(), name) for u in below]
                if later_cost(own, written) < later_cost(tables, [alone]) + sum(later_cost(t, [c]) for t, c in rows):
                    ways.append((written, own))
        before, new = ways[-1]
        constants += new
        statements += before[:-1]
        if len(before) > 1 or new:
            statements.append(before[-1])
            values[k] = Read(name)
        else:
            values[k] = before[-1].value
    return values, statements, constants


def _with_odd(statement: Statement, shape: Sequence[int], values: Mapping[int, Expr]) -> list[Statement]:
    """The clauses of a result from that of the family, over all of it, and what odd elements are, by their numbers.

    Those at an end of a vector have clauses of their own.
    """
    binders = list(statement.binders)
    first, stop = 0, shape[0]
    if len(shape) == 1:
        while first in values:
            first += 1
        while stop - 1 in values:
            stop -= 1
        binders = [Binder(binders[0].name, Literal(first), Literal(stop))]
    value = statement.value
    ends: list[Statement] = []
    for k in sorted(values, reverse=True):
        place = [int(p) for p in np.unravel_index(k, tuple(shape))]
        if len(shape) == 1 and not first <= k < stop:
            ends.append(Statement(statement.target, (Literal(k),), values[k]))
        else:
            value = builder.conditional(is_at(place, binders), values[k], value)
    return [Statement(statement.target, tuple(binders), value), *reversed(ends)]
