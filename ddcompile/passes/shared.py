"""Bits that units make together with operands that other units read as well.

The exclusive or of two inputs is `a + b - 2 * both`, where `both` has readers of its own, but `a` and `b` belong to
other bits, too. Readers that give `both` a weight take that many times the bit from their weights of its operands. The
sum of a reader is the same number as before, whatever is left of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import product

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.analysis.two_valued import JointValues, two_valued
from ddcompile.passes.group_reading import Group
from ddcompile.passes.groups import is_large, rows_of
from ddcompile.passes.layers import Layer

__all__ = ["over_shared", "shared_groups_of"]

_UNITS = 3
_OPERANDS = 6
"""Units that only one bit is made of, and operands of them that it may have as well."""

_KINDS = 4
_TURNS = 4
"""Kinds of bits that all units are given at first, and how often each is chosen anew."""

_WORK = 1 << 16
"""Operands times readers of all units that are looked at; where there are more, no bits are sought."""


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """Units that are read in one ratio, with the same readers, and what they read themselves.

    A bit is some operands, added or taken away, and the scale times the sum of the factors times the units. Readers
    that read no multiple of it read the units as before.
    """

    members: list[int]
    factors: np.ndarray
    operands: list[int]
    times: dict[int, int]
    """How often each reader reads the sum of the factors times the units."""
    joint: np.ndarray
    """The values that operands and units have together."""
    choices: np.ndarray
    """The factors of operands, then the scale, of every bit that there is, a row each."""
    kinds: dict[tuple[int, ...], np.ndarray]
    """The first choice of every kind."""

    def shares(self, choice: np.ndarray) -> dict[int, int]:
        """How often readers read a bit."""
        scale = int(choice[-1])
        return {k: times // scale for k, times in self.times.items() if times % scale == 0}

    def is_written(self, weights: Sequence[Mapping[int, int]]) -> bool:
        """Whether readers are nothing but bits of this kind themselves."""
        return all(weights[k].keys() <= {*self.members, *self.operands} for k in self.times)

    def group(self, choice: np.ndarray) -> Group:
        """The bit with a choice of factors."""
        factors = np.array([*choice[:-1], *(choice[-1] * self.factors)])
        used = np.flatnonzero(factors)
        members, factors = np.array([*self.operands, *self.members])[used], factors[used]
        least = two_valued(self.joint[:, used], factors.tolist())
        assert least is not None
        order = np.argsort(members)
        return Group(members[order], factors[order], least, self.joint[:, used][:, order])


def shared_groups_of(
    number: int,
    layers: Sequence[Layer],
    atoms: Atoms,
    values: JointValues,
    domain: Callable[[int], Domain | None],
) -> list[Group]:
    """Bits of units of one layer and of operands of theirs that leave fewer operands in all, theirs too, or none.

    Units are in one group, operands may be in several. Operands that readers do not read may be among them: neighbours
    that are read both ways round, or by bits that are added and ones that are taken away, have no weights left.
    """
    layer = layers[number]
    if layer.rows is None or layer.is_pinned or layer.rows[0].kind != "positive":
        return []
    read_by = [(row, other) for other in layers[number + 1 :] for row in other.rows or ()]
    readers = [row for row, _ in read_by]
    sums = {k for k, (row, other) in enumerate(read_by) if row.kind == "affine" and not other.is_result}
    if any(map(is_large, readers)):
        return []
    weights = [dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True)) for row in readers]
    known: dict[object, tuple[np.ndarray, dict[tuple[int, ...], np.ndarray]]] = {}
    owns = []
    alone = list(_alone(layer, atoms, weights, sums))
    if sum(len(operands) * len(times) for _, _, operands, times in alone) > _WORK:
        return []
    for members, factors, operands, times in alone:
        units = rows_of([*operands, *members], layers, atoms, domain)
        bits = [u for u in units if u is not None and u.kind == "positive"]
        joint = values(bits) if len(bits) == len(units) else None
        if joint is not None:
            owns.append(_Own(members, factors, operands, times, joint, *_choices(joint, len(operands), factors, known)))
    chosen = _chosen([own for own in owns if own.kinds and not own.is_written(weights)], weights)
    found = [own.group(choice) for own, choice in chosen]
    new = over_shared(readers, found, atoms.count) if found else None
    if new is None:
        return []
    read = {a for row in new for a in row.atoms.tolist()}
    before, after = _operands(readers), _operands(new)
    for (own, _), group in zip(chosen, found, strict=True):
        if read.intersection(own.members):
            after += len(group.members)
        else:
            # What reads only one bit is written as that bit.
            after += len(own.operands)
            before += _operands([layer.rows[u - atoms.offset[layer.name]] for u in own.members])
    return found if after < before else []


def _operands(rows: Sequence[Row]) -> int:
    return sum(len(row.atoms) for row in rows)


def _alone(
    layer: Layer, atoms: Atoms, weights: Sequence[Mapping[int, int]], sums: Set[int]
) -> Iterator[tuple[list[int], np.ndarray, list[int], dict[int, int]]]:
    """Units that only one bit is made of, and their factors, operands and readers; none that are in sums already."""
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
    for readers, together in alike.items():
        if not sums.isdisjoint(readers):
            continue  # they are in a sum already
        parts: dict[bytes, list[int]] = {}
        for unit in together:
            parts.setdefault(rows[unit - start].atoms.tobytes() if len(together) > _UNITS else b"", []).append(unit)
        for members in parts.values():
            if len(members) > _UNITS:
                continue
            column = np.array([[weights[k][u] for k in readers] for u in members], dtype=np.int64)
            factors = column[:, 0] // np.gcd.reduce(column[:, 0]) if len(members) > 1 else np.ones(1, dtype=np.int64)
            times = {k: int(column[0, n] // factors[0]) for n, k in enumerate(readers)}
            if (np.outer(factors, list(times.values())) != column).any():
                continue
            inner = sorted({a for u in members for a in rows[u - start].atoms.tolist()} - set(members))
            if 0 < len(inner) <= _OPERANDS:
                yield members, factors, inner, times


def _choices(
    joint: np.ndarray,
    count: int,
    factors: np.ndarray,
    known: dict[object, tuple[np.ndarray, dict[tuple[int, ...], np.ndarray]]],
) -> tuple[np.ndarray, dict[tuple[int, ...], np.ndarray]]:
    """The bits that are units and operands, at least one of these, in a fixed order, and the first of every kind."""
    rows = np.unique(joint, axis=0)
    key = rows.tobytes(), rows.shape, factors.tobytes()
    if key not in known:
        chosen = np.array([c for c in product((0, 1, -1), repeat=count) if any(c)])
        own = rows[:, count:] @ factors
        found = []
        for scale in (1, 2):
            sums = chosen @ rows[:, :count].T + scale * own
            good = chosen[np.ptp(sums, axis=1) == 1]
            found.append(np.column_stack([good, np.full(len(good), scale)]))
        choices = np.concatenate(found)
        kinds: dict[tuple[int, ...], np.ndarray] = {}
        for choice in choices:
            kinds.setdefault((int(choice[-1]), *sorted(c for c in choice[:-1].tolist() if c)), choice)
        known[key] = choices, kinds
    return known[key]


def _chosen(owns: Sequence[_Own], weights: Sequence[Mapping[int, int]]) -> list[tuple[_Own, np.ndarray]]:
    """The bits that leave the least weights: from none, or from bits of one kind, on, as long as one gets better."""
    kinds = Counter(kind for own in owns for kind in own.kinds)
    best: tuple[int, list[tuple[_Own, np.ndarray]]] = 0, []
    for kind in (None, *sorted(kinds, key=lambda kind: (-kinds[kind], kind))[:_KINDS]):
        left = [dict(own) for own in weights]
        now = [None if kind is None else own.kinds.get(kind) for own in owns]
        gain = sum(_apply(own, choice, left, 1) for own, choice in zip(owns, now, strict=True))
        for _ in range(_TURNS):
            before = gain
            for n, own in enumerate(owns):
                lost = _apply(own, now[n], left, -1)
                now[n] = _best(own, left, now[n], -lost)
                gain += lost + _apply(own, now[n], left, 1)
            if gain == before:
                break
        if gain > best[0]:
            best = gain, [(own, choice) for own, choice in zip(owns, now, strict=True) if choice is not None]
    return best[1]


def _apply(own: _Own, choice: np.ndarray | None, left: Sequence[dict[int, int]], sign: int) -> int:
    """Have readers read a bit, or read it no more; what that takes from the weights of readers."""
    gain = 0
    for k, share in own.shares(choice).items() if choice is not None else ():
        gain += sign * _less(own, k, share)
        for atom, factor in zip(own.operands, choice[:-1].tolist(), strict=True):  # type: ignore[index]
            if factor:
                before = left[k].get(atom, 0)
                left[k][atom] = before - sign * share * factor
                gain += abs(before) - abs(left[k][atom])
    return gain


def _less(own: _Own, reader: int, share: int) -> int:
    """What a bit takes from the weights of units."""
    return int(np.abs(own.times[reader] * own.factors).sum()) - abs(share)


def _best(own: _Own, left: Sequence[Mapping[int, int]], choice: np.ndarray | None, gain: int) -> np.ndarray | None:
    """The bit that takes most from the weights of readers; the one that there is if none takes more."""
    best = (gain, choice) if choice is not None and gain > 0 else (0, None)
    for scale in (1, 2):
        choices = own.choices[own.choices[:, -1] == scale]
        shares = {k: times // scale for k, times in own.times.items() if times % scale == 0}
        if not len(choices) or not shares:
            continue
        now = np.array([[left[k].get(a, 0) for a in own.operands] for k in shares], dtype=np.int64)
        share = np.array(list(shares.values()), dtype=np.int64)
        units = sum(_less(own, k, s) for k, s in shares.items())
        after = np.abs(now - share[:, None] * choices[:, None, :-1]).sum(axis=(1, 2))
        least = int(after.argmin())
        found = units + int(np.abs(now).sum()) - int(after[least])
        if found > best[0]:
            best = found, choices[least]
    return best[1]


def over_shared(rows: Sequence[Row], groups: Sequence[Group], first: int) -> list[Row] | None:
    """Rows that read the bits of groups, atoms from `first` on, for their last units; None if they read none."""
    group_of = {int(g.members[-1]): k for k, g in enumerate(groups)}
    new = [_over(row, groups, group_of, first) for row in rows]
    return None if all(a is b for a, b in zip(rows, new, strict=True)) else new


def _over(row: Row, groups: Sequence[Group], group_of: Mapping[int, int], first: int) -> Row:
    total = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    mine = sorted(group_of[a] for a in total if a in group_of)
    mine = [k for k in mine if total[int(groups[k].members[-1])] % int(groups[k].factors[-1]) == 0]
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
    return row.over(total, bias)
