"""Where queries come from: a distribution over inputs that can be drawn from, exactly, inside any box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

__all__ = ["Box", "Continuous", "Discrete", "Domain", "Marginal"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Box: TypeAlias = Mapping[int, tuple[float, float]]
"""For some inputs, by number, the bounds `low <= value < high`."""


class Marginal(Protocol):
    """The distribution of one input."""

    def mass(self, low: float, high: float) -> float:
        """The probability of `low <= value < high`."""

    def draw(self, random: np.random.Generator, count: int, low: float, high: float) -> Array:
        """Values under the condition that they are within bounds, which have a mass above 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Discrete:
    """Some values, ascending, with the probabilities of each."""

    values: Array
    weights: Array

    def mass(self, low: float, high: float) -> float:
        """The probability of `low <= value < high`."""
        start, stop = np.searchsorted(self.values, (low, high))
        return float(self.weights[start:stop].sum())

    def draw(self, random: np.random.Generator, count: int, low: float, high: float) -> Array:
        """Values under the condition that they are within bounds."""
        start, stop = np.searchsorted(self.values, (low, high))
        result: Array = self.values[start:stop][_chosen(random, count, self.weights[start:stop])]
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Continuous:
    """Reals spread evenly between each two neighbours of some ordered ones, of which equal ones may be several."""

    ordered: Array

    def mass(self, low: float, high: float) -> float:
        """The probability of `low <= value < high`."""
        return self._below(high) - self._below(low)

    def draw(self, random: np.random.Generator, count: int, low: float, high: float) -> Array:
        """Values under the condition that they are within bounds."""
        start, stop = self._below(low), self._below(high)
        shares = start + (stop - start) * random.random(count)
        last = max(len(self.ordered) - 1, 1)
        values = np.interp(shares * last, np.arange(len(self.ordered)), self.ordered)
        return np.clip(values, low, np.nextafter(high, -np.inf))

    def _below(self, bound: float) -> float:
        """The probability of a smaller value."""
        k = int(np.searchsorted(self.ordered, bound))
        if k == 0 or k == len(self.ordered):
            return float(k > 0)
        before, after = self.ordered[k - 1], self.ordered[k]
        return float((k - 1 + (bound - before) / (after - before)) / (len(self.ordered) - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """A sample drawn from some, in which each input is replaced by one of its own distribution with some probability.

    Attributes
    ----------
    marginals : tuple of Marginal
        One an input.
    rows : ndarray of shape (samples, inputs), float64
    mixing : float
        The probability that an input is replaced: with 1, inputs are independent.
    """

    marginals: tuple[Marginal, ...]
    rows: Array
    mixing: float

    def probability(self, box: Box) -> float:
        """That a query is in a box."""
        return float(self._weights(box).mean())

    def draw(self, random: np.random.Generator, count: int, box: Box) -> Array:
        """Queries under the condition that they are in a box of a probability above 0; of shape (count, inputs)."""
        queries = self.rows[_chosen(random, count, self._weights(box))]
        for k, marginal in enumerate(self.marginals):
            low, high = box.get(k, (-np.inf, np.inf))
            is_inside = (queries[:, k] >= low) & (queries[:, k] < high)
            kept = (1 - self.mixing) * is_inside
            fresh = np.flatnonzero(random.random(count) * (kept + self.mixing * marginal.mass(low, high)) >= kept)
            if len(fresh):
                queries[fresh, k] = marginal.draw(random, len(fresh), low, high)
        return queries

    def _weights(self, box: Box) -> Array:
        """How probable it is that each sample, with inputs replaced, is in a box."""
        weights = np.ones(len(self.rows))
        for k, (low, high) in box.items():
            is_inside = (self.rows[:, k] >= low) & (self.rows[:, k] < high)
            weights *= (1 - self.mixing) * is_inside + self.mixing * self.marginals[k].mass(low, high)
        return weights


def _chosen(random: np.random.Generator, count: int, weights: Array) -> Array:
    """Places, each with a probability in proportion to its weight."""
    sums = np.cumsum(weights)
    found = np.searchsorted(sums, random.random(count) * sums[-1], side="right")
    result: Array = np.minimum(found, int(np.flatnonzero(weights)[-1]))
    return result
