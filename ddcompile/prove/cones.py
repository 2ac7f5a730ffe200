"""Truth tables and count tables over cuts of the definitions below a form.

The variables of a cut are free (thresholds of one form stay ordered), so a table is over a superset of what inputs
reach. Variables that enter every form above the cut with equal coefficients are interchangeable: only how many of
them are set matters, and a class of n bits takes n + 1 rows instead of 2**n.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from math import comb, prod

import numpy as np

from ddcompile.prove.batch import Batch
from ddcompile.prove.forms import Decline, Form
from ddcompile.prove.nodes import Node
from ddcompile.prove.store import Store

__all__ = ["ROW_LIMIT", "TableVerdict", "tabulate"]

ROW_LIMIT = 1 << 16
"""Most rows of a table."""
REGION_LIMIT = 1 << 14
"""Most nodes evaluated above a cut."""
WORK_LIMIT = 1 << 28
"""Most additions for one table."""
LEVEL_LIMIT = 16
"""Most cuts tried."""


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """What tables say: `zero`, proved zero in all rows; else perhaps inputs for which it is not."""

    zero: bool
    classes: bool = False
    """Whether interchangeable variables were counted."""
    inputs: dict[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Class:
    """Interchangeable units: one variable each, or the ordered thresholds of one form."""

    units: tuple[tuple[int, ...], ...]
    low: int
    high: int

    @property
    def steps(self) -> int:
        return len(self.units[0])

    def rows(self) -> int:
        n = len(self.units)
        return n * (self.high - self.low) + 1 if self.steps == 1 else comb(n + self.steps, self.steps)

    def table(self) -> np.ndarray:
        """The sums of the representative's variables over the class, one combination a row."""
        n = len(self.units)
        if self.steps == 1:
            return np.arange(n * self.low, n * self.high + 1, dtype=np.int64)[:, None]
        rows: list[tuple[int, ...]] = [(k,) for k in range(n + 1)]
        for _ in range(1, self.steps):
            rows = [(*row, k) for row in rows for k in range(row[-1] + 1)]
        return np.array(rows, dtype=np.int64)


def tabulate(store: Store, form: Form) -> TableVerdict:
    """Try to show that a form is zero by a table over some cut, from the nearest cut down to the inputs."""
    for level in _levels(store.level(form)):
        found = _cone(store, form, level)
        if found is None:
            continue
        region, cut = found
        classes = _classes(store, form, region, cut)
        if classes is None:
            continue
        rows = prod(c.rows() for c in classes)
        if rows > ROW_LIMIT or rows * sum(len(f.terms) for v in region for f in store.nodes[v].operands) > WORK_LIMIT:
            continue
        try:
            verdict = _table(store, form, region, classes)
        except Decline:
            continue
        if verdict.zero or verdict.inputs is not None:
            return verdict
    return TableVerdict(False)


def _levels(top: int) -> Iterator[int]:
    if top <= LEVEL_LIMIT:
        yield from range(top - 1, -1, -1)
        return
    yield from range(top - 1, top - LEVEL_LIMIT // 2, -1)
    yield from (top * k // LEVEL_LIMIT for k in range(LEVEL_LIMIT // 2, -1, -1))


def _cone(store: Store, form: Form, level: int) -> tuple[set[int], set[int]] | None:
    """The nodes above a level that a form is made of, and the variables that they use.

    These are at or below the level, or opaque, or have a finite range themselves and not what they are made of.
    """
    region: set[int] = set()
    cut: set[int] = set()
    stack = list(form.terms)
    while stack:
        v = stack.pop()
        if v in region or v in cut:
            continue
        node = store.nodes[v]
        is_last = _is_finite(node) and not all(_is_finite(store.nodes[w]) for f in node.operands for w in f.terms)
        if node.level <= level or node.kind == "opaque" or is_last:
            cut.add(v)
            continue
        region.add(v)
        if len(region) > REGION_LIMIT:
            return None
        for operand in node.operands:
            stack.extend(operand.terms)
    return region, cut


def _is_finite(node: Node) -> bool:
    """Whether a variable has a finite range of integers."""
    return node.low is not None and node.high is not None and node.integral


def _classes(store: Store, form: Form, region: set[int], cut: set[int]) -> list[_Class] | None:
    """The variables of a cut, sorted into classes; None if one has no finite range of integers."""
    uses: dict[int, list[Hashable]] = {v: [] for v in cut}
    forms = [form]
    for v in sorted(region):
        node = store.nodes[v]
        if node.kind == "product":
            for operand in node.operands:
                for w in operand.terms:
                    if w in uses:
                        uses[w].append(("alone", w))
        forms.extend(node.operands)
    for number, operand in enumerate(forms):
        for v, c in operand.terms.items():
            if v in uses:
                uses[v].append((number, c))
    units: dict[Hashable, list[int]] = {}
    for v in sorted(cut):
        node = store.nodes[v]
        if not _is_finite(node):
            return None
        units.setdefault(("base", node.base) if node.kind == "step" else v, []).append(v)
    classes: dict[Hashable, list[tuple[int, ...]]] = {}
    for unit in units.values():
        unit.sort(key=lambda v: (store.nodes[v].number, store.nodes[v].strict))
        ends = store.nodes[unit[0]].low, store.nodes[unit[0]].high
        signature = (ends, tuple(tuple(uses[v]) for v in unit))
        classes.setdefault(signature, []).append(tuple(unit))
    result = []
    for members in classes.values():
        node = store.nodes[members[0][0]]
        assert node.low is not None
        assert node.high is not None
        result.append(_Class(tuple(members), node.low, node.high))
    return result


def _table(store: Store, form: Form, region: set[int], classes: Sequence[_Class]) -> TableVerdict:
    tables = [c.table() for c in classes]
    rows = prod(len(t) for t in tables)
    batch = Batch(store, rows, {})
    choice: list[np.ndarray] = []
    inner, outer = rows, 1
    for c, table in zip(classes, tables, strict=True):
        inner //= len(table)
        pick = np.tile(np.repeat(np.arange(len(table)), inner), outer)
        outer *= len(table)
        choice.append(pick)
        for k, v in enumerate(c.units[0]):
            batch.set(v, table[pick, k])
    batch.evaluate(region, sparse=True)
    result = batch.form(form, {v: c for v, c in form.terms.items() if v in batch})
    wrong = np.flatnonzero(np.asarray(result != 0).astype(bool))
    if not len(wrong):
        return TableVerdict(True, any(len(c.units) > 1 for c in classes))
    if any(store.nodes[u].kind != "input" for c in classes for unit in c.units for u in unit):
        return TableVerdict(False)
    inputs: dict[int, int] = {}
    for c, table, pick in zip(classes, tables, choice, strict=True):
        rest = int(table[pick[wrong[0]], 0]) - len(c.units) * c.low
        for (v,) in c.units:
            above = min(rest, c.high - c.low)
            inputs[v] = c.low + above
            rest -= above
    return TableVerdict(False, inputs=inputs)
