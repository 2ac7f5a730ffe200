"""Families of boxes with ends that move, and of points that move each in its own way, and their clauses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np

from ddcompile.analysis.clipped import Operands
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row, activated
from ddcompile.analysis.stretched import Line, Points, Stretched, fit_points, fit_stretched
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Constant, Expr, Literal, Read
from ddcompile.passes.found import Found, Hidden, alike, never
from ddcompile.passes.layers import Names, exact_expression
from ddcompile.passes.offsets import Offset
from ddcompile.passes.signatures import binders_of, operands_by_tensor

__all__ = ["POINTS", "pointed_families", "points_clause", "points_weights", "stretched_families"]

POINTS = 4
"""How many operands a unit has at most that move each in its own way."""


def stretched_families(layer: Hidden, units: Sequence[int], names: Names) -> Iterator[Found]:
    """Boxes of one weight of which both ends move, `sum(j <= k < i + 1: tensor[k]) >= bound`."""
    atoms = layer.atoms
    for tensor, members, operands in alike(layer, units, lambda row: tuple(sorted(set(row.weights.tolist())))):
        row = layer.rows[members[0]]
        if len(set(row.weights.tolist())) > 1:
            continue
        for family in fit_stretched(operands, atoms.shape[tensor]):
            placed = tuple(None if k is None else members[k] for k in family.units)
            binders = binders_of([0] * len(family.counts), family.counts, names)
            build = partial(_stretched_clause, row, family, binders, tensor, atoms.shape[tensor], names)
            moved = partial(_stretched_weights, family, int(row.weights[0]), tensor, atoms)
            yield Found(placed, binders, build, moved, row, partial(never, layer, placed, binders, moved, names))


def _stretched_clause(
    row: Row,
    family: Stretched,
    binders: tuple[Binder, ...],
    tensor: str,
    extents: tuple[int, ...],
    names: Names,
    offset: Offset,
    extra: Expr,
) -> tuple[list[Constant], Expr]:
    own = [b.name for b in binders]
    inner = names.indices(len(extents), avoid=own)
    summed: list[Binder] = []
    positions: list[Expr] = []
    for ends, extent, name in zip(family.axes, extents, inner, strict=True):
        start, length = _affine(ends.start, own), _affine(ends.length, own)
        if length == Affine.of(1):
            positions.append(builder.mod(start.to_expr(), extent) if ends.is_ring else start.to_expr())
        elif ends.is_ring:
            summed.append(Binder(name, Literal(0), length.to_expr()))
            positions.append(builder.mod((start + Affine.of(0, {name: 1})).to_expr(), extent))
        else:
            summed.append(Binder(name, start.to_expr(), (start + length).to_expr()))
            positions.append(Affine.of(0, {name: 1}).to_expr())
    term = builder.mul(_number(int(row.weights[0]), row), builder.summation(summed, Read(tensor, tuple(positions))))
    total = builder.mul(offset.factor, builder.add(term, extra))
    return offset.constants, activated(row, total, offset.value)


def _stretched_weights(
    family: Stretched, weight: int, tensor: str, atoms: Atoms, place: Sequence[int]
) -> dict[int, int]:
    """The weights at a place, by atom."""
    extents = atoms.shape[tensor]
    runs = [
        [p % extent for p in range(_at(ends.start, place), _at(ends.start, place) + _at(ends.length, place))]
        for ends, extent in zip(family.axes, extents, strict=True)
    ]
    points = np.array(list(product(*runs)), dtype=np.int64).reshape(-1, len(extents))
    flat = np.asarray(np.ravel_multi_index(tuple(points.T), extents)) + atoms.offset[tensor]
    return {int(atom): weight for atom in flat}


def pointed_families(layer: Hidden, units: Sequence[int], names: Names) -> Iterator[Found]:
    """A few operands that move each in its own way, `tensor[i] + tensor[j] >= bound`."""
    atoms = layer.atoms
    groups: dict[tuple[object, ...], list[tuple[int, list[Operands]]]] = {}
    for u in units:
        row = layer.rows[u]
        if 0 < len(row.atoms) <= POINTS:
            read = operands_by_tensor(row, atoms)
            key = row.kind, row.low, row.high, row.exponent, tuple((n, *sorted(o.weights.tolist())) for n, o in read)
            groups.setdefault(key, []).append((u, [own for _, own in read]))
    for _, group in sorted(groups.items(), key=lambda item: repr(item[0])):
        if len(group) < 2:
            continue
        members = [u for u, _ in group]
        row = layer.rows[members[0]]
        tensors = [name for name, _ in operands_by_tensor(row, atoms)]
        family = fit_points([own for _, own in group], [atoms.shape[name] for name in tensors])
        if family is not None:
            placed = tuple(None if k is None else members[k] for k in family.units)
            binders = binders_of([0] * len(family.counts), family.counts, names)
            build = partial(points_clause, row, family, binders, tensors)
            yield Found(placed, binders, build, partial(points_weights, family, tensors, atoms), row)


def points_clause(
    row: Row, family: Points, binders: tuple[Binder, ...], tensors: Sequence[str], offset: Offset, extra: Expr
) -> tuple[list[Constant], Expr]:
    """The constants and the value of a clause for a few operands, and for what is added to their sum."""
    own = [b.name for b in binders]
    terms = [
        builder.mul(_number(weight, row), Read(tensors[k], tuple(_affine(p, own).to_expr() for p in positions)))
        for weight, k, positions in sorted(family.operands, key=lambda o: o[0] < 0)
    ]
    total = builder.mul(offset.factor, builder.add_all([*terms, extra]))
    return offset.constants, activated(row, total, offset.value)


def points_weights(family: Points, tensors: Sequence[str], atoms: Atoms, place: Sequence[int]) -> dict[int, int]:
    """The weights at a place, by atom."""
    found: dict[int, int] = {}
    for weight, k, position in family.operands:
        shape = atoms.shape[tensors[k]]
        flat = np.ravel_multi_index([_at(line, place) for line in position], shape) if shape else 0
        atom = int(flat) + atoms.offset[tensors[k]]
        found[atom] = found.get(atom, 0) + weight
    return found


def _number(weight: int, row: Row) -> Expr:
    return exact_expression(Fraction(weight, 2**row.exponent))


def _affine(line: Line, names: Sequence[str]) -> Affine:
    return Affine.of(line[0], dict(zip(names, line[1], strict=True)))


def _at(line: Line, place: Sequence[int]) -> int:
    return line[0] + sum(slope * p for slope, p in zip(line[1], place, strict=True))
