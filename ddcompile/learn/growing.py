"""Trees grown by asking a model for labels, and pruned to the shortest description of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, log2
from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.domain import Box, Domain
from ddcompile.learn.thresholds import number_between

__all__ = ["Growth", "Limits", "Node", "grown"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Ask: TypeAlias = Callable[[Array], Array]
"""From queries of shape (queries, inputs) to the numbers of their labels, of shape (queries,)."""

AT_ROOT = 10_000
AT_NODE = 1_000
"""The whole domain gets a twentieth of all queries, at most `AT_ROOT`; a part of it as many of these as its probability
says, but no less than `AT_NODE`, or a twentieth of all if that is less."""
BLOCK = 2**22
"""Counts of labels that are held at once while a split is looked for."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of growth: queries in all, and splits."""

    queries: int
    splits: int


@dataclass(slots=True, eq=False)
class Node:
    """A part of the domain; a leaf where it has no children.

    Attributes
    ----------
    box : Box
    weight : float
        How many of all queries would be in the box, if they were drawn from the whole domain.
    counts : ndarray of shape (labels,)
        The labels of queries that were drawn for this node alone.
    feature, threshold
        `children[1]` has the part with `input >= threshold`, `children[0]` the rest.
    choices : int
        How many thresholds there were for this input.
    """

    box: Box
    weight: float
    counts: Array
    queries: Array | None
    labels: Array | None
    feature: int = -1
    threshold: float = 0.0
    choices: int = 1
    children: tuple[Node, ...] = field(default=())

    @property
    def label(self) -> int:
        """The label of most of its queries, the first if there are several."""
        return int(self.counts.argmax())

    @property
    def wrong(self) -> float:
        """How many of all queries are in it and have another label."""
        return self.weight * (1 - float(self.counts.max() / self.counts.sum()))

    @property
    def bits(self) -> float:
        """What the labels in it take beyond the tree: entropy, times queries."""
        shares = self.counts[self.counts > 0] / self.counts.sum()
        return max(self.weight * -float((shares * np.log2(shares)).sum()), 0.0)


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree, the queries that it took, and the bound that stopped it, or ""."""

    root: Node
    queries: int
    limit: str


def grown(domain: Domain, ask: Ask, are_whole: Array, limits: Limits, random: np.random.Generator) -> Growth:
    """Split where most queries have another label than their leaf, then undo what does not pay.

    Every node is judged by labels of queries that were drawn for it. What the labels of `limits.queries` queries take
    is described by the tree (a bit for the kind of each node; input and threshold of a split; label of a leaf) and the
    entropy that is left in the leaves; the tree is the shortest such description among those that can be had by
    pruning (Quinlan and Rivest 1989), the queries inside a node are as in TREPAN (Craven and Shavlik 1996).

    Parameters
    ----------
    domain : Domain
    ask : callable
    are_whole : ndarray of shape (inputs,), bool
        Which inputs are whole numbers, for their thresholds.
    limits : Limits
    random : Generator
    """
    asked = 0
    most = min(limits.queries // 20, AT_ROOT)
    least = min(limits.queries // 20, AT_NODE)

    def made(box: Box, room: int) -> Node:
        nonlocal asked
        share = domain.probability(box) if box else 1.0
        queries = domain.draw(random, min(max(round(most * share), least), room), box)
        asked += len(queries)
        labels = ask(queries)
        return Node(box, limits.queries * share, np.bincount(labels), queries, labels)

    root = made({}, limits.queries)
    open_nodes: list[tuple[float, int, Node]] = []
    number = splits = 0
    limit = ""

    def opened(node: Node) -> None:
        nonlocal number
        if node.bits > _split_bits(domain, 2) + 2:
            heapq.heappush(open_nodes, (-node.wrong, number, node))
            number += 1

    opened(root)
    while open_nodes:
        if splits == limits.splits or asked + 2 * least > limits.queries:
            limit = f"{limits.splits:,} splits" if splits == limits.splits else f"{limits.queries:,} queries"
            break
        node = heapq.heappop(open_nodes)[2]
        assert node.queries is not None
        assert node.labels is not None
        found = _best_split(node.queries, node.labels, are_whole)
        node.queries = node.labels = None
        if found is None:
            continue
        node.feature, node.threshold, node.choices = found
        low, high = node.box.get(node.feature, (-np.inf, np.inf))
        halves = ((low, node.threshold), (node.threshold, high))
        boxes = [{**node.box, node.feature: half} for half in halves]
        if min(domain.probability(box) for box in boxes) <= 0:
            continue
        first = made(boxes[0], (limits.queries - asked) // 2)
        node.children = first, made(boxes[1], limits.queries - asked)
        splits += 1
        for child in node.children:
            opened(child)
    _prune(root, domain)
    return Growth(root, asked, limit)


def _best_split(queries: Array, labels: Array, are_whole: Array) -> tuple[int, float, int] | None:
    """The input, threshold and number of thresholds that leave the least entropy; None if all queries are equal."""
    classes = int(labels.max()) + 1
    rows = len(queries)
    best: tuple[float, int, float, int] | None = None
    width = max(BLOCK // (rows * classes), 1)
    is_class = labels[:, None] == np.arange(classes)
    for start in range(0, queries.shape[1], width):
        block = queries[:, start : start + width]
        order = block.argsort(axis=0, kind="stable")
        ordered = np.take_along_axis(block, order, axis=0)
        below = is_class[order].cumsum(axis=0)[:-1]
        bits = _entropy(below) + _entropy(below[-1:] + is_class[order[-1:]] - below)
        is_border = ordered[1:] > ordered[:-1]
        bits = np.where(is_border, bits, np.inf)
        places = bits.argmin(axis=0)
        for column, place in enumerate(places):
            value = float(bits[place, column])
            if np.isfinite(value) and (best is None or value < best[0]):
                k = start + column
                low, high = float(ordered[place, column]), float(ordered[place + 1, column])
                best = value, k, _threshold(low, high, bool(are_whole[k])), int(is_border[:, column].sum())
    return None if best is None else best[1:]


def _entropy(counts: Array) -> Array:
    """Times samples, in bits; for counts of labels along the last axis."""
    totals = counts.sum(axis=-1)
    logs = np.log2(np.maximum(counts, 1))
    result: Array = totals * np.log2(np.maximum(totals, 1)) - (counts * logs).sum(axis=-1)
    return result


def _threshold(low: float, high: float, is_whole: bool) -> float:
    """Above the first, and at most the second."""
    if is_whole:
        return float(low + ceil((high - low) / 2))
    found = number_between(low, high)
    return found if found > low else high


def _split_bits(domain: Domain, choices: int) -> float:
    return 1 + log2(len(domain.marginals)) + log2(max(choices, 1))


def _prune(root: Node, domain: Domain) -> None:
    """Make a leaf of every node whose description is no longer without its children."""
    ordered, stack = [], [root]
    while stack:
        node = stack.pop()
        ordered.append(node)
        stack += node.children
    labels = log2(max(max(len(node.counts) for node in ordered), 1))
    lengths: dict[int, float] = {}
    for node in reversed(ordered):
        alone = 1 + labels + node.bits
        if node.children:
            split = _split_bits(domain, node.choices) + sum(lengths[id(child)] for child in node.children)
            if split < alone:
                lengths[id(node)] = split
                continue
            node.children = ()
        lengths[id(node)] = alone
