"""The shape of results that nobody declared, from what each of them depends on.

A layer of 7 x 7 windows over an image of 8 x 8 has 49 units in a row. Which rows of the image a unit sees depends on
one axis of a 7 x 7 result, and which columns on the other; of no other shape of 49 elements is this true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import prod

import numpy as np

from ddcompile.frontends.network import INPUTS, Network
from ddcompile.frontends.weights import Sparse

__all__ = ["found_shape"]

_MOST = 1 << 24
"""Pairs of a unit and an input that are looked at."""
_TRIES = 1 << 10
"""Shapes that are tried."""
_AXES = 5
"""The most axes of a shape that is tried."""
_CHANCE = 3
"""Shorter axes by themselves may fit by chance."""
_SMALL = 0.05
"""Weights that are smaller than this, against the largest one of the unit, may be noise."""


def found_shape(network: Network, inputs: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The shape of the results in which what they depend on moves along the axes; None if there is none.

    Parameters
    ----------
    network
        Of layers with plain weights; others come with the shapes of their results.
    inputs
        The shapes of the inputs, in their order.
    """
    shapes = list(islice(_shapes(network.outputs, min(1 + sum(map(len, inputs)), _AXES)), _TRIES))
    seen = _dependence(network) if shapes else None
    if seen is None or not seen.any():
        return None
    labels = _labels(seen, inputs)
    ways: tuple[Callable[[tuple[int, ...]], bool], ...] = (
        lambda shape: _fits(labels, shape),
        lambda shape: _fits_by_kind(labels, shape),
        lambda shape: _are_pairs(seen, shape),
    )
    return next((shape for fits in ways for shape in shapes if fits(shape)), None)


def _dependence(network: Network) -> np.ndarray | None:
    """Which outputs depend on which inputs, but for small weights; None if that takes too long or is not known."""
    weights = [layer.weight for layer in network.layers]
    if not all(isinstance(weight, np.ndarray | Sparse) for weight in weights):
        return None
    if network.inputs**2 + sum(layer.units * (layer.inputs + network.inputs) for layer in network.layers) > _MOST:
        return None
    seen = {INPUTS: np.eye(network.inputs, dtype=bool)}
    for number, layer in enumerate(network.layers):
        size = np.abs(layer.dense_weight().astype(np.float64))
        counts = (size > _SMALL * size.max(axis=1, keepdims=True)).astype(np.float32)
        below = np.concatenate([seen[other] for other in layer.reads])
        seen[number] = counts @ below.astype(np.float32) > 0
    return seen[len(network.layers) - 1]


def _labels(seen: np.ndarray, inputs: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """By axis of an input, along which outputs differ, a number for what an output sees of it."""
    labels = []
    start = 0
    for extents in inputs:
        own = seen[:, start : start + prod(extents)].reshape(-1, *extents)
        start += prod(extents)
        for axis in range(len(extents)):
            others = tuple(1 + k for k in range(len(extents)) if k != axis)
            _, label = np.unique(own.any(axis=others), axis=0, return_inverse=True)
            if label.any():
                labels.append(label.ravel())
    return labels


def _shapes(count: int, most: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as a product of 2 to `most` factors that are no 1, fewest factors first."""
    for length in range(2, most + 1):
        yield from _products(count, length)


def _products(count: int, length: int) -> Iterator[tuple[int, ...]]:
    if length == 1:
        yield (count,)
        return
    for first in range(2, count // 2 + 1):
        if count % first == 0:
            yield from ((first, *rest) for rest in _products(count // first, length - 1) if 1 not in rest)


def _fits(labels: Sequence[np.ndarray], shape: tuple[int, ...]) -> bool:
    """Whether what is seen of each axis of an input depends on one axis of the shape alone, and differs along it.

    The first or the last axis may be one of kinds of units that see the same.
    """
    moving = _moving([label.reshape(shape) for label in labels])
    if not moving or (len(moving) == 1 and shape[min(moving)] < _CHANCE):
        return False
    return set(range(len(shape))) - moving in (set(), {0}, {len(shape) - 1})


def _fits_by_kind(labels: Sequence[np.ndarray], shape: tuple[int, ...]) -> bool:
    """Whether the first or the last axis is one of kinds of units, each of which fits by itself along all others."""
    tables, last = [label.reshape(shape) for label in labels], len(shape) - 1
    every = set(range(last))
    return last >= 2 and any(
        all(_moving([np.take(table, kind, axis) for table in tables]) == every for kind in range(shape[axis]))
        for axis in (0, last)
    )


def _moving(tables: Sequence[np.ndarray]) -> set[int] | None:
    """The axes along which tables differ; None if one does along several, or has twice the same."""
    moving = set()
    for table in tables:
        axes = [k for k in range(table.ndim) if (np.diff(table, axis=k) != 0).any()]
        if not axes:
            continue
        line = np.moveaxis(table, axes[0], 0).reshape(table.shape[axes[0]], -1)[:, 0]
        if len(axes) > 1 or len(np.unique(line)) < len(line):
            return None
        moving.add(axes[0])
    return moving


def _are_pairs(seen: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether units see what is their row's alone and what is their column's alone; some may see nothing."""
    if len(shape) != 2:
        return False
    table = seen.reshape(*shape, -1)
    is_read = table.any(axis=2, keepdims=True)
    sides = [np.logical_and.reduce(table | ~is_read, axis=axis) for axis in (1, 0)]
    if any(not side.any(axis=1).all() or side.sum(axis=0).max() > 1 for side in sides):
        return False
    together = sides[0][:, None] | sides[1][None]
    return bool(((table == together) | ~is_read).all())
