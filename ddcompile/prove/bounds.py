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

__all__ = ["Bounds"]

_ORDERED_LIMIT = 128
"""Bounds of longer forms are those over free variables: thresholds and relus of one form are independent."""


class Bounds:
    """Bounds of forms over the variables of a store, which has `nodes` and `bases`, and of which `bits` are 0 or 1."""

    def __init__(self, nodes: Sequence[Node], bits: Set[int], bases: Sequence[Base]) -> None:
        self._nodes, self._bits, self._bases = nodes, bits, bases
        self._last: tuple[Mapping[int, int], Interval] = {}, (0, 0)

    def __call__(self, form: Form) -> Interval:
        """A range that holds all values of `form * 2**form.exp`."""
        if len(form.terms) > _ORDERED_LIMIT:
            return meet(form.span, self.free(form))
        free: dict[int, int] = {}
        units: dict[int, dict[int, int]] = {}
        for v, c in form.terms.items():
            if self._nodes[v].base < 0:
                free[v] = c
            else:
                units.setdefault(self._nodes[v].base, {})[v] = c
        span = self.free(Form(free, form.const))
        for base, own in units.items():
            span = plus(span, _together(self._nodes, self._bases[base], own))
        return meet(form.span, span)

    def free(self, form: Form) -> Interval:
        """The least and the greatest value of `form * 2**form.exp` over free variables."""
        if self._last[0] is not form.terms:
            self._last = form.terms, self._free(form.terms)
        return plus(self._last[1], (form.const, form.const))

    def _free(self, terms: Mapping[int, int]) -> Interval:
        if terms.keys() <= self._bits:
            positive = sum([c for c in terms.values() if c > 0])
            return sum(terms.values()) - positive, positive
        low: int | None = 0
        high: int | None = 0
        for v, c in terms.items():
            node = self._nodes[v]
            first, last = (node.low, node.high) if c > 0 else (node.high, node.low)
            low = None if low is None or first is None else low + c * first
            high = None if high is None or last is None else high + c * last
        return low, high


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
