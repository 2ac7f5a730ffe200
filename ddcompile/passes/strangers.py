"""Hidden units that are another function than the grid that they belong to: where that is, and what they are.

Before, where `other` is read by later layers like the element of `state` that is missing there::

    other = x[2] > x[7]

After::

    state[i < 9] = if i == 4 then x[2] and not x[7] else pad(x, 0)[i - 1] xor (x[i] or pad(x, 0)[i + 1])

Later layers tell where a unit belongs (`ddcompile.passes.completion`); the last few are put in the holes that are left
whose units would read most of what they read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.cones import Table
from ddcompile.analysis.cost import cost
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row, activated
from ddcompile.analysis.thresholds import Domain
from ddcompile.ir import builder
from ddcompile.ir.nodes import Constant, Expr, Read, Statement, Unary
from ddcompile.passes.completion import seats
from ddcompile.passes.grids import Found, Place, Stranger
from ddcompile.passes.layers import Names, exact_expression
from ddcompile.passes.offsets import number_of
from ddcompile.passes.tabled import Template, clauses, elements

__all__ = ["Reads", "seat", "value_of"]

Reads: TypeAlias = Callable[[int], Expr | None]
"""What an element of the old program is in the new one; None if it is only a hidden unit of the old one."""

_MOST_READ = 64
"""Operands of units that are written out in one expression."""
_FEW = 6
"""Bits of which a function is looked for one by one."""
_DEAR = 1 << 10
"""What an expression costs at most."""


def seat(
    grids: Sequence[Found],
    others: Sequence[Stranger],
    readers: Iterable[Mapping[int, int]],
    is_hole: Callable[[Found, Place], bool],
    expected: Callable[[Found, Place], frozenset[int]],
) -> list[Stranger]:
    """Give units places in grids; those that have none are left.

    Parameters
    ----------
    grids
        The patterns, to which the units are added.
    others
        In an order that does not depend on how the network has them.
    readers
        The weights of every unit that reads some of the units, by unit.
    is_hole
        Whether a place has neither a unit nor always the same bit.
    expected
        What a unit at a place would read.
    """
    # Places around count as well, for an end of a line as far as units may be missing.
    around = [len(others) + 1 if len(found.low()) == 1 else 1 for found in grids]
    corners = [tuple(p - n for p in found.low()) for found, n in zip(grids, around, strict=True)]
    shapes = [tuple(e + 2 * n for e in found.extents()) for found, n in zip(grids, around, strict=True)]
    places: dict[int, tuple[int, Place]] = {}
    holes: list[tuple[int, Place]] = []
    signs: dict[int, int] = {}
    for f, found in enumerate(grids):
        for point in product(*map(range, shapes[f])):
            place = tuple(np.add(corners[f], point).tolist())
            unit = found.units.get(place)
            if unit is not None:
                places[unit.atom] = f, point
                signs[unit.atom] = -1 if unit.is_negated else 1
            elif is_hole(found, place):
                holes.append((f, point))
    signs |= {other.atom: -1 if other.is_negated else 1 for other in others}
    own = [{a: w * signs.get(a, 1) for a, w in reader.items()} for reader in readers]
    chosen = seats(own, places, holes, shapes, [other.atom for other in others])
    left: list[Stranger] = []
    for other in others:
        found_seat = chosen.get(other.atom)
        if found_seat is None:
            left.append(other)
            continue
        f, point = found_seat.place
        place = tuple(np.add(corners[f], point).tolist())
        grids[f].units[place] = other if found_seat.sign > 0 else _negated(other)
    return _anywhere(grids, left, is_hole, expected)


def _negated(other: Stranger) -> Stranger:
    table = None if other.table is None else replace(other.table, values=1 - other.table.values)
    return replace(other, table=table, is_negated=not other.is_negated)


def _anywhere(
    grids: Sequence[Found],
    others: Sequence[Stranger],
    is_hole: Callable[[Found, Place], bool],
    expected: Callable[[Found, Place], frozenset[int]],
) -> list[Stranger]:
    """Put units in holes inside of boxes, where what is expected is most like them; the units that are left."""
    pairs = []
    for f, found in enumerate(grids):
        low = found.low()
        for point in product(*map(range, found.extents())):
            place = tuple(np.add(low, point).tolist())
            if place in found.units or not is_hole(found, place):
                continue
            for rank, other in enumerate(others):
                read = {a for own in other.table.classes for a, _ in own} if other.table is not None else set()
                pairs.append((len(read ^ expected(found, place)), f, place, rank))
    left = dict(enumerate(others))
    for _, f, place, rank in sorted(pairs):
        if rank in left and place not in grids[f].units:
            grids[f].units[place] = left.pop(rank)
    return list(left.values())


def value_of(
    other: Stranger,
    rows: Mapping[int, Row],
    reads: Reads,
    domains: Mapping[int, Domain],
    atoms: Atoms,
    names: Names,
) -> tuple[Expr, list[Statement], list[Constant]] | None:
    """What a unit is, from its table or from what it reads, and the statements that this needs; None if it is too much.

    Parameters
    ----------
    rows
        Of the hidden units of the old program.
    reads
        What elements of the old program are.
    domains
        The values of elements of the new one.
    """
    nested = _nested(other.atom, rows, reads)
    if nested is not None and other.is_negated:
        nested = Unary("not", nested)
    ways: list[tuple[int, Expr, list[Statement], list[Constant]]] = []
    if nested is not None:
        ways.append((cost(nested), nested, [], []))
    for table in _ways(other.table, domains):
        inputs = elements(table, atoms)
        search = Search(names("hit_odd"))
        value = search.least(table.ranges, table.values, inputs, _DEAR)
        if value is not None:
            name = names("odd")
            made, constants = clauses(name, (), Template(value, inputs, search.used(value)), [table], atoms, names)
            price = sum(map(cost, made)) + sum(map(cost, constants))
            if len(made) == 1 and not constants:
                ways.append((cost(made[0].value), made[0].value, [], []))
            else:
                ways.append((price, Read(name), made, constants))
    return min(ways, key=lambda way: way[0])[1:] if ways else None


def _ways(table: Table | None, domains: Mapping[int, Domain]) -> Iterator[Table]:
    """A table as it is, and over its inputs one by one where these are a few bits."""
    if table is None:
        return
    yield table
    members = [(k, atom, sign) for k, own in enumerate(table.classes) for atom, sign in own]
    if len(table.classes) < len(members) <= _FEW and all(domains[atom] == Domain(0, 1) for _, atom, _ in members):
        bits = np.indices((2,) * len(members))
        index = [np.full((2,) * len(members), -r.start) for r in table.ranges]
        for (k, _, sign), values in zip(members, bits, strict=True):
            index[k] += sign * values
        classes = tuple(((atom, 1),) for _, atom, _ in members)
        yield Table(classes, (range(2),) * len(members), table.values[tuple(index)])


def _nested(atom: int, rows: Mapping[int, Row], reads: Reads) -> Expr | None:
    """A unit over what it reads, and so on; None if that is much."""
    count = 0

    def written(unit: int) -> Expr | None:
        nonlocal count
        known = reads(unit)
        if known is not None:
            return known
        row = rows.get(unit)
        count += 0 if row is None else len(row.atoms)
        if row is None or count > _MOST_READ or row.kind != "positive":
            return None
        terms: list[tuple[int, Expr]] = []
        for operand, weight in zip(row.atoms.tolist(), row.weights.tolist(), strict=True):
            value = written(operand)
            if value is None:
                return None
            terms.append((int(weight), value))
        terms.sort(key=lambda term: term[0] < 0)
        total = builder.add_all(builder.mul(weight, value) for weight, value in terms)
        return activated(row, total, exact_expression(number_of(row)))

    return written(atom)
