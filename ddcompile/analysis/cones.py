"""The units of a layered rule as functions of the inputs that they reach, tabulated.

Inputs that enter every unit of a cone with equal weights, or with opposite ones, are interchangeable: a table is over
the sums of such classes, so that a class of n bits takes n + 1 values and not 2**n.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import assert_never

import numpy as np

from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain

__all__ = ["Cones", "Member", "Table"]

_MOST_UNITS = 1 << 14
"""Most units in a cone."""
_MOST_WORK = 1 << 28
"""Most products for one table."""
_EXACT = 1 << 53
"""Below it, doubles are exact integers."""
_LARGEST = 1 << 40
"""Values of inputs are smaller, and their sums are exact as well."""

Member = tuple[int, int]
"""An input and its factor, 1 or -1, in the sum of its class."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A unit as a function of sums of inputs.

    Attributes
    ----------
    classes
        The inputs of each sum, with their factors.
    ranges
        The values of each sum.
    values
        The value of the unit for all combinations; an axis for each sum.
    offsets
        What is added to each sum of inputs; nothing if there are none.
    """

    classes: tuple[tuple[Member, ...], ...]
    ranges: tuple[range, ...]
    values: np.ndarray
    offsets: tuple[int, ...] = ()

    @property
    def inputs(self) -> int:
        """How many inputs there are."""
        return sum(map(len, self.classes))


class Cones:
    """The cones of the units of a rule, each tabulated when it is asked for.

    Parameters
    ----------
    rows
        The units by their numbers, each after those that it reads. What is neither a unit nor an input is unknown,
        and so are units that depend on it.
    domains
        The values of the inputs by their numbers. Inputs of large values are unknown, too.
    most_inputs, most_rows
        Units that reach more inputs, or whose tables would have more rows, have none.
    """

    def __init__(
        self, rows: Mapping[int, Row], domains: Mapping[int, Domain], most_inputs: int, most_rows: int
    ) -> None:
        self.rows = rows
        self.domains = {a: d for a, d in domains.items() if d.low > -_LARGEST and d.high < _LARGEST}
        self.most_inputs = most_inputs
        self.most_rows = most_rows
        self._support: dict[int, frozenset[int] | None] = {}
        self._depth: dict[int, int] = {}
        for unit in rows:
            self._enter(unit)

    def _enter(self, unit: int) -> None:
        """Note what a unit reaches; units are entered after those that they read."""
        found: set[int] = set()
        depth = 0
        for atom in self.rows[unit].atoms.tolist():
            if atom in self.domains:
                found.add(atom)
            else:
                below = self._support.get(atom)
                if below is None:
                    self._support[unit] = None
                    return
                found |= below
                depth = max(depth, self._depth[atom])
            if len(found) > self.most_inputs:
                self._support[unit] = None
                return
        is_small = len(found) <= self.most_inputs and not self.rows[unit].exponent
        self._support[unit] = frozenset(found) if is_small else None
        self._depth[unit] = depth + 1

    def depth(self, unit: int) -> int:
        """How many units stand one upon another, itself included; 0 if its cone is too large."""
        return 0 if self._support[unit] is None else self._depth[unit]

    def reach(self, unit: int) -> int:
        """How many inputs a unit depends on; 0 if its cone is too large."""
        return len(self._support[unit] or ())

    def units(self, unit: int) -> list[int]:
        """All units of a cone, each after those that it reads; none if there are too many."""
        found: set[int] = {unit}
        work = [unit]
        while work:
            for atom in self.rows[work.pop()].atoms.tolist():
                if atom not in self.domains and atom not in found:
                    found.add(atom)
                    work.append(atom)
            if len(found) > _MOST_UNITS:
                return []
        return sorted(found, key=lambda u: (self._depth[u], u))

    def table(self, unit: int) -> Table | None:
        """The table of a unit; None if it would have too many rows."""
        support = self._support[unit]
        units = [] if support is None else self.units(unit)
        if support is None or not units:
            return None
        classes = self._classes(sorted(support), units)
        ranges = [_range(c, self.domains) for c in classes]
        rows = prod(_length(r) for r in ranges)
        if rows > self.most_rows or rows * sum(len(self.rows[u].atoms) for u in units) > _MOST_WORK:
            return None
        values = self._values(units, classes, ranges)
        return None if values is None else Table(tuple(classes), tuple(ranges), values)

    def _classes(self, inputs: Sequence[int], units: Sequence[int]) -> list[tuple[Member, ...]]:
        """Inputs with equal weights everywhere, up to one factor of -1 for each input."""
        uses: dict[int, list[tuple[int, int]]] = {atom: [] for atom in inputs}
        for unit in units:
            row = self.rows[unit]
            for atom, weight in zip(row.atoms.tolist(), row.weights.tolist(), strict=True):
                if atom in uses:
                    uses[atom].append((unit, weight))
        classes: dict[object, list[Member]] = {}
        for atom in inputs:
            sign = 1 if uses[atom][0][1] > 0 else -1
            key = (self.domains[atom].step, *((unit, sign * weight) for unit, weight in uses[atom]))
            classes.setdefault(key, []).append((atom, sign))
        return [_oriented(members) for members in classes.values()]

    def _values(
        self, units: Sequence[int], classes: Sequence[tuple[Member, ...]], ranges: Sequence[range]
    ) -> np.ndarray | None:
        """The values of the last unit for all values of the sums; None if a number is too large."""
        shape = tuple(map(len, ranges))
        grids = np.meshgrid(*(np.array(r, dtype=np.float64) for r in ranges), indexing="ij")
        sums = [g.ravel() for g in grids]
        place = {members[0][0]: (k, members[0][1]) for k, members in enumerate(classes)}
        value: dict[int, np.ndarray] = {}
        if any(max(map(abs, (self.rows[u].bias, *self.rows[u].weights.tolist()))) >= _EXACT for u in units):
            return None
        for level in _levels(units, self._depth):
            atoms = sorted({a for u in level for a in self.rows[u].atoms.tolist() if a in place or a in value})
            column = {a: k for k, a in enumerate(atoms)}
            weights = np.zeros((len(level), len(atoms)), dtype=object)
            for k, unit in enumerate(level):
                row = self.rows[unit]
                for a, w in zip(row.atoms.tolist(), row.weights.tolist(), strict=True):
                    if a in column:
                        weights[k, column[a]] = w * (place[a][1] if a in place else 1)
            data = np.array([sums[place[a][0]] if a in place else value[a] for a in atoms]).reshape(
                len(atoms), prod(shape)
            )
            totals = _totals(weights, data, [self.rows[u].bias for u in level])
            for unit, total, are_exact in zip(level, *totals, strict=True):
                # Where doubles round, signs are right, and that is all that is known.
                if not are_exact and self.rows[unit].has_scale:
                    return None
                value[unit] = _activated(self.rows[unit], total)
        return value[units[-1]].reshape(shape).astype(np.int64)


def _totals(weights: np.ndarray, data: np.ndarray, bias: Sequence[int]) -> tuple[np.ndarray, list[bool]]:
    """The sums of units as doubles with the right signs, and which are exact.

    A sum of n rounded products of rounded weights is off by less than (n + 2) units of 2**-53 of the sum of their sizes
    (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1); those nearer to 0 are computed exactly.
    """
    try:
        rough, offset = weights.astype(np.float64), np.array(bias, dtype=object).astype(np.float64)
    except OverflowError:
        rough, offset = np.zeros(weights.shape), np.full(len(bias), np.inf)
    totals = rough @ data + offset[:, None]
    reach = np.abs(rough) @ np.abs(data).max(axis=1, initial=0) + np.abs(offset)
    exact = [bool(r < _EXACT) for r in reach]
    slack = 2.0 * (weights.shape[1] + 2) / _EXACT * reach
    for k, is_exact in enumerate(exact):
        near = () if is_exact else np.flatnonzero(~(np.abs(totals[k]) > slack[k]))
        used = np.flatnonzero(weights[k] != 0)
        for column in near:
            total = bias[k] + sum(int(weights[k, a]) * int(data[a, column]) for a in used)
            totals[k, column] = (total > 0) - (total < 0)
    return totals, exact


def _levels(units: Sequence[int], depth: Mapping[int, int]) -> list[list[int]]:
    levels: dict[int, list[int]] = {}
    for unit in units:
        levels.setdefault(depth[unit], []).append(unit)
    return [levels[d] for d in sorted(levels)]


def _activated(row: Row, total: np.ndarray) -> np.ndarray:
    match row.kind:
        case "affine":
            return total
        case "sign":
            return np.asarray(np.sign(total))
        case "positive":
            return (total > 0).astype(np.float64)
        case "abs":
            return np.asarray(np.abs(total))
        case "clamp":
            low, high = (-np.inf if row.low is None else row.low), (np.inf if row.high is None else row.high)
            return np.asarray(np.clip(total, float(low), float(high)))
        case _:
            assert_never(row.kind)


def _oriented(members: Iterable[Member]) -> tuple[Member, ...]:
    """The members with more factors of 1, and 1 for the first if there are as many of both."""
    found = tuple(sorted(members))
    balance = sum(sign for _, sign in found)
    flip = balance < 0 or (balance == 0 and found[0][1] < 0)
    return tuple((atom, -sign) for atom, sign in found) if flip else found


def _range(members: Sequence[Member], domains: Mapping[int, Domain]) -> range:
    """The values of a sum of inputs with one step."""
    low = sum(domains[a].low if s > 0 else -domains[a].high for a, s in members)
    high = sum(domains[a].high if s > 0 else -domains[a].low for a, s in members)
    step = domains[members[0][0]].step
    return range(low, high + 1, step)


def _length(values: range) -> int:
    """How many there are; `len` takes no more than 2**63."""
    return (values.stop - values.start + values.step - 1) // values.step
