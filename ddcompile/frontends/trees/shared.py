"""The nodes of all trees as one table: equal subtrees are one, and comparisons that inputs decide alone are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np

from ddcompile.frontends.trees.ensemble import Ensemble, Tree
from ddcompile.ir.nodes import Declaration

__all__ = ["Bounds", "Shared", "bounds_of", "shared"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of an input: whether it has whole numbers alone, and its range, infinite if there is none."""

    is_whole: bool
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Nodes, leaves first; a leaf goes to itself.

    Attributes
    ----------
    leaves : sequence of numbers of nodes' values
        The different rows of numbers that leaves hold.
    feature, cut, low, high : list
        Of the nodes that are no leaves; children are numbers of nodes, leaves included.
    roots : list of int
        One a tree.
    depth : int
        How many comparisons are made at most.
    """

    leaves: list[tuple[object, ...]]
    feature: list[int]
    cut: list[float]
    low: list[int]
    high: list[int]
    roots: list[int]
    depth: int

    @property
    def splits(self) -> int:
        """How many different nodes compare."""
        return len(self.feature)


def bounds_of(declaration: Declaration) -> Bounds:
    """What a declared type says of the values of an input."""
    kind, low, high = declaration.type.kind, declaration.type.low, declaration.type.high
    few = {"bit": (0, 1), "spin": (-1, 1), "trit": (-1, 1)}.get(kind)
    if few is not None:
        return Bounds(True, *few)
    return Bounds(kind == "int", -np.inf if low is None else float(low), np.inf if high is None else float(high))


def shared(ensemble: Ensemble, leaves: Sequence[np.ndarray], bounds: Sequence[Bounds]) -> Shared:
    """Merge the nodes of all trees.

    Parameters
    ----------
    ensemble : Ensemble
    leaves : sequence of ndarray of shape (nodes, width)
        What the leaves of each tree hold; rows of other nodes are not looked at.
    bounds : sequence of Bounds
        One an input.
    """
    rows: dict[tuple[object, ...], int] = {}
    for tree, values in zip(ensemble.trees, leaves, strict=True):
        for row in values[tree.feature < 0].tolist():
            rows.setdefault(tuple(row), len(rows))
    made: dict[tuple[int, float, int, int], int] = {}
    depths = [0] * len(rows)
    roots = []
    for tree, values in zip(ensemble.trees, leaves, strict=True):
        own = values.tolist()
        found: dict[int, int] = {}
        feature, cut, low, high = tree.feature.tolist(), tree.cut.tolist(), tree.low.tolist(), tree.high.tolist()
        for node in _upwards(tree):
            if feature[node] < 0:
                found[node] = rows[tuple(own[node])]
                continue
            first, second = found[low[node]], found[high[node]]
            at = _cut(cut[node], bounds[feature[node]])
            if first == second or at == np.inf:
                found[node] = first
            elif at == -np.inf:
                found[node] = second
            else:
                key = feature[node], at, first, second
                if key not in made:
                    made[key] = len(depths)
                    depths.append(1 + max(depths[first], depths[second]))
                found[node] = made[key]
        roots.append(found[0])
    return Shared(
        list(rows),
        [key[0] for key in made],
        [key[1] for key in made],
        [key[2] for key in made],
        [key[3] for key in made],
        roots,
        max(depths[root] for root in roots),
    )


def _upwards(tree: Tree) -> list[int]:
    """The nodes that are reached, children before parents."""
    order, level = [], np.array([0])
    while len(level):
        order.append(level)
        splits = level[tree.feature[level] >= 0]
        level = np.unique(np.concatenate([tree.low[splits], tree.high[splits]]))
    return [node for level in reversed(order) for node in level.tolist()]


def _cut(cut: float, bounds: Bounds) -> float:
    """A cut for an input with bounds: whole for whole numbers, infinite where the bounds decide."""
    if cut >= bounds.high:
        return np.inf
    if cut < bounds.low:
        return -np.inf
    return float(floor(cut)) if bounds.is_whole and np.isfinite(cut) else cut
