"""A sum of units as one operand: which rows can read it instead of its units, and what they are then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain

__all__ = ["Group", "groups_in", "is_multiple", "over_groups", "readable", "weights_of"]

_ROWS = 1 << 12
"""Combinations of bits that are tried for one reader."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Units by atom, in ascending order, and factors: the sum less the lesser of its two values is a bit."""

    members: np.ndarray
    factors: np.ndarray
    least: int
    values: np.ndarray | None
    """The values that the units have together, a row each; None for a sum that is no bit."""
    is_exact: bool = True
    """Whether all that read it read a multiple of the sum."""

    def times(self, weights: np.ndarray) -> int | None:
        """How often some weights are the factors; None if they are no multiple of these."""
        times = int(weights[0]) // int(self.factors[0])
        return times if (times * self.factors == weights).all() else None

    def ends(self, weights: np.ndarray) -> tuple[int, int, int, int]:
        """The least and the greatest weighted sum where the bit is 0, then where it is 1."""
        assert self.values is not None
        bit = self.values @ self.factors > self.least
        sums = self.values @ weights
        zero, one = sums[~bit], sums[bit]
        return int(zero.min()), int(zero.max()), int(one.min()), int(one.max())


def groups_in(row: Row, groups: Sequence[Group]) -> list[Group]:
    """The groups of which a row reads some unit."""
    return [g for g in groups if np.isin(g.members, row.atoms).any()]


def readable(row: Row, groups: Sequence[Group], domain: Callable[[int], Domain | None]) -> list[Group]:
    """Those of the groups in a row that it can read: of which it reads a multiple, or decides by the bits alone."""
    exact = [g for g in groups if is_multiple(g, row)]
    bits = [g for g in groups if g.values is not None]
    inexact = [g for g in bits if g not in exact]
    return exact + inexact if inexact and _is_decided(row, bits, domain) else exact


def weights_of(group: Group, row: Row) -> np.ndarray:
    """The weights of a row for the units of a group."""
    if not len(row.atoms):
        return np.zeros(len(group.members), dtype=np.int64)
    places = np.searchsorted(row.atoms, group.members)
    places = np.minimum(places, len(row.atoms) - 1)
    return np.where(row.atoms[places] == group.members, row.weights[places], 0)


def is_multiple(group: Group, row: Row) -> bool:
    """Whether a row reads a multiple of the sum."""
    if group.values is None:
        return group.times(weights_of(group, row)) is not None
    zero_low, zero_high, one_low, one_high = group.ends(weights_of(group, row))
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
    ends = [g.ends(weights_of(g, row)) for g in groups]
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


def over_groups(
    rows: Sequence[Row], groups: Sequence[Group], first: int, domain: Callable[[int], Domain | None]
) -> list[Row] | None:
    """Rows that read groups, atoms from `first` on, instead of their units where they can; None if they read none."""
    number = {group: first + k for k, group in enumerate(groups)}
    new = [_over(row, readable(row, groups_in(row, groups), domain), number) for row in rows]
    return None if all(a is b for a, b in zip(rows, new, strict=True)) else new


def _over(row: Row, read: Sequence[Group], number: Mapping[Group, int]) -> Row:
    if not read:
        return row
    gone = {a for group in read for a in group.members.tolist()}
    factor = 1 if all(is_multiple(group, row) for group in read) else 2
    total = {a: factor * w for a, w in zip(row.atoms.tolist(), row.weights.tolist(), strict=True) if a not in gone}
    bias = factor * row.bias
    for group in read:
        weights = weights_of(group, row)
        if group.values is None:
            times = group.times(weights)
            assert times is not None
            weight, least = factor * times, factor * times * group.least
        else:
            zero, zero_high, one, one_high = group.ends(weights)
            weight, least = one - zero, zero
            if factor == 2:
                weight, least = one + one_high - zero - zero_high, zero + zero_high
        bias += least
        if weight:
            total[number[group]] = weight
    return row.over(total, bias)
