"""A network over counts of inputs that have a value becomes one over the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import lcm
from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.essence import Essence
from ddcompile.learn.linear import Planes, narrow
from ddcompile.learn.tallies import Tally

__all__ = ["over_inputs"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def over_inputs(essence: Essence, parts: Sequence[Tally], points: Array) -> Essence:
    """The network that says of inputs what another one says of counts.

    Where all inputs have two values, a count is a weighted sum of them. Else there are two layers before: which inputs
    are above which value, and which have which value.

    Parameters
    ----------
    essence : Essence
        Of tallies.
    parts : sequence of tallies
        What is counted: pairs of an input and a value.
    points : ndarray of shape (samples, features), integers
        Samples with all values that inputs have.
    """
    values = [np.unique(column).tolist() for column in points.T]
    if all(len(own) <= 2 for own in values):
        return replace(essence, differentiae=_of_sums(essence.differentiae, parts, values))
    used = sorted({pair for part in parts for pair in part})
    cuts = [(i, k) for i, own in enumerate(values) for k in range(len(own) - 1)]
    above = np.zeros((len(cuts), len(values)), dtype=np.int64)
    above[np.arange(len(cuts)), [i for i, _ in cuts]] = 2
    borders = np.array([-values[i][k] - values[i][k + 1] for i, k in cuts], dtype=np.int64)
    equal, bias = np.zeros((len(used), len(cuts)), dtype=np.int64), np.zeros(len(used), dtype=np.int64)
    for row, (i, value) in enumerate(used):
        k = values[i].index(value)
        has_lower, has_upper = k > 0, k + 1 < len(values[i])
        if has_lower:
            equal[row, cuts.index((i, k - 1))] = 1
        if has_upper:
            equal[row, cuts.index((i, k))] = -1
        bias[row] = -1 if has_lower and has_upper else 0
    return replace(essence, codes=((above, borders), (equal, bias)), differentiae=_of_signs(essence, parts, used))


def _of_sums(planes: Planes, parts: Sequence[Tally], values: Sequence[list[int]]) -> Planes:
    """Planes over inputs of two values, one of which is counted."""
    gaps = [own[1] - own[0] if len(own) == 2 else 1 for own in values]
    scale = lcm(*gaps)
    weights, bias = np.zeros((len(planes[1]), len(values)), dtype=np.int64), scale * planes[1]
    for part, column in zip(parts, planes[0].T.astype(np.int64), strict=True):
        for i, _ in part:
            weights[:, i] += scale // gaps[i] * column
            bias = bias - scale // gaps[i] * values[i][0] * column
    divisors = np.gcd(np.gcd.reduce(weights, axis=1), bias)
    divisors = np.where(divisors > 0, divisors, 1)
    return narrow(weights // divisors[:, None]), bias // divisors


def _of_signs(essence: Essence, parts: Sequence[Tally], used: Sequence[tuple[int, int]]) -> Planes:
    """Planes over units that are 1 where an input has a value, else -1."""
    old, bias = essence.differentiae
    weights, bias = np.zeros((len(bias), len(used)), dtype=np.int64), 2 * bias
    for part, column in zip(parts, old.T.astype(np.int64), strict=True):
        weights[:, [used.index(pair) for pair in part]] += column[:, None]
        bias = bias + len(part) * column
    return narrow(weights), bias
