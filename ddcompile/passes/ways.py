"""Ways to write the units of a hidden layer as families.

A way is a list of families without common units: those that fit exactly come first, then boxes with a few holes, both
also with bounds that depend on the coordinates, then signs together with their negations, then clipped kernels, with
one bound or with several. Others have units of other kinds in their holes, as exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.slices import decompose
from ddcompile.ir.nodes import Binder, Constant, Expr, Statement
from ddcompile.passes.completion import Place, Seat, anywhere, seats
from ddcompile.passes.exceptions import with_exceptions
from ddcompile.passes.found import (
    Found,
    Hidden,
    clipped_families,
    exact_families,
    few_holes,
    most_of,
    present_in,
)
from ddcompile.passes.layers import Names
from ddcompile.passes.orient import has_opposite, negated
from ddcompile.passes.signatures import later_cost
from ddcompile.passes.stretching import pointed_families, stretched_families

__all__ = ["TERM", "WAYS", "Written", "around", "exact"]

_OPERANDS = 12
"""How many operands a unit has at most that is written out on its own."""

TERM = 10
"""About what a term costs in a reader: one for every family, one for every hole."""


@dataclass(frozen=True, eq=False)
class Written:
    """A family of hidden units, row-major, by their numbers in the layer, and its clause; None is a hole."""

    units: tuple[int | None, ...]
    constants: list[Constant]
    binders: tuple[Binder, ...]
    value: Expr
    silent: tuple[int, ...] = ()
    """Holes, by their numbers in the box, whose unit is always 0."""
    mirrors: Mapping[int, int] = field(default_factory=dict)
    """Where in the box the negations of units are, by the units; these count as holes."""
    flipped: tuple[int, ...] = ()
    """Units of which the clause has the negation."""
    votes: int = 0
    """How many readers look like others because of units in holes."""

    @property
    def members(self) -> list[int]:
        """The units without the holes."""
        return [u for u in self.units if u is not None]

    @cached_property
    def price(self) -> int:
        """About the cost of the clause, and of leaving out the holes; kernels that are few slices are written so."""
        return later_cost(self.constants, [Statement("x", self.binders, self.value)]) + TERM * (self.gaps - self.votes)

    @property
    def gaps(self) -> int:
        """How many terms leave out the holes."""
        holes = sum(u is None for u in self.units) - len(self.mirrors) - len(self.silent)
        if holes > 2 and len(self.binders) > 1:
            shape = [b.upper.value - b.lower.value for b in self.binders]  # type: ignore[attr-defined]
            present = present_in(self.units, shape)
            run = most_of(present)
            if run is not None:
                return min(holes, 2 + int((present != run).sum()))
        return holes


def exact(
    layer: Hidden, units: list[int], names: Names, *, holes: bool = False, biased: bool = True, rings: bool = False
) -> Iterator[Written]:
    """Families of equal signature, up to the bias or with it."""
    for found in exact_families(layer, units, names, holes=holes, biased=biased, rings=rings):
        if len(found.units) == 1 and not _may_be_alone(found, layer):
            continue
        if holes and None not in found.units:
            continue
        if not biased and len({layer.rows[u].bias for u in found.units if u is not None}) == 1:
            continue
        key = tuple(found.units), found.binders, holes, biased, rings
        if key not in layer.written:
            layer.written[key] = _written(found, layer, names)
        part = layer.written[key]
        if part is not None and part.gaps <= few_holes(len(part.members)):
            yield part


def _written(found: Found, layer: Hidden, names: Names, odd: Mapping[int, Seat] | None = None) -> Written | None:
    """The clause of a family, with other units in some of its holes; None if a number cannot be written."""
    placed, rows, flipped = list(found.units), [], []
    number = {int(np.ravel_multi_index(seat.place[1], found.shape)): u for u, seat in (odd or {}).items()}
    for k, unit in enumerate(placed):
        row = None if unit is None else layer.rows[unit]
        if k in number:
            placed[k] = number[k]
            row = layer.rows[number[k]]
            if odd is not None and odd[number[k]].sign < 0:
                if not has_opposite(row):
                    return None
                row = negated(row)
                flipped.append(number[k])
        rows.append(row)
    made = with_exceptions(
        rows, sorted(number), found.binders, found.build, found.moved, layer.atoms, names, layer.stem
    )
    if made is None:
        return None
    votes = sum(seat.votes for seat in (odd or {}).values())
    silent = tuple(k for k in found.silent() if placed[k] is None)
    return Written(tuple(placed), made[0], found.binders, made[1], silent, flipped=tuple(flipped), votes=votes)


def _with_holes(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature over boxes with a few holes."""
    return exact(layer, units, names, holes=True)


def around(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Families that run around all of an axis, where readers take a few units each and need not leave out holes."""
    readers: Sequence[Mapping[int, int]] | None = None
    for part in exact(layer, units, names, holes=True, rings=True):
        readers = layer.readers() if readers is None else readers
        members = set(part.members)
        if all(2 * len(members.intersection(reader)) <= len(members) for reader in readers):
            yield replace(part, votes=part.gaps + 1)


def _varied(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature up to the bias, which depends on the coordinates."""
    return exact(layer, units, names, biased=False)


def _varied_with_holes(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature up to the bias over boxes with a few holes."""
    return exact(layer, units, names, holes=True, biased=False)


def _mirrored(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Signs of differences, each of which is the negation of the unit at mirrored coordinates."""
    signs = [u for u in units if layer.rows[u].kind == "sign"]
    negation = {u: k for k, u in enumerate(signs, len(layer.rows))}
    odd = [u for u in signs if u in layer.familiar and not layer.rows[u].bias]
    rows = [*layer.rows, *(negated(layer.rows[u]) for u in signs)]
    both = replace(layer, rows=rows, familiar=frozenset([*odd, *(negation[u] for u in odd)]), classes={})
    for found in exact_families(both, sorted(both.familiar), names, holes=True):
        members = {u for u in found.units if u is not None}
        own = [u for u in odd if u in members]
        if None not in found.units or len(members) != 2 * len(own) or not all(negation[u] in members for u in own):
            continue
        part = _written(found, both, names, _seated_twice(found, both, negation))
        if part is not None and part.gaps <= few_holes(len(part.members)):
            place = {u: k for k, u in enumerate(part.units) if u is not None}
            kept = tuple(u if u in negation else None for u in part.units)
            yield replace(part, units=kept, mirrors={u: place[v] for u, v in negation.items() if v in place})


def _seated_twice(found: Found, both: Hidden, negation: Mapping[int, int]) -> dict[int, Seat]:
    """Holes for units and for their negations, which have numbers of their own, where it is the same to readers."""
    places, holes, silent = _places([found])
    holes = [place for place in holes if place not in silent]
    rest = [u for u in negation if u not in places]
    if not holes or not 0 < len(rest) <= few_holes(len(places)):
        return {}
    readers = [{**reader} | {v: -reader[u] for u, v in negation.items() if u in reader} for reader in both.readers()]

    def distance(unit: int, place: Place) -> int:
        return _distance(both.rows[unit], found, place[1])

    chosen: dict[int, Seat] = {}
    for unit in sorted(rest, key=lambda u: _in_order(both.rows[u])):
        pair: dict[int, Seat] = {}
        for one in (unit, negation[unit]):
            free = [p for p in holes if all(p != seat.place for seat in [*chosen.values(), *pair.values()])]
            pair |= anywhere(readers, places, free, [one], distance, signs=[1])
        if len(pair) == 2:
            chosen |= pair
    return chosen


def _clipped(layer: Hidden, units: list[int], names: Names, *, biased: bool = True) -> Iterator[Written]:
    """Clipped kernels of one bias."""
    for found in clipped_families(layer, units, names, biased=biased):
        part = _written(found, layer, names)
        if part is not None:
            yield part


def _sloped(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Clipped kernels with bounds that depend on the coordinates."""
    return _clipped(layer, units, names, biased=False)


def _stretched(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """Boxes of which both ends move, and a few operands that move each in its own way."""
    for found in (*stretched_families(layer, units, names), *pointed_families(layer, units, names)):
        part = _written(found, layer, names)
        if part is not None:
            yield part


def _completed(
    layer: Hidden, units: list[int], names: Names, *, biased: bool = True, rings: bool = True
) -> Iterator[Written]:
    """Families with other units in their holes, where the readers of the layer say that they belong there."""
    exact = exact_families(layer, units, names, holes=True, biased=biased, rings=rings)
    return _filled(layer, units, names, [*exact, *clipped_families(layer, units, names, biased=biased)])


def _filled(layer: Hidden, units: list[int], names: Names, every: list[Found]) -> Iterator[Written]:
    """Some of the families, those with the fewest holes, with other units in these."""
    families: list[Found] = []
    taken: set[int] = set()
    for found in sorted(every, key=lambda f: sum(u is None for u in f.units) - len(f.units)):
        own = {u for u in found.units if u is not None}
        if len(own) > 2 and found.missing is not None and taken.isdisjoint(own):
            families.append(found)
            taken |= own
    rest = [u for u in units if u not in taken]
    chosen = _seated(layer, families, rest) if rest else {}
    if not chosen:
        return
    for f, found in enumerate(families):
        part = _written(found, layer, names, {u: seat for u, seat in chosen.items() if seat.place[0] == f})
        if part is not None:
            yield part


def _seated(layer: Hidden, families: Sequence[Found], rest: list[int]) -> dict[int, Seat]:
    """Places for units in the holes of families: where readers expect them, or anywhere if that is the same to them."""
    places, holes, silent = _places(families)
    if not holes:
        return {}
    # A hole where a unit is always 0 need not be filled.
    holes.sort(key=lambda place: (place in silent, place))
    rest.sort(key=lambda u: _in_order(layer.rows[u]))
    readers = layer.readers()
    chosen = seats(readers, places, holes, [found.shape for found in families], rest)
    for needless in (False, True):
        taken = {seat.place for seat in chosen.values()}
        free = [p for p in holes if p not in taken and (p in silent) == needless]
        left = [u for u in rest if u not in chosen]
        chosen |= anywhere(
            readers, places, free, left, lambda u, place: _distance(layer.rows[u], families[place[0]], place[1])
        )
    return chosen


def _places(families: Sequence[Found]) -> tuple[dict[int, Place], list[Place], set[Place]]:
    """The places of units, the holes that may be filled, and those of them where a unit is always 0."""
    places: dict[int, Place] = {}
    holes: list[Place] = []
    silent: set[Place] = set()
    for f, found in enumerate(families):
        missing, quiet = found.missing or frozenset(), found.silent()
        for k, unit in enumerate(found.units):
            place = f, tuple(int(p) for p in np.unravel_index(k, found.shape))
            if unit is not None:
                places[unit] = place
            elif k in missing:
                holes.append(place)
                if k in quiet:
                    silent.add(place)
    return places, holes, silent


def _in_order(row: Row) -> tuple[int, list[int], list[int]]:
    """What sorts units, in whatever order the network has them."""
    return row.bias, row.atoms.tolist(), row.weights.tolist()


def _distance(row: Row, found: Found, place: Sequence[int]) -> int:
    """In how many operands a unit differs from what a family computes at a place."""
    expected = found.moved(place)
    own = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    return sum(own.get(a, 0) != expected.get(a, 0) for a in {*own, *expected})


def _completed_varied(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """The same with bounds that depend on the coordinates."""
    return _completed(layer, units, names, biased=False)


def _completed_boxes(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """The same with coordinates that do not run around all of an axis if they need not."""
    return _completed(layer, units, names, rings=False)


def _completed_stretched(layer: Hidden, units: list[int], names: Names) -> Iterator[Written]:
    """The same with boxes of which both ends move, and operands that move each in its own way."""
    every = [*stretched_families(layer, units, names), *pointed_families(layer, units, names)]
    return _filled(layer, units, names, every)


WAYS: tuple[Callable[[Hidden, list[int], Names], Iterator[Written]], ...] = (
    exact,
    _with_holes,
    around,
    _varied,
    _varied_with_holes,
    _mirrored,
    _clipped,
    _sloped,
    _stretched,
    _completed,
    _completed_boxes,
    _completed_varied,
    _completed_stretched,
)


def _may_be_alone(found: Found, layer: Hidden) -> bool:
    """Whether the unit of a family of one is worth a statement; it is asked about again and again."""
    key = "alone", found.units
    if key not in layer.written:
        layer.written[key] = _is_worth_it(found.row, layer.atoms)
    return bool(layer.written[key])


def _is_worth_it(row: Row, atoms: Atoms) -> bool:
    """Whether a unit on its own is worth a statement: it has few operands, or its weights are few slices."""
    if len(row.atoms) <= _OPERANDS:
        return True
    room = 3
    numbers = atoms.tensor_of(row.atoms)
    for number in np.unique(numbers).tolist():
        name = atoms.names[number]
        kernel = np.zeros(atoms.shape[name], dtype=row.weights.dtype)
        mine = numbers == number
        kernel.flat[row.atoms[mine] - atoms.offset[name]] = row.weights[mine]
        pieces = decompose(kernel, room)
        if pieces is None:
            return False
        room -= len(pieces)
    return True
