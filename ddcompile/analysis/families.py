"""Families of units: same weights, operands that move with the unit's coordinates.

A unit's operands with one weight form a class: a set of positions in one tensor. Under wrapped translation a class
has a canonical shape and an anchor on every axis on which it is not full. Units whose classes have the same weights
and shapes are presumed one family; the anchors must then be affine functions, modulo the extents, of coordinates that
fill a box. Coordinates of hidden units are free and are chosen among the anchors; those of results are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import gcd, prod

import numpy as np

from ddcompile.analysis.covers import boxes_of

__all__ = ["Anchor", "Family", "UnitClass", "fit_box", "fit_fixed", "fit_free", "fit_most", "unit_classes"]

_MAX_CANDIDATES = 64

_MOSTLY = 0.75
"""How much of an axis coordinates run around that are taken to run around all of it."""


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
class Anchor:
    """An anchor as a function of coordinates: `(constant + slopes . x) % extent`."""

    constant: int
    slopes: tuple[int, ...]
    extent: int

    def __call__(self, x: Sequence[int]) -> int:
        """The anchor at coordinates `x`."""
        return (self.constant + sum(a * c for a, c in zip(self.slopes, x, strict=True))) % self.extent


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
    anchors: list[int | None] = []
    ambiguous = False
    for axis, extent in enumerate(extents):
        marginal = np.bincount(places[:, axis], minlength=extent)
        if (marginal == marginal[0]).all():
            others = np.delete(places, axis, axis=1)
            if len(places) == extent * len(np.unique(others, axis=0)):
                anchors.append(None)
                continue
            ambiguous = True
            anchors.append(0)
            continue
        anchors.append(_least_rotation(marginal))
    if ambiguous and len(places) <= _MAX_CANDIDATES:
        moves = [tuple(None if a is None else int(p) for a, p in zip(anchors, place, strict=True)) for place in places]
    else:
        moves = [tuple(anchors)]
    best = min((_moved(places, extents, move), move) for move in moves)
    return best[1], best[0]


def _moved(places: np.ndarray, extents: tuple[int, ...], move: tuple[int | None, ...]) -> bytes:
    flat = np.zeros(len(places), dtype=np.int64)
    for axis, extent in enumerate(extents):
        flat = flat * extent + (places[:, axis] - (move[axis] or 0)) % extent
    return np.sort(flat).tobytes()


def _least_rotation(marginal: np.ndarray) -> int:
    """The start of the greatest rotation: a run of operands begins there."""
    text = marginal.astype(">u4").tobytes()
    double, width = text + text, 4
    top = marginal.max()
    starts = [s for s in np.flatnonzero(marginal == top).tolist() if len(marginal) == 1 or marginal[s - 1] != top] or [
        0
    ]
    return max(starts, key=lambda s: (double[s * width : s * width + len(text)], -s))


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
    whole = _fit_box(matrix, moduli, everything, order, axes, holes, rings)
    if whole is not None:
        return [_named(whole, units)]
    families = []
    for group in _rigid_groups(units, matrix, moduli):
        found = _fit_box(matrix, moduli, group, order, axes, holes, rings)
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
    found = [_explain(matrix, moduli, *box) for box in boxes]
    if all(f is not None for f in found) and len(boxes) == 1:
        return [_named(f, units) for f in found if f is not None]
    families = []
    for group in _rigid_groups(units, matrix, moduli):
        for low, high, members in boxes_of(coordinates, group):
            part = _explain(matrix, moduli, low, high, members)
            if part is not None:
                families.append(_named(part, units))
                continue
            for unit in members.tolist():
                point = coordinates[unit]
                single = _explain(matrix, moduli, point, point + 1, np.array([unit]))
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


_Fit = tuple[tuple[int, ...], tuple[int, ...], np.ndarray, list[Anchor]]


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


def _named(fit: _Fit, units: Sequence[Sequence[UnitClass]]) -> Family:
    low, high, members, functions = fit
    rest = iter(functions)
    anchors = tuple(tuple(None if a is None else next(rest) for a in cls.anchors) for cls in units[0])
    return Family(low, high, tuple(None if m < 0 else m for m in members.tolist()), anchors)


def fit_box(matrix: np.ndarray, moduli: Sequence[int]) -> tuple[tuple[int, ...], list[int | None], list[Anchor]] | None:
    """Choose coordinates for units whose anchors are the rows of a matrix: a box with few holes from 0.

    Returns
    -------
    The extents of the box, the units row-major, None for holes, and every column as a function of the coordinates; None
    if there is no box.
    """
    axes = list(range(len(moduli)))
    fit = _fit_box(matrix, list(moduli), np.arange(len(matrix)), axes, axes, holes=True)
    if fit is None:
        return None
    _, counts, members, functions = fit
    return counts, [None if m < 0 else m for m in members.tolist()], functions


def _fit_box(
    matrix: np.ndarray,
    moduli: list[int],
    members: np.ndarray,
    order: list[int],
    axes: list[int],
    holes: bool,
    rings: bool = False,
) -> _Fit | None:
    """Choose coordinates among the columns, first ones first, so that the members fill a box; None if none do."""
    own = matrix[members]
    if len(members) == 1:
        functions = [Anchor(int(v), (), n) for v, n in zip(own[0], moduli, strict=True)]
        return (), (), members, functions
    columns: list[int] = []
    for c in order:
        moving = (own[:, c] != own[0, c]).any()
        repeats = any(
            moduli[c] == moduli[d] and len(set(((own[:, c] - own[:, d]) % moduli[c]).tolist())) == 1 for d in columns
        )
        if moving and not repeats:
            columns.append(c)
    for rank in range(1, min(4, len(columns)) + 1):
        for chosen in list(combinations(columns, rank))[:_MAX_CANDIDATES]:
            ordered = tuple(sorted(chosen, key=lambda c: (axes[c], c)))
            fit = _box_of(own, moduli, members, ordered, len(members) if holes else 0, rings=rings)
            if fit is not None:
                return fit
    return None


def _box_of(
    own: np.ndarray, moduli: list[int], members: np.ndarray, chosen: tuple[int, ...], holes: int, *, rings: bool
) -> _Fit | None:
    coordinates = np.zeros((len(members), len(chosen)), dtype=np.int64)
    counts = []
    for k, c in enumerate(chosen):
        values = sorted(set(own[:, c].tolist()))
        if rings and moduli[c] > len(values) >= _MOSTLY * moduli[c]:
            values = list(range(moduli[c]))
        values = _unwrapped(values, moduli[c])
        gaps = [b - a for a, b in pairwise(values)]
        step = gcd(*gaps) or 1
        if not holes and any(gap != step for gap in gaps):
            return None
        coordinates[:, k] = ((own[:, c] - values[0]) % moduli[c]) // step
        counts.append((values[-1] - values[0]) // step + 1)
    if not len(members) <= prod(counts) <= len(members) + holes:
        return None
    flat = np.asarray(np.ravel_multi_index(tuple(coordinates.T), tuple(counts)))
    if len(set(flat.tolist())) != len(members):
        return None
    places = np.full(prod(counts), -1)
    places[flat] = np.arange(len(members))
    low = np.zeros(len(chosen), dtype=np.int64)
    return _explain_at(own, moduli, low, np.array(counts), members, places)


def _unwrapped(values: list[int], extent: int) -> list[int]:
    """Residues as a run without a gap at the wrap, if they are not all there."""
    if len(values) == extent or len(values) < 2:
        return values
    gaps = [(values[(k + 1) % len(values)] - v) % extent for k, v in enumerate(values)]
    widest = max(range(len(gaps)), key=lambda k: (gaps[k], k))
    start = values[(widest + 1) % len(values)]
    return [start + (v - start) % extent for v in values[widest + 1 :] + values[: widest + 1]]


def _explain(
    matrix: np.ndarray, moduli: list[int], low: np.ndarray, high: np.ndarray, members: np.ndarray
) -> _Fit | None:
    return _explain_at(matrix[members], moduli, low, high, members, np.arange(len(members)))


def _explain_at(
    own: np.ndarray, moduli: list[int], low: np.ndarray, high: np.ndarray, members: np.ndarray, places: np.ndarray
) -> _Fit | None:
    """Every column as an affine function of the coordinates modulo its extent; None if some column is not.

    `places` has the rows of `own` and the members in row-major order of the box, -1 for holes.
    """
    counts = tuple(int(h - a) for a, h in zip(low, high, strict=True))
    present = np.flatnonzero(places >= 0)
    grid = np.indices(counts).reshape(len(counts), prod(counts))[:, present]
    box = places.reshape(counts)
    steps = []
    for axis, count in enumerate(counts):
        here, there = (np.take(box, range(k, k + count - 1), axis=axis).ravel() for k in (0, 1))
        both = np.flatnonzero((here >= 0) & (there >= 0))
        steps.append((int(here[both[0]]), int(there[both[0]])) if len(both) else (0, 0))
    functions = []
    for c, extent in enumerate(moduli):
        column = own[:, c]
        slopes = []
        for start, end in steps:
            slope = int(column[end] - column[start]) % extent
            slopes.append(slope - extent if 2 * slope > extent else slope)
        expected = np.array(slopes, dtype=np.int64) @ grid
        offsets = (column[places[present]] - expected) % extent
        if (offsets != offsets[0]).any():
            return None
        constant = (int(offsets[0]) - sum(s * int(a) for s, a in zip(slopes, low, strict=True))) % extent
        functions.append(Anchor(constant, tuple(slopes), extent))
    units = np.where(places >= 0, members[places], -1)
    return tuple(int(v) for v in low), tuple(int(v) for v in high), units, functions
