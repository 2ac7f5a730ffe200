"""Families of units that are one kernel moved about and cut off at the borders of a tensor.

The kernel is the set of operands of a unit, a rich one or one that many others look like, whichever makes the greater
family, so that a few units with other operands do not matter. Every (weight, operand) of another unit votes for the
moves that take an operand of the kernel there, and the unit is accepted at a move when the kernel, moved and clipped,
is exactly the unit. Units on borders, prefixes, triangles and diagonals are all clipped kernels. Moves of hidden units
are the coordinates; those of results must be affine in the coordinates given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from ddcompile.analysis.families import Anchor, fit_box
from ddcompile.ir.affine import Affine

__all__ = ["Clipped", "Operands", "fit_clipped", "fit_clipped_at"]

_MAX_WORK = 2**26
_MAX_KERNELS = 8
_FIRST = 2
"""How many units of each sort are tried as the kernel."""


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

    def move(self, coordinates: Sequence[str]) -> list[Affine]:
        """The moves in terms of named coordinates."""
        return [Affine.of(constant, dict(zip(coordinates, slopes, strict=True))) for constant, slopes in self.moves]


def fit_clipped(units: Sequence[Operands], extents: tuple[int, ...]) -> list[Clipped]:
    """Families among hidden units of one kind and bias, kernel by kernel; units in no family are left out."""
    found: list[Clipped] = []
    rest = sorted(range(len(units)), key=lambda u: (-len(units[u].weights), units[u].key()))
    for _ in range(_MAX_KERNELS):
        if len(rest) < 2:
            break
        families = [_family(units, rest, first, extents) for first in _kernels(units, rest)]
        family = max((f for f in families if f is not None), key=_count, default=None)
        if family is None:
            rest = rest[1:]
            continue
        found.append(family)
        rest = [u for u in rest if u not in family.units]
    return found


def _count(family: Clipped) -> int:
    return sum(u is not None for u in family.units)


def _kernels(units: Sequence[Operands], rest: Sequence[int]) -> list[int]:
    """Units that may be the kernel of others: rich ones of different shape, and those that most others look like."""
    shapes: dict[object, list[int]] = {}
    for u in rest:
        shapes.setdefault(units[u].shape(), []).append(u)
    common = sorted(shapes.values(), key=lambda own: -len(own))
    return list(dict.fromkeys(own[0] for own in (*list(shapes.values())[:_FIRST], *common[:_FIRST])))


def _family(units: Sequence[Operands], rest: list[int], first: int, extents: tuple[int, ...]) -> Clipped | None:
    kernel = units[first]
    moves = {u: _moves(kernel, units[u], extents) for u in rest} if _is_small(kernel, len(rest)) else {}
    members = [u for u in rest if moves.get(u)]
    if len(members) < 2:
        return None
    # A wide enough range that nothing wraps.
    moduli = [6 * n for n in extents]
    for axes in permutations(range(len(extents))):
        own = np.array([min(moves[u], key=lambda t: [(abs(t[a]), t[a]) for a in axes]) for u in members])
        fit = fit_box(own % np.array(moduli), moduli)
        if fit is None:
            continue
        counts, numbers, anchors = fit
        places = tuple(None if k is None else members[k] for k in numbers)
        return Clipped(counts, places, first, tuple(_plain(a) for a in anchors))
    return None


def _plain(anchor: Anchor) -> tuple[int, tuple[int, ...]]:
    constant = anchor.constant
    return (constant - anchor.extent if 2 * constant > anchor.extent else constant), anchor.slopes


def _is_small(kernel: Operands, count: int) -> bool:
    return len(kernel.weights) ** 2 * count <= _MAX_WORK


def _moves(kernel: Operands, unit: Operands, extents: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All moves that make the kernel, clipped, this unit."""
    if not len(unit.weights):
        return []
    like = kernel.positions[kernel.weights == unit.weights[0]]
    if len(unit.weights) == len(kernel.weights):
        # Nothing is cut off, so the first position moves to the first.
        like = kernel.positions[:1]
    found = []
    wide = np.array(extents, dtype=np.int64)
    for move in unit.positions[0] - like:
        moved = kernel.positions + move
        inside = ((moved >= 0) & (moved < wide)).all(axis=1)
        # Positions are sorted row-major, and moving keeps their order.
        if (
            inside.sum() == len(unit.weights)
            and (moved[inside] == unit.positions).all()
            and (kernel.weights[inside] == unit.weights).all()
        ):
            found.append(tuple(int(v) for v in move))
    return found


def fit_clipped_at(
    units: Sequence[Operands], extents: tuple[int, ...], coordinates: np.ndarray
) -> tuple[int, tuple[tuple[int, tuple[int, ...]], ...], list[int]] | None:
    """The kernel, the moves and the members of the greatest family of units at given coordinates (units, axes)."""
    order = sorted(range(len(units)), key=lambda u: (-len(units[u].weights), coordinates[u].tolist()))
    fits = [_fit_at(units, extents, coordinates, first) for first in _kernels(units, order)]
    return max((f for f in fits if f is not None), key=lambda f: len(f[2]), default=None)


def _fit_at(
    units: Sequence[Operands], extents: tuple[int, ...], coordinates: np.ndarray, first: int
) -> tuple[int, tuple[tuple[int, tuple[int, ...]], ...], list[int]] | None:
    """The moves of one unit as the kernel, and its members."""
    kernel = units[first]
    if not _is_small(kernel, len(units)):
        return None
    moves = [_moves(kernel, unit, extents) for unit in units]
    place = {tuple(c): u for u, c in enumerate(coordinates.tolist())}
    slopes = []
    for axis in range(coordinates.shape[1]):
        votes: Counter[tuple[int, ...]] = Counter()
        for point, u in place.items():
            other = place.get((*point[:axis], point[axis] + 1, *point[axis + 1 :]))
            if other is not None and len(moves[u]) == len(moves[other]) == 1:
                votes[tuple(b - a for a, b in zip(moves[u][0], moves[other][0], strict=True))] += 1
        slopes.append(min(votes, key=lambda v: (-votes[v], v)) if votes else (0,) * len(extents))
    by_axis = np.array(slopes, dtype=np.int64).reshape(coordinates.shape[1], len(extents)).T
    constant = -by_axis @ coordinates[first]
    wanted = coordinates @ by_axis.T + constant
    members = [u for u in range(len(units)) if tuple(wanted[u].tolist()) in moves[u]]
    return first, tuple((int(c), tuple(s.tolist())) for c, s in zip(constant, by_axis, strict=True)), members
