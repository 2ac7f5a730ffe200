"""Layers of step units from arrays of integers, or unit by unit over named wires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TypeAlias

import numpy as np

from ddcompile.frontends.network import Layer, Network

__all__ = ["Unit", "Wires", "around", "box", "counted", "indicators", "square", "steps"]

Unit: TypeAlias = tuple[Mapping[str, int], int]
"""A step unit: its weights by wire, and the least sum at which it is 1."""


def steps(weight: np.ndarray, at_least: int | Sequence[int] | np.ndarray) -> Layer:
    """Step units that are 1 where `weight @ x >= at_least`; all axes of the weight but the first are inputs.

    No sum is 0, since the bias lies half way between integers.
    """
    flat = np.asarray(weight).reshape(len(weight), -1)
    return Layer(flat, np.broadcast_to(0.5 - np.asarray(at_least), len(flat)), "step")


def counted(weight: np.ndarray, at_least: int | Sequence[int] | np.ndarray, count: int) -> Network:
    """Whether at least `count` of some step units are 1."""
    hidden = steps(weight, at_least)
    return Network((hidden, steps(np.ones((1, hidden.units), dtype=np.int64), count)))


def indicators(shape: Sequence[int], places: Sequence[Sequence[Sequence[int]]]) -> np.ndarray:
    """Ones at the listed positions of a box, an array of `shape` for each list; equal positions add up."""
    weight = np.zeros((len(places), *shape), dtype=np.int64)
    for unit, positions in enumerate(places):
        for position in positions:
            weight[(unit, *position)] += 1
    return weight


def around(
    shape: Sequence[int], offsets: Sequence[Sequence[int]], origins: Sequence[Sequence[int]], *, wrap: bool
) -> np.ndarray:
    """The weights of the units at some origins: ones at the offsets, wrapped around, or dropped outside."""
    places = []
    for origin in origins:
        moved = [[o + d for o, d in zip(origin, offset, strict=True)] for offset in offsets]
        if wrap:
            moved = [[p % n for p, n in zip(place, shape, strict=True)] for place in moved]
        places.append([place for place in moved if all(0 <= p < n for p, n in zip(place, shape, strict=True))])
    return indicators(shape, places)


def box(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """All positions of a box from 0."""
    return list(product(*map(range, shape)))


def square(reach: int, axes: int) -> list[tuple[int, ...]]:
    """All offsets of at most `reach` on every axis."""
    return list(product(range(-reach, reach + 1), repeat=axes))


class Wires:
    """Layers of step units, each over the named units of the layer before it."""

    def __init__(self, inputs: Sequence[str]) -> None:
        """Start with the names of the inputs, in order."""
        self.names = list(inputs)
        self.layers: list[Layer] = []

    def add(self, units: Mapping[str, Unit], copied: Sequence[str] = ()) -> None:
        """Add a layer of units by name, and copies of wires of the layer before that later layers still read."""
        everything = {**units, **{name: ({name: 1}, 1) for name in copied}}
        weight = np.zeros((len(everything), len(self.names)), dtype=np.int64)
        for row, (weights, _) in zip(weight, everything.values(), strict=True):
            for name, value in weights.items():
                row[self.names.index(name)] += value
        self.layers.append(steps(weight, [bound for _, bound in everything.values()]))
        self.names = list(everything)

    def network(self, results: Sequence[str] | None = None) -> Network:
        """The layers so far; the results are the units of the last one, or some of them, in order."""
        *hidden, last = self.layers
        order = [self.names.index(name) for name in results or self.names]
        return Network((*hidden, Layer(last.dense_weight()[order], last.bias[order], "step")))
