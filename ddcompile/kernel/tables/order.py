"""The order in which gates are computed, and where their results lie.

Gates of one kind that do not depend on one another are a run: they are computed by one loop that reads from a table
where the operands of each lie. A slot of memory is used again when nothing reads the result in it any more, so that
what is live stays in a cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddcompile.kernel.tables.nets import Literals, Net

__all__ = ["KINDS", "OPERANDS", "Order", "Run", "ordered"]

KINDS = ("and", "and not", "nor", "xor", "full", "full not")
"""What the loops compute; of `full not` and `and not`, one operand is negated: the first and the last."""
OPERANDS = (2, 2, 2, 2, 3, 3)
_FULL = KINDS.index("full")


@dataclass(frozen=True, slots=True)
class Run:
    """Gates of one kind: which, where its rows in the table of places begin, and how many there are."""

    kind: int
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Order:
    """Gates in the order of computation.

    Attributes
    ----------
    runs
        The runs; a row is one gate: the slots of its results, then those of its operands.
    places
        The rows of all runs, one after the other.
    slots
        The number of slots of memory.
    gates
        The number of gates.
    """

    runs: tuple[Run, ...]
    places: np.ndarray
    slots: int
    gates: int


def ordered(net: Net, inputs: np.ndarray, first_free: int, results: Literals, kept: np.ndarray) -> Order:
    """Put gates in order.

    Parameters
    ----------
    net
        The gates.
    inputs
        The slots in which the inputs lie.
    first_free
        From this slot on, nothing lies in memory; slots before that are no inputs stay as they are.
    results
        The literals that are wanted.
    kept
        The slots, all different and none before `first_free`, in which they are wanted.
    """
    net, goal = _copied(net, results)
    needed = _needed(net, goal)
    table = _Table.of(net, needed)
    order = np.lexsort((table.kind, table.level))
    table = table.select(order)
    cuts = np.flatnonzero((np.diff(table.kind) != 0) | (np.diff(table.level) != 0)) + 1
    bounds = np.concatenate([[0], cuts, [len(order)]]) if len(order) else np.zeros(1, dtype=np.int64)
    slot = np.full(net.count, -1, dtype=np.int64)
    slot[1 : net.inputs + 1] = inputs
    slot[goal >> 1] = kept
    return _places(net, table, bounds, slot, max(first_free, int(kept.max(initial=-1)) + 1), goal >> 1)


def _copied(net: Net, results: Literals) -> tuple[Net, Literals]:
    """The net with copies of what is wanted twice, negated, constant, or an input; what is wanted of it."""
    extended = Net(net.inputs)
    extended.batches, extended.count = list(net.batches), net.count
    results = results.copy()
    nodes = results >> 1
    _, first = np.unique(nodes, return_index=True)
    is_first = np.zeros(len(nodes), dtype=bool)
    is_first[first] = True
    is_copy = (results & 1 == 1) | (nodes <= net.inputs) | ~is_first
    own = results[is_copy]
    if (own <= 1).any():
        # The constant 0 is how some input differs from itself.
        some = np.full(1, 2, dtype=np.int64)
        zero = extended.added("xor", some, some)
        own = np.where(own <= 1, zero | own, own)
    if len(own):
        results[is_copy] = extended.added("and", own, own)
    return extended, results


def _needed(net: Net, results: Literals) -> np.ndarray:
    """Which results some literals depend on."""
    needed = np.zeros(net.count, dtype=bool)
    needed[results >> 1] = True
    for batch in reversed(net.batches):
        used = needed[batch.first : batch.first + batch.count]
        if batch.op == "full":
            used = used | needed[batch.first + batch.count : batch.first + 2 * batch.count]
        for operand in batch.operands:
            needed[operand[used] >> 1] = True
    return needed


@dataclass(frozen=True, slots=True)
class _Table:
    """The gates that are needed: a row each of kind, level, results and operands; -1 where there is no third."""

    kind: np.ndarray
    level: np.ndarray
    results: np.ndarray
    operands: np.ndarray

    def select(self, order: np.ndarray) -> _Table:
        return _Table(self.kind[order], self.level[order], self.results[order], self.operands[order])

    @classmethod
    def of(cls, net: Net, needed: np.ndarray) -> _Table:
        depth = np.zeros(net.count, dtype=np.int64)
        parts: list[list[np.ndarray]] = [[], [], [], []]
        for batch in net.batches:
            nodes = np.arange(batch.first, batch.first + batch.count)
            used = needed[nodes]
            if batch.op == "full":
                used = used | needed[nodes + batch.count]
            if not used.any():
                continue
            nodes = nodes[used]
            operands = [operand[used] for operand in batch.operands]
            level = 1 + np.max([depth[operand >> 1] for operand in operands], axis=0)
            depth[nodes] = level
            results = np.stack([nodes, np.full_like(nodes, -1)], axis=1)
            if batch.op == "full":
                results[:, 1] = nodes + batch.count
                depth[nodes + batch.count] = level
                kind = _FULL + (operands[0] & 1)
            elif batch.op == "xor":
                kind = np.full_like(nodes, KINDS.index("xor"))
            else:
                # The negated operand comes last.
                a, b = operands
                is_turned = (a & 1) > (b & 1)
                operands = [np.where(is_turned, b, a), np.where(is_turned, a, b)]
                kind = (operands[0] & 1) + (operands[1] & 1)
            rows = np.stack([*operands, *[np.full_like(nodes, -2)] * (3 - len(operands))], axis=1) >> 1
            for part, column in zip(parts, (kind, level, results, rows), strict=True):
                part.append(column)
        if not parts[0]:
            empty = np.zeros(0, dtype=np.int64)
            return cls(empty, empty, empty.reshape(0, 2), empty.reshape(0, 3))
        return cls(*(np.concatenate(part) for part in parts))


def _places(net: Net, table: _Table, bounds: np.ndarray, slot: np.ndarray, first_free: int, goal: np.ndarray) -> Order:
    """Give every result a slot, run by run."""
    number = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    last = np.full(net.count, -1, dtype=np.int64)
    for column in (table.results[:, 0], table.results[:, 1], *table.operands.T):
        exists = column >= 0
        np.maximum.at(last, column[exists], number[exists])
    last[goal] = len(bounds)
    ending = np.argsort(last, kind="stable")
    starts = np.searchsorted(last[ending], np.arange(len(bounds) + 1))
    free = np.empty(net.count, dtype=np.int64)
    top, slots = 0, first_free
    runs: list[Run] = []
    rows: list[np.ndarray] = []
    start = 0
    for run in range(len(bounds) - 1):
        lower, upper = bounds[run], bounds[run + 1]
        kind = int(table.kind[lower])
        results = table.results[lower:upper, : 2 if kind >= _FULL else 1]
        operands = table.operands[lower:upper, : OPERANDS[kind]]
        homeless = results.T[slot[results.T] < 0]
        taken = min(top, len(homeless))
        top -= taken
        slot[homeless[:taken]] = np.sort(free[top : top + taken])
        slot[homeless[taken:]] = np.arange(slots, slots + len(homeless) - taken)
        slots += len(homeless) - taken
        made = np.concatenate([slot[results], slot[operands]], axis=1).reshape(-1)
        rows.append(made)
        runs.append(Run(kind, start, int(upper - lower)))
        start += len(made)
        over = slot[ending[starts[run] : starts[run + 1]]]
        free[top : top + len(over)] = over
        top += len(over)
    places = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    return Order(tuple(runs), places, slots, len(table.kind))
