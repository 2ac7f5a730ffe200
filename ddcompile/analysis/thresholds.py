"""Small integer forms of threshold units, accepted only with proof.

A unit decides by the sign of `weights . x + bias` over operands with known finite value sets. Small integer forms are
proposed by `ddcompile.analysis.candidates` and proved by `ddcompile.analysis.extremes`.

Units that differ by a common factor, by a negation of the whole, or by operands counted from the other end have one
normal form, for which the least form is found once: all weights are positive, operands begin at 0, and the sums that
are positive are no more than half of the range.
"""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from math import gcd
from operator import mul

import numpy as np

from ddcompile.analysis.candidates import Slot, in_ratio, most_small, proposals, size_of, small_proposals
from ddcompile.analysis.exact import LIMIT, bound, integers
from ddcompile.analysis.extremes import is_beyond, signs_along

__all__ = ["Domain", "Threshold", "least_threshold"]

_ROUNDS = 24
"""How often a form is made smaller at most; some shrink by a little each time."""


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

    def moved(self, by: int) -> Threshold:
        """The form when all its values are greater by a constant."""
        ends = (None if v is None else v + by for v in (self.below, self.tie, self.above))
        return Threshold(self.coefficients, *ends)

    def negated(self) -> Threshold:
        """The form of the negated original."""
        below, tie, above = (None if v is None else -v for v in (self.above, self.tie, self.below))
        return Threshold(tuple(-c for c in self.coefficients), below, tie, above)


def least_threshold(
    weights: Sequence[int], bias: int, domains: Sequence[Domain], *, zero_is_negative: bool, keeps_ratio: bool = False
) -> Threshold | None:
    """The smallest integer form found and proved for `sign(weights . x + bias)`; None if none is.

    Parameters
    ----------
    weights, domains
        One exact integer and one value set for each operand.
    zero_is_negative
        For step units: the original's zeros count as negative.
    keeps_ratio
        Whether small integers in about the ratio of the weights are taken where they are proved, and not the smallest.
    """
    global _room
    known, domain_of = _parted(domains)
    key = _digest(weights, bias, known, domain_of, zero_is_negative, keeps_ratio)
    if key in _KNOWN:
        return _KNOWN[key]
    found = _found(weights, bias, known, domain_of, zero_is_negative, keeps_ratio)
    _room -= 1 if found is None else 1 + len(weights)
    if _room < 0:
        _KNOWN.clear()
        _room = _ROOM
    _KNOWN[key] = found
    return found


_ROOM = 1 << 21
"""How many coefficients are remembered."""
_room = _ROOM

_KNOWN: dict[bytes, Threshold | None] = {}
"""What was found, by digests of units: passes ask for the same ones again."""


def _parted(domains: Sequence[Domain]) -> tuple[list[Domain], list[int]]:
    """The different domains, and which one each operand has."""
    owners = list(map(id, domains))
    if len(set(owners)) <= 1:
        return list(domains[:1]), [0] * len(domains)
    known = dict(zip(owners, domains, strict=True))
    places = {owner: k for k, owner in enumerate(known)}
    return list(known.values()), [places[owner] for owner in owners]


def _digest(weights: Sequence[int], bias: int, known: list[Domain], domain_of: list[int], *flags: bool) -> bytes:
    words = marshal.dumps(list(weights), 2)
    rest = repr((len(words), bias, known, domain_of if len(known) > 1 else len(domain_of), flags))
    return blake2b(words + rest.encode(), digest_size=32).digest()


def _found(
    weights: Sequence[int],
    bias: int,
    known: list[Domain],
    domain_of: list[int],
    zero_is_negative: bool,
    keeps_ratio: bool,
) -> Threshold | None:
    """The form by the normal form of the unit."""
    common = gcd(*weights) or 1
    divided = integers(weights)
    if common > 1:
        divided //= common
    if zero_is_negative:
        # w . x + bias > 0 over integers is w/g . x > floor(-bias / g).
        bias = -(-bias // common)
    elif bias % common:
        divided, bias = 2 * divided, 2 * (bias // common) + 1
    else:
        bias //= common
    low, high, step = _columns(known, domain_of)
    is_positive = np.asarray(divided > 0)
    ends = np.where(is_positive, low, high)
    # From here on operands begin at 0, and count from the end at which they say less.
    bias += _dot(divided, ends)
    magnitudes = np.abs(divided)
    sizes, steps, kind_of = _kinds(magnitudes, step)
    bits = (high - low) // step
    counts = np.zeros(len(sizes), dtype=object if bound(bits) * len(bits) >= LIMIT else np.int64)
    np.add.at(counts, kind_of, bits)
    top = bias + _dot(magnitudes, bits * step)
    opposite = int(zero_is_negative) - top
    is_negated = (opposite, bias) < (bias, opposite)
    every = list(zip(sizes, steps, counts.tolist(), strict=True))
    used = [k for k, (size, _, n) in enumerate(every) if size and n]
    slots = tuple(every if len(used) == len(every) else [every[k] for k in used])
    found = _least(slots, min(bias, opposite), zero_is_negative, keeps_ratio)
    if found is None:
        return None
    if is_negated:
        # The operands of the negated unit count from their other ends.
        reach = sum([c * size * n for c, (_, size, n) in zip(found.coefficients, slots, strict=True)])
        found = found.negated().moved(reach)
        found = replace(found, coefficients=tuple([-c for c in found.coefficients]))
    by_kind = [0] * len(sizes)
    for k, coefficient in zip(used, found.coefficients, strict=True):
        by_kind[k] = coefficient
    coefficients = integers(by_kind)[kind_of]
    signed = np.where(is_positive, coefficients, -coefficients)
    return replace(found.moved(_dot(signed, ends)), coefficients=tuple(signed.tolist()))


def _columns(known: list[Domain], domain_of: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The least and the greatest values of operands, and their steps."""
    which = np.array(domain_of, dtype=np.int64)
    ends = ([d.low for d in known], [d.high for d in known], [d.step for d in known])
    low, high, step = (integers(values)[which] for values in ends)
    return low, high, step


def _kinds(sizes: np.ndarray, steps: np.ndarray) -> tuple[list[int], list[int], np.ndarray]:
    """The weights and the steps of the different pairs of them, ascending, and which one each operand has."""
    if len(steps) and (steps == steps[0]).all():
        weights, kind_of = np.unique(sizes, return_inverse=True)
        return weights.tolist(), [int(steps[0])] * len(weights), kind_of
    pairs = list(zip(sizes.tolist(), steps.tolist(), strict=True))
    kinds = sorted(set(pairs))
    places = {pair: k for k, pair in enumerate(kinds)}
    return [w for w, _ in kinds], [s for _, s in kinds], np.array([places[pair] for pair in pairs], dtype=np.int64)


def _dot(left: np.ndarray, right: np.ndarray) -> int:
    """The exact sum of products."""
    if left.dtype != object and bound(left) * bound(right) * len(left) >= LIMIT:
        left = left.astype(object)
    return int((left * right).sum())


@lru_cache(maxsize=1024)
def _least(slots: tuple[Slot, ...], bias: int, zero_is_negative: bool, keeps_ratio: bool) -> Threshold | None:
    """The least form with one coefficient a slot, or the one in the ratio of the weights."""
    # Weights of slots are positive.
    low, high = bias, bias + sum([n * w * step for w, step, n in slots])
    if low > 0 or high < 0 or (zero_is_negative and high <= 0):
        zeros = (0,) * len(slots)
        return Threshold(zeros, None, None, 0) if low > 0 else Threshold(zeros, 0, None, None)
    ratio = in_ratio(slots) if keeps_ratio and slots else None
    best = None if ratio is None else _first_proved(slots, bias, zero_is_negative, [ratio])
    if best is not None:
        return best
    best = _first_proved(slots, bias, zero_is_negative, proposals(slots, bias))
    most = most_small(len(slots))
    if most and (best is None or max(best.coefficients) > most):
        small = _first_proved(slots, bias, zero_is_negative, small_proposals(slots, bias))
        best = small if small is not None and _is_smaller(small, best, slots) else best
    for _ in range(_ROUNDS):
        # The form found is proposed from again, as the units that it may become: what was small next to the old
        # weights may go now.
        before = best
        for weights, new_bias, is_step in () if best is None else _equivalents(best):
            smaller = _merged(slots, weights, new_bias, is_step)
            if smaller is not None and _is_smaller(smaller, before, slots):
                best = smaller
                break
        if best is before:
            break
    return best


def _is_smaller(form: Threshold, other: Threshold | None, slots: Sequence[Slot]) -> bool:
    return other is None or size_of(form.coefficients, slots) < size_of(other.coefficients, slots)


def _merged(slots: tuple[Slot, ...], weights: tuple[int, ...], bias: int, is_step: bool) -> Threshold | None:
    """The first form proved for other weights of the slots; operands that are alike by now move together."""
    counts: Counter[tuple[int, int]] = Counter()
    for weight, (_, step, count) in zip(weights, slots, strict=True):
        counts[weight, step] += count
    kinds = sorted(counts)
    alike = tuple((w, step, counts[w, step]) for w, step in kinds)
    found = _first_proved(alike, bias, is_step, proposals(alike, bias))
    if found is None:
        return None
    form = dict(zip(kinds, found.coefficients, strict=True))
    return replace(found, coefficients=tuple(form[w, step] for w, (_, step, _) in zip(weights, slots, strict=True)))


def _first_proved(
    slots: tuple[Slot, ...], bias: int, zero_is_negative: bool, proposed: Iterable[tuple[int, ...]]
) -> Threshold | None:
    steps, reaches = [step for _, step, _ in slots], [step * n for _, step, n in slots]
    for coefficients in proposed:
        if is_beyond(sum(map(mul, map(abs, coefficients), reaches)), map(mul, coefficients, steps)):
            continue
        groups: dict[int, list[tuple[int, int]]] = {}
        for (weight, step, count), coefficient in zip(slots, coefficients, strict=True):
            groups.setdefault(coefficient * step, []).append((weight * step, count))
        signs = signs_along(sorted(groups.items()), bias, zero_is_negative)
        if signs is not None:
            return Threshold(coefficients, *signs)
    return None


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
