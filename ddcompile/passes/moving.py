"""The clause of a family: kernels over offsets, read at positions that move with the unit's coordinates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np

from ddcompile.analysis.coordinates import Anchor
from ddcompile.analysis.families import Family, UnitClass
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row, activated
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Read
from ddcompile.passes.layers import Names, double_parts, exact_expression
from ddcompile.passes.offsets import Offset

__all__ = ["centred", "family_clause", "moved_weights"]

_NOTHING = Literal(0)

_Group = tuple[int, list[int], list[Anchor | None]]
"""A tensor, the classes read in it that move together, and how they move on every axis (None: they are full)."""


def family_clause(
    row: Row,
    family: Family,
    offset: Offset,
    binders: tuple[Binder, ...],
    classes: list[UnitClass],
    atoms: Atoms,
    names: Names,
    stem: str,
    extra: Expr = _NOTHING,
) -> tuple[list[Constant], Expr]:
    """Constants and the value of a family's clause; `row` and `classes` are those of its first unit.

    What is `extra` is added to the sum.
    """
    constants: list[Constant] = []
    total: Expr = Literal(0)
    coordinates = tuple(b.name for b in binders)
    for number, members, moves in _groups(family, classes):
        kernel, starts = _kernel(row, family, classes, (number, members, moves), atoms)
        is_uniform = (kernel == kernel.flat[0]).all()
        for part in [kernel] if is_uniform else double_parts(kernel):
            term = _kernel_sum(
                part, starts, atoms.names[number], atoms, moves, family, coordinates, names, stem, constants
            )
            total = builder.add(total, term)
    total = builder.mul(offset.factor, builder.add(total, extra))
    return [*constants, *offset.constants], activated(row, total, offset.value)


def moved_weights(
    row: Row, family: Family, classes: list[UnitClass], atoms: Atoms, place: Sequence[int]
) -> dict[int, int]:
    """The weights, by atom, of what a family computes at a place; `row` and `classes` are those of its first unit."""
    numbers = atoms.tensor_of(row.atoms)
    start = family.first[1]
    total: Counter[int] = Counter()
    for cls, anchors in zip(classes, family.anchors, strict=True):
        name = atoms.names[cls.tensor]
        if not atoms.shape[name]:
            total[atoms.offset[name]] += cls.weight
            continue
        own = row.atoms[(numbers == cls.tensor) & (row.weights == cls.weight)] - atoms.offset[name]
        axes = np.unravel_index(own, atoms.shape[name]) if anchors else ()
        moved = tuple(
            axis if anchor is None else (axis + anchor(place) - anchor(start)) % anchor.extent
            for axis, anchor in zip(axes, anchors, strict=True)
        )
        for flat in np.ravel_multi_index(moved, atoms.shape[name]).tolist():
            total[atoms.offset[name] + flat] += cls.weight
    return {atom: weight for atom, weight in total.items() if weight}


def _groups(family: Family, classes: list[UnitClass]) -> list[_Group]:
    """Classes of one tensor that agree how they move, axis by axis, up to a constant."""
    groups: list[_Group] = []
    widths: list[tuple[int, ...]] = []
    for k, cls in enumerate(classes):
        moves = list(family.anchors[k])
        for place, (number, members, shared) in enumerate(groups):
            if number == cls.tensor and all(_agree(a, b) for a, b in zip(moves, shared, strict=True)):
                members.append(k)
                for axis, (own, width) in enumerate(zip(moves, cls.widths, strict=True)):
                    # The narrowest class gives the origin.
                    if own is not None and (shared[axis] is None or width < widths[place][axis]):
                        shared[axis] = own
                widths[place] = tuple(map(min, widths[place], cls.widths))
                break
        else:
            groups.append((cls.tensor, [k], moves))
            widths.append(cls.widths)
    return groups


def _agree(own: Anchor | None, shared: Anchor | None) -> bool:
    """Whether two classes move together on an axis; one that is full there moves with anything."""
    return own is None or shared is None or own.slopes == shared.slopes


def _is_still(move: Anchor | None) -> bool:
    return move is None or not any(move.slopes)


def _kernel(
    row: Row, family: Family, classes: list[UnitClass], group: _Group, atoms: Atoms
) -> tuple[np.ndarray, list[int]]:
    """The weights of the first unit over offsets, cut to their support, and the first offset on every axis."""
    number, members, moves = group
    name = atoms.names[number]
    extents = atoms.shape[name]
    flat = np.zeros(prod(extents), dtype=object)
    wanted = {classes[k].weight for k in members}
    local = row.atoms - atoms.offset[name]
    for place, weight in zip(local.tolist(), row.weights.tolist(), strict=True):
        if 0 <= place < len(flat) and weight in wanted:
            flat[place] = Fraction(weight, 2**row.exponent) if row.exponent else weight
    kernel = flat.reshape(extents)
    starts = []
    for axis, move in enumerate(moves):
        extent = extents[axis]
        used = np.flatnonzero((kernel != 0).any(axis=tuple(a for a in range(kernel.ndim) if a != axis)))
        if move is None or _is_still(move):
            start, length = int(used[0]), int(used[-1] - used[0]) + 1
            kernel = np.take(kernel, range(start, start + length), axis=axis)
        else:
            origin = move(family.first[1])
            start, length = _cyclic_run((used - origin) % extent, extent)
            kernel = np.take(kernel, [(origin + start + k) % extent for k in range(length)], axis=axis)
        starts.append(start)
    return kernel, starts


def _cyclic_run(offsets: np.ndarray, extent: int) -> tuple[int, int]:
    """The shortest wrapped run that holds some offsets: its start, nearest to zero, and its length."""
    values = sorted(set(offsets.tolist()))
    if len(values) == extent:
        return 0, extent
    gaps = [(values[(k + 1) % len(values)] - v - 1) % extent + 1 for k, v in enumerate(values)]
    widest = max(range(len(values)), key=lambda k: (gaps[k], k))
    start = values[(widest + 1) % len(values)]
    length = extent - gaps[widest] + 1
    return (start - extent if 2 * start > extent else start), length


def _kernel_sum(
    kernel: np.ndarray,
    starts: list[int],
    tensor: str,
    atoms: Atoms,
    moves: list[Anchor | None],
    family: Family,
    coordinates: tuple[str, ...],
    names: Names,
    stem: str,
    constants: list[Constant],
) -> Expr:
    """`sum(offsets: kernel[offsets] * tensor[coordinates + offsets])`."""
    extents = atoms.shape[tensor]
    inner = names.indices(kernel.ndim, avoid=coordinates)
    binders, positions, entries = [], [], []
    flat_axes = []
    for axis, (start, count, move, extent) in enumerate(zip(starts, kernel.shape, moves, extents, strict=True)):
        offset = Affine.of(start) if count == 1 else Affine.of(0, {inner[axis]: 1})
        if count > 1:
            binders.append(Binder(inner[axis], Literal(start), Literal(start + count)))
        if count == 1 or (kernel == np.take(kernel, [0], axis=axis)).all():
            flat_axes.append(axis)
        else:
            entries.append(builder.sub(Index(inner[axis]), start))
        positions.append(_position(offset, start, count, move, extent, family, coordinates))
    read: Expr = Read(tensor, tuple(positions))
    values = np.array(kernel[tuple(0 if a in flat_axes else slice(None) for a in range(kernel.ndim))])
    if values.ndim == 0:
        return builder.mul(exact_expression(values.item()), builder.summation(binders, read))
    constant = Constant.of(names(f"kernel_{stem}"), values)
    constants.append(constant)
    return builder.summation(binders, builder.mul(Read(constant.name, tuple(entries)), read))


def _position(
    offset: Affine,
    start: int,
    count: int,
    move: Anchor | None,
    extent: int,
    family: Family,
    coordinates: tuple[str, ...],
) -> Expr:
    if move is None or _is_still(move):
        return offset.to_expr()
    where = Affine.of(move.constant, dict(zip(coordinates, move.slopes, strict=True)))
    ranges = {n: (a, b - 1) for n, a, b in zip(coordinates, family.lower, family.upper, strict=True)}
    low, high = where.bounds(ranges)
    best = where + offset
    # The constant is known modulo the extent only: take the one that needs no wrapping, if there is one.
    for turn in (0, -extent, extent):
        if low + start + turn >= 0 and high + start + count - 1 + turn < extent:
            return (best + turn).to_expr()
    if 2 * (best.constant % extent) > extent:
        return builder.mod((best + (best.constant % extent - extent - best.constant)).to_expr(), extent)
    return builder.mod((best + (best.constant % extent - best.constant)).to_expr(), extent)


def centred(family: Family, row: Row, classes: list[UnitClass], atoms: Atoms) -> Family:
    """Move the origin of free coordinates that run around a whole axis to the middle of the first kernel."""
    for coordinate, (low, high) in enumerate(zip(family.lower, family.upper, strict=True)):
        count = high - low
        movers = [a for anchors in family.anchors for a in anchors if a is not None and a.slopes[coordinate]]
        if any(a.slopes[coordinate] * count % a.extent for a in movers):
            continue
        shift = _shift(family, row, classes, atoms, coordinate)
        if not shift:
            continue
        counts = tuple(b - a for a, b in zip(family.lower, family.upper, strict=True))
        units = np.roll(np.array(family.units).reshape(counts), shift, axis=coordinate)
        anchors = tuple(
            tuple(
                None if a is None else replace(a, constant=(a.constant - a.slopes[coordinate] * shift) % a.extent)
                for a in own
            )
            for own in family.anchors
        )
        family = replace(family, units=tuple(units.ravel().tolist()), anchors=anchors)
    return family


def _shift(family: Family, row: Row, classes: list[UnitClass], atoms: Atoms, coordinate: int) -> int:
    """How far the middle of the first kernel that moves with a coordinate is from it."""
    for group in _groups(family, classes):
        for axis, move in enumerate(group[2]):
            if move is None or move.slopes[coordinate] != 1 or sum(map(abs, move.slopes)) != 1:
                continue
            kernel, starts = _kernel(row, family, classes, group, atoms)
            if kernel.shape[axis] == move.extent:
                return move.constant
            middle = starts[axis] + (int(kernel.shape[axis]) - 1) // 2
            return (move.constant + middle) % move.extent
    return 0
