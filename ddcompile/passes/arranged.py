"""Grids in a program: clauses with what is odd in them, what their elements were before, and rows that read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ddcompile.analysis.cones import Member
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir import builder
from ddcompile.ir.nodes import Expr, Literal, Statement, Unary
from ddcompile.passes.grids import Grid
from ddcompile.passes.selection import is_at
from ddcompile.passes.tabled import element_at

__all__ = ["meaning", "over_grids", "with_odd"]


def with_odd(statement: Statement, grid: Grid, values: Mapping[int, Expr | None]) -> Statement:
    """The clause of a grid with what is another function in it, by the places, row-major."""
    value = statement.value
    for k, odd in sorted(values.items(), reverse=True):
        place = [int(p) for p in np.unravel_index(k, grid.shape)]
        assert odd is not None
        value = builder.conditional(is_at(place, statement.binders), odd, value)
    return replace(statement, value=value)


def meaning(name: str, grid: Grid, atoms: Atoms) -> list[Statement]:
    """The elements of a grid in terms of the old program."""
    found = []
    for place, cell in zip(np.ndindex(*grid.shape), grid.cells, strict=True):
        value: Expr = Literal(cell) if isinstance(cell, int) else element_at(cell.atom, atoms)
        if not isinstance(cell, int) and cell.is_negated:
            value = Unary("not", value)
        found.append(Statement(name, tuple(map(Literal, place)), value))
    return found


def over_grids(row: Row, where: Mapping[int, Member], old: Atoms, atoms: Atoms) -> Row:
    """A row over the elements of the new program; `where` are those of grids, by what they or their negations were."""
    total: dict[int, int] = {}
    bias = row.bias
    for atom, weight in zip(row.atoms.tolist(), row.weights.tolist(), strict=True):
        place = where.get(atom)
        if place is None:
            name = old.name_of(atom)
            place = atoms.offset[name] + atom - old.offset[name], 1
        element, sign = place
        bias += weight if sign < 0 else 0
        total[element] = total.get(element, 0) + sign * weight
    return row.over(total, bias)
