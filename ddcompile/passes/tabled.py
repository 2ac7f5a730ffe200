"""Write tabulated units as clauses: a statement for every sum of inputs that an expression takes, and the expression.

Sums are affine units over tables of weights, one for every element of the tensor, so that later passes find their
slices and the families among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.cones import Table
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Read, Statement
from ddcompile.ir.traverse import children, with_children
from ddcompile.passes.layers import Names, clause
from ddcompile.passes.selection import places_of

__all__ = ["Template", "clauses", "element_at", "elements", "placeholders"]

_FEW = 2
"""Elements up to so many stay in the expression; the sum of more gets a statement."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """An expression over the sums of a table, and the constant tables that it looks up."""

    value: Expr
    inputs: Sequence[Expr]
    """The texts of the sums."""
    lookups: Mapping[str, np.ndarray]


def placeholders(table: Table) -> list[Expr]:
    """A name for every sum of a table."""
    return [Read(f"${k}") for k in range(len(table.classes))]


def elements(table: Table, atoms: Atoms) -> list[Expr]:
    """For every sum of a table the element that it is, or a name."""
    names = placeholders(table)
    return [
        element_at(members[0][0], atoms) if len(members) == 1 else name
        for members, name in zip(table.classes, names, strict=True)
    ]


def element_at(atom: int, atoms: Atoms) -> Read:
    """The text of an element by its number."""
    name, place = atoms.place_of(atom)
    return Read(name, tuple(map(Literal, place)))


def clauses(
    target: str,
    positions: tuple[Binder | Expr, ...],
    template: Template,
    tables: Sequence[Table],
    atoms: Atoms,
    names: Names,
) -> tuple[list[Statement], list[Constant]]:
    """The clause of elements that have one expression, after those of its sums.

    Parameters
    ----------
    target, positions
        The tensor and the elements.
    template
        The expression of the elements.
    tables
        Of each element, the sums that the expression is over.
    """
    binders = tuple(p for p in positions if isinstance(p, Binder))
    starts = [b.lower.value for b in binders]  # type: ignore[attr-defined]
    own = tuple(builder.binder(b.name, builder.sub(b.upper, low)) for b, low in zip(binders, starts, strict=True))
    places = tuple(builder.sub(Index(b.name), low) for b, low in zip(binders, starts, strict=True))
    constants = [
        Constant.of(name, t, "bit" if {0, 1}.issuperset(t.flat) else None) for name, t in template.lookups.items()
    ]
    statements: list[Statement] = []
    number = {text: k for k, text in enumerate(template.inputs)}
    sums: dict[object, Expr] = {}

    def written(node: Expr) -> Expr | None:
        form = integer_terms(node)
        if form is None or not form[0] or not form[0].keys() <= number.keys():
            return None
        terms, constant = form
        found = tuple(sorted((number[x], c) for x, c in terms.items()))
        if not binders and sum(len(tables[0].classes[k]) for k, _ in found) <= _FEW:
            return _sum(found, tables[0], constant, atoms)
        if found not in sums and node in number and binders:
            moving = _moving(tables, number[node], binders, atoms)
            if moving is not None:
                sums[found] = moving
        if found not in sums:
            # An operand of `and` must be a bit, also by its type.
            is_bit = node in number and all(_is_bit(t, number[node]) for t in tables)
            parts: list[Expr] = []
            for rows in _by_tensor([_row(found, t, is_bit) for t in tables], atoms):
                name = names(f"{'bit' if is_bit else 'sum'}_of_{target}")
                parts.append(Read(name, places))
                new, statement = clause(name, own, rows, atoms, names, name)
                constants.extend(new)
                statements.append(statement)
            sums[found] = builder.add_all(parts)
        return builder.add(sums[found], constant)

    value = _outermost(template.value, written)
    return [*statements, Statement(target, positions, value)], constants


def _moving(tables: Sequence[Table], number: int, binders: Sequence[Binder], atoms: Atoms) -> Read | None:
    """What each of some elements reads, if that is one element whose position moves evenly with theirs, or a pad."""
    members = [t.classes[number] for t in tables]
    pads = {t.offsets[number] for t, own in zip(tables, members, strict=True) if not own}
    if len(pads) > 1 or any(len(own) > 1 or (own and own[0][1] != 1) for own in members):
        return None
    if not pads <= {0, 1} and all(_is_bit(t, number) for t in tables):
        return None
    places = np.array(places_of(binders))
    there = np.array([bool(own) for own in members])
    reads = [element_at(own[0][0], atoms) for own in members if own]
    if len({r.tensor for r in reads}) != 1 or not reads[0].positions:
        return None
    read = np.array([[p.value for p in r.positions if isinstance(p, Literal)] for r in reads])
    extents = np.array(atoms.shape[reads[0].tensor])
    lines = _lines(places, read, there, extents)
    wraps = np.zeros(len(extents), dtype=bool)
    if lines is None and there.all():
        lines = _lines_around(places, read, extents)
        if lines is not None:
            wraps = (places @ lines[1:] + lines[0] != read).any(axis=0)
    if lines is None:
        return None
    positions = (
        Affine.of(int(c), {b.name: int(v) for b, v in zip(binders, slopes, strict=True)}).to_expr()
        for c, slopes in zip(lines[0], lines[1:].T, strict=True)
    )
    around = (
        builder.mod(p, extent) if is_around else p
        for p, extent, is_around in zip(positions, extents.tolist(), wraps, strict=True)
    )
    return Read(reads[0].tensor, tuple(around), *(Literal(pad) for pad in pads))


def _lines(places: np.ndarray, read: np.ndarray, there: np.ndarray, extents: np.ndarray) -> np.ndarray | None:
    """Constants and slopes of the positions that are read; outside of the tensor, nothing is."""
    system = np.concatenate([np.ones((len(places), 1), dtype=np.int64), places - places.min(axis=0)], axis=1)
    lines = np.rint(np.linalg.lstsq(system[there].astype(float), read.astype(float), rcond=None)[0]).astype(np.int64)
    lines[0] -= places.min(axis=0) @ lines[1:]
    found = places @ lines[1:] + lines[0]
    is_inside = ((found >= 0) & (found < extents)).all(axis=1)
    return None if (found[there] != read).any() or (is_inside != there).any() else lines


def _lines_around(places: np.ndarray, read: np.ndarray, extents: np.ndarray) -> np.ndarray | None:
    """Constants and slopes of the positions that are read, modulo the extents; the least ones."""
    where = {place: k for k, place in enumerate(map(tuple, places.tolist()))}
    first = places[0]
    slopes = []
    for axis in range(places.shape[1]):
        beside = where.get(tuple((first + (np.arange(len(first)) == axis)).tolist()))
        slopes.append(np.zeros_like(extents) if beside is None else _least(read[beside] - read[0], extents))
    lines = np.array([np.zeros_like(extents), *slopes])
    lines[0] = _least(read[0] - first @ lines[1:], extents)
    return None if ((places @ lines[1:] + lines[0] - read) % extents).any() else lines


def _least(numbers: np.ndarray, extents: np.ndarray) -> np.ndarray:
    """Numbers of the least size that are the same modulo the extents."""
    half = (extents - 1) // 2
    return np.asarray((numbers + half) % extents - half)


def _sum(terms: Sequence[tuple[int, int]], table: Table, constant: int, atoms: Atoms) -> Expr:
    """Multiples of a table's sums, element by element; positive ones first."""
    parts = sorted(((c * sign, atom) for k, c in terms for atom, sign in table.classes[k]), key=lambda p: p[0] < 0)
    return builder.add(builder.add_all(builder.mul(c, element_at(atom, atoms)) for c, atom in parts), constant)


def _is_bit(table: Table, number: int) -> bool:
    return len(table.classes[number]) <= 1 and table.ranges[number] == range(2)


def _row(terms: Sequence[tuple[int, int]], table: Table, is_bit: bool) -> Row:
    """The affine unit that is a sum of multiples of a table's sums, or the unit that is one of them, a bit."""
    weights = {atom: c * sign for k, c in terms for atom, sign in table.classes[k]}
    atoms = np.array(sorted(weights), dtype=np.int64)
    values = np.array([weights[a] for a in atoms.tolist()], dtype=np.int64)
    bias = sum(c * table.offsets[k] for k, c in terms) if table.offsets else 0
    return Row("positive" if is_bit else "affine", atoms, values, bias)


def _by_tensor(rows: Sequence[Row], atoms: Atoms) -> list[list[Row]]:
    """The rows as sums of rows that read one tensor each, for which families are easier to find."""
    numbers = sorted({t for row in rows for t in atoms.tensors_of(row.atoms)})
    if len(numbers) < 2 or rows[0].kind != "affine":
        return [list(rows)]
    found = []
    for number in numbers:
        read = [atoms.tensor_of(row.atoms) == number for row in rows]
        found.append(
            [
                replace(r, atoms=r.atoms[own], weights=r.weights[own], bias=r.bias if number == numbers[0] else 0)
                for r, own in zip(rows, read, strict=True)
            ]
        )
    return found


def _outermost(expr: Expr, step: Callable[[Expr], Expr | None]) -> Expr:
    """Replace the outermost nodes for which `step` gives another."""
    results: list[Expr] = []
    stack = [(expr, False)]
    while stack:
        node, done = stack.pop()
        if done:
            count = len(children(node))
            kids = tuple(results[len(results) - count :])
            del results[len(results) - count :]
            results.append(with_children(node, kids))
            continue
        found = step(node)
        if found is not None:
            results.append(found)
        elif children(node):
            stack.append((node, True))
            stack += [(kid, False) for kid in reversed(children(node))]
        else:
            results.append(node)
    return results[0]
