"""Write results that are made of limited sums, each element from its own table, and the place of the largest score.

Before::

    hidden[u < 8] = relu(sum(i < 3: W[u, i] * x[i]) + bias[u])
    y[k < 2] = sum(u < 8: V[k, u] * hidden[u]) > bound[k]

After::

    y[0] = x[0] + x[1] + x[2] >= 2
    y[1] = x[0] xor x[1]

The passes that find structure in networks of threshold units have nothing to go by in such a network: its hidden
values are any numbers. Their sums are computed exactly (`ddcompile.analysis.cones`); what of them is left is a sign, or
which of several scores is the largest, the first one of equals.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from ddcompile.analysis.cones import Cones, Table
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.numbers import least_number
from ddcompile.analysis.rows import Row
from ddcompile.ir.nodes import Constant, Expr, Literal, Read, Reduce, Rule, Statement
from ddcompile.passes.aliases import compose
from ddcompile.passes.layers import Layer, Names, heads_of
from ddcompile.passes.odd import Clauses
from ddcompile.passes.signatures import total_cost
from ddcompile.passes.tabled import Template, clauses, elements

__all__ = ["Head", "heads", "of_head", "singly"]

_MOST_ELEMENTS = 64
_MOST_SCORES = 16
_FEW_ROWS = 256
"""So many rows are looked at also where scores are sums of inputs, or of threshold units."""
_FUNCTIONS = 60
"""Most functions looked at for one element of several."""
_MORE_FUNCTIONS = 20
"""More of them for every element, or two scores that are compared."""

_DIFFERENCE = Row("affine", np.array([0, 1]), np.array([-1, 1]), 0)
"""The second of two numbers less the first."""

Head = Mapping[tuple[int, int], int]
"""For two scores, the first one first, the number of the unit that tells whether the second one is larger."""


def singly(
    layer: Layer, cones: Cones, atoms: Atoms, names: Names, limit: int, most: int = 0, *, reach: int = 0
) -> Clauses | None:
    """The clauses of a result, one for every element; None if one has no short expression.

    Elements are made of limited sums, or reach no more than so many inputs.
    """
    assert layer.rows is not None
    start, count = atoms.offset[layer.name], len(layer.rows)
    units = range(start, start + count)
    if count > _MOST_ELEMENTS or not all(cones.is_limited(u) or 0 < cones.reach(u) <= reach for u in units):
        return None
    functions = _FUNCTIONS + count * _MORE_FUNCTIONS
    statements: list[Statement] = []
    constants: list[Constant] = []
    for place, unit in zip(np.ndindex(*layer.shape), units, strict=True):
        table = cones.table(unit)
        left = limit - total_cost(constants, statements)
        positions = tuple(map(Literal, place))
        found, used = _clauses(layer.name, positions, table, atoms, names, left, min(functions, _FUNCTIONS))
        if found is None:
            return None
        functions -= used
        statements += found[0]
        constants += found[1]
    return statements, constants


def heads(rule: Rule, layers: Sequence[Layer], atoms: Atoms) -> tuple[dict[str, Head], dict[int, Row]]:
    """For every result that is the place of the largest of some scores, units that compare two of them; and these."""
    found: dict[str, Head] = {}
    rows: dict[int, Row] = {}
    for scores in layers:
        if scores.rows is None or not 2 < len(scores.rows) <= _MOST_SCORES or heads_of(rule, scores) != {"argmax"}:
            continue
        if any(row.kind != "affine" for row in scores.rows):
            continue
        for statement in rule.statements:
            match statement.value:
                case Reduce("argmax", _, Read(name)) if name == scores.name and not statement.positions:
                    pairs = combinations(range(len(scores.rows)), 2)
                    head = {pair: atoms.count + len(rows) + k for k, pair in enumerate(pairs)}
                    rows |= {n: _is_larger(scores.rows[a], scores.rows[b]) for (a, b), n in head.items()}
                    found[statement.target] = head
    return found, rows


def of_head(target: str, head: Head, cones: Cones, atoms: Atoms, names: Names, limit: int) -> Clauses | None:
    """The clauses of the place of the largest score; None if it has no short expression."""
    units = list(head.values())
    table = cones.joint(units) if all(cones.depth(unit) for unit in units) else None
    if table is None or (table.values[0].size > _FEW_ROWS and not any(cones.is_limited(unit) for unit in units)):
        return None
    is_larger = dict(zip(head, table.values, strict=True))
    best = np.zeros(table.values.shape[1:], dtype=np.int64)
    for k in range(1, 1 + max(last for _, last in head)):
        best = np.where(np.choose(best, [is_larger[j, k] for j in range(k)]) > 0, k, best)
    functions = _FUNCTIONS + len(head) * _MORE_FUNCTIONS
    return _clauses(target, (), replace(table, values=best), atoms, names, limit, functions)[0]


_HOPELESS: deque[tuple[object, int]] = deque(maxlen=64)
"""Tables for which nothing was found within a limit: one pass after another asks for those of one network."""


def _clauses(
    target: str,
    positions: tuple[Expr, ...],
    table: Table | None,
    atoms: Atoms,
    names: Names,
    limit: int,
    functions: int,
) -> tuple[Clauses | None, int]:
    """The clauses of one element, if they are short, and how many functions were looked at."""
    if table is None:
        return None, 0
    inputs = elements(table, atoms)
    key = table.ranges, table.values.tobytes(), tuple(inputs), functions
    if any(known == key and limit <= tried for known, tried in _HOPELESS):
        return None, 0
    search = Search(names(f"hit_{target}"), functions)
    found = least_number(search, table.ranges, table.values, inputs, limit)
    if found is None:
        _HOPELESS.append((key, limit))
        return None, functions - search.left
    template = Template(found, inputs, search.used(found))
    return clauses(target, positions, template, [table], atoms, names), functions - search.left


def _is_larger(first: Row, second: Row) -> Row:
    """The unit that tells whether the second of two sums is larger, over any exact numbers."""
    return replace(compose(_DIFFERENCE, {0: first, 1: second}), kind="positive", exponent=0)
