"""Bits that units make together with operands that other units read as well.

The exclusive or of two inputs is `a + b - 2 * both`, where `both` has readers of its own, but `a` and `b` belong to
other bits, too. Readers that give `both` a weight take that many times the bit from their weights of its operands. The
sum of a reader is the same number as before, whatever is left of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ddcompile.analysis.exact import integers
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.analysis.two_valued import JointValues, two_valued
from ddcompile.passes.groups import Group, is_large, rows_of
from ddcompile.passes.layers import Layer

__all__ = ["over_shared", "shared_groups_of"]

_UNITS = 3
_OPERANDS = 6
"""Units that only one bit is made of, and operands of them that it may have as well."""


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """Units that are read in one ratio, with the same readers, and what all of these read besides."""

    members: list[int]
    factors: np.ndarray
    times: dict[int, int]
    """How often each reader reads the sum of the factors times the units."""
    operands: list[int]


def shared_groups_of(
    number: int,
    layers: Sequence[Layer],
    atoms: Atoms,
    values: JointValues,
    domain: Callable[[int], Domain | None],
) -> list[Group]:
    """Bits of units of one layer and of operands of theirs that leave fewer operands in all, theirs too, or none.

    Units are in one group, operands may be in several.
    """
    layer = layers[number]
    if layer.rows is None or layer.is_pinned or layer.rows[0].kind != "positive":
        return []
    readers = [row for other in layers[number + 1 :] for row in other.rows or ()]
    if any(map(is_large, readers)):
        return []
    weights = [dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True)) for row in readers]
    found = []
    for own in _alone(layer, atoms, weights):
        units = rows_of([*own.operands, *own.members], layers, atoms, domain)
        known = [u for u in units if u is not None and u.kind == "positive"]
        joint = values(known) if len(known) == len(units) else None
        group = None if joint is None else _best(own, joint, weights)
        if group is not None:
            found.append(group)
    new = over_shared(readers, found, atoms.count) if found else None
    written = sum(len(group.members) for group in found)
    return found if new is not None and _operands(new) + written < _operands(readers) else []


def _operands(rows: Sequence[Row]) -> int:
    return sum(len(row.atoms) for row in rows)


def _alone(layer: Layer, atoms: Atoms, weights: Sequence[Mapping[int, int]]) -> Iterator[_Own]:
    start = atoms.offset[layer.name]
    rows = layer.rows or []
    read: dict[int, list[int]] = {}
    for k, own in enumerate(weights):
        for atom in own:
            read.setdefault(atom, []).append(k)
    alike: dict[tuple[int, ...], list[int]] = {}
    for unit in range(start, start + len(rows)):
        if unit in read:
            alike.setdefault(tuple(read[unit]), []).append(unit)
    for readers, members in alike.items():
        column = np.array([[weights[k][u] for k in readers] for u in members], dtype=np.int64)
        divisor = int(np.gcd.reduce(column[:, 0]))
        factors = column[:, 0] // divisor
        times = {k: int(column[0, n] // factors[0]) for n, k in enumerate(readers)}
        if len(members) > _UNITS or (np.outer(factors, list(times.values())) != column).any():
            continue
        inner = sorted({a for u in members for a in rows[u - start].atoms.tolist()} - set(members))
        operands = [a for a in inner if all(a in weights[k] for k in readers)]
        if operands and len(inner) <= _OPERANDS:
            yield _Own(members, factors, times, operands)


def _best(own: _Own, joint: np.ndarray, weights: Sequence[Mapping[int, int]]) -> Group | None:
    """The bit that takes most from the weights of readers."""
    best: tuple[int, np.ndarray] | None = None
    for scale in (1, -1, 2, -2):
        if any(t % scale for t in own.times.values()):
            continue
        for chosen in product((0, 1, -1), repeat=len(own.operands)):
            factors = np.array([*chosen, *(scale * own.factors)])
            if not any(chosen) or two_valued(joint, factors.tolist()) is None:
                continue
            gain = 0
            for k, times in own.times.items():
                gain += sum(abs(weights[k][u]) for u in own.members) - abs(times // scale)
                for a, factor in zip(own.operands, chosen, strict=True):
                    gain += abs(weights[k][a]) - abs(weights[k][a] - times // scale * factor)
            if gain > 0 and (best is None or gain > best[0]):
                best = gain, factors
    if best is None:
        return None
    used = np.flatnonzero(best[1])
    members, factors = np.array([*own.operands, *own.members])[used], best[1][used]
    least = two_valued(joint[:, used], factors.tolist())
    assert least is not None
    order = np.argsort(members)
    return Group(members[order], factors[order], least, joint[:, used][:, order])


def over_shared(rows: Sequence[Row], groups: Sequence[Group], first: int) -> list[Row] | None:
    """Rows that read the bits of groups, atoms from `first` on, for their last units; None if they read none."""
    group_of = {int(g.members[-1]): k for k, g in enumerate(groups)}
    new = [_over(row, groups, group_of, first) for row in rows]
    return None if all(a is b for a, b in zip(rows, new, strict=True)) else new


def _over(row: Row, groups: Sequence[Group], group_of: Mapping[int, int], first: int) -> Row:
    total = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    mine = sorted(group_of[a] for a in total if a in group_of)
    if not mine:
        return row
    bias = row.bias
    for k in mine:
        group = groups[k]
        times = total[int(group.members[-1])] // int(group.factors[-1])
        for atom, factor in zip(group.members.tolist(), group.factors.tolist(), strict=True):
            total[atom] = total.get(atom, 0) - times * factor
        total[first + k] = times
        bias += times * group.least
    kept = sorted(a for a, w in total.items() if w)
    return replace(row, atoms=np.array(kept, dtype=np.int64), weights=integers([total[a] for a in kept]), bias=bias)
