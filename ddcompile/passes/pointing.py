"""Units that stay where they are, over a few operands that move each in its own way.

Before::

    const W: int[36, 6] = ...                             # two of six, row i of six being y[0, i]
    y[i < 6, j < 6] = sum(k < 6: W[i, j, k] * x[k]) >= b[i, j]

After::

    y[i < 6, j < 6] = x[i] + x[j] >= 9

Where operands meet, as on the diagonal here, their weights add up. There a unit may have any form that decides alike
over integers, such as `x[i] >= 5` for `2 * x[i] >= 9`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import prod

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.stretched import Line, Points
from ddcompile.ir.nodes import Constant, Statement
from ddcompile.passes.exceptions import with_exceptions
from ddcompile.passes.layers import Names
from ddcompile.passes.signatures import binders_of
from ddcompile.passes.stretching import POINTS, points_clause, points_weights

__all__ = ["pointed_clause"]

_MOST_LINES = 1 << 10
"""How many ways to move an operand are tried."""
_SHARE = 4
"""Of so many units one may be another."""


def pointed_clause(
    target: str, rows: Sequence[Row], places: np.ndarray, shape: tuple[int, ...], atoms: Atoms, names: Names
) -> tuple[list[Constant], list[Statement]] | None:
    """The constants and the clause of units at all places of a box; None if their operands do not move so."""
    sizes = Counter(len(row.atoms) for row in rows)
    most = max(sizes)
    if not 2 <= most <= POINTS or 2 * sizes[most] <= len(rows):
        return None
    if len({(r.kind, r.low, r.high, r.exponent) for r in rows}) > 1:
        return None
    family = _family(rows, [k for k, r in enumerate(rows) if len(r.atoms) == most], places, shape, atoms)
    if family is None:
        return None
    tensors = list(atoms.names)
    moved = partial(points_weights, family, tensors, atoms)
    bias, _ = Counter(row.bias for row in rows if len(row.atoms) == most).most_common(1)[0]
    placed = []
    odd = []
    for k, row in enumerate(rows):
        expected = {atom: w for atom, w in moved(places[k].tolist()).items() if w}
        is_same = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True)) == expected
        is_alike = not is_same and _decides_alike(row, expected, bias)
        odd += [] if is_same or is_alike else [k]
        placed.append(replace(row, bias=bias) if is_alike else row)
    if len(odd) * _SHARE > len(rows):
        return None
    binders = binders_of([0] * len(shape), shape, names)
    first = next(r for r in rows if len(r.atoms) == most)
    build = partial(points_clause, first, family, binders, tensors)
    made = with_exceptions(placed, odd, binders, build, moved, atoms, names, target)
    return None if made is None else (made[0], [Statement(target, binders, made[1])])


def _decides_alike(row: Row, weights: dict[int, int], bias: int) -> bool:
    """Whether a threshold of one element, which is an integer, is that of other numbers."""
    if row.kind != "positive" or len(weights) != 1 or row.atoms.tolist() != list(weights):
        return False
    own, other = int(row.weights[0]), next(iter(weights.values()))
    if own * other <= 0:
        return False
    # w * x + b > 0 with positive w is x >= 1 + floor(-b / w).
    return -row.bias // abs(own) == -bias // abs(other)


def _family(
    rows: Sequence[Row], members: Sequence[int], places: np.ndarray, shape: tuple[int, ...], atoms: Atoms
) -> Points | None:
    """How the operands of some units move, which have as many each; None if they do not move alike."""
    read: dict[int, list[int]] = {}
    for number, k in enumerate(members):
        for atom, weight in zip(rows[k].atoms.tolist(), rows[k].weights.tolist(), strict=True):
            read.setdefault(weight, []).append(number * atoms.count + atom)
    operands = []
    middle = members[len(members) // 2]
    for atom, weight in zip(rows[middle].atoms.tolist(), rows[middle].weights.tolist(), strict=True):
        line = next(_lines(np.array(read[weight]), atom, places, members, places[middle], atoms), None)
        if line is None:
            return None
        operands.append((weight, atoms.names.index(atoms.place_of(atom)[0]), line))
    if len(set(operands)) < len(operands):
        return None
    # What moves with the first coordinates comes first.
    operands.sort(key=lambda o: (o[1], [[-slope for slope in slopes] for _, slopes in o[2]]))
    return Points(shape, tuple(range(len(rows))), tuple(operands))


def _lines(
    read: np.ndarray, atom: int, places: np.ndarray, members: Sequence[int], middle: np.ndarray, atoms: Atoms
) -> Iterator[tuple[Line, ...]]:
    """Ways to move an element, so that all members read, with its weight, what it is moved to; the simplest first.

    It stays in its tensor for all units. `read` are the elements with that weight, numbered on from member to member.
    """
    tensor, place = atoms.place_of(atom)
    extents = atoms.shape[tensor]
    slopes = sorted(product((0, 1, -1), repeat=places.shape[1]), key=lambda s: (sum(map(abs, s)), s.count(-1)))
    axes = []
    for start, extent in zip(place, extents, strict=True):
        moves = [(s, start + (places - middle) @ np.array(s, dtype=np.int64)) for s in slopes]
        axes.append([(s, values) for s, values in moves if values.min() >= 0 and values.max() < extent])
    if prod(map(len, axes)) > _MOST_LINES:
        return
    first = np.arange(len(members)) * atoms.count + atoms.offset[tensor]
    for way in product(*axes):
        flat = np.ravel_multi_index([values[members] for _, values in way], extents) if way else 0
        if np.isin(first + flat, read).all():
            yield tuple((int(start - middle @ np.array(s)), s) for start, (s, _) in zip(place, way, strict=True))
