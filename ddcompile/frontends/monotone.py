"""Decisions about tanh and sigmoid that are decisions about what they are taken of: `sigmoid(z) > 1/2` is `z > 0`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ddcompile.frontends.activations import SMOOTH
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.network import INPUTS
from ddcompile.frontends.weights import Pointwise, objects

__all__ = ["Plain", "decision", "order"]

_MIDDLE = {"sigmoid": Fraction(1, 2), "tanh": Fraction(0)}
_ENDS = {"sigmoid": (0, 1), "tanh": (-1, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """`factors * x + shifts`, of flat units, about which is decided in place of an activation of them."""

    ids: np.ndarray
    factors: np.ndarray
    shifts: np.ndarray
    activation: str


@dataclass(frozen=True, slots=True, eq=False)
class _Smooth:
    """`factors * activation(x) + shifts`; `ids` are the units that are tanh or sigmoid themselves."""

    ids: np.ndarray
    factors: np.ndarray
    shifts: np.ndarray


def decision(drafts: Drafts, terms: list[tuple[np.ndarray, Any]], shifts: Any) -> Plain | None:
    """What has the sign of `sum of factor * x + shifts`, flat units, where every sum is of one tanh or sigmoid.

    Parameters
    ----------
    drafts : Drafts
    terms : list of (ids, factors)
    shifts : array of exact numbers, or one number

    Returns
    -------
    Plain or None
        None if a sum is of something else, or compares with a number for which that is not known.
    """
    found = [_traced(drafts, ids) for ids, _ in terms]
    if found[0] is None or any(f is None or not np.array_equal(f.ids, found[0].ids) for f in found[1:]):
        return None
    factors = np.asarray(sum(f.factors * given for f, (_, given) in zip(found, terms, strict=True) if f is not None))
    total = np.asarray(sum(f.shifts * given for f, (_, given) in zip(found, terms, strict=True) if f is not None))
    plain = _sources(drafts, found[0].ids)
    if plain is None:
        return None
    signs, offsets = np.empty(len(factors), dtype=object), np.empty(len(factors), dtype=object)
    for unit, (factor, shift) in enumerate(zip(factors.tolist(), (total + shifts).tolist(), strict=True)):
        kind = drafts.layers[int(drafts.owners(found[0].ids[unit : unit + 1])[0])].activation
        side = (factor > 0) - (factor < 0)
        place = -Fraction(shift) / Fraction(factor) if factor else None
        low, high = _ENDS[kind]
        if place is None or place <= low or place >= high:
            signs[unit], offsets[unit] = 0, shift if place is None else side if place <= low else -side
        elif place == _MIDDLE[kind]:
            signs[unit], offsets[unit] = side, 0
        else:
            return None
    return replace(plain, factors=signs * plain.factors, shifts=signs * plain.shifts + offsets)


def order(drafts: Drafts, ids: np.ndarray) -> Plain | None:
    """Flat units that are ordered as others which are one function of tanh or sigmoid, all of them; None if not."""
    found = _traced(drafts, ids)
    if found is None or len(set(found.factors.tolist())) > 1 or len(set(found.shifts.tolist())) > 1:
        return None
    kinds = {drafts.layers[k].activation for k in drafts.owners(found.ids).tolist()}
    plain, factor = _sources(drafts, found.ids), found.factors[0]
    if plain is None or len(kinds) > 1 or not factor:
        return None
    side = 1 if factor > 0 else -1
    return replace(plain, factors=side * plain.factors, shifts=side * plain.shifts)


def _traced(drafts: Drafts, ids: np.ndarray) -> _Smooth | None:
    """Units as multiples of tanh or sigmoid, through layers of one factor a unit."""
    if not any(layer.activation in SMOOTH for layer in drafts.layers):
        return None
    current = np.array(ids)
    factors, shifts = np.ones(len(ids), dtype=object), np.zeros(len(ids), dtype=object)
    while True:
        owners = drafts.owners(current)
        left = [k for k in np.unique(owners).tolist() if k == INPUTS or drafts.layers[k].activation not in SMOOTH]
        if not left:
            return _Smooth(current, factors, shifts)
        for owner in left:
            step = None if owner == INPUTS or drafts.layers[owner].activation != "identity" else _step(drafts, owner)
            if step is None:
                return None
            mine = owners == owner
            place = current[mine] - drafts.start(owner)
            shifts[mine] += factors[mine] * step[1][place]
            factors[mine] *= step[0][place]
            current[mine] = place + drafts.start(drafts.layers[owner].reads[0])


def _sources(drafts: Drafts, ids: np.ndarray) -> Plain | None:
    """What tanh and sigmoid units are taken of."""
    owners = drafts.owners(ids)
    sources, factors, shifts = ids.copy(), np.empty(len(ids), dtype=object), np.empty(len(ids), dtype=object)
    for owner in np.unique(owners).tolist():
        step = _step(drafts, owner)
        if step is None:
            return None
        mine = owners == owner
        place = ids[mine] - drafts.start(owner)
        factors[mine], shifts[mine] = step[0][place], step[1][place]
        sources[mine] = place + drafts.start(drafts.layers[owner].reads[0])
    return Plain(sources, factors, shifts, drafts.layers[int(owners[0])].activation)


def _step(drafts: Drafts, number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The factors and shifts of a layer of which every unit looks at its own place in another."""
    layer = drafts.layers[number]
    if not isinstance(layer.weight, Pointwise) or len(layer.reads) > 1 or layer.norm is not None or layer.divisor > 1:
        return None
    parts = (layer.weight.factors[0], layer.bias)
    factors, shifts = (objects(np.repeat(part, layer.units // len(part))) for part in parts)
    return factors, shifts
