"""Many values of variables and forms at once, exact: int64 where bounds allow, Python numbers otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ddcompile.ir.nodes import Number
from ddcompile.prove.forms import Decline, Form
from ddcompile.prove.store import Store

__all__ = ["Batch"]

SAFE = 1 << 62
STACKED_ROWS = 256
"""Up to this many rows, long sums are one matrix product."""


class Batch:
    """Values of variables in a number of rows."""

    def __init__(self, store: Store, rows: int, values: Mapping[int, np.ndarray]) -> None:
        self.store = store
        self.rows = rows
        self._values: dict[int, np.ndarray] = {}
        self._most: dict[int, int] = {}
        for v, column in values.items():
            self.set(v, column)

    def set(self, v: int, column: np.ndarray) -> None:
        """Give a variable its values."""
        self._values[v] = column
        self._most[v] = max((abs(int(x)) + 1 for x in (column.min(), column.max())), default=0)

    def __contains__(self, v: int) -> bool:
        return v in self._values

    def value(self, v: int) -> np.ndarray:
        """The values of a variable."""
        return self._values[v]

    def form(self, form: Form, terms: Mapping[int, int] | None = None) -> np.ndarray:
        """The values of `form * 2**form.exp`; `terms` replaces its terms."""
        used = form.terms if terms is None else terms
        most = abs(form.const) + sum(abs(c) * self._most[v] for v, c in used.items())
        exact = most < SAFE and all(self._values[v].dtype != object for v in used)
        if exact and len(used) > 16 and self.rows <= STACKED_ROWS:
            columns = np.stack([self._values[v] for v in used])
            return np.asarray(np.array(list(used.values()), dtype=np.int64) @ columns + form.const)
        result = np.full(self.rows, form.const, dtype=np.int64 if exact else object)
        for v, c in used.items():
            column = self._values[v]
            result = result + (column if exact else column.astype(object)) * c
        return result

    def evaluate(self, nodes: Iterable[int], *, sparse: bool = False) -> None:
        """Compute nodes in ascending order from their operands.

        With `sparse`, variables without values are left out of sums: they are counted in their representatives.
        """
        for v in sorted(nodes):
            operands: list[np.ndarray] = []
            for form in self.store.nodes[v].operands:
                kept = {w: c for w, c in form.terms.items() if w in self._values} if sparse else None
                operands.append(self.form(form, kept))
            self.set(v, self._apply(v, operands))

    def _apply(self, v: int, operands: list[np.ndarray]) -> np.ndarray:
        node = self.store.nodes[v]
        match node.kind:
            case "step":
                first = operands[0]
                bound = node.number
                if first.dtype != object:
                    bound = min(max(bound, -SAFE), SAFE)
                reached = np.asarray(first > bound if node.strict else first >= bound)
                return reached.astype(np.int64)
            case "relu":
                return np.asarray(np.maximum(_wide(operands[0], node.number) - node.number, 0))
            case "mod":
                dividend = operands[0] if node.number < SAFE else operands[0].astype(object)
                return np.asarray(dividend % int(node.number))
            case "same":
                return np.asarray(operands[0] // (1 << node.operands[0].exp))
            case "product":
                result = operands[0].astype(object)
                for factor in operands[1:]:
                    result = result * factor
                return _narrow(result)
            case "argmax":
                best, index = operands[0], np.zeros(self.rows, dtype=np.int64)
                for k, candidate in enumerate(operands[1:], 1):
                    larger = np.asarray(candidate > best).astype(bool)
                    best, index = np.where(larger, candidate, best), np.where(larger, k, index)
                return index
            case _:
                raise Decline(f"{node.kind} {node.name} cannot be evaluated")


def _wide(column: np.ndarray, bound: Number) -> np.ndarray:
    """The column, of Python numbers if the bound may take differences beyond 64 bits."""
    return column if -SAFE < bound < SAFE else column.astype(object)


def _narrow(column: np.ndarray) -> np.ndarray:
    if all(isinstance(x, int) and abs(x) < SAFE for x in column.tolist()):
        return column.astype(np.int64)
    return column
