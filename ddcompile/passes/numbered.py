"""Write the units of a tensor as comparisons of one number, a weighted sum of their inputs, with their own place.

Before, with a unit for every row of a table::

    y[u < 4] = sum(i < 2: W[u, i] * s[i]) >= bound[u]

After::

    y[u < 4] = 2 * s[0] + s[1] == u

What inputs of a few values make some of the units 1 is tabulated. Where these are always neighbours, from a first one
to a last one, the last one (or the first) is a number wherever it is not cut off at the end of the tensor; an affine
function that has these values is solved for. The units are written by it when its distance from the place of a unit
tells, on every row of the table, whether the unit is 1: one-hot codes, thermometer codes, windows around a place. Bits
that must have one value for any unit to be 1 stand beside the comparison. A few units may be others: each one, and each
two, are left out in turn where all together are not told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from ddcompile.analysis.cones import Cones, Table
from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import Atoms
from ddcompile.ir import builder
from ddcompile.ir.nodes import Expr, Index, Statement
from ddcompile.passes.layers import Layer, Names
from ddcompile.passes.odd import Clauses, despite
from ddcompile.passes.tabled import element_at

__all__ = ["numbered"]

_MOST_INPUTS = 12
_MOST_WORK = 1 << 22
"""Most rows of the table times units."""
_MOST_TRIED = 1 << 18
"""The same for all sets of units together that are left out."""
_MOST_ODD = 2
"""Most units that may be others than the rest."""
_CHUNK = 1 << 20
"""Values of sums that are compared at a time."""
_FEW = 64
"""On about so many rows, sums are looked at first."""
_MOST_FREE = 2
"""Most weights that are tried because nothing tells them."""


def numbered(layer: Layer, cones: Cones, atoms: Atoms, names: Names, limit: int, most: int = 0) -> Clauses | None:
    """The clause of a tensor of bits over a number; None if there is none that costs less than the limit.

    At most so many units are others.
    """
    assert layer.rows is not None
    count, start = len(layer.rows), atoms.offset[layer.name]
    if count < 3 or any(row.kind != "positive" for row in layer.rows):
        return None
    if not all(cones.depth(unit) and cones.reach(unit) <= _MOST_INPUTS for unit in range(start, start + count)):
        return None
    tables: list[Table] = []
    inputs: set[int] = set()
    for unit in range(start, start + count):
        table = cones.table(unit)
        if table is None:
            return None
        tables.append(table)
        inputs |= {atom for members in table.classes for atom, _ in members}
        if len(inputs) > _MOST_INPUTS:
            return None
    ordered = sorted(inputs)
    if not ordered:
        return None
    domains = [cones.domains[atom] for atom in ordered]
    sizes = [(d.high - d.low) // d.step + 1 for d in domains]
    if np.prod(sizes, dtype=np.float64) * count > _MOST_WORK:
        return None
    grids = np.meshgrid(*(np.arange(d.low, d.high + 1, d.step) for d in domains), indexing="ij")
    rows = np.stack([g.ravel() for g in grids], axis=1).reshape(-1, len(ordered))
    column = {atom: k for k, atom in enumerate(ordered)}
    hits = np.stack([_values(table, rows, column) for table in tables], axis=1)
    are_bits = [d.low == 0 and d.high == 1 for d in domains]
    for odd in _left_out(count, min(most, _MOST_ODD), hits.size):
        found = _solved(rows, hits, are_bits, odd)
        if found is not None:
            clause = _clause(layer, found, [element_at(atom, atoms) for atom in ordered], names)
            return despite([clause], [], layer, odd, cones, atoms, names) if cost(clause) < limit else None
    return None


@dataclass(frozen=True, slots=True)
class _Number:
    """Which rows make which unit 1: those whose sum less the place of the unit lies between two bounds.

    Inputs in `fixed` must have these values as well. A bound is None where nothing lies beyond it.
    """

    weights: tuple[int, ...]
    low: int | None
    high: int | None
    fixed: tuple[tuple[int, int], ...] = ()


def _left_out(count: int, most: int, work: int) -> Iterator[tuple[int, ...]]:
    """Units that may be others than the rest: none, any one, any two, up to so many."""
    yield ()
    tried = 0
    for size in range(1, most + 1):
        for odd in combinations(range(count), size):
            tried += 1
            if tried * work > _MOST_TRIED:
                return
            yield odd


def _values(table: Table, rows: np.ndarray, column: dict[int, int]) -> np.ndarray:
    """The values of a unit for all rows."""
    places = []
    for members, own in zip(table.classes, table.ranges, strict=True):
        total = sum(sign * rows[:, column[atom]] for atom, sign in members)
        places.append((total - own.start) // own.step)
    return np.broadcast_to(table.values[tuple(places)] > 0, len(rows))


def _solved(rows: np.ndarray, hits: np.ndarray, are_bits: Sequence[bool], odd: Sequence[int]) -> _Number | None:
    """A number by which the units that are not odd are told from one another, and all of them from none."""
    hits = hits.copy()
    hits[:, list(odd)] = False
    kept = np.ones(hits.shape[1], dtype=bool)
    kept[list(odd)] = False
    some = np.asarray(hits.any(axis=1))
    if not some.any() or hits[:, kept].all():
        return None
    fixed = [
        (k, int(rows[some, k][0]))
        for k, is_bit in enumerate(are_bits)
        if is_bit and (rows[some, k] == rows[some, k][0]).all()
    ]
    inside = np.ones(len(rows), dtype=bool)
    for k, value in fixed:
        inside &= rows[:, k] == value
    rows, hits, some = rows[inside], hits[inside], np.asarray(some[inside])
    last = hits.shape[1] - 1
    ends = hits.argmax(axis=1), last - hits[:, ::-1].argmax(axis=1)
    # An end is a number where neither the tensor nor an odd unit cuts it off.
    cut = (
        some & ~np.isin(ends[1], [last, *(k - 1 for k in odd)]),
        some & ~np.isin(ends[0], [0, *(k + 1 for k in odd)]),
    )
    telling = np.flatnonzero(some)
    few = telling[:: max(1, len(telling) // _FEW)]
    for values, is_whole in ((ends[1], cut[0]), (ends[0], cut[1])):
        ways = _affine(rows[is_whole], values[is_whole])
        # What tells the units apart on all rows does so on a few.
        likely = [number.weights for number in _telling(ways, rows[few], hits[few], kept)]
        found = next(_telling(np.array(likely, dtype=np.int64), rows, hits, kept), None)
        if found is not None:
            return replace(found, fixed=tuple(fixed))
    return None


def _telling(ways: np.ndarray, rows: np.ndarray, hits: np.ndarray, kept: np.ndarray) -> Iterator[_Number]:
    """The numbers, of sums with these weights, whose distance from the place of a unit tells whether it is 1."""
    step = max(1, _CHUNK // hits.size)
    for start in range(0, len(ways), step):
        some = ways[start : start + step]
        apart = (some @ rows.T)[:, :, None] - np.arange(hits.shape[1])
        low, high = apart[:, hits].min(axis=1), apart[:, hits].max(axis=1)
        inside = (low[:, None, None] <= apart) & (apart <= high[:, None, None])
        for k in np.flatnonzero((inside == hits)[:, :, kept].all(axis=(1, 2))):
            yield _Number(
                tuple(some[k].tolist()),
                int(low[k]) if (apart[k] < low[k])[:, kept].any() else None,
                int(high[k]) if (apart[k] > high[k])[:, kept].any() else None,
            )


def _affine(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whole weights of sums that are the values up to a constant, shape (ways, columns of the rows).

    What the rows leave open is a power of two or 0.
    """
    none = np.zeros((0, rows.shape[1]), dtype=np.int64)
    if not len(rows):
        return none
    system = np.concatenate([np.ones((len(rows), 1), dtype=np.int64), rows], axis=1)
    gram, moments = system.T @ system, system.T @ values
    kept, free = [0], list[int]()
    for k in range(1, system.shape[1]):
        depends = np.linalg.matrix_rank(gram[np.ix_([*kept, k], [*kept, k])]) == len(kept)
        (free if depends else kept).append(k)
    if len(free) > _MOST_FREE:
        return none
    powers = [0, *(sign << k for k in range(_MOST_INPUTS) for sign in (1, -1))]
    choices = np.array(list(product(powers, repeat=len(free))), dtype=np.int64)
    weights = np.zeros((len(choices), system.shape[1]), dtype=np.int64)
    weights[:, free] = choices
    weights[:, kept] = np.rint((moments - weights @ gram)[:, kept] @ np.linalg.pinv(gram[np.ix_(kept, kept)]))
    fits = weights[:, 1:].any(axis=1) & (weights @ system.T == values).all(axis=1)
    return np.asarray(weights[fits, 1:])


def _clause(layer: Layer, found: _Number, inputs: Sequence[Expr], names: Names) -> Statement:
    letters = names.indices(len(layer.shape))
    binders = tuple(builder.binder(n, extent) for n, extent in zip(letters, layer.shape, strict=True))
    place: Expr = builder.add_all(
        builder.mul(int(np.prod(layer.shape[k + 1 :], dtype=np.int64)), Index(n)) for k, n in enumerate(letters)
    )
    # Mostly positive weights, and the place on the other side.
    sign = 1 if sum(found.weights) >= 0 else -1
    terms = sorted(((sign * w, x) for w, x in zip(found.weights, inputs, strict=True) if w), key=lambda t: t[0] < 0)
    total = builder.add_all(builder.mul(w, x) for w, x in terms)
    ends = [
        None if end is None else builder.add(builder.mul(sign, place), sign * end) for end in (found.low, found.high)
    ]
    low, high = ends[::sign]
    if low is not None and low == high:
        value = builder.compare("==", total, low)
    elif low is not None and high is not None:
        value = builder.chain(low, "<=", total, "<=", high)
    elif low is not None:
        value = builder.compare(">=", total, low)
    else:
        assert high is not None
        value = builder.compare("<=", total, high)
    conditions = [inputs[k] if bit else builder.negate(inputs[k]) for k, bit in found.fixed]
    return Statement(layer.name, binders, builder.conj(*conditions, value))
