"""Piecewise linear functions of one integral form P as forms over P, its thresholds and its relus, and back.

The relus of P are variables `max(P - t, 0)`, or all of them `max(t - P, 0)` if that was asked for first; either is
written by the other and P. So the value of a unit seldom has P in it, and sums over many units stay short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddcompile.prove.curves import Curve, jumps, units_curve
from ddcompile.prove.forms import ZERO, Form, add, complement, scale, subtract, total, variable
from ddcompile.prove.nodes import Node

if TYPE_CHECKING:
    from ddcompile.prove.store import Store

__all__ = ["curve_in", "curved"]

STAIRCASE_LIMIT = 3
"""max(P - t, 0) with at most this many values above or below 0 is written as thresholds of P, and so is the difference
from max(P, 0) for t of at most this size."""


def curve_in(store: Store, form: Form) -> tuple[int, Curve] | None:
    """A form, times `2**form.exp`, as a function of the one P whose relus and thresholds occur in it."""
    index = store.nodes[max(form.terms)].base
    if index < 0 or not store.bases[index].ramps:
        return None
    units = {v: c for v, c in form.terms.items() if store.nodes[v].base == index}
    rest = {v: c for v, c in form.terms.items() if v not in units}
    line = store.bases[index].form.terms
    slope = 0
    if rest:
        first = next(iter(line))
        slope = rest.get(first, 0) // line[first]
        if len(rest) != len(line) or not slope or any(rest.get(v) != slope * c for v, c in line.items()):
            return None
    return index, units_curve(store.nodes, units, slope, form.const)


def curved(store: Store, index: int, curve: Curve) -> Form:
    """The form of a function of one P."""
    slope = curve[0].slope
    line = store.bases[index].form.terms if slope else {}
    parts = [Form({v: slope * c for v, c in line.items()}, curve[0].const)]
    for jump in jumps(curve):
        falls = jump.slope == -slope  # P cancels if the relu is one of -P
        if jump.slope and jump.rise == jump.slope:
            parts.append(scale(_ramp(store, index, jump.start - 1, falls), jump.slope))
            continue
        if jump.rise:
            parts.append(scale(store.step(index, jump.start), jump.rise))
        if jump.slope:
            parts.append(scale(_ramp(store, index, jump.start, falls), jump.slope))
    return total(parts)


def _ramp(store: Store, index: int, bound: int, falls: bool) -> Form:
    """`max(P - bound, 0)`; `falls` tells how to write the first relu of P."""
    base = store.bases[index]
    line = Form(base.form.terms, -bound)
    if base.high is not None and base.high <= bound:
        return ZERO
    if base.low is not None and base.low >= bound:
        return line
    if base.high is not None and base.high - bound <= STAIRCASE_LIMIT:
        return total(store.step(index, t) for t in range(bound + 1, base.high + 1))
    if base.low is not None and bound - base.low <= STAIRCASE_LIMIT:
        return total([line, *(complement(store.step(index, t)) for t in range(base.low + 1, bound + 1))])
    if 0 < abs(bound) <= STAIRCASE_LIMIT:
        steps = total(store.step(index, t) for t in range(min(bound, 0) + 1, max(bound, 0) + 1))
        return (subtract if bound > 0 else add)(_ramp(store, index, 0, falls), steps)
    v = base.ramps.get(bound)
    if v is None:
        if not base.ramps:
            base.falls = falls
        if base.falls:
            high = None if base.low is None else bound - base.low
            inner, number = scale(base.form, -1), -bound
        else:
            high = None if base.high is None else base.high - bound
            inner, number = base.form, bound
        node = Node("relu", (inner,), number, base=index, falls=base.falls, low=0, high=high, level=1 + base.level)
        v = base.ramps[bound] = store.intern(("ramp", index, bound), node)
    return total((line, variable(v))) if base.falls else variable(v)
