"""Inputs to test with: structured ones, noise of every density, and pairs on either side of a decision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["boundary", "lines", "noise", "rings"]


def noise(rng: np.random.Generator, count: int, *, shape: int) -> np.ndarray:
    """Random bits, (count, shape) uint8; each sample has its own density between 0.01 and 0.99."""
    density = rng.uniform(0.01, 0.99, (count, 1))
    return (rng.random((count, shape)) < density).astype(np.uint8)


def lines(rng: np.random.Generator, count: int, *, n: int) -> np.ndarray:
    """Images of full lines, (count, n * n) uint8: a few columns and rows, with none to much noise over them."""
    columns = rng.random((count, 1, n)) < rng.uniform(0, 0.4, (count, 1, 1))
    rows = rng.random((count, n, 1)) < rng.uniform(0, 0.4, (count, 1, 1))
    flips = rng.random((count, n, n)) < rng.choice([0, 0, 0.01, 0.05, 0.2], (count, 1, 1))
    return np.asarray((columns | rows) ^ flips, dtype=np.uint8).reshape(count, n * n)


def rings(rng: np.random.Generator, count: int, *, cells: int) -> np.ndarray:
    """Rings of cells, (count, cells) uint8: arcs, periodic patterns and single cells, each turned, some with a flaw."""
    place = np.arange(cells)
    start = rng.integers(0, cells, (count, 1))
    turned = (place - start) % cells
    arcs = turned < rng.integers(0, cells + 1, (count, 1))
    periodic = turned % rng.integers(1, cells // 2 + 1, (count, 1)) == 0
    single = turned == 0
    which = rng.integers(0, 3, (count, 1))
    pattern = np.choose(which, [arcs, periodic, single])
    flaw = (rng.random((count, 1)) < 0.3) & (place == rng.integers(0, cells, (count, 1)))
    return np.asarray(pattern ^ flaw, dtype=np.uint8)


def boundary(
    evaluate: Callable[[np.ndarray], np.ndarray], first: np.ndarray, second: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Neighbours on either side of a decision, by bisection along random paths from `first` to `second`.

    Parameters
    ----------
    evaluate : callable
        Takes (count, n) inputs to (count, outputs) results.
    first, second : array of shape (count, n)
        The two ends of each path. Where both ends give one result, the path's ends are returned as they are.
    rng : numpy.random.Generator
        Chooses the order in which the entries change.

    Returns
    -------
    array of shape (2 * count, n)
        Inputs that differ in one changed entry and, where the ends gave different results, in their results.
    """
    count, n = first.shape
    order = np.argsort(rng.random((count, n)), axis=1)
    rank = np.argsort(order, axis=1)
    start = evaluate(first)
    low, high = np.zeros(count, dtype=np.int64), np.full(count, n, dtype=np.int64)

    def along(steps: np.ndarray) -> np.ndarray:
        return np.where(rank < steps[:, None], second, first)

    while (high - low > 1).any():
        middle = (low + high) // 2
        same = (evaluate(along(middle)) == start).reshape(count, -1).all(axis=1)
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return np.concatenate([along(low), along(high)])
