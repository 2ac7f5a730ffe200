"""What the interpreter evaluates in which order: blocks of points of the statements' domains, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from ddcompile.ir.nodes import Binding, Expr, Index, Reduce, Softmax, Statement
from ddcompile.ir.points import ONE_POINT, Points, expand, static_value
from ddcompile.ir.schedule import constant_tables
from ddcompile.ir.scopes import own_position
from ddcompile.ir.traverse import children, postorder
from ddcompile.ir.types import Types

__all__ = ["Plan", "Task", "reduction_indices", "reduction_span"]

_TEMPORARY = 1 << 22
"""Elements of all intermediate values of one statement at a time: 32 MiB of int64."""
_STORED = 1 << 23
"""Elements of all tensors of the samples evaluated at a time: 64 MiB of int64."""


@dataclass(frozen=True, slots=True)
class Task:
    """Evaluate a statement at some points and store the values at these row-major numbers of its tensor's elements."""

    statement: Statement
    points: Points
    where: np.ndarray


@dataclass(frozen=True, slots=True)
class _Domain:
    """All points of a clause, their positions as one column each, and the numbers of the elements."""

    statement: Statement
    points: Points
    columns: np.ndarray
    where: np.ndarray


class Plan:
    """The tasks of a rule without sizes.

    Attributes
    ----------
    samples
        The number of samples to evaluate at a time.
    elements
        The number of elements that one intermediate value may have: samples times points.
    """

    def __init__(self, types: Types) -> None:
        self._types = types
        self._tables = constant_tables(types.rule)
        self._domains = [self._domain(statement) for statement in types.rule.statements]
        heights, spans = zip((1, 1), *(_demand(s.value, types) for s in types.rule.statements), strict=True)
        stored = sum(prod(shape) for name, shape in types.shape.items() if name not in self._tables)
        self.elements = max(1, _TEMPORARY // max(heights))
        self.samples = max(1, min(_STORED // max(1, stored), self.elements // max(spans)))

    def _domain(self, statement: Statement) -> _Domain:
        found = expand(ONE_POINT, statement.binders, self._tables)
        if found is None:
            raise ValueError(f"the domain of `{statement.target}` is not static")
        points = found[0]
        columns = np.zeros((points.count, len(statement.positions)), dtype=np.int64)
        where = np.zeros(points.count, dtype=np.int64)
        shape = self._types.shape[statement.target]
        for axis, (position, extent) in enumerate(zip(statement.positions, shape, strict=True)):
            value = static_value(own_position(position), points, self._tables)
            if value is None:
                raise ValueError(f"a position of `{statement.target}` is not static")
            columns[:, axis] = value
            where = where * extent + columns[:, axis]
        return _Domain(statement, points, columns, where)

    def tasks(self) -> Iterator[Task]:
        """All tasks, each after those whose elements it reads."""
        for position, group in enumerate(self._types.order):
            domains = [self._domains[number] for number in group]
            steps = self._types.recurrences.get(position)
            if steps is None:
                for domain in domains:
                    yield from self._blocks(domain, slice(0, domain.points.count))
            else:
                yield from self._steps(domains, steps.depth)

    def _steps(self, domains: list[_Domain], depth: int) -> Iterator[Task]:
        """Points with equal leading positions together, in lexicographic order; among them, clauses in text order."""
        slices: dict[tuple[int, ...], list[tuple[_Domain, slice]]] = {}
        for domain in domains:
            prefixes = domain.columns[:, :depth]
            cuts = np.flatnonzero((prefixes[1:] != prefixes[:-1]).any(axis=1)) + 1
            for start, stop in pairwise([0, *cuts.tolist(), len(prefixes)]):
                if start < stop:
                    key = tuple(prefixes[start].tolist())
                    slices.setdefault(key, []).append((domain, slice(start, stop)))
        for key in sorted(slices):
            for domain, which in slices[key]:
                yield from self._blocks(domain, which)

    def _blocks(self, domain: _Domain, which: slice) -> Iterator[Task]:
        size = max(1, self.elements // self.samples)
        for start in range(which.start, which.stop, size):
            block = slice(start, min(start + size, which.stop))
            yield Task(domain.statement, domain.points.select(block), domain.where[block])


def _demand(root: Expr, types: Types) -> tuple[int, int]:
    """The most values alive at once, and the most points that a reduction makes of one."""
    alive, height, span = 0, 1, 1
    for node in postorder(root):
        alive += 1 - len(children(node))
        height = max(height, alive)
        if isinstance(node, Binding):
            span = max(span, reduction_span(node, types))
    return height, span


def reduction_indices(root: Expr) -> dict[int, frozenset[str]]:
    """The free indices of every reduction below an expression, by the identity of its node.

    Of a softmax, those of the position do not count: all values of the range have the same sum.
    """
    found: dict[int, frozenset[str]] = {}
    stack: list[frozenset[str]] = []
    for node in postorder(root):
        kids = stack[len(stack) - len(children(node)) :]
        del stack[len(stack) - len(kids) :]
        match node:
            case Index(name):
                names = frozenset((name,))
            case Reduce() | Softmax():
                body = 2 * len(node.binders)
                names = kids[body]
                for k in range(len(node.binders) - 1, -1, -1):
                    names = (names - {node.binders[k].name}) | kids[2 * k] | kids[2 * k + 1]
                found[id(node)] = names
                names = names.union(*kids[body + 1 :])
            case _:
                names = kids[0].union(*kids[1:]) if kids else frozenset()
        stack.append(names)
    return found


def reduction_span(node: Binding, types: Types) -> int:
    """At most so many points does a reduction have for one point outside of it."""
    span = 1
    for binder in node.binders:
        low, high = types.of(binder.lower).low, types.of(binder.upper).high
        span *= 1 if low is None or high is None else max(0, high - low)
    return max(1, span)
