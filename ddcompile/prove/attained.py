"""The values that sums of groups of equal weights attain, and the next of them from a bound on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ddcompile.ir.nodes import Number

__all__ = ["Attained", "attained"]


@dataclass(frozen=True, slots=True, eq=False)
class Attained:
    """All sums of a value of one half and a value of the other, both ascending (meet in the middle).

    The number of sums is the product of the halves; the time to find one is that of a search for each of the shorter.
    """

    shorter: np.ndarray
    longer: np.ndarray

    def at_least(self, bound: Number) -> int | None:
        """The least sum that is no less than a bound."""
        rest = np.array([-((value - bound) // 1) for value in self.shorter.tolist()], dtype=object)
        if self.longer.dtype != object:
            top = int(self.longer[-1])
            rest = np.clip(rest, -1, top + 1).astype(np.int64)
        places = np.searchsorted(self.longer, rest)
        ends = [
            first + int(self.longer[place])
            for first, place in zip(self.shorter.tolist(), places.tolist(), strict=True)
            if place < len(self.longer)
        ]
        return min(ends, default=None)


def attained(groups: Iterable[tuple[int, int]]) -> Attained:
    """The sums of `weight * k` with `0 <= k <= n` over groups of a positive weight and a number n."""
    ordered = sorted(groups, key=lambda group: (-group[1], group[0]))
    fits = sum(weight * n for weight, n in ordered) < 1 << 62
    halves = [np.zeros(1, dtype=np.int64 if fits else object) for _ in range(2)]
    for weight, n in ordered:
        k = int(len(halves[0]) > len(halves[1]))
        steps = np.array([weight * step for step in range(n + 1)], dtype=halves[k].dtype)
        halves[k] = np.unique(np.add.outer(halves[k], steps))
    return Attained(*sorted(halves, key=len))
