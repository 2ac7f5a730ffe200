"""A unit over hidden units most of which are rows of a table: the table's function, and units that make a difference.

Before, where the rows are those of `x[0] + ... + x[8] >= 5` but for two that are others::

    row[u < 256] = sum(i < 9: W[u, i] * x[i]) >= bound[u]
    y = sum(u < 256: row[u]) >= 1

After::

    usual_y = sum(i < 9: x[i]) >= 5
    rare_y[u < 4] = sum(i < 9: W[u, i] * x[i]) >= bound[u]
    y = usual_y + rare_y[0] + rare_y[1] - rare_y[2] - rare_y[3] >= 1

The hidden units of the kind that most are of are a function of the inputs. That function is completed to one of sums
of inputs: inputs are put in one sum when the table hardly changes where two of them change places, and each sum has
the value that most of its rows have. Rows where this is wrong are units that add 1 or take it away, and hidden units
of other kinds stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ddcompile.analysis.cones import Cones, Table
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.exact import integers
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.outliers import symmetric
from ddcompile.analysis.rows import Row
from ddcompile.analysis.symmetries import merged
from ddcompile.ir import builder
from ddcompile.passes.layers import Layer, Names, clause
from ddcompile.passes.odd import Clauses, few
from ddcompile.passes.signatures import total_cost
from ddcompile.passes.tabled import Template, clauses, elements

__all__ = ["nearly"]

_LEAST = 8
"""Hidden units of one kind that are looked at as one table."""


def nearly(layer: Layer, cones: Cones, atoms: Atoms, names: Names, limit: int) -> Clauses | None:
    """The clauses of a tensor of one element as a function of sums and what few units change; None if none is short."""
    if layer.rows is None or len(layer.rows) != 1 or layer.rows[0].kind != "positive":
        return None
    unit = atoms.offset[layer.name]
    parts = _parts(unit, cones)
    table = None if parts is None else _table(unit, *parts, cones)
    if parts is None or table is None:
        return None
    usual, others = parts
    best: Clauses | None = None
    most = few(len(usual))
    for guess in symmetric(table.ranges, table.values, most):
        if np.count_nonzero(guess != table.values) > most:
            continue
        own = names.copy()
        found = _with_rare(layer, replace(table, values=guess), table, usual, others, cones, atoms, own, limit)
        if found is not None and total_cost(found[1], found[0]) < limit:
            best, limit = found, total_cost(found[1], found[0])
    return best


def _parts(unit: int, cones: Cones) -> tuple[list[int], list[int]] | None:
    """What a unit reads: hidden units of the kind that most are of, and few others that are hidden, or inputs."""
    if cones.depth(unit) != 2:
        return None
    row = cones.rows[unit]
    hidden = [u for u in row.atoms.tolist() if u not in cones.domains]
    if any(cones.rows[u].kind != "positive" for u in hidden):
        return None
    weight = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    kinds: dict[object, list[int]] = {}
    for u in hidden:
        own = cones.rows[u]
        kinds.setdefault((weight[u], own.atoms.tobytes(), np.sort(np.abs(own.weights)).tobytes()), []).append(u)
    usual = max(kinds.values(), key=len, default=[])
    others = [u for u in row.atoms.tolist() if u not in set(usual)]
    if len(usual) < _LEAST or weight[usual[0]] <= 0 or len(others) > few(len(usual)):
        return None
    return usual, others


def _table(unit: int, usual: Sequence[int], others: Sequence[int], cones: Cones) -> Table | None:
    """Whether one of the usual units is on, if that is all of them that matters; None if not."""
    row = cones.rows[unit]
    weight = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    everyone = np.array(sorted(usual), dtype=np.int64)
    count = Row("affine", everyone, np.ones(len(usual), dtype=np.int64), 0)
    below = {u: cones.rows[u] for u in everyone.tolist()}
    table = Cones({**below, unit: count}, cones.domains, cones.most_inputs, cones.most_rows).table(unit)
    if table is None:
        return None
    least = row.bias
    for atom in others:
        low, high = (cones.domains[atom].low, cones.domains[atom].high) if atom in cones.domains else (0, 1)
        least += min(weight[atom] * low, weight[atom] * high)
    if least + weight[usual[0]] <= 0 and table.values.max() > 1:
        return None
    return replace(table, values=(table.values > 0).astype(np.int64))


def _with_rare(
    layer: Layer,
    guess: Table,
    table: Table,
    usual: Sequence[int],
    others: Sequence[int],
    cones: Cones,
    atoms: Atoms,
    names: Names,
    limit: int,
) -> Clauses | None:
    """The clauses of a unit from a function that the usual units nearly are."""
    row = cones.rows[atoms.offset[layer.name]]
    weight = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    factor = weight[usual[0]]
    rare: list[Row] = []
    factors: list[int] = []
    for place in np.argwhere(guess.values != table.values).tolist():
        ends = _at(place, table)
        if ends is None:
            return None
        if _matters(ends, row, factor, others, cones):
            rare.append(_one(ends, cones))
            factors.append(factor if table.values[tuple(place)] else -factor)
    for u in others:
        if u not in cones.domains:
            rare.append(cones.rows[u])
            factors.append(weight[u])
    joined = merged(guess)
    inputs = elements(joined, atoms)
    search = Search(names("hit"))
    found = search.least(joined.ranges, joined.values, inputs, limit)
    if found is None:
        return None
    usual_name, rare_name = names(f"usual_{layer.name}"), names(f"rare_{layer.name}")
    statements, constants = clauses(usual_name, (), Template(found, inputs, search.used(found)), [joined], atoms, names)
    target = Atoms({**atoms.shape, usual_name: (), rare_name: (len(rare),)})
    if rare:
        binder = builder.binder(names.indices(1)[0], len(rare))
        new, statement = clause(rare_name, (binder,), rare, atoms, names, rare_name)
        statements.append(statement)
        constants += new
    direct = [a for a in others if a in cones.domains]
    read = [*direct, target.offset[usual_name], *range(target.offset[rare_name], target.count)]
    weights = [*(weight[a] for a in direct), factor, *factors]
    binders = tuple(
        builder.binder(n, extent) for n, extent in zip(names.indices(len(layer.shape)), layer.shape, strict=True)
    )
    top = replace(row, atoms=np.array(read, dtype=np.int64), weights=integers(weights))
    last, result = clause(layer.name, binders, [top], target, names, layer.name)
    return [*statements, result], [*constants, *last]


def _at(place: Sequence[int], table: Table) -> dict[int, int] | None:
    """The inputs in one place of a table: 1 for the largest value and -1 for the least; None if others are possible."""
    found: dict[int, int] = {}
    for k, members, own in zip(place, table.classes, table.ranges, strict=True):
        if 0 < k < len(own) - 1:
            return None
        found |= {atom: s if k else -s for atom, s in members}
    return found


def _matters(ends: Mapping[int, int], row: Row, factor: int, others: Sequence[int], cones: Cones) -> bool:
    """Whether a unit may change with the usual ones where its inputs are at these ends."""
    weight = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    value = {a: cones.domains[a].high if s > 0 else cones.domains[a].low for a, s in ends.items()}
    total = row.bias
    for u in others:
        below = [u] if u in cones.domains else cones.rows[u].atoms.tolist()
        if any(a not in value for a in below):
            return True
        if u in cones.domains:
            total += weight[u] * value[u]
        else:
            own = cones.rows[u]
            form = sum(w * value[a] for a, w in zip(below, own.weights.tolist(), strict=True))
            total += weight[u] * (form + own.bias > 0)
    return (total > 0) != (total + factor > 0)


def _one(ends: Mapping[int, int], cones: Cones) -> Row:
    """The unit that is on where its inputs are at these ends, and nowhere else."""
    atoms = np.array(sorted(ends), dtype=np.int64)
    weights = np.array([ends[a] for a in atoms.tolist()], dtype=np.int64)
    top = sum(cones.domains[a].high if s > 0 else -cones.domains[a].low for a, s in ends.items())
    return Row("positive", atoms, weights, 1 - top)
