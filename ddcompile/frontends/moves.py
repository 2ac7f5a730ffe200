"""Write values that are moved about: reads at affine positions where that is what they are, else at tables of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcompile.frontends.forms import Tensor, element, without_ones
from ddcompile.frontends.writer import Writer
from ddcompile.ir.builder import add, add_all, mul
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Statement

__all__ = ["copied", "gathered", "joined", "relaid"]


def relaid(writer: Writer, tensor: Tensor, shape: tuple[int, ...], label: str) -> Tensor:
    """The elements of a tensor, row-major, as a tensor of another shape; a new one if need be."""
    if tensor.shape == shape:
        return tensor
    if without_ones(tensor.shape) == without_ones(shape) and 1 not in shape:
        return tensor
    made = Tensor(writer.names.fresh(label), shape)
    copied(writer, tensor, [made], label)
    return made


def joined(writer: Writer, tensors: Sequence[Tensor], label: str) -> Tensor:
    """The elements of tensors, one after the other, as a flat tensor."""
    flat = Tensor(writer.names.fresh(label), (sum(t.count for t in tensors),))
    (u,) = writer.indices(flat.shape)
    start = 0
    for k, tensor in enumerate(tensors):
        binder = Binder(u, Literal(start), Literal(start + tensor.count))
        value = _read_at(writer, f"{label}{k}", tensor, np.arange(tensor.count), [add(Index(u), -start)])
        writer.statements.append(Statement(flat.name, (binder,), value))
        start += tensor.count
    return flat


def copied(writer: Writer, tensor: Tensor, targets: Sequence[Tensor], label: str) -> None:
    """The elements of a tensor, row-major, as those of others one after the other."""
    start = 0
    for target in targets:
        at = writer.indices(target.shape)
        columns = start + np.arange(target.count).reshape(target.shape)
        writer.define(target, at, gathered(writer, label, tensor, columns, at))
        start += target.count


def gathered(writer: Writer, suffix: str, tensor: Tensor, columns: np.ndarray, at: Sequence[str]) -> Expr:
    """The element of a tensor at the row-major number that stands at a position of an array; 0 where that is -1."""
    is_same = without_ones(tensor.shape) == without_ones(columns.shape)
    if is_same and np.array_equal(columns.ravel(), np.arange(tensor.count)):
        return element(tensor, Tensor("", columns.shape), at)
    return _read_at(writer, suffix, tensor, columns, [Index(i) for i in at])


def _read_at(writer: Writer, label: str, tensor: Tensor, columns: np.ndarray, at: Sequence[Expr]) -> Expr:
    """A read at affine positions wherever they are that, else at positions out of tables."""
    is_there = columns >= 0
    places = np.unravel_index(np.where(is_there, columns, 0), tensor.shape) if tensor.shape else ()
    if not places:
        factor = writer.entry(f"factor{label}", is_there.astype(np.int64), at)
        return mul(factor, Read(tensor.name))
    fill = None if is_there.all() else Literal(0)
    straight = [_straight(place, is_there) for place in places]
    known = [line for line in straight if line is not None]
    if len(known) == len(places) and np.array_equal(_inside(known, tensor.shape, columns.shape), is_there):
        return Read(tensor.name, tuple(_affine(line, at) for line in known), fill)
    tables = [_along_one(place, is_there) for place in places]
    found = [table for table in tables if table is not None]
    if len(found) < len(places) or not np.array_equal(np.min(found, axis=0) >= 0, is_there):
        full = [np.where(is_there, place, -1) for place in places]
        labels = [f"place{label}_{axis}" for axis in range(len(full))]
        positions = [writer.entry(name, table, at) for name, table in zip(labels, full, strict=True)]
        return Read(tensor.name, tuple(positions), fill)
    positions = []
    for axis, (line, table) in enumerate(zip(straight, found, strict=True)):
        is_line = line is not None and (table >= 0).all()
        positions.append(_affine(line, at) if line and is_line else writer.entry(f"place{label}_{axis}", table, at))
    return Read(tensor.name, tuple(positions), fill)


def _straight(place: np.ndarray, is_there: np.ndarray) -> tuple[int, ...] | None:
    """Factors of the axes and an offset, with which the places that are there are those of the axes' positions."""
    first = np.unravel_index(int(is_there.argmax()), place.shape)
    factors = []
    for axis in range(place.ndim):
        left, right = (np.moveaxis(place, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        there = np.moveaxis(is_there, axis, 0)
        pairs = np.flatnonzero(there[:-1] & there[1:])
        factors.append(int(right.ravel()[pairs[0]] - left.ravel()[pairs[0]]) if len(pairs) else 0)
    offset = int(place[first]) - sum(f * int(k) for f, k in zip(factors, first, strict=True))
    line = (*factors, offset)
    return line if np.array_equal(_on(line, place.shape)[is_there], place[is_there]) else None


def _on(line: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
    total = np.full(shape, line[-1], dtype=np.int64)
    for axis, factor in enumerate(line[:-1]):
        total += factor * np.arange(shape[axis]).reshape(-1, *[1] * (len(shape) - axis - 1))
    return total


def _inside(lines: Sequence[Sequence[int]], extents: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
    """Where straight positions lie in a tensor."""
    inside = np.ones(shape, dtype=bool)
    for line, extent in zip(lines, extents, strict=True):
        place = _on(line, shape)
        inside &= (place >= 0) & (place < extent)
    return inside


def _affine(line: Sequence[int], at: Sequence[Expr]) -> Expr:
    return add_all([*(mul(f, place) for f, place in zip(line[:-1], at, strict=True)), line[-1]])


def _along_one(place: np.ndarray, is_there: np.ndarray) -> np.ndarray | None:
    """The places as a table that depends on one axis, in the shape of all, with -1 where nothing is there."""
    for axis in range(place.ndim):
        others = tuple(k for k in range(place.ndim) if k != axis)
        low = np.where(is_there, place, np.iinfo(np.int64).max).min(axis=others, keepdims=True)
        high = np.where(is_there, place, -1).max(axis=others, keepdims=True)
        if ((low == high) | (high < 0)).all():
            return np.broadcast_to(high, place.shape)
    return None
