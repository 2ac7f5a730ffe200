"""Functions that give one of several inputs, the number of which is written in others: `x[2 * s[0] + s[1]]`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ddcompile.ir import builder
from ddcompile.ir.nodes import Expr, Literal, Read

__all__ = ["selected"]

_MOST_BITS = 6
_MOST_SETS = 1 << 12


def selected(ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr]) -> Expr | None:
    """The element that some bits select, if the function is that.

    Parameters
    ----------
    ranges
        The values of each input.
    values
        0 or 1 for all combinations: an axis for each input.
    inputs
        The expressions of the inputs; the elements are reads at literal positions.
    """
    count = len(inputs)
    if any(r != range(2) for r in ranges):
        return None
    for bits in range(1, _MOST_BITS):
        if bits + 2**bits < count:
            continue
        if bits + 2**bits > count:
            return None
        tried = 0
        for chosen in combinations(range(count), bits):
            tried += 1
            if tried > _MOST_SETS:
                return None
            rest = [k for k in range(count) if k not in chosen]
            places = _projections(values.transpose([*chosen, *rest]).reshape(1 << bits, *(2,) * len(rest)))
            if places is None:
                continue
            found = _read([inputs[rest[p]] for p in places], [inputs[k] for k in chosen])
            if found is not None:
                return found
    return None


def _projections(functions: np.ndarray) -> list[int] | None:
    """Which input each of some functions gives; None if one gives none."""
    places = []
    for function in functions:
        place = None
        for axis in range(function.ndim):
            moved = np.moveaxis(function, axis, 0)
            if not moved[0].any() and moved[1].all():
                place = axis
        if place is None:
            return None
        places.append(place)
    return places


def _read(elements: Sequence[Expr], bits: Sequence[Expr]) -> Expr | None:
    """The read whose positions are affine in the bits; the first bit is the highest in the order of the elements."""
    positions = []
    for element in elements:
        if not isinstance(element, Read) or element.pad is not None or element.tensor != elements[0].tensor:  # type: ignore[attr-defined]
            return None
        place = [p.value for p in element.positions if isinstance(p, Literal)]
        if len(place) != len(element.positions) or not place:
            return None
        positions.append(place)
    table = np.array(positions, dtype=np.int64)
    count = len(bits)
    steps = [table[1 << (count - 1 - k)] - table[0] for k in range(count)]
    for number, place in enumerate(table):
        own = table[0] + sum((steps[k] for k in range(count) if number >> (count - 1 - k) & 1), np.zeros_like(table[0]))
        if (own != place).any():
            return None
    written = []
    for axis in range(table.shape[1]):
        terms = sorted(((int(steps[k][axis]), bits[k]) for k in range(count)), key=lambda t: -t[0])
        total = builder.add_all(builder.mul(step, bit) for step, bit in terms if step)
        written.append(builder.add(total, int(table[0][axis])))
    first = elements[0]
    assert isinstance(first, Read)
    return Read(first.tensor, tuple(written))
