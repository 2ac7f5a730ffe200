"""Candidates for small integer forms of threshold units: guesses that a proof has to follow.

Weights divided by a unit and rounded, or small integers in the order of the weights; candidates that put sampled inputs
next to the threshold into another order than the original are dropped, the others are given by size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations_with_replacement, takewhile
from math import comb, gcd
from operator import mul
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.nearby import closest, walked

__all__ = ["Slot", "in_ratio", "most_small", "proposals", "size_of", "small_proposals"]

_LIMIT = 2**62
_MAX_DISTINCT = 12
_MAX_PROOFS = 12
_MAX_FINE = 32
_MAX_ROUGH = 2**20
_MAX_SIZE = 2**40
_PRODUCT = 1 << 18
_SAMPLES = 256
_FEW = 1
_HALF, _LONG_HALF = 10, 14
_MAX_RATIO = 8
_WEIGHT_BITS, _STEP_BITS = 800, 60
_MAX_SMALL = 4096
_NEAR = 0.2
_PARTS = (*range(1, 33), 48, 64, 96, 128, 192, 256)

Slot: TypeAlias = tuple[int, int, int]
"""Bits that are alike: the weight and the step of their operands, and how many there are."""


def size_of(coefficients: Sequence[int], slots: Sequence[Slot]) -> int:
    """The sum of the sizes of a candidate's coefficients."""
    return sum(map(mul, map(abs, coefficients), [n for _, _, n in slots]))


def in_ratio(slots: Sequence[Slot]) -> tuple[int, ...] | None:
    """The least small integers in about the ratio of positive weights, each within a fifth; None if there are none."""
    top = max([w for w, _, _ in slots])
    shares = [w / top for w, _, _ in slots]
    for most in range(1, _MAX_RATIO + 1):
        found = [round(share * most) for share in shares]
        if all(found) and max([abs(share * most - n) for share, n in zip(shares, found, strict=True)]) < _NEAR:
            return tuple(found)
    return None


def proposals(slots: Sequence[Slot], bias: int) -> Iterator[tuple[int, ...]]:
    """Candidates by size: the weights divided by a unit and rounded, or one of them lowered; last the weights."""
    weights = [w for w, _, _ in slots]
    common = gcd(*weights)
    if not common:
        return
    exact = tuple(weights) if common == 1 else tuple([w // common for w in weights])
    size = size_of(exact, slots)
    samples = _Samples(exact, bias // common, slots)
    scaled = samples.weights
    if not scaled.any():
        yield exact
        return
    magnitudes = np.sort(np.abs(scaled[scaled != 0]))
    references = np.array(sorted({magnitudes[0], magnitudes[len(magnitudes) // 2], magnitudes[-1]}))
    parts = np.array(_PARTS if len(slots) <= _MAX_FINE else _PARTS[:32])
    units = samples.promising((references[:, None] / parts[None, :]).ravel())
    candidates = np.rint(scaled[None, :] / units[:, None])
    # Weights that differ by a hair round alike, but the larger ones decide what would be ties.
    for pivot in magnitudes[:-1] if len(slots) <= _MAX_DISTINCT else ():
        raised = candidates[: len(units)] + np.sign(scaled) * (np.abs(scaled) > pivot)
        candidates = np.concatenate([candidates, raised])
    # One weight smaller by a power of two: repeated, this ends at a form that no single step improves.
    if len(slots) <= _MAX_DISTINCT and size < _LIMIT:
        powers = 2.0 ** np.arange(min(52, int(np.abs(scaled).max()).bit_length()))
        steps = np.minimum(powers[:, None], np.abs(scaled)[None, :]) * np.sign(scaled)[None, :]
        lowered = scaled[None, None, :] - steps[:, :, None] * np.eye(len(slots))[None, :, :]
        candidates = np.concatenate([candidates, lowered.reshape(-1, len(slots))])
    counts = samples.counts
    sizes = np.abs(candidates) @ counts
    largest = min(size, _MAX_SIZE if len(slots) <= _MAX_FINE else _MAX_ROUGH)
    candidates = candidates[(sizes > 0) & (sizes < largest)]
    candidates = candidates[samples.plausible(candidates)]
    if len(candidates):
        candidates = candidates.astype(np.int64)
        candidates //= np.gcd.reduce(candidates, axis=1)[:, None]
        candidates = np.unique(candidates, axis=0)
        # Of slots with more bits than the largest size, the coefficients are 0.
        small = np.minimum(counts, _MAX_SIZE).astype(np.int64)
        order = np.lexsort((*candidates.T[::-1], np.abs(candidates) @ small))
        candidates = candidates[order]
        # Where the small ones all fail, one that is nearly proportional to the weights may be near its proof.
        first = np.arange(min(len(candidates), _MAX_PROOFS))
        best = np.argsort(_misfit(candidates, scaled, counts), kind="stable")[:_MAX_PROOFS]
        for k in (*first, *np.sort(np.setdiff1d(best, first))):
            yield tuple(candidates[k].tolist())
    yield exact


@lru_cache
def most_small(slots: int) -> int:
    """The greatest coefficient of `small_proposals` for so many slots; 0 if there are none."""
    if not 0 < slots <= _MAX_DISTINCT:
        return 0
    return sum(1 for _ in takewhile(lambda most: comb(slots + most, slots) <= _MAX_SMALL, range(1, _MAX_SMALL)))


def small_proposals(slots: Sequence[Slot], bias: int) -> Iterator[tuple[int, ...]]:
    """Small coefficients in the order of positive weights, by size: weights that differ by a hair may have 2 and 3.

    Of all these forms, in which the coefficients of ascending weights do not fall, the first ones that no sample rules
    out.
    """
    samples = _Samples([w for w, _, _ in slots], bias, slots)
    candidates = _ascending(len(slots))
    candidates = candidates[samples.plausible(candidates.astype(np.float64))]
    for k in np.argsort(candidates @ samples.counts, kind="stable")[:_MAX_PROOFS]:
        yield tuple(candidates[k].tolist())


@lru_cache
def _ascending(slots: int) -> np.ndarray:
    """All small coefficients that do not fall and have no common factor, shape (ways, slots)."""
    every = combinations_with_replacement(range(most_small(slots) + 1), slots)
    return np.array([some for some in every if gcd(*some) == 1], dtype=np.int64).reshape(-1, slots)


def _misfit(candidates: np.ndarray, weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How far the weights are from a multiple of each candidate: the sum of the squares of what is left."""
    weights = weights / np.abs(weights).max()
    products = (candidates * counts) @ weights
    squares = (candidates.astype(np.float64) ** 2) @ counts
    return np.asarray((weights**2) @ counts - products * (products / squares))


class _Samples:
    """Inputs next to the threshold of a unit, which rule out candidates that order them in another way."""

    def __init__(self, weights: Sequence[int], bias: int, slots: Sequence[Slot]) -> None:
        steps, counts = [step for _, step, _ in slots], [n for _, _, n in slots]
        # Proposals are guesses: numbers beyond the range of doubles are shifted into it, counts are cut.
        shift = max(0, max(max(weights), -min(weights), abs(bias)).bit_length() - _WEIGHT_BITS)
        by = max(0, max(steps).bit_length() - _STEP_BITS)
        most = max(counts)
        self.weights = np.array([w >> shift for w in weights] if shift else weights, dtype=np.float64)
        self.counts = np.array([min(n, _LIMIT) for n in counts] if most > _LIMIT else counts, dtype=np.float64)
        self._steps = np.array([step >> by for step in steps] if by else steps, dtype=np.float64)
        self._bits, self._bias = self.counts.astype(np.int64), float(bias >> shift + by)
        self._slopes = self.weights * self._steps
        self._noise = 1e-12 * float(np.abs(self._slopes) @ self._bits + abs(self._bias))
        self._rng = np.random.default_rng(0)
        # A few inputs rule most candidates out.
        self._first = self._near(1, _HALF) if most < _MAX_SIZE else None

    def _near(self, count: int, half: int) -> np.ndarray:
        points = walked(self._slopes, self._bias, self._bits, count, self._rng)
        if half and len(self._bits) > _MAX_DISTINCT:
            own = closest(points[:count], self._slopes, self._bias, self._bits, half, self._rng)
            points = np.concatenate([points, own])
        return points

    def _order(self, points: np.ndarray, candidates: np.ndarray, where: np.ndarray | slice) -> np.ndarray:
        """Which candidates, given at some operands, order inputs that differ in those alone as the unit does."""
        values = points @ self._slopes + self._bias
        return _separated(points[:, where].astype(np.float64), candidates * self._steps[where], values, self._noise)

    def promising(self, units: np.ndarray) -> np.ndarray:
        """Units that many weights are divided by, without those whose candidates the first samples rule out."""
        if self._first is None or len(self._bits) <= _MAX_DISTINCT:
            return units
        where = np.flatnonzero((self._first != self._first[0]).any(axis=0))
        fitting = self._order(self._first, np.rint(self.weights[where] / units[:, None]), where)
        return np.asarray(units[fitting])

    def plausible(self, candidates: np.ndarray) -> np.ndarray:
        """Which candidates order all samples as the unit does; the others are not worth a proof."""
        plausible = np.ones(len(candidates), dtype=bool)
        for points in self._rounds():
            if not plausible.any():
                break
            plausible[plausible] = self._order(points, candidates[plausible], slice(None))
        return plausible

    def _rounds(self) -> Iterator[np.ndarray]:
        if self._first is not None:
            yield self._first
            yield self._near(_SAMPLES, 0)
            yield self._near(_FEW, _LONG_HALF)  # the finest candidates take inputs that are very near


def _separated(points: np.ndarray, candidates: np.ndarray, values: np.ndarray, noise: float) -> np.ndarray:
    """Which candidates are less at all points of negative values than at all points of positive values."""
    below, above = points[values < -noise], points[values > noise]
    found = []
    # Small products are not shared out among threads; doubles are exact here, and are multiplied faster than integers.
    step = max(1, _PRODUCT // points.size)
    for start in range(0, len(candidates), step):
        some = candidates[start : start + step].T
        high = (below @ some).max(axis=0, initial=-np.inf)
        found.append(high < (above @ some).min(axis=0, initial=np.inf))
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)
