"""The shortest expression with the table of a value, over the few bits and small numbers that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

import numpy as np

from ddcompile.analysis.boolean import least_expression
from ddcompile.analysis.cost import cost
from ddcompile.analysis.counts import MOST_ROWS, least_of_counts, of_used_inputs
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.evaluate import evaluated
from ddcompile.ir import builder
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binary, Binding, Compare, Expr, Index, Literal, Number, Read, Reduce, Unary
from ddcompile.ir.printer import print_expression
from ddcompile.ir.ranges import make
from ddcompile.ir.traverse import children, postorder, reads, rewrite
from ddcompile.ir.types import Types

__all__ = ["ANY", "have_same_table", "least", "least_alone"]

ANY = 1 << 30
"""A limit that no cost reaches."""
_ALONE = 10
"""How many inputs an expression for one element may have."""
_FUNCTIONS = 40
"""How many functions are looked at for one of them."""
_SMALL = 32
"""How many values a number has at most that is an input; comparisons of others are inputs."""
_ROWS = 1 << 10
"""How many combinations of their values."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tabled:
    """The inputs that matter, what they may be, and 0 or 1 for all combinations: an axis for each input."""

    inputs: list[Expr]
    ranges: list[range]
    table: np.ndarray


def least(value: Expr, types: Types, limit: int, inputs: int, *, nested: bool = True) -> Expr | None:
    """The cheapest expression with the table of `value`, if it reads few bits, or few integers of small range.

    It has sums of inputs alone, if not `nested`.
    """
    found = _tabled(value, types, inputs, MOST_ROWS)
    if found is None:
        return None
    if all(r == range(2) for r in found.ranges):
        number = sum(1 << k for k in np.flatnonzero(found.table.T.ravel()).tolist())
        return least_expression(number, found.inputs, [cost(a) for a in found.inputs], limit, nested=nested)
    return _counted(tuple(found.ranges), found.table.tobytes(), tuple(found.inputs), limit)


def least_alone(value: Expr, types: Types, limit: int) -> Expr | None:
    """A short expression with the table of `value`, which is one element's: it may read more than those of families.

    Comparisons of what has no small range, and sums over many terms, are inputs of their own::

        (block[2, 2] >= 3) + (block[2, 2] >= 1) > (block[2, 2] >= 4) + (score >= 8)

    is `if score >= 8 then block[2, 2] == 3 else block[2, 2] >= 1`. Inputs count as independent of one another, which
    proves more than is needed.
    """
    meant: dict[Read, Expr] = {}
    bit = make(0, 1)

    def step(node: Expr) -> Expr:
        if isinstance(node, Compare) or (isinstance(node, Reduce) and node.op in ("any", "all")):
            is_plain = not any(isinstance(n, Binding) for n in postorder(node))
            if not is_plain or any(r.tensor in types.tensor and not _is_small(r, types) for r in reads(node)):
                name = Read(f"?{len(meant)}")
                meant[name] = rewrite(node, lambda n: meant.get(n, n) if isinstance(n, Read) else n)
                return next(known for known, own in meant.items() if own == meant[name])
        return node

    known = rewrite(value, step)
    tensors = {**types.tensor, **{name.tensor: bit for name in meant}}
    found = _tabled(known, replace(types, tensor=tensors), _ALONE, _ROWS)
    if found is None:
        return None
    short = _searched(tuple(found.ranges), found.table.tobytes(), tuple(found.inputs), limit)
    if short is None:
        return None
    return rewrite(short, lambda node: _with_meaning(node, meant))


def have_same_table(first: Expr, second: Expr, types: Types) -> bool:
    """Whether two values are the same bit for all they read, as far as that is few bits, or few small integers.

    Where they read more, comparisons count as bits of their own, independent of one another.
    """
    if _are_alike(_tabled(first, types, _ALONE, _ROWS), _tabled(second, types, _ALONE, _ROWS)):
        return True
    meant: dict[Expr, Read] = {}
    bit = make(0, 1)

    def step(node: Expr) -> Expr:
        if not isinstance(node, Compare) or len(node.ops) > 1:
            return node
        name = meant.get(node) or meant.get(builder.negate(node))
        if name is None:
            name = meant[node] = Read(f"?{len(meant)}")
        return name if node in meant else builder.negate(name)

    sides = [rewrite(side, step) for side in (first, second)]
    tensors = {**types.tensor, **{name.tensor: bit for name in meant.values()}}
    known = replace(types, tensor=tensors)
    return bool(meant) and _are_alike(*(_tabled(side, known, _ALONE, _ROWS) for side in sides))


def _are_alike(first: _Tabled | None, second: _Tabled | None) -> bool:
    if first is None or second is None or first.inputs != second.inputs or first.ranges != second.ranges:
        return False
    return np.array_equal(first.table, second.table)


def _is_small(atom: Read, types: Types) -> bool:
    found = _values(atom, types)
    return found is not None and len(found) <= _SMALL


def _with_meaning(node: Expr, meant: Mapping[Read, Expr]) -> Expr:
    match node:
        case Unary("not", Compare((_,), _) as inner):
            return builder.negate(inner)
        case Read() if node in meant:
            return meant[node]
    return node


@lru_cache(maxsize=1 << 10)
def _searched(ranges: tuple[range, ...], table: bytes, inputs: tuple[Expr, ...], limit: int) -> Expr | None:
    """The expression that is found for a table; None if there is none that does not look anything up."""
    search = Search(functions=_FUNCTIONS)
    found = search.least(ranges, _unpacked(table, ranges), inputs, limit)
    return None if found is None or search.used(found) else found


@lru_cache(maxsize=1 << 10)
def _counted(ranges: tuple[range, ...], table: bytes, inputs: tuple[Expr, ...], limit: int) -> Expr | None:
    """See `least_of_counts`."""
    return least_of_counts(ranges, _unpacked(table, ranges), inputs, limit)


def _unpacked(table: bytes, ranges: Sequence[range]) -> np.ndarray:
    return np.frombuffer(table, dtype=np.int8).reshape([len(r) for r in ranges])


def _tabled(value: Expr, types: Types, inputs: int, rows: int) -> _Tabled | None:
    """The table of a value; None if it is no bit, or reads too much."""
    atoms = list(dict.fromkeys(reads(value)))
    if not 0 < len(atoms) <= inputs:
        return None
    atoms.sort(key=lambda atom: _place(atom, types))
    ranges = [r for atom in atoms if (r := _values(atom, types)) is not None]
    shape = [len(r) for r in ranges]
    if len(ranges) < len(atoms) or not 0 < prod(shape) <= rows:
        return None
    if any(isinstance(n, Index) for n in _outside(value)) or any(isinstance(n, Binding) for n in postorder(value)):
        return None
    axes = np.meshgrid(*(np.array(r, dtype=object) for r in ranges), indexing="ij")
    result = evaluated(value, dict(zip(atoms, axes, strict=True)), np.zeros(shape, dtype=object))
    if not ((result == 0) | (result == 1)).all():
        return None
    table, used = of_used_inputs(np.asarray(result, dtype=np.int8))
    return _Tabled([atoms[k] for k in used], [ranges[k] for k in used], table)


def _values(atom: Read, types: Types) -> range | None:
    """The values of a read of exact integers of small range, at positions that are no reads."""
    kind = types.tensor.get(atom.tensor)
    if kind is None or kind.kind not in ("bit", "int") or any(True for p in atom.positions for _ in reads(p)):
        return None
    if kind.exponent or kind.low is None or kind.high is None or kind.high - kind.low >= MOST_ROWS:
        return None
    found = range(int(kind.low), int(kind.high) + 1)
    inside = atom.pad is None or (isinstance(atom.pad, Literal) and atom.pad.value in found)
    return found if inside else None


def _place(atom: Read, types: Types) -> tuple[int, list[tuple[Number, str]]]:
    """The order of operands: by tensors as they are declared, then by offsets, so that shuffles give one text."""
    places: list[tuple[Number, str]] = []
    for position in atom.positions:
        form = affine_of(position.left if isinstance(position, Binary) and position.op == "%" else position)
        places.append((0 if form is None else form.constant, print_expression(position)))
    return list(types.tensor).index(atom.tensor), places


def _outside(value: Expr) -> list[Expr]:
    """Nodes of an expression that are not inside positions of reads."""
    found, work = [], [value]
    while work:
        node = work.pop()
        found.append(node)
        if not isinstance(node, Read):
            work += children(node)
    return found
