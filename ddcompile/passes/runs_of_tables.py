"""Write the elements of a vector from their tables, run by run, where neighbours are one function of sums of their own.

Before, with a hidden unit for each pair of earlier places::

    pair[u < 34] = sum(j < 7: W[u, j] * x[j]) >= 3
    y[i < 4] = sum(u < 34: V[i, u] * pair[u]) >= 2

After::

    y[0] = sum_of_y >= 4
    y[1 <= i < 4] = sum_of_y2[i - 1] >= 3 and x[i + 3]

Elements of a run may be over sums of different length, and their constants may change from place to place, evenly. One
with fewer sums, such as the first one here, all of whose inputs are interchangeable, is a run of its own, which `widen`
joins to the next one. A few elements may be no short functions of few sums (`ddcompile.passes.odd`). Where all elements
are single thresholds of such sums, they are units of one layer, whatever their bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.cones import Cones, Table
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.symmetries import merged
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Compare, Constant, Expr, Literal, Read, Statement
from ddcompile.passes.layers import Layer, Names, clause
from ddcompile.passes.odd import Clauses, odd_values
from ddcompile.passes.tabled import Template, clauses, placeholders
from ddcompile.passes.templates import Shape, filled, lines_of, shape_of

__all__ = ["in_runs"]

_MOST_SUMS = 3
_MOST_ROWS = 1 << 10
_MOST_UNITS = 256
_MOST_RUNS = 3
_SIZE = 64
"""Most nodes of an expression."""


def in_runs(layer: Layer, cones: Cones, atoms: Atoms, names: Names, limit: int, most: int = 0) -> Clauses | None:
    """The clauses of a vector over sums of inputs; None if its elements, but at most so many, are no few runs."""
    assert layer.rows is not None
    start, count = atoms.offset[layer.name], len(layer.rows)
    units = range(start, start + count)
    if len(layer.shape) != 1 or not 2 < count <= _MOST_UNITS or any(r.kind != "positive" for r in layer.rows):
        return None
    if max(map(cones.depth, units)) < 2:
        return None
    tables: dict[int, Table] = {}
    for number, unit in enumerate(sorted(units, key=lambda u: -cones.reach(u)), 1):
        whole = cones.table(unit) if cones.depth(unit) else None
        table = None if whole is None else merged(whole)
        if table is not None and 0 < len(table.classes) <= _MOST_SUMS and table.values.size <= _MOST_ROWS:
            tables[unit] = table
        elif number - len(tables) > most:
            return None
    found: list[_Element | None] = []
    known: dict[object, Expr | None] = {}

    def least(table: Table) -> Expr | None:
        key = table.ranges, table.values.tobytes()
        if key not in known:
            search = Search()
            value = search.least(table.ranges, table.values, placeholders(table), limit)
            known[key] = None if value is None or search.used(value) else value
        return known[key]

    for unit in units:
        if unit not in tables:
            found.append(None)
            continue
        table = tables[unit]
        value = least(table)
        for axis, members in enumerate(table.classes):
            other = _flipped(table, axis) if members[0][1] < 0 else table
            table = other if least(other) == value else table
        shape = None if value is None else shape_of(Statement("", (), value), _SIZE)
        found.append(None if value is None or shape is None else _Element(table, value, shape))
    odd = [k for k, e in enumerate(found) if e is None]
    if len(odd) > most:
        return None
    rows = [row for e in found if e is not None and (row := _unit(e)) is not None]
    if len(rows) == count:
        binder = builder.binder(names.indices(1)[0], count)
        new, statement = clause(layer.name, (binder,), rows, atoms, names, layer.name)
        return [statement], new
    runs = _runs(found)
    if len(runs) > _MOST_RUNS or len(runs) == count - len(odd):
        return None
    statements: list[Statement] = []
    constants: list[Constant] = []
    for first, elements in runs:
        made, new = _clauses(layer, first, elements, atoms, names)
        statements += made
        constants += new
    values, before, tables_of_odd = odd_values(layer, odd, cones, atoms, names)
    clauses_of_odd = [Statement(layer.name, (Literal(k),), value) for k, value in values.items()]
    return [*statements, *before, *clauses_of_odd], [*constants, *tables_of_odd]


@dataclass(frozen=True, slots=True, eq=False)
class _Element:
    table: Table
    value: Expr
    shape: Shape


def _flipped(table: Table, axis: int) -> Table:
    """The same function with the negation of a sum."""
    classes, ranges = list(table.classes), list(table.ranges)
    classes[axis] = tuple((atom, -sign) for atom, sign in classes[axis])
    ranges[axis] = range(-ranges[axis][-1], -ranges[axis][0] + 1, ranges[axis].step)
    return Table(tuple(classes), tuple(ranges), np.flip(table.values, axis))


def _unit(element: _Element) -> Row | None:
    """The threshold unit over inputs that an element is; None if it is none."""
    match element.value:
        case Compare((">" | ">=" | "<" | "<=" as op,), (left, right)):
            form = integer_terms(builder.sub(left, right) if op in (">", ">=") else builder.sub(right, left))
        case Read():
            op, form = ">=", ({element.value: 1}, -1)
        case _:
            return None
    number = {text: k for k, text in enumerate(placeholders(element.table))}
    if form is None or not form[0].keys() <= number.keys():
        return None
    sums = {number[text]: factor for text, factor in form[0].items()}
    weights = {a: sums[k] * sign for k in sums for a, sign in element.table.classes[k]}
    atoms = sorted(weights)
    bias = form[1] + (len(op) == 2)
    return Row("positive", np.array(atoms, dtype=np.int64), np.array([weights[a] for a in atoms], dtype=np.int64), bias)


def _runs(elements: Sequence[_Element | None]) -> list[tuple[int, list[_Element]]]:
    """The longest runs of elements that are alike and whose constants change evenly, from the last one on."""
    runs: list[tuple[int, list[_Element]]] = []
    for k, element in reversed(list(enumerate(elements))):
        if element is None:
            continue
        longer = [element, *runs[0][1]] if runs and runs[0][0] == k + 1 else []
        if longer and _are_alike(longer):
            runs[0] = k, longer
        else:
            runs.insert(0, (k, [element]))
    return runs


def _are_alike(elements: Sequence[_Element]) -> bool:
    """Whether expressions differ in constants only, all of which change evenly, over as many sums."""
    kinds = {(e.shape.key, e.shape.tensors, len(e.table.classes)) for e in elements}
    return len(kinds) == 1 and lines_of([e.shape for e in elements]) is not None


def _clauses(
    layer: Layer, first: int, elements: Sequence[_Element], atoms: Atoms, names: Names
) -> tuple[list[Statement], list[Constant]]:
    """The clause of a run, after those of its sums."""
    value, tables = elements[0].value, [e.table for e in elements]
    if len(elements) == 1:
        template = Template(value, placeholders(tables[0]), {})
        return clauses(layer.name, (Literal(first),), template, tables, atoms, names)
    (name,) = names.indices(1)
    binder = builder.binder(name, first + len(elements), first)
    lines = lines_of([e.shape for e in elements])
    assert lines is not None
    numbers = [Affine.of(value - slope * first, {name: slope}) for slope, value in lines]
    value = filled(
        Statement("", (), value), lambda k, form: form - form.constant + numbers[k], lambda _, read: read
    ).value
    return clauses(layer.name, (binder,), Template(value, placeholders(tables[0]), {}), tables, atoms, names)
