"""Units at the borders of a tensor as the function of those inside, over sums that are cut off.

A unit inside of a grid may depend on its neighbours by their sum, and one at a border as well, on fewer of them, with a
pad in the place of the others, though networks have other hidden units for it, and its own table is a smaller one.
Where the inputs of units inside move evenly with the unit, so do those of a unit at a border as far as they are there;
that it is the same function of their sums is seen from both tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from ddcompile.analysis.cones import Member, Table
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.thresholds import Domain
from ddcompile.passes.layers import Layer

__all__ = ["AROUND", "PADS", "are_equal", "moved", "over_clipped_sums", "over_moved_sums"]

AROUND = None
"""In the place of a pad: what is read goes around."""
PADS = (0, 1, -1, AROUND)
_MOST_INNER = 3
"""Functions of units that may be the one inside of a grid, tried from most inputs on."""
_MOST_ROWS = 1 << 12
"""Most combinations of sums that two tables are compared on."""


def over_clipped_sums(
    layer: Layer,
    tables: Sequence[Table | None],
    atoms: Atoms,
    domains: Mapping[int, Domain],
    most: int,
    pads: Sequence[int | None] = PADS,
) -> tuple[list[Table], list[int]] | None:
    """The tables of all units of a tensor as one function of sums of inputs about each, and which units are others.

    None if more than `most` are. Where there is no input, one of the pads is read.
    """
    best: tuple[list[Table], list[int]] | None = None
    places = np.array(list(np.ndindex(layer.shape)), dtype=np.int64)
    for alike in _inner(tables):
        base = alike[0]
        inner = tables[base]
        moves = _moves(layer, tables, alike, atoms)
        if moves is None or inner is None:
            continue
        for pad in pads:
            found: list[Table] = []
            odd: list[int] = []
            for k, (place, table) in enumerate(zip(places, tables, strict=True)):
                steps = {name: move @ (place - places[base]) for name, move in moves.items()}
                found.append(moved(inner, steps, atoms, pad))
                if table is None or not are_equal(found[-1], table, domains):
                    odd.append(k)
                    if len(odd) > most:
                        break
            if len(odd) <= most and (best is None or len(odd) < len(best[1])):
                best = found, odd
            if not odd:
                return best
    return best


def _inner(tables: Sequence[Table | None]) -> list[list[int]]:
    """Units that may be inside of a grid: of one function of most inputs, or one that is alone with it."""
    groups: dict[object, list[int]] = {}
    for k, table in enumerate(tables):
        if table is not None:
            groups.setdefault((table.inputs, table.ranges, table.values.tobytes()), []).append(k)
    inputs = {own[0]: table.inputs for own in groups.values() if (table := tables[own[0]]) is not None}
    order = sorted(groups.values(), key=lambda own: (-inputs[own[0]], own[0]))
    return [g for g in order if len(g) > 1][:_MOST_INNER] + [g for g in order if len(g) == 1][:1]


def over_moved_sums(layer: Layer, tables: Sequence[Table | None], alike: Sequence[int], atoms: Atoms) -> list[Table]:
    """The tables of units, those that are alike, and one of these moved there in the place of the others."""
    base = alike[0]
    moves = _moves(layer, tables, alike, atoms) if len(alike) < len(tables) else None
    inner = tables[base]
    assert inner is not None
    places = np.array(list(np.ndindex(layer.shape)), dtype=np.int64)
    found, members = [], set(alike)
    for k, (place, table) in enumerate(zip(places, tables, strict=True)):
        if table is None or k not in members:
            steps = {name: move @ (place - places[base]) for name, move in (moves or {}).items()}
            table = moved(inner, steps, atoms, None) if moves else inner
        found.append(table)
    return found


def _moves(
    layer: Layer, tables: Sequence[Table | None], alike: Sequence[int], atoms: Atoms
) -> dict[str, np.ndarray] | None:
    """How inputs move with the units, for each tensor that they read; shape (its axes, those of the layer)."""
    where = [tuple(int(p) for p in np.unravel_index(k, layer.shape)) for k in alike]
    number = dict(zip(where, alike, strict=True))
    first = _by_tensor(tables[alike[0]], atoms)
    moves = {name: np.eye(places.shape[1], len(layer.shape), dtype=np.int64) for name, places in first.items()}
    for axis in range(len(layer.shape)):
        pairs = ((number[at], number.get((*at[:axis], at[axis] + 1, *at[axis + 1 :]))) for at in where)
        for one, other in ((a, b) for a, b in pairs if b is not None):
            here, there = _by_tensor(tables[one], atoms), _by_tensor(tables[other], atoms)
            if here.keys() != moves.keys() or any(n not in there or here[n].shape != there[n].shape for n in here):
                return None
            for name, places in here.items():
                moves[name][:, axis] = _step(places, there[name], atoms.shape[name] or (1,))
            break
    return moves


def _step(here: np.ndarray, there: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """By how much places move, of one tensor or around it, the nearest to nothing."""
    plain = there[0] - here[0]
    if (there - here == plain).all():
        return np.asarray(plain)
    extents, wanted = np.array(shape), {*map(tuple, there.tolist())}
    for step in there - here[0]:
        if {*map(tuple, ((here + step) % extents).tolist())} == wanted:
            return np.asarray((step + extents // 2) % extents - extents // 2)
    return np.asarray(plain)


def _by_tensor(table: Table | None, atoms: Atoms) -> dict[str, np.ndarray]:
    """The places of the inputs of a table in each tensor, in order, shape (inputs, axes)."""
    if table is None:
        return {}
    members = np.array(sorted(a for own in table.classes for a, _ in own), dtype=np.int64)
    tensors = atoms.tensor_of(members)
    found = {}
    for tensor in sorted(set(tensors.tolist())):
        name = atoms.names[tensor]
        flat = members[tensors == tensor] - atoms.offset[name]
        found[name] = np.stack(np.unravel_index(flat, atoms.shape[name] or (1,)), axis=1)
    return found


def moved(
    table: Table, steps: Mapping[str, np.ndarray], atoms: Atoms, pad: int | None, fixed: Mapping[int, int] | None = None
) -> Table:
    """The same function of other elements of the same tensors.

    Parameters
    ----------
    steps
        By how much places in each tensor change.
    pad
        What is read where there is no element; None if places go around tensors.
    fixed
        The values of elements that have only one.
    """
    known = {} if fixed is None else fixed
    classes: list[tuple[Member, ...]] = []
    offsets = []
    for members in table.classes:
        own: list[Member] = []
        offset = 0
        for atom, sign in members:
            name = atoms.name_of(atom)
            shape = atoms.shape[name] or (1,)
            place = np.array(np.unravel_index(atom - atoms.offset[name], shape)) + steps[name]
            element = atoms.offset[name] + int(np.ravel_multi_index(tuple(place), shape, mode="wrap"))
            if pad is not None and ((place < 0) | (place >= shape)).any():
                offset += sign * pad
            elif element in known:
                offset += sign * known[element]
            else:
                own.append((element, sign))
        classes.append(tuple(own))
        offsets.append(offset)
    return Table(tuple(classes), table.ranges, table.values, tuple(offsets))


def are_equal(one: Table, other: Table, domains: Mapping[int, Domain]) -> bool:
    """Whether two tables say the same of inputs, on all values of the sums of those that enter both alike."""
    roles: dict[int, list[int]] = {}
    for side, table in enumerate((one, other)):
        for number, members in enumerate(table.classes):
            for atom, sign in members:
                roles.setdefault(atom, [0, 0])[side] = sign * (number + 1)
    groups: dict[tuple[int, int], list[int]] = {}
    for atom, (mine, theirs) in roles.items():
        groups.setdefault((mine, theirs), []).append(atom)
    spans = []
    for alike in groups.values():
        steps = {domains[a].step for a in alike}
        if len(steps) != 1:
            return False
        low, high = sum(domains[a].low for a in alike), sum(domains[a].high for a in alike)
        spans.append(np.arange(low, high + 1, steps.pop()))
    if prod(map(len, spans)) > _MOST_ROWS:
        return False
    sums = [g.ravel() for g in np.meshgrid(*spans, indexing="ij")] if spans else []
    results: list[np.ndarray] = []
    for side, table in enumerate((one, other)):
        index: list[np.ndarray] = []
        for number, values in enumerate(table.ranges):
            total = np.full(prod(map(len, spans)), table.offsets[number] if table.offsets else 0, dtype=np.int64)
            for roles_of, own in zip(groups, sums, strict=True):
                if abs(roles_of[side]) == number + 1:
                    total += np.sign(roles_of[side]) * own
            at, rest = np.divmod(total - values.start, values.step)
            if rest.any() or (at < 0).any() or (at >= len(values)).any():
                return False
            index.append(at)
        results.append(table.values[tuple(index)])
    return bool((results[0] == results[1]).all())
