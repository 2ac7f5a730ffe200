"""Sums that neighbouring rows share: what a sum takes of each of several rows is added up once for every row.

Of the nine cells around one, three lie in each of three rows. The sum of three neighbours in a row is kept in two bit
planes beside the row, so that the sums of the next two rows need not add them again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeAlias

from ddcompile.ir.nodes import Number
from ddcompile.kernel.grid.circuits import Circuit, Leaf
from ddcompile.kernel.grid.sums import Form, added, coprime, digits, scaled_form

__all__ = ["Planes"]

_Pattern: TypeAlias = tuple[tuple[int, int], ...]
"""Offsets within a row and the integers, without a common divisor, that bits there are multiplied by."""


@dataclass(slots=True)
class Planes:
    """The bit planes that are kept beside rows.

    Attributes
    ----------
    circuit
        Where the gates are.
    gates
        For every stream, the gates of its planes, from those of plane 0, which are the stream itself and not listed.
    """

    circuit: Circuit
    gates: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _known: dict[tuple[str, _Pattern], tuple[range, int]] = field(default_factory=dict)

    def shared(self, form: Form) -> Form:
        """The same sum with what it takes of several rows in the same way replaced by planes of these rows."""
        rows: dict[tuple[str, tuple[int, ...]], list[tuple[int, Number]]] = defaultdict(list)
        for gate, weight in form.terms:
            leaf = self.circuit.gates[gate]
            if isinstance(leaf, Leaf) and leaf.plane == 0:
                rows[leaf.stream, leaf.offset[:-1]].append((leaf.offset[-1], weight))
        found: dict[tuple[str, _Pattern], list[tuple[tuple[int, ...], Number]]] = defaultdict(list)
        for (stream, outer), items in rows.items():
            if len(items) > 1:
                places, weights = zip(*sorted(items), strict=True)
                whole, factor = coprime(weights)
                found[stream, tuple(zip(places, whole, strict=True))].append((outer, factor))
        replaced: list[Form] = []
        for (stream, pattern), uses in sorted(found.items()):
            if len(uses) < 2:
                continue
            for outer, factor in uses:
                old = [(self.circuit.leaf(Leaf(stream, 0, (*outer, d))), -w * factor) for d, w in pattern]
                replaced += [Form(0, tuple(sorted(old))), scaled_form(self._sum(stream, pattern, outer), factor)]
        return added([form, *replaced]) if replaced else form

    def _sum(self, stream: str, pattern: _Pattern, outer: tuple[int, ...]) -> Form:
        """The sum of a pattern in a row, from its planes."""
        if (stream, pattern) not in self._known:
            here = (0,) * len(outer)
            terms = [(self.circuit.leaf(Leaf(stream, 0, (*here, d))), w) for d, w in pattern]
            planes, low, _ = digits(self.circuit, terms)
            first = len(self.gates[stream]) + 1
            self.gates[stream] += planes
            self._known[stream, pattern] = range(first, first + len(planes)), low
        numbers, low = self._known[stream, pattern]
        terms = [(self.circuit.leaf(Leaf(stream, n, (*outer, 0))), 1 << k) for k, n in enumerate(numbers)]
        return Form(low, tuple(sorted(terms)))
