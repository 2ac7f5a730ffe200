"""How many of some inputs have a value: what an output depends on where inputs can stand in for one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, factorial, inf, log2
from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.lengths import MAX_CODES, Lengths

__all__ = ["Tallies", "tallied", "tallies"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Tally: TypeAlias = tuple[tuple[int, int], ...]
"""Pairs of an input and a value: how many of these inputs have these values."""
State: TypeAlias = tuple[tuple[int, ...], ...]
"""Tallies of indicators, by their numbers."""

MOST_AT_ONCE = 16
"""How many inputs are counted at once where single ones tell too little."""
MOST_CODES = 64
"""Up to so many combinations of counts are not looked for among the samples: all are taken to be there."""


@dataclass(frozen=True, slots=True)
class Tallies:
    """What is counted, and how long the labels are when they are described so, in bits."""

    parts: tuple[Tally, ...]
    bits: float


def tallied(points: Array, parts: Sequence[Tally]) -> Array:
    """The counts, of shape (samples, tallies), for points of shape (samples, features)."""
    columns = [sum((points[:, i] == value).astype(np.int64) for i, value in part) for part in parts]
    return np.stack(columns, axis=1) if columns else np.zeros((len(points), 0), dtype=np.int64)


def tallies(
    points: Array,
    labels: Array,
    weights: Array | None = None,
    most_values: int = 2,
    start: Sequence[int] | None = None,
) -> Tallies | None:
    """The counts by which the labels have the shortest description that is found.

    Inputs that have a value are counted, each time one more, in a count of its own or with others, as makes the labels
    least surprising (where none tells enough, several at once); from the shortest description on the way, single ones
    come, go and change place as long as that makes it shorter. None if an input has more values than may be.

    Parameters
    ----------
    points : ndarray of shape (samples, features), integers
    labels : ndarray of shape (samples,), integers from 0
    weights : ndarray of shape (samples,), optional
        How often each sample counts; above 0.
    most_values : int
    start : sequence of int, optional
        Inputs to begin with, each in a count of its own, instead of those that make the labels least surprising.
    """
    indicators = _indicators(points, most_values)
    if indicators is None:
        return None
    search = _Search(indicators, points, labels, weights)
    begin = None if start is None else tuple((f,) for f, (i, _) in enumerate(indicators) if i in start)
    state = search.shortest(begin)
    return Tallies(tuple(tuple(indicators[f] for f in part) for part in state), search.bits(state))


def _indicators(points: Array, most_values: int) -> Tally | None:
    """The values of each input, but the lowest; None if one has many, or nothing changes."""
    found: list[tuple[int, int]] = []
    for i, column in enumerate(points.T):
        values = np.unique(column).tolist()
        if len(values) > most_values:
            return None
        found += [(i, value) for value in values[1:]]
    return tuple(found) or None


class _Search:
    def __init__(self, indicators: Tally, points: Array, labels: Array, weights: Array | None) -> None:
        self._seen = np.stack([points[:, i] == value for i, value in indicators]).astype(np.int64)
        self._lengths = Lengths(self._seen.T, labels, weights)
        self._number = len(indicators)
        self._values = np.array([value for _, value in indicators])

    def shortest(self, begin: State | None) -> State:
        best = self._on_the_way() if begin is None else begin
        bits = self.bits(best)
        while True:
            beside = list(dict.fromkeys(self._beside(best)))
            found = [*zip(self._bits_of(beside), beside, strict=True), *self._with_one_more(best)]
            less, state = min(found, default=(inf, best))
            if less >= bits:
                return tuple(sorted(best))
            bits, best = less, state

    def bits(self, state: State) -> float:
        """The length of the labels: which indicators are counted, in which count, and the labels of the counts."""
        return self._bits_of([state])[0]

    def _bits_of(self, states: Sequence[State]) -> list[float]:
        """The lengths for several states; those with as many indicators are looked at together."""
        found = np.array([_partition(state) for state in states])
        sizes = np.array([sum(map(len, state)) for state in states])
        for size in set(sizes.tolist()):
            same = np.flatnonzero(sizes == size)
            for some in np.array_split(same, 1 + same.size * self._seen.shape[1] // MAX_CODES):
                codes = np.stack([self._codes(states[k]) for k in some])
                found[some] += self._lengths.bits_of(self._lengths.counts_of(codes), size)
        lengths: list[float] = found.tolist()
        return lengths

    def _codes(self, state: State) -> Array:
        """A number for each sample, below the number of samples or `MOST_CODES`, equal where all counts are."""
        codes, width = np.zeros(self._seen.shape[1], dtype=np.int64), 1
        for part in state:
            codes = codes * (len(part) + 1) + self._count(part)
            width *= len(part) + 1
            if width > MOST_CODES:
                distinct, codes = np.unique(codes, return_inverse=True)
                width, codes = len(distinct), codes.reshape(-1)
        return codes

    def _count(self, part: tuple[int, ...]) -> Array:
        counts: Array = self._seen[list(part)].sum(axis=0)
        return counts

    def _on_the_way(self) -> State:
        """The shortest description while indicators are counted that make the labels least surprising."""
        state: State = ()
        best, surprise = (self.bits(state), state), inf
        while sum(map(len, state)) < self._number:
            of_places = [self._lengths.surprise_of(counts) for _, counts in self._further(state)]
            for surprises in of_places:
                surprises[[f for part in state for f in part]] = inf
            best_of = (int(surprises.argmin()) for surprises in of_places)
            least, place, f = min((float(of_places[p][f]), p, f) for p, f in enumerate(best_of))
            chosen = _with(state, place, f)
            if least >= surprise:
                least, chosen = min(self._several(state, of_places), default=(inf, state))
            if least >= surprise:
                break
            surprise, state = least, chosen
            best = min(best, (self.bits(state), state))
        return best[1]

    def _several(self, state: State, of_places: Sequence[Array]) -> Iterator[tuple[float, State]]:
        """States in which several indicators of one value more are counted, those that surprise least by themselves.

        Each may tell too little to be worth a count.
        """
        for place, surprises in enumerate(of_places):
            for value in np.unique(self._values):
                order = [f for f in np.argsort(surprises, kind="stable").tolist() if self._values[f] == value]
                order = [f for f in order[:MOST_AT_ONCE] if surprises[f] < inf]
                chosen = [_with(state, place, f) for f in order[:1]]
                for f in order[1:]:
                    chosen.append(_with(chosen[-1], place, f))
                if len(chosen) > 1:
                    yield from zip(self._surprises(chosen[1:]), chosen[1:], strict=True)

    def _surprises(self, states: Sequence[State]) -> list[float]:
        codes = np.stack([self._codes(state) for state in states])
        found: list[float] = self._lengths.surprise_of(self._lengths.counts_of(codes)).tolist()
        return found

    def _with_one_more(self, state: State) -> Iterator[tuple[float, State]]:
        """For each place the shortest description with one more indicator there."""
        used = [f for part in state for f in part]
        if len(used) == self._number:
            return
        for place, counts in self._further(state):
            lengths = self._lengths.bits_of(counts, len(used) + 1)
            lengths[used] = inf
            further = _with(state, place, int(lengths.argmin()))
            yield float(lengths.min()) + _partition(further), further

    def _further(self, state: State) -> Iterator[tuple[int, Array]]:
        """For each place, the last a new one, the counts of labels with each further indicator there."""
        _, first, codes = np.unique(self._codes(state), return_index=True, return_inverse=True)
        joint = self._lengths.joint(codes.reshape(-1))
        patterns = [self._count(part)[first] for part in state]
        for place in range(len(state)):
            # Of patterns without the indicator and then with it: those that come to be one are next to one another.
            after = np.zeros(2 * len(first), dtype=np.int64)
            for k, counts in enumerate(patterns):
                both = np.concatenate([counts, counts + (k == place)])
                after = np.unique(after * (both.max() + 1) + both, return_inverse=True)[1].reshape(-1)
            order = np.argsort(after, kind="stable")
            starts = np.flatnonzero(np.diff(after[order], prepend=-1))
            yield place, np.add.reduceat(joint[:, order], starts, axis=1)
        yield len(state), joint

    def _beside(self, state: State) -> Iterator[State]:
        """States in which one indicator less is counted, or one is counted elsewhere, or two counts are one."""
        for place, part in enumerate(state):
            for f in part:
                rest = tuple(g for g in part if g != f)
                without = (*state[:place], *((rest,) if rest else ()), *state[place + 1 :])
                yield without
                for other in range(len(without) + 1):
                    yield _with(without, other, f)
        for a, one in enumerate(state):
            for b, two in enumerate(state[:a]):
                yield (*state[:b], tuple(sorted(one + two)), *state[b + 1 : a], *state[a + 1 :])


def _with(state: State, place: int, f: int) -> State:
    if place == len(state):
        return (*state, (f,))
    return (*state[:place], tuple(sorted((*state[place], f))), *state[place + 1 :])


def _partition(state: State) -> float:
    """The bits that tell how many counts there are, and which indicators are in one."""
    members = sum(map(len, state))
    return log2(members) + log2(_partitions(members, len(state))) if members else 0.0


@cache
def _partitions(members: int, parts: int) -> int:
    """In how many ways so many can be divided so: Stirling numbers of the second kind."""
    terms = (comb(parts, k) * int((parts - k) ** members) for k in range(parts + 1))
    total: int = sum(-term if k % 2 else term for k, term in enumerate(terms))
    return total // factorial(parts)
