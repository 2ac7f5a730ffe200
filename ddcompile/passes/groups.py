"""Units that make a bit together: which they are, and how their readers are written over the bit.

A group is proposed where units have the same readers, and what they read is read by one of them. Its sum has two
neighbouring values. A reader that gives the units weights in the ratio of the sum's factors reads a multiple of the
sum; of any other one it is shown, over all values that the groups have together, that it decides by their bits alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

import numpy as np

from ddcompile.analysis.exact import integers
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.analysis.two_valued import JointValues, two_valued
from ddcompile.ir.types import Types
from ddcompile.passes.layers import Layer, domain_of

__all__ = ["Group", "domains_of", "groups_of", "is_large", "over_groups", "rows_of"]

_ROWS = 1 << 12
"""Combinations of bits that are tried for one reader."""

_LARGEST = 2**40
"""Weights and biases of readers; larger ones are left alone."""

_PARTS = 64
"""Groups that are sought among units that have the same readers."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Units by atom, in ascending order, and factors: the sum less the lesser of its two values is a bit."""

    members: np.ndarray
    factors: np.ndarray
    least: int
    values: np.ndarray
    """The values that the units have together, a row each."""
    is_exact: bool = True
    """Whether all readers read a multiple of the sum."""

    def ends(self, weights: np.ndarray) -> tuple[int, int, int, int]:
        """The least and the greatest weighted sum where the bit is 0, then where it is 1."""
        bit = self.values @ self.factors > self.least
        sums = self.values @ weights
        zero, one = sums[~bit], sums[bit]
        return int(zero.min()), int(zero.max()), int(one.min()), int(one.max())


def domains_of(types: Types, atoms: Atoms) -> Callable[[int], Domain | None]:
    """The values of every atom, where they are known."""
    domains = {name: domain_of(types.tensor[name]) for name in atoms.names}
    return lambda atom: domains[atoms.name_of(atom)]


def groups_of(
    number: int,
    layers: Sequence[Layer],
    atoms: Atoms,
    values: JointValues,
    domain: Callable[[int], Domain | None],
) -> list[Group]:
    """The groups of units of one layer, with inputs and units before it that are read further on; none overlap."""
    layer = layers[number]
    if layer.rows is None or layer.is_pinned or layer.rows[0].has_scale:
        return []
    span = atoms.slice(layer.name)
    readers = [row for other in layers[number + 1 :] for row in other.rows or ()]
    later = {other.name for other in layers[number + 1 :]}
    before = np.zeros(atoms.count, dtype=bool)
    for name in atoms.names:
        before[atoms.slice(name)] = name not in later
    found: list[Group] = []
    for members, columns in _together(readers, before):
        if not ((members >= span.start) & (members < span.stop)).any():
            continue
        is_sum = _is_sum(members, columns, readers)
        units = rows_of(members.tolist(), layers, atoms, domain)
        known = [unit for unit in units if unit is not None]
        for part in (_parts(known) or _alike(known)) if len(known) == len(units) else ():
            if is_sum and len(part) == len(members):
                continue
            group = _group(members[part], columns[part], [known[k] for k in part], values)
            if group is not None:
                found.append(group)
    return _read_as_bits(found, readers, domain)


def rows_of(
    members: Sequence[int], layers: Sequence[Layer], atoms: Atoms, domain: Callable[[int], Domain | None]
) -> list[Row | None]:
    """The rows of units; a bit that others of them read is nothing but that."""
    rows = [_row_of(atom, layers, atoms, domain) for atom in members]
    read = {a for row in rows if row is not None for a in row.atoms.tolist()}
    return [_bit(atom, domain) or row if atom in read else row for atom, row in zip(members, rows, strict=True)]


def _row_of(atom: int, layers: Sequence[Layer], atoms: Atoms, domain: Callable[[int], Domain | None]) -> Row | None:
    """The row of a unit, or of an input that is a bit; None for others."""
    name = atoms.name_of(atom)
    for layer in layers:
        if layer.name == name:
            rows = layer.rows
            return None if rows is None or rows[0].has_scale else rows[atom - atoms.offset[name]]
    return _bit(atom, domain)


def _bit(atom: int, domain: Callable[[int], Domain | None]) -> Row | None:
    """A bit as the row that is it."""
    own = np.array([atom]), np.array([1])
    return Row("positive", *own, 0) if domain(atom) == Domain(0, 1) else None


def _together(readers: Sequence[Row], before: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Atoms that have the same readers, and their weights there, a row an atom."""
    if not readers or any(is_large(row) for row in readers):
        return []
    read = np.concatenate([row.atoms for row in readers])
    reader = np.repeat(np.arange(len(readers)), [len(row.atoms) for row in readers])
    weight = np.concatenate([row.weights for row in readers])
    own = np.flatnonzero(before[read])
    own = own[np.argsort(read[own], kind="stable")]
    read, reader, weight = read[own], reader[own], weight[own]
    ends = [*np.flatnonzero(np.diff(read, prepend=-1)).tolist(), len(read)]
    alike: dict[bytes, list[tuple[int, int]]] = {}
    for start, stop in pairwise(ends):
        alike.setdefault(reader[start:stop].tobytes(), []).append((start, stop))
    return [
        (read[[start for start, _ in found]], np.stack([weight[start:stop] for start, stop in found]))
        for found in alike.values()
        if len(found) > 1
    ]


def is_large(row: Row) -> bool:
    """Whether sums of a few weights and the bias may not fit a word."""
    if row.weights.dtype == object or abs(row.bias) > _LARGEST:
        return True
    return bool((np.abs(row.weights) > _LARGEST).any())


def _is_sum(members: np.ndarray, columns: np.ndarray, readers: Sequence[Row]) -> bool:
    """Whether the only reader of some units reads nothing else."""
    if columns.shape[1] != 1:
        return False
    return any(len(row.atoms) == len(members) and (row.atoms == members).all() for row in readers)


def _parts(units: Sequence[Row]) -> list[list[int]]:
    """The places of units that read what one of the widest reads; none if a unit fits in several places."""
    supports = [frozenset(unit.atoms.tolist()) for unit in units]
    widest: list[frozenset[int]] = []
    for support in sorted(set(supports), key=len, reverse=True):
        if len(widest) > _PARTS:
            return []
        if not any(support < other for other in widest):
            widest.append(support)
    parts = [[k for k, support in enumerate(supports) if support <= wide] for wide in widest]
    return [p for p in parts if len(p) > 1] if sum(map(len, parts)) == len(units) else []


def _alike(units: Sequence[Row]) -> list[list[int]]:
    """The places of units that read the same."""
    supports: dict[bytes, list[int]] = {}
    for k, unit in enumerate(units):
        supports.setdefault(unit.atoms.tobytes(), []).append(k)
    return [part for part in supports.values() if len(part) > 1] if len(supports) <= _PARTS else []


def _group(members: np.ndarray, columns: np.ndarray, units: Sequence[Row], values: JointValues) -> Group | None:
    """The bit that is a sum of units, the right way round."""
    joint = values(units)
    if joint is None:
        return None
    # Weights of one sign with the first unit's add, the others take away, if readers share no other factors.
    own = columns[:, 0] // np.gcd.reduce(columns[:, 0])
    signs = np.where(columns.astype(np.float64) @ columns[0].astype(np.float64) >= 0, 1, -1)
    is_shared = bool((np.outer(own, columns[0]) == own[0] * columns).all())
    for factors in (own, signs) if is_shared else (signs,):
        least = two_valued(joint, factors.tolist())
        if least is not None:
            break
    else:
        return None
    total, at_rest = int(factors.sum()), int(joint[0] @ factors) > least
    if (total, not at_rest) < (-total, at_rest):
        factors, least = -factors, -least - 1
    return Group(members, factors, least, joint)


def _read_as_bits(
    groups: Sequence[Group], readers: Sequence[Row], domain: Callable[[int], Domain | None]
) -> list[Group]:
    """The groups of which readers know no more than the bits."""
    groups = list(groups)
    changed = True
    while changed and groups:
        changed = False
        for reader in readers:
            mine = [g for g in groups if np.isin(g.members, reader.atoms).any()]
            inexact = [g for g in mine if not _is_multiple(g, reader)]
            if inexact and not _is_decided(reader, mine, domain):
                groups = [g for g in groups if g not in inexact]
                changed = True
                break
    is_exact = all(_is_multiple(g, row) for row in readers for g in groups)
    return [replace(g, is_exact=is_exact) for g in groups]


def _weights(group: Group, row: Row) -> np.ndarray:
    """The weights of a row for the units of a group."""
    if not len(row.atoms):
        return np.zeros(len(group.members), dtype=np.int64)
    places = np.searchsorted(row.atoms, group.members)
    places = np.minimum(places, len(row.atoms) - 1)
    return np.where(row.atoms[places] == group.members, row.weights[places], 0)


def _is_multiple(group: Group, row: Row) -> bool:
    zero_low, zero_high, one_low, one_high = group.ends(_weights(group, row))
    return zero_low == zero_high and one_low == one_high


def _is_decided(row: Row, groups: Sequence[Group], domain: Callable[[int], Domain | None]) -> bool:
    """Whether a row decides by the bits of groups, and as it does half way between the ends of its values.

    All values of the row where the bits have given values lie between two ends, which must be on one side of zero.
    """
    if row.has_scale:
        return False
    used = np.concatenate([g.members for g in groups])
    others = [(a, w) for a, w in zip(row.atoms.tolist(), row.weights.tolist(), strict=True) if a not in used]
    domains = [domain(a) for a, _ in others]
    if any(d is None for d in domains):
        return False
    sizes = [2] * len(groups) + [d.bits + 1 for d in domains if d is not None]
    if prod(sizes) > _ROWS:
        return False
    ends = [g.ends(_weights(g, row)) for g in groups]
    axes = np.meshgrid(*(np.arange(size) for size in sizes), indexing="ij")
    low = np.full(axes[0].shape, row.bias, dtype=np.int64)
    high, middle = low.copy(), 2 * low
    for (zero_low, zero_high, one_low, one_high), axis in zip(ends, axes, strict=False):
        low += np.where(axis == 1, one_low, zero_low)
        high += np.where(axis == 1, one_high, zero_high)
        middle += np.where(axis == 1, one_low + one_high, zero_low + zero_high)
    for (_, weight), d, axis in zip(others, domains, axes[len(groups) :], strict=True):
        assert d is not None
        term = weight * (d.low + d.step * axis)
        low, high, middle = low + term, high + term, middle + 2 * term
    first, second, third = (np.sign(v) if row.kind == "sign" else v > 0 for v in (low, high, middle))
    return bool((first == second).all() and (first == third).all())


def over_groups(rows: Sequence[Row], groups: Sequence[Group], first: int) -> list[Row] | None:
    """Rows that read the bits of groups, atoms from `first` on, instead of their units; None if they read none."""
    group_of = {atom: k for k, group in enumerate(groups) for atom in group.members.tolist()}
    new = [_over(row, groups, group_of, first) for row in rows]
    return None if all(a is b for a, b in zip(rows, new, strict=True)) else new


def _over(row: Row, groups: Sequence[Group], group_of: dict[int, int], first: int) -> Row:
    mine = sorted({group_of[a] for a in row.atoms.tolist() if a in group_of})
    if not mine:
        return row
    others = [(a, w) for a, w in zip(row.atoms.tolist(), row.weights.tolist(), strict=True) if a not in group_of]
    read = [groups[k] for k in mine]
    ends = [g.ends(_weights(g, row)) for g in read]
    factor = 1
    if all(zero == zero_high and one == one_high for zero, zero_high, one, one_high in ends):
        weights = [one - zero for zero, _, one, _ in ends]
        bias = row.bias + sum(zero for zero, _, _, _ in ends)
    else:
        factor = 2
        weights = [one + one_high - zero - zero_high for zero, zero_high, one, one_high in ends]
        bias = 2 * row.bias + sum(zero + zero_high for zero, zero_high, _, _ in ends)
    terms = [(a, factor * w) for a, w in others]
    terms += [(first + k, w) for k, w in zip(mine, weights, strict=True) if w]
    atoms = np.array([a for a, _ in terms], dtype=np.int64)
    return replace(row, atoms=atoms, weights=integers([w for _, w in terms]), bias=bias)
