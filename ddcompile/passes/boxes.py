"""Ways to write a tensor whose elements stay where they are as clauses over boxes of its positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np

from ddcompile.analysis.clipped import Operands, fit_clipped_at
from ddcompile.analysis.covers import boxes_of
from ddcompile.analysis.families import Family, UnitClass, fit_fixed, fit_most
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.slices import decompose
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Constant, Expr, Statement
from ddcompile.passes.clipping import clipped_clause, clipped_weights
from ddcompile.passes.exceptions import with_exceptions
from ddcompile.passes.layers import Names
from ddcompile.passes.moving import family_clause, moved_weights
from ddcompile.passes.offsets import Offset, offset_of
from ddcompile.passes.pointing import pointed_clause
from ddcompile.passes.selection import places_of
from ddcompile.passes.signatures import binders_of, classes_of, familiar, later_cost, operands_of, signatures

__all__ = ["box_clauses"]

_SHARE = 4
"""Of so many units of a family one may be another."""

_Clauses = tuple[list[Constant], list[Statement]]

_MANY, _SAMPLE, _SLICES = 64, 8, 3
"""Rows from which on some of them speak for all, how many do, and what a few slices are."""

_WAYS = ("exact", "varied", "clipped", "mostly", "mostly clipped", "pointed")


def box_clauses(
    target: str, rows: Sequence[Row], shape: tuple[int, ...], few: int, atoms: Atoms, names: Names
) -> tuple[list[Constant], list[Statement], Names] | None:
    """The constants and clauses of the cheapest boxes, and the names taken; None if some row looks like no other."""
    known = familiar(rows, few)
    if not shape or len(known) != len(rows):
        return None
    coordinates = np.array(list(np.ndindex(*shape)), dtype=np.int64).reshape(len(rows), len(shape))
    best: tuple[list[Constant], list[Statement], Names] | None = None
    units = list(range(len(rows)))
    for way in ("clipped",) if _are_strange(rows, atoms) else _WAYS:
        own = names.copy()
        if "clipped" in way:
            found = _clipped(target, rows, coordinates, atoms, own, mostly="mostly" in way)
        elif way == "pointed":
            found = pointed_clause(target, rows, coordinates, shape, atoms, own)
        elif way == "mostly":
            found = _mostly(target, rows, coordinates, atoms, own)
        else:
            found = _exact(target, rows, units, coordinates, atoms, own, biased=way == "exact")
        if found is not None and (best is None or later_cost(*found) < later_cost(*best[:2])):
            best = *found, own
        if best is not None and len(best[1]) == 1:
            break
    return best


def _are_strange(rows: Sequence[Row], atoms: Atoms) -> bool:
    """Whether of many rows no two are alike, and none of some that are looked at is a few slices."""
    if len(rows) <= _MANY or len(signatures(rows, list(range(len(rows))), atoms, biased=False)) < len(rows):
        return False
    sample = sorted(rows, key=lambda r: (r.bias, r.atoms.tolist(), r.weights.tolist()))[:: len(rows) // _SAMPLE]
    return not any(_is_short(row, atoms) for row in sample)


def _is_short(row: Row, atoms: Atoms) -> bool:
    """Whether the operands in each tensor are a few slices."""
    for tensor in atoms.names:
        mine = (row.atoms >= atoms.slice(tensor).start) & (row.atoms < atoms.slice(tensor).stop)
        if mine.any():
            kernel = np.zeros(atoms.shape[tensor], dtype=row.weights.dtype)
            kernel.flat[row.atoms[mine] - atoms.offset[tensor]] = row.weights[mine]
            if decompose(kernel, _SLICES) is None:
                return False
    return True


def _exact(
    target: str,
    rows: Sequence[Row],
    units: list[int],
    coordinates: np.ndarray,
    atoms: Atoms,
    names: Names,
    *,
    biased: bool = True,
) -> _Clauses | None:
    """Families of equal signature, up to the bias or with it; None if a bias cannot be written."""
    extents = [atoms.shape[n] for n in atoms.names]
    families = [
        (members, family)
        for members, classes in signatures(rows, units, atoms, biased=biased)
        for family in fit_fixed(classes, extents, coordinates[members])
    ]
    constants: list[Constant] = []
    statements = []
    for members, family in sorted(families, key=lambda f: f[1].lower):
        binders = binders_of(family.lower, family.upper, names)
        row = rows[members[family.first[0]]]
        placed = [None if u is None else rows[members[u]] for u in family.units]
        offset = offset_of(placed, binders, names, target)
        if offset is None:
            return None
        new, value = family_clause(row, family, offset, binders, classes_of(row, atoms), atoms, names, target)
        constants += new
        statements.append(Statement(target, _positions(binders), value))
    return constants, statements


def _mostly(target: str, rows: Sequence[Row], coordinates: np.ndarray, atoms: Atoms, names: Names) -> _Clauses | None:
    """Families of equal signature up to the bias, some of whose units are others, and families of the other rows."""
    extents = [atoms.shape[n] for n in atoms.names]
    number = {tuple(c): k for k, c in enumerate(coordinates.tolist())}
    rest = set(range(len(rows)))
    constants: list[Constant] = []
    statements: list[Statement] = []
    for members, classes in sorted(signatures(rows, sorted(rest), atoms, biased=False), key=lambda g: -len(g[0])):
        family = fit_most(classes, extents, coordinates[members]) if rest.issuperset(members) else None
        if family is None:
            continue
        binders = binders_of(family.lower, family.upper, names)
        inside = [number[place] for place in places_of(binders)]
        odd = [k for k, u in enumerate(family.units) if u is None]
        if not odd or len(odd) * _SHARE > len(inside) or not rest.issuperset(inside):
            continue
        first = rows[members[family.first[0]]]
        shapes = classes_of(first, atoms)
        build = partial(_family, first, family, binders, shapes, atoms, names, target)
        moved = partial(moved_weights, first, family, shapes, atoms)
        made = with_exceptions([rows[k] for k in inside], odd, binders, build, moved, atoms, names, target)
        if made is None:
            return None
        constants += made[0]
        statements.append(Statement(target, _positions(binders), made[1]))
        rest.difference_update(inside)
    if not statements:
        return None
    others = _exact(target, rows, sorted(rest), coordinates, atoms, names)
    return None if others is None else (constants + others[0], statements + others[1])


def _family(
    row: Row,
    family: Family,
    binders: tuple[Binder, ...],
    classes: list[UnitClass],
    atoms: Atoms,
    names: Names,
    target: str,
    offset: Offset,
    extra: Expr,
) -> tuple[list[Constant], Expr]:
    return family_clause(row, family, offset, binders, classes, atoms, names, target, extra)


def _positions(binders: Sequence[Binder]) -> tuple[Binder | Expr, ...]:
    """The positions of a box of results; a range of one is written as a constant."""
    return tuple(b.lower if _is_point(b) else b for b in binders)


def _is_point(binder: Binder) -> bool:
    return binder.upper == builder.add(binder.lower, 1)


def _clipped(
    target: str,
    rows: Sequence[Row],
    coordinates: np.ndarray,
    atoms: Atoms,
    names: Names,
    *,
    mostly: bool = False,
) -> _Clauses | None:
    """One clipped kernel, and families of equal signature for the other rows; None if the kernel does not go round.

    If it has `mostly` its units over a box, the clause is over this box, and the others are exceptions.
    """
    read = [operands_of(row, atoms) for row in rows]
    tensors = Counter(r[0] for r in read if r is not None)
    if not tensors or len({(r.kind, r.low, r.high, r.exponent) for r in rows}) != 1:
        return None
    tensor = min(tensors, key=lambda name: (-tensors[name], atoms.names.index(name)))
    if tensors[tensor] < sum(len(row.atoms) > 0 for row in rows) and not mostly:
        return None
    present = [k for k, r in enumerate(read) if r is not None and r[0] == tensor]
    operands = [r[1] for r in read if r is not None and r[0] == tensor]
    fit = fit_clipped_at(operands, atoms.shape[tensor], coordinates[present])
    if fit is None or len(fit.members) < 2:
        return None
    members = [present[k] for k in fit.members]
    boxes = boxes_of(coordinates, np.array(members))
    if mostly:
        low, high = coordinates[members].min(axis=0), coordinates[members].max(axis=0) + 1
        inside = np.flatnonzero(((coordinates >= low) & (coordinates < high)).all(axis=1))
        if len(inside) - len(members) not in range(1, len(inside) // _SHARE + 1):
            return None
        boxes = [(low, high, inside)]
    constants: list[Constant] = []
    statements: list[Statement] = []
    for low, high, inside in boxes:
        binders = binders_of(low.tolist(), high.tolist(), names)
        clip = partial(_clip, rows[members[0]], fit.kernel, fit.moves, fit.rings, binders, tensor, atoms, names, target)
        moved = partial(clipped_weights, fit.kernel, fit.moves, fit.rings, tensor, atoms)
        odd = [k for k, unit in enumerate(inside.tolist()) if unit not in members]
        made = with_exceptions([rows[k] for k in inside.tolist()], odd, binders, clip, moved, atoms, names, target)
        if made is None:
            return None
        constants += made[0]
        statements.append(Statement(target, _positions(binders), made[1]))
    rest = sorted(set(range(len(rows))).difference(*(inside.tolist() for _, _, inside in boxes)))
    others = _exact(target, rows, rest, coordinates, atoms, names)
    return None if others is None else (constants + others[0], statements + others[1])


def _clip(
    row: Row,
    kernel: Operands,
    moves: Sequence[tuple[int, tuple[int, ...]]],
    rings: Sequence[int],
    binders: Sequence[Binder],
    tensor: str,
    atoms: Atoms,
    names: Names,
    target: str,
    offset: Offset,
    extra: Expr,
) -> tuple[list[Constant], Expr]:
    """The clause of a clipped kernel over a box; indices of one value are that."""
    points = {b.name: affine_of(b.lower) or Affine.of(0) for b in binders if _is_point(b)}
    own = [
        Affine.of(constant, dict(zip([b.name for b in binders], slopes, strict=True))).substitute(points)
        for constant, slopes in moves
    ]
    free = tuple(b for b in binders if not _is_point(b))
    return clipped_clause(row, kernel, own, offset, free, tensor, atoms.shape[tensor], rings, names, target, extra)
