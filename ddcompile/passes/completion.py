"""Where units that are in no family belong: the holes of families that their readers expect them in.

Most readers of a layer look alike: moved about, they read the same places with the same weights. A reader with operands
that have no place yet is matched with one that has none of those; what is missing then says where the operands belong.
Families over boxes of one shape move together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Place", "Seat", "anywhere", "seats"]

Place: TypeAlias = tuple[int, tuple[int, ...]]
"""The number of a family and a place in its box."""

_Row: TypeAlias = tuple[int, int, int]
"""The number of a family, an axis and a coordinate on it; -1 and 0 are all of the family."""

_Reading: TypeAlias = tuple[int, int]
"""The number of a reader and a weight that it reads a unit with."""

_Shape: TypeAlias = tuple[tuple[int, tuple[int, ...], int], ...]

_MOST = 256
"""Units without a place, and readers of them, that are looked at."""
_FEW = 32
"""Units and holes that are compared with one another."""
_SHAPES = 8
"""Different shapes of readers that are matched with."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a unit belongs, whether its negation does, and how many readers say so."""

    place: Place
    sign: int
    votes: int


def seats(
    readers: Sequence[Mapping[int, int]],
    places: Mapping[int, Place],
    holes: Sequence[Place],
    shapes: Sequence[tuple[int, ...]],
    order: Sequence[int],
) -> dict[int, Seat]:
    """Places of units that have none, as far as readers tell them.

    Parameters
    ----------
    readers
        The weights of every reader by unit.
    places
        Of the units that have one.
    holes
        Places without a unit, those that are rather taken first.
    shapes
        The extents of the boxes of the families.
    order
        The units without a place, in an order that does not depend on how the network has them.
    """
    odd = set(order)
    asking = [r for r in readers if not odd.isdisjoint(r)]
    if not holes or not odd or max(len(odd), len(asking)) > _MOST:
        return {}
    known: Counter[_Shape] = Counter()
    for reader in readers:
        if odd.isdisjoint(reader) and len(reader) > 1 and all(u in places for u in reader):
            known[_canonical([(*places[u], w) for u, w in reader.items()], shapes)] += 1
    common = [s for s, _ in sorted(known.items(), key=lambda item: (-item[1], item[0]))[:_SHAPES]]
    free = set(holes)
    votes: Counter[tuple[int, Place, int]] = Counter()
    for reader in asking:
        own = {places[u]: w for u, w in reader.items() if u in places}
        asked = {u: w for u, w in reader.items() if u in odd}
        if not own or len(own) + len(asked) != len(reader):
            continue
        found: set[tuple[int, Place, int]] = set()
        for shape in common:
            if len(shape) == len(reader):
                found |= _matches(shape, own, asked, free, shapes)
        votes.update(found)
    rank, rank_of_hole = {u: k for k, u in enumerate(order)}, {p: k for k, p in enumerate(holes)}
    chosen: dict[int, Seat] = {}
    for (unit, place, sign), count in sorted(
        votes.items(), key=lambda v: (-v[1], -v[0][2], rank_of_hole[v[0][1]], rank[v[0][0]])
    ):
        if unit not in chosen and place in free:
            chosen[unit] = Seat(place, sign, count)
            free.discard(place)
    return chosen


def anywhere(
    readers: Sequence[Mapping[int, int]],
    places: Mapping[int, Place],
    holes: Sequence[Place],
    order: Sequence[int],
    distance: Callable[[int, Place], int],
    signs: Sequence[int] = (1, -1),
) -> dict[int, Seat]:
    """Places of units that readers take like all units of a family or of the rows of it there: the nearest hole.

    Parameters
    ----------
    readers, places, holes, order
        As for `seats`.
    distance
        How different a unit is from what the family of a hole computes there.
    signs
        Whether units or their negations may be placed.
    """
    if not holes or max(len(order), len(holes)) > _FEW:
        return {}
    taken: dict[int, set[_Reading]] = {}
    for number, reader in enumerate(readers):
        for unit, weight in reader.items():
            taken.setdefault(unit, set()).add((number, weight))
    alike: dict[_Row, list[set[_Reading]]] = {}
    for unit, place in places.items():
        for row in _rows(place):
            alike.setdefault(row, []).append(taken.get(unit, set()))
    common = {row: set.intersection(*units) for row, units in alike.items() if len(units) > 1}
    expected = {place: set().union(*(common.get(row, ()) for row in _rows(place))) for place in holes}
    pairs = []
    for rank, unit in enumerate(order):
        for sign in signs:
            own = {(number, sign * weight) for number, weight in taken.get(unit, ())}
            pairs += [(distance(unit, p), p, rank, sign) for p in holes if own and expected[p] == own]
    chosen: dict[int, Seat] = {}
    free = set(holes)
    for _, place, rank, sign in sorted(pairs):
        if order[rank] not in chosen and place in free:
            chosen[order[rank]] = Seat(place, sign, 0)
            free.discard(place)
    return chosen


def _rows(place: Place) -> list[_Row]:
    """What a place is in: all of a family, and the part of it with one of the coordinates."""
    family, point = place
    return [(family, -1, 0), *((family, axis, coordinate) for axis, coordinate in enumerate(point))]


def _canonical(elements: Sequence[tuple[int, tuple[int, ...], int]], shapes: Sequence[tuple[int, ...]]) -> _Shape:
    """Elements (family, place, weight) moved so that one of them is at the origin, the one with the least result."""
    first = min(f for f, _, _ in elements)
    ways = []
    for start in (p for f, p, _ in elements if f == first):
        moves = {f: start if shapes[f] == shapes[first] else (0,) * len(shapes[f]) for f, _, _ in elements}
        ways.append(tuple(sorted((f, _moved(p, moves[f], -1, shapes[f]), w) for f, p, w in elements)))
    return min(ways)


def _moved(place: tuple[int, ...], by: tuple[int, ...], factor: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((p + factor * m) % n for p, m, n in zip(place, by, shape, strict=True))


def _matches(
    shape: _Shape,
    own: Mapping[Place, int],
    asked: Mapping[int, int],
    free: set[Place],
    shapes: Sequence[tuple[int, ...]],
) -> set[tuple[int, Place, int]]:
    """What moves of a shape that agree with the known operands of a reader say of the others."""
    (family, anchor), weight = min(own.items())
    found: set[tuple[int, Place, int]] = set()
    for f, p, w in shape:
        if f != family or w != weight:
            continue
        move = _moved(anchor, p, -1, shapes[f])
        moved = {(g, _moved(q, move, 1, shapes[g]) if shapes[g] == shapes[f] else q): v for g, q, v in shape}
        if any(moved.get(place) != value for place, value in own.items()):
            continue
        missing = {place: value for place, value in moved.items() if place not in own}
        if not free.issuperset(missing):
            continue
        for unit, value in asked.items():
            for place, wanted in missing.items():
                if abs(value) == abs(wanted):
                    found.add((unit, place, 1 if value == wanted else -1))
    return found
