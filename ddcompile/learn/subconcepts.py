"""The samples of each concept split into subconcepts."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist

from ddcompile.learn.separators import is_separable

__all__ = ["Parts", "separable_parts", "single_parts", "ward_parts"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Parts: TypeAlias = list[tuple[int, Array]]
"""For each subconcept, its concept and the numbers of its samples, ascending."""


def single_parts(concepts: Array) -> Parts:
    """One subconcept a sample; `concepts` of shape (samples,) are numbers from 0."""
    return [(int(concept), np.array([sample])) for sample, concept in enumerate(concepts)]


def ward_parts(points: Array, concepts: Array, number: int) -> Parts:
    """At most `number` parts: Ward linkage in each concept, the largest next branch first to be split.

    Ties go to the concept with fewer parts, then to the first. Every concept has a part, even if that makes more than
    `number`.

    Parameters
    ----------
    points : ndarray of shape (samples, features)
    concepts : ndarray of shape (samples,)
        The concept of each sample, numbered from 0.
    number : int

    References
    ----------
    Ward, Hierarchical grouping to optimize an objective function (1963).
    """
    trees = _trees(points, concepts)
    parts = {concept: [tree.root] for concept, tree in trees.items()}
    while sum(map(len, parts.values())) < number:
        splits = [
            (-trees[concept].height(node), len(nodes), concept, node)
            for concept, nodes in parts.items()
            for node in nodes
            if not trees[concept].is_leaf(node)
        ]
        if not splits:
            break
        _, _, concept, node = min(splits)
        parts[concept].remove(node)
        parts[concept] += trees[concept].children(node)
    return _ordered((concept, trees[concept].samples(node)) for concept, nodes in parts.items() for node in nodes)


def separable_parts(points: Array, concepts: Array) -> Parts:
    """Few parts of which any two of different concepts can be separated by a plane.

    Branches of Ward linkage are split until they can; then parts of one concept are joined wherever they still can.

    Parameters
    ----------
    points : ndarray of shape (samples, features)
        No point may occur in two concepts.
    concepts : ndarray of shape (samples,)
        The concept of each sample, numbered from 0.
    """
    trees = _trees(points, concepts)
    parts = {concept: [tree.root] for concept, tree in trees.items()}
    known: dict[tuple[int, int, int, int], bool] = {}

    def divided(a: int, x: int, b: int, y: int) -> bool:
        key = (a, x, b, y)
        if key not in known:
            known[key] = is_separable(points[trees[a].samples(x)], points[trees[b].samples(y)])
        return known[key]

    while True:
        mixed = [
            (-max(trees[a].height(x), trees[b].height(y)), a, x, b, y)
            for a in parts
            for b in parts
            if a < b
            for x in parts[a]
            for y in parts[b]
            if not divided(a, x, b, y)
        ]
        if not mixed:
            break
        _, a, x, b, y = min(mixed)
        concept, node = (a, x) if trees[a].height(x) >= trees[b].height(y) else (b, y)
        parts[concept].remove(node)
        parts[concept] += trees[concept].children(node)
    found = [(concept, trees[concept].samples(node)) for concept, nodes in parts.items() for node in nodes]
    return _ordered(_joined(points, found))


def _joined(points: Array, parts: Parts) -> Parts:
    """Parts of one concept joined, the nearest first, while planes divide the whole from every other concept's part."""
    parts = list(parts)
    centres = [points[samples].mean(axis=0) for _, samples in parts]
    alive = set(range(len(parts)))

    def distance(x: int, y: int) -> float:
        return float(((centres[x] - centres[y]) ** 2).sum())

    pairs = [(distance(x, y), x, y) for x in alive for y in alive if x < y and parts[x][0] == parts[y][0]]
    heapq.heapify(pairs)
    while pairs:
        _, x, y = heapq.heappop(pairs)
        if x not in alive or y not in alive:
            continue
        concept, union = parts[x][0], np.union1d(parts[x][1], parts[y][1])
        rivals = sorted((z for z in alive if parts[z][0] != concept), key=lambda z: min(distance(x, z), distance(y, z)))
        if not all(is_separable(points[union], points[parts[z][1]]) for z in rivals):
            continue
        alive -= {x, y}
        new = len(parts)
        parts.append((concept, union))
        centres.append(points[union].mean(axis=0))
        for z in alive:
            if parts[z][0] == concept:
                heapq.heappush(pairs, (distance(z, new), z, new))
        alive.add(new)
    return [parts[x] for x in alive]


def _ordered(parts: Any) -> Parts:
    return sorted(((concept, np.sort(samples)) for concept, samples in parts), key=lambda p: (p[0], int(p[1][0])))


class _Tree:
    """The dendrogram of some samples: leaves 0 to n - 1, then a node for every merger."""

    def __init__(self, points: Array, samples: Array) -> None:
        self._samples = samples
        distances = pdist(points.astype(float))
        self._merges: Array = linkage(distances, method="ward") if len(samples) > 1 else np.zeros((0, 4))

    @property
    def root(self) -> int:
        return len(self._samples) + len(self._merges) - 1

    def is_leaf(self, node: int) -> bool:
        return node < len(self._samples)

    def height(self, node: int) -> float:
        return 0.0 if self.is_leaf(node) else float(self._merges[node - len(self._samples), 2])

    def children(self, node: int) -> list[int]:
        return [int(child) for child in self._merges[node - len(self._samples), :2]]

    def samples(self, node: int) -> Array:
        leaves, open_nodes = [], [node]
        while open_nodes:
            top = open_nodes.pop()
            if self.is_leaf(top):
                leaves.append(top)
            else:
                open_nodes += self.children(top)
        return np.sort(self._samples[leaves])


def _trees(points: Array, concepts: Array) -> dict[int, _Tree]:
    members: Sequence[int] = [int(concept) for concept in np.unique(concepts)]
    return {concept: _Tree(points[concepts == concept], np.flatnonzero(concepts == concept)) for concept in members}
