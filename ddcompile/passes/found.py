"""Families among the units of a hidden layer, before their clauses are written: exact ones and clipped kernels."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np

from ddcompile.analysis.clipped import Clipped, Operands, fit_clipped, unrolled
from ddcompile.analysis.families import Family, UnitClass, fit_free
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.runs import peeled_runs, places_of as places_in
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binder, Constant, Expr
from ddcompile.passes.clipping import clipped_clause, clipped_weights
from ddcompile.passes.exceptions import Build, Moved
from ddcompile.passes.layers import Names
from ddcompile.passes.moving import centred, family_clause, moved_weights
from ddcompile.passes.offsets import Offset, offset_of
from ddcompile.passes.selection import places_of
from ddcompile.passes.signatures import binders_of, operands_of, signatures

__all__ = [
    "Found",
    "Hidden",
    "Readers",
    "alike",
    "clipped_families",
    "exact_families",
    "few_holes",
    "most_of",
    "never",
    "present_in",
]

Readers: TypeAlias = Callable[[], Sequence[Mapping[int, int]]]


@dataclass(frozen=True, slots=True)
class Hidden:
    """The units of a hidden layer."""

    rows: Sequence[Row]
    familiar: frozenset[int]
    atoms: Atoms
    stem: str
    classes: dict[int, list[UnitClass]] = field(default_factory=dict)
    """What is known of units so far."""
    written: dict[Hashable, Any] = field(default_factory=dict)
    """Families that were written before, with whatever names their tables have."""
    readers: Readers = list
    """Gives the weights of every unit that reads some of these, by unit."""
    bits: Set[str] = frozenset()
    """Tensors that are known to hold bits only."""


@dataclass(frozen=True, slots=True)
class Found:
    """A family: its units, row-major over the box of the binders, None for holes, and what makes its clause."""

    units: tuple[int | None, ...]
    binders: tuple[Binder, ...]
    build: Build
    moved: Moved
    row: Row
    """Of one of the units."""
    silent: Callable[[], tuple[int, ...]] = tuple
    """Holes where the family computes what is always 0."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents of the box."""
        return tuple(b.upper.value - b.lower.value for b in self.binders)  # type: ignore[attr-defined]

    @property
    def missing(self) -> frozenset[int] | None:
        """The holes, or those between the affine ends of most of the units if these are few; None if they are many."""
        present = present_in(self.units, self.shape)
        few = few_holes(int(present.sum()))
        run = np.ones_like(present) if present.size - present.sum() <= few else most_of(present)
        if run is None or (run & ~present).sum() > few:
            return None
        return frozenset(np.flatnonzero(run & ~present).tolist())


def few_holes(units: int) -> int:
    """How many holes a family of some units has at most, where it is no family of fewer units."""
    return max(2, units // 4)


def present_in(units: Sequence[int | None], shape: Sequence[int]) -> np.ndarray:
    """Where in a box there are units."""
    return np.array([u is not None for u in units]).reshape(shape)


def most_of(present: np.ndarray) -> np.ndarray | None:
    """The places between affine ends that most of some places are; None if that says nothing."""
    return _most_of(present.tobytes(), present.shape) if present.ndim > 1 else None


@lru_cache(maxsize=1024)
def _most_of(present: bytes, shape: tuple[int, ...]) -> np.ndarray | None:
    weights = np.frombuffer(present, dtype=bool).reshape(shape).astype(np.int64)
    run = next(peeled_runs(weights, 1, wraps=True), None)
    return None if run is None else places_in(run, shape)


def exact_families(
    layer: Hidden, units: Sequence[int], names: Names, *, holes: bool = False, biased: bool = True, rings: bool = False
) -> Iterator[Found]:
    """Families of equal signature, up to the bias or with it; see `fit_free` for holes and rings."""
    atoms = layer.atoms
    extents = [atoms.shape[n] for n in atoms.names]
    known = [u for u in units if u in layer.familiar]
    for members, classes in signatures(layer.rows, known, atoms, biased=biased, known=layer.classes):
        for family in fit_free(classes, extents, holes=holes, rings=rings):
            first = members[family.first[0]]
            family = centred(family, layer.rows[first], layer.classes[first], atoms)
            first = members[family.first[0]]
            row, own = layer.rows[first], layer.classes[first]
            placed = tuple(None if u is None else members[u] for u in family.units)
            binders = binders_of(family.lower, family.upper, names)
            build = partial(_exact_clause, row, family, binders, own, atoms, names, layer.stem)
            moved = partial(moved_weights, row, family, own, atoms)
            silent = partial(_silent, row, family, own, atoms) if holes and biased else tuple
            yield Found(placed, binders, build, moved, row, silent)


def _exact_clause(
    row: Row,
    family: Family,
    binders: tuple[Binder, ...],
    classes: list[UnitClass],
    atoms: Atoms,
    names: Names,
    stem: str,
    offset: Offset,
    extra: Expr,
) -> tuple[list[Constant], Expr]:
    return family_clause(row, family, offset, binders, classes, atoms, names, stem, extra)


def _silent(row: Row, family: Family, classes: list[UnitClass], atoms: Atoms) -> tuple[int, ...]:
    """Holes where the operands of the family cancel and leave a unit that is always 0."""
    if row.kind not in ("sign", "positive") or row.bias > 0 or (row.kind == "sign" and row.bias):
        return ()
    counts = tuple(b - a for a, b in zip(family.lower, family.upper, strict=True))
    found = []
    for hole in (k for k, u in enumerate(family.units) if u is None):
        place = [int(p) + a for p, a in zip(np.unravel_index(hole, counts), family.lower, strict=True)]
        if not moved_weights(row, family, classes, atoms, place):
            found.append(hole)
    return tuple(found)


_MANY = 64


def alike(
    layer: Hidden, units: Sequence[int], same: Callable[[Row], object]
) -> Iterator[tuple[str, list[int], list[Operands]]]:
    """Units of one kind that read one tensor, with that and what they read there; `same` has to agree, too."""
    groups: dict[tuple[object, ...], list[tuple[int, Operands]]] = {}
    for u in units:
        row = layer.rows[u]
        read = operands_of(row, layer.atoms)
        if read is not None:
            key: tuple[object, ...] = (row.kind, row.low, row.high, row.exponent, same(row), read[0])
            groups.setdefault(key, []).append((u, read[1]))
    if len(groups) > _MANY:  # of many units that are alone, none has a family
        groups = {key: group for key, group in groups.items() if len(group) > 1}
    for signature, group in sorted(groups.items(), key=lambda item: repr(item[0])):
        yield str(signature[-1]), [u for u, _ in group], [o for _, o in group]


def clipped_families(layer: Hidden, units: Sequence[int], names: Names, *, biased: bool = True) -> Iterator[Found]:
    """Clipped kernels, of one bias or of any."""
    atoms = layer.atoms
    for tensor, members, operands in alike(layer, units, lambda row: row.bias if biased else 0):
        extents = atoms.shape[tensor]
        for family in fit_clipped(operands, extents):
            placed = tuple(None if k is None else members[k] for k in family.units)
            binders = binders_of([0] * len(family.counts), family.counts, names)
            row, kernel = layer.rows[members[family.kernel]], unrolled(operands[family.kernel], extents, family.rings)
            build = partial(_clipped_clause, row, kernel, family, binders, tensor, atoms, names, layer.stem)
            moved = partial(clipped_weights, kernel, family.moves, family.rings, tensor, atoms)
            yield Found(placed, binders, build, moved, row, partial(never, layer, placed, binders, moved, names))


def never(
    layer: Hidden, units: Sequence[int | None], binders: Sequence[Binder], moved: Moved, names: Names
) -> tuple[int, ...]:
    """Holes where a family over bits computes bits that are always 0, since their sums are never great enough."""
    rows = [None if u is None else layer.rows[u] for u in units]
    row = next(r for r in rows if r is not None)
    tensors = {layer.atoms.names[t] for t in layer.atoms.tensors_of(row.atoms)}
    if None not in rows or row.kind != "positive" or row.exponent or not tensors <= layer.bits:
        return ()
    offset = offset_of(rows, binders, names.copy(), layer.stem)
    bound = None if offset is None else affine_of(offset.value)
    if offset is None or bound is None:
        return ()
    found = []
    for k, place in enumerate(places_of(binders)):
        if units[k] is None:
            greatest = sum(w for w in moved(place).values() if w > 0)
            if offset.factor * greatest < bound.evaluate({b.name: p for b, p in zip(binders, place, strict=True)}):
                found.append(k)
    return tuple(found)


def _clipped_clause(
    row: Row,
    kernel: Operands,
    family: Clipped,
    binders: tuple[Binder, ...],
    tensor: str,
    atoms: Atoms,
    names: Names,
    stem: str,
    offset: Offset,
    extra: Expr,
) -> tuple[list[Constant], Expr]:
    moves = family.move([b.name for b in binders])
    extents = atoms.shape[tensor]
    return clipped_clause(row, kernel, moves, offset, binders, tensor, extents, family.rings, names, stem, extra)
