"""Tabulated functions: inputs that do not matter, and inputs that matter by one bit only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np

from ddcompile.analysis.counts import of_used_inputs
from ddcompile.ir.nodes import Expr

__all__ = ["MOST_SUBSETS", "Function", "matter_by_one_bit", "part_of", "without_idle"]

MOST_SUBSETS = 256
"""Most sets of inputs that are tried as a part."""


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """Values 0 and 1 for all combinations of the inputs' values; an axis for each input."""

    ranges: tuple[range, ...]
    values: np.ndarray
    inputs: tuple[Expr, ...]

    def key(self) -> object:
        """Tells functions from one another."""
        return self.values.tobytes(), self.ranges, self.inputs


def without_idle(function: Function) -> Function:
    """The function without inputs that do not matter."""
    values, kept = of_used_inputs(function.values)
    return Function(tuple(function.ranges[k] for k in kept), values, tuple(function.inputs[k] for k in kept))


def part_of(function: Function) -> tuple[int, ...] | None:
    """The fewest inputs, two at least and not all of them, that matter by one bit."""
    values = function.values
    count = values.ndim
    tried = 0
    for size in range(2, count):
        for part in combinations(range(count), size):
            tried += 1
            if tried > MOST_SUBSETS:
                return None
            if matter_by_one_bit(values, part):
                return part
    return None


def matter_by_one_bit(values: np.ndarray, part: tuple[int, ...]) -> bool:
    """Whether some inputs matter by one bit only."""
    rest = [k for k in range(values.ndim) if k not in part]
    matrix = values.transpose([*part, *rest]).reshape(-1, prod(values.shape[k] for k in rest))
    others = matrix[(matrix != matrix[0]).any(axis=1)]
    return bool(len(others) and (others == others[0]).all())
