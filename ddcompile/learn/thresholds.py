"""Inputs of many values become bits: whether they are above thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor, log2, log10
from typing import Any, TypeAlias

import numpy as np

from ddcompile.frontends.network import Layer, Network, Sparse

__all__ = ["Thresholds", "even_cuts", "informative_cuts", "number_between", "thresholds_of"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MAX_PLACES = 20
"""So many more decimal places than the distance of two values has are tried for a number between them."""


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """Bits that say whether inputs are above thresholds.

    Attributes
    ----------
    columns : ndarray of shape (bits,), int64
        Which input each bit looks at, ascending.
    cuts : ndarray of shape (bits,), float64
        The bit is 1 where the input is larger; ascending for each input.
    features : int
        How many inputs there are.
    """

    columns: Array
    cuts: Array
    features: int

    def seen(self, points: Array) -> Array:
        """Int64 of shape (samples, bits), for points of shape (samples, features)."""
        return (points[:, self.columns] > self.cuts).astype(np.int64)

    def before(self, network: Network) -> Network:
        """The network that reads inputs, for one that reads bits in a sparse layer; bits that it does not read go."""
        first, *rest = (replace(layer, reads=()) for layer in network.layers)
        assert isinstance(first.weight, Sparse)
        used, places = np.unique(first.weight.indices, return_inverse=True)
        if not len(used):
            used = np.zeros(1, dtype=np.int64)
        count = len(used)
        shape = first.units, count
        reader = replace(first, weight=Sparse(first.weight.data, places, first.weight.indptr, shape))
        ones = np.ones(count, dtype=np.int64)
        weights = Sparse(ones, self.columns[used], np.arange(count + 1), (count, self.features))
        layers = Layer(weights, -self.cuts[used], "step"), reader, *rest
        return replace(network, layers=layers, kind="real")


def thresholds_of(points: Array, kinds: Array, number: str | int, weights: Array | None = None) -> Thresholds:
    """Thresholds for every input that has two values or more; one that tells nothing apart if there is none.

    Parameters
    ----------
    points : ndarray of shape (samples, features)
    kinds : ndarray of shape (samples, outputs), int64
        Of which kind each sample is, from 0.
    number : int or "auto"
        `even_cuts` so many; or all `informative_cuts` for any output, the middle one if there is none.
    weights : ndarray of shape (samples,), optional
        How often each sample counts.
    """
    weights = np.ones(len(points)) if weights is None else weights
    columns: list[int] = []
    cuts: list[float] = []
    for column, values in enumerate(points.T.astype(np.float64)):
        if number == "auto":
            of_outputs = [cut for kind in kinds.T for cut in informative_cuts(values, kind, weights)]
            found = sorted(set(of_outputs)) or even_cuts(values, weights, 1)
        else:
            found = even_cuts(values, weights, int(number))
        columns += [column] * len(found)
        cuts += found
    if not cuts:
        columns, cuts = [0], [float(points[0, 0])]
    return Thresholds(np.array(columns, dtype=np.int64), np.array(cuts, dtype=np.float64), points.shape[1])


def even_cuts(values: Array, weights: Array, number: int) -> list[float]:
    """At most `number` thresholds with about as many samples between any two; both of shape (samples,)."""
    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(weights[order])
    steps = np.flatnonzero(values[1:] > values[:-1]) + 1
    if not len(steps):
        return []
    wanted = np.arange(1, number + 1) * below[-1] / (number + 1)
    chosen = np.unique(steps[abs(below[steps - 1] - wanted[:, None]).argmin(axis=1)])
    return [number_between(values[step - 1], values[step]) for step in chosen]


def informative_cuts(values: Array, kinds: Array, weights: Array) -> list[float]:
    """The thresholds by which kinds of samples are told apart with a shorter description than without.

    Samples are split at the threshold that leaves the least entropy, and so on in both parts, as long as what is gained
    pays for naming the threshold (Fayyad and Irani, Multi-interval discretization of continuous-valued attributes for
    classification learning, 1993).

    Parameters
    ----------
    values : ndarray of shape (samples,)
    kinds : ndarray of shape (samples,), int64
    weights : ndarray of shape (samples,)
        How often each sample counts.
    """
    order = np.argsort(values, kind="stable")
    values = values[order]
    counts = np.zeros((len(values) + 1, int(kinds.max()) + 1))
    counts[np.arange(1, len(values) + 1), kinds[order]] = weights[order]
    steps = np.flatnonzero(values[1:] > values[:-1]) + 1
    found = _splits(np.cumsum(counts, axis=0), steps)
    return [number_between(values[step - 1], values[step]) for step in sorted(found)]


def _splits(counts: Array, steps: Array) -> Iterator[int]:
    """The steps, numbers of samples below which values change, that are worth a threshold; `counts` below each."""
    work = [(0, len(counts) - 1)]
    while work:
        start, end = work.pop()
        inside = steps[(steps > start) & (steps < end)]
        if not len(inside):
            continue
        below, above = counts[inside] - counts[start], counts[end] - counts[inside]
        rest = _bits(below) + _bits(above)
        best = int(rest.argmin())
        whole = counts[end] - counts[start]
        if _bits(whole) - rest[best] > _price(whole, below[best], above[best]):
            step = int(inside[best])
            yield step
            work += [(start, step), (step, end)]


def _price(whole: Array, below: Array, above: Array) -> float:
    """The bits that a threshold takes: which one it is, and which kinds there are on either side."""
    kinds = [int((counts > 0).sum()) for counts in (whole, below, above)]
    entropies = [float(_bits(counts)) / float(counts.sum()) for counts in (whole, below, above)]
    signed = kinds[0] * entropies[0] - kinds[1] * entropies[1] - kinds[2] * entropies[2]
    return log2(max(float(whole.sum()) - 1, 1)) + log2(3 ** kinds[0] - 2) - signed


def _bits(counts: Array) -> Array:
    """Entropy times samples, for counts of kinds along the last axis."""
    totals = counts.sum(axis=-1)
    logs = np.log2(np.where(counts > 0, counts, 1))
    result: Array = totals * np.log2(np.where(totals > 0, totals, 1)) - (counts * logs).sum(axis=-1)
    return result


def number_between(low: float, high: float) -> float:
    """The number of fewest decimals in the middle half between two, the lower if that is empty."""
    middle, reach = low + (high - low) / 2, (high - low) / 4
    if not reach > 0:
        return float(low)
    first = -floor(log10(reach)) - 1
    for places in range(first, first + MAX_PLACES):
        number = round(float(middle), places)
        if abs(number - middle) <= reach and low <= number < high:
            return number + 0.0
    return float(low)
