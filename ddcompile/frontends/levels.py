"""Rounding to levels as counts of comparisons: the least level, and one for each other that a value comes up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from ddcompile.frontends.activations import Activation
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.rows import row_sums

__all__ = ["MOST_COMPARISONS", "levels"]

MOST_COMPARISONS = 2**18
"""Front ends refuse what takes more comparisons than these."""

_DOUBT = Fraction(16, 2**24)
"""How far, of its size and of all levels of a byte, a float32 value may be from the exact one once a framework rounds
it: scales are multiplied, inverted and rounded, biases divided by them, zero points added, in an order of its own."""


def levels(
    drafts: Drafts,
    ids: np.ndarray,
    numbers: tuple[Any, Any, Any],
    ends: tuple[int, int],
    path: str,
    *,
    is_whole: bool,
    parity: int = 0,
) -> np.ndarray:
    """The whole numbers next to `(factor * x + shift) / step`, limited to two ends, of units of any shape.

    Parameters
    ----------
    drafts : Drafts
    ids : array of int
    numbers : tuple of exact numbers, or arrays of them that are broadcast to the units
        `factor` and `step`, which are positive, and `shift` between them.
    ends : (int, int)
        The least and the greatest level.
    path : str
    is_whole : bool
        Whether the units are whole numbers: these are compared with whole numbers.
    parity : int
        A half goes to the level that is even once this is added.
    """
    factor, shift, step = (np.broadcast_to(np.asarray(v, dtype=object), ids.shape).ravel().tolist() for v in numbers)
    least, most = ends
    flat, groups = ids.ravel(), []
    for side in (0, 1):
        wanted = [level for level in range(least + 1, most + 1) if is_whole or (level + parity) % 2 == side]
        if wanted:
            groups.append(_reached(drafts, flat, (factor, shift, step), wanted, path, is_whole, parity))
        if is_whole:
            break
    if not groups:
        zeros = np.zeros(len(flat), dtype=np.int64)
        return drafts.pointwise([drafts.arranged(flat, path)], zeros[None], zeros + least, path).reshape(ids.shape)
    counts = row_sums(drafts, np.concatenate(groups).T, path)
    ones = np.ones((1, len(flat)), dtype=np.int64)
    if least:
        counts = drafts.pointwise([counts], ones, np.full(len(flat), least), path)
    return counts.reshape(ids.shape)


def _reached(
    drafts: Drafts,
    flat: np.ndarray,
    numbers: tuple[Sequence[Any], Sequence[Any], Sequence[Any]],
    wanted: Sequence[int],
    path: str,
    is_whole: bool,
    parity: int,
) -> np.ndarray:
    """Whether units come up to levels: (levels, units)."""
    factors, shifts, doubts = [], [], []
    for level in wanted:
        half, is_even = Fraction(2 * level - 1, 2), (level + parity) % 2 == 0
        for factor, shift, step in zip(*numbers, strict=True):
            doubt = _DOUBT * (256 + abs(half) + abs(Fraction(shift)) / Fraction(step))
            if not is_whole:
                factors.append(factor)
                shifts.append(Fraction(shift) - step * half)
                doubts.append(float(doubt * step))
                continue
            limit = (step * half - Fraction(shift)) / Fraction(factor)
            place = ceil(limit) if is_even else floor(limit) + 1
            factors.append(1)
            shifts.append(-place)
            near = doubt * step / Fraction(factor)
            doubts.append(1 + float(near) if min(place - limit, limit - place + 1) <= near else -1.0)
    activation: Activation = "nonnegative" if is_whole or (wanted[0] + parity) % 2 == 0 else "step"
    spread = drafts.arranged(np.tile(flat, len(wanted)), path)
    row, bias = np.array(factors, dtype=object)[None], np.array(shifts, dtype=object)
    found = drafts.pointwise([spread], row, bias, path, activation)
    drafts.layers[-1] = replace(drafts.layers[-1], doubt=np.array(doubts))
    return found.reshape(len(wanted), len(flat))
