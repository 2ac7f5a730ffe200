"""The units of a layered rule as functions of the inputs that they reach, tabulated.

Inputs that enter every unit of a cone with equal weights, or with opposite ones, are interchangeable: a table is over
the sums of such classes, so that a class of n bits takes n + 1 values and not 2**n.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import TypeAlias, assert_never

import numpy as np

from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain

__all__ = ["Cones", "Member", "Table"]

_MOST_UNITS = 1 << 14
"""Most units in a cone."""
_MOST_WORK = 1 << 28
"""Most products for one table."""
_MOST_WORK_IN_ALL = 1 << 31
"""Most products for all tables."""
_MOST_KEPT = 1 << 22
"""Most entries of tables that are kept for those who ask again."""
_MOST_LONG = 1 << 21
"""Most products, in rows that doubles do not decide, that are computed exactly."""
_EXACT = 1 << 53
"""Integers below it are exact as doubles."""
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
        self._work = 0
        self._tables: dict[int, Table | None] = {}
        self._kept = 0
        self._support: dict[int, frozenset[int] | None] = {}
        self._depth: dict[int, int] = {}
        self._limited: set[int] = set()
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
        self._support[unit] = frozenset(found)
        self._depth[unit] = depth + 1
        if self.rows[unit].kind in ("clamp", "abs") or not self._limited.isdisjoint(self.rows[unit].atoms.tolist()):
            self._limited.add(unit)

    def is_limited(self, unit: int) -> bool:
        """Whether a unit is made of limited sums, or of their absolute values; not if its cone is too large."""
        return unit in self._limited

    def depth(self, unit: int) -> int:
        """How many units stand one upon another, itself included; 0 if its cone is too large."""
        return 0 if self._support[unit] is None else self._depth[unit]

    def reach(self, unit: int) -> int:
        """How many inputs a unit depends on; 0 if its cone is too large."""
        return len(self._support[unit] or ())

    def units(self, *targets: int) -> list[int]:
        """All units of a cone, or of several, each after those that it reads; none if there are too many."""
        found = set(targets)
        work = list(targets)
        while work:
            for atom in self.rows[work.pop()].atoms.tolist():
                if atom not in self.domains and atom not in found:
                    found.add(atom)
                    work.append(atom)
            if len(found) > _MOST_UNITS:
                return []
        return sorted(found, key=lambda u: (self._depth[u], u))

    def table(self, unit: int) -> Table | None:
        """The table of a unit; None if it would have too many rows, or if all tables together were too much work."""
        if unit in self._tables:
            return self._tables[unit]
        joint = self.joint([unit])
        table = None if joint is None else replace(joint, values=joint.values[0])
        size = 1 if table is None else table.values.size
        if self._kept + size <= _MOST_KEPT:
            self._kept += size
            self._tables[unit] = table
        return table

    def joint(self, targets: Sequence[int]) -> Table | None:
        """The table of several units, the first axis of whose values they are; None if it would have too many rows."""
        supports = [s for unit in targets if (s := self._support[unit]) is not None]
        units = self.units(*targets) if len(supports) == len(targets) else []
        if not units:
            return None
        classes = self._classes(sorted(frozenset[int]().union(*supports)), units)
        ranges = [_range(c, self.domains) for c in classes]
        rows = prod(_length(r) for r in ranges)
        work = rows * sum(len(self.rows[u].atoms) for u in units)
        if rows > self.most_rows or work > _MOST_WORK or self._work + work > _MOST_WORK_IN_ALL:
            return None
        self._work += work
        values = self._values(targets, units, classes, ranges)
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
        self,
        targets: Sequence[int],
        units: Sequence[int],
        classes: Sequence[tuple[Member, ...]],
        ranges: Sequence[range],
    ) -> np.ndarray | None:
        """The values of some units for all values of the sums; None if they are no integers, or too much work."""
        shape = tuple(map(len, ranges))
        grids = np.meshgrid(*(np.array(r, dtype=np.float64) for r in ranges), indexing="ij")
        inputs = {first[0]: first[1] * grid.ravel() for (first, *_), grid in zip(classes, grids, strict=True)}
        levels = [[(u, self.rows[u]) for u in level] for level in _levels(units, self._depth)]
        with np.errstate(over="ignore", invalid="ignore"):
            values, is_unsure = _rough(targets, levels, inputs, prod(shape))
        unsure = np.flatnonzero(is_unsure)
        if len(unsure) * sum(len(self.rows[u].atoms) for u in units) > _MOST_LONG:
            return None
        if len(unsure):
            exact = _exact(targets, levels, {a: v[unsure] for a, v in inputs.items()}, len(unsure))
            if any(v.exponent or np.abs(v.values).max() >= _EXACT for v in exact):
                return None
            values[:, unsure] = [v.values.astype(np.float64) for v in exact]
        is_integral = (values == np.rint(values)).all() and np.abs(values).max() < _EXACT
        return values.reshape(len(targets), *shape).astype(np.int64) if is_integral else None


_Levels: TypeAlias = Sequence[Sequence[tuple[int, Row]]]
"""The units of a cone with their numbers, each after those that it reads."""


@dataclass(frozen=True, slots=True, eq=False)
class _Doubles:
    """Doubles divided by a power of two, each off by no more than `error`, divided as well; integers where it is 0."""

    values: np.ndarray
    exponent: int = 0
    error: float = 0.0


def _rough(
    targets: Sequence[int], levels: _Levels, inputs: Mapping[int, np.ndarray], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The values of some units in all rows of a table, and in which rows doubles do not tell.

    A sum of n rounded products of rounded weights and values is off by less than (n + 3) units of 2**-53 of the sum of
    their sizes (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1), besides what its operands
    are off by.
    """
    known = {a: _Doubles(v) for a, v in inputs.items()}
    unsure = np.zeros(count, dtype=bool)
    values = np.zeros((len(targets), count))
    try:
        for level in levels:
            for (unit, row), total in zip(level, _totals([row for _, row in level], known, count), strict=True):
                known[unit] = _activated(row, total)
                if total.error and not row.has_scale:
                    unsure |= ~(np.abs(total.values) > total.error)
    except OverflowError:
        return values, np.ones(count, dtype=bool)
    for k, found in enumerate(known[u] for u in targets):
        values[k] = np.ldexp(found.values, -found.exponent)
        unsure |= found.error != 0 or (np.ldexp(values[k], found.exponent) != found.values)
    return values, unsure


def _totals(rows: Sequence[Row], known: Mapping[int, _Doubles], count: int) -> list[_Doubles]:
    """The sums of units that do not read one another. The first input of a class stands for the sum of all."""
    atoms = sorted({a for row in rows for a in row.atoms.tolist() if a in known})
    column = {a: k for k, a in enumerate(atoms)}
    operands = [known[a] for a in atoms]
    weights, bias = np.zeros((len(rows), len(atoms))), np.zeros(len(rows))
    exponents = []
    for k, row in enumerate(rows):
        terms = [(a, w) for a, w in zip(row.atoms.tolist(), row.weights.tolist(), strict=True) if a in known]
        exponent = max((known[a].exponent for a, _ in terms), default=0)
        for a, w in terms:
            weights[k, column[a]] = w << exponent - known[a].exponent
        bias[k] = row.bias << exponent
        exponents.append(row.exponent + exponent)
    data = np.array([o.values for o in operands]).reshape(len(operands), count)
    reach = np.abs(weights) @ np.abs(data).max(axis=1, initial=0) + np.abs(bias)
    errors = np.abs(weights) @ np.array([o.error for o in operands])
    slack = 2.0 * (len(atoms) + 3) / _EXACT * reach + 2 * errors
    errors = np.where((errors == 0) & (reach < _EXACT), 0, slack)
    totals = weights @ data + bias[:, None]
    return [_Doubles(*each) for each in zip(totals, exponents, errors.tolist(), strict=True)]


def _activated(row: Row, total: _Doubles) -> _Doubles:
    """The values of a unit; where it tells signs, those that doubles do not tell may be wrong."""
    match row.kind:
        case "affine":
            return total
        case "sign":
            return _Doubles(np.sign(total.values))
        case "positive":
            is_positive = total.values >= 0 if row.is_inclusive else total.values > 0
            return _Doubles(is_positive.astype(np.float64))
        case "abs":
            return replace(total, values=np.abs(total.values))
        case "clamp":
            low, high = (None if n is None else Fraction(n) for n in (row.low, row.high))
            exponent = max(total.exponent, *(n.denominator.bit_length() - 1 for n in (low, high) if n is not None))
            values = np.ldexp(total.values, exponent - total.exponent)
            error = total.error * 2.0 ** (exponent - total.exponent)
            for limit, choose in ((low, np.maximum), (high, np.minimum)):
                if limit is not None:
                    exact = limit * (1 << exponent)
                    values = choose(values, float(exact))
                    error += 2 * abs(float(exact - Fraction(float(exact))))
            return _Doubles(values, exponent, error)
        case _:
            assert_never(row.kind)


@dataclass(frozen=True, slots=True, eq=False)
class _Integers:
    """Integers of any size (dtype object), divided by the least power of two with which all are integers."""

    values: np.ndarray
    exponent: int = 0

    @classmethod
    def of(cls, values: np.ndarray, exponent: int) -> _Integers:
        """Integers divided by a power of two that may be less."""
        bits = np.bitwise_or.reduce(values)
        spare = min(exponent, (bits & -bits).bit_length() - 1) if bits else exponent
        return cls(values >> spare, exponent - spare)


def _exact(targets: Sequence[int], levels: _Levels, inputs: Mapping[int, np.ndarray], count: int) -> list[_Integers]:
    """The values of some units."""
    known = {a: _Integers(v.astype(np.int64).astype(object)) for a, v in inputs.items()}
    for unit, row in (each for level in levels for each in level):
        terms = [(known[a], w) for a, w in zip(row.atoms.tolist(), row.weights.tolist(), strict=True) if a in known]
        exponent = max((operand.exponent for operand, _ in terms), default=0)
        total = np.full(count, row.bias << exponent, dtype=object)
        for operand, w in terms:
            total += operand.values * (w << exponent - operand.exponent)
        known[unit] = _decided(row, total, row.exponent + exponent)
    return [known[u] for u in targets]


def _decided(row: Row, total: np.ndarray, exponent: int) -> _Integers:
    """The values of a unit where its form, divided by its scale, is `total / 2**exponent`."""
    match row.kind:
        case "affine":
            return _Integers.of(total, exponent)
        case "sign":
            return _Integers((total > 0).astype(object) - (total < 0))
        case "positive":
            return _Integers(1 * (total >= 0 if row.is_inclusive else total > 0).astype(object))
        case "abs":
            return _Integers.of(np.abs(total), exponent)
        case "clamp":
            limits = [
                (Fraction(n), choose) for n, choose in ((row.low, np.maximum), (row.high, np.minimum)) if n is not None
            ]
            finer = max([0, *(n.denominator.bit_length() - 1 - exponent for n, _ in limits)])
            total, exponent = total << finer, exponent + finer
            for limit, choose in limits:
                total = choose(total, int(limit * (1 << exponent)))
            return _Integers.of(total, exponent)
        case _:
            assert_never(row.kind)


def _levels(units: Sequence[int], depth: Mapping[int, int]) -> list[list[int]]:
    levels: dict[int, list[int]] = {}
    for unit in units:
        levels.setdefault(depth[unit], []).append(unit)
    return [levels[d] for d in sorted(levels)]


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
