"""Proofs that a form with small integer coefficients decides as a threshold unit does.

For every value that the candidate can take, the least and the greatest value of the original are bounded, and their
signs must agree. Everything is over bits: those with one candidate coefficient form a group; for k of n bits set, the
extremes of the original are prefix sums of its sorted weights; groups are combined by (min, +) convolution. Integers
beyond the range of words are rounded outwards first, to intervals: what holds for those holds for the numbers inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod
from typing import TypeAlias

import numpy as np

__all__ = ["Group", "is_beyond", "signs_along"]

_WORK_LIMIT = 60_000_000
_CALL = 2_000
"""What one array operation costs beside its entries."""
_POINTS = 2**18
"""Combinations of counts that are listed one by one rather than in a table over the span of the candidate."""
_SPAN_LIMIT = 2**23
_LIMIT = 2**62

Group: TypeAlias = tuple[int, Sequence[tuple[int, int]]]
"""Bits with one coefficient in the candidate: the coefficient, and original weights with how many bits have each."""


def signs_along(
    groups: Sequence[Group], bias: int, zero_is_negative: bool
) -> tuple[int | None, int | None, int | None] | None:
    """Where the original changes sign along the candidate's values, or None when no such form is proved.

    Parameters
    ----------
    groups
        The bits, without two groups of one coefficient.
    bias
        Of the original.
    zero_is_negative
        Whether zeros of the original count as negative.

    Returns
    -------
    The greatest value of the candidate where the original is negative, the one where it is zero, and the least where
    it is positive; None for those that there are not.
    """
    if is_beyond(sum(abs(c) * n for c, members in groups for _, n in members), (c for c, _ in groups)):
        return None
    # Work with residuals to a common scale, so that they stay small: original = scale * candidate + residual.
    largest = max(groups, key=lambda g: abs(g[0]), default=(0, ()))
    scale = _round_ratio(abs(largest[1][0][0]), abs(largest[0])) if largest[0] else 0
    total = sum(abs(w - scale * c) * n for c, members in groups for w, n in members)
    shift = max(0, total.bit_length() - 59)
    scale >>= shift
    floors = [(c, [((w >> shift) - scale * c, n) for w, n in members]) for c, members in groups]
    ceilings = [(c, [(-(-w >> shift) - scale * c, n) for w, n in members]) for c, members in groups]
    table = _extremes(floors, ceilings)
    if table is None:
        return None
    values, least, greatest = table
    # The original is scale * value + residual + bias: compare the residual with what makes it 0.
    positive = least > _clipped(values, scale, bias >> shift)
    zeros = _clipped(values, scale, -(-bias >> shift))
    negative = (greatest <= zeros) if zero_is_negative else (greatest < zeros)
    zero = np.zeros(len(values), dtype=bool) if shift else (least == zeros) & (greatest == zeros) & ~negative
    if not (positive | negative | zero).all():
        return None
    order = positive.astype(np.int8) - negative.astype(np.int8)
    if (np.diff(order) < 0).any() or np.count_nonzero(zero) > 1:
        return None

    def pick(mask: np.ndarray, last: bool) -> int | None:
        places = np.flatnonzero(mask)
        return int(values[places[-1 if last else 0]]) if len(places) else None

    return pick(negative, True), pick(zero, False), pick(positive, False)


def is_beyond(span: int, coefficients: Iterable[int]) -> bool:
    """Whether a candidate is not worth a try: its sums can neither be listed nor held in a table.

    Parameters
    ----------
    span
        From its least to its greatest sum.
    coefficients
        Those of its bits; some may come again.
    """
    return span > _SPAN_LIMIT and len(set(coefficients)) >= _POINTS.bit_length()


def _round_ratio(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _clipped(values: np.ndarray, scale: int, bias: int) -> np.ndarray:
    """`-(scale * values + bias)`, clipped to where residuals lie; `scale` is positive or 0."""
    if scale == 0:
        return np.full(values.shape, max(-_LIMIT, min(_LIMIT, -bias)))
    low, high = -((_LIMIT + bias) // scale), (_LIMIT - bias) // scale
    # Between them the result fits a word, so that products may wrap on the way.
    inside = -(values * np.int64(_word(scale)) + np.int64(_word(bias)))
    return np.where(values > min(high, _LIMIT), -_LIMIT, np.where(values < max(low, -_LIMIT), _LIMIT, inside))


def _word(value: int) -> int:
    """A number modulo 2**64, as a signed word."""
    return (value + 2**63) % 2**64 - 2**63


def _extremes(floors: Sequence[Group], ceilings: Sequence[Group]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """For every attainable value of the candidate: the value, and bounds of the residual.

    The groups list residual weights, rounded down and rounded up. None if the table would be too large.
    """
    counts = [sum(n for _, n in members) for _, members in floors]
    span = sum(abs(c) * n for (c, _), n in zip(floors, counts, strict=True))
    total = max(sum(abs(r) * n for _, members in groups for r, n in members) for groups in (floors, ceilings))
    if total >= _LIMIT // 4:
        return None
    if prod(min(n, _POINTS) + 1 for n in counts) <= min(_POINTS, span) and span < _LIMIT // 4:
        return _listed(floors, ceilings)
    smallest_first = sorted(range(len(floors)), key=lambda k: (counts[k], abs(floors[k][0])))
    work = reached = 0
    for k in smallest_first:
        work += (reached + _CALL) * counts[k]
        reached += abs(floors[k][0]) * counts[k]
    if work + span > _WORK_LIMIT or span > _SPAN_LIMIT:
        return None
    offset = sum(-abs(c) * n for (c, _), n in zip(floors, counts, strict=True) if c < 0)
    infinity = 4 * total + 4
    least = np.full(span + 1, infinity, dtype=np.int64)
    greatest = np.full(span + 1, -infinity, dtype=np.int64)
    least[-offset] = greatest[-offset] = 0
    low = high = -offset
    for k in smallest_first:
        coefficient = floors[k][0]
        if coefficient == 0:
            minimum, maximum = _prefix_sums(floors[k], ceilings[k])
            attained = least < infinity
            least[attained] += min(minimum)
            greatest[attained] += max(maximum)
            continue
        for (floor, count), (ceiling, _) in zip(floors[k][1], ceilings[k][1], strict=True):
            # Bits that are alike: of 0 to n at most, first 1, then 2, then 4, ... may be chosen beside none.
            for some in _parts(count):
                by = some * coefficient
                old_least, old_greatest = least[low : high + 1].copy(), greatest[low : high + 1].copy()
                part = slice(low + by, high + 1 + by)
                np.minimum(least[part], old_least + some * floor, out=least[part])
                np.maximum(greatest[part], old_greatest + some * ceiling, out=greatest[part])
                low, high = min(low, low + by), max(high, high + by)
    attained = least <= total
    return np.flatnonzero(attained) + offset, least[attained], greatest[attained]


def _parts(count: int) -> list[int]:
    """Numbers whose sums are 0, 1, ..., count."""
    parts = []
    while count:
        parts.append((count + 1) // 2)
        count -= parts[-1]
    return parts


def _listed(floors: Sequence[Group], ceilings: Sequence[Group]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same where there are few combinations: all of them, one row for each value."""
    values = least = greatest = np.zeros(1, dtype=np.int64)
    for below, above in zip(floors, ceilings, strict=True):
        minimum, maximum = (np.array(sums, dtype=np.int64) for sums in _prefix_sums(below, above))
        sums = np.add.outer(values, below[0] * np.arange(len(minimum), dtype=np.int64)).ravel()
        order = np.argsort(sums, kind="stable")
        sums = sums[order]
        first = np.flatnonzero(np.concatenate(([True], sums[1:] != sums[:-1])))
        values = sums[first]
        least = np.minimum.reduceat(np.add.outer(least, minimum).ravel()[order], first)
        greatest = np.maximum.reduceat(np.add.outer(greatest, maximum).ravel()[order], first)
    return values, least, greatest


def _prefix_sums(floors: Group, ceilings: Group) -> tuple[list[int], list[int]]:
    """The least and the greatest sum of k weights of a group, for each k."""
    minimum = accumulate(sorted(_flat(floors)), initial=0)
    maximum = accumulate(sorted(_flat(ceilings), reverse=True), initial=0)
    return list(minimum), list(maximum)


def _flat(group: Group) -> list[int]:
    return [r for r, n in group[1] for _ in range(n)]
