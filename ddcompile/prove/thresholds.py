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
from itertools import accumulate
from math import comb, gcd
from typing import TypeAlias

import numpy as np

from ddcompile.prove.extremes import ROOM, Profile, combine, reduced
from ddcompile.prove.forms import Form
from ddcompile.prove.store import Store

__all__ = ["Programmes", "Stairs", "stairs_of"]

PAIR_LIMIT = 1 << 22
"""Most sums formed in one convolution."""
SECOND_LIMIT = 1 << 18
"""The same where the form with more values is enumerated, after the other way round has failed."""
MOST_JUMPS = 64
"""Most values but one that a sum of variables takes to be compared as a step function."""
EXACT_LIMIT = 1 << 18
"""The same for integers beyond 64 bits."""

State: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stairs:
    """The function `sum of jump[k] * [form >= bound[k]]` of an integral form without constant."""

    form: Form
    bounds: tuple[int, ...]
    jumps: tuple[int, ...]


def stairs_of(store: Store, terms: Mapping[int, int]) -> tuple[list[Stairs], int] | None:
    """A sum of bits as step functions of different forms and a constant.

    A bit that occurs in the form of another stays a variable, as if it were no step itself. All variables together are
    one function of their sum where the other bits are steps of one form.

    Returns
    -------
    None if a variable is no bit over integral forms.
    """
    nodes = {v: store.nodes[v] for v in terms}
    if not all(node.is_bit for node in nodes.values()):
        return None
    bases = {node.base for node in nodes.values() if node.kind == "step"}
    inner = {v for base in bases for v in store.bases[base].form.terms}
    steps: dict[int, list[tuple[int, int]]] = {}
    variables: dict[int, int] = {}
    for v, c in terms.items():
        if nodes[v].kind != "step" or v in inner:
            variables[v] = c
            continue
        if not store.bases[nodes[v].base].integral:
            return None
        steps.setdefault(nodes[v].base, []).append((int(nodes[v].number), c))
    found: list[Stairs] = []
    for base, pairs in steps.items():
        pairs.sort()
        bounds, jumps = tuple(b for b, _ in pairs), tuple(c for _, c in pairs)
        found.append(Stairs(store.bases[base].form, bounds, jumps))
    if len(found) == 1 and len(variables) > 1:
        step = gcd(*variables.values())
        form = Form({v: c // step for v, c in variables.items()}, 0)
        low = sum(c for c in form.terms.values() if c < 0)
        high = sum(c for c in form.terms.values() if c > 0)
        if high - low <= MOST_JUMPS:
            return [*found, Stairs(form, tuple(range(low + 1, high + 1)), (step,) * (high - low))], step * low
    return [*found, *(Stairs(Form({v: 1}, 0), (1,), (c,)) for v, c in variables.items())], 0


@dataclass(slots=True)
class _Groups:
    """The variables of two forms as independent choices, each form 0 where nothing is chosen."""

    base: State = (0, 0)
    choices: dict[int, Counter[int]] = field(default_factory=dict)
    """By weight in the first form, not negative: the weights in the second form with their counts."""
    units: Counter[tuple[State, ...]] = field(default_factory=Counter)
    """Variables with several ordered states: the contributions of each state."""

    def spans(self) -> tuple[int, int]:
        """Bounds of the absolute values that sums of contributions take, for both forms; with room for rounding."""
        first = second = 0
        for a, weights in self.choices.items():
            first += a * sum(weights.values())
            second += sum((abs(b) + 1) * n for b, n in weights.items())
        for states, count in self.units.items():
            first += count * max(abs(a) for a, _ in states)
            second += count * (max(abs(b) for _, b in states) + 1)
        return first, second

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


def _decide(
    groups: _Groups,
    bounds: tuple[tuple[int, ...], tuple[int, ...]],
    jumps: tuple[tuple[int, ...], tuple[int, ...]],
    limit: int,
) -> int | None:
    """The constant that the two step functions add up to, where `bounds` are relative to the base of the groups."""
    spans = groups.spans()
    if sum(sum(weights.values()) for weights in groups.choices.values()) > PAIR_LIMIT:
        return None
    # Long integers are first rounded outwards to 64 bits: whatever holds for wider extremes holds.
    excess = max(0, spans[1].bit_length() - ROOM.bit_length() + 2)
    for shift in (excess, 0) if excess else (0,):
        profile = _profile(groups, spans, shift, limit if shift == excess else min(limit, EXACT_LIMIT))
        if profile is None:
            continue
        ends = [-(-b >> shift) for b in bounds[1]]
        low, high = _cells(profile.low, ends), _cells(profile.high, ends)
        if (low != high).any():
            continue
        sums = _heights(jumps[0])[_cells(profile.value, bounds[0])] + _heights(jumps[1])[low]
        first = sums[0]
        return int(first) if (sums == first).all() else None
    return None


def _cells(values: np.ndarray, bounds: Sequence[int]) -> np.ndarray:
    """How many of the ascending bounds each value reaches."""
    cells = np.zeros(len(values), dtype=np.int64)
    for b in bounds:
        if values.dtype != object:
            b = min(max(b, -2 * ROOM), 2 * ROOM)  # all values lie between
        reached = np.asarray(values >= b)
        cells += reached.astype(np.int64)
    return cells


def _heights(jumps: Sequence[int]) -> np.ndarray:
    heights = np.empty(len(jumps) + 1, dtype=object)
    heights[:] = [0, *accumulate(jumps)]
    return heights


def _profile(groups: _Groups, spans: Sequence[int], shift: int, limit: int) -> Profile | None:
    """For each value of the first form, extremes of the second one divided by `2**shift`, rounded outwards."""
    first = np.dtype(np.int64 if spans[0] < ROOM else object)
    second = np.dtype(np.int64 if spans[1] >> shift < ROOM else object)
    parts = [_choice_profile(a, weights, shift, (first, second)) for a, weights in groups.choices.items()]
    for states, count in groups.units.items():
        if comb(count + len(states) - 1, count) > limit >> 3:
            return None
        parts.append(_unit_profile(states, count, shift, (first, second)))
    return combine(parts, limit)


def _choice_profile(a: int, weights: Counter[int], shift: int, types: Sequence[np.dtype]) -> Profile:
    """The extremes where k of the group's variables are chosen, for each k; over all k if they have no weight."""
    ordered = sorted(weights.items())
    counts = [n for _, n in ordered]
    floors = np.repeat(_array([b >> shift for b, _ in ordered], types[1]), counts)
    ceilings = np.repeat(_array([-(-b >> shift) for b, _ in ordered], types[1]), counts)
    zero = np.zeros(1, dtype=types[1])
    low = np.concatenate((zero, np.cumsum(floors)))
    high = np.concatenate((zero, np.cumsum(ceilings[::-1])))
    if a == 0:
        return Profile(np.zeros(1, dtype=types[0]), zero, high[-1:])
    return Profile(_array([k * a for k in range(len(low))], types[0]), low, high)


def _unit_profile(states: Sequence[State], count: int, shift: int, types: Sequence[np.dtype]) -> Profile:
    """All sums over `count` equal units, by how many are in each state."""
    rows = [(0, 0, 0)]
    for a, b in states[1:]:
        rows = [(k + n, x + n * a, y + n * b) for k, x, y in rows for n in range(count - k + 1)]
    a, b = states[0]
    totals = [y + (count - k) * b for k, _, y in rows]
    value = _array([x + (count - k) * a for k, x, _ in rows], types[0])
    low = _array([y >> shift for y in totals], types[1])
    high = _array([-(-y >> shift) for y in totals], types[1])
    return reduced(Profile(value, low, high))


def _array(values: Sequence[int], dtype: np.dtype) -> np.ndarray:
    array = np.empty(len(values), dtype=dtype)
    array[:] = values
    return array
