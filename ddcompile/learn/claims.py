"""A subconcept neuron: which planes say that a sample belongs to a part, and how many of them must."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.bank import Bank
from ddcompile.learn.linear import Planes
from ddcompile.learn.separators import separate, share_of

__all__ = ["Claim", "claim"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

BATCH = 64
"""How many rivals are looked at at once where not all are."""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """Positive where the weighted planes, each -1, 0 or 1, and the bias add up to more than 0.

    Attributes
    ----------
    planes : (ndarray of shape (planes, features), ndarray of shape (planes,))
    weights : ndarray of shape (planes,), int64
    bias : int
    is_exact : bool
        Whether it is positive for all samples of the part and negative for all of other kinds.
    """

    planes: Planes
    weights: Array
    bias: int
    is_exact: bool


def claim(bank: Bank, s: int, kept_margin: float) -> Claim:
    """The neuron of a part: a separator on the outputs of the planes between it and parts of other kinds.

    Where all planes together set the part apart, each counts once, and the last that can go without the margin falling
    below `kept_margin` of what it was are left out; otherwise it is a separator of largest margin.

    Parameters
    ----------
    bank : Bank
    s : int
        The number of the part.
    kept_margin : float
        From 0 to 1.
    """
    kind, samples = bank.parts[s]
    is_other = bank.kinds != kind
    (rows, bias), outputs = _considered(bank, s, is_other)
    if not len(bias):
        return Claim((rows, bias), np.zeros(0, dtype=np.int64), 1, True)
    own, rest = outputs[:, samples], outputs[:, is_other]
    rival = max(price for k, price in enumerate(bank.prices) if k != kind)
    if int(own.sum(axis=0, dtype=np.int64).min()) > int(rest.sum(axis=0, dtype=np.int64).max()):
        kept, low, high = _pruned(own, rest, kept_margin)
        share = share_of(bank.prices[kind], rival)
        # Sums are whole numbers, so that halves between them are all that there is to choose from.
        twice = min(max(round(((16 - share) * high + share * low) / 8), 2 * high + 1), 2 * low - 1)
        factor = 1 + twice % 2
        return Claim((rows[kept], bias[kept]), np.full(len(kept), factor), -factor * twice // 2, True)
    plane = separate(own.T.astype(np.int64), rest.T.astype(np.int64), bank.C, (bank.prices[kind], rival))
    kept = np.flatnonzero(plane.weights)
    is_exact = bool((plane.signs(own.T) > 0).all() and (plane.signs(rest.T) < 0).all())
    return Claim((rows[kept], bias[kept]), plane.weights[kept], int(plane.bias), is_exact)


def _considered(bank: Bank, s: int, is_other: Array) -> tuple[Planes, Array]:
    """The planes between a part and its rivals, the nearest first, and the side on which each sample is.

    All of them; or of very many, as many as keep out all samples of other kinds.
    """
    rivals = bank.rivals(s)
    if bank.is_complete:
        return _distinct(bank, s, rivals) if len(rivals) else _none(bank)
    chosen, found = [], []
    inside = is_other.copy()
    while inside.any() and len(rivals):
        rivals = rivals[np.bincount(bank.parts_of[inside], minlength=len(bank.parts))[rivals] > 0]
        some, rivals = rivals[:BATCH], rivals[BATCH:]
        if not len(some):
            break
        outputs = bank.signs(s, some, bank.planes(s, some))
        for t, output in zip(some, outputs, strict=True):
            if inside[bank.parts[t][1]].any():
                chosen.append(t)
                found.append(output)
                inside &= output > 0
    if not chosen:
        return _none(bank)
    return bank.planes(s, np.array(chosen)), np.stack(found)


def _distinct(bank: Bank, s: int, rivals: Array) -> tuple[Planes, Array]:
    weights, bias = bank.planes(s, rivals)
    first = np.sort(np.unique(np.column_stack([weights, bias]), axis=0, return_index=True)[1])
    planes = weights[first], bias[first]
    return planes, bank.signs(s, rivals[first], planes)


def _none(bank: Bank) -> tuple[Planes, Array]:
    empty = np.zeros((0, bank.points.shape[1]), dtype=np.int64), np.zeros(0, dtype=np.int64)
    return empty, np.zeros((0, len(bank.points)), dtype=np.int8)


def _pruned(own: Array, rest: Array, kept_margin: float) -> tuple[Array, int, int]:
    """Which planes to keep, and between which sums the border is then: the last that can go go."""
    number = len(own)
    kept = np.ones(number, dtype=bool)
    own_sums, rest_sums = own.sum(axis=0, dtype=np.int32), rest.sum(axis=0, dtype=np.int32)
    low, high = int(own_sums.min()), int(rest_sums.max())
    wanted = kept_margin * (low - high) / np.sqrt(number)
    for k in range(number - 1, -1, -1):
        fewer_own, fewer_rest = own_sums - own[k], rest_sums - rest[k]
        below, above = int(fewer_own.min()), int(fewer_rest.max())
        if number > 1 and below > above and (below - above) / np.sqrt(number - 1) >= wanted:
            kept[k] = False
            number, own_sums, rest_sums, low, high = number - 1, fewer_own, fewer_rest, below, above
    return np.flatnonzero(kept), low, high
