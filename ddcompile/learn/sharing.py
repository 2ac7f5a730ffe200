"""Outputs on a grid that look like shifted copies of one local function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, prod
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.relevance import Relevance, description_length, relevant_inputs

__all__ = ["Shared", "grid_of", "shared_function", "view"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MAX_POOLED = 20_000
"""Pooled samples beyond so many are not searched for relevant inputs; what is found is measured on all."""
MAX_FEATURES = 2_000
"""Grids whose cells would see more cells around them are not searched for a padded function."""
MOST_VALUES = 4
"""Inputs of more values are not counted."""
FAR = 2
"""A description so many times as long as another is much longer."""
MEASURED = 8
"""The outputs that are described by themselves for comparison."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """One function for all outputs.

    Attributes
    ----------
    inputs : ndarray of shape (outputs, relevant), int64
        The inputs that each output reads, -1 for what lies outside the grid and counts as 0.
    relevance : Relevance
        Of the pooled samples.
    offsets : ndarray of shape (relevant, axes), int64
        Where they lie, seen from the cell; the nearest way round where edges meet.
    is_wrapped : bool
        Whether cells at the edge see those at the opposite edge.
    """

    inputs: Array
    relevance: Relevance
    offsets: Array
    is_wrapped: bool

    def pooled(self, points: Array) -> Array:
        """What each output reads in each sample, of shape (outputs * samples, relevant), output by output."""
        return np.concatenate([view(points, columns) for columns in self.inputs])


def view(points: Array, columns: Array) -> Array:
    """Some columns of the samples; a column -1 is 0 throughout."""
    result: Array = np.where(columns >= 0, points[:, columns], 0)
    return result


def grid_of(given: Any, inputs: int) -> tuple[int, ...]:
    """The shape in which inputs lie: a line, if none is given.

    Raises
    ------
    ValueError
        If it is no shape, or that of another number of inputs.
    """
    if given is None:
        return (inputs,)
    extents = given.tolist() if isinstance(given, np.ndarray) else given
    is_sequence = isinstance(extents, Sequence) and len(extents) > 0
    if not is_sequence or not all(isinstance(n, Integral) and int(n) > 0 for n in extents):
        raise ValueError(f"grid must be a tuple of numbers above 0, not {given!r}")
    grid = tuple(int(n) for n in extents)
    if prod(grid) != inputs:
        raise ValueError(f"the grid {grid} does not hold {inputs} inputs")
    return grid


def shared_function(points: Array, labels: Array, grid: Sequence[int], weights: Array | None = None) -> Shared | None:
    """The function of which all outputs are copies, if the labels are described shorter so than one output at a time.

    Parameters
    ----------
    points : ndarray of shape (samples, cells), integers
    labels : ndarray of shape (samples, cells), integers from 0
    grid : sequence of int
        The extents of the grid, whose cells are inputs and outputs in row-major order.
    weights : ndarray of shape (samples,), optional
        How often each sample counts; above 0.
    """
    candidates: list[Shared] = []
    for wrapped in (True, False):
        shortest = min((shared.relevance.bits for shared in candidates), default=inf)
        candidates += _fitted(points, labels, weights, grid, wrapped, shortest)
        if any(_is_beyond_doubt(shared, points, labels, weights) for shared in candidates):
            break
    best = min(candidates, key=lambda shared: shared.relevance.bits)
    cells = np.unique(np.linspace(0, points.shape[1] - 1, MEASURED).astype(int))
    # Outputs by themselves that take much longer than their share are not looked at to the end.
    share = best.relevance.bits / points.shape[1]
    alone = [relevant_inputs(points, labels[:, cell], weights, FAR * share).bits for cell in cells]
    return best if share < np.mean(alone) else None


def _is_beyond_doubt(shared: Shared, points: Array, labels: Array, weights: Array | None) -> bool:
    """Whether it explains all samples, and much shorter than they could be listed."""
    if not shared.relevance.is_consistent:
        return False
    pooled_weights = None if weights is None else np.tile(weights, labels.shape[1])
    listed = description_length(np.zeros((labels.size, 1), dtype=np.int64), labels.T.reshape(-1), (), pooled_weights)
    return FAR * shared.relevance.bits < listed


def _around(grid: Sequence[int], wrapped: bool) -> tuple[Array, Array]:
    """All offsets, of shape (offsets, axes), and the cells there, seen from each cell; -1 where there is none."""
    here = np.stack(np.unravel_index(np.arange(np.prod(grid)), grid), axis=1)
    reach = [np.arange(n) if wrapped else np.arange(1 - n, n) for n in grid]
    offsets = np.stack([axis.ravel() for axis in np.meshgrid(*reach, indexing="ij")], axis=1)
    there = here[:, None, :] + offsets[None, :, :]
    inside = ((there >= 0) & (there < np.array(grid))).all(axis=2)
    flat = np.ravel_multi_index(tuple(np.moveaxis(there % np.array(grid), 2, 0)), grid)
    return offsets, np.where(inside | wrapped, flat, -1).astype(np.int64)


def _fitted(
    points: Array, labels: Array, weights: Array | None, grid: Sequence[int], wrapped: bool, at_most: float
) -> list[Shared]:
    offsets, around = _around(grid, wrapped)
    if around.shape[1] > MAX_FEATURES:
        return []
    pooled_labels = labels.T.reshape(-1)
    # Evenly spread over outputs and samples.
    number = len(pooled_labels)
    taken = np.unique(np.linspace(0, number - 1, min(number, MAX_POOLED)).astype(np.int64))
    cells, samples = taken // len(points), taken % len(points)
    columns = around[cells]
    seen = np.where(columns >= 0, points[samples[:, None], columns], 0)
    pooled_weights = None if weights is None else np.tile(weights, labels.shape[1])
    some = None if pooled_weights is None else pooled_weights[taken]
    found = relevant_inputs(seen, pooled_labels[taken], some, at_most, MOST_VALUES)
    inputs = around[:, list(found.inputs)]
    extents = np.array(grid)
    nearest = (offsets + (extents - 1) // 2) % extents - (extents - 1) // 2 if wrapped else offsets
    shared = Shared(inputs, found, nearest[list(found.inputs)], wrapped)
    whole, part = found.counted(shared.pooled(points)), found.counted(seen[:, list(found.inputs)])
    described = range(whole.shape[1])
    bits = description_length(whole, pooled_labels, described, pooled_weights)
    # Naming the inputs among all that were seen, not among those found.
    named = found.bits - description_length(part, pooled_labels[taken], described, some)
    return [replace(shared, relevance=replace(found, bits=bits + named))]
