"""Small integer forms of threshold units, accepted only with proof.

A unit decides by the sign of `weights . x + bias` over operands with known finite value sets. A candidate form with
small integer coefficients is proved by a dynamic programme over its attainable values: for every value the candidate
can take, the least and the greatest value of the original are computed exactly, and their signs must agree.

Operands with values `low, low + step, ..., high` are sums of `(high - low) / step` bits, so everything is done over
bits. Bits with one candidate coefficient form a group; for k of n bits set, the extremes of the original are prefix
sums of its sorted weights; groups are combined by (min, +) convolution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd

import numpy as np

__all__ = ["Domain", "Threshold", "least_threshold"]

_WORK_LIMIT = 60_000_000
_CALL = 2_000
"""What one array operation costs beside its entries."""
_LIMIT = 2**62
_MAX_DISTINCT = 12
_MAX_PROOFS = 12
_MAX_FINE = 32
_MAX_ROUGH = 2**15
_MAX_SIZE = 2**40
_SAMPLES = 256
_PARTS = (*range(1, 33), 48, 64, 96, 128, 192, 256)


@dataclass(frozen=True, slots=True)
class Domain:
    """The values `low, low + step, ..., high` of an operand; a constant has `low == high`."""

    low: int
    high: int
    step: int = 1

    @property
    def bits(self) -> int:
        """How many bits sum to it."""
        return (self.high - self.low) // self.step


@dataclass(frozen=True, slots=True)
class Threshold:
    """A proved form: the original is negative, zero or positive with `coefficients . x - pivot`.

    `below` is the greatest attainable value where the original is negative, `above` the least where it is positive
    (None where there is none), `tie` the one where it is zero, if any.
    """

    coefficients: tuple[int, ...]
    below: int | None
    tie: int | None
    above: int | None


_Slot = tuple[int, Domain, int]
"""Operands that are alike: their weight, their value set, and how many there are."""


def least_threshold(
    weights: Sequence[int], bias: int, domains: Sequence[Domain], *, zero_is_negative: bool
) -> Threshold | None:
    """The smallest integer form found and proved for `sign(weights . x + bias)`; None if none is.

    Parameters
    ----------
    weights, domains
        One exact integer and one value set for each operand.
    zero_is_negative
        For step units: the original's zeros count as negative.
    """
    counts = Counter(zip(weights, domains, strict=True))
    kinds = sorted(counts, key=_order)
    found = _least(tuple((w, d, counts[w, d]) for w, d in kinds), bias, zero_is_negative)
    if found is None:
        return None
    place = {kind: k for k, kind in enumerate(kinds)}
    coefficients = tuple(found.coefficients[place[kind]] for kind in zip(weights, domains, strict=True))
    return replace(found, coefficients=coefficients)


@lru_cache(maxsize=1024)
def _least(slots: tuple[_Slot, ...], bias: int, zero_is_negative: bool) -> Threshold | None:
    """The least form with one coefficient a slot."""
    low = bias + sum(n * min(w * d.low, w * d.high) for w, d, n in slots)
    high = bias + sum(n * max(w * d.low, w * d.high) for w, d, n in slots)
    if low > 0 or high < 0 or (zero_is_negative and high <= 0):
        zeros = (0,) * len(slots)
        return Threshold(zeros, None, None, 0) if low > 0 else Threshold(zeros, 0, None, None)
    best = _first_proved(slots, bias, zero_is_negative)
    while best is not None:
        # The form found is proposed from again, as the units that it may become: what was small next to the old
        # weights may go now.
        for weights, new_bias, is_step in _equivalents(best):
            smaller = _merged(slots, weights, new_bias, is_step)
            if smaller is not None and _size(smaller.coefficients, slots) < _size(best.coefficients, slots):
                best = smaller
                break
        else:
            return best
    return None


def _order(kind: tuple[int, Domain]) -> tuple[int, ...]:
    weight, domain = kind
    return (weight, domain.low, domain.high, domain.step)


def _merged(slots: tuple[_Slot, ...], weights: tuple[int, ...], bias: int, is_step: bool) -> Threshold | None:
    """The first form proved for other weights of the slots; operands that are alike by now move together."""
    counts: Counter[tuple[int, Domain]] = Counter()
    for weight, (_, domain, count) in zip(weights, slots, strict=True):
        counts[weight, domain] += count
    kinds = sorted(counts, key=_order)
    found = _first_proved(tuple((w, d, counts[w, d]) for w, d in kinds), bias, is_step)
    if found is None:
        return None
    form = dict(zip(kinds, found.coefficients, strict=True))
    return replace(found, coefficients=tuple(form[w, d] for w, (_, d, _) in zip(weights, slots, strict=True)))


def _first_proved(slots: tuple[_Slot, ...], bias: int, zero_is_negative: bool) -> Threshold | None:
    for coefficients in _proposals(slots, bias):
        found = _prove(slots, bias, coefficients, zero_is_negative)
        if found is not None:
            return found
    return None


def _size(coefficients: Sequence[int], slots: Sequence[_Slot]) -> int:
    return sum(abs(c) * n for c, (_, _, n) in zip(coefficients, slots, strict=True))


def _equivalents(form: Threshold) -> list[tuple[tuple[int, ...], int, bool]]:
    """Weights, bias and whether zeros count as negative, of the units with the signs of a form."""
    coefficients, below, tie, above = form.coefficients, form.below, form.tie, form.above
    if tie is not None:
        return [(coefficients, -tie, False)]
    if below is None or above is None:
        return []
    step = (coefficients, 1 - above, True)
    if above - below >= 2:
        return [step, (coefficients, -below - 1, False)]
    return [step, (tuple(2 * c for c in coefficients), -below - above, False)]


def _proposals(slots: tuple[_Slot, ...], bias: int) -> Iterator[tuple[int, ...]]:
    """Candidates by size: the weights divided by a unit and rounded, or one of them lowered; last the weights."""
    weights = [w for w, _, _ in slots]
    common = gcd(*weights)
    if not common:
        return
    exact = tuple(w // common for w in weights)
    size = _size(exact, slots)
    # Proposals are guesses: numbers beyond the range of doubles are shifted into it.
    shift = max(0, max(w.bit_length() for w in (*exact, bias // common)) - 900)
    scaled = np.array([float(w >> shift) for w in exact])
    if not scaled.any():
        yield exact
        return
    magnitudes = np.sort(np.abs(scaled[scaled != 0]))
    references = np.unique(magnitudes[[0, len(magnitudes) // 2, -1]])
    parts = np.array(_PARTS if len(slots) <= _MAX_FINE else _PARTS[:32])
    units = (references[:, None] / parts[None, :]).ravel()
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
    counts = np.array([n for _, _, n in slots], dtype=np.float64)
    sizes = np.abs(candidates) @ counts
    largest = min(size, _MAX_SIZE if len(slots) <= _MAX_FINE else _MAX_ROUGH)
    candidates = candidates[(sizes > 0) & (sizes < largest)].astype(np.int64)
    if len(candidates):
        candidates //= np.gcd.reduce(candidates, axis=1)[:, None]
        candidates = np.unique(candidates, axis=0)
        candidates = candidates[_plausible(candidates, scaled, float((bias // common) >> shift), slots)]
        order = np.lexsort((*candidates.T[::-1], np.abs(candidates) @ counts.astype(np.int64)))
        for candidate in candidates[order][:_MAX_PROOFS].tolist():
            yield tuple(candidate)
    yield exact


def _plausible(candidates: np.ndarray, weights: np.ndarray, bias: float, slots: tuple[_Slot, ...]) -> np.ndarray:
    """Which candidates order some sampled inputs as the original does; the others are not worth a proof."""
    rng = np.random.default_rng(0)
    if any(n * max(d.bits, abs(d.low), abs(d.high)) >= _MAX_SIZE for _, d, n in slots):
        return np.ones(len(candidates), dtype=bool)
    bits = np.array([n * d.bits for _, d, n in slots])
    low = np.array([n * d.low for _, d, n in slots])
    step = np.array([d.step for _, d, _ in slots])
    chance = rng.random((_SAMPLES, 1 if len(slots) > _MAX_FINE else len(slots)))
    ones = rng.binomial(bits, chance, size=(_SAMPLES, len(slots)))
    # Move one operand of every sample to just below and just above the threshold.
    every, chosen = np.arange(_SAMPLES), rng.integers(0, len(slots), _SAMPLES)
    slope = (step * weights)[chosen]
    rest = (low + step * ones) @ weights + bias - slope * ones[every, chosen]
    ideal = np.divide(-rest, slope, out=np.zeros(_SAMPLES), where=slope != 0)
    sums = []
    for target in (np.floor(ideal), np.floor(ideal) + 1):
        moved = ones.copy()
        moved[every, chosen] = np.clip(target, 0, bits[chosen])
        sums.append(low + step * moved)
    points = np.concatenate(sums)
    values = points @ weights + bias
    forms = points @ candidates.T
    noise = 1e-12 * float(np.abs(weights) @ np.maximum(np.abs(low), np.abs(low + step * bits)) + abs(bias))
    high = np.where((values < -noise)[:, None], forms, -(2**62)).max(axis=0, initial=-(2**62))
    least = np.where((values > noise)[:, None], forms, 2**62).min(axis=0, initial=2**62)
    plausible: np.ndarray = high < least
    return plausible


def _round_ratio(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _prove(
    slots: tuple[_Slot, ...], bias: int, coefficients: tuple[int, ...], zero_is_negative: bool
) -> Threshold | None:
    """Bound the original at every attainable candidate value; a `Threshold` when the signs line up."""
    groups: dict[int, dict[int, int]] = {}
    start = 0
    for (weight, domain, count), coefficient in zip(slots, coefficients, strict=True):
        start += count * coefficient * domain.low
        bias += count * weight * domain.low
        if domain.bits:
            group = groups.setdefault(coefficient * domain.step, {})
            group[weight * domain.step] = group.get(weight * domain.step, 0) + count * domain.bits
    key = tuple(sorted((c, tuple(sorted(g.items()))) for c, g in groups.items()))
    signs = _signs(key, bias, zero_is_negative)
    if signs is None:
        return None
    below, tie, above = signs
    return Threshold(coefficients, *(None if v is None else v + start for v in (below, tie, above)))


def _signs(
    groups: tuple[tuple[int, tuple[tuple[int, int], ...]], ...], bias: int, zero_is_negative: bool
) -> tuple[int | None, int | None, int | None] | None:
    """Where the original changes sign along the candidate's values, or None when no such form is proved."""
    table = _extremes(groups)
    if table is None:
        return None
    values, least, greatest, scale = table
    # The original is scale * value + residual + bias: compare the residual with what makes it 0.
    zeros = _clipped(values, scale, bias)
    positive = least > zeros
    negative = (greatest <= zeros) if zero_is_negative else (greatest < zeros)
    zero = (least == zeros) & (greatest == zeros) & ~negative
    if not (positive | negative | zero).all():
        return None
    order = positive.astype(np.int8) - negative.astype(np.int8)
    if (np.diff(order) < 0).any() or np.count_nonzero(zero) > 1:
        return None

    def pick(mask: np.ndarray, last: bool) -> int | None:
        places = np.flatnonzero(mask)
        return int(values[places[-1 if last else 0]]) if len(places) else None

    return pick(negative, True), pick(zero, False), pick(positive, False)


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


def _extremes(
    groups: tuple[tuple[int, tuple[tuple[int, int], ...]], ...],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int] | None:
    """For every attainable value of the candidate: the value, and the extremes of the residual.

    `groups` lists (candidate coefficient, ((original weight, number of bits), ...)); the residual is the original,
    without its bias, less the last result times the value. None if the table would be too large.
    """
    counts = [sum(n for _, n in members) for _, members in groups]
    span = sum(abs(c) * n for (c, _), n in zip(groups, counts, strict=True))
    work = reached = 0
    for count, (coefficient, _) in sorted(zip(counts, groups, strict=True), key=lambda g: (g[0], abs(g[1][0]))):
        work += (reached + _CALL) * count
        reached += abs(coefficient) * count
    if work + span > _WORK_LIMIT:
        return None
    # Work with residuals to a common scale, so that they stay small: original = scale * candidate + residual.
    largest = max(groups, key=lambda g: abs(g[0]), default=(0, ()))
    scale = _round_ratio(abs(largest[1][0][0]), abs(largest[0])) if largest[0] else 0
    residuals = [(c, [(w - scale * c, n) for w, n in members]) for c, members in groups]
    total = sum(abs(r) * n for _, members in residuals for r, n in members)
    if total >= _LIMIT // 4:
        return None
    offset = sum(-abs(c) * n for (c, _), n in zip(groups, counts, strict=True) if c < 0)
    infinity = 4 * total + 4
    least = np.full(span + 1, infinity, dtype=np.int64)
    greatest = np.full(span + 1, -infinity, dtype=np.int64)
    least[-offset] = greatest[-offset] = 0
    low = high = -offset
    for (coefficient, members), count in sorted(
        zip(residuals, counts, strict=True), key=lambda g: (g[1], abs(g[0][0]))
    ):
        flat = sorted(r for r, n in members for _ in range(n))
        minimum, maximum = [0], [0]
        for k in range(count):
            minimum.append(minimum[-1] + flat[k])
            maximum.append(maximum[-1] + flat[count - 1 - k])
        if coefficient == 0:
            best, worst = min(minimum), max(maximum)
            attained = least < infinity
            least[attained] += best
            greatest[attained] += worst
            continue
        old_least, old_greatest = least[low : high + 1].copy(), greatest[low : high + 1].copy()
        for k in range(1, count + 1):
            a = low + k * coefficient
            part = slice(a, a + len(old_least))
            np.minimum(least[part], old_least + minimum[k], out=least[part])
            np.maximum(greatest[part], old_greatest + maximum[k], out=greatest[part])
        low, high = min(low, low + count * coefficient), max(high, high + count * coefficient)
    attained = least <= total
    return np.flatnonzero(attained) + offset, least[attained], greatest[attained], scale
