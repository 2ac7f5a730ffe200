"""Families of units whose operands are boxes with ends that move, or a few points that move each in its own way.

Intervals, rectangles and arcs of all lengths are boxes of which both ends are affine in the coordinates of the unit;
pairs and triples of places are points. Coordinates are chosen among the ends, or the points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.clipped import Operands
from ddcompile.analysis.coordinates import Anchor, fit_box

__all__ = ["Ends", "Line", "Points", "Stretched", "fit_points", "fit_stretched"]

_MOST_UNITS = 1 << 14
_MOST_POINTS = 4

Line: TypeAlias = tuple[int, tuple[int, ...]]
"""A constant, and a slope for every coordinate."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The operands along one axis: from `start`, `length` of them; around a ring, or not."""

    start: Line
    length: Line
    is_ring: bool


@dataclass(frozen=True, slots=True)
class Stretched:
    """Units over a box from 0, row-major, None where there is none, and their operands along every axis."""

    counts: tuple[int, ...]
    units: tuple[int | None, ...]
    axes: tuple[Ends, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Units over a box from 0, row-major, None where there is none, and every operand: weight, tensor and position."""

    counts: tuple[int, ...]
    units: tuple[int | None, ...]
    operands: tuple[tuple[int, int, tuple[Line, ...]], ...]


def fit_stretched(units: Sequence[Operands], extents: tuple[int, ...]) -> Iterator[Stretched]:
    """Families among units of one weight; units in no family are left out."""
    if len(units) > _MOST_UNITS:
        return
    boxes = {u: box for u, unit in enumerate(units) if (box := _box(unit, extents)) is not None}
    if len({length for box in boxes.values() for _, length in [zip(*box, strict=True)]}) < 2:
        return
    whole = _stretched(sorted(boxes), boxes, extents)
    if whole is not None:
        yield whole
        return
    groups: dict[tuple[bool, ...], list[int]] = {}
    for u, box in boxes.items():
        groups.setdefault(tuple(length == n for (_, length), n in zip(box, extents, strict=True)), []).append(u)
    for _, group in sorted(groups.items()):
        found = _stretched(group, boxes, extents)
        if found is not None:
            yield found


_Box: TypeAlias = tuple[tuple[int, int], ...]
"""The start and the length on every axis."""


def _box(unit: Operands, extents: tuple[int, ...]) -> _Box | None:
    """The box of the operands, which may go around rings; None if they are none."""
    box = []
    volume = 1
    for axis, extent in enumerate(extents):
        places = np.unique(unit.positions[:, axis])
        apart = np.flatnonzero(np.diff(places) != 1)
        length = len(places)
        volume *= length
        if not len(apart):
            box.append((int(places[0]), length))
        elif len(apart) == 1 and places[0] == 0 and places[-1] == extent - 1:
            box.append((int(places[apart[0] + 1]), length))
        else:
            return None
    return tuple(box) if volume == len(unit.positions) > 0 else None


def _stretched(members: Sequence[int], boxes: dict[int, _Box], extents: tuple[int, ...]) -> Stretched | None:
    """The family of some boxes, if they are one."""
    columns: list[list[int]] = []
    moduli: list[int] = []
    rings = []
    for axis, extent in enumerate(extents):
        own = [boxes[u][axis] for u in members]
        is_ring = any(start + length > extent for start, length in own)
        if is_ring and any(length == extent for _, length in own):
            return None
        rings.append(is_ring)
        last = [(start + length - 1) % extent for start, length in own]
        start, length = [list(part) for part in zip(*own, strict=True)]
        columns += [start, length, last] if is_ring else [last, start, length]
        moduli += [extent, 6 * extent, extent] if is_ring else [6 * extent] * 3
    if len(members) < 2:
        return None
    fit = fit_box(np.array(columns, dtype=np.int64).T, moduli, simplex=True)
    if fit is None:
        return None
    counts, numbers, anchors = fit
    axes = []
    for axis, (extent, is_ring) in enumerate(zip(extents, rings, strict=True)):
        first, second, third = anchors[3 * axis : 3 * axis + 3]
        ends = Ends(_line(first), _line(second), True) if is_ring else Ends(_line(second), _line(third), False)
        if not is_ring and not (_within(_line(first), counts, -1, extent) and _within(ends.start, counts, 0, extent)):
            return None
        axes.append(ends)
    return Stretched(counts, tuple(None if k is None else members[k] for k in numbers), tuple(axes))


def fit_points(units: Sequence[Sequence[Operands]], extents: Sequence[tuple[int, ...]]) -> Points | None:
    """All units, which have few operands of the same weights, as one family; None if they are none.

    Parameters
    ----------
    units
        What each reads, tensor by tensor.
    extents
        Of the tensors.
    """
    if not 1 < len(units) <= _MOST_UNITS or sum(len(own.weights) for own in units[0]) > _MOST_POINTS:
        return None
    ordered = [list(map(_last_first, unit)) for unit in units]
    weights = [own for own, _ in ordered[0]]
    if any(not np.array_equal(own, w) for unit in ordered for (own, _), w in zip(unit, weights, strict=True)):
        return None
    matrix = np.stack([np.concatenate([positions.ravel() for _, positions in unit]) for unit in ordered])
    lengths = [n for own, shape in zip(weights, extents, strict=True) for _ in own for n in shape]
    fit = fit_box(matrix, [6 * n for n in lengths], simplex=True)
    if fit is None:
        return None
    counts, numbers, anchors = fit
    lines = [_line(a) for a in anchors]
    if not all(_within(line, counts, 0, n) for line, n in zip(lines, lengths, strict=True)):
        return None
    rest = iter(lines)
    operands = tuple(
        (int(w), k, tuple(next(rest) for _ in extents[k])) for k, own in enumerate(weights) for w in own.tolist()
    )
    return Points(counts, tuple(numbers), operands)


def _last_first(unit: Operands) -> tuple[np.ndarray, np.ndarray]:
    """Weights and positions; the last operand of each weight is first, so that the others come before it: `j < i`."""
    order = np.lexsort((*(-unit.positions.T)[::-1], unit.weights))
    return unit.weights[order], unit.positions[order]


def _line(anchor: Anchor) -> Line:
    constant = anchor.constant
    return (constant - anchor.extent if 2 * constant > anchor.extent else constant), anchor.slopes


def _within(line: Line, counts: tuple[int, ...], low: int, high: int) -> bool:
    """Whether a line stays in a range everywhere in the box, holes included."""
    ends = [sorted((0, slope * (count - 1))) for slope, count in zip(line[1], counts, strict=True)]
    return low <= line[0] + sum(a for a, _ in ends) and line[0] + sum(b for _, b in ends) < high
