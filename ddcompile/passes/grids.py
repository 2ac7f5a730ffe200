"""Units that are one function of what is about them: as they are found, their pattern, and the grid that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.cones import Table
from ddcompile.analysis.linear import Atoms

__all__ = ["Found", "Grid", "Place", "Stranger", "Unit", "unit_of", "ways"]

Place: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A bit as a function of elements of grids."""

    atom: int
    table: Table
    is_negated: bool
    """Whether the table is that of the bit's negation."""
    anchor: Place
    inputs: frozenset[int]
    kind: tuple[object, ...]
    """The function, and where it reads from the anchor on: what units have in common that are moved about."""


@dataclass(frozen=True, slots=True, eq=False)
class Stranger:
    """A bit that is another function than the grid that it has a place in."""

    atom: int
    table: Table | None
    """The function; None if it is of too many inputs."""
    is_negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Bits over a box, all but a few one function of what is about them."""

    shape: Place
    tables: list[Table]
    cells: list[int | Unit | Stranger]
    """What they are: a unit, or always the same bit."""
    odd: tuple[int, ...] = ()
    """Places, row-major, that are another function."""


@dataclass(slots=True, eq=False)
class Found:
    """A pattern, and units that are its function, or are among them, by the least place that one there would read."""

    inner: Unit
    pad: int
    units: dict[Place, Unit | Stranger]

    def low(self) -> Place:
        """The first corner of the box of the units."""
        return tuple(np.min(list(self.units), axis=0).tolist())

    def extents(self, *more: Place) -> Place:
        """The shape of the box of the units, and of some more places."""
        places = [*self.units, *more]
        return tuple((np.max(places, axis=0) - np.min(places, axis=0) + 1).tolist())

    def distance(self, place: Place) -> int:
        """How far a place is from the box of the units."""
        low, high = np.min(list(self.units), axis=0), np.max(list(self.units), axis=0)
        return int(np.maximum(low - place, 0).sum() + np.maximum(place - high, 0).sum())


def unit_of(atom: int, table: Table, atoms: Atoms) -> Unit | None:
    """A unit over elements of grids, the way round in which it is 0 if they are; None if it is no bit of a grid."""
    if not table.classes or not np.isin(table.values, (0, 1)).all():
        return None
    rest = tuple(r.index(0) if 0 in r else 0 for r in table.ranges)
    is_negated = bool(table.values[rest])
    table = replace(table, values=1 - table.values) if is_negated else table
    places = [atoms.place_of(element) for own in table.classes for element, _ in own]
    if len({len(p) for _, p in places}) != 1 or not places[0][1]:
        return None
    anchor = tuple(int(v) for v in np.min([p for _, p in places], axis=0))
    roles = frozenset(
        (name, tuple(np.subtract(place, anchor).tolist()), k, sign)
        for k, own in enumerate(table.classes)
        for (element, sign) in own
        for name, place in [atoms.place_of(element)]
    )
    inputs = frozenset(element for own in table.classes for element, _ in own)
    return Unit(atom, table, is_negated, anchor, inputs, (table.ranges, table.values.tobytes(), roles))


def ways(unit: Unit) -> tuple[Unit, Unit]:
    """A unit, and the same as the negation of its negation's table."""
    other = replace(unit.table, values=1 - unit.table.values)
    return unit, replace(unit, table=other, is_negated=not unit.is_negated)
