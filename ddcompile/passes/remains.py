"""What remains of a tensor when clauses over boxes are dearer than their rows in a table.

Before::

    y[0] = sign(x[3] + x[7] - x[1] - x[8])
    y[1 <= i < 40] = sign(x[i] - x[i + 1])
    y[40] = sign(x[2] + x[9] - x[0] - x[5])     # and many more

After::

    rest[u < 60] = sign(sum(j < 2: x[at[u, j]]) - sum(j < 2: x[less[u, j]]))
    y[0] = rest[0]
    y[1 <= i < 40] = sign(x[i] - x[i + 1])
    y[40 <= i < 99] = rest[i - 39]

Elements of results stay where they are, so every run of them is a clause that reads the table's units, or one over a
table of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from ddcompile.analysis.covers import boxes_of
from ddcompile.analysis.linear import Atoms, box_bounds
from ddcompile.analysis.rows import Row
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Read, Statement
from ddcompile.passes.gathers import table_clauses
from ddcompile.passes.layers import Names
from ddcompile.passes.rewrite import read_names
from ddcompile.passes.signatures import binders_of, later_cost, total_cost

__all__ = ["with_rest"]

_Clauses = tuple[list[Constant], list[Statement]]
_Named = tuple[list[Constant], list[Statement], Names]

_COPY = 9
"""About what it costs to read a unit of the table at its place."""

_Price = Callable[[Sequence[Constant], Sequence[Statement]], int]

_FEW = 8
"""Clauses of which kernels are priced as what they become."""

_MOST_TABLES = 4
"""Runs that may have tables of their own."""

_MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class _Part:
    """A clause with the units that it defines, and what it costs with its constants."""

    statement: Statement
    units: tuple[int, ...]
    price: int


@dataclass(frozen=True, slots=True)
class _Target:
    """The tensor: its name, its elements, and what is read."""

    name: str
    rows: Sequence[Row]
    shape: tuple[int, ...]
    atoms: Atoms
    bits: Set[str]


def with_rest(
    name: str,
    clauses: _Named,
    table: _Named,
    rows: Sequence[Row],
    shape: tuple[int, ...],
    atoms: Atoms,
    bits: Set[str],
) -> _Named:
    """The cheapest of some clauses of a tensor, one table of all its rows, and clauses with a table of the rest.

    Parameters
    ----------
    name, rows, shape
        The tensor and its elements, row-major.
    clauses
        Constants and clauses over boxes, which together define all elements, and the names that are taken then.
    table
        The same for all rows as one table.
    atoms
        What rows read.
    bits
        See `table_clauses`.

    Returns
    -------
    Constants, statements and names likewise.
    """
    target = _Target(name, rows, shape, atoms, bits)
    price = later_cost if len(clauses[1]) <= _FEW else total_cost
    parts = [_part(s, clauses[0], shape, price) for s in clauses[1]]
    best = min(table, clauses, key=lambda c: price(*c[:2]))
    share = total_cost(*table[:2]) / len(rows)
    for _ in range(_MOST_ROUNDS):
        dear = [p for p in parts if p.price > share * len(p.units) + _COPY]
        if not dear or len(dear) == len(parts):
            break
        kept = [p for p in parts if p not in dear]
        own = clauses[2].copy()
        units = sorted(u for p in dear for u in p.units)
        rest = _rest(target, units, own)
        read = read_names(p.statement for p in kept)
        constants = [*(c for c in clauses[0] if c.name in read), *rest[0]]
        found = constants, [*rest[1], *(p.statement for p in kept)], own
        if price(*found[:2]) < price(*best[:2]):
            best = found
        now = total_cost(*rest) / len(units)
        if now >= share:
            break
        share = now
    return best


def _part(statement: Statement, constants: Sequence[Constant], shape: tuple[int, ...], price: _Price) -> _Part:
    """A clause over a box with its units."""
    axes = []
    for position in statement.positions:
        bounds = box_bounds(position) if isinstance(position, Binder) else None
        if bounds is None:
            assert isinstance(position, Literal)
            bounds = int(position.value), int(position.value) + 1
        axes.append(np.arange(*bounds))
    units = np.ravel_multi_index(np.ix_(*axes), shape).ravel().tolist()
    read = read_names([statement])
    return _Part(statement, tuple(units), price([c for c in constants if c.name in read], [statement]))


def _rest(target: _Target, units: list[int], names: Names) -> _Clauses:
    """Clauses for units that are in no family: over a table each, or copies of units of one table."""
    coordinates = np.stack(np.unravel_index(np.arange(len(target.rows)), target.shape), axis=1)
    boxes = boxes_of(coordinates, np.array(units))
    ways = [_copies(target, boxes, names)]
    if len(boxes) <= _MOST_TABLES:
        ways.append(_tables(target, boxes, names))
    return min(ways, key=lambda way: total_cost(*way))


_Boxes = Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]


def _tables(target: _Target, boxes: _Boxes, names: Names) -> _Clauses:
    """A clause over tables of its own for every box."""
    constants: list[Constant] = []
    statements: list[Statement] = []
    for low, high, units in boxes:
        binders = binders_of(low.tolist(), high.tolist(), names)
        rows = [target.rows[u] for u in units.tolist()]
        new, own = table_clauses(target.name, binders, rows, target.atoms, names, target.name, target.bits)
        constants += new
        statements += own
    return constants, statements


def _copies(target: _Target, boxes: _Boxes, names: Names) -> _Clauses:
    """One table of the units of all boxes, and clauses that read it."""
    rows = [target.rows[u] for _, _, units in boxes for u in units.tolist()]
    rest = names(f"{target.name}_rest")
    over = (Binder("u", Literal(0), Literal(len(rows))),)
    constants, statements = table_clauses(rest, over, rows, target.atoms, names, target.name, target.bits)
    first = 0
    for low, high, units in boxes:
        binders = binders_of(low.tolist(), high.tolist(), names)
        place: Expr = Literal(first)
        positions: list[Binder | Expr] = []
        size = len(units)
        for binder, start, stop in zip(binders, low.tolist(), high.tolist(), strict=True):
            size //= stop - start
            positions.append(binder if stop - start > 1 else Literal(start))
            if stop - start > 1:
                place = builder.add(place, builder.mul(size, builder.sub(Index(binder.name), start)))
        statements.append(Statement(target.name, tuple(positions), Read(rest, (place,))))
        first += len(units)
    return constants, statements
