"""The clause of a family of clipped kernels: padded reads, or sums whose bounds move with the unit's coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.clipped import Operands
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row, activated
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, simplify
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Read
from ddcompile.passes.layers import Names, double_parts
from ddcompile.passes.offsets import Offset

__all__ = ["clipped_clause", "clipped_weights"]

_NOTHING = Literal(0)

_Ranges: TypeAlias = dict[str, tuple[int, int]]
"""The least and the greatest value of every coordinate."""


def clipped_clause(
    row: Row,
    kernel: Operands,
    moves: list[Affine],
    offset: Offset,
    binders: tuple[Binder, ...],
    tensor: str,
    extents: tuple[int, ...],
    rings: Sequence[int],
    names: Names,
    stem: str,
    extra: Expr = _NOTHING,
) -> tuple[list[Constant], Expr]:
    """Constants and the value of a clause over some coordinates.

    Parameters
    ----------
    row, kernel
        The unit that is the kernel, and what it reads.
    moves
        Where the kernel goes, axis by axis.
    offset
        What the sum is compared with, or has added.
    rings
        Axes around which the kernel goes.
    extra
        What is added to the sum.
    """
    ranges = {b.name: (b.lower.value, b.upper.value - 1) for b in binders}  # type: ignore[attr-defined]
    inner = names.indices(len(extents), avoid=ranges)
    constants: list[Constant] = []
    total = None if rings else _line(row, kernel, moves, ranges, inner[0], tensor, extents)
    if total is None:
        total = Literal(0)
        low = kernel.positions.min(axis=0).tolist()
        for table in double_parts(_table(row, kernel)):
            places = zip(moves, low, table.shape, extents, inner, strict=True)
            axes = [
                (_ring if axis in rings else _axis)(
                    move + start, count, extent, name, ranges, is_flat=_is_flat(table, axis)
                )
                for axis, (move, start, count, extent, name) in enumerate(places)
            ]
            total = builder.add(total, _box(table, axes, tensor, names, stem, constants))
    total = builder.mul(offset.factor, builder.add(total, extra))
    return [*constants, *offset.constants], activated(row, total, offset.value)


def clipped_weights(
    kernel: Operands,
    moves: Sequence[tuple[int, tuple[int, ...]]],
    rings: Sequence[int],
    tensor: str,
    atoms: Atoms,
    place: Sequence[int],
) -> dict[int, int]:
    """The weights of a clipped kernel at a place, by atom; moves are constants and slopes, axis by axis."""
    shape = atoms.shape[tensor]
    move = [c + sum(s * p for s, p in zip(slopes, place, strict=True)) for c, slopes in moves]
    moved = kernel.positions + np.array(move, dtype=np.int64)
    for axis in rings:
        moved[:, axis] %= shape[axis]
    inside = ((moved >= 0) & (moved < np.array(shape))).all(axis=1)
    flat = np.ravel_multi_index(tuple(moved[inside].T), shape) + atoms.offset[tensor]
    return dict(zip(flat.tolist(), kernel.weights[inside].tolist(), strict=True))


def _table(row: Row, kernel: Operands) -> np.ndarray:
    """The weights over the bounding box of the kernel."""
    low = kernel.positions.min(axis=0)
    table = np.zeros(tuple(kernel.positions.max(axis=0) - low + 1), dtype=object)
    for place, weight in zip((kernel.positions - low).tolist(), kernel.weights.tolist(), strict=True):
        table[tuple(place)] = Fraction(weight, 2**row.exponent) if row.exponent else weight
    return table


def _is_flat(table: np.ndarray, axis: int) -> bool:
    return bool((table == np.take(table, [0], axis=axis)).all())


def _line(
    row: Row,
    kernel: Operands,
    moves: list[Affine],
    ranges: _Ranges,
    index: str,
    tensor: str,
    extents: tuple[int, ...],
) -> Expr | None:
    """A sum over one index that moves along several axes, for a kernel that is a line of equal weights."""
    steps = np.diff(kernel.positions, axis=0)
    is_line = len(steps) > 1 and not (steps != steps[0]).any() and np.count_nonzero(steps[0]) > 1
    if not is_line or row.exponent or len(set(kernel.weights.tolist())) > 1:
        return None
    count = len(kernel.positions)
    inside = {**ranges, index: (0, count - 1)}
    positions = [
        move + first + Affine.of(0, {index: step})
        for move, first, step in zip(moves, kernel.positions[0].tolist(), steps[0].tolist(), strict=True)
    ]
    pads = any(_leaves(p, inside, extent) for p, extent in zip(positions, extents, strict=True))
    read = Read(tensor, tuple(p.to_expr() for p in positions), Literal(0) if pads else None)
    return builder.mul(int(kernel.weights[0]), builder.summation([Binder(index, Literal(0), Literal(count))], read))


def _leaves(position: Affine, ranges: _Ranges, extent: int) -> bool:
    low, high = position.bounds(ranges)
    return low < 0 or high >= extent


@dataclass(frozen=True, slots=True)
class _Axis:
    """How an axis is read: the index that is summed, if one is, the place, and the entry of the table if it varies."""

    binder: Binder | None
    place: Expr
    entry: Expr | None
    pads: bool


def _axis(start: Affine, count: int, extent: int, name: str, ranges: _Ranges, *, is_flat: bool) -> _Axis:
    """Read `count` places from `start` on."""
    if count == 1:
        return _Axis(None, start.to_expr(), None, _leaves(start, ranges, extent))
    last = start + (count - 1)
    pads = _leaves(start, ranges, extent) or _leaves(last, ranges, extent)
    if pads and is_flat:
        ends = _clipped(start, 0, ranges, least=True), _clipped(last + 1, extent, ranges, least=False)
        if ends[0] is not None and ends[1] is not None:
            binder = Binder(name, ends[0].to_expr(), ends[1].to_expr())
            return _Axis(binder, Index(name), None, pads=False)
    # The constant goes into the offsets.
    first = int(start.constant)
    entry = None if is_flat else builder.sub(Index(name), first)
    place = start - first + Affine.of(0, {name: 1})
    return _Axis(Binder(name, Literal(first), Literal(first + count)), place.to_expr(), entry, pads)


def _ring(start: Affine, count: int, extent: int, name: str, ranges: _Ranges, *, is_flat: bool) -> _Axis:
    """Read `count` places from `start` on around a ring."""
    if count == 1:
        return _Axis(None, simplify(builder.mod(start.to_expr(), extent)), None, pads=False)
    if count == extent and is_flat:
        return _Axis(Binder(name, Literal(0), Literal(extent)), Index(name), None, pads=False)
    first = int(start.constant) % extent
    if 2 * first > extent:
        first -= extent
    entry = None if is_flat else builder.sub(Index(name), first)
    place = simplify(builder.mod((start - start.constant + Affine.of(0, {name: 1})).to_expr(), extent))
    return _Axis(Binder(name, Literal(first), Literal(first + count)), place, entry, pads=False)


def _clipped(end: Affine, limit: int, ranges: _Ranges, *, least: bool) -> Affine | None:
    """The greater of an end and a limit, or the lesser; None if it is neither everywhere."""
    low, high = end.bounds(ranges)
    if (high <= limit) if least else (low >= limit):
        return Affine.of(limit)
    return end if ((low >= limit) if least else (high <= limit)) else None


def _box(table: np.ndarray, axes: list[_Axis], tensor: str, names: Names, stem: str, constants: list[Constant]) -> Expr:
    """`sum(offsets: kernel[offsets] * pad(tensor, 0)[coordinates + offsets])`."""
    read = Read(tensor, tuple(a.place for a in axes), Literal(0) if any(a.pads for a in axes) else None)
    binders = [a.binder for a in axes if a.binder is not None]
    values = np.array(table[tuple(0 if a.entry is None else slice(None) for a in axes)])
    if values.ndim == 0:
        return builder.mul(values.item(), builder.summation(binders, read))
    constant = Constant.of(names(f"kernel_{stem}"), values)
    constants.append(constant)
    entries = tuple(a.entry for a in axes if a.entry is not None)
    return builder.summation(binders, builder.mul(Read(constant.name, entries), read))
