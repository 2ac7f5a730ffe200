"""Units that make a bit together: which they are, and how their readers are written over the bit.

A group is proposed where units have the same readers, and what they read is read by one of them. Its sum has two
neighbouring values. A reader that gives the units weights in the ratio of the sum's factors reads a multiple of the
sum; of any other one it is shown, over all values that the groups have together, that it decides by their bits alone.

A few units may be unlike the others. Readers that are go on reading the units themselves; and where some groups are
bits, sums that are no bits, and units alone, are read as these are, so that all cells of a grid are read alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.analysis.two_valued import JointValues, two_valued
from ddcompile.ir.types import Types
from ddcompile.passes.group_reading import Group, groups_in, is_multiple, readable, weights_of
from ddcompile.passes.layers import Layer, domain_of

__all__ = ["Domains", "groups_of", "is_large", "rows_of"]

_Look: TypeAlias = tuple[tuple[int, ...], int]
"""The weights of a unit, in order, and its bias."""

_LARGEST = 2**40
"""Weights and biases of readers; larger ones are left alone."""

_ODD = 4
"""There are at least so many others for everything that is unlike them."""

_PARTS = 64
"""Groups that are sought among units that have the same readers."""


class Domains:
    """The values of atoms, where they are known: of sums of units those that they have whatever the inputs."""

    def __init__(self, types: Types, atoms: Atoms, layers: Sequence[Layer], rows: int) -> None:
        """`rows` bounds the tables of `values`."""
        self._atoms, self._layers = atoms, layers
        self._of_tensor = {name: domain_of(types.tensor[name]) for name in atoms.names}
        self._sums = {
            atoms.offset[x.name] + k: row
            for x in layers
            for k, row in enumerate(x.rows or ())
            if row.kind == "affine" and not row.exponent and not x.is_pinned
        }
        self._known: dict[int, Domain | None] = {}
        self.values = JointValues(self, rows)
        """What units have for values together."""

    def __call__(self, atom: int) -> Domain | None:
        """The values of an atom; None if they are not known."""
        if atom not in self._known:
            whole = self._of_tensor[self._atoms.name_of(atom)]
            row = self._sums.get(atom)
            self._known[atom] = whole if row is None or whole is None else self._of_sum(row) or whole
        return self._known[atom]

    def _of_sum(self, row: Row) -> Domain | None:
        units = rows_of(row.atoms.tolist(), self._layers, self._atoms, self)
        known = [unit for unit in units if unit is not None]
        joint = self.values(known) if len(known) == len(units) and known and not is_large(row) else None
        if joint is None:
            return None
        sums = joint @ row.weights + row.bias
        return Domain(int(sums.min()), int(sums.max()))


def groups_of(
    number: int,
    layers: Sequence[Layer],
    atoms: Atoms,
    values: JointValues,
    domain: Callable[[int], Domain | None],
    most_odd: int,
) -> list[Group]:
    """The groups of units of one layer, with inputs and units before it that are read further on; none overlap."""
    layer = layers[number]
    if layer.rows is None or layer.is_pinned or layer.rows[0].has_scale:
        return []
    span = atoms.slice(layer.name)
    # What only sums of units read is in a sum already.
    readings = [[r for r in x.rows or () if r.kind != "affine" or x.is_result] for x in layers[number + 1 :]]
    readers = [row for rows in readings for row in rows]
    later = {other.name for other in layers[number + 1 :]}
    before = np.zeros(atoms.count, dtype=bool)
    for name in atoms.names:
        before[atoms.slice(name)] = name not in later

    own = set(range(span.start, span.stop))

    def units_of(members: np.ndarray) -> list[Row | None]:
        return [] if own.isdisjoint(members.tolist()) else rows_of(members.tolist(), layers, atoms, domain)

    def row_of(atom: int) -> Row | None:
        return rows_of([atom], layers, atoms, domain)[0]

    best: list[Group] = []
    following = next(filter(None, readings), [])
    for every in (readers, following) if len(following) < len(readers) else (readers,):
        for usual in _usual(every):
            groups = _proposed((usual, every), before, own, units_of, values, most_odd, row_of)
            best = max(best, _read(groups, usual, readers, domain), key=_worth)
    return best


def _proposed(
    readings: Sequence[Sequence[Row]],
    before: np.ndarray,
    own: set[int],
    units_of: Callable[[np.ndarray], list[Row | None]],
    values: JointValues,
    most_odd: int,
    row_of: Callable[[int], Row | None],
) -> list[Group]:
    """Groups by what some units read, and by what others read where those say nothing; then sums that are like them."""
    found: list[Group] = []
    rest: list[tuple[np.ndarray, np.ndarray]] = []
    taken: set[int] = set()
    for chosen in readings if len(readings[0]) < len(readings[1]) else readings[:1]:
        for members, columns in _together(chosen, before):
            units = units_of(members) if taken.isdisjoint(members.tolist()) else []
            if not units:
                continue
            is_sum = _is_sum(members, columns, chosen)
            known = [unit for unit in units if unit is not None]
            made: list[Group] = []
            for part in (_parts(known) or _alike(known)) if len(known) == len(units) else ():
                if is_sum and len(part) == len(members):
                    continue
                group = _group(members[part], columns[part], [known[k] for k in part], values)
                if group is not None:
                    made.append(group)
            found += made
            if sum(len(group.members) for group in made) < len(members) and not is_sum:
                rest.append((members, columns))
            taken.update(members.tolist())
        if not found:
            return []
    left = own.difference(*(g.members.tolist() for g in found))
    odd = _odd(found, rest, left, readings[1], most_odd, row_of)
    like_odd = {a for group in odd for a in group.members.tolist()}
    return [group for group in found if like_odd.isdisjoint(group.members.tolist())] + odd


def _usual(readers: Sequence[Row]) -> list[list[Row]]:
    """Units of which there are many with the same weights, or of the same sizes, where most are; or else all.

    Beside sums that are the other way round, weights have other signs, and bounds follow from these.
    """
    signed = [(row.kind, row.bias, tuple(sorted(row.weights.tolist()))) for row in readers]
    sizes = [(row.kind, 0, tuple(sorted(np.abs(row.weights).tolist()))) for row in readers]
    masks: dict[tuple[bool, ...], None] = {}
    for kinds in (signed, sizes):
        count = Counter(kinds)
        least = max(2, max(count.values(), default=0) // _ODD)
        mask = tuple([count[kind] >= least for kind in kinds])
        if _ODD * mask.count(False) <= len(readers):
            masks[mask] = None
    return [[row for row, is_usual in zip(readers, mask, strict=True) if is_usual] for mask in masks] or [list(readers)]


def _worth(groups: Sequence[Group]) -> tuple[int, int, int]:
    """More units, in fewer groups, of which more are bits."""
    units = sum(len(group.members) for group in groups)
    return units, -len(groups), sum(group.values is not None for group in groups)


def _odd(
    groups: Sequence[Group],
    rest: Sequence[tuple[np.ndarray, np.ndarray]],
    left: set[int],
    readers: Sequence[Row],
    most_odd: int,
    row_of: Callable[[int], Row | None],
) -> list[Group]:
    """Sums of units that are no bits, but read as most groups are, up to units that are the other way round.

    They are the way round in which more of their units look like units of the usual groups; or else, in which readers
    add what they add of these. A unit the other way round is added where it was taken away: the sum is that much more.
    Where there are such sums, and few units are left of a layer, these are read in the same way.
    """
    kinds = Counter(map(_kind, groups))
    if not kinds or not rest:
        return []
    (sizes, total, least) = max(kinds, key=lambda kind: (kinds[kind], kind))
    usual = [g for g in groups if _kind(g) == (sizes, total, least)]
    lean = sum(int(np.sign(g.times(weights_of(g, row)) or 0)) for g in usual for row in readers)
    looks = _Looks(usual, row_of)
    found = []
    for members, columns in rest:
        factors = columns[:, 0] // np.gcd.reduce(columns[:, 0])
        if _sizes(factors) != sizes or (np.outer(factors, columns[0]) != factors[0] * columns).any():
            continue
        one, other = looks.fit(members, factors), looks.fit(members, -factors)
        if one < other or (one == other and (columns[0] * factors[0]).sum() * lean < 0):
            factors = -factors
        more = int(factors.sum()) - total
        if more % 2 == 0:
            found.append(Group(members, factors, least + more // 2, None))
    if not found or 2 * len(found) > most_odd * len(usual):
        return []
    return found + _single(left.difference(*(g.members.tolist() for g in found)), lean, readers, len(usual) // 2)


class _Looks:
    """What units look like that some groups add, and those that they take away."""

    def __init__(self, groups: Sequence[Group], row_of: Callable[[int], Row | None]) -> None:
        self._row_of = row_of
        self._known: set[tuple[bool, _Look | None]] = set()
        for group in groups:
            for atom, factor in zip(group.members.tolist(), group.factors.tolist(), strict=True):
                self._known.add((factor > 0, _look(row_of(atom))))

    def fit(self, members: np.ndarray, factors: np.ndarray) -> int:
        """How many units of a sum look like that, as they are or the other way round."""
        count = 0
        for atom, factor in zip(members.tolist(), factors.tolist(), strict=True):
            row = self._row_of(atom)
            count += (factor > 0, _look(row)) in self._known or (factor < 0, _look(row, turned=True)) in self._known
        return count


def _look(row: Row | None, *, turned: bool = False) -> _Look | None:
    """The weights in order and the bias of a unit, or of the one that is on where it is off."""
    if row is None or row.kind != "positive" or row.is_inclusive:
        return None
    weights = -row.weights if turned else row.weights
    return tuple(sorted(weights.tolist())), 1 - row.bias if turned else row.bias


def _single(atoms: Collection[int], lean: int, readers: Sequence[Row], most: int) -> list[Group]:
    """Sums of one unit, the way round in which readers add or take away what most groups are; none if they are many."""
    found = []
    for atom in sorted(atoms):
        one = Group(np.array([atom]), np.array([1]), 0, None)
        sign = lean * sum(int(weights_of(one, row)[0]) for row in readers)
        if sign:
            found.append(one if sign > 0 else Group(one.members, -one.factors, -1, None))
    return found if len(found) <= most else []


def _kind(group: Group) -> tuple[tuple[int, ...], int, int]:
    return _sizes(group.factors), int(group.factors.sum()), group.least


def _sizes(factors: np.ndarray) -> tuple[int, ...]:
    return tuple(sorted(np.abs(factors).tolist()))


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


def _read(
    groups: Sequence[Group],
    chosen: Sequence[Row],
    readers: Sequence[Row],
    domain: Callable[[int], Domain | None],
) -> list[Group]:
    """The groups that most of some units can read instead of their members."""
    groups = list(groups)
    usual = {id(row) for row in chosen}
    while groups:
        unread, read = Counter[Group](), Counter[Group]()
        is_exact = dict.fromkeys(groups, True)
        for row in readers:
            mine = groups_in(row, groups)
            kept = readable(row, mine, domain)
            if id(row) in usual:
                read.update(mine)
                unread.update(g for g in mine if g not in kept)
            for group in kept:
                is_exact[group] &= is_multiple(group, row)
        good = [g for g in groups if _ODD * unread[g] <= read[g]]
        if len(good) == len(groups):
            if not all(is_exact.values()):
                good = [g for g in good if g.values is not None]
            return [replace(g, is_exact=is_exact[g]) for g in good]
        groups = good
    return []
