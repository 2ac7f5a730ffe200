"""What units of a layer look like: what they read, the classes of that, and their signatures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ddcompile.analysis.clipped import Operands
from ddcompile.analysis.cost import cost
from ddcompile.analysis.families import UnitClass, unit_classes
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir.nodes import Binder, Constant, Literal, Statement
from ddcompile.passes.layers import Names

__all__ = ["binders_of", "classes_of", "familiar", "operands_of", "signatures", "total_cost"]


def operands_of(row: Row, atoms: Atoms) -> tuple[str, Operands] | None:
    """The one tensor that a unit reads and what it reads there; None if there are several or it has no axes."""
    numbers = atoms.tensors_of(row.atoms)
    if len(numbers) != 1 or not atoms.shape[atoms.names[numbers[0]]]:
        return None
    name = atoms.names[numbers[0]]
    places = np.unravel_index(row.atoms - atoms.offset[name], atoms.shape[name])
    return name, Operands(np.stack(places, axis=1).astype(np.int64), row.weights)


def classes_of(row: Row, atoms: Atoms) -> list[UnitClass]:
    """The classes of a unit, smallest first; the order depends on weights and shapes only."""
    found: list[UnitClass] = []
    numbers = atoms.tensor_of(row.atoms)
    for number in np.unique(numbers).tolist():
        mine = numbers == number
        extents = atoms.shape[atoms.names[number]]
        local = row.atoms[mine] - atoms.offset[atoms.names[number]]
        if extents:
            positions = np.stack(np.unravel_index(local, extents), axis=1).astype(np.int64)
        else:
            positions = np.zeros((len(local), 0), dtype=np.int64)
        found += unit_classes(positions, row.weights[mine], number, extents)
    return sorted(found, key=lambda c: (c.count, c.tensor, c.weight, c.shape))


def signatures(
    rows: Sequence[Row],
    numbers: list[int],
    atoms: Atoms,
    *,
    biased: bool = True,
    known: dict[int, list[UnitClass]] | None = None,
) -> list[tuple[list[int], list[list[UnitClass]]]]:
    """The numbered units grouped by signature, in an order that does not depend on theirs.

    Parameters
    ----------
    rows, numbers, atoms
        The units.
    biased
        Whether units of a group have one bias.
    known
        Keeps the classes of units, by number, between calls.
    """
    known = {} if known is None else known
    groups: dict[tuple[object, ...], tuple[list[int], list[list[UnitClass]]]] = {}
    for k in numbers:
        if k not in known:
            known[k] = classes_of(rows[k], atoms)
        members, classes = groups.setdefault(_signature(rows[k], known[k], biased=biased), ([], []))
        members.append(k)
        classes.append(known[k])
    return [groups[key] for key in sorted(groups, key=repr)]


def _signature(row: Row, classes: list[UnitClass], *, biased: bool) -> tuple[object, ...]:
    shapes = tuple((c.tensor, c.weight, c.shape, tuple(a is None for a in c.anchors)) for c in classes)
    return (row.kind, row.low, row.high, row.bias if biased else None, row.exponent, shapes)


def familiar(rows: Sequence[Row], few: int) -> list[int]:
    """Rows that may have a family: their weights, up to sign, are those of another row, or few."""
    sizes = [np.sort(np.abs(row.weights)).tolist() for row in rows]
    keys = [(row.kind, tuple(own)) for row, own in zip(rows, sizes, strict=True)]
    seen = Counter(keys)
    return [k for k, (key, own) in enumerate(zip(keys, sizes, strict=True)) if seen[key] > 1 or len(set(own)) <= few]


def binders_of(lower: Sequence[int], upper: Sequence[int], names: Names) -> tuple[Binder, ...]:
    """Binders over a box."""
    bounds = zip(names.indices(len(lower)), lower, upper, strict=True)
    return tuple(Binder(n, Literal(a), Literal(b)) for n, a, b in bounds)


def total_cost(constants: Sequence[Constant], statements: Sequence[Statement]) -> int:
    """What constants and statements cost."""
    return sum(map(cost, constants)) + sum(map(cost, statements))
