"""A fixed handful of inputs: cheap refutation of wrong claims, and counterexamples to show. Proves nothing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ddcompile.prove.batch import Batch
from ddcompile.prove.forms import Decline, Form
from ddcompile.prove.nodes import Node
from ddcompile.prove.store import Store

__all__ = ["Samples"]

ROWS = 96
DENSITIES = (0.5, 0.1, 0.9, 0.02, 0.98, 0.3, 0.7, 0.01, 0.99)
SPREAD = 100


class Samples:
    """Values of variables on sample inputs, computed where needed and kept."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._batch = Batch(store, ROWS, {})
        self._number: dict[int, int] = {}

    def refute(self, form: Form) -> dict[int, int | Fraction] | None:
        """Values of the inputs for which a form is not zero, or None if the samples show none."""
        try:
            self._ensure(form)
            wrong = np.flatnonzero(np.asarray(self._batch.form(form) != 0).astype(bool))
        except Decline:
            return None
        if not len(wrong):
            return None
        found: dict[int, int | Fraction] = {}
        for v in self._cone(form):
            if self.store.nodes[v].kind == "input":
                value = self._batch.value(v)[wrong[0]]
                found[v] = value if isinstance(value, Fraction) else int(value)
        return found

    def _cone(self, form: Form) -> list[int]:
        seen: set[int] = set()
        stack = list(form.terms)
        while stack:
            v = stack.pop()
            if v not in seen:
                seen.add(v)
                for operand in self.store.nodes[v].operands:
                    stack.extend(operand.terms)
        return sorted(seen)

    def _ensure(self, form: Form) -> None:
        missing: set[int] = set()
        stack = [v for v in form.terms if v not in self._batch]
        while stack:
            v = stack.pop()
            if v in missing:
                continue
            missing.add(v)
            for operand in self.store.nodes[v].operands:
                stack.extend(w for w in operand.terms if w not in self._batch and w not in missing)
        inputs = [v for v in sorted(missing) if self.store.nodes[v].kind == "input"]
        for v in inputs:
            self._batch.set(v, self._sample(v, self.store.nodes[v]))
        self._batch.evaluate(missing.difference(inputs))

    def _sample(self, v: int, node: Node) -> np.ndarray:
        place = self._number.setdefault(v, len(self._number))
        rng = np.random.default_rng((7, v))
        low = -SPREAD if node.low is None else node.low
        high = max(low, SPREAD) if node.high is None else node.high
        chosen = rng.random(ROWS) < np.resize(DENSITIES, ROWS)
        for row in range(2, ROWS // 2):  # stripes and blocks over neighbouring inputs
            period = row // 2 + 1
            chosen[row] = place % period == row % period if row % 2 else (place // period) % 2 == row % 4 // 2
        chosen[0], chosen[1] = False, True
        column = np.empty(ROWS, dtype=object)
        column[:] = [high if c else low for c in chosen.tolist()]
        if high - low > 1:
            inner = rng.random(ROWS).tolist()
            for row in range(2, ROWS):
                if row % 3 == 0:
                    column[row] = low + int(inner[row] * (high - low + 1))
        if not node.integral:
            column[:] = [Fraction(x * 8 + row, 8) for row, x in enumerate(column.tolist())]
            return column
        return column.astype(np.int64) if max(abs(low), abs(high)) < 1 << 62 else column
