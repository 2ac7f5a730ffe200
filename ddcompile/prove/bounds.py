"""Least and greatest values of forms: what is known of them, and what their variables allow.

Variables are taken as free, but for thresholds and relus of one form P in a short sum: together they are a function of
P, whose extremes over the range of P are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from ddcompile.prove.curves import curve_of, extremes, units_curve
from ddcompile.prove.forms import Form
from ddcompile.prove.intervals import Interval, meet, plus, times
from ddcompile.prove.nodes import Base, Node

__all__ = ["bounds", "free_bounds"]

ORDERED_LIMIT = 128
"""Bounds of longer forms take thresholds and relus of one form as independent."""


def free_bounds(nodes: Sequence[Node], bits: Set[int], form: Form) -> Interval:
    """The least and greatest value of `form * 2**form.exp` over free variables, of which `bits` are 0 or 1."""
    if form.terms.keys() <= bits:
        positive = sum(filter((0).__lt__, form.terms.values()))
        return form.const + sum(form.terms.values()) - positive, form.const + positive
    low: int | None = form.const
    high: int | None = form.const
    for v, c in form.terms.items():
        node = nodes[v]
        first, last = (node.low, node.high) if c > 0 else (node.high, node.low)
        low = None if low is None or first is None else low + c * first
        high = None if high is None or last is None else high + c * last
    return low, high


def bounds(nodes: Sequence[Node], bits: Set[int], bases: Sequence[Base], form: Form) -> Interval:
    """A range that holds all values of `form * 2**form.exp`."""
    if len(form.terms) > ORDERED_LIMIT:
        return meet(form.span, free_bounds(nodes, bits, form))
    free: dict[int, int] = {}
    units: dict[int, dict[int, int]] = {}
    for v, c in form.terms.items():
        if nodes[v].base < 0:
            free[v] = c
        else:
            units.setdefault(nodes[v].base, {})[v] = c
    span = free_bounds(nodes, bits, Form(free, form.const))
    for base, own in units.items():
        span = plus(span, _together(nodes, bases[base], own))
    return meet(form.span, span)


def _together(nodes: Sequence[Node], base: Base, units: Mapping[int, int]) -> Interval:
    """Bounds of a sum of thresholds and relus of one form, which are a function of its value."""
    if len(units) == 1:
        ((v, c),) = units.items()
        return times((nodes[v].low, nodes[v].high), (c, c))
    if base.integral:
        return extremes(units_curve(nodes, units), base.low, base.high)
    # Of the bounds of thresholds only the order counts.
    ranked = sorted((nodes[v].number, nodes[v].strict, c) for v, c in units.items())
    return extremes(curve_of(0, 0, {rank: c for rank, (_, _, c) in enumerate(ranked)}, {}), None, None)
