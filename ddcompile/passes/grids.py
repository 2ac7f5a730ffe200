"""Units that are one function of what is about them: as they are found, their pattern, and the grid that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.cones import Table

__all__ = ["Found", "Grid", "Place", "Unit", "ways"]

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
class Grid:
    """Bits over a box, all one function of what is about them."""

    shape: Place
    tables: list[Table]
    cells: list[int | Unit]
    """What they are: a unit, or always the same bit."""


@dataclass(slots=True, eq=False)
class Found:
    """A pattern, and units that are its function, by the least place that they would read on each axis."""

    inner: Unit
    pad: int
    units: dict[Place, Unit]

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


def ways(unit: Unit) -> tuple[Unit, Unit]:
    """A unit, and the same as the negation of its negation's table."""
    other = replace(unit.table, values=1 - unit.table.values)
    return unit, replace(unit, table=other, is_negated=not unit.is_negated)
