"""The values that some units have together, whatever the inputs, and sums of them that are bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain

__all__ = ["JointValues", "two_valued"]

_WORD = 1 << 40


class JointValues:
    """Finds the values that units have together; what was found is remembered by the units up to their operands.

    Operands that enter all units with equal weights are interchangeable, so that only their sum matters (a table over
    counts takes n + 1 rows instead of 2**n).
    """

    def __init__(self, domain: Callable[[int], Domain | None], rows: int) -> None:
        """`domain` gives the values of an atom; tables may have so many rows times units."""
        self._domain = domain
        self._rows = rows
        self._known: dict[object, np.ndarray | None] = {}

    def __call__(self, units: Sequence[Row]) -> np.ndarray | None:
        """A row for every combination of values that occurs, a column a unit; None if there are too many to try.

        Parameters
        ----------
        units
            Rows that say whether a sum is positive, or its sign, over integers.

        Returns
        -------
        The combinations in ascending order, after the one that is there where all operands are as little as they can
        be.
        """
        if len(units) > self._rows or any(
            u.has_scale or u.weights.dtype == object or abs(u.bias) > _WORD for u in units
        ):
            return None
        atoms = np.unique(np.concatenate([u.atoms for u in units]))
        if not len(atoms) or len(atoms) * len(units) > self._rows:
            return None
        weights = np.zeros((len(units), len(atoms)), dtype=np.int64)
        for row, unit in zip(weights, units, strict=True):
            row[np.searchsorted(atoms, unit.atoms)] = unit.weights
        if np.abs(weights).max() > _WORD // weights.size:
            return None
        # The order of units and operands plays no part.
        order = sorted(range(len(units)), key=lambda k: (units[k].bias, sorted(units[k].weights.tolist())))
        classes: dict[tuple[tuple[int, ...], Domain], int] = {}
        for atom, column in zip(atoms.tolist(), weights[order].T.tolist(), strict=True):
            domain = self._domain(atom)
            if domain is None or max(abs(domain.low), abs(domain.high)) > _WORD // weights.size:
                return None
            classes[tuple(column), domain] = classes.get((tuple(column), domain), 0) + 1
        kinds = tuple(sorted(classes.items(), key=lambda item: (item[0][0], item[0][1].low, item[0][1].high)))
        signature = tuple((units[k].bias, units[k].kind == "sign") for k in order)
        if (signature, kinds) not in self._known:
            self._known[signature, kinds] = self._searched(kinds, signature)
        found = self._known[signature, kinds]
        if found is None:
            return None
        back = np.empty(len(units), dtype=np.int64)
        back[order] = np.arange(len(units))
        return found[:, back]

    def _searched(
        self, kinds: Sequence[tuple[tuple[tuple[int, ...], Domain], int]], signature: Sequence[tuple[int, bool]]
    ) -> np.ndarray | None:
        ranges = [range(n * d.low, n * d.high + 1, d.step) for (_, d), n in kinds]
        if prod(map(len, ranges)) * len(signature) > self._rows:
            return None
        axes = [axis.ravel() for axis in np.meshgrid(*(np.array(r, dtype=np.int64) for r in ranges), indexing="ij")]
        table = np.stack([np.array(column) for (column, _), _ in kinds], axis=1) @ np.stack(axes)
        table = table.T + np.array([bias for bias, _ in signature])
        signs = np.array([is_sign for _, is_sign in signature])
        table = np.where(signs, np.sign(table), table > 0)
        return np.concatenate([table[:1], np.unique(table, axis=0)])


def two_valued(values: np.ndarray, factors: Sequence[int]) -> int | None:
    """The lesser value of a sum of factors times units that has two values next to each other; None if not so."""
    sums = values @ np.array(factors, dtype=np.int64)
    low = int(sums.min())
    return low if int(sums.max()) == low + 1 else None
