"""Threshold programmes: step functions of two integer forms over shared free variables are compared exactly.

For each attainable value of the first form, the extremes of the second are found: variables are grouped by their
weight in the first form, the extremes of k chosen ones are sorted prefix sums of their weights in the second, and
groups are combined by (min, +) and (max, +) convolution. If the second function is constant between the extremes for
each value and the functions add up to one constant throughout, then they do so for all inputs, because the reachable
values of the variables are among those enumerated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb
from typing import TypeAlias

import numpy as np

from ddcompile.prove.forms import Form
from ddcompile.prove.store import Store

__all__ = ["Programmes", "Stairs", "stairs_of"]

SAFE = 1 << 62
PAIR_LIMIT = 1 << 22
"""Most sums formed in one convolution."""
SECOND_LIMIT = 1 << 18
"""The same where the form with more values is enumerated, after the other way round has failed."""
WORK_FACTOR = 1 << 5
"""Most sums formed in one programme, in multiples of the limit."""

State: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stairs:
    """The function `sum of jump[k] * [form >= bound[k]]` of an integral form without constant."""

    form: Form
    bounds: tuple[int, ...]
    jumps: tuple[int, ...]


def stairs_of(store: Store, terms: Mapping[int, int]) -> list[Stairs] | None:
    """A sum of bits as step functions of different forms, None if a variable is no bit over integral forms."""
    steps: dict[int, list[tuple[int, int]]] = {}
    found: list[Stairs] = []
    for v, c in terms.items():
        node = store.nodes[v]
        if not node.is_bit:
            return None
        if node.kind != "step":
            found.append(Stairs(Form({v: 1}, 0), (1,), (c,)))
            continue
        if not store.bases[node.base].integral:
            return None
        steps.setdefault(node.base, []).append((int(node.number), c))
    for base, pairs in steps.items():
        pairs.sort()
        bounds, jumps = tuple(b for b, _ in pairs), tuple(c for _, c in pairs)
        found.append(Stairs(store.bases[base].form, bounds, jumps))
    return found


@dataclass(slots=True)
class _Groups:
    """The variables of two forms as independent choices, each form 0 where nothing is chosen."""

    base: State = (0, 0)
    choices: dict[int, Counter[int]] = field(default_factory=dict)
    """By weight in the first form, not negative: the weights in the second form with their counts."""
    units: Counter[tuple[State, ...]] = field(default_factory=Counter)
    """Variables with several ordered states: the contributions of each state."""

    def signature(self) -> Hashable:
        """Two pairs of forms with equal signatures take the same pairs of values, apart from `base`."""
        choices = tuple((a, tuple(sorted(c.items()))) for a, c in sorted(self.choices.items()))
        return choices, tuple(sorted(self.units.items()))


@dataclass(slots=True)
class Programmes:
    """Compares step functions, remembering the answers by signature."""

    store: Store
    _known: dict[Hashable, int | None] = field(default_factory=dict)

    def constant_sum(self, first: Stairs, second: Stairs | None) -> int | None:
        """The value of `first + second` if it is the same for all values of their variables, None if not proved."""
        if second is None:
            return self._directed(first, Stairs(Form({}, 0), (), ()), PAIR_LIMIT)
        first, second = sorted((first, second), key=_spread)
        found = self._directed(first, second, PAIR_LIMIT)
        return self._directed(second, first, SECOND_LIMIT) if found is None else found

    def _directed(self, first: Stairs, second: Stairs, limit: int) -> int | None:
        groups = self._groups(first.form, second.form)
        if groups is None:
            return None
        bounds = tuple(b - groups.base[0] for b in first.bounds), tuple(b - groups.base[1] for b in second.bounds)
        name = (groups.signature(), bounds, first.jumps, second.jumps, limit)
        if name not in self._known:
            self._known[name] = _decide(groups, bounds, (first.jumps, second.jumps), limit)
        return self._known[name]

    def _groups(self, first: Form, second: Form) -> _Groups | None:
        groups = _Groups()
        stairs: dict[int, list[int]] = {}
        offset = [0, 0]
        for v in first.terms.keys() | second.terms.keys():
            node = self.store.nodes[v]
            if node.low is None or node.high is None or not node.integral:
                return None
            a, b = first.terms.get(v, 0), second.terms.get(v, 0)
            if node.kind == "step":
                stairs.setdefault(node.base, []).append(v)
                continue
            offset[0] += a * node.low
            offset[1] += b * node.low
            _choose(groups, offset, a, b, node.high - node.low)
        for steps in stairs.values():
            steps.sort(key=lambda v: (self.store.nodes[v].number, self.store.nodes[v].strict))
            weights = [(first.terms.get(v, 0), second.terms.get(v, 0)) for v in steps]
            if len(set(weights)) == 1:
                _choose(groups, offset, *weights[0], len(weights))
                continue
            states = [(0, 0)]
            for a, b in weights:
                states.append((states[-1][0] + a, states[-1][1] + b))
            least = min(a for a, _ in states)
            offset[0] += least
            groups.units[tuple((a - least, b) for a, b in states)] += 1
        groups.base = (offset[0], offset[1])
        return groups


def _spread(stairs: Stairs) -> tuple[int, int]:
    """How many values a form takes, roughly: the form with fewer is enumerated first."""
    weights = [abs(c) for c in stairs.form.terms.values()]
    return len(set(weights)), sum(weights)


def _choose(groups: _Groups, offset: list[int], a: int, b: int, count: int) -> None:
    """Add `count` free bits with weights a and b, complemented so that their contributions begin at 0."""
    if a < 0 or (a == 0 and b < 0):
        offset[0] += a * count
        offset[1] += b * count
        a, b = -a, -b
    if a or b:
        groups.choices.setdefault(a, Counter())[b] += count


@dataclass(frozen=True, slots=True)
class _Extremes:
    """For each value of the first form, ascending or not: least and greatest value of the second."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def _decide(
    groups: _Groups,
    bounds: tuple[tuple[int, ...], tuple[int, ...]],
    jumps: tuple[tuple[int, ...], tuple[int, ...]],
    limit: int,
) -> int | None:
    extremes = _extremes(groups, limit)
    if extremes is None:
        return None
    low, high = _cells(extremes.low, bounds[1]), _cells(extremes.high, bounds[1])
    if (low != high).any():
        return None
    heights = [_heights(j) for j in jumps]
    sums = heights[0][_cells(extremes.value, bounds[0])] + heights[1][low]
    first = sums[0]
    return int(first) if (sums == first).all() else None


def _cells(values: np.ndarray, bounds: Sequence[int]) -> np.ndarray:
    """How many of the ascending bounds each value reaches."""
    cells = np.zeros(len(values), dtype=np.int64)
    for b in bounds:
        if values.dtype != object:
            b = min(max(b, -SAFE), SAFE)  # all values lie between
        reached = np.asarray(values >= b)
        cells += reached.astype(np.int64)
    return cells


def _heights(jumps: Sequence[int]) -> np.ndarray:
    heights = np.empty(len(jumps) + 1, dtype=object)
    total = 0
    heights[0] = 0
    for k, j in enumerate(jumps):
        total += j
        heights[k + 1] = total
    return heights


def _extremes(groups: _Groups, limit: int) -> _Extremes | None:
    spans = [0, 0]
    if sum(sum(weights.values()) for weights in groups.choices.values()) > PAIR_LIMIT:
        return None
    for a, weights in groups.choices.items():
        spans[0] += a * sum(weights.values())
        spans[1] += sum(abs(b) * n for b, n in weights.items())
    for states, count in groups.units.items():
        spans[0] += count * max(abs(a) for a, _ in states)
        spans[1] += count * max(abs(b) for _, b in states)
    types = [np.dtype(np.int64) if span < SAFE else np.dtype(object) for span in spans]
    parts = [_choice_extremes(a, weights, types) for a, weights in groups.choices.items()]
    for states, count in groups.units.items():
        unit = _unit_extremes(states, count, types)
        if unit is None:
            return None
        parts.append(unit)
    parts.sort(key=lambda p: len(p.value))
    zero = [np.zeros(1, dtype=t) for t in types]
    result = _Extremes(zero[0], zero[1], zero[1])
    work = 0
    for part in parts:
        pairs = len(result.value) * len(part.value)
        work += pairs
        if pairs > limit or work > limit * WORK_FACTOR:
            return None
        result = _convolve(result, part)
    return result


def _choice_extremes(a: int, weights: Counter[int], types: Sequence[np.dtype]) -> _Extremes:
    """The extremes where k of the group's variables are chosen, for each k; all at once if they weigh nothing."""
    ordered = sorted(weights.items())
    values = np.empty(len(ordered), dtype=types[1])
    values[:] = [b for b, _ in ordered]
    column = np.repeat(values, [n for _, n in ordered])
    zero = np.zeros(1, dtype=types[1])
    low = np.concatenate((zero, np.cumsum(column)))
    high = np.concatenate((zero, np.cumsum(column[::-1])))
    if a == 0:
        return _Extremes(np.zeros(1, dtype=types[0]), zero, high[-1:])
    steps = np.arange(len(column) + 1).astype(types[0])
    return _Extremes(np.asarray(steps * a), low, high)


def _unit_extremes(states: Sequence[State], count: int, types: Sequence[np.dtype]) -> _Extremes | None:
    """All sums over `count` equal units, by how many are in each state."""
    if comb(count + len(states) - 1, count) > PAIR_LIMIT >> 3:
        return None
    rows = [(0, 0, 0)]
    for a, b in states[1:]:
        rows = [(k + n, x + n * a, y + n * b) for k, x, y in rows for n in range(count - k + 1)]
    a, b = states[0]
    first, second = np.empty(len(rows), dtype=types[0]), np.empty(len(rows), dtype=types[1])
    first[:] = [x + (count - k) * a for k, x, _ in rows]
    second[:] = [y + (count - k) * b for k, _, y in rows]
    return _reduced(_Extremes(first, second, second))


def _convolve(left: _Extremes, right: _Extremes) -> _Extremes:
    value = np.add.outer(left.value, right.value).ravel()
    low = np.add.outer(left.low, right.low).ravel()
    high = np.add.outer(left.high, right.high).ravel()
    return _reduced(_Extremes(value, low, high))


def _reduced(extremes: _Extremes) -> _Extremes:
    """One row for each value."""
    order = np.argsort(extremes.value, kind="stable")
    value = extremes.value[order]
    fresh = np.ones(len(value), dtype=bool)
    fresh[1:] = value[1:] != value[:-1]
    starts = np.flatnonzero(fresh)
    low = np.minimum.reduceat(extremes.low[order], starts)
    high = np.maximum.reduceat(extremes.high[order], starts)
    return _Extremes(value[starts], low, high)
