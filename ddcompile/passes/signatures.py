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
from ddcompile.analysis.slices import decompose
from ddcompile.ir.nodes import Binder, Call, Compare, Constant, Expr, Literal, Reduce, Statement, Unary
from ddcompile.ir.traverse import children, free_indices, postorder, reads
from ddcompile.passes.layers import Names

__all__ = [
    "binders_of",
    "classes_of",
    "familiar",
    "later_cost",
    "operands_by_tensor",
    "operands_of",
    "signatures",
    "total_cost",
]

_MOST_KERNELS = 8
"""Kernels of which slices are looked for."""
_NAMED = 3
"""About what it costs to name a unit."""
_PIECES, _PIECE = 4, 8
"""Slices that a kernel may become, and about what one costs; two cost what the sum over the kernel does."""


def operands_of(row: Row, atoms: Atoms) -> tuple[str, Operands] | None:
    """The one tensor that a unit reads and what it reads there; None if there are several or it has no axes."""
    found = operands_by_tensor(row, atoms) if len(atoms.tensors_of(row.atoms)) == 1 else []
    return found[0] if found and atoms.shape[found[0][0]] else None


def operands_by_tensor(row: Row, atoms: Atoms) -> list[tuple[str, Operands]]:
    """The tensors that a unit reads, in their order, and what it reads of each."""
    found = []
    numbers = atoms.tensor_of(row.atoms)
    for number in np.unique(numbers).tolist():
        name = atoms.names[number]
        mine = numbers == number
        found.append(
            (name, Operands(_positions(row.atoms[mine] - atoms.offset[name], atoms.shape[name]), row.weights[mine]))
        )
    return found


def _positions(elements: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if not shape:
        return np.zeros((len(elements), 0), dtype=np.int64)
    return np.stack(np.unravel_index(elements, shape), axis=1).astype(np.int64)


def classes_of(row: Row, atoms: Atoms) -> list[UnitClass]:
    """The classes of a unit, smallest first; the order depends on weights and shapes only."""
    found: list[UnitClass] = []
    for name, own in operands_by_tensor(row, atoms):
        found += unit_classes(own.positions, own.weights, atoms.names.index(name), atoms.shape[name])
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


def later_cost(constants: Sequence[Constant], statements: Sequence[Statement]) -> int:
    """About what they cost once repeats have names and kernels that are few slices are written so, if not many."""
    kernels: set[str] = set()
    for statement in statements:
        own = {b.name for b in statement.binders}
        sums = (n.body for n in postorder(statement.value) if isinstance(n, Reduce))
        kernels |= {r.tensor for body in sums for r in reads(body) if own.isdisjoint(free_indices(r))}
    if len(kernels) > _MOST_KERNELS:
        return total_cost(constants, statements)
    tables = sum(_kernel_cost(c) if c.name in kernels else cost(c) for c in constants)
    return tables + sum(cost(s) - _repeated(s.value) for s in statements)


def _repeated(value: Expr) -> int:
    """About what is saved where units that do not depend on coordinates get a name, if there are several the same."""
    seen: Counter[Expr] = Counter()
    stack = [value]
    while stack:
        match stack.pop():
            case Compare() | Unary("sign" | "abs") | Call() as node if not free_indices(node):
                seen[node] += 1
            case node:
                stack += children(node)
    return sum(max(0, (count - 1) * (cost(node) - 1) - _NAMED) for node, count in seen.items() if count > 1)


def _kernel_cost(kernel: Constant) -> int:
    pieces = decompose(kernel.values, _PIECES) if kernel.values.dtype == np.int64 else None
    return cost(kernel) if pieces is None else min(cost(kernel), _PIECE * (len(pieces) - 2))
