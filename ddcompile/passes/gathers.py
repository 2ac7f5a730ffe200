"""Sums of few operands as loops over constant tables that say which elements are read.

Before::

    y[u < 3] = sign(sum(i < 9: weight[u, i] * x[i]))     # two or three weights of a row are 1 or -1, the others 0

After one of these, whichever costs least::

    y[u < 3] = sign(sum(j < 2: x[at[u, j]]) - x[less[u]])                          # as many operands in each row
    y[u < 3] = sign(sum(j < 2: pad(x, 0)[at[u, j]]) - pad(x, 0)[less[u]])          # fewer are filled up with -1
    y[u < 3] = sign(sum(start[u] <= j < start[u + 1]: x[at[j]]) - x[less[u]])      # rows one after another
    y[u < 3] = sign(sum(j < 3: weight[u, j] * x[at[u, j]]))                        # weights in a table

One sum for every weight, one for each sign that repeats operands by their weights, or one with all weights. A tensor
with several axes is read through a table for each, or row-major through a tensor of its own. What reads more than half
of a tensor stays a table of weights: it is no shorter to speak of, and faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial, reduce
from math import gcd, prod

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.runs import affine_runs, entries_of, peeled_runs
from ddcompile.analysis.slices import decompose
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Constant, Expr, Index, Literal, Number, Read, Statement
from ddcompile.passes.layers import Names, Table, double_parts, exact_expression

__all__ = ["table_clauses"]

_MOST_SUMS = 8
"""Sums for one tensor at most, one for every weight."""


_MOST_SLICES = 8
"""Slices that the operands of one unit may be."""


@dataclass(frozen=True, slots=True)
class _Text:
    """Part of a clause with what it takes."""

    constants: list[Constant]
    before: list[Statement]
    term: Expr

    @property
    def price(self) -> int:
        return sum(map(cost, self.constants)) + sum(map(cost, self.before)) + cost(self.term)

    def and_(self, other: _Text) -> _Text:
        """The sum of both."""
        term = builder.add(self.term, other.term)
        return _Text([*self.constants, *other.constants], [*self.before, *other.before], term)


_NOTHING = _Text([], [], Literal(0))


@dataclass(frozen=True, slots=True)
class _Sum:
    """Operands that are added up by one loop: by row, their places, and their weights if these come from a table."""

    coefficient: Number
    places: list[np.ndarray]
    weights: list[np.ndarray] | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """What is read: a tensor, the extents by which places in it are numbered, and what defines it, if it is new."""

    tensor: str
    extents: tuple[int, ...]
    before: tuple[Statement, ...] = ()

    def tables(self, places: np.ndarray) -> list[np.ndarray]:
        """Places as a table for each axis; -1 is outside of the first one."""
        if len(self.extents) == 1:
            return [places]
        first, *others = np.unravel_index(np.maximum(places, 0), self.extents)
        return [np.where(places < 0, -1, first), *others]


def table_clauses(
    name: str,
    binders: Sequence[Binder],
    rows: Sequence[Row],
    atoms: Atoms,
    names: Names,
    stem: str,
    bits: Set[str] = frozenset(),
) -> tuple[list[Constant], list[Statement]]:
    """The cheapest clause over constant tables for rows of one kind, and before it the tensors that it reads.

    Parameters
    ----------
    name, stem
        Of the tensor and, as a part, of its tables.
    binders
        They range over the elements in row-major order.
    bits
        Tensors that are known to hold bits only; what is made of them row-major is then said to hold bits, too.
    """
    table = Table.of(binders, rows, atoms, names, stem)
    total = _NOTHING
    terms = []
    for tensor in table.tensors():
        text = _shortest(table, tensor, bits)
        total = total.and_(text)
        terms.append(text.term)
    constants, statement = table.clause(name, total.constants, terms)
    return constants, [*total.before, statement]


def _shortest(table: Table, tensor: str, bits: Set[str]) -> _Text:
    """The cheapest sum over the operands in one tensor."""
    places, weights = table.operands(tensor)
    used, entries = sum(map(len, places)), len(places) * prod(table.atoms.shape[tensor])
    best: tuple[int, Callable[[Table], _Text]] | None = None
    is_sparse = 2 * used <= entries and (len(places) > 1 or _is_irregular(table, tensor, places[0], weights[0]))
    for way in _gathers(table, tensor, places, weights, bits) if is_sparse else ():
        price = way(_trial(table)).price
        if best is None or price < best[0]:
            best = price, way
    # A table of weights costs at least one for each.
    if best is not None and (entries >= best[0] or _dense(_trial(table), tensor).price > best[0]):
        return best[1](table)
    return _dense(table, tensor)


def _is_irregular(table: Table, tensor: str, places: np.ndarray, weights: np.ndarray) -> bool:
    """Whether the operands of one unit are no few slices, which later passes would find."""
    kernel = np.zeros(table.atoms.shape[tensor], dtype=weights.dtype)
    kernel.flat[places] = weights
    if affine_runs(kernel, wraps=True) is not None or decompose(kernel, _MOST_SLICES) is not None:
        return False
    runs = 0
    for run in peeled_runs(kernel, wraps=True):
        kernel, runs = kernel - entries_of(run, kernel.shape), runs + 1
        if np.count_nonzero(kernel) <= _MOST_SLICES - runs or decompose(kernel, _MOST_SLICES - runs) is not None:
            return False
    return True


def _trial(table: Table) -> Table:
    """The same table with names of its own."""
    return replace(table, names=table.names.copy())


def _dense(table: Table, tensor: str) -> _Text:
    constants, term = table.dense(tensor)
    return _Text(constants, [], term)


def _gathers(
    table: Table, tensor: str, places: list[np.ndarray], weights: list[np.ndarray], bits: Set[str]
) -> Iterator[Callable[[Table], _Text]]:
    """Ways to read the operands in one tensor through tables."""
    for source in _sources(_trial(table), tensor, bits):
        for sums in _splits(places, weights):
            yield partial(_gathered, sums, source)


def _gathered(sums: Sequence[_Sum], source: _Source, table: Table) -> _Text:
    """Some sums, each in its cheapest layout."""
    names = {s.target: table.names(s.target) for s in source.before}
    before = [Statement(names[s.target], s.positions, s.value) for s in source.before]
    source = replace(source, tensor=names.get(source.tensor, source.tensor))
    text = _Text([], before, Literal(0))
    for each in sums:
        layouts = [_rectangle, _compressed] if len({len(p) for p in each.places}) > 1 else [_rectangle]
        layout = min(layouts, key=lambda way: way(_trial(table), each, source).price)
        text = text.and_(layout(table, each, source))
    return text


def _sources(table: Table, tensor: str, bits: Set[str]) -> Iterator[_Source]:
    """Ways to read a tensor: at a position for each axis, or row-major."""
    extents = table.atoms.shape[tensor]
    if not extents:
        return
    yield _Source(tensor, extents)
    if len(extents) < 2:
        return
    flat = f"flat_{tensor}"
    place, *inner = table.names.indices(len(extents))
    # Of all rows only one has the place.
    position = Affine.of(0, {place: 1})
    for axis, name in enumerate(inner):
        position = position - Affine.of(0, {name: prod(extents[axis + 1 :])})
    outer = [Binder(n, Literal(0), Literal(e)) for n, e in zip(inner, extents[:-1], strict=True)]
    element = Read(tensor, (*map(Index, inner), position.to_expr()), Literal(0))
    value = builder.reduction("any" if tensor in bits else "sum", outer, element)
    whole = prod(extents)
    yield _Source(flat, (whole,), (Statement(flat, (Binder(place, Literal(0), Literal(whole)),), value),))


def _splits(places: list[np.ndarray], weights: list[np.ndarray]) -> Iterator[list[_Sum]]:
    """Ways to split weighted operands into sums."""
    values = set().union(*(w.tolist() for w in weights))
    if len(values) <= _MOST_SUMS:
        yield [
            _Sum(value, [p[w == value] for p, w in zip(places, weights, strict=True)])
            for value in sorted(values, key=lambda v: (v < 0, abs(v)))
        ]
    if all(isinstance(v, int) for v in values) and len(set(map(abs, values))) > 1:
        content = reduce(gcd, values, 0)
        times = [(w if content < 2**62 else w.astype(object)) // content for w in weights]
        if sum(sum(map(abs, t.tolist())) for t in times) <= 2 * sum(map(len, places)):
            yield [
                _Sum(sign * content, list(map(_repeated, places, (sign * t for t in times))))
                for sign in (1, -1)
                if any((sign * t > 0).any() for t in times)
            ]
    if len(values) > 1:
        order = [np.argsort(-w, kind="stable") for w in weights]
        alike = len({tuple(w[o].tolist()) for w, o in zip(weights, order, strict=True)}) == 1
        if alike:
            places = [p[o] for p, o in zip(places, order, strict=True)]
            weights = [w[o] for w, o in zip(weights, order, strict=True)]
        yield [_Sum(1, places, weights)]


def _repeated(places: np.ndarray, times: np.ndarray) -> np.ndarray:
    return np.repeat(places, np.maximum(times, 0).astype(np.int64))


def _rectangle(table: Table, each: _Sum, source: _Source) -> _Text:
    """As many operands in each row as in the longest."""
    counts = np.array([len(p) for p in each.places])
    width = int(counts.max())
    present = np.arange(width) < counts[:, None]
    filled = np.full((len(counts), width), -1 if each.weights is None else 0, dtype=np.int64)
    filled[present] = np.concatenate(each.places)
    is_padded = each.weights is None and not present.all()
    (index,) = table.free(1)
    entry, shape = table.own, table.shape
    if width > 1:
        entry, shape = (*table.own, Index(index)), (*table.shape, width)
    constants = [Constant.of(table.names(f"at_{table.stem}"), t.reshape(shape)) for t in source.tables(filled)]
    positions = tuple(Read(c.name, entry) for c in constants)
    body: Expr = Read(source.tensor, positions, Literal(0) if is_padded else None)
    if each.weights is not None:
        factors = np.zeros(filled.shape, dtype=np.result_type(*each.weights))
        factors[present] = np.concatenate(each.weights)
        if width > 1 and present.all() and (factors == factors[0]).all():
            factors, entry = factors[0], (Index(index),)
        else:
            factors = factors.reshape(shape)
        more, factor = _factor(table, factors, entry)
        constants += more
        body = builder.mul(factor, body)
    binders = [Binder(index, Literal(0), Literal(width))] if width > 1 else []
    return _Text(constants, [], _times(each.coefficient, builder.summation(binders, body)))


def _compressed(table: Table, each: _Sum, source: _Source) -> _Text:
    """The operands of one row after those of another, and where they begin."""
    (index,) = table.free(1)
    ends = np.cumsum([0, *map(len, each.places)])
    start = Constant.of(table.names(f"start_{table.stem}"), ends)
    row: Expr = Literal(0)
    for axis, own in enumerate(table.own):
        row = builder.add(row, builder.mul(prod(table.shape[axis + 1 :]), own))
    binder = Binder(index, Read(start.name, (row,)), Read(start.name, (builder.add(row, 1),)))
    tables = source.tables(np.concatenate(each.places))
    constants = [Constant.of(table.names(f"at_{table.stem}"), t) for t in tables]
    body: Expr = Read(source.tensor, tuple(Read(c.name, (Index(index),)) for c in constants))
    if each.weights is not None:
        more, factor = _factor(table, np.concatenate(each.weights), (Index(index),))
        constants += more
        body = builder.mul(factor, body)
    return _Text([start, *constants], [], _times(each.coefficient, builder.summation([binder], body)))


def _factor(table: Table, values: np.ndarray, entry: tuple[Expr, ...]) -> tuple[list[Constant], Expr]:
    """Tables of weights, and an entry of their sum."""
    constants = [Constant.of(table.names(f"weight_{table.stem}"), part) for part in double_parts(values)]
    return constants, builder.add_all(Read(c.name, entry) for c in constants)


def _times(coefficient: Number, term: Expr) -> Expr:
    return builder.mul(exact_expression(Fraction(coefficient)), term)
