"""Ways to write the units of a hidden layer as families, and the cheapest of them.

A way is a list of families without common units: those that fit exactly come first, then boxes with a few holes, both
also with bounds that depend on the coordinates, then signs together with their negations, then clipped kernels, with
one bound or with several. What no family takes stays a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from ddcompile.analysis.clipped import Operands, fit_clipped
from ddcompile.analysis.cost import cost
from ddcompile.analysis.families import Family, UnitClass, fit_free
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.runs import affine_runs
from ddcompile.analysis.slices import decompose
from ddcompile.ir.nodes import Binder, Constant, Expr, Literal, Reduce, Statement
from ddcompile.ir.traverse import postorder, reads
from ddcompile.passes.clipping import clipped_clause
from ddcompile.passes.gathers import table_clauses
from ddcompile.passes.layers import Names, clause
from ddcompile.passes.moving import centred, family_clause
from ddcompile.passes.offsets import offset_of
from ddcompile.passes.signatures import binders_of, classes_of, familiar, operands_of, signatures, total_cost

__all__ = ["Written", "cheapest", "filled"]

_TERM = 10
"""About what a term costs in a reader: one for every family, one for every hole."""

_HANDICAP = 1.25

_PIECES, _PIECE = 4, 8
"""Slices that a kernel may become, and about what one costs; two cost what the sum over the kernel does."""


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A family of hidden units, row-major, by their numbers in the layer, and its clause; None is a hole."""

    units: tuple[int | None, ...]
    constants: list[Constant]
    binders: tuple[Binder, ...]
    value: Expr
    silent: tuple[int, ...] = ()
    """Holes, by their numbers in the box, whose unit is always 0."""
    mirrors: Mapping[int, int] = field(default_factory=dict)
    """Where in the box the negations of units are, by the units; these count as holes."""

    @property
    def members(self) -> list[int]:
        """The units without the holes."""
        return [u for u in self.units if u is not None]

    @property
    def price(self) -> int:
        """About the cost of the clause, and of leaving out the holes; kernels that are few slices are written so."""
        summed = {r.tensor for n in postorder(self.value) if isinstance(n, Reduce) for r in reads(n.body)}
        tables = sum(_kernel_cost(c) if c.name in summed else cost(c) for c in self.constants)
        return tables + cost(Statement("x", self.binders, self.value)) + _TERM * self.gaps

    @property
    def gaps(self) -> int:
        """How many terms leave out the holes."""
        holes = sum(u is None for u in self.units) - len(self.mirrors) - len(self.silent)
        if holes > 2 and len(self.binders) > 1:
            present = np.array([u is not None for u in self.units], dtype=np.int64)
            shape = [b.upper.value - b.lower.value for b in self.binders]  # type: ignore[attr-defined]
            if affine_runs(present.reshape(shape)) is not None:
                return 2
        return holes


@dataclass(frozen=True, slots=True)
class _Layer:
    """What all ways begin with."""

    rows: Sequence[Row]
    familiar: frozenset[int]
    atoms: Atoms
    stem: str
    classes: dict[int, list[UnitClass]] = field(default_factory=dict)
    """What is known of units so far."""


def cheapest(
    rows: Sequence[Row], few: int, atoms: Atoms, names: Names, stem: str
) -> tuple[list[Written], Names]:
    """The families of the cheapest way, and the names that are taken then.

    Parameters
    ----------
    rows
        The units, oriented.
    few
        See `familiar`.
    """
    layer = _Layer(rows, frozenset(familiar(rows, few)), atoms, stem)
    best: tuple[int, list[Written], Names] | None = None
    for way in _WAYS:
        own = names.copy()
        found = list(way(layer, list(range(len(rows))), own))
        if way is not _exact:
            if not found:
                continue
            taken = {u for w in found for u in w.members}
            found += _exact(layer, [k for k in range(len(rows)) if k not in taken], own)
        chosen = _worthwhile(found, rows, atoms, stem)
        left = [k for k in range(len(rows)) if all(k not in w.units for w in chosen)]
        price = sum(w.price + _TERM for w in chosen) + (_table_cost(left, rows, atoms, stem) + _TERM if left else 0)
        if best is None or price < best[0]:
            best = price, chosen, own
        if way is _exact and not left and len(chosen) == 1:
            break
    assert best is not None
    return best[1], best[2]


def _worthwhile(found: list[Written], table: Sequence[Row], atoms: Atoms, stem: str) -> list[Written]:
    """The families that are cheaper than their rows in the table."""
    rest = set(range(len(table)))
    chosen: list[Written] = []
    while found and rest:
        # What is left in the table gets dearer row by row as rows leave it.
        price = _table_cost(sorted(rest), table, atoms, stem)
        cheap = [w for w in found if w.price * len(rest) <= price * len(w.members) or len(w.members) == len(rest)]
        if not cheap:
            break
        chosen += cheap
        found = [w for w in found if w not in cheap]
        rest -= {u for w in cheap for u in w.members}
    return chosen


def _table_cost(units: Sequence[int], table: Sequence[Row], atoms: Atoms, stem: str) -> int:
    """About the cost of units as a table, next to families that later passes shorten, which they do not do to it."""
    binders = (Binder("u", Literal(0), Literal(len(units))),)
    rows = [table[k] for k in units]
    found = _HANDICAP * total_cost(*table_clauses(stem, binders, rows, atoms, Names(set()), "w"))
    numbers = {t for r in rows for t in np.unique(atoms.tensor_of(r.atoms)).tolist()}
    if len(rows) * sum(prod(atoms.shape[atoms.names[t]]) for t in numbers) > found:
        return int(found)
    constants, statement = clause(stem, binders, rows, atoms, Names(set()), "w")
    return min(int(found), total_cost(constants, [statement]))



def _exact(
    layer: _Layer, units: list[int], names: Names, *, holes: bool = False, biased: bool = True
) -> Iterator[Written]:
    """Families of equal signature, up to the bias or with it."""
    atoms = layer.atoms
    extents = [atoms.shape[n] for n in atoms.names]
    known = [u for u in units if u in layer.familiar]
    for members, classes in signatures(layer.rows, known, atoms, biased=biased, known=layer.classes):
        if not biased and len({layer.rows[u].bias for u in members}) == 1:
            continue
        for family in fit_free(classes, extents, holes=holes):
            row = layer.rows[members[family.first[0]]]
            if len(family.units) == 1 and not _is_short(row, atoms):
                continue
            if holes and None not in family.units:
                continue
            family = centred(family, row, classes_of(row, atoms), atoms)
            row = layer.rows[members[family.first[0]]]
            binders = binders_of(family.lower, family.upper, names)
            placed = tuple(None if u is None else members[u] for u in family.units)
            offset = offset_of([None if u is None else layer.rows[u] for u in placed], binders, names, layer.stem)
            if offset is None:
                continue
            new, value = family_clause(row, family, offset, binders, classes_of(row, atoms), atoms, names, layer.stem)
            silent = _silent(row, family, classes_of(row, atoms), atoms) if holes and biased else ()
            part = Written(placed, new, binders, value, silent)
            if part.gaps <= max(2, len(part.members) // 4):
                yield part


def _silent(row: Row, family: Family, classes: list[UnitClass], atoms: Atoms) -> tuple[int, ...]:
    """Holes where the operands of the family cancel and leave a unit that is always 0."""
    if row.kind not in ("sign", "positive") or row.bias > 0 or (row.kind == "sign" and row.bias):
        return ()
    numbers = atoms.tensor_of(row.atoms)
    counts = tuple(b - a for a, b in zip(family.lower, family.upper, strict=True))
    start = family.first[1]
    found = []
    for hole in (k for k, u in enumerate(family.units) if u is None):
        place = [int(p) + a for p, a in zip(np.unravel_index(hole, counts), family.lower, strict=True)]
        total: Counter[tuple[int, int]] = Counter()
        for cls, anchors in zip(classes, family.anchors, strict=True):
            name = atoms.names[cls.tensor]
            own = row.atoms[(numbers == cls.tensor) & (row.weights == cls.weight)] - atoms.offset[name]
            moved = tuple(
                axis if anchor is None else (axis + anchor(place) - anchor(start)) % anchor.extent
                for axis, anchor in zip(np.unravel_index(own, atoms.shape[name]), anchors, strict=True)
            )
            for flat in np.ravel_multi_index(moved, atoms.shape[name]).tolist() if moved else [0]:
                total[cls.tensor, flat] += cls.weight
        if not any(total.values()):
            found.append(hole)
    return tuple(found)


def _with_holes(layer: _Layer, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature over boxes with a few holes."""
    return _exact(layer, units, names, holes=True)


def _varied(layer: _Layer, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature up to the bias, which depends on the coordinates."""
    return _exact(layer, units, names, biased=False)


def _varied_with_holes(layer: _Layer, units: list[int], names: Names) -> Iterator[Written]:
    """Families of equal signature up to the bias over boxes with a few holes."""
    return _exact(layer, units, names, holes=True, biased=False)


def _mirrored(layer: _Layer, units: list[int], names: Names) -> Iterator[Written]:
    """Signs of differences, each of which is the negation of the unit at mirrored coordinates."""
    count = len(layer.rows)
    odd = [u for u in units if u in layer.familiar and layer.rows[u].kind == "sign" and not layer.rows[u].bias]
    rows = [*layer.rows, *(replace(layer.rows[u], weights=-layer.rows[u].weights) for u in odd)]
    both = _Layer(rows, frozenset([*odd, *range(count, len(rows))]), layer.atoms, layer.stem)
    for part in _exact(both, sorted(both.familiar), names, holes=True):
        place = {u: k for k, u in enumerate(part.units) if u is not None}
        own = [k for k, u in enumerate(odd) if u in place]
        if len(place) != 2 * len(own) or not all(count + k in place for k in own):
            continue
        kept = tuple(u if u is not None and u < count else None for u in part.units)
        yield replace(part, units=kept, mirrors={odd[k]: place[count + k] for k in own})


def _clipped(layer: _Layer, units: list[int], names: Names, *, slopes: bool = False) -> Iterator[Written]:
    """Clipped kernels of one bias."""
    atoms = layer.atoms
    groups: dict[tuple[object, ...], list[tuple[int, Operands]]] = {}
    for u in units:
        row = layer.rows[u]
        read = operands_of(row, atoms)
        if read is not None:
            groups.setdefault(
                (row.kind, row.low, row.high, row.exponent, 0 if slopes else row.bias, read[0]), []
            ).append((u, read[1]))
    for key in sorted(groups, key=repr):
        tensor = str(key[-1])
        members = [u for u, _ in groups[key]]
        operands = [o for _, o in groups[key]]
        for family in fit_clipped(operands, atoms.shape[tensor]):
            placed = tuple(None if k is None else members[k] for k in family.units)
            binders = binders_of([0] * len(family.counts), family.counts, names)
            offset = offset_of([None if u is None else layer.rows[u] for u in placed], binders, names, layer.stem)
            if offset is None:
                continue
            moves = family.move([b.name for b in binders])
            row = layer.rows[members[family.kernel]]
            new, value = clipped_clause(
                row, operands[family.kernel], moves, offset, binders, tensor, atoms.shape[tensor], names, layer.stem
            )
            yield Written(placed, new, binders, value)


def _sloped(layer: _Layer, units: list[int], names: Names) -> Iterator[Written]:
    """Clipped kernels with bounds that depend on the coordinates."""
    return _clipped(layer, units, names, slopes=True)


_WAYS: tuple[Callable[[_Layer, list[int], Names], Iterator[Written]], ...] = (
    _exact,
    _with_holes,
    _varied,
    _varied_with_holes,
    _mirrored,
    _clipped,
    _sloped,
)



def filled(weights: Mapping[int, int], atoms: Atoms, name: str, silent: Sequence[int]) -> dict[int, int]:
    """Weights for elements of a tensor that are always 0, if on an axis they complete all lines that are not empty."""
    span, shape = atoms.slice(name), atoms.shape[name]
    if all(atom not in weights for atom in range(span.start, span.stop)):
        return {}
    kernel = np.array([weights.get(atom, 0) for atom in range(span.start, span.stop)], dtype=object).reshape(shape)
    is_silent = np.zeros(shape, dtype=bool)
    is_silent.flat[list(silent)] = True
    for axis in range(len(shape)):
        found: dict[int, int] = {}
        for element in silent:
            place = [int(p) for p in np.unravel_index(element, shape)]
            line = tuple(slice(None) if k == axis else p for k, p in enumerate(place))
            values = set(kernel[line][~is_silent[line]].tolist())
            if len(values) != 1:
                break
            value = values.pop()
            if value:
                found[span.start + element] = value
        else:
            if found:
                return found
    return {}







def _is_short(row: Row, atoms: Atoms) -> bool:
    """Whether a unit on its own is worth a statement: its weights are few slices."""
    room = 3
    numbers = atoms.tensor_of(row.atoms)
    for number in np.unique(numbers).tolist():
        name = atoms.names[number]
        kernel = np.zeros(atoms.shape[name], dtype=row.weights.dtype)
        mine = numbers == number
        kernel.flat[row.atoms[mine] - atoms.offset[name]] = row.weights[mine]
        pieces = decompose(kernel, room)
        if pieces is None:
            return False
        room -= len(pieces)
    return True


def _kernel_cost(kernel: Constant) -> int:
    pieces = decompose(kernel.values, _PIECES) if kernel.values.dtype == np.int64 else None
    return cost(kernel) if pieces is None else min(cost(kernel), _PIECE * (len(pieces) - 2))
