"""Inputs next to the threshold of a unit, which tell false candidates for its form from true ones.

Samples are walked across the threshold, operand by operand; then some operands are chosen so that the sum comes as near
to zero as that many can bring it, on either side (Horowitz and Sahni 1974: sums of halves, sorted).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["closest", "walked"]

_KEPT = 12
"""Inputs kept on either side of the threshold, for each that is given."""


def walked(slopes: np.ndarray, bias: float, bits: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Inputs on both sides of the threshold that differ in one operand, shape (2 * count, operands).

    Parameters
    ----------
    slopes, bits
        What one more of an operand adds, and how many there are of it at most.
    bias
        The unit is `slopes . x + bias`.
    count
        How many samples are walked.
    """
    few = len(slopes) <= _FEW
    chance = rng.random((count, len(slopes) if few else 1))
    ones = rng.binomial(bits, chance, size=(count, len(slopes)))
    values = ones @ slopes + bias
    # Walk from every sample, operand by operand, to the end of the range across the threshold, and stop around it.
    ends = np.where((values[:, None] < 0) == (slopes > 0), bits, 0)
    order = np.argsort(rng.random(ones.shape), axis=1)
    gains = np.take_along_axis((ends - ones) * slopes, order, axis=1)
    there = (values[:, None] + np.cumsum(gains, axis=1) < 0) != (values[:, None] < 0)
    last = np.where(there.any(axis=1), there.argmax(axis=1), len(slopes) - 1)
    has_moved = np.empty_like(there)
    np.put_along_axis(has_moved, order, np.arange(len(slopes)) < last[:, None], axis=1)
    near = np.where(has_moved, ends, ones)
    every, chosen = np.arange(count), order[np.arange(count), last]
    slope = slopes[chosen]
    rest = near @ slopes + bias - slope * near[every, chosen]
    ideal = np.divide(-rest, slope, out=np.zeros(count), where=slope != 0)
    sides = []
    for target in (np.floor(ideal), np.floor(ideal) + 1):
        moved = near.copy()
        moved[every, chosen] = np.clip(target, 0, bits[chosen])
        sides.append(moved)
    return np.concatenate(sides)


_FEW = 32
"""Up to so many operands, each has its own density in a sample."""


def closest(
    points: np.ndarray, slopes: np.ndarray, bias: float, bits: np.ndarray, half: int, rng: np.random.Generator
) -> np.ndarray:
    """Inputs nearer to the threshold than given ones, from which they differ in a few operands by one.

    Parameters
    ----------
    points
        Shape (inputs, operands), of at least two operands.
    half
        How many operands are chosen twice, if there are so many: sums of so many are sorted.
    slopes, bias, bits, rng
        As for `walked`.
    """
    half = min(half, len(slopes) // 2)
    subsets, as_doubles = _subsets(half)
    found = []
    for point in points:
        free = rng.permutation(len(slopes))[: 2 * half]
        step = np.where(point[free] < bits[free], 1, -1)
        gains = step * slopes[free]
        first, second = as_doubles @ gains[:half], as_doubles @ gains[half:]
        order = np.argsort(second)
        ordered = second[order]
        rest = float(point @ slopes) + bias + first
        above = np.searchsorted(ordered, -rest)
        for place in (above - 1, above):
            inside = (place >= 0) & (place < len(ordered))
            left, right = np.flatnonzero(inside), order[place[inside]]
            best = np.argsort(np.abs(rest[left] + second[right]))[:_KEPT]
            moved = np.repeat(point[None, :], len(best), axis=0)
            moved[:, free[:half]] += subsets[left[best]] * step[:half]
            moved[:, free[half:]] += subsets[right[best]] * step[half:]
            found.append(moved)
    return np.concatenate(found)


@lru_cache
def _subsets(size: int) -> tuple[np.ndarray, np.ndarray]:
    """All choices of some things, shape (ways, things), as integers and as doubles."""
    subsets = (np.arange(1 << size)[:, None] >> np.arange(size)) & 1
    return subsets, subsets.astype(np.float64)
