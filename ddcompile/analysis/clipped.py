"""Families of units that are one kernel moved about and cut off at the borders of a tensor.

The kernel is the set of operands of a unit, a rich one or one that many others look like, whichever makes the greater
family, so that a few units with other operands do not matter. Every (weight, operand) of another unit votes for the
moves that take an operand of the kernel there, and the unit is accepted at a move when the kernel, moved and clipped,
is exactly the unit. Units on borders, prefixes, triangles and diagonals are all clipped kernels. On axes that are rings
nothing is cut off. Moves of hidden units are the coordinates; those of results must be affine in the coordinates given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product

import numpy as np

from ddcompile.analysis.coordinates import Anchor, fit_box
from ddcompile.ir.affine import Affine

__all__ = ["Clipped", "ClippedAt", "Operands", "fit_clipped", "fit_clipped_at", "unrolled"]

_MAX_WORK = 2**26
_MAX_KERNELS = 8
_FIRST = 2
"""How many units of each sort are tried as the kernel."""
_PARTS = 4
"""How many times as much as a unit a kernel reads that no unit has all of."""
_ODD = 4
"""Of so many units one may be another, if no unit has all of the kernel."""


@dataclass(frozen=True, slots=True, eq=False)
class Operands:
    """What a unit reads in one tensor: positions, shape (operands, axes), and weights."""

    positions: np.ndarray
    weights: np.ndarray

    def shape(self) -> object:
        """What units have in common that are moved about and not cut off."""
        return (self.positions - self.positions[:1]).tobytes(), tuple(self.weights.tolist())

    def key(self) -> tuple[object, ...]:
        """Tells units apart, in an order that does not depend on theirs."""
        return self.positions.tolist(), self.weights.tolist()


@dataclass(frozen=True, slots=True)
class Clipped:
    """Units over a box from 0: `kernel` is a unit whose operands, moved by `moves`, are clipped to each of them.

    Units are row-major, None where the box has one that no unit is.
    """

    counts: tuple[int, ...]
    units: tuple[int | None, ...]
    kernel: int
    moves: tuple[tuple[int, tuple[int, ...]], ...]
    """For every axis a constant, and a slope for every coordinate."""
    rings: tuple[int, ...] = ()
    """Axes around which the kernel goes, instead of being cut off."""

    def move(self, coordinates: Sequence[str]) -> list[Affine]:
        """The moves in terms of named coordinates."""
        return [Affine.of(constant, dict(zip(coordinates, slopes, strict=True))) for constant, slopes in self.moves]


def fit_clipped(units: Sequence[Operands], extents: tuple[int, ...]) -> list[Clipped]:
    """Families among hidden units of one kind and bias, kernel by kernel; units in no family are left out."""
    found: list[Clipped] = []
    if not any(_is_small(unit, len(units) - _MAX_KERNELS) for unit in units):
        return []
    rest = sorted(range(len(units)), key=lambda u: (-len(units[u].weights), units[u].key()))
    for _ in range(_MAX_KERNELS):
        if len(rest) < 2:
            break
        family = _greatest(units, rest, extents)
        if family is None:
            rest = rest[1:]
            continue
        found.append(family)
        rest = [u for u in rest if u not in family.units]
    return found


def _greatest(units: Sequence[Operands], rest: list[int], extents: tuple[int, ...]) -> Clipped | None:
    """The greatest family; axes are rings only if that takes in more units."""
    best: Clipped | None = None
    for rings in _ring_sets(len(extents)):
        for first in _kernels(units, rest):
            family = _family(units, rest, first, extents, rings)
            if family is not None and (best is None or _count(family) > _count(best)):
                best = family
        if best is not None and _count(best) == len(rest):
            break
    return best


def _ring_sets(axes: int) -> Iterator[tuple[int, ...]]:
    """Axes that may be rings, with one at least that is none."""
    for count in range(axes):
        yield from combinations(range(axes), count)


def _count(family: Clipped) -> int:
    return sum(u is not None for u in family.units)


def _kernels(units: Sequence[Operands], rest: Sequence[int]) -> list[int]:
    """Units that may be the kernel of others: rich ones of different shape, and those that most others look like."""
    shapes: dict[object, list[int]] = {}
    for u in rest:
        shapes.setdefault(units[u].shape(), []).append(u)
    common = sorted(shapes.values(), key=lambda own: -len(own))
    return list(dict.fromkeys(own[0] for own in (*list(shapes.values())[:_FIRST], *common[:_FIRST])))


def _family(
    units: Sequence[Operands], rest: list[int], first: int, extents: tuple[int, ...], rings: tuple[int, ...]
) -> Clipped | None:
    kernel = unrolled(units[first], extents, rings)
    moves = {u: _moves(kernel, units[u], extents, rings) for u in rest} if _is_small(kernel, len(rest)) else {}
    members = [u for u in rest if moves.get(u)]
    if len(members) < 2:
        return None
    # A wide enough range that nothing wraps, but on rings.
    moduli = [n if axis in rings else 6 * n for axis, n in enumerate(extents)]
    for axes in permutations(range(len(extents))):
        own = np.array([min(moves[u], key=lambda t: [(abs(t[a]), t[a]) for a in axes]) for u in members])
        fit = fit_box(own % np.array(moduli), moduli)
        if fit is None:
            continue
        counts, numbers, anchors = fit
        places = tuple(None if k is None else members[k] for k in numbers)
        return Clipped(counts, places, first, tuple(_plain(a) for a in anchors), rings)
    return None


def unrolled(kernel: Operands, extents: tuple[int, ...], rings: Sequence[int]) -> Operands:
    """The kernel without a gap on axes that are rings: positions there begin in the middle of the axis or before."""
    positions = kernel.positions.copy()
    for axis in rings:
        places = np.unique(positions[:, axis])
        gaps = np.diff(places, append=places[0] + extents[axis])
        start = int(places[(int(gaps.argmax()) + 1) % len(places)])
        positions[:, axis] = start + (positions[:, axis] - start) % extents[axis]
        if positions[:, axis].min() + positions[:, axis].max() >= 2 * extents[axis] - 1:
            positions[:, axis] -= extents[axis]
    order = np.lexsort(positions.T[::-1])
    return Operands(positions[order], kernel.weights[order])


def _plain(anchor: Anchor) -> tuple[int, tuple[int, ...]]:
    constant = anchor.constant
    return (constant - anchor.extent if 2 * constant > anchor.extent else constant), anchor.slopes


def _is_small(kernel: Operands, count: int) -> bool:
    return len(kernel.weights) ** 2 * count <= _MAX_WORK


def _moves(
    kernel: Operands, unit: Operands, extents: tuple[int, ...], rings: tuple[int, ...] = ()
) -> list[tuple[int, ...]]:
    """All moves that make the kernel, clipped, this unit."""
    if not len(unit.weights) or not Counter(unit.weights.tolist()) <= Counter(kernel.weights.tolist()):
        return []
    like = kernel.positions[kernel.weights == unit.weights[0]]
    if len(unit.weights) == len(kernel.weights) and not rings:
        # Nothing is cut off, so the first position moves to the first.
        like = kernel.positions[:1]
    found: dict[tuple[int, ...], None] = {}
    moves = unit.positions[0] - like
    for axis in rings:
        moves[:, axis] %= extents[axis]
    if len(unit.weights) == len(kernel.weights):
        # Nothing is cut off: off the rings, the first and last positions stay inside.
        fixed = [axis for axis in range(len(extents)) if axis not in rings]
        low, high = kernel.positions[:, fixed].min(axis=0), kernel.positions[:, fixed].max(axis=0)
        ends = moves[:, fixed]
        moves = moves[((ends + low >= 0) & (ends + high < np.array(extents)[fixed])).all(axis=1)]
    all_moved = kernel.positions + moves[:, None, :]
    for axis in rings:
        all_moved[:, :, axis] %= extents[axis]
    all_inside = ((all_moved >= 0) & (all_moved < np.array(extents))).all(axis=2)
    # Most moves do not have as many positions inside, or not the same sum of them.
    strides = np.cumprod((1, *extents[:0:-1]))[::-1]
    sums = np.where(all_inside, all_moved @ strides, 0).sum(axis=1)
    alike = (all_inside.sum(axis=1) == len(unit.weights)) & (sums == (unit.positions @ strides).sum())
    for number in np.flatnonzero(alike):
        inside = all_inside[number]
        places, weights = all_moved[number][inside], kernel.weights[inside]
        if rings:
            # Elsewhere positions are sorted row-major, and moving keeps their order.
            order = np.lexsort(places.T[::-1])
            places, weights = places[order], weights[order]
        if (places == unit.positions).all() and (weights == unit.weights).all():
            found[tuple(int(v) for v in moves[number])] = None
    return list(found)


@dataclass(frozen=True, slots=True)
class ClippedAt:
    """The greatest family of units at given coordinates: what the kernel reads, the moves, the members."""

    kernel: Operands
    moves: tuple[tuple[int, tuple[int, ...]], ...]
    members: list[int]
    rings: tuple[int, ...]


def fit_clipped_at(units: Sequence[Operands], extents: tuple[int, ...], coordinates: np.ndarray) -> ClippedAt | None:
    """The greatest family of units at given coordinates (units, axes); axes are rings only if that makes it greater."""
    order = sorted(range(len(units)), key=lambda u: (-len(units[u].weights), coordinates[u].tolist()))
    best: ClippedAt | None = None
    for rings in _ring_sets(len(extents)):
        for first in _kernels(units, order):
            found = _fit_at(units, extents, coordinates, first, rings)
            if found is not None and (best is None or len(found.members) > len(best.members)):
                best = found
        if best is not None and len(best.members) == len(units):
            return best
    joined = _joined_at(units, extents, coordinates)
    return joined if joined is not None and (best is None or len(joined.members) > len(best.members)) else best


def _joined_at(units: Sequence[Operands], extents: tuple[int, ...], coordinates: np.ndarray) -> ClippedAt | None:
    """The greatest family of most units whose kernel is what these read, moved back; None if there is none.

    No unit may have all of the kernel, such as of one that reads the row up to a place, and the column from there on.
    """
    best: ClippedAt | None = None
    count = coordinates.shape[1]
    for axes in product(range(count + 1), repeat=len(extents)):
        slopes = np.array([[int(axis == k) for k in range(count)] for axis in axes], dtype=np.int64)
        moves = coordinates @ slopes.T
        likely, kernel = list(range(len(units))), Operands(moves[:0], moves[:0, 0])
        for least in (2, 1) if slopes.any() else ():
            kernel = _joined([units[u] for u in likely], moves[likely], extents, least)
            if not len(kernel.weights):
                break
            common = [_common(kernel, unit, move, extents) for unit, move in zip(units, moves, strict=True)]
            likely = [u for u, (alike, most) in enumerate(common) if 2 * alike > most or not most]
        members = [u for u in likely if len(kernel.weights) and len(set(common[u])) == 1]
        if len(members) < max(2, len(units) - len(units) // _ODD) or (best and len(members) <= len(best.members)):
            continue
        used = np.any([_inside(kernel, move, extents) for move in moves[members]], axis=0)
        whole = Operands(kernel.positions[used], kernel.weights[used])
        best = ClippedAt(whole, tuple((0, tuple(own.tolist())) for own in slopes), members, ())
        if len(members) == len(units):
            break
    return best


def _joined(units: Sequence[Operands], moves: np.ndarray, extents: tuple[int, ...], least: int) -> Operands:
    """What most units that have a place inside read there, at least some of them; nothing if many read other things."""
    most = _PARTS * max((len(unit.weights) for unit in units), default=0)
    nothing = Operands(moves[:0], moves[:0, 0])
    votes: dict[tuple[int, ...], Counter[int]] = {}
    leading: dict[tuple[int, ...], int] = {}
    strangers = 0
    for seen, (unit, move) in enumerate(zip(units, moves, strict=True)):
        is_alike = True
        for place, weight in zip(map(tuple, (unit.positions - move).tolist()), unit.weights.tolist(), strict=True):
            own = votes.setdefault(place, Counter())
            own[weight] += 1
            if own[weight] > own[leading.setdefault(place, weight)]:
                leading[place] = weight
            is_alike &= leading[place] == weight
        strangers += not is_alike
        # The first of all may be the one that is another.
        if strangers > 2 + seen // _ODD or len(leading) > 2 * most:
            return nothing
    order = sorted(leading)
    if not order:
        return nothing
    whole = Operands(np.array(order), np.array([leading[p] for p in order]))
    inside = sum(_inside(whole, move, extents).astype(np.int64) for move in moves)
    counts = np.array([votes[p][leading[p]] for p in order])
    kept = (2 * counts > inside) & (counts >= least)
    return Operands(whole.positions[kept], whole.weights[kept]) if kept.sum() <= most else nothing


def _inside(kernel: Operands, move: np.ndarray, extents: tuple[int, ...]) -> np.ndarray:
    """Which positions of a kernel are in a tensor once they are moved."""
    moved = kernel.positions + move
    return np.asarray(((moved >= 0) & (moved < extents)).all(axis=1))


def _common(kernel: Operands, unit: Operands, move: np.ndarray, extents: tuple[int, ...]) -> tuple[int, int]:
    """How many operands a unit and the kernel, moved and cut off, have in common, and how many the longer one has."""
    inside = _inside(kernel, move, extents)
    moved = zip(map(tuple, (kernel.positions[inside] + move).tolist()), kernel.weights[inside].tolist(), strict=True)
    own = zip(map(tuple, unit.positions.tolist()), unit.weights.tolist(), strict=True)
    return len({*moved} & {*own}), max(int(inside.sum()), len(unit.weights))


def _fit_at(
    units: Sequence[Operands], extents: tuple[int, ...], coordinates: np.ndarray, first: int, rings: tuple[int, ...]
) -> ClippedAt | None:
    """The moves of one unit as the kernel, and its members."""
    kernel = unrolled(units[first], extents, rings)
    if not _is_small(kernel, len(units)):
        return None
    moves = [_moves(kernel, unit, extents, rings) for unit in units]
    place = {tuple(c): u for u, c in enumerate(coordinates.tolist())}
    slopes = []
    for axis in range(coordinates.shape[1]):
        votes: Counter[tuple[int, ...]] = Counter()
        for point, u in place.items():
            other = place.get((*point[:axis], point[axis] + 1, *point[axis + 1 :]))
            if other is not None and len(moves[u]) == len(moves[other]) == 1:
                steps = [b - a for a, b in zip(moves[u][0], moves[other][0], strict=True)]
                votes[tuple(_nearest(s, extents[k]) if k in rings else s for k, s in enumerate(steps))] += 1
        slopes.append(min(votes, key=lambda v: (-votes[v], v)) if votes else (0,) * len(extents))
    by_axis = np.array(slopes, dtype=np.int64).reshape(coordinates.shape[1], len(extents)).T
    constant = -by_axis @ coordinates[first]
    wanted = coordinates @ by_axis.T + constant
    for axis in rings:
        wanted[:, axis] %= extents[axis]
    members = [u for u in range(len(units)) if tuple(wanted[u].tolist()) in moves[u]]
    lines = tuple((int(c), tuple(s.tolist())) for c, s in zip(constant, by_axis, strict=True))
    return ClippedAt(kernel, lines, members, rings)


def _nearest(step: int, extent: int) -> int:
    """A step around a ring, the nearest to zero."""
    rest = step % extent
    return rest - extent if 2 * rest > extent else rest
