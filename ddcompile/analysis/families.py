"""Families of units: same weights, operands that move with the unit's coordinates.

A unit's operands with one weight form a class: a set of positions in one tensor. Under wrapped translation a class
has a canonical shape and an anchor on every axis on which it is not full. Units whose classes have the same weights
and shapes are presumed one family; the anchors must then be affine functions, modulo the extents, of coordinates that
fill a box. Coordinates of hidden units are free and are chosen among the anchors; those of results are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from ddcompile.analysis.coordinates import Anchor, Fit, box_fit, explain
from ddcompile.analysis.covers import boxes_of

__all__ = ["Family", "UnitClass", "fit_fixed", "fit_free", "fit_most", "unit_classes"]

_MAX_CANDIDATES = 64


@dataclass(frozen=True, slots=True, eq=False)
class UnitClass:
    """The operands of one weight in one tensor: a shape relative to anchors; None marks an axis on which it is full."""

    tensor: int
    weight: int
    shape: bytes
    count: int
    anchors: tuple[int | None, ...]
    widths: tuple[int, ...]
    """How many positions the class takes on each axis; narrow classes make the better coordinates."""


@dataclass(frozen=True, slots=True)
class Family:
    """Units over a box: `units` row-major over `lower <= x < upper`, and the anchors of every class of a unit.

    Where the box has a unit that is none of them, a hole, there is None.
    """

    lower: tuple[int, ...]
    upper: tuple[int, ...]
    units: tuple[int | None, ...]
    anchors: tuple[tuple[Anchor | None, ...], ...]

    @property
    def first(self) -> tuple[int, tuple[int, ...]]:
        """The first unit, and its coordinates."""
        flat, unit = next((k, u) for k, u in enumerate(self.units) if u is not None)
        counts = tuple(b - a for a, b in zip(self.lower, self.upper, strict=True))
        place = np.unravel_index(flat, counts) if counts else ()
        return unit, tuple(a + int(p) for a, p in zip(self.lower, place, strict=True))


def unit_classes(positions: np.ndarray, weights: np.ndarray, tensor: int, extents: tuple[int, ...]) -> list[UnitClass]:
    """The classes of one unit's operands in one tensor, in an order that translations do not change.

    Parameters
    ----------
    positions
        Shape (operands, axes).
    weights
        Shape (operands,), integers.
    """
    found = []
    for weight in sorted(set(weights.tolist())):
        places = positions[weights == weight]
        anchors, shape = _canonical(places, extents)
        widths = tuple(len(set(places[:, axis].tolist())) for axis in range(len(extents)))
        found.append(UnitClass(tensor, weight, shape, len(places), anchors, widths))
    return found


def _canonical(places: np.ndarray, extents: tuple[int, ...]) -> tuple[tuple[int | None, ...], bytes]:
    """Anchors on the axes on which the set is not full, and the set moved to anchor 0."""
    choices: list[list[int | None]] = []
    ambiguous = False
    for axis, extent in enumerate(extents):
        marginal = np.bincount(places[:, axis], minlength=extent)
        if (marginal == marginal[0]).all():
            others = np.delete(places, axis, axis=1)
            if len(places) == extent * len(np.unique(others, axis=0)):
                choices.append([None])
                continue
            ambiguous = True
            choices.append([0])
            continue
        choices.append([*_greatest_rotations(marginal)])
    first = tuple(anchors[0] for anchors in choices)
    if ambiguous and len(places) <= _MAX_CANDIDATES:
        moves = [tuple(None if a is None else int(p) for a, p in zip(first, place, strict=True)) for place in places]
    elif prod(map(len, choices)) <= _MAX_CANDIDATES:  # a period along an axis need not be one of the set
        moves = list(product(*choices))
    else:
        moves = [first]
    best = min((_moved(places, extents, move), move) for move in moves)
    return best[1], best[0]


def _moved(places: np.ndarray, extents: tuple[int, ...], move: tuple[int | None, ...]) -> bytes:
    flat = np.zeros(len(places), dtype=np.int64)
    for axis, extent in enumerate(extents):
        flat = flat * extent + (places[:, axis] - (move[axis] or 0)) % extent
    return np.sort(flat).tobytes()


def _greatest_rotations(marginal: np.ndarray) -> list[int]:
    """The starts of the greatest rotation, several if the counts have a period: a run of operands begins there."""
    text = marginal.astype(">u4").tobytes()
    double, width, length = text + text, 4, len(text)
    if len(marginal) == 1:
        return [0]
    is_first = (marginal == marginal.max()) & (np.roll(marginal, 1) != marginal.max())
    starts = np.flatnonzero(is_first).tolist() or [0]
    # Few of many are left by what comes next to the start.
    for reach in (min(_NEXT * width, length), length):
        rotations = [double[s * width : s * width + reach] for s in starts]
        best = max(rotations)
        starts = [s for s, rotation in zip(starts, rotations, strict=True) if rotation == best]
    return starts


_NEXT = 16


def _columns(units: Sequence[Sequence[UnitClass]], extents: Sequence[tuple[int, ...]]) -> tuple[np.ndarray, list[int]]:
    """Anchors of every unit as a matrix, and the extent of each column."""
    mask = [(c, a) for c, cls in enumerate(units[0]) for a, anchor in enumerate(cls.anchors) if anchor is not None]
    matrix = np.array([[u[c].anchors[a] for c, a in mask] for u in units], dtype=np.int64).reshape(
        len(units), len(mask)
    )
    return matrix, [extents[units[0][c].tensor][a] for c, a in mask]


def fit_free(
    units: Sequence[Sequence[UnitClass]],
    extents: Sequence[tuple[int, ...]],
    *,
    holes: bool = False,
    rings: bool = False,
) -> list[Family]:
    """Partition hidden units of one signature into families; units in no family are left out.

    Unit numbers in the result are positions in `units`. With `holes`, a box may lack as many units as it has; with
    `rings`, coordinates that run around most of an axis run around all of it.
    """
    matrix, moduli = _columns(units, extents)
    everything = np.arange(len(units))
    columns = [
        (width, axis)
        for cls in units[0]
        for axis, (anchor, width) in enumerate(zip(cls.anchors, cls.widths, strict=True))
        if anchor is not None
    ]
    # Narrow classes make the better coordinates; coordinates go in the order of the axes that they move on.
    order = sorted(range(len(columns)), key=lambda c: (columns[c][0], c))
    axes = [axis for _, axis in columns]
    whole = box_fit(matrix, moduli, everything, order, axes, holes, rings)
    if whole is not None:
        return [_named(whole, units)]
    families = []
    for group in _rigid_groups(units, matrix, moduli):
        found = box_fit(matrix, moduli, group, order, axes, holes, rings)
        if found is not None:
            families.append(_named(found, units))
    return families


def fit_fixed(
    units: Sequence[Sequence[UnitClass]], extents: Sequence[tuple[int, ...]], coordinates: np.ndarray
) -> list[Family]:
    """Partition units at given coordinates, shape (units, axes), into boxes whose anchors are affine in them."""
    matrix, moduli = _columns(units, extents)
    everything = np.arange(len(units))
    boxes = boxes_of(coordinates, everything)
    found = [explain(matrix, moduli, *box) for box in boxes]
    if all(f is not None for f in found) and len(boxes) == 1:
        return [_named(f, units) for f in found if f is not None]
    families = []
    for group in _rigid_groups(units, matrix, moduli):
        for low, high, members in boxes_of(coordinates, group):
            part = explain(matrix, moduli, low, high, members)
            if part is not None:
                families.append(_named(part, units))
                continue
            for unit in members.tolist():
                point = coordinates[unit]
                single = explain(matrix, moduli, point, point + 1, np.array([unit]))
                assert single is not None
                families.append(_named(single, units))
    return families


def fit_most(
    units: Sequence[Sequence[UnitClass]], extents: Sequence[tuple[int, ...]], coordinates: np.ndarray
) -> Family | None:
    """The family over the bounding box of some units that most of them belong to; the others are holes.

    Anchors change along an axis as they do between most units that are next to each other.

    Parameters
    ----------
    units
        The classes of each.
    extents
        Of the tensors.
    coordinates
        Shape (units, axes), those of the units.
    """
    matrix, moduli = _columns(units, extents)
    low, high = coordinates.min(axis=0), coordinates.max(axis=0) + 1
    counts = tuple((high - low).tolist())
    places = np.full(prod(counts), -1)
    places[np.ravel_multi_index(tuple((coordinates - low).T), counts)] = np.arange(len(units))
    slopes = np.zeros((len(moduli), len(counts)), dtype=np.int64)
    for axis, count in enumerate(counts):
        here, there = (np.take(places.reshape(counts), range(k, k + count - 1), axis=axis).ravel() for k in (0, 1))
        both = (here >= 0) & (there >= 0)
        for c, extent in enumerate(moduli):
            steps = (matrix[there[both], c] - matrix[here[both], c]) % extent
            slope = _most(steps) if len(steps) else 0
            slopes[c, axis] = slope - extent if 2 * slope > extent else slope
    offsets = (matrix - coordinates @ slopes.T) % np.array(moduli, dtype=np.int64)
    constants = [_most(offsets[:, c]) for c in range(len(moduli))]
    is_member = (offsets == np.array(constants, dtype=np.int64)).all(axis=1)
    if not is_member.any():
        return None
    kept = [int(p) if p >= 0 and is_member[p] else -1 for p in places]
    functions = [Anchor(k, tuple(s), n) for k, s, n in zip(constants, slopes.tolist(), moduli, strict=True)]
    return _named((tuple(low.tolist()), tuple(high.tolist()), np.array(kept), functions), units)


def _most(values: np.ndarray) -> int:
    """The most common number, the least of several."""
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[np.argmax(counts)])


def _rigid_groups(units: Sequence[Sequence[UnitClass]], matrix: np.ndarray, moduli: list[int]) -> list[np.ndarray]:
    """Units whose classes lie the same relative to each other, axis by axis."""
    axes = [a for cls in units[0] for a, anchor in enumerate(cls.anchors) if anchor is not None]
    keys = list(zip(axes, moduli, strict=True))
    first = [keys.index(key) for key in keys]
    relative = (matrix - matrix[:, first]) % np.array(moduli, dtype=np.int64)
    groups: dict[tuple[int, ...], list[int]] = {}
    for k, row in enumerate(relative.tolist()):
        groups.setdefault(tuple(row), []).append(k)
    return [np.array(g) for _, g in sorted(groups.items())]


def _named(fit: Fit, units: Sequence[Sequence[UnitClass]]) -> Family:
    low, high, members, functions = fit
    rest = iter(functions)
    anchors = tuple(tuple(None if a is None else next(rest) for a in cls.anchors) for cls in units[0])
    return Family(low, high, tuple(None if m < 0 else m for m in members.tolist()), anchors)
