"""How long a description of the labels is that names the inputs which they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb, log
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.special import gammaln

__all__ = ["Extensions", "Lengths"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MAX_SETS = 4000
"""How many small sets of inputs are tried one by one; from the best, sets change by one input at a time."""
MAX_PATTERNS = 4096
"""Sets of more patterns than this are not tried so."""
MAX_CODES = 2**21
"""How many counts are looked at at once."""
MAX_CLASHES = 64
"""How many pairs of differently labelled samples that agree on the inputs are named at once."""
FEW_VALUES = 4
"""Inputs of up to so many values are counted together."""


class Extensions(NamedTuple):
    """What each further input would make of a description.

    Attributes
    ----------
    inputs : ndarray of shape (features,)
        The inputs that are not in the set.
    bits : ndarray of shape (features,)
        The lengths with each of them.
    surprise : ndarray of shape (features,)
        How unexpected the labels are then, see `Lengths.surprise`.
    """

    inputs: Array
    bits: Array
    surprise: Array

    def best(self, inputs: Sequence[int]) -> tuple[float, tuple[int, ...]]:
        """The shortest description, and the set with that input."""
        least = int(self.bits.argmin())
        return float(self.bits[least]), (*inputs, int(self.inputs[least]))

    def likeliest(self, inputs: Sequence[int]) -> tuple[float, float, tuple[int, ...]]:
        """The least surprise, the length with that input, and the set."""
        least = int(self.surprise.argmin())
        return float(self.surprise[least]), float(self.bits[least]), (*inputs, int(self.inputs[least]))


class Lengths:
    """Description lengths of the labels of some samples.

    A description names the set of inputs, the label of each pattern of them that was seen, and the samples with another
    label (Rissanen, Modeling by shortest data description, 1978).

    Parameters
    ----------
    points : ndarray of shape (samples, features), integers
    labels : ndarray of shape (samples,), integers from 0
    weights : ndarray of shape (samples,), optional
        How often each sample counts; above 0.
    """

    def __init__(self, points: Array, labels: Array, weights: Array | None = None) -> None:
        low = points.min(axis=0)
        self._columns = np.ascontiguousarray((points - low).T)
        self._spans = self._columns.max(axis=1) + 1
        self._labels, self._weights = labels, weights
        self.features = points.shape[1]
        self._classes = int(labels.max()) + 1
        self._total = len(labels) if weights is None else float(weights.sum())
        logs = np.log(np.arange(1, len(labels) + self._classes + 1))
        self._table = np.concatenate([[0.0], np.cumsum(logs)]) if weights is None else None
        self._few = np.flatnonzero(self._spans <= FEW_VALUES)
        few = np.ascontiguousarray((points - low)[:, self._few])
        kind = np.int32 if weights is None else np.float64
        self._is_value = [(few == value).astype(kind) for value in range(1, int(few.max(initial=0)) + 1)]

    def length(self, inputs: Sequence[int]) -> float:
        """Of the labels when they are described by a set of inputs, in bits."""
        return float(self.bits_of(self.counts_of(self.codes(inputs)), len(inputs))[0])

    def least_length(self, inputs: Sequence[int]) -> float:
        """What larger sets of inputs take at least: the bits for the patterns that they tell apart."""
        return len(np.unique(self.codes(inputs))) * log(self._classes, 2)

    def surprise(self, inputs: Sequence[int]) -> float:
        """The bits of the labels if in each pattern all shares of labels are equally likely beforehand.

        What tells something, though the most frequent label of each pattern stays the same, makes them fewer (Cooper
        and Herskovits, A Bayesian method for the induction of probabilistic networks from data, 1992).
        """
        return float(self.surprise_of(self.counts_of(self.codes(inputs)))[0])

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
                bits = self.bits_of(self.counts_of(np.asarray(codes)), size)
                least = int(bits.argmin())
                best = min(best, (float(bits[least]), tuple(some[least].tolist())))
        return best

    def extensions(self, inputs: Sequence[int]) -> Extensions:
        """What each input that is not in a set would make of it."""
        codes = self.codes(inputs)
        bits, surprise = np.empty(self.features), np.empty(self.features)
        members = self._members(codes)
        step = max(MAX_CODES // (members.shape[0] * FEW_VALUES), 1)
        for start in range(0, len(self._few), step):
            some = slice(start, start + step)
            counts = self._counts_with(members, some)
            few = self._few[some]
            bits[few], surprise[few] = self.bits_of(counts, len(inputs) + 1), self.surprise_of(counts)
        for i in np.flatnonzero(self._spans > FEW_VALUES):
            joint = np.unique(codes * self._spans[i] + self._columns[i], return_inverse=True)[1].reshape(-1)
            counts = self.counts_of(joint)
            bits[i], surprise[i] = self.bits_of(counts, len(inputs) + 1)[0], self.surprise_of(counts)[0]
        rest = np.setdiff1d(np.arange(self.features), inputs)
        return Extensions(rest, bits[rest], surprise[rest])

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

    def clashes(self, inputs: Sequence[int]) -> list[tuple[int, int]]:
        """Some pairs of samples with different labels that agree on the inputs, of as many patterns as there are."""
        codes = self.codes(inputs)
        order = np.lexsort((self._labels, codes))
        same = codes[order][1:] == codes[order][:-1]
        places = np.flatnonzero(same & (self._labels[order][1:] != self._labels[order][:-1]))
        spread = places[:: max(1, len(places) // MAX_CLASHES)][:MAX_CLASHES]
        return [(int(order[place]), int(order[place + 1])) for place in spread]

    def counts_of(self, codes: Array) -> Array:
        """How often each pattern has each label, of shape (labels, patterns, rows), for rows of pattern numbers."""
        rows = np.atleast_2d(codes)
        width = int(rows.max()) + 1
        cells = ((self._labels * width + rows) * len(rows) + np.arange(len(rows))[:, None]).ravel()
        weights = None if self._weights is None else np.broadcast_to(self._weights, rows.shape).ravel()
        shape = self._classes, width, len(rows)
        return np.bincount(cells, weights, minlength=self._classes * width * len(rows)).reshape(shape)

    def joint(self, codes: Array) -> Array:
        """How often each pattern has each label where each input of two values has the lower and then the higher one.

        Of shape (labels, 2 * patterns, inputs), for numbers of patterns below their number.
        """
        return self._counts_with(self._members(codes), slice(None))

    def _members(self, codes: Array) -> Any:
        """A matrix with a row for each label and pattern, in which its samples are not 0."""
        width = int(codes.max()) + 1
        cells = self._labels * width + codes
        starts = np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=self._classes * width))])
        order = np.argsort(cells, kind="stable")
        data = np.ones(len(cells), dtype=np.int32) if self._weights is None else self._weights[order]
        return csr_array((data, order, starts), shape=(self._classes * width, len(cells)))

    def _counts_with(self, members: Any, some: slice) -> Array:
        """The counts for patterns with one more of the inputs of few values, of shape (labels, patterns, inputs)."""
        found = [members @ seen[:, some] for seen in self._is_value]
        number = len(self._few[some])
        rest = np.broadcast_to(members.sum(axis=1)[:, None], (members.shape[0], number))
        parts = [part.reshape(self._classes, -1, number) for part in (rest - sum(found), *found)]
        return np.concatenate(parts, axis=1)

    def bits_of(self, counts: Array, size: int) -> Array:
        """For each row of counts, which are of patterns of `size` inputs."""
        classes, total = self._classes, self._total
        largest = counts.max(axis=0)
        patterns, wrong = np.count_nonzero(largest, axis=0), total - largest.sum(axis=0)
        named = log((self.features + 1) * comb(self.features, size)) + patterns * log(classes)
        logs = self._log_factorial(np.array([total]))[0] - self._log_factorial(wrong)
        which = log(total + 1) + logs - self._log_factorial(total - wrong)
        return np.asarray((named + which + wrong * log(max(classes - 1, 1))) / log(2))

    def surprise_of(self, counts: Array) -> Array:
        """For each row of counts, see `surprise`."""
        more = self._classes - 1
        logs = self._log_factorial(counts.sum(axis=0) + more) - self._log_factorial(np.array([more]))[0]
        return np.asarray((logs - self._log_factorial(counts).sum(axis=0)).sum(axis=0) / log(2))

    def _log_factorial(self, numbers: Array) -> Array:
        if self._table is None:
            return np.asarray(gammaln(np.maximum(numbers, 0) + 1.0))
        result: Array = self._table[numbers]
        return result
