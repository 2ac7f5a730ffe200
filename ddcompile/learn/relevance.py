"""The inputs that an output depends on: the smallest set that explains the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, log
from typing import Any, TypeAlias

import numpy as np
from pysat.card import ITotalizer
from pysat.solvers import Glucose4

__all__ = ["Relevance", "description_length", "relevant_inputs"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MAX_SETS = 4000
"""How many small sets of inputs are tried one by one; from the best, sets change by one input at a time."""
MAX_PATTERNS = 4096
"""Sets of more patterns than this are not tried so."""
MAX_CODES = 2**21
"""How many samples times sets are looked at at once."""
MAX_CLASHES = 64
"""How many pairs of differently labelled samples that agree on the inputs are added to the hitting set at once."""
MAX_CONFLICTS = 5_000
"""After how many conflicts of the solver the smallest set found is taken without proof that it is the smallest."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """What an output depends on.

    Attributes
    ----------
    inputs : tuple of int
        Ascending.
    is_consistent : bool
        Whether samples that agree on the inputs have the same label.
    is_smallest : bool
        Whether it is proved that no smaller set of inputs is consistent with the samples.
    bits : float
        The length of the labels when described by the set of inputs, see `description_length`.
    """

    inputs: tuple[int, ...]
    is_consistent: bool
    is_smallest: bool
    bits: float


def relevant_inputs(points: Array, labels: Array) -> Relevance:
    """The set of inputs with the shortest description of the labels.

    Small sets are tried one by one, and from the best, sets that differ by one input. If samples that agree always have
    the same label, the set is then made consistent, and a solver looks for a smaller consistent one: a minimum hitting
    set over the pairs of samples with different labels, where pairs are added as they are needed (Moreno-Centeno and
    Karp, The implicit hitting set approach, 2013). A set that leaves a few samples contradicted is taken instead where
    it makes the description shorter: labels may be wrong.

    Parameters
    ----------
    points : ndarray of shape (samples, features), integers
    labels : ndarray of shape (samples,), integers from 0
    """
    lengths = _Lengths(points, labels)
    likely = _likely(lengths)
    grown = _grown(lengths, likely)
    if grown is None:
        return likely
    consistent = _smallest_consistent(lengths, points, _reduced(lengths, grown))
    return likely if not likely.is_consistent and likely.bits < consistent.bits else consistent


def description_length(points: Array, labels: Array, inputs: Sequence[int]) -> float:
    """The bits that the labels take, given the samples and that the label depends on some inputs alone.

    They name the set of inputs, the label of each pattern of them that was seen, and the samples with another label
    (Rissanen, Modeling by shortest data description, 1978).
    """
    return _Lengths(points, labels).length(tuple(inputs))


class _Lengths:
    """Description lengths of the labels of some samples."""

    def __init__(self, points: Array, labels: Array) -> None:
        low = points.min(axis=0)
        self._columns = np.ascontiguousarray((points - low).T)
        self._spans = points.max(axis=0) - low + 1
        self._labels = labels
        self.features = points.shape[1]
        self._classes = int(labels.max()) + 1
        self._log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, len(labels) + 1)))])

    def length(self, inputs: tuple[int, ...]) -> float:
        """Of the labels when they are described by a set of inputs, in bits."""
        return float(self._bits(self.codes(inputs)[None], len(inputs))[0])

    def least_length(self, inputs: tuple[int, ...]) -> float:
        """What larger sets of inputs take at least: the bits for the patterns that they tell apart."""
        return len(np.unique(self.codes(inputs))) * log(self._classes, 2)

    def best_small(self) -> tuple[float, tuple[int, ...]]:
        """The shortest description by a set of few inputs."""
        best = (self.length(()), ())
        radix, total = int(self._spans.max()), 1
        for size in range(1, self.features + 1):
            total += comb(self.features, size)
            if radix**size > MAX_PATTERNS or (total > MAX_SETS and size > 1):
                break
            sets = np.array(list(combinations(range(self.features), size)))
            powers = radix ** np.arange(size)
            for some in np.array_split(sets, 1 + len(sets) * len(self._labels) // MAX_CODES):
                codes = sum(power * self._columns[some[:, k]] for k, power in enumerate(powers))
                bits = self._bits(np.asarray(codes), size)
                least = int(bits.argmin())
                best = min(best, (float(bits[least]), tuple(some[least].tolist())))
        return best

    def best_extension(self, inputs: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        """The shortest description with one more input."""
        codes = self.codes(inputs)
        rest = np.setdiff1d(np.arange(self.features), inputs)
        bits = [
            self._bits(codes * self._spans[some, None] + self._columns[some], len(inputs) + 1)
            for some in np.array_split(rest, 1 + len(rest) * len(codes) // MAX_CODES)
        ]
        lengths = np.concatenate(bits)
        least = int(lengths.argmin())
        return float(lengths[least]), (*inputs, int(rest[least]))

    def codes(self, inputs: Sequence[int]) -> Array:
        """A number for each sample, below the number of samples, equal where samples agree on the inputs."""
        codes = np.zeros(len(self._labels), dtype=np.int64)
        width = 1
        for i in inputs:
            width *= int(self._spans[i])
            codes = codes * self._spans[i] + self._columns[i]
            if width > len(codes):
                distinct, codes = np.unique(codes, return_inverse=True)
                width = len(distinct)
        return codes

    def _bits(self, codes: Array, size: int) -> Array:
        """For each row, which numbers the samples by their patterns of `size` inputs."""
        (rows, samples), classes = codes.shape, self._classes
        width = int(codes.max()) + 1
        cells = (np.arange(rows)[:, None] * classes + self._labels) * width + codes
        table = np.bincount(cells.ravel(), minlength=rows * classes * width).reshape(rows, classes, width)
        largest = table.max(axis=1)
        patterns, wrong = np.count_nonzero(largest, axis=1), samples - largest.sum(axis=1)
        table_of = self._log_factorial
        named = log((self.features + 1) * comb(self.features, size)) + patterns * log(classes)
        which = log(samples + 1) + table_of[samples] - table_of[wrong] - table_of[samples - wrong]
        return np.asarray((named + which + wrong * log(max(classes - 1, 1))) / log(2))

    def clashes(self, inputs: Sequence[int]) -> list[tuple[int, int]]:
        """Some pairs of samples with different labels that agree on the inputs, of as many patterns as there are."""
        codes = self.codes(inputs)
        order = np.lexsort((self._labels, codes))
        same = codes[order][1:] == codes[order][:-1]
        places = np.flatnonzero(same & (self._labels[order][1:] != self._labels[order][:-1]))
        spread = places[:: max(1, len(places) // MAX_CLASHES)][:MAX_CLASHES]
        return [(int(order[place]), int(order[place + 1])) for place in spread]


def _likely(lengths: _Lengths) -> Relevance:
    """The set with the shortest description among all small ones, or where one leads to by changes of one input."""
    best = lengths.best_small()
    while True:
        grown = [lengths.best_extension(best[1])] if len(best[1]) < lengths.features else []
        fewer = [tuple(i for i in best[1] if i != out) for out in best[1]]
        found = min([*grown, *((lengths.length(inputs), inputs) for inputs in fewer)], default=best)
        if found[0] >= best[0]:
            found = min(map(lengths.best_extension, fewer), default=best)
        if found[0] >= best[0]:
            break
        best = found
    inputs = tuple(sorted(best[1]))
    return Relevance(inputs, not lengths.clashes(inputs), False, best[0])


def _grown(lengths: _Lengths, likely: Relevance) -> tuple[int, ...] | None:
    """More inputs, each the one that most helps the description, until the set is consistent.

    None as soon as no larger set can have a shorter description than the likely one.
    """
    inputs = likely.inputs
    while lengths.clashes(inputs):
        if len(inputs) == lengths.features or lengths.least_length(inputs) >= likely.bits:
            return None
        _, inputs = lengths.best_extension(inputs)
    return inputs


def _reduced(lengths: _Lengths, inputs: tuple[int, ...]) -> tuple[int, ...]:
    """A consistent set of which no input can be left out; the last are tried first."""
    kept = list(inputs)
    for candidate in reversed(inputs):
        rest = [i for i in kept if i != candidate]
        if not lengths.clashes(rest):
            kept = rest
    return tuple(sorted(kept))


def _smallest_consistent(lengths: _Lengths, points: Array, inputs: tuple[int, ...]) -> Relevance:
    """A consistent set, none larger than the one given, that is a smallest if the solver can say so in time."""
    features, conflicts = lengths.features, 0
    is_smallest = not inputs
    counter = ITotalizer(lits=list(range(1, features + 1)), ubound=max(len(inputs), 1))
    with counter, Glucose4(bootstrap_with=counter.cnf.clauses) as solver:
        while not is_smallest and conflicts < MAX_CONFLICTS:
            solver.conf_budget(MAX_CONFLICTS - conflicts)
            answer = solver.solve_limited(assumptions=[-counter.rhs[len(inputs) - 1]])
            conflicts = int(solver.accum_stats()["conflicts"])
            if not answer:
                is_smallest = answer is False
                break
            model = solver.get_model()
            chosen = tuple(i for i in range(features) if model[i] > 0)
            clashes = lengths.clashes(chosen)
            if not clashes:
                inputs = _reduced(lengths, chosen)
                is_smallest = not inputs
            for a, b in clashes:
                solver.add_clause([int(i) + 1 for i in np.flatnonzero(points[a] != points[b])])
    return Relevance(inputs, True, is_smallest, lengths.length(inputs))
