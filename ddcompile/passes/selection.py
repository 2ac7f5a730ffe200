"""Numbers over a box as an expression of its coordinates: one of them, chosen by conditions, or a constant table.

For 4 everywhere but at 1, where it is 8::

    if i == 1 then 8 else 4
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.covers import boxes_of
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Compare, Constant, Expr, Index, Literal, Number, Read
from ddcompile.passes.layers import Names, exact_expression

__all__ = ["condition", "is_at", "places_of", "selected"]

_MOST = 8
"""Boxes of exceptions that are told apart by conditions."""

_POINTS = 4096
"""How many exceptions are looked at."""


def selected(
    values: Sequence[int | Fraction | None], binders: Sequence[Binder], names: Names, stem: str
) -> tuple[list[Constant], Expr] | None:
    """The cheapest expression of some numbers, row-major over the box of the binders, and the table it reads.

    Where a number is None any will do. None if a number that a table would have is no literal.
    """
    box = np.array(places_of(binders), dtype=np.int64).reshape(len(values), len(binders))
    counts = Counter(v for v in values if v is not None)
    usual = min(counts, key=lambda v: (-counts[v], abs(v), v))
    filled = [usual if v is None else v for v in values]
    ways: list[tuple[list[Constant], Expr]] = []
    conditional = _conditional(filled, usual, box, binders)
    if conditional is not None:
        ways.append(([], conditional))
    if len(counts) > 1 and all(builder.has_literal(v) for v in counts):
        ways.append(_table(filled, binders, names, stem))
    return min(ways, key=lambda way: sum(map(cost, way[0])) + cost(way[1]), default=None)


def places_of(binders: Sequence[Binder]) -> list[tuple[int, ...]]:
    """The points of a box, row-major."""
    lower = [b.lower.value for b in binders]  # type: ignore[attr-defined]
    counts = [b.upper.value - a for b, a in zip(binders, lower, strict=True)]  # type: ignore[attr-defined]
    return [tuple(a + k for a, k in zip(lower, point, strict=True)) for point in np.ndindex(*counts)]


def is_at(place: Sequence[int], binders: Sequence[Binder]) -> Expr:
    """Whether the indices are at a place."""
    return condition(place, [p + 1 for p in place], binders)


def condition(low: Sequence[int], high: Sequence[int], binders: Sequence[Binder]) -> Expr:
    """Whether the indices lie in a box, which lies in theirs."""
    return builder.conj(*_conditions(low, high, binders))


def _conditions(low: Sequence[int], high: Sequence[int], binders: Sequence[Binder]) -> Iterator[Expr]:
    for start, stop, binder in zip(low, high, binders, strict=True):
        index = Index(binder.name)
        first, last = binder.lower == Literal(start), binder.upper == Literal(stop)
        match first, last:
            case True, True:
                continue
            case _ if stop == start + 1:
                yield builder.compare("==", index, start)
            case True, False:
                yield builder.compare("<", index, stop)
            case False, True:
                yield builder.compare(">=", index, start)
            case _:
                yield Compare(("<=", "<"), (Literal(start), index, Literal(stop)))


def _conditional(
    values: Sequence[int | Fraction], usual: int | Fraction, box: np.ndarray, binders: Sequence[Binder]
) -> Expr | None:
    """The usual number, but others in a few boxes; None if these are many."""
    odd: dict[int | Fraction, list[int]] = {}
    for k, value in enumerate(values):
        if value != usual:
            odd.setdefault(value, []).append(k)
    if sum(map(len, odd.values())) > _POINTS:
        return None
    result = exact_expression(usual)
    room = _MOST
    for value, members in sorted(odd.items(), key=lambda item: item[1], reverse=True):
        boxes = boxes_of(box, np.array(members))
        room -= len(boxes)
        if room < 0:
            return None
        where = builder.disj(*(condition(low.tolist(), high.tolist(), binders) for low, high, _ in boxes))
        result = builder.conditional(where, exact_expression(value), result)
    return result


def _table(values: Sequence[Number], binders: Sequence[Binder], names: Names, stem: str) -> tuple[list[Constant], Expr]:
    """A constant over the coordinates on which the numbers depend."""
    shape = [b.upper.value - b.lower.value for b in binders]  # type: ignore[attr-defined]
    table = np.empty(len(values), dtype=object)
    table[:] = values
    table = table.reshape(shape)
    kept = []
    for axis, binder in enumerate(binders):
        if (table == table.take([0], axis=axis)).all():
            table = table.take([0], axis=axis)
        else:
            kept.append(builder.sub(Index(binder.name), binder.lower))
    table = table.reshape([n for n in table.shape if n > 1])
    constant = Constant.of(names(stem), table)
    return [constant], Read(constant.name, tuple(kept))
